#include "core/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct journal_words words;
static struct journal_span span;
static uint8_t buffer[JOURNAL_VALUE_MAX];

static int set_up(void **state)
{
    (void)state;
    journal_words_init(&words);
    journal_span_begin(&span, 3, 100, false);
    return 0;
}

static bool add_given(int64_t offset, unsigned kind, bool given, struct journal_writer *writer)
{
    const struct journal_entry entry = {offset, kind, given, writer};
    return journal_span_add(&span, &words, &entry);
}

static void add(int64_t offset, unsigned kind)
{
    assert_true(add_given(offset, kind, false, NULL));
}

static void expect_batch(const char *wanted)
{
    const struct journal_print plan = {"00112233445566778899aabbccddeeff"};
    struct weir_bytes value = journal_write_batch(&span, "logins", &plan, buffer);
    char text[JOURNAL_VALUE_MAX + 1];
    memcpy(text, value.data, value.len);
    text[value.len] = '\0';
    assert_string_equal(text, wanted);
}

/* The format is read by other programs, and by weir's later versions: what stands here stays. */
static void test_batch(void **state)
{
    (void)state;
    struct journal_writer seven = {.key = {.id = 7}, .print = {"fefefefefefefefefefefefefefefefe"}};
    add(102, WEIR_CODE_NONE);
    add(103, JOURNAL_DROP);
    assert_true(add_given(105, WEIR_CODE_BAD_MAGIC, false, &seven));
    assert_true(add_given(106, WEIR_CODE_UNKNOWN_SCHEMA, true, NULL));
    assert_true(add_given(109, WEIR_CODE_UNKNOWN_SCHEMA, true, NULL));
    assert_true(add_given(110, WEIR_CODE_NONE, false, &seven));
    span.next = 120;
    expect_batch(
        "{\"v\":1,\"kind\":\"batch\",\"topic\":\"logins\",\"partition\":3,\"from\":100,\"first\":102,"
        "\"next\":120,\"plan\":\"00112233445566778899aabbccddeeff\","
        "\"writers\":{\"7\":\"fefefefefefefefefefefefefefefefe\"},\"records\":6,\"pass\":2,\"drop\":1,"
        "\"reject\":{\"bad_magic\":1,\"unknown_schema\":2},"
        "\"given\":[{\"first\":106,\"last\":109,\"code\":\"unknown_schema\"}],"
        "\"hash\":\"e75d5db210f0a69c\"}");
}

static void test_batch_that_begins_a_chain(void **state)
{
    (void)state;
    journal_span_begin(&span, 0, 0, true);
    add(0, WEIR_CODE_NONE);
    expect_batch(
        "{\"v\":1,\"kind\":\"batch\",\"topic\":\"logins\",\"partition\":0,\"from\":0,\"begins\":true,"
        "\"first\":0,\"next\":1,\"plan\":\"00112233445566778899aabbccddeeff\",\"writers\":{},"
        "\"records\":1,\"pass\":1,\"drop\":0,\"reject\":{},\"hash\":\"6661e68117e1c738\"}");
}

/* The hash tells order, offsets and verdicts apart. */
static void test_hash(void **state)
{
    static const struct {
        int64_t offset;
        unsigned kind;
    } rows[][2] = {
        {{1, WEIR_CODE_NONE}, {2, JOURNAL_DROP}},     {{1, JOURNAL_DROP}, {2, WEIR_CODE_NONE}},
        {{1, WEIR_CODE_NONE}, {3, JOURNAL_DROP}},     {{1, WEIR_CODE_NONE}, {2, WEIR_CODE_NOT_JSON}},
        {{1, WEIR_CODE_NONE}, {2, WEIR_CODE_NONE}},   {{0, WEIR_CODE_NONE}, {2, WEIR_CODE_NONE}},
        {{1, WEIR_CODE_TOO_DEEP}, {2, JOURNAL_DROP}}, {{1, WEIR_CODE_TOO_LARGE}, {2, JOURNAL_DROP}},
    };
    enum { ROWS = sizeof rows / sizeof *rows };
    uint64_t hashes[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        (void)set_up(state);
        for (size_t k = 0; k < 2; k++)
            add(rows[i][k].offset, rows[i][k].kind);
        hashes[i] = span.hash;
        for (size_t k = 0; k < i; k++)
            assert_true(hashes[i] != hashes[k]);
    }
}

