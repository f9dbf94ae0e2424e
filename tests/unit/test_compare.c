#include "audit/compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Two partitions of several windows each, the first beginning in the middle of nowhere. */
#define PARTITIONS 2
#define FROM       1000
#define RECORDS    (5 * COMPARE_WINDOW + 17)
#define FINDINGS   16

static const struct sip_key key = {1, 2};
static struct weir_err err;

static struct compare_finding findings[FINDINGS];
static size_t n_findings;

static void note(void *context, const struct compare_finding *finding)
{
    (void)context;
    assert_true(n_findings < FINDINGS);
    findings[n_findings++] = *finding;
}

/* What must come of each record: mostly an output, sometimes a letter, or nothing, or a letter that was
 * replayed. */
static size_t due(int32_t partition, int64_t offset, struct compare_sight sights[2])
{
    struct compare_sight sight = {.partition = partition,
                                  .offset = offset,
                                  .where = COMPARE_OUTPUT,
                                  .to = partition,
                                  .value = (uint64_t)offset * 31,
                                  .key = (uint64_t)offset % 7,
                                  .headers = 5,
                                  .time = (uint64_t)offset * 3};
    sights[0] = sights[1] = sight;
    if (offset % 10 == 3 || offset % 10 == 7)
        sights[0].where = COMPARE_LETTER;
    if (offset % 10 == 5)
        sights[0] = (struct compare_sight){.partition = partition, .offset = offset};
    sights[1] = (struct compare_sight){.partition = partition, .offset = offset, .where = COMPARE_REPLAY};
    return offset % 10 == 7 ? 2 : 1;
}

/* Damages what is found of one record; returns how many there are of it. */
typedef size_t (*damage)(struct compare_sight *sights, size_t n);

struct plan {
    int32_t partition;
    int64_t offset;
    damage damage;
};

static void expect_all(struct compare *compare)
{
    struct compare_sight sights[2];
    for (int32_t p = 0; p < PARTITIONS; p++)
        for (int64_t o = FROM; o < FROM + RECORDS; o++)
            for (size_t i = 0, n = due(p, o, sights); i < n; i++)
                compare_expect(compare, &sights[i]);
}

static void find_all(struct compare *compare, const struct plan *plan)
{
    struct compare_sight sights[4];
    for (int32_t p = 0; p < PARTITIONS; p++)
        for (int64_t o = FROM; o < FROM + RECORDS; o++) {
            size_t n = due(p, o, sights);
            n = sights[0].where == COMPARE_NOWHERE ? 0 : n;
            if (plan && plan->partition == p && plan->offset == o)
                n = plan->damage(sights, n);
            for (size_t i = 0; i < n; i++)
                compare_find(compare, &sights[i]);
        }
}

static struct compare *make(void)
{
    const struct compare_range ranges[PARTITIONS] = {{FROM, FROM + RECORDS}, {FROM, FROM + RECORDS}};
    struct compare *compare = NULL;
    assert_int_equal(compare_new(ranges, PARTITIONS, &key, &compare, &err), WEIR_OK);
    return compare;
}

/* Found first, expected then, as an audit does it; the second look the other way round. */
static void judge(const struct plan *plan)
{
    struct compare *compare = make();
    n_findings = 0;
    find_all(compare, plan);
    expect_all(compare);
    while (compare_look(compare)) {
        expect_all(compare);
        find_all(compare, plan);
        assert_int_equal(compare_tell(compare, note, NULL, &err), WEIR_OK);
    }
    compare_free(compare);
}

static size_t lose(struct compare_sight *sights, size_t n)
{
    (void)sights;
    return n - 1;
}

static size_t twice(struct compare_sight *sights, size_t n)
{
    sights[n] = sights[0];
    return n + 1;
}

static size_t other_value(struct compare_sight *sights, size_t n)
{
    sights[0].value ^= 1;
    return n;
}

static size_t other_key(struct compare_sight *sights, size_t n)
{
    sights[0].key++;
    return n;
}

static size_t other_headers(struct compare_sight *sights, size_t n)
{
    sights[0].headers = 0;
    return n;
}

static size_t other_time(struct compare_sight *sights, size_t n)
{
    sights[0].time--;
    return n;
}

static size_t other_partition(struct compare_sight *sights, size_t n)
{
    sights[0].to = 1 - sights[0].to;
    return n;
}

static size_t other_topic(struct compare_sight *sights, size_t n)
{
    sights[0].where = sights[0].where == COMPARE_OUTPUT ? COMPARE_LETTER : COMPARE_OUTPUT;
    return n;
}

static size_t something(struct compare_sight *sights, size_t n)
{
    sights[0].where = COMPARE_OUTPUT;
    return n + 1;
}

static void what_is_as_it_must_be_is_no_finding(void **state)
{
    (void)state;
    judge(NULL);
    assert_int_equal(n_findings, 0);
}

