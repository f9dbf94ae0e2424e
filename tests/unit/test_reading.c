#include "config/reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void quotes_a_word_for_one_line(void **state)
{
    (void)state;
    assert_string_equal(reading_quote("topci").text, "'topci'");
    assert_string_equal(reading_quote("").text, "''");
    assert_string_equal(reading_quote("a\nb\x1B[1m\x7F").text, "'a?b?[1m?'");
    assert_string_equal(reading_quote("caf\xC3\xA9").text, "'caf\xC3\xA9'");
}

static void cuts_a_long_word_between_characters(void **state)
{
    (void)state;
    char word[3 * READING_WORD_MAX] = "";
    for (int i = 0; i < READING_WORD_MAX - 1; i++)
        strcat(word, "x");
    char *end = word + strlen(word);
    strcpy(end, "y");
    assert_null(strstr(reading_quote(word).text, "..."));
    strcpy(end, "\xC3\xA9");
    assert_null(strstr(reading_quote(word).text, "\xC3"));
    assert_non_null(strstr(reading_quote(word).text, "x...'"));
}

static void says_where(void **state)
{
    (void)state;
    struct weir_err err;
    struct reading reading = {.name = "f.yaml", .err = &err};
    assert_int_equal(reading_fail(&reading, (struct weir_at){3, 7}, "%s is wrong", "it"), WEIR_ERR_CONFIG);
    assert_string_equal(err.text, "f.yaml:3:7: it is wrong");
    reading_fail(&reading, (struct weir_at){0, 0}, "it is wrong");
    assert_string_equal(err.text, "f.yaml: it is wrong");
    assert_int_equal(reading_no_memory(&reading), WEIR_ERR_NO_MEMORY);
    assert_string_equal(err.text, "f.yaml: not enough memory");
}

static void a_long_name_leaves_room_for_the_text(void **state)
{
    (void)state;
    char name[1000];
    struct weir_err err;
    struct reading reading = {.name = name, .err = &err};
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    reading_fail(&reading, (struct weir_at){3, 7}, "it is wrong");
    assert_non_null(strstr(err.text, ":3:7: it is wrong"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes_a_word_for_one_line),
        cmocka_unit_test(cuts_a_long_word_between_characters),
        cmocka_unit_test(says_where),
        cmocka_unit_test(a_long_name_leaves_room_for_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