/* Only records that follow each other share a range. */
static void test_ranges(void **state)
{
    (void)state;
    assert_true(add_given(100, WEIR_CODE_UNKNOWN_SCHEMA, true, NULL));
    add(101, WEIR_CODE_NONE);
    assert_true(add_given(102, WEIR_CODE_UNKNOWN_SCHEMA, true, NULL));
    assert_true(add_given(103, WEIR_CODE_TOO_LARGE, true, NULL));
    assert_true(add_given(104, WEIR_CODE_TOO_LARGE, true, NULL));
    assert_int_equal(span.n_given, 3);
    assert_int_equal(span.given[2].first, 103);
    assert_int_equal(span.given[2].last, 104);
    /* Its bytes tell this one, so it ends the range. */
    add(105, WEIR_CODE_TOO_LARGE);
    assert_true(add_given(106, WEIR_CODE_TOO_LARGE, true, NULL));
    assert_int_equal(span.n_given, 4);
}

/* What does not fit is not taken, and what is full at the most it can hold can still be written. */
static void test_full_lists(void **state)
{
    (void)state;
    struct journal_writer writers[JOURNAL_WRITERS_MAX + 1];
    char topic[250];
    memset(topic, 't', sizeof topic - 1);
    topic[sizeof topic - 1] = '\0';
    for (size_t i = 0; i <= JOURNAL_WRITERS_MAX; i++) {
        writers[i] = (struct journal_writer){.key = {.by_guid = true}};
        memset(writers[i].print.hex, 'f', sizeof writers[i].print.hex - 1);
    }
    journal_span_begin(&span, INT32_MAX, INT64_MAX / 2, true);
    for (size_t i = 0; i < JOURNAL_KINDS; i++)
        span.counts[i] = UINT32_MAX - 1000;
    for (int64_t i = 0; i < JOURNAL_GIVEN_MAX; i++) {
        assert_true(add_given(INT64_MAX / 2 + 2 * i, WEIR_CODE_UNKNOWN_SCHEMA, true, &writers[i % 16]));
        add(INT64_MAX / 2 + 2 * i + 1, WEIR_CODE_NONE);
    }
    struct journal_span before = span;
    assert_false(add_given(INT64_MAX - 2, WEIR_CODE_UNKNOWN_SCHEMA, true, NULL));
    assert_false(add_given(INT64_MAX - 2, WEIR_CODE_NONE, false, &writers[JOURNAL_WRITERS_MAX]));
    assert_memory_equal(&before, &span, sizeof span);
    assert_true(add_given(INT64_MAX - 2, WEIR_CODE_NONE, false, &writers[3]));
    struct weir_bytes value = journal_write_batch(&span, topic, &writers[0].print, buffer);
    assert_in_range(value.len, 2000, JOURNAL_VALUE_MAX - 1024);
    assert_int_equal(value.data[value.len - 1], '}');
    uint8_t key[JOURNAL_KEY_MAX];
    assert_int_equal(journal_key_batch(topic, INT32_MAX, key).len, 6 + 249 + 1 + 10);
}

/* Each word is what the page says: FNV-1a of the verdict's text. */
static void test_words(void **state)
{
    (void)state;
    assert_true(words.of[WEIR_CODE_NONE] == UINT64_C(0x17cc25194f234ff8));
    assert_true(words.of[JOURNAL_DROP] == UINT64_C(0x0694a87240e9cb6c));
    assert_true(words.of[WEIR_CODE_NOT_JSON] == UINT64_C(0xd08e3c1abf81fd22));
}

static void test_kinds(void **state)
{
    (void)state;
    struct weir_outcome outcome = {.verdict = WEIR_PASS};
    assert_int_equal(journal_kind(&outcome), WEIR_CODE_NONE);
    outcome.verdict = WEIR_DROP;
    assert_int_equal(journal_kind(&outcome), JOURNAL_DROP);
    outcome.verdict = WEIR_REJECT;
    outcome.why.code = WEIR_CODE_BAD_ENUM;
    assert_int_equal(journal_kind(&outcome), WEIR_CODE_BAD_ENUM);
}

static const struct journal_plan example = {
    .pipeline = "logins",
    .program = "1.2",
    .reader = {.subject = "in-\"value\"", .version = 3, .id = 7},
    .output = {.subject = "out-value", .version = 1, .id = 4000000000},
};

