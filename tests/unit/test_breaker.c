#include "engine/breaker.h"

#include <string.h>

#include "support/alloc_fail.h"
#include "support/twin_rig.h"

#define PATIENCE_MS 60000
#define HALF        500000
#define RECORDS     100
#define HOLD_MS     INT64_C(600000)

static struct rig rig;

static void set_up_with(struct rig_options options)
{
    options.partitions = 3;
    options.seed = 1;
    options.journal = true;
    options.breaker_ratio = options.breaker_ratio ? options.breaker_ratio : HALF;
    options.breaker_records = options.breaker_records ? options.breaker_records : RECORDS;
    options.breaker_hold_ms = HOLD_MS;
    rig_init(&rig, options);
}

static int set_up(void **state)
{
    (void)state;
    set_up_with((struct rig_options){0});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_release(&rig);
    return 0;
}

static void put(int32_t partition, enum rig_kind kind, int n)
{
    for (int i = 0; i < n; i++)
        (void)rig_put(&rig, partition, kind);
}

static void run_for(int64_t ms)
{
    if (rig_run(&rig, ms) != WEIR_OK)
        fail_msg("%s: %s", weir_err_name(rig.err.code), rig.err.text);
}

static void take_and_give_back(void)
{
    twin_assign_all(&rig.world, TWIN_NOBODY);
    run_for(1000);
    twin_assign_all(&rig.world, 0);
}

static int64_t committed(int32_t partition)
{
    return rig.world.partitions[partition].committed;
}

static void expect_said(const char *event, size_t times)
{
    if (twin_log_count(event) == times)
        return;
    twin_log_show();
    fail_msg("%s was said %zu times, not %zu", event, twin_log_count(event), times);
}

/* A partition full of rubbish waits at its first record of that kind, with not one letter written; the others
 * go on. It is said once. */
static void test_a_burst(void **state)
{
    (void)state;
    put(0, RIG_PASS, 500);
    put(0, RIG_RUBBISH, 500);
    put(1, RIG_PASS, 1000);
    put(2, RIG_RUBBISH, RECORDS - 1);
    run_for(60000);
    assert_int_equal(committed(0), 500);
    assert_int_equal(committed(1), 1000);
    /* Too few to be judged. */
    assert_int_equal(committed(2), RECORDS - 1);
    expect_said("breaker_open", 1);
    expect_said("breaker", 1);
    expect_said("recovered", 0);
    assert_int_equal(counters_get(&rig.counters, COUNTER_BREAKER_OPENED), 1);
    assert_int_equal(counters_get_rejected(&rig.counters, WEIR_CODE_BAD_MAGIC), RECORDS - 1);
    put(1, RIG_PASS, 10);
    run_for(1000);
    assert_int_equal(committed(1), 1010);
    assert_int_equal(twin_log_level(WEIR_LOG_WARN), 1);
}

/* Many partitions at once are one trouble. */
static void test_all_at_once(void **state)
{
    (void)state;
    for (int32_t p = 0; p < 3; p++)
        put(p, RIG_BAD, 300);
    run_for(60000);
    expect_said("breaker_open", 1);
    expect_said("breaker", 3);
    assert_int_equal(rig.world.n_visible, 0);
}

/* The window goes on from batch to batch, and what was written before counts. */
static void test_the_window_spans_batches(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        put(0, i < 10 ? RIG_PASS : RIG_BAD, 10);
        run_for(500);
    }
    assert_in_range(committed(0), 140, 160);
    expect_said("breaker_open", 1);
}

static void test_a_share_below_the_ratio(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++)
        put(0, i % 10 < 4 ? RIG_BAD : i % 10 < 6 ? RIG_DROP : RIG_PASS, 1);
    rig_finish(&rig, PATIENCE_MS);
    expect_said("breaker_open", 0);
}

