#include "engine/settle.h"

#include <string.h>

#include "support/twin_rig.h"

#define PARTITIONS 3
#define EACH       ((size_t)20)
#define TOTAL      (PARTITIONS * EACH)
/* Longer than the transaction time-out of the twin. */
#define TOO_LONG_MS 31000
#define PATIENCE_MS 120000

static struct rig rig;

static int set_up(void **state)
{
    (void)state;
    rig_init(&rig, (struct rig_options){.partitions = PARTITIONS, .seed = 1});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_release(&rig);
    return 0;
}

static uint64_t counted(enum counter which)
{
    return counters_get(&rig.counters, which);
}

static void fail_at(enum twin_op op, uint64_t nth, uint64_t times, enum weir_err_code code)
{
    twin_script(&rig.member, op, nth, times, rig_fault(code, TWIN_UNDONE));
}

/* Each record is counted once, whatever happened on the way. */
static void expect_counters(void)
{
    assert_int_equal(counted(COUNTER_RECORDS_IN), TOTAL);
    assert_int_equal(counted(COUNTER_RECORDS_PASSED) + counted(COUNTER_RECORDS_REJECTED),
                     rig.world.n_visible);
    assert_int_equal(counted(COUNTER_RECORDS_PASSED) + counted(COUNTER_RECORDS_REJECTED) +
                         counted(COUNTER_RECORDS_DROPPED),
                     TOTAL);
    assert_true(counted(COUNTER_TRANSACTIONS_COMMITTED) > 0);
}

/* --- one fault, one action --- */

enum action { AGAIN, HOLD, NEW_PRODUCER };

static const struct row {
    enum twin_op op;
    uint64_t nth;
    struct twin_fault fault;
    enum action action;
    const char *said; /* event of the only warning; NULL: none */
} rows[] = {
    {TWIN_COMMIT, 1, {.code = WEIR_ERR_TXN_ABORTED}, AGAIN, "aborted"},
    {TWIN_COMMIT, 1, {.code = WEIR_ERR_STALE_GENERATION}, AGAIN, "aborted"},
    {TWIN_COMMIT, 1, {.code = WEIR_ERR_TRANSIENT}, AGAIN, "aborted"},
    {TWIN_COMMIT, 1, {.code = WEIR_ERR_OUTPUT_REFUSED}, HOLD, "output_refused"},
    {TWIN_COMMIT, 1, {.code = WEIR_ERR_TOPIC_DENIED}, HOLD, "topic_denied"},
    {TWIN_COMMIT, 1, {.code = WEIR_ERR_TOPIC_MISSING}, HOLD, "topic_missing"},
    {TWIN_COMMIT, 1, {.code = WEIR_ERR_BROKER_DOWN}, HOLD, "broker_down"},
    {TWIN_COMMIT, 1, {.code = WEIR_ERR_TXN_UNKNOWN, .fate = TWIN_UNDONE}, NEW_PRODUCER, "rebuild"},
    {TWIN_COMMIT, 1, {.code = WEIR_ERR_TXN_UNKNOWN, .fate = TWIN_DONE}, NEW_PRODUCER, "rebuild"},
    {TWIN_COMMIT, 1, {.code = WEIR_ERR_TXN_UNKNOWN, .fate = TWIN_LATE}, NEW_PRODUCER, "rebuild"},
    {TWIN_COMMIT,
     1,
     {.code = WEIR_ERR_TXN_UNKNOWN, .fate = TWIN_LATE, .took_ms = 25000},
     NEW_PRODUCER,
     "rebuild"},
    {TWIN_COMMIT, 1, {.code = WEIR_ERR_PRODUCER_LOST, .fate = TWIN_DONE}, NEW_PRODUCER, "rebuild"},
    /* The coordinator timed the transaction out while the commit was on its way. */
    {TWIN_COMMIT, 1, {.took_ms = TOO_LONG_MS}, NEW_PRODUCER, "fenced"},
    {TWIN_BEGIN, 1, {.code = WEIR_ERR_TXN_UNKNOWN}, NEW_PRODUCER, "rebuild"},
    {TWIN_BEGIN, 1, {.code = WEIR_ERR_PRODUCER_LOST}, NEW_PRODUCER, "rebuild"},
    /* Nothing is open that could be aborted, so the abort fails too. */
    {TWIN_BEGIN, 1, {.code = WEIR_ERR_TXN_ABORTED}, NEW_PRODUCER, "rebuild"},
    {TWIN_SEND, 1, {.code = WEIR_ERR_TXN_ABORTED}, AGAIN, "aborted"},
    {TWIN_SEND, 17, {.code = WEIR_ERR_TXN_ABORTED}, AGAIN, "aborted"},
    {TWIN_SEND, 17, {.code = WEIR_ERR_OUTPUT_REFUSED}, HOLD, "output_refused"},
    {TWIN_SEND, 17, {.code = WEIR_ERR_TXN_UNKNOWN}, NEW_PRODUCER, "rebuild"},
    {TWIN_STAMP, 1, {.code = WEIR_ERR_STALE_GENERATION}, AGAIN, NULL},
};

