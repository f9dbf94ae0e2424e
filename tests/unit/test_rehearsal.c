#include "dlq/rehearsal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PARTITIONS 4

static int64_t share_of(const struct range_span *span)
{
    return span->until - span->from;
}

static void the_newest_are_shared_out(void **state)
{
    (void)state;
    const int64_t first[PARTITIONS] = {0, 90, 7, 1000}, until[PARTITIONS] = {100, 100, 7, 2000};
    const struct {
        int64_t records, shares[PARTITIONS];
    } cases[] = {
        {1, {1, 0, 0, 0}},
        {3, {1, 1, 0, 1}},
        {50, {20, 10, 0, 20}},
        {51, {21, 10, 0, 20}},
        {1109, {100, 10, 0, 999}},
        {1110, {100, 10, 0, 1000}},
        {REHEARSAL_RECORDS_MAX, {100, 10, 0, 1000}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct range_span spans[PARTITIONS];
        rehearsal_share(first, until, PARTITIONS, cases[i].records, spans);
        for (int32_t p = 0; p < PARTITIONS; p++) {
            assert_int_equal(spans[p].partition, p);
            assert_int_equal(spans[p].until, until[p]);
            assert_int_equal(share_of(&spans[p]), cases[i].shares[p]);
        }
    }
}

static const struct weir_outcome pass = {.verdict = WEIR_PASS};
static const struct weir_outcome drop = {.verdict = WEIR_DROP, .why.rule = "drop_when[0]"};

static struct weir_outcome reject(enum weir_code code, const char *field)
{
    return (struct weir_outcome){.verdict = WEIR_REJECT,
                                 .why = {.code = code, .field = field, .text = weir_bytes_of("no symbol")}};
}

static void what_comes_off_worse(void **state)
{
    (void)state;
    static struct rehearsal rehearsal;
    const struct rehearsal_sum *sum = &rehearsal.sums[REHEARSAL_INPUT];
    const struct weir_outcome bad = reject(WEIR_CODE_BAD_ENUM, "device_type");
    const struct weir_outcome *const outcomes[] = {&pass, &drop, &bad};
    struct letter_place place = {.topic = "logins"};
    for (int now = 0; now < REHEARSAL_VERDICTS; now++) {
        for (int then = 0; then < REHEARSAL_VERDICTS; then++) {
            rehearsal_add(&rehearsal, REHEARSAL_INPUT, &place, outcomes[now], outcomes[then]);
            assert_int_equal(rehearsal_then(sum, (enum weir_verdict)then), now + 1);
        }
        assert_int_equal(rehearsal_now(sum, (enum weir_verdict)now), REHEARSAL_VERDICTS);
    }
    assert_int_equal(rehearsal_worse(sum), 3);
    assert_int_equal(sum->records, REHEARSAL_VERDICTS * REHEARSAL_VERDICTS);
    assert_int_equal(rehearsal.sums[REHEARSAL_LETTERS].records, 0);
}

static void reasons_are_told_apart(void **state)
{
    (void)state;
    static struct rehearsal rehearsal;
    char field[WEIR_REASON_FIELD_MAX];
    const struct weir_outcome bad = reject(WEIR_CODE_BAD_ENUM, "device_type");
    struct letter_place place = {.topic = "logins", .partition = 2};
    for (int64_t i = 0; i < 3; i++) {
        place.offset = 10 + i;
        rehearsal_add(&rehearsal, REHEARSAL_INPUT, &place, &pass, &bad);
    }
    rehearsal_add(&rehearsal, REHEARSAL_LETTERS, &place, &pass, &bad);
    rehearsal_add(&rehearsal, REHEARSAL_INPUT, &place, &bad, &pass);
    rehearsal_add(&rehearsal, REHEARSAL_INPUT, &place, &pass, &drop);
    assert_int_equal(rehearsal.n_reasons, 3);
    const struct rehearsal_reason *reason = &rehearsal.reasons[0];
    assert_int_equal(reason->count, 3);
    assert_int_equal(reason->example.offset, 10);
    assert_string_equal(reason->field, "device_type");
    assert_string_equal(reason->text, "no symbol");
    assert_string_equal(rehearsal.reasons[2].rule, "drop_when[0]");
    assert_int_equal(rehearsal.reasons[2].code, WEIR_CODE_NONE);

    for (int i = 0; i < REHEARSAL_REASONS_MAX; i++) {
        (void)snprintf(field, sizeof field, "field%d", i);
        const struct weir_outcome other = reject(WEIR_CODE_BAD_ENUM, field);
        rehearsal_add(&rehearsal, REHEARSAL_INPUT, &place, &pass, &other);
    }
    assert_int_equal(rehearsal.n_reasons, REHEARSAL_REASONS_MAX);
    assert_int_equal(rehearsal.others, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_are_shared_out),
        cmocka_unit_test(what_comes_off_worse),
        cmocka_unit_test(reasons_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