/* Another plan closes it. The records are as bad as ever, so it opens again once it has seen enough. */
static void test_another_plan(void **state)
{
    (void)state;
    put(0, RIG_BAD, 300);
    run_for(30000);
    assert_int_equal(committed(0), -1);
    rig_use_version(&rig, 2);
    run_for(30000);
    expect_said("breaker", 2);
    assert_int_equal(committed(0), -1);
}

/* What made them bad is mended outside: an id becomes known. */
static void test_closes_when_they_pass(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++) {
        struct twin_input *input = rig_put_avro(&rig, 0, 99, "fine");
        input->timestamp_ms -= 2 * RIG_DEADLINE;
    }
    run_for(30000);
    assert_int_equal(committed(0), -1);
    expect_said("breaker_open", 1);
    twin_add_schema(&rig.world, 99, rig.reader);
    rig_finish(&rig, HOLDS_LONGEST_MS + 1000);
    expect_said("recovered", 1);
    assert_int_equal(counters_get(&rig.counters, COUNTER_RECORDS_PASSED), 300);
}

/* After max_hold they are letters, all of them, however many; then the partition is judged as before. */
static void test_max_hold(void **state)
{
    (void)state;
    put(0, RIG_BAD, 2500);
    put(0, RIG_PASS, 300);
    run_for(HOLD_MS - 10000);
    assert_int_equal(committed(0), -1);
    rig_finish(&rig, 30000);
    expect_said("breaker_max_hold", 1);
    expect_said("recovered", 1);
    assert_int_equal(counters_get_rejected(&rig.counters, WEIR_CODE_RULE_FAILED), 2500);
    assert_int_equal(rig.loop.breaker.rows[0].state, BREAKER_CLOSED);
    put(0, RIG_BAD, 300);
    run_for(30000);
    expect_said("breaker_open", 2);
}

/* A mix that is just too bad does not open and close all the time. */
static void test_no_flutter(void **state)
{
    (void)state;
    for (int i = 0; i < 3000; i++)
        put(0, i % 20 < 11 ? RIG_BAD : RIG_PASS, 1);
    run_for(HOLD_MS / 2);
    expect_said("breaker_open", 1);
    expect_said("recovered", 0);
}

/* Asked to hurry it looks again, and sees the same. */
static void test_hurry(void **state)
{
    (void)state;
    put(0, RIG_BAD, 300);
    run_for(60000);
    uint64_t seeks = rig.member.calls[TWIN_SEEK];
    (void)atomic_fetch_add(&rig.control.hurry, 1);
    run_for(150);
    assert_true(rig.member.calls[TWIN_SEEK] > seeks);
    assert_int_equal(committed(0), -1);
    expect_said("breaker_open", 1);
}

/* What a rebalance takes and gives back as it left is judged on: the window as if nothing had been, and what
 * waits waits on, with nothing written, until max_hold from when it opened. */
static void test_revoked(void **state)
{
    (void)state;
    put(0, RIG_PASS, 60);
    put(0, RIG_BAD, 40);
    run_for(1000);
    assert_int_equal(rig.loop.breaker.rows[0].window.n, 100);
    take_and_give_back();
    put(0, RIG_BAD, 10);
    rig_finish(&rig, PATIENCE_MS);
    assert_int_equal(rig.loop.breaker.rows[0].window.n, 110);
    expect_said("breaker_open", 0);
    put(0, RIG_BAD, 20);
    for (int i = 0; i < 5; i++) {
        run_for(10000);
        take_and_give_back();
    }
    assert_int_equal(committed(0), 110);
    expect_said("breaker", 1);
    rig_finish(&rig, HOLD_MS - 40000);
    expect_said("breaker_max_hold", 1);
    assert_int_equal(committed(0), 130);
}

