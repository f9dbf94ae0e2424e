#include "weir/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const fields[] = {"user_id", "app_version", NULL,       "device_type",
                                     "ip",      "locale",      "device_id"};
#define N_FIELDS (sizeof fields / sizeof fields[0])

static void finds_the_name_that_was_meant(void **state)
{
    (void)state;
    static const char *const table[][2] = {
        {"user_di", "user_id"},         /* two neighbours swapped */
        {"userid", "user_id"},          /* a character lacks */
        {"locales", "locale"},          /* one too many */
        {"lokale", "locale"},           /* one replaced */
        {"Device_Type", "device_type"}, /* case does not count */
        {"device_idd", "device_id"},    /* the nearest of several */
        {"ip", "ip"},
        {"pi", "ip"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        assert_string_equal(weir_nearest(table[i][0], fields, N_FIELDS), table[i][1]);
}

static void says_nothing_when_nothing_is_near(void **state)
{
    (void)state;
    char long_word[WEIR_NEAREST_LENGTH_MAX + 2];
    memset(long_word, 'a', sizeof long_word - 1);
    long_word[sizeof long_word - 1] = '\0';
    const char *const long_names[] = {long_word};
    assert_null(weir_nearest("", fields, N_FIELDS));
    assert_null(weir_nearest("zzz", fields, N_FIELDS));
    assert_null(weir_nearest("timestamp", fields, N_FIELDS));
    assert_null(weir_nearest("locale", fields, 0));
    assert_null(weir_nearest(long_word, long_names, 1));
    assert_null(weir_nearest("a", long_names, 1));
    assert_string_equal(weir_nearest(long_word + 1, (const char *const[]){long_word + 2}, 1), long_word + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_name_that_was_meant),
        cmocka_unit_test(says_nothing_when_nothing_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