static void expect_action(const struct row *row)
{
    bool aborted = row->action != NEW_PRODUCER && row->op != TWIN_STAMP;
    assert_int_equal(counted(COUNTER_PRODUCER_REBUILDS), row->action == NEW_PRODUCER);
    assert_int_equal(counted(COUNTER_TRANSACTIONS_ABORTED), aborted);
    assert_int_equal(counted(COUNTER_WAITS), row->action == HOLD ? PARTITIONS : 0);
    assert_int_equal(rig.member.calls[TWIN_OPEN], row->action == NEW_PRODUCER ? 2 : 1);
    assert_int_equal(twin_log_count(row->said ? row->said : "aborted"), row->said ? 1 : 0);
    assert_int_equal(twin_log_level(WEIR_LOG_WARN), row->said ? 1 : 0);
    assert_int_equal(twin_log_count("recovered"), row->action == HOLD);
    assert_int_equal(twin_log_count("rebuilt"), row->action == NEW_PRODUCER);
    bool done = row->fault.fate != TWIN_UNDONE;
    if (row->action == NEW_PRODUCER)
        assert_int_equal(twin_log_text(done ? "was committed" : "was not committed"), 1);
    assert_int_equal(rig.loop.holds.n, 0);
}

static void test_each_fault(void **state)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        print_message("%s %s\n", twin_op_name(rows[i].op), weir_err_name(rows[i].fault.code));
        (void)set_up(state);
        rig_put_mix(&rig, EACH);
        twin_script(&rig.member, rows[i].op, rows[i].nth, 1, rows[i].fault);
        rig_finish(&rig, PATIENCE_MS);
        (void)rig_run(&rig, 2000);
        expect_counters();
        expect_action(&rows[i]);
        (void)tear_down(state);
    }
}

/* A fault while what another fault needs is under way. */
static void test_each_fault_on_the_way_back(void **state)
{
    static const struct {
        enum weir_err_code first; /* of the commit */
        enum twin_op op;
        struct twin_fault fault;
        uint64_t times;
    } pairs[] = {
        {WEIR_ERR_TXN_ABORTED, TWIN_ABORT, {.code = WEIR_ERR_PRODUCER_LOST}, 1},
        {WEIR_ERR_TXN_ABORTED, TWIN_ABORT, {.took_ms = TOO_LONG_MS}, 1},
        {WEIR_ERR_OUTPUT_REFUSED, TWIN_ABORT, {.code = WEIR_ERR_TXN_UNKNOWN}, 1},
        {WEIR_ERR_TXN_UNKNOWN, TWIN_OPEN, {.code = WEIR_ERR_TRANSIENT}, 5},
        {WEIR_ERR_TXN_UNKNOWN, TWIN_OPEN, {.code = WEIR_ERR_BROKER_DOWN}, 5},
        {WEIR_ERR_TXN_UNKNOWN, TWIN_OPEN, {.code = WEIR_ERR_PRODUCER_LOST}, 5},
        {WEIR_ERR_TXN_UNKNOWN, TWIN_COMMITTED, {.code = WEIR_ERR_TRANSIENT}, 5},
        {WEIR_ERR_TXN_UNKNOWN, TWIN_COMMITTED, {.code = WEIR_ERR_BROKER_DOWN}, 5},
        {WEIR_ERR_TXN_UNKNOWN, TWIN_REFRESH, {.code = WEIR_ERR_BROKER_DOWN}, 5},
    };
    for (size_t i = 0; i < COUNT(pairs); i++) {
        for (enum twin_fate fate = TWIN_UNDONE; fate <= TWIN_LATE; fate++) {
            bool aborts = pairs[i].first != WEIR_ERR_TXN_UNKNOWN;
            if (aborts && fate != TWIN_UNDONE)
                continue;
            (void)set_up(state);
            rig_put_mix(&rig, EACH);
            assert_int_equal(rig_step(&rig), WEIR_OK);
            twin_script(&rig.member, TWIN_COMMIT, 1, 1, rig_fault(pairs[i].first, fate));
            twin_script(&rig.member, pairs[i].op, 1, pairs[i].times, pairs[i].fault);
            rig_finish(&rig, PATIENCE_MS);
            (void)rig_run(&rig, 2000);
            expect_counters();
            assert_int_equal(counted(COUNTER_PRODUCER_REBUILDS), 1);
            if (twin_log_level(WEIR_LOG_WARN) > 2) {
                twin_log_show();
                fail_msg("pair %zu fate %d says too much", i, (int)fate);
            }
            (void)tear_down(state);
        }
    }
}