/* Opens it for a partition of one record, and tells what a later assignment makes of that. */
static enum breaker_state state_under(uint32_t epoch, int64_t first)
{
    struct breaker breaker;
    size_t opened;
    struct batch_run run = {.partition = 2, .epoch = 1, .first = 5, .next = 6};
    struct batch_item item = {.outcome = {.verdict = WEIR_REJECT, .why = {.code = WEIR_CODE_BAD_MAGIC}}};
    struct batch batch = {.items = &item, .n = 1, .runs = &run, .n_runs = 1};
    item.in.record.partition = 2;
    item.in.record.offset = 5;
    breaker_init(&breaker, &rig.spec);
    breaker.min_records = breaker.slot = 1;
    assert_int_equal(breaker_judge(&breaker, &batch, 0, &opened, &rig.err), WEIR_OK);
    assert_int_equal(opened, 1);
    assert_true(run.cut && run.next == 5);
    item.in.record.offset = first;
    item.outcome.verdict = WEIR_PASS;
    run = (struct batch_run){.partition = 2, .epoch = epoch, .first = first, .next = first + 1};
    assert_int_equal(breaker_judge(&breaker, &batch, 0, &opened, &rig.err), WEIR_OK);
    enum breaker_state found = breaker.rows[2].state;
    breaker_release(&breaker);
    return found;
}

/* Where others have gone on with it, nobody knows what they saw. */
static void test_done_by_others_meanwhile(void **state)
{
    (void)state;
    assert_int_equal(state_under(1, 5), BREAKER_OPEN);
    assert_int_equal(state_under(2, 5), BREAKER_OPEN);
    assert_int_equal(state_under(2, 6), BREAKER_CLOSED);
}

/* What is not committed does not count twice. */
static void test_aborted(void **state)
{
    (void)state;
    put(0, RIG_PASS, 55);
    put(0, RIG_BAD, 45);
    twin_script(&rig.member, TWIN_COMMIT, 1, 5, rig_fault(WEIR_ERR_TXN_ABORTED, TWIN_UNDONE));
    twin_script(&rig.member, TWIN_COMMIT, 6, 1, rig_fault(WEIR_ERR_TXN_UNKNOWN, TWIN_DONE));
    rig_finish(&rig, PATIENCE_MS);
    assert_int_equal(rig.loop.breaker.rows[0].window.n, 100);
    assert_int_equal(rig.loop.breaker.rows[0].window.rejected, 45);
    expect_said("breaker_open", 0);
}

/* The last min_records count, and at most a sixteenth more, at whatever size. */
static void test_size_of_the_window(void **state)
{
    static const int64_t sizes[] = {10, 16, 17, 100, 1000, 4097};
    for (size_t s = 0; s < COUNT(sizes); s++) {
        set_up_with((struct rig_options){.breaker_records = sizes[s], .breaker_ratio = 1000000});
        put(0, RIG_PASS, (int)sizes[s] * 3);
        rig_finish(&rig, PATIENCE_MS);
        uint64_t n = rig.loop.breaker.rows[0].window.n;
        assert_in_range(n, (uint64_t)sizes[s], (uint64_t)rig.loop.breaker.slot * (BREAKER_SLOTS + 1));
        assert_int_equal(rig.loop.breaker.rows[0].window.rejected, 0);
        (void)tear_down(state);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    struct breaker breaker;
    struct batch_run run = {.partition = 2, .next = 1};
    struct batch_item item = {0};
    struct batch batch = {.items = &item, .n = 1, .runs = &run, .n_runs = 1};
    size_t opened;
    breaker_init(&breaker, &rig.spec);
    alloc_fail_at(1);
    enum weir_err_code code = breaker_judge(&breaker, &batch, 0, &opened, &rig.err);
    assert_true(alloc_fail_off());
    assert_int_equal(code, WEIR_ERR_NO_MEMORY);
    breaker_release(&breaker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_burst, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_all_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_window_spans_batches, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_share_below_the_ratio, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_plan, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_closes_when_they_pass, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_max_hold, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_flutter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hurry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_revoked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_done_by_others_meanwhile, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_aborted, set_up, tear_down),
        cmocka_unit_test(test_size_of_the_window),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
