#include "audit/sight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/envelope.h"

static const struct sight_world world = {.key = {5, 6},
                                         .input_partitions = 4,
                                         .output_partitions = 4,
                                         .letter_partitions = 2,
                                         .output_time = true,
                                         .letter_time = true};
static const struct weir_spec spec = {
    .core = {.pipeline = "p", .input_topic = "in"},
    .output = {.topic = "out", .timestamp = WEIR_TIMESTAMP_SOURCE, .partition = WEIR_PARTITION_SOURCE},
    .dead_letter = {.topic = "dlq", .partition = WEIR_PARTITION_SOURCE},
};

static struct weir_header headers[] = {{"a", {(const uint8_t *)"1", 1}},
                                       {"__weir.errors.code", {(const uint8_t *)"old", 3}},
                                       {WEIR_WIRE_HEADER, {NULL, 0}},
                                       {"a", {(const uint8_t *)"2", 1}}};

static struct weir_record record_of(size_t n_headers)
{
    return (struct weir_record){.key = weir_bytes_of("k"),
                                .value = weir_bytes_of("value"),
                                .headers = headers,
                                .n_headers = n_headers,
                                .partition = 3,
                                .offset = 77,
                                .timestamp_ms = 1000};
}

static bool same(const struct compare_sight *a, const struct compare_sight *b)
{
    return a->partition == b->partition && a->offset == b->offset && a->where == b->where && a->to == b->to &&
           a->value == b->value && a->key == b->key && a->headers == b->headers && a->time == b->time;
}

static void an_output_is_seen_as_it_is_expected(void **state)
{
    (void)state;
    const struct form_reading reading = {true, 3, 77, 99};
    const struct weir_outcome outcome = {.verdict = WEIR_PASS};
    struct weir_record in = record_of(4);
    const struct weir_header left[] = {headers[0], headers[3]};
    struct weir_record out = in;
    out.headers = left;
    out.n_headers = 2;
    struct compare_sight expected, found;
    sight_expect_output(&world, &spec, &in, &outcome, &reading, &expected);
    sight_output(&world, &spec, &out, &reading, &found);
    assert_true(same(&expected, &found));
    out.n_headers = 1;
    sight_output(&world, &spec, &out, &reading, &found);
    assert_false(same(&expected, &found));
    out.n_headers = 2;
    out.key = WEIR_NO_BYTES;
    sight_output(&world, &spec, &out, &reading, &found);
    assert_true(found.key != expected.key);
    in.key = weir_bytes_of("");
    sight_expect_output(&world, &spec, &in, &outcome, &reading, &expected);
    assert_true(found.key != expected.key);
}

/* Through the envelope that weir run makes, in a dialect that adds more. */
static void a_letter_is_seen_as_it_is_expected(void **state)
{
    (void)state;
    static uint8_t memory[8192];
    struct weir_spec mine = spec;
    mine.dead_letter.dialect = WEIR_DIALECT_CONNECT;
    const struct envelope_context context = {
        .pipeline = "p", .version = "1", .topic = "in", .dialect = WEIR_DIALECT_CONNECT};
    const struct weir_outcome outcome = {.verdict = WEIR_REJECT,
                                         .why = {.code = WEIR_CODE_BAD_ENUM, .byte_offset = -1}};
    struct weir_record in = record_of(4), out = in;
    struct weir_arena arena;
    struct weir_header *wrapped = NULL;
    struct letter letter;
    struct compare_sight expected, found;
    weir_arena_init(&arena, memory, sizeof memory);
    assert_true(envelope_wrap(&in, &outcome, &context, 5, &arena, &wrapped, &out.n_headers));
    out.headers = wrapped;
    out.partition = 1;
    assert_true(letter_read(&out, &letter));
    sight_letter(&world, WEIR_DIALECT_CONNECT, &letter, &found);
    sight_expect_letter(&world, &mine, &in, WEIR_CODE_BAD_ENUM, false, &expected);
    assert_true(same(&expected, &found));
    sight_expect_letter(&world, &mine, &in, WEIR_CODE_TRUNCATED, false, &expected);
    assert_true(expected.headers != found.headers);
    /* A reference has another value, and perhaps no key: its code counts. */
    letter.reference = true;
    out.key = WEIR_NO_BYTES;
    sight_letter(&world, WEIR_DIALECT_CONNECT, &letter, &found);
    sight_expect_letter(&world, &mine, &in, WEIR_CODE_BAD_ENUM, true, &expected);
    assert_true(same(&expected, &found));
}

static void times_count_only_where_they_are_kept(void **state)
{
    (void)state;
    const struct form_reading reading = {true, 3, 77, 99};
    struct weir_spec mine = spec;
    struct sight_world stamped = world;
    struct weir_record one = record_of(0), other = one;
    struct compare_sight a, b;
    other.timestamp_ms++;
    sight_output(&world, &spec, &one, &reading, &a);
    sight_output(&world, &spec, &other, &reading, &b);
    assert_false(same(&a, &b));
    mine.output.timestamp = WEIR_TIMESTAMP_NOW;
    sight_output(&world, &mine, &one, &reading, &a);
    sight_output(&world, &mine, &other, &reading, &b);
    assert_true(same(&a, &b));
    stamped.output_time = false;
    sight_output(&stamped, &spec, &one, &reading, &a);
    sight_output(&stamped, &spec, &other, &reading, &b);
    assert_true(same(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_output_is_seen_as_it_is_expected),
        cmocka_unit_test(a_letter_is_seen_as_it_is_expected),
        cmocka_unit_test(times_count_only_where_they_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