static void test_plan(void **state)
{
    (void)state;
    struct journal_plan plan = example;
    struct journal_print print, other;
    plan.config = weir_bytes_of("pipeline: logins\n");
    plan.reader.text = weir_bytes_of("\"string\"");
    plan.output.text = weir_bytes_of("\"long\"");
    struct weir_bytes value = journal_write_plan(&plan, buffer, &print);
    char text[JOURNAL_VALUE_MAX + 1];
    memcpy(text, value.data, value.len);
    text[value.len] = '\0';
    assert_string_equal(text, "{\"v\":1,\"kind\":\"plan\",\"pipeline\":\"logins\",\"program\":\"weir 1.2\","
                              "\"config\":\"769636376bab224d7059ac5a7e4a2cf6\","
                              "\"reader\":{\"subject\":\"in-\\\"value\\\"\",\"version\":3,\"id\":7,"
                              "\"text\":\"e9e5c1c9e4f6277339d1bcde0733a59b\"},"
                              "\"output\":{\"subject\":\"out-value\",\"version\":1,\"id\":4000000000,"
                              "\"text\":\"c32c497df6730c97fa07362aa5023f37\"}}");
    journal_print_of(value, &other);
    assert_string_equal(print.hex, other.hex);
    uint8_t key[JOURNAL_KEY_MAX];
    assert_true(weir_bytes_starts(journal_key_plan(&print, key), "plan:"));
    assert_int_equal(journal_key_plan(&print, key).len, 5 + 32);
    plan.config = weir_bytes_of("pipeline: others\n");
    (void)journal_write_plan(&plan, buffer, &other);
    assert_string_not_equal(print.hex, other.hex);
}

/* The longest names that a configuration takes, and every character of the subjects escaped. */
static void test_largest_plan(void **state)
{
    (void)state;
    char pipeline[201], subject[513];
    memset(pipeline, 'p', sizeof pipeline - 1);
    memset(subject, 1, sizeof subject - 1);
    pipeline[200] = subject[512] = '\0';
    struct journal_schema schema = {subject, INT64_MIN, UINT32_MAX, WEIR_NO_BYTES};
    struct journal_plan plan = {pipeline, "0.0.0-something", WEIR_NO_BYTES, schema, schema};
    struct journal_print print;
    struct weir_bytes value = journal_write_plan(&plan, buffer, &print);
    assert_in_range(value.len, 6 * 1024, JOURNAL_VALUE_MAX - 256);
    assert_int_equal(value.data[value.len - 1], '}');
}

/* Parts put together are the text, and each of them is well-formed by itself. */
static void test_parts(void **state)
{
    (void)state;
    struct weir_bytes text = weir_bytes_of("a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80z\xF0\x9F\x98\x80\xC3\xA4");
    for (size_t max = 4; max < text.len + 2; max++) {
        size_t at = 0;
        while (at < text.len) {
            struct weir_bytes rest = {text.data + at, text.len - at};
            size_t len = journal_cut(rest, max);
            assert_in_range(len, 1, max);
            assert_true(weir_utf8_valid((struct weir_bytes){rest.data, len}, NULL));
            at += len;
        }
        assert_int_equal(at, text.len);
    }
    /* Text that is no UTF-8 comes to an end too. */
    uint8_t bad[64];
    memset(bad, 0x80, sizeof bad);
    assert_int_equal(journal_cut((struct weir_bytes){bad, sizeof bad}, 16), 16);
}

static void test_text(void **state)
{
    (void)state;
    uint8_t memory[4 * JOURNAL_TEXT_GROWTH + JOURNAL_TEXT_FRAME];
    struct weir_arena arena;
    struct weir_bytes value;
    weir_arena_init(&arena, memory, sizeof memory);
    assert_true(journal_write_text(weir_bytes_of("\x01\x02\"\n"), 0, 2, &arena, &value));
    assert_true(weir_bytes_equal(
        value, weir_bytes_of(
                   "{\"v\":1,\"kind\":\"text\",\"part\":0,\"parts\":2,\"text\":\"\\u0001\\u0002\\\"\\n\"}")));
    weir_arena_init(&arena, memory, sizeof memory - 1);
    assert_false(journal_write_text(weir_bytes_of("1234"), 1, 2, &arena, &value));
    uint8_t key[JOURNAL_KEY_MAX];
    struct journal_print print = {"0f"};
    assert_true(weir_bytes_equal(journal_key_text(&print, 12, key), weir_bytes_of("text:0f:12")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_batch, set_up),
        cmocka_unit_test_setup(test_batch_that_begins_a_chain, set_up),
        cmocka_unit_test(test_hash),
        cmocka_unit_test_setup(test_ranges, set_up),
        cmocka_unit_test_setup(test_full_lists, set_up),
        cmocka_unit_test_setup(test_words, set_up),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_plan),
        cmocka_unit_test(test_largest_plan),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
