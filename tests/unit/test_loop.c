#include "engine/loop.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/twin_rig.h"

#define PATIENCE_MS 120000
#define UNKNOWN_ID  99

static struct rig rig;

static void set_up_with(struct rig_options options)
{
    options.partitions = options.partitions ? options.partitions : 3;
    options.seed = 1;
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

static void run_for(int64_t ms)
{
    if (rig_run(&rig, ms) != WEIR_OK)
        fail_msg("%s: %s", weir_err_name(rig.err.code), rig.err.text);
}

static uint64_t counted(enum counter which)
{
    return counters_get(&rig.counters, which);
}

/* event NULL: anything at all. */
static void expect_said(const char *event, size_t times)
{
    if (twin_log_count(event) == times)
        return;
    twin_log_show();
    fail_msg("%s was said %zu times, not %zu", event ? event : "anything", twin_log_count(event), times);
}

/* That is one warning of so many; the rest is for debugging. */
static void expect_warned(const char *event, size_t times)
{
    if (twin_log_level(WEIR_LOG_WARN) == times && twin_log_count(event) >= times)
        return;
    twin_log_show();
    fail_msg("%s was warned of %zu times, not %zu", event, twin_log_level(WEIR_LOG_WARN), times);
}

/* --- all is well --- */

static void test_every_kind(void **state)
{
    (void)state;
    rig_put_mix(&rig, 100 * RIG_KINDS);
    rig_finish(&rig, PATIENCE_MS);
    assert_int_equal(counted(COUNTER_RECORDS_IN), 300 * RIG_KINDS);
    assert_int_equal(counted(COUNTER_RECORDS_PASSED), 300 * 2);
    assert_int_equal(counted(COUNTER_RECORDS_DROPPED), 300);
    assert_int_equal(counters_get_rejected(&rig.counters, WEIR_CODE_RULE_FAILED), 300 * 2);
    assert_int_equal(counters_get_rejected(&rig.counters, WEIR_CODE_BAD_MAGIC), 300);
    assert_int_equal(twin_log_level(WEIR_LOG_WARN), 0);
}

/* They are counted when they are committed, and only where the configuration says so. */
static void test_unknown_fields(void **state)
{
    (void)state;
    static const enum weir_unknown modes[] = {WEIR_UNKNOWN_IGNORE, WEIR_UNKNOWN_COUNT};
    for (size_t i = 0; i < COUNT(modes); i++) {
        rig.spec.core.unknown_fields = modes[i];
        (void)twin_produce(&rig.world, 0, weir_bytes_of("{\"w\":1,\"v\":\"fine\",\"x\":2}"));
        (void)rig_put(&rig, 0, RIG_PASS);
        rig_finish(&rig, PATIENCE_MS);
        assert_int_equal(counted(COUNTER_RECORDS_UNKNOWN), i);
    }
    assert_int_equal(counted(COUNTER_RECORDS_PASSED), 4);
}

/* Headers of ours are stripped from what passes and replaced in letters; the judge looks at each. */
static void test_headers(void **state)
{
    (void)state;
    static const struct weir_header headers[] = {{"trace", {(const uint8_t *)"1", 1}},
                                                 {"__weir.errors.code", {(const uint8_t *)"old", 3}},
                                                 {"trace", {NULL, 0}}};
    for (int i = 0; i < 20; i++)
        twin_set_headers(rig_put(&rig, i % 3, i % 2 ? RIG_PASS : RIG_BAD), headers, COUNT(headers));
    rig_finish(&rig, PATIENCE_MS);
    assert_int_equal(rig.world.n_visible, 20);
}

/* Only records that were dropped: the offsets are committed all the same. */
static void test_nothing_to_send(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        (void)rig_put(&rig, 0, RIG_DROP);
    rig_finish(&rig, PATIENCE_MS);
    assert_int_equal(rig.member.calls[TWIN_SEND], 0);
    assert_int_equal(rig.member.calls[TWIN_COMMIT], 1);
}

static void test_bounds_of_a_batch(void **state)
{
    static const struct {
        struct rig_options options;
        uint64_t commits;
    } rows[] = {
        {{.max_records = 1000}, 1},
        {{.max_records = 7}, 15},
        {{.max_records = 1}, 100},
        /* Polls hand out 10 records of 12 + 3 bytes: 150 bytes at once. */
        {{.max_bytes = 140}, 10},
        {{.max_bytes = 1}, 100},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct rig_options options = rows[i].options;
        options.partitions = 1;
        set_up_with(options);
        rig.member.chunk = 10;
        for (int r = 0; r < 100; r++)
            (void)rig_put(&rig, 0, RIG_PASS);
        rig_finish(&rig, PATIENCE_MS);
        uint64_t commits = rig.member.calls[TWIN_COMMIT];
        if (commits < rows[i].commits || commits > rows[i].commits + 1 + rows[i].commits / 9)
            fail_msg("row %zu: %u commits", i, (unsigned)commits);
        (void)tear_down(state);
    }
}

/* A record that comes after a pause is written at once. */
static void test_first_record(void **state)
{
    (void)state;
    run_for(1000);
    (void)rig_put(&rig, 0, RIG_PASS);
    int64_t before = rig.world.now_ms;
    rig_finish(&rig, PATIENCE_MS);
    assert_in_range(rig.world.now_ms - before, 0, TWIN_COMMIT_MS + 20);
}

/* Of records that keep coming, an interval's go into one transaction, and the commit is part of the interval.
 */
static void test_interval(void **state)
{
    enum { TURNS = 20 };
    (void)state;
    int64_t interval = rig.spec.transaction.interval_ms;
    run_for(1000);
    int64_t before = rig.world.now_ms;
    for (int i = 0; i < TURNS; i++) {
        (void)rig_put(&rig, 0, RIG_PASS);
        rig_step(&rig);
    }
    assert_int_equal(rig.member.calls[TWIN_COMMIT], TURNS);
    int64_t took = rig.world.now_ms - before;
    assert_in_range(took, (TURNS - 1) * interval, (TURNS - 1) * interval + TWIN_COMMIT_MS + 20);
}

/* Where commits take longer than the interval, a backlog is still taken in whole transactions. */
static void test_backlog(void **state)
{
    enum { RECORDS = 1000, CHUNK = 10 };
    (void)state;
    rig.spec.transaction.interval_ms = 1;
    rig.member.chunk = CHUNK;
    for (int i = 0; i < RECORDS; i++)
        (void)rig_put(&rig, i % 3, RIG_PASS);
    rig_finish(&rig, PATIENCE_MS);
    assert_in_range(rig.member.calls[TWIN_COMMIT], 1, 3);
}

static void test_idle_is_quiet(void **state)
{
    (void)state;
    run_for(600000);
    assert_int_equal(twin_log_count(NULL), 0);
    assert_in_range(rig.member.calls[TWIN_POLL], 1, 6100);
    assert_in_range(rig.member.calls[TWIN_REFRESH], 1, 12);
}

/* --- waiting --- */

static void mend_topics(void *context)
{
    struct twin_world *world = context;
    world->input_missing = false;
    for (int i = 0; i < SINK_TOPICS; i++)
        world->topics[i] = (struct sink_target){WEIR_OK, world->n_partitions, 1 << 20};
}

/* A topic that cannot take records: those of one partition wait, the others go on; it is said once, and once
 * that it is over; then everything comes in its order. */
static void test_topic_trouble(void **state)
{
    static const struct {
        enum sink_topic topic;
        enum weir_err_code trouble;
        enum rig_kind kind, other;
    } rows[] = {
        {SINK_DEAD_LETTER, WEIR_ERR_TOPIC_MISSING, RIG_BAD, RIG_PASS},
        {SINK_DEAD_LETTER, WEIR_ERR_TOPIC_DENIED, RIG_RUBBISH, RIG_DROP},
        {SINK_OUTPUT, WEIR_ERR_TOPIC_MISSING, RIG_PASS, RIG_BAD},
        {SINK_OUTPUT, WEIR_ERR_TOPIC_DENIED, RIG_AVRO, RIG_TOMBSTONE},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        (void)set_up(state);
        rig.world.topics[rows[i].topic].state = rows[i].trouble;
        for (int n = 0; n < 50; n++) {
            (void)rig_put(&rig, 0, n == 20 || n == 30 ? rows[i].kind : rows[i].other);
            (void)rig_put(&rig, 1, n == 40 ? rows[i].kind : rows[i].other);
            (void)rig_put(&rig, 2, rows[i].other);
        }
        run_for(60000);
        assert_int_equal(rig.world.partitions[0].committed, 20);
        assert_int_equal(rig.world.partitions[1].committed, 40);
        assert_int_equal(rig.world.partitions[2].committed, 50);
        (void)rig_put(&rig, 2, rows[i].other);
        run_for(1000);
        assert_int_equal(rig.world.partitions[2].committed, 51);
        expect_said(weir_err_name(rows[i].trouble), 1);
        expect_said("recovered", 0);
        assert_in_range(rig.member.calls[TWIN_REFRESH], 30, 70);
        mend_topics(&rig.world);
        rig_finish(&rig, HOLDS_LONGEST_MS + 2 * LOOP_REFRESH_SOON_MS);
        expect_said("recovered", 1);
        assert_int_equal(twin_log_level(WEIR_LOG_WARN), 1);
        assert_int_equal(rig.loop.holds.n, 0);
        (void)tear_down(state);
    }
}

static void test_letter_too_large(void **state)
{
    (void)state;
    rig.world.topics[SINK_OUTPUT].max_message_bytes = 1000;
    rig.world.topics[SINK_DEAD_LETTER].max_message_bytes = 1000;
    for (int n = 0; n < 30; n++) {
        bool large = n % 10 == 5;
        struct twin_input *input =
            large ? rig_put_long(&rig, n / 10, (size_t)(2000 + n)) : rig_put(&rig, n / 10, RIG_PASS);
        if (large) {
            input->expect = WEIR_REJECT;
            input->code = WEIR_CODE_TOO_LARGE;
        }
    }
    run_for(60000);
    assert_int_equal(rig.world.partitions[0].committed, 5);
    expect_warned("letter_too_large", 1);
    rig.world.topics[SINK_DEAD_LETTER].max_message_bytes = 10000;
    /* Seen in the next look at the topics, and tried at once. */
    rig_finish(&rig, 2 * LOOP_REFRESH_SOON_MS);
    expect_said("recovered", 1);
    expect_warned("letter_too_large", 1);
    assert_int_equal(counters_get_rejected(&rig.counters, WEIR_CODE_TOO_LARGE), 3);
}

/* The topic's limit was lowered behind our back: the broker refuses what we thought would fit. */
static void test_refused_by_the_broker(void **state)
{
    (void)state;
    run_for(1000);
    rig.world.topics[SINK_OUTPUT].max_message_bytes = 1000;
    struct twin_input *input = rig_put_long(&rig, 0, 2000);
    input->expect = WEIR_REJECT;
    input->code = WEIR_CODE_TOO_LARGE;
    rig_finish(&rig, PATIENCE_MS);
    expect_said("output_refused", 1);
    expect_said("recovered", 1);
}

/* A topic goes away or is denied under a running worker: said once, in words that name it, though it is a
 * request that meets it first. */
static void test_topic_trouble_while_running(void **state)
{
    static const struct {
        enum weir_err_code trouble;
        const char *words;
    } rows[] = {
        {WEIR_ERR_TOPIC_MISSING, "topic out does not exist"},
        {WEIR_ERR_TOPIC_DENIED, "no permission to write to topic out"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        (void)set_up(state);
        run_for(1000);
        rig.world.topics[SINK_OUTPUT].state = rows[i].trouble;
        (void)rig_put(&rig, 0, RIG_PASS);
        (void)rig_put(&rig, 1, RIG_PASS);
        run_for(30000);
        expect_said(weir_err_name(rows[i].trouble), 1);
        assert_int_equal(twin_log_text(rows[i].words), 1);
        mend_topics(&rig.world);
        rig_finish(&rig, PATIENCE_MS);
        expect_said("recovered", 1);
        assert_int_equal(twin_log_level(WEIR_LOG_WARN), 1);
        (void)tear_down(state);
    }
}

static void test_schema_pending(void **state)
{
    (void)state;
    for (int n = 0; n < 10; n++)
        (void)rig_put_avro(&rig, 0, n == 5 ? UNKNOWN_ID : RIG_ID, "fine");
    (void)rig_put(&rig, 1, RIG_PASS);
    run_for(RIG_DEADLINE / 2);
    assert_int_equal(rig.world.partitions[0].committed, 5);
    assert_int_equal(rig.world.partitions[1].committed, 1);
    expect_said("schema_pending", 1);
    twin_add_schema(&rig.world, UNKNOWN_ID, rig.reader);
    rig_finish(&rig, HOLDS_LONGEST_MS + 1000);
    expect_said("recovered", 1);
}

static void test_unknown_schema_after_its_deadline(void **state)
{
    (void)state;
    for (int n = 0; n < 100; n++) {
        struct twin_input *input = rig_put_avro(&rig, 0, UNKNOWN_ID, "fine");
        input->expect = WEIR_REJECT;
        input->code = WEIR_CODE_UNKNOWN_SCHEMA;
    }
    rig_finish(&rig, RIG_DEADLINE + HOLDS_LONGEST_MS + 1000);
    assert_true(rig.world.now_ms >= RIG_DEADLINE);
    /* Once a try, then once a batch: never once a record. */
    assert_in_range(rig.member.calls[TWIN_BY_KEY], 1, 30);
}

/* However long the registry is down, no record is rejected for it. */
static void test_registry_down(void **state)
{
    (void)state;
    rig.world.registry_down = true;
    rig_put_mix(&rig, 5 * RIG_KINDS);
    run_for(10 * RIG_DEADLINE);
    expect_said("registry_down", 1);
    expect_said("recovered", 0);
    rig.world.registry_down = false;
    rig_finish(&rig, HOLDS_LONGEST_MS + 1000);
    expect_said("recovered", 1);
    expect_said(NULL, 2);
}

/* Asked to hurry, what waits is tried at once, on a fresh look at the topics. */
static void test_hurry(void **state)
{
    (void)state;
    rig.world.topics[SINK_DEAD_LETTER].state = WEIR_ERR_TOPIC_MISSING;
    (void)rig_put(&rig, 0, RIG_BAD);
    run_for(60000);
    mend_topics(&rig.world);
    atomic_fetch_add(&rig.control.hurry, 1);
    rig_finish(&rig, rig.spec.transaction.interval_ms + TWIN_COMMIT_MS + 50);
}

static void test_input_missing(void **state)
{
    (void)state;
    rig.world.input_missing = true;
    twin_script(&rig.member, TWIN_POLL, 1, 400, rig_fault(WEIR_ERR_TOPIC_MISSING, TWIN_UNDONE));
    run_for(60000);
    expect_said("topic_missing", 1);
    rig.world.input_missing = false;
    rig.member.n_rules = 0;
    rig_put_mix(&rig, 10);
    rig_finish(&rig, 5000);
    run_for(2000);
    expect_said("topic_missing", 1);
    expect_said("recovered", 1);
}

/* --- brokers --- */

static void brokers_up(void *context)
{
    ((struct twin_world *)context)->brokers_down = false;
}

static void brokers_down(void *context)
{
    ((struct twin_world *)context)->brokers_down = true;
}

static void test_brokers_down_at_start(void **state)
{
    (void)state;
    rig.world.brokers_down = true;
    rig_put_mix(&rig, 100);
    twin_after(&rig.world, 60000, brokers_up, &rig.world);
    rig_finish(&rig, PATIENCE_MS);
    run_for(1000);
    expect_said("broker_down", 1);
    expect_said("recovered", 1);
    assert_in_range(rig.member.calls[TWIN_OPEN], 1, 60000 / TWIN_SLICE_MS + 2);
}

/* Killing the broker for a minute costs nothing but time, whatever the loop was about to do. */
static void test_brokers_down_in_the_middle(void **state)
{
    for (int64_t at = 0; at < 300; at += 17) {
        (void)set_up(state);
        rig_put_mix(&rig, 500);
        twin_after(&rig.world, at, brokers_down, &rig.world);
        twin_after(&rig.world, at + 60000, brokers_up, &rig.world);
        run_for(at + 10);
        rig_put_mix(&rig, 500);
        run_for(60000);
        rig_finish(&rig, PATIENCE_MS);
        run_for(2000);
        expect_said("broker_down", 1);
        expect_said("recovered", 1);
        assert_in_range(twin_log_level(WEIR_LOG_WARN), 1, 2);
        (void)tear_down(state);
    }
}

/* The group's coordinator is away while the topics can be seen: that is one trouble, not one a poll. */
static void test_coordinator_down(void **state)
{
    (void)state;
    run_for(1000);
    twin_script(&rig.member, TWIN_POLL, 1, 300, rig_fault(WEIR_ERR_BROKER_DOWN, TWIN_UNDONE));
    rig_put_mix(&rig, 10);
    rig_finish(&rig, PATIENCE_MS);
    run_for(1000);
    expect_said("broker_down", 1);
    expect_said("recovered", 1);
}

/* Opening fails at once, again and again, before the group is joined: that must not spin. */
static void test_opening_is_paced(void **state)
{
    (void)state;
    static const enum weir_err_code codes[] = {WEIR_ERR_PRODUCER_LOST, WEIR_ERR_TXN_UNKNOWN,
                                               WEIR_ERR_BROKER_DOWN};
    rig_put_mix(&rig, 10);
    for (size_t i = 0; i < COUNT(codes); i++)
        twin_script(&rig.member, TWIN_OPEN, 1 + 20 * i, 20, rig_fault(codes[i], TWIN_UNDONE));
    rig_finish(&rig, PATIENCE_MS);
    assert_true(rig.world.now_ms > 60 * 20);
}

static void test_start_fails_at_first(void **state)
{
    (void)state;
    twin_script(&rig.member, TWIN_START, 1, 3, rig_fault(WEIR_ERR_BROKER_DOWN, TWIN_UNDONE));
    rig_put_mix(&rig, 10);
    rig_finish(&rig, PATIENCE_MS);
    assert_int_equal(rig.member.calls[TWIN_START], 4);
}

/* --- rebalances --- */

static void give_away(void *context)
{
    int owners[TWIN_PARTITIONS_MAX] = {TWIN_NOBODY, 0, 0};
    twin_rebalance(context, owners);
}

static void give_back(void *context)
{
    twin_assign_all(context, 0);
}

static void another_works(void *context)
{
    struct twin_world *world = context;
    if (world->partitions[0].owner == TWIN_NOBODY && !twin_unstable(world, 0) &&
        world->partitions[0].committed < 30)
        twin_done_by_another(world, 0, 30);
}

/* Rebalances at every moment of a batch, with and without somebody working on what was given away. */
static void test_rebalance_at_every_moment(void **state)
{
    for (int64_t at = 0; at < 250; at += 3) {
        for (int work = 0; work < 2; work++) {
            set_up_with((struct rig_options){.max_records = 40});
            rig.member.chunk = 3;
            rig_put_mix(&rig, 60);
            twin_after(&rig.world, at, give_away, &rig.world);
            if (work)
                twin_after(&rig.world, at + 40, another_works, &rig.world);
            twin_after(&rig.world, at + 80, give_back, &rig.world);
            rig_finish(&rig, PATIENCE_MS);
            (void)tear_down(state);
        }
    }
}

static void test_rebalance_while_holding(void **state)
{
    (void)state;
    rig.world.topics[SINK_DEAD_LETTER].state = WEIR_ERR_TOPIC_MISSING;
    for (int p = 0; p < 3; p++) {
        (void)rig_put(&rig, p, RIG_PASS);
        (void)rig_put(&rig, p, RIG_BAD);
        (void)rig_put(&rig, p, RIG_PASS);
    }
    run_for(3000);
    for (int i = 0; i < 5; i++) {
        twin_assign_all(&rig.world, i % 2 ? 0 : TWIN_NOBODY);
        run_for(3000);
    }
    twin_assign_all(&rig.world, 0);
    run_for(3000);
    expect_said("topic_missing", 1);
    expect_said("recovered", 0);
    mend_topics(&rig.world);
    rig_finish(&rig, PATIENCE_MS);
    expect_said("topic_missing", 1);
    expect_said("recovered", 1);
}

/* A partition is given away while the outcome of its batch is unknown; who gets it must find it stable. */
static void test_rebalance_while_recovering(void **state)
{
    static const enum twin_fate fates[] = {TWIN_UNDONE, TWIN_DONE, TWIN_LATE};
    for (size_t f = 0; f < COUNT(fates); f++) {
        for (int64_t at = 0; at < 12000; at += 500) {
            (void)set_up(state);
            rig_put_mix(&rig, 60);
            twin_script(&rig.member, TWIN_COMMIT, 1, 1, rig_fault(WEIR_ERR_TXN_UNKNOWN, fates[f]));
            twin_script(&rig.member, TWIN_OPEN, 2, 3, rig_fault(WEIR_ERR_TRANSIENT, TWIN_UNDONE));
            twin_script(&rig.member, TWIN_COMMITTED, 1, 2, rig_fault(WEIR_ERR_TRANSIENT, TWIN_UNDONE));
            twin_after(&rig.world, at, give_away, &rig.world);
            twin_after(&rig.world, at + 700, another_works, &rig.world);
            twin_after(&rig.world, at + 900, give_back, &rig.world);
            rig_finish(&rig, PATIENCE_MS);
            (void)tear_down(state);
        }
    }
}

/* --- the end --- */

static void stop_now(void *context)
{
    atomic_store(&((struct rig *)context)->control.stop, 1);
}

/* Stopping at every moment, in every state: within the deadline, and nothing is lost for the next start. */
static void test_stop(void **state)
{
    static const struct {
        const char *what;
        bool down, holding, idle;
        enum weir_err_code commit;
        enum weir_err_code code; /* that loop_run may return beside OK */
    } rows[] = {
        {.what = "idle", .idle = true},
        {.what = "busy"},
        {.what = "holding", .holding = true},
        {.what = "brokers down", .down = true, .code = WEIR_ERR_TRANSIENT},
        {.what = "aborting", .commit = WEIR_ERR_TXN_ABORTED},
        {.what = "rebuilding", .commit = WEIR_ERR_TXN_UNKNOWN, .code = WEIR_ERR_TRANSIENT},
        {.what = "no generation", .commit = WEIR_ERR_STALE_GENERATION},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (int64_t at = 1; at < 2000; at += 60) {
            set_up_with((struct rig_options){.max_records = 50});
            if (!rows[i].idle)
                rig_put_mix(&rig, 200);
            if (rows[i].holding)
                rig.world.topics[SINK_DEAD_LETTER].state = WEIR_ERR_TOPIC_MISSING;
            enum twin_fate fate = rows[i].commit == WEIR_ERR_TXN_UNKNOWN ? TWIN_LATE : TWIN_UNDONE;
            if (rows[i].commit != WEIR_OK)
                twin_script(&rig.member, TWIN_COMMIT, 2, 1000, rig_fault(rows[i].commit, fate));
            if (rows[i].down)
                twin_after(&rig.world, at / 2, brokers_down, &rig.world);
            twin_after(&rig.world, at, stop_now, &rig);
            int64_t stopped = rig.world.now_ms + at;
            enum weir_err_code code = loop_run(&rig.loop, &rig.err);
            rig_check(&rig);
            if (code != WEIR_OK && code != rows[i].code)
                fail_msg("%s, %d ms: %s", rows[i].what, (int)at, rig.err.text);
            int64_t took = rig.world.now_ms - stopped;
            if (took > LOOP_STOP_DEADLINE_MS + TWIN_SLICE_MS)
                fail_msg("%s, %d ms: took %d ms", rows[i].what, (int)at, (int)took);
            mend_topics(&rig.world);
            rig.world.brokers_down = false;
            rig_restart(&rig);
            rig_finish(&rig, PATIENCE_MS);
            (void)tear_down(state);
        }
    }
}

/* What is gathered when the stop comes is still done. */
static void test_stop_finishes_what_is_gathered(void **state)
{
    (void)state;
    run_for(1000);
    rig_put_mix(&rig, 10);
    twin_after(&rig.world, 50, stop_now, &rig);
    assert_int_equal(loop_run(&rig.loop, &rig.err), WEIR_OK);
    assert_true(twin_all_done(&rig.world, true));
}

/* Killed at any moment and started again under the same identity. */
static void test_killed(void **state)
{
    for (int steps = 1; steps < 40; steps++) {
        set_up_with((struct rig_options){.max_records = 10});
        rig.member.chunk = 4;
        rig_put_mix(&rig, 60);
        twin_script(&rig.member, TWIN_COMMIT, (uint64_t)(1 + steps % 7), 1,
                    rig_fault(WEIR_ERR_TXN_UNKNOWN, (enum twin_fate)(steps % 3)));
        for (int i = 0; i < steps; i++)
            assert_int_equal(rig_step(&rig), WEIR_OK);
        rig_restart(&rig);
        rig_finish(&rig, PATIENCE_MS);
        (void)tear_down(state);
    }
}

/*
 * The transaction times out, and another process does one partition of it to the very end: the batch was not
 * committed for that. What it would have told the journal is told again, and what is done again is counted
 * once.
 */
static void do_all(void *context)
{
    twin_done_by_another(context, 0, ((struct twin_world *)context)->partitions[0].end);
}

static void test_done_by_another(void **state)
{
    enum { EACH = 5 };
    (void)state;
    for (int32_t partitions = 1; partitions <= 3; partitions++) {
        set_up_with((struct rig_options){.partitions = partitions, .journal = true});
        rig_put_mix(&rig, EACH);
        twin_script(&rig.member, TWIN_COMMIT, 1, 1, (struct twin_fault){.took_ms = 31000});
        twin_after(&rig.world, 10000, do_all, &rig.world);
        run_for(35000);
        rig_put_mix(&rig, EACH);
        rig_finish(&rig, PATIENCE_MS);
        /* Of a whole batch that is committed nobody knows who did it. */
        bool whole = partitions == 1;
        assert_int_equal(counted(COUNTER_RECORDS_IN), EACH * (2 * partitions - (whole ? 0 : 1)));
        (void)tear_down(state);
    }
}

/*
 * The group times the member out while the brokers are away: it joins anew, in whatever state it is, and it
 * is said once.
 */
static void test_member_expired(void **state)
{
    static const enum weir_err_code firsts[] = {WEIR_OK, WEIR_ERR_TXN_ABORTED, WEIR_ERR_TXN_UNKNOWN};
    static const enum twin_fate fates[] = {TWIN_UNDONE, TWIN_DONE, TWIN_LATE};
    for (size_t i = 0; i < COUNT(firsts); i++) {
        for (uint64_t nth = 1; nth < 12; nth++) {
            (void)set_up(state);
            rig_put_mix(&rig, 40);
            if (firsts[i] != WEIR_OK) {
                /* An outcome can only be other than it seems where it is not known. */
                enum twin_fate fate =
                    firsts[i] == WEIR_ERR_TXN_UNKNOWN ? fates[nth % COUNT(fates)] : TWIN_UNDONE;
                twin_script(&rig.member, TWIN_COMMIT, 1, 1, rig_fault(firsts[i], fate));
                twin_script(&rig.member, TWIN_OPEN, 2, 2, rig_fault(WEIR_ERR_TRANSIENT, TWIN_UNDONE));
            }
            twin_script(&rig.member, TWIN_POLL, nth, 1, rig_fault(WEIR_ERR_MEMBER_EXPIRED, TWIN_UNDONE));
            rig_finish(&rig, PATIENCE_MS);
            rig_put_mix(&rig, 40);
            rig_finish(&rig, PATIENCE_MS);
            run_for(2000); /* Long enough for any of the polls that the loop may fail at. */
            assert_int_equal(rig.member.calls[TWIN_REJOIN], 1);
            expect_said("rejoin", 1);
            (void)tear_down(state);
        }
    }
}

/* A fatal error of any port ends the loop, as it is; whatever was under way is done by the next start. */
static void test_fatal_errors(void **state)
{
    static const struct {
        enum twin_op op;
        enum weir_err_code code;
        enum weir_err_code first; /* of the commit, to get there */
        enum twin_fate fate;
    } rows[] = {
        {TWIN_OPEN, WEIR_ERR_DENIED, WEIR_OK, TWIN_UNDONE},
        {TWIN_OPEN, WEIR_ERR_DENIED, WEIR_ERR_TXN_UNKNOWN, TWIN_UNDONE},
        {TWIN_START, WEIR_ERR_KAFKA, WEIR_OK, TWIN_UNDONE},
        {TWIN_POLL, WEIR_ERR_OFFSET_LOST, WEIR_OK, TWIN_UNDONE},
        /* Records may come with the error: they must go back. */
        {TWIN_POLL, WEIR_ERR_DUPLICATE_IDENTITY, WEIR_OK, TWIN_DONE},
        {TWIN_POLL, WEIR_ERR_NO_OFFSET, WEIR_ERR_TXN_UNKNOWN, TWIN_UNDONE},
        {TWIN_REFRESH, WEIR_ERR_KAFKA, WEIR_OK, TWIN_UNDONE},
        {TWIN_STAMP, WEIR_ERR_NO_MEMORY, WEIR_OK, TWIN_UNDONE},
        {TWIN_BY_KEY, WEIR_ERR_IO, WEIR_OK, TWIN_UNDONE},
        {TWIN_BEGIN, WEIR_ERR_KAFKA, WEIR_OK, TWIN_UNDONE},
        {TWIN_SEND, WEIR_ERR_KAFKA, WEIR_OK, TWIN_UNDONE},
        {TWIN_COMMIT, WEIR_ERR_DENIED, WEIR_OK, TWIN_UNDONE},
        {TWIN_COMMIT, WEIR_ERR_STUCK, WEIR_OK, TWIN_LATE},
        {TWIN_ABORT, WEIR_ERR_DENIED, WEIR_ERR_TXN_ABORTED, TWIN_UNDONE},
        {TWIN_SEEK, WEIR_ERR_KAFKA, WEIR_ERR_TXN_ABORTED, TWIN_UNDONE},
        {TWIN_SEEK, WEIR_ERR_KAFKA, WEIR_ERR_TXN_UNKNOWN, TWIN_UNDONE},
        {TWIN_SEEK, WEIR_ERR_KAFKA, WEIR_ERR_OUTPUT_REFUSED, TWIN_UNDONE},
        {TWIN_PAUSE, WEIR_ERR_KAFKA, WEIR_ERR_OUTPUT_REFUSED, TWIN_UNDONE},
        {TWIN_RESUME, WEIR_ERR_KAFKA, WEIR_ERR_OUTPUT_REFUSED, TWIN_UNDONE},
        {TWIN_COMMITTED, WEIR_ERR_DENIED, WEIR_ERR_TXN_UNKNOWN, TWIN_UNDONE},
        {TWIN_QUIET, WEIR_ERR_KAFKA, WEIR_ERR_TXN_UNKNOWN, TWIN_UNDONE},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        (void)set_up(state);
        /* A poll that may gather: behind those that wait for the sink to open. */
        uint64_t nth = rows[i].fate == TWIN_DONE ? 3 : 1;
        if (rows[i].first != WEIR_OK) {
            assert_int_equal(rig_step(&rig), WEIR_OK);
            twin_script(&rig.member, TWIN_COMMIT, 1, 1, rig_fault(rows[i].first, TWIN_UNDONE));
            twin_script(&rig.member, TWIN_OPEN, 2, 1, rig_fault(WEIR_ERR_TRANSIENT, TWIN_UNDONE));
            /* The poll that gathers, then the one that keeps the membership. */
            nth = rows[i].op == TWIN_POLL ? 8 : 1;
        }
        rig_put_mix(&rig, 20);
        twin_script(&rig.member, rows[i].op, nth, 1, rig_fault(rows[i].code, rows[i].fate));
        if (rows[i].op == TWIN_QUIET || rows[i].op == TWIN_POLL)
            twin_script(&rig.member, TWIN_OPEN, 1, 2, rig_fault(WEIR_ERR_TRANSIENT, TWIN_UNDONE));
        enum weir_err_code code = rig_run(&rig, 30000);
        if (code != rows[i].code || rig.err.code != rows[i].code)
            fail_msg("row %zu, %s: %s instead of %s", i, twin_op_name(rows[i].op), weir_err_name(code),
                     weir_err_name(rows[i].code));
        rig_restart(&rig);
        rig_finish(&rig, PATIENCE_MS);
        (void)tear_down(state);
    }
}

/* --- everything at random --- */

#define CHAOS_STEPS      1500
#define CHAOS_SEEDS      60
#define CHAOS_PARTITIONS 4
/* Ids that the registry learns one after the other. */
#define CHAOS_FIRST_ID 100
#define CHAOS_IDS      200
/* How long a part of the world may fail. */
#define CHAOS_TROUBLE_MS 20000

struct chaos {
    struct rig rig;
    uint32_t next_id; /* schema id that the registry does not know yet */
    bool calm;        /* no more faults */
};

/* What each operation may say by its contract, short of what ends the process. */
static const struct chaos_fault {
    enum twin_op op;
    struct twin_fault fault;
} chaos_faults[] = {
    {TWIN_POLL, {WEIR_ERR_BROKER_DOWN, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_POLL, {WEIR_ERR_BROKER_DOWN, NULL, TWIN_DONE, 0, false}},
    {TWIN_POLL, {WEIR_ERR_TOPIC_MISSING, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_COMMITTED, {WEIR_ERR_TRANSIENT, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_STAMP, {WEIR_ERR_STALE_GENERATION, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_TAKEN, {WEIR_ERR_TRANSIENT, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_OPEN, {WEIR_ERR_TRANSIENT, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_OPEN, {WEIR_ERR_BROKER_DOWN, NULL, TWIN_UNDONE, 700, false}},
    {TWIN_OPEN, {WEIR_ERR_PRODUCER_LOST, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_REFRESH, {WEIR_ERR_BROKER_DOWN, NULL, TWIN_UNDONE, 3000, false}},
    {TWIN_BEGIN, {WEIR_ERR_TXN_UNKNOWN, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_BEGIN, {WEIR_ERR_TXN_ABORTED, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_SEND, {WEIR_ERR_TXN_ABORTED, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_SEND, {WEIR_ERR_OUTPUT_REFUSED, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_SEND, {WEIR_ERR_TXN_UNKNOWN, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_COMMIT, {WEIR_ERR_TXN_ABORTED, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_COMMIT, {WEIR_ERR_STALE_GENERATION, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_COMMIT, {WEIR_ERR_TOPIC_DENIED, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_COMMIT, {WEIR_ERR_TXN_UNKNOWN, NULL, TWIN_UNDONE, 9000, false}},
    {TWIN_COMMIT, {WEIR_ERR_TXN_UNKNOWN, NULL, TWIN_DONE, 9000, false}},
    {TWIN_COMMIT, {WEIR_ERR_TXN_UNKNOWN, NULL, TWIN_LATE, 9000, false}},
    {TWIN_COMMIT, {WEIR_ERR_PRODUCER_LOST, NULL, TWIN_LATE, 0, false}},
    {TWIN_COMMIT, {WEIR_OK, NULL, TWIN_UNDONE, 31000, false}},
    {TWIN_COMMIT, {WEIR_OK, NULL, TWIN_UNDONE, 1500, true}},
    {TWIN_COMMIT, {WEIR_ERR_TXN_ABORTED, NULL, TWIN_UNDONE, 0, true}},
    {TWIN_ABORT, {WEIR_ERR_PRODUCER_LOST, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_ABORT, {WEIR_OK, NULL, TWIN_UNDONE, 31000, false}},
    {TWIN_ABORT, {WEIR_OK, NULL, TWIN_UNDONE, 1500, true}},
    {TWIN_POLL, {WEIR_ERR_MEMBER_EXPIRED, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_BY_KEY, {WEIR_ERR_REGISTRY_DOWN, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_BY_KEY, {WEIR_ERR_NOT_FOUND, NULL, TWIN_UNDONE, 0, false}},
};

/* One call in so many fails: rarer calls fail more often, so that each fault meets each. */
static const uint32_t chaos_rarity[TWIN_OPS] = {
    [TWIN_POLL] = 60,    [TWIN_COMMITTED] = 3, [TWIN_STAMP] = 25, [TWIN_OPEN] = 4,
    [TWIN_REFRESH] = 25, [TWIN_BEGIN] = 40,    [TWIN_SEND] = 400, [TWIN_COMMIT] = 5,
    [TWIN_ABORT] = 4,    [TWIN_BY_KEY] = 10,   [TWIN_TAKEN] = 2};

static struct twin_fault decide(void *context, struct twin_member *member, enum twin_op op)
{
    struct chaos *chaos = context;
    const struct chaos_fault *found[COUNT(chaos_faults)];
    size_t n = 0;
    for (size_t i = 0; i < COUNT(chaos_faults); i++)
        if (chaos_faults[i].op == op)
            found[n++] = &chaos_faults[i];
    if (chaos->calm || n == 0 || twin_random(member->world, chaos_rarity[op]) != 0)
        return (struct twin_fault){0};
    return found[twin_random(member->world, (uint32_t)n)]->fault;
}

/* Partitions change hands; what falls to nobody may be done by another process meanwhile. */
static void shuffle(void *context)
{
    struct twin_world *world = context;
    int owners[TWIN_PARTITIONS_MAX];
    for (int32_t p = 0; p < world->n_partitions; p++)
        owners[p] = twin_random(world, 4) == 0 ? TWIN_NOBODY : 0;
    twin_rebalance(world, owners);
}

static void let_another_work(struct twin_world *world)
{
    for (int32_t p = 0; p < world->n_partitions; p++) {
        const struct twin_partition *at = &world->partitions[p];
        int64_t from = at->committed < 0 ? at->start : at->committed;
        if (at->owner == TWIN_NOBODY && !twin_unstable(world, p) && at->end > from)
            twin_done_by_another(world, p, from + 1 + twin_random(world, (uint32_t)(at->end - from)));
    }
}

static void mend_registry(void *context)
{
    ((struct twin_world *)context)->registry_down = false;
}

/* The id that is not yet known becomes known, and records of the next one will come. */
static void publish_schema(struct chaos *chaos)
{
    if (chaos->next_id - CHAOS_FIRST_ID < CHAOS_IDS)
        twin_add_schema(&chaos->rig.world, chaos->next_id++, chaos->rig.reader);
}

/* One part of the world fails for a while. */
static void break_something(struct twin_world *world)
{
    static const enum weir_err_code states[] = {WEIR_ERR_TOPIC_MISSING, WEIR_ERR_TOPIC_DENIED};
    void (*mend)(void *context) = mend_topics;
    switch (twin_random(world, 5)) {
    case 0:
        world->brokers_down = true;
        mend = brokers_up;
        break;
    case 1:
        world->registry_down = true;
        mend = mend_registry;
        break;
    case 2: world->input_missing = true; break;
    default:
        world->topics[twin_random(world, SINK_TOPICS)].state = states[twin_random(world, COUNT(states))];
        break;
    }
    twin_after(world, 1 + twin_random(world, CHAOS_TROUBLE_MS), mend, world);
}

static void put_some(struct chaos *chaos)
{
    struct twin_world *world = &chaos->rig.world;
    int32_t partition = (int32_t)twin_random(world, CHAOS_PARTITIONS);
    uint32_t n = twin_random(world, 40);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t dice = twin_random(world, 100) ? twin_random(world, RIG_KINDS + 1) : RIG_KINDS + 1;
        if (dice < RIG_KINDS)
            (void)rig_put(&chaos->rig, partition, (enum rig_kind)dice);
        else if (dice == RIG_KINDS)
            twin_gap(world, partition, 1 + twin_random(world, 3));
        else
            (void)rig_put_avro(&chaos->rig, partition, chaos->next_id, "late");
    }
}

static void disturb(struct chaos *chaos)
{
    struct twin_world *world = &chaos->rig.world;
    switch (twin_random(world, 60)) {
    case 0: twin_after(world, twin_random(world, 300), shuffle, world); break;
    case 1: let_another_work(world); break;
    case 2: break_something(world); break;
    case 3: atomic_fetch_add(&chaos->rig.control.hurry, 1); break;
    case 4: twin_advance(world, twin_random(world, 40000)); break;
    case 5:
    case 6:
    case 7: publish_schema(chaos); break;
    case 8:
    case 9:
    case 10:
    case 11:
    case 12:
    case 13: put_some(chaos); break;
    default: break;
    }
}

static void end_chaos(struct chaos *chaos)
{
    struct twin_world *world = &chaos->rig.world;
    chaos->calm = true;
    world->n_events = 0;
    brokers_up(world);
    mend_registry(world);
    mend_topics(world);
    publish_schema(chaos);
    twin_assign_all(world, 0);
}

static void unleash(struct chaos *chaos)
{
    chaos->rig.member.decide = decide;
    chaos->rig.member.context = chaos;
    chaos->rig.member.chunk = 1 + twin_random(&chaos->rig.world, 10);
}

/* A process that is killed, or that ended because another seemed to have taken its name. */
static void restart(struct chaos *chaos)
{
    rig_restart(&chaos->rig);
    unleash(chaos);
}

static void run_chaos(uint64_t seed, size_t steps)
{
    struct chaos chaos = {.next_id = CHAOS_FIRST_ID};
    rig_init(&chaos.rig, (struct rig_options){.partitions = CHAOS_PARTITIONS,
                                              .seed = seed,
                                              .max_records = 50,
                                              .deadline_ms = INT64_MAX,
                                              .journal = true});
    unleash(&chaos);
    for (size_t i = 0; i < steps; i++) {
        disturb(&chaos);
        enum weir_err_code code = rig_step(&chaos.rig);
        if (code != WEIR_OK && code != WEIR_ERR_DUPLICATE_IDENTITY)
            fail_msg("%s: %s", weir_err_name(code), chaos.rig.err.text);
        if (code != WEIR_OK || twin_random(&chaos.rig.world, 200) == 0)
            restart(&chaos);
    }
    end_chaos(&chaos);
    rig_finish(&chaos.rig, 600000);
    rig_release(&chaos.rig);
}

/* WEIR_SEED=N replays one seed, and runs nothing else. */
static void test_chaos(void **state)
{
    (void)state;
    const char *only = getenv("WEIR_SEED");
    uint64_t first = only ? strtoull(only, NULL, 10) : 1;
    for (uint64_t seed = first; seed < first + (only ? 1 : CHAOS_SEEDS); seed++) {
        print_message("chaos: WEIR_SEED=%llu\n", (unsigned long long)seed);
        run_chaos(seed, CHAOS_STEPS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_kind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_headers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_to_send, set_up, tear_down),
        cmocka_unit_test(test_bounds_of_a_batch),
        cmocka_unit_test_setup_teardown(test_first_record, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_interval, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_backlog, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_idle_is_quiet, set_up, tear_down),
        cmocka_unit_test(test_topic_trouble),
        cmocka_unit_test_setup_teardown(test_letter_too_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused_by_the_broker, set_up, tear_down),
        cmocka_unit_test(test_topic_trouble_while_running),
        cmocka_unit_test_setup_teardown(test_schema_pending, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_schema_after_its_deadline, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_registry_down, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hurry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_input_missing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_brokers_down_at_start, set_up, tear_down),
        cmocka_unit_test(test_brokers_down_in_the_middle),
        cmocka_unit_test_setup_teardown(test_coordinator_down, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_opening_is_paced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_start_fails_at_first, set_up, tear_down),
        cmocka_unit_test(test_rebalance_at_every_moment),
        cmocka_unit_test_setup_teardown(test_rebalance_while_holding, set_up, tear_down),
        cmocka_unit_test(test_rebalance_while_recovering),
        cmocka_unit_test(test_stop),
        cmocka_unit_test_setup_teardown(test_stop_finishes_what_is_gathered, set_up, tear_down),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_done_by_another),
        cmocka_unit_test(test_member_expired),
        cmocka_unit_test(test_fatal_errors),
        cmocka_unit_test(test_chaos),
    };
    if (getenv("WEIR_SEED"))
        cmocka_set_test_filter("test_chaos");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
