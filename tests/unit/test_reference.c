#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#define BEGIN "<!-- options: begin -->\n"
#define END   "<!-- options: end -->"

#define PAGE_MAX (256 * 1024)

/* docs/configuration.md between its two marks; for the caller to free. */
static char *documented(void)
{
    char *page = calloc(1, PAGE_MAX);
    FILE *from = fopen(WEIR_ROOT "/docs/configuration.md", "r");
    assert_non_null(page);
    assert_non_null(from);
    assert_true(fread(page, 1, PAGE_MAX - 1, from) > 0);
    (void)fclose(from);
    char *begin = strstr(page, BEGIN), *end = strstr(page, END);
    assert_non_null(begin);
    assert_non_null(end);
    *end = '\0';
    memmove(page, begin + strlen(BEGIN), strlen(begin + strlen(BEGIN)) + 1);
    return page;
}

/* The tables of the page are those that the program prints: run `weir config options` and paste. */
static void the_page_is_up_to_date(void **state)
{
    (void)state;
    char *printed = NULL, *page = documented();
    size_t len;
    struct weir_err err;
    FILE *to = open_memstream(&printed, &len);
    assert_non_null(to);
    assert_int_equal(config_reference(to, &err), WEIR_OK);
    (void)fclose(to);
    assert_string_equal(page, printed);
    free(printed);
    free(page);
}

static void says_when_it_cannot_write(void **state)
{
    (void)state;
    struct weir_err err;
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    assert_int_equal(config_reference(full, &err), WEIR_ERR_IO);
    (void)fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_up_to_date),
        cmocka_unit_test(says_when_it_cannot_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