static void each_kind_of_damage_is_found_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        int digit; /* of the offset: what must come of it, see due() */
        damage damage;
        enum compare_kind kind;
        unsigned parts;
    } cases[] = {
        {0, lose, COMPARE_LOST, 0},
        {3, lose, COMPARE_LOST, 0},
        {7, lose, COMPARE_LOST, 0},
        {0, twice, COMPARE_DOUBLED, 0},
        {3, twice, COMPARE_DOUBLED, 0},
        {7, twice, COMPARE_DOUBLED, 0},
        {0, other_value, COMPARE_ALTERED, COMPARE_VALUE},
        {3, other_key, COMPARE_ALTERED, COMPARE_KEY},
        {0, other_headers, COMPARE_ALTERED, COMPARE_HEADERS},
        {0, other_time, COMPARE_ALTERED, COMPARE_TIME},
        {0, other_partition, COMPARE_MISROUTED, COMPARE_PARTITION},
        {0, other_topic, COMPARE_MISROUTED, 0},
        {3, other_topic, COMPARE_MISROUTED, 0},
        {5, something, COMPARE_MISROUTED, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plan plan = {(int32_t)(i % PARTITIONS), FROM + 10 * (int64_t)(i * 137) + cases[i].digit,
                            cases[i].damage};
        judge(&plan);
        assert_int_equal(n_findings, 1);
        assert_int_equal(findings[0].kind, cases[i].kind);
        assert_int_equal(findings[0].partition, plan.partition);
        assert_int_equal(findings[0].offset, plan.offset);
        if (cases[i].parts)
            assert_int_equal(findings[0].parts, cases[i].parts);
    }
}

static void a_record_from_nowhere_is_foreign(void **state)
{
    (void)state;
    const struct compare_range range = {0, 100};
    const struct compare_sight sight = {.offset = 50, .where = COMPARE_OUTPUT, .at_partition = 3, .at = 9};
    struct compare *compare = NULL;
    assert_int_equal(compare_new(&range, 1, &key, &compare, &err), WEIR_OK);
    compare_find(compare, &sight);
    assert_true(compare_look(compare));
    compare_find(compare, &sight);
    n_findings = 0;
    assert_int_equal(compare_tell(compare, note, NULL, &err), WEIR_OK);
    assert_int_equal(n_findings, 1);
    assert_int_equal(findings[0].kind, COMPARE_FOREIGN);
    assert_int_equal(findings[0].first.at, 9);
    assert_int_equal(findings[0].first.at_partition, 3);
    compare_free(compare);
}

static void only_what_is_in_range_is_covered(void **state)
{
    (void)state;
    struct compare *compare = make();
    assert_true(compare_covers(compare, 0, FROM) && compare_covers(compare, 1, FROM + RECORDS - 1));
    assert_false(compare_covers(compare, 0, FROM - 1) || compare_covers(compare, 0, FROM + RECORDS));
    assert_false(compare_covers(compare, -1, FROM) || compare_covers(compare, PARTITIONS, FROM));
    compare_free(compare);
}

/* More damaged windows than are looked at at a time: each is looked at once. */
static void damage_everywhere_is_looked_at_in_turns(void **state)
{
    (void)state;
    enum { WINDOWS = COMPARE_LOOKED_MAX + 3 };
    const struct compare_range range = {0, WINDOWS * COMPARE_WINDOW};
    struct compare *compare = NULL;
    size_t looks = 0, windows = 0;
    assert_int_equal(compare_new(&range, 1, &key, &compare, &err), WEIR_OK);
    for (int64_t i = 0; i < WINDOWS; i++) {
        struct compare_sight sight = {.offset = i * COMPARE_WINDOW + i, .where = COMPARE_OUTPUT};
        compare_expect(compare, &sight);
    }
    n_findings = 0;
    for (; compare_look(compare); looks++) {
        windows += compare_looked(compare);
        struct compare_range span = compare_span(compare, 0);
        assert_true(compare_looks_at(compare, 0, span.from) && compare_looks_at(compare, 0, span.until - 1));
    }
    assert_int_equal(looks, 2);
    assert_int_equal(windows, WINDOWS);
    compare_free(compare);
}

/* So many copies of one record that two windows do not fit beside each other: each is looked at alone, and
 * both findings are told once. */
static void more_than_memory_is_meant_for_is_looked_at_in_turns(void **state)
{
    (void)state;
    const struct compare_range range = {0, 2 * COMPARE_WINDOW};
    const size_t copies = COMPARE_ENTRIES_MAX * 3 / 4;
    struct compare *compare = NULL;
    struct compare_sight sights[2] = {{.offset = 5, .where = COMPARE_OUTPUT},
                                      {.offset = COMPARE_WINDOW + 5, .where = COMPARE_OUTPUT}};
    assert_int_equal(compare_new(&range, 1, &key, &compare, &err), WEIR_OK);
    n_findings = 0;
    for (int look = 0; look == 0 || compare_look(compare); look++) {
        for (size_t i = 0; i < 2; i++)
            compare_expect(compare, &sights[i]);
        for (size_t i = 0; i < 2; i++)
            for (size_t k = 0; k < copies; k++)
                compare_find(compare, &sights[i]);
        if (look > 0)
            assert_int_equal(compare_tell(compare, note, NULL, &err), WEIR_OK);
    }
    assert_int_equal(n_findings, 2);
    assert_true(findings[0].kind == COMPARE_DOUBLED && findings[0].offset == 5);
    assert_true(findings[1].kind == COMPARE_DOUBLED && findings[1].offset == COMPARE_WINDOW + 5);
    assert_true(findings[1].found == copies);
    compare_free(compare);
}

static void too_many_records_are_refused(void **state)
{
    (void)state;
    const struct compare_range range = {0, INT64_MAX / 2};
    struct compare *compare = NULL;
    assert_int_equal(compare_new(&range, 1, &key, &compare, &err), WEIR_ERR_USAGE);
    assert_null(compare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_as_it_must_be_is_no_finding),
        cmocka_unit_test(each_kind_of_damage_is_found_and_nothing_else),
        cmocka_unit_test(a_record_from_nowhere_is_foreign),
        cmocka_unit_test(only_what_is_in_range_is_covered),
        cmocka_unit_test(damage_everywhere_is_looked_at_in_turns),
        cmocka_unit_test(more_than_memory_is_meant_for_is_looked_at_in_turns),
        cmocka_unit_test(too_many_records_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
