#include "engine/holds.h"

#include "support/alloc_fail.h"
#include "support/twin_rig.h"

#define PARTITIONS 3

/* Holds over a twin whose member owns every partition, with ten records in each. */
struct bench {
    struct rig rig;
    struct trouble trouble;
    struct holds holds;
    struct weir_err err;
};

static struct bench bench;

static uint32_t epoch(void)
{
    return bench.rig.member.epoch;
}

static void poll_nothing(void)
{
    struct source *source = &bench.rig.member.source;
    struct source_record record;
    struct heap heap;
    size_t n = 0;
    heap_init(&heap);
    bench.rig.member.quiet = true;
    assert_int_equal(source->ops->poll(source, 1, 1, &heap, &record, &n, &bench.err), WEIR_OK);
    bench.rig.member.quiet = false;
    heap_release(&heap);
}

static int set_up(void **state)
{
    (void)state;
    rig_init(&bench.rig, (struct rig_options){.partitions = PARTITIONS, .seed = 1});
    bench.rig.member.started = true;
    poll_nothing();
    trouble_init(&bench.trouble, 0);
    holds_init(&bench.holds, &bench.trouble, &bench.rig.member.source, &bench.rig.member.timer);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    holds_release(&bench.holds);
    trouble_release(&bench.trouble);
    rig_release(&bench.rig);
    return 0;
}

static void add(int32_t partition, int64_t offset, enum weir_err_code code)
{
    struct weir_err why;
    (void)weir_fail(&why, code, "%s", weir_err_name(code));
    struct position at = {partition, epoch(), offset};
    assert_int_equal(holds_add(&bench.holds, at, &why, &bench.err), WEIR_OK);
}

static void tend(bool now)
{
    assert_int_equal(holds_tend(&bench.holds, now, &bench.err), WEIR_OK);
}

static bool paused(int32_t partition)
{
    return bench.rig.member.parts[partition].paused;
}

static void test_stands_paused_at_its_record(void **state)
{
    (void)state;
    add(1, 4, WEIR_ERR_TOPIC_MISSING);
    assert_true(paused(1));
    assert_false(paused(0));
    assert_int_equal(bench.rig.member.parts[1].next, 4);
    tend(false);
    assert_true(paused(1));
}

static void test_tried_again_after_its_pause(void **state)
{
    (void)state;
    add(1, 4, WEIR_ERR_TOPIC_MISSING);
    twin_advance(&bench.rig.world, HOLDS_FIRST_MS / 2 - 1);
    tend(false);
    assert_true(paused(1));
    twin_advance(&bench.rig.world, HOLDS_FIRST_MS / 2 + 1);
    tend(false);
    assert_false(paused(1));
    tend(true);
    assert_int_equal(bench.rig.member.calls[TWIN_RESUME], 1);
    /* It is being tried: that is neither over nor another trouble. */
    assert_int_equal(bench.holds.n, 1);
    assert_int_equal(twin_log_count("recovered"), 0);
}

static void test_hurry(void **state)
{
    (void)state;
    add(1, 4, WEIR_ERR_TOPIC_MISSING);
    add(2, 4, WEIR_ERR_TOPIC_MISSING);
    tend(true);
    assert_false(paused(1));
    assert_false(paused(2));
}

/* At the same record the pause doubles up to its limit; further on it begins anew. */
static void test_pause_grows(void **state)
{
    (void)state;
    int64_t expected = HOLDS_FIRST_MS;
    for (int i = 0; i < 8; i++) {
        add(1, 4, WEIR_ERR_TOPIC_MISSING);
        const struct hold *hold = &bench.holds.rows[0];
        assert_int_equal(hold->pause_ms, expected);
        assert_in_range(hold->retry_at_ms - bench.rig.world.now_ms, expected / 2, expected);
        expected = expected * 2 < HOLDS_LONGEST_MS ? expected * 2 : HOLDS_LONGEST_MS;
    }
    add(1, 5, WEIR_ERR_TOPIC_MISSING);
    assert_int_equal(bench.holds.rows[0].pause_ms, HOLDS_FIRST_MS);
    assert_int_equal(bench.holds.n, 1);
    assert_int_equal(twin_log_count("topic_missing"), 1);
    assert_int_equal(twin_log_count("recovered"), 0);
}