/* --- fencing --- */

/* By a coordinator that timed the transaction out, or by a member that took this process for gone: nobody has
 * its place, so it goes on, however young the transaction is. */
static void test_fenced(void **state)
{
    static const struct {
        enum twin_op op;
        int64_t took_ms;
    } fencings[] = {
        {TWIN_COMMIT, 0}, {TWIN_COMMIT, TOO_LONG_MS}, {TWIN_ABORT, 0}, {TWIN_ABORT, TOO_LONG_MS},
        {TWIN_BEGIN, 0},
    };
    for (size_t i = 0; i < COUNT(fencings); i++) {
        (void)set_up(state);
        rig_put_mix(&rig, EACH);
        if (fencings[i].op == TWIN_ABORT)
            fail_at(TWIN_COMMIT, 1, 1, WEIR_ERR_TXN_ABORTED);
        struct twin_fault fault = {.code = WEIR_ERR_FENCED, .took_ms = fencings[i].took_ms};
        twin_script(&rig.member, fencings[i].op, 1, 1, fault);
        rig_finish(&rig, PATIENCE_MS);
        assert_int_equal(rig.member.calls[TWIN_TAKEN], 1);
        assert_int_equal(rig.member.calls[TWIN_OPEN], 2);
        (void)tear_down(state);
    }
}

static void succeed(void *context)
{
    twin_succeed(context, 0);
}

/*
 * A process that slept in its transaction for longer than that may last wakes up fenced. Whether a successor
 * has its name is told by the group alone: until then the name must not be taken back.
 */
static void test_fenced_by_a_successor(void **state)
{
    for (enum twin_op op = TWIN_COMMIT; op <= TWIN_ABORT; op++) {
        (void)set_up(state);
        rig_put_mix(&rig, EACH);
        if (op == TWIN_ABORT)
            fail_at(TWIN_COMMIT, 1, 1, WEIR_ERR_TXN_ABORTED);
        twin_script(&rig.member, op, 1, 1, (struct twin_fault){.took_ms = TOO_LONG_MS});
        twin_after(&rig.world, TOO_LONG_MS, succeed, &rig.world);
        assert_int_equal(rig_run(&rig, PATIENCE_MS), WEIR_ERR_DUPLICATE_IDENTITY);
        assert_non_null(strstr(rig.err.text, "--instance"));
        assert_int_equal(rig.member.calls[TWIN_OPEN], 1);
        (void)tear_down(state);
    }
}

/* The process is asleep once its batch is settled, and a successor has its name when it wakes up. */
static struct twin_fault sleep_when_settled(void *context, struct twin_member *member, enum twin_op op)
{
    struct twin_world *world = context;
    bool settled = op == TWIN_TAKEN || (op == TWIN_OPEN && member->calls[TWIN_OPEN] > 1);
    if (settled && world->succeeded_ms[member->index] == 0)
        twin_succeed(world, 0);
    return (struct twin_fault){0};
}

/* It lost a connection meanwhile, or does not know an outcome: the new producer that this asks for would
 * fence the successor. */
static void test_a_successor_before_a_new_producer(void **state)
{
    static const struct twin_fault faults[] = {
        {.taints = true},
        {.code = WEIR_ERR_TXN_UNKNOWN, .fate = TWIN_UNDONE},
        {.code = WEIR_ERR_TXN_ABORTED, .fate = TWIN_UNDONE, .taints = true},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        (void)set_up(state);
        rig_put_mix(&rig, EACH);
        twin_script(&rig.member, TWIN_COMMIT, 1, 1, faults[i]);
        rig.member.decide = sleep_when_settled;
        rig.member.context = &rig.world;
        assert_int_equal(rig_run(&rig, PATIENCE_MS), WEIR_ERR_DUPLICATE_IDENTITY);
        assert_int_equal(rig.member.calls[TWIN_OPEN], 1);
        (void)tear_down(state);
    }
}

