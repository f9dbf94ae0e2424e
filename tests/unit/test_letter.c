#include "dlq/letter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct weir_header header(const char *name, const char *value)
{
    return (struct weir_header){name, weir_bytes_of(value)};
}

static struct letter read_letter(const struct weir_header *headers, size_t n, bool expected)
{
    static struct weir_record record;
    struct letter letter;
    record = (struct weir_record){.key = weir_bytes_of("k"),
                                  .value = weir_bytes_of("v"),
                                  .headers = headers,
                                  .n_headers = n,
                                  .partition = 1,
                                  .offset = 17,
                                  .timestamp_ms = 5000};
    assert_int_equal(letter_read(&record, &letter), expected);
    return letter;
}

static void a_whole_letter(void **state)
{
    (void)state;
    const struct weir_header headers[] = {
        header("traceparent", "00-1"),
        header("__weir.errors.code", "old"),
        header("__weir.errors.code", "bad_enum"),
        header("__weir.errors.message", "no such symbol"),
        header("__weir.errors.field", "device_type"),
        header("__weir.errors.topic", "user-login"),
        header("__weir.errors.partition", "3"),
        header("__weir.errors.offset", "9007199254740993"),
        header("__weir.errors.timestamp", "1000"),
        header("__weir.errors.first.failed", "2000"),
        header("__weir.errors.schema.id", "7"),
        header("__connect.errors.topic", "theirs"),
    };
    struct letter letter = read_letter(headers, COUNT(headers), true);
    assert_true(weir_bytes_equal(letter.code, weir_bytes_of("bad_enum")));
    assert_true(weir_bytes_equal(letter.field, weir_bytes_of("device_type")));
    assert_null(letter.stage.data);
    assert_string_equal(letter.source.topic, "user-login");
    assert_int_equal(letter.source.partition, 3);
    assert_int_equal(letter.source.offset, 9007199254740993);
    assert_true(weir_bytes_equal(letter.schema_id, weir_bytes_of("7")));
    assert_int_equal(letter.reader_version, -1);
    assert_int_equal(letter_time_ms(&letter), 2000);
    assert_false(letter.reference);
    struct weir_header kept[COUNT(headers)];
    struct weir_record original;
    letter_original(&letter, WEIR_DIALECT_WEIR, kept, &original);
    assert_int_equal(original.n_headers, 2);
    assert_string_equal(kept[0].name, "traceparent");
    assert_string_equal(kept[1].name, "__connect.errors.topic");
    assert_int_equal(original.partition, 3);
    assert_int_equal(original.offset, 9007199254740993);
    assert_int_equal(original.timestamp_ms, 1000);
    letter_original(&letter, WEIR_DIALECT_CONNECT, kept, &original);
    assert_int_equal(original.n_headers, 1);
}

/* What does not say which record failed is no letter, whatever else it says. */
static void what_is_no_letter(void **state)
{
    (void)state;
    static const char *const bad[][3] = {
        {NULL, "3", "4"}, {"", "3", "4"},  {"t", NULL, "4"},  {"t", "3", NULL},
        {"t", "-1", "4"}, {"t", "3", "x"}, {"a:b", "3", "4"}, {"t", "99999999999", "4"},
        {"t", "3", "-4"}, {"t", "3", ""},  {"a b", "3", "4"}, {"a\"b", "3", "4"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        const struct weir_header headers[] = {
            header("__weir.errors.code", "bad_enum"), header("__weir.errors.topic", bad[i][0]),
            header("__weir.errors.partition", bad[i][1]), header("__weir.errors.offset", bad[i][2])};
        (void)read_letter(headers, COUNT(headers), false);
    }
    const struct weir_header no_code[] = {header("__weir.errors.topic", "t"),
                                          header("__weir.errors.partition", "1"),
                                          header("__weir.errors.offset", "1")};
    (void)read_letter(no_code, COUNT(no_code), false);
    (void)read_letter(NULL, 0, false);
    char topic[LETTER_TOPIC_MAX + 1];
    memset(topic, 'a', LETTER_TOPIC_MAX);
    topic[LETTER_TOPIC_MAX] = '\0';
    const struct weir_header too_long[] = {
        header("__weir.errors.code", "x"), header("__weir.errors.topic", topic),
        header("__weir.errors.partition", "1"), header("__weir.errors.offset", "1")};
    (void)read_letter(too_long, COUNT(too_long), false);
}

static void places_are_read_as_they_are_printed(void **state)
{
    (void)state;
    char text[LETTER_PLACE_MAX];
    struct letter_place place = {.topic = "a.b-c_d", .partition = INT32_MAX, .offset = INT64_MAX}, read;
    assert_true(letter_place_parse(letter_place_print(&place, text), NULL, &read));
    assert_string_equal(read.topic, place.topic);
    assert_int_equal(read.partition, place.partition);
    assert_int_equal(read.offset, place.offset);
    assert_true(letter_place_parse("3:17", "t", &read));
    assert_string_equal(read.topic, "t");
    assert_int_equal(read.offset, 17);
    static const char *const bad[] = {
        "", "3", ":", "3:", ":3", "t:3", "t:3:", "t::3", "t:-1:3", "t:1:+3", "t:1:3 ", "a:b:1:2", "lease"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(letter_place_parse(bad[i], NULL, &read));
    assert_false(letter_place_parse("1:2147483648:3", "t", &read));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_letter),
        cmocka_unit_test(what_is_no_letter),
        cmocka_unit_test(places_are_read_as_they_are_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