static void test_over_when_it_has_passed(void **state)
{
    (void)state;
    add(1, 4, WEIR_ERR_TOPIC_MISSING);
    holds_passed(&bench.holds, 1, 4);
    holds_passed(&bench.holds, 2, 9);
    assert_int_equal(bench.holds.n, 1);
    holds_passed(&bench.holds, 1, 5);
    assert_int_equal(bench.holds.n, 0);
    assert_int_equal(twin_log_count("recovered"), 1);
}

static void test_one_trouble_of_many(void **state)
{
    (void)state;
    for (int32_t p = 0; p < PARTITIONS; p++)
        add(p, 0, WEIR_ERR_TOPIC_MISSING);
    for (int32_t p = 0; p < PARTITIONS; p++)
        holds_passed(&bench.holds, p, 1);
    assert_int_equal(twin_log_count("topic_missing"), 1);
    assert_int_equal(twin_log_count("recovered"), 1);
}

static void test_another_trouble_at_the_same_place(void **state)
{
    (void)state;
    add(1, 4, WEIR_ERR_SCHEMA_PENDING);
    add(1, 4, WEIR_ERR_TOPIC_MISSING);
    assert_int_equal(bench.holds.n, 1);
    assert_int_equal(twin_log_count("schema_pending"), 1);
    assert_int_equal(twin_log_count("topic_missing"), 1);
    assert_int_equal(twin_log_text("over after 0.0 s: schema_pending"), 1);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct weir_err why = {WEIR_ERR_TOPIC_MISSING, "topic"};
    alloc_fail_at(1);
    enum weir_err_code code = holds_add(&bench.holds, (struct position){0, epoch(), 0}, &why, &bench.err);
    assert_true(alloc_fail_off());
    assert_int_equal(code, WEIR_ERR_NO_MEMORY);
    assert_int_equal(bench.holds.n, 0);
}

static void test_errors_of_the_source(void **state)
{
    (void)state;
    static const enum twin_op ops[] = {TWIN_SEEK, TWIN_PAUSE};
    struct weir_err why = {WEIR_ERR_TOPIC_MISSING, "topic"};
    for (size_t i = 0; i < COUNT(ops); i++) {
        twin_script(&bench.rig.member, ops[i], 1, 1, rig_fault(WEIR_ERR_KAFKA, TWIN_UNDONE));
        struct position at = {0, epoch(), 0};
        assert_int_equal(holds_add(&bench.holds, at, &why, &bench.err), WEIR_ERR_KAFKA);
    }
    twin_script(&bench.rig.member, TWIN_RESUME, 1, 1, rig_fault(WEIR_ERR_KAFKA, TWIN_UNDONE));
    assert_int_equal(holds_tend(&bench.holds, true, &bench.err), WEIR_ERR_KAFKA);
}

/* A rebalance gives the partition back to the same member: the trouble went on all the time. */
static void test_rebalance_that_keeps_the_partition(void **state)
{
    (void)state;
    add(1, 4, WEIR_ERR_TOPIC_MISSING);
    twin_assign_all(&bench.rig.world, TWIN_NOBODY);
    poll_nothing();
    tend(false);
    twin_assign_all(&bench.rig.world, bench.rig.member.index);
    poll_nothing();
    tend(false);
    add(1, 4, WEIR_ERR_TOPIC_MISSING);
    assert_int_equal(twin_log_count("topic_missing"), 1);
    assert_int_equal(twin_log_count("recovered"), 0);
    holds_passed(&bench.holds, 1, 5);
    assert_int_equal(bench.holds.n, 0);
    assert_int_equal(twin_log_count("recovered"), 1);
}

/* Others own it now: it is forgotten after a while, and nobody says that all is well. */
static void test_rebalance_that_takes_the_partition(void **state)
{
    (void)state;
    add(1, 4, WEIR_ERR_TOPIC_MISSING);
    twin_assign_all(&bench.rig.world, TWIN_NOBODY);
    poll_nothing();
    tend(true);
    assert_int_equal(bench.holds.n, 1);
    twin_advance(&bench.rig.world, HOLDS_ADRIFT_MS);
    tend(false);
    assert_int_equal(bench.holds.n, 0);
    assert_int_equal(twin_log_count("recovered"), 0);
    assert_int_equal(twin_log_count("handed_over"), 1);
    assert_int_equal(bench.rig.member.calls[TWIN_RESUME], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_stands_paused_at_its_record, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tried_again_after_its_pause, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hurry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pause_grows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_over_when_it_has_passed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_trouble_of_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_trouble_at_the_same_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_errors_of_the_source, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rebalance_that_keeps_the_partition, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rebalance_that_takes_the_partition, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