static void assign_back(void *context)
{
    twin_assign_all(context, 0);
}

static void lose_all(void *context)
{
    twin_assign_all(context, TWIN_NOBODY);
}

/*
 * An outage outlives the transaction and the membership, so both are lost though nobody else has our name.
 * The group may need a while to say so.
 */
static void test_fenced_and_lost_by_an_outage(void **state)
{
    (void)state;
    rig_put_mix(&rig, EACH);
    twin_script(&rig.member, TWIN_COMMIT, 1, 1,
                (struct twin_fault){.code = WEIR_ERR_FENCED, .took_ms = TOO_LONG_MS});
    fail_at(TWIN_TAKEN, 1, 3, WEIR_ERR_TRANSIENT);
    twin_after(&rig.world, TOO_LONG_MS - 1, lose_all, &rig.world);
    twin_after(&rig.world, TOO_LONG_MS + 20000, assign_back, &rig.world);
    rig_finish(&rig, PATIENCE_MS);
    assert_int_equal(rig.member.calls[TWIN_TAKEN], 4);
    assert_int_equal(rig.member.calls[TWIN_OPEN], 2);
}

/* --- learning --- */

static void done_by_another(void *context)
{
    struct twin_world *world = context;
    twin_done_by_another(world, 0, 8);
}

/* The outcome was "not committed", but before that could be read another process had the partition. */
static void test_moved_by_others(void **state)
{
    (void)state;
    rig_put_mix(&rig, EACH);
    twin_script(&rig.member, TWIN_COMMIT, 1, 1, rig_fault(WEIR_ERR_TXN_UNKNOWN, TWIN_UNDONE));
    fail_at(TWIN_COMMITTED, 1, 4, WEIR_ERR_TRANSIENT);
    while (rig.loop.state != LOOP_LEARNING)
        assert_int_equal(rig_step(&rig), WEIR_OK);
    twin_assign_all(&rig.world, TWIN_NOBODY);
    twin_after(&rig.world, 100, done_by_another, &rig.world);
    twin_after(&rig.world, 5000, assign_back, &rig.world);
    rig_finish(&rig, PATIENCE_MS);
    assert_int_equal(twin_log_count("moved"), 1);
    assert_int_equal(counted(COUNTER_RECORDS_IN), TOTAL - 8);
}

/* Records of the input need not follow each other: transaction markers take offsets too. Nobody has moved
 * anything then. */
static void test_gaps_are_no_moves(void **state)
{
    (void)state;
    static const enum twin_fate fates[] = {TWIN_UNDONE, TWIN_DONE};
    for (size_t i = 0; i < COUNT(fates); i++) {
        for (int32_t p = 0; p < PARTITIONS; p++)
            twin_gap(&rig.world, p, 2);
        rig_put_mix(&rig, EACH);
        for (int32_t p = 0; p < PARTITIONS; p++)
            twin_gap(&rig.world, p, 1);
        twin_script(&rig.member, TWIN_COMMIT, 1, 1, rig_fault(WEIR_ERR_TXN_UNKNOWN, fates[i]));
        rig_finish(&rig, PATIENCE_MS);
    }
    assert_int_equal(counted(COUNTER_PRODUCER_REBUILDS), 2);
    assert_int_equal(counted(COUNTER_RECORDS_IN), 2 * TOTAL);
    assert_int_equal(twin_log_count("moved"), 0);
}

/* A partition that waited is done by a commit whose answer was lost: it waits no longer, and that is said. */
static void test_hold_ends_with_a_commit_that_was_learnt(void **state)
{
    (void)state;
    rig.world.topics[SINK_DEAD_LETTER].state = WEIR_ERR_TOPIC_MISSING;
    (void)rig_put(&rig, 1, RIG_BAD);
    assert_int_equal(rig_run(&rig, 3000), WEIR_OK);
    assert_int_equal(rig.loop.holds.n, 1);
    rig.world.topics[SINK_DEAD_LETTER].state = WEIR_OK;
    twin_script(&rig.member, TWIN_COMMIT, 1, 1, rig_fault(WEIR_ERR_TXN_UNKNOWN, TWIN_DONE));
    rig_finish(&rig, PATIENCE_MS);
    assert_int_equal(rig.loop.holds.n, 0);
    assert_int_equal(twin_log_text("topic dlq does not exist"), 2);
}

/* --- failures in a row --- */

/* What fails each time is tried ever more slowly, said twice at most, and well again once it works. */
static void test_failures_in_a_row(void **state)
{
    static const struct {
        enum twin_op op;
        enum weir_err_code code;
    } kinds[] = {
        {TWIN_COMMIT, WEIR_ERR_TXN_ABORTED},     {TWIN_COMMIT, WEIR_ERR_STALE_GENERATION},
        {TWIN_COMMIT, WEIR_ERR_TXN_UNKNOWN},     {TWIN_COMMIT, WEIR_ERR_OUTPUT_REFUSED},
        {TWIN_BEGIN, WEIR_ERR_TXN_ABORTED},      {TWIN_BEGIN, WEIR_ERR_PRODUCER_LOST},
        {TWIN_STAMP, WEIR_ERR_STALE_GENERATION},
    };
    for (size_t i = 0; i < COUNT(kinds); i++) {
        (void)set_up(state);
        rig_put_mix(&rig, 2000); /* more than a batch, so that gathering takes no time */
        assert_int_equal(rig_step(&rig), WEIR_OK);
        twin_script(&rig.member, kinds[i].op, 1, 1000000, rig_fault(kinds[i].code, TWIN_UNDONE));
        uint64_t calls = rig.member.calls[kinds[i].op];
        assert_int_equal(rig_run(&rig, 60000), WEIR_OK);
        calls = rig.member.calls[kinds[i].op] - calls;
        rig.member.n_rules = 0;
        rig_finish(&rig, PATIENCE_MS);
        (void)rig_run(&rig, 2000);
        if (calls > 120 || calls < 5 || twin_log_level(WEIR_LOG_WARN) > 2) {
            twin_log_show();
            fail_msg("%s %s: tried %u times in a minute, %u warnings", twin_op_name(kinds[i].op),
                     weir_err_name(kinds[i].code), (unsigned)calls, (unsigned)twin_log_level(WEIR_LOG_WARN));
        }
        assert_int_equal(twin_log_count("recovered"), 1);
        (void)tear_down(state);
    }
}

/* Two failures far from each other are not in a row. */
static void test_failures_apart(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        rig_put_mix(&rig, EACH);
        fail_at(TWIN_COMMIT, 1, 1, WEIR_ERR_TXN_ABORTED);
        rig_finish(&rig, 1000);
    }
    assert_int_equal(twin_log_count("aborted"), 3);
    assert_int_equal(twin_log_count("recovered"), 0);
}

/* --- connections lost under a transaction --- */

static void test_taint(void **state)
{
    static const struct {
        struct twin_fault commit, abort;
    } ways[] = {
        {{.taints = true}, {.code = WEIR_OK}},
        {{.code = WEIR_ERR_TXN_ABORTED, .taints = true}, {.code = WEIR_OK}},
        {{.code = WEIR_ERR_TXN_ABORTED}, {.taints = true}},
        {{.code = WEIR_ERR_OUTPUT_REFUSED, .taints = true}, {.code = WEIR_OK}},
        {{.code = WEIR_ERR_TXN_UNKNOWN, .taints = true}, {.code = WEIR_OK}},
    };
    for (size_t i = 0; i < COUNT(ways); i++) {
        (void)set_up(state);
        rig_put_mix(&rig, EACH);
        twin_script(&rig.member, TWIN_COMMIT, 1, 1, ways[i].commit);
        twin_script(&rig.member, TWIN_ABORT, 1, 1, ways[i].abort);
        rig_finish(&rig, PATIENCE_MS);
        (void)rig_run(&rig, 1000);
        assert_int_equal(rig.member.calls[TWIN_OPEN], 2);
        expect_counters();
        (void)tear_down(state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_fault),
        cmocka_unit_test(test_each_fault_on_the_way_back),
        cmocka_unit_test(test_fenced),
        cmocka_unit_test(test_fenced_by_a_successor),
        cmocka_unit_test(test_a_successor_before_a_new_producer),
        cmocka_unit_test_setup_teardown(test_fenced_and_lost_by_an_outage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_moved_by_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_gaps_are_no_moves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hold_ends_with_a_commit_that_was_learnt, set_up, tear_down),
        cmocka_unit_test(test_failures_in_a_row),
        cmocka_unit_test_setup_teardown(test_failures_apart, set_up, tear_down),
        cmocka_unit_test(test_taint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
