/* Brokers go and come back: it costs time and nothing else, it is said once, and stopping needs no broker. */
#include "rig.h"

#include <pthread.h>
#include <string.h>

#include "sys/clock.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define RECORDS      20
/* How long a broker is away: longer than a slice of the sink. */
#define AWAY_MS 3000
/* Stops with the group's coordinator away, one after the other. */
#define STOPS 5

static struct rig *rig;

static int open_group(void **state)
{
    (void)state;
    rig = rig_new();
    rig_set(rig, "session.timeout.ms", "4000");
    rig_place(rig);
    return 0;
}

static int close_group(void **state)
{
    (void)state;
    rig_free(rig);
    return 0;
}

/* A worker that has settled, and records for its next transaction. */
static int setup(void **state)
{
    (void)state;
    rig->on_send = rig->on_commit = NULL;
    rig_renew(rig);
    rd_kafka_mock_coordinator_set(rig->cluster, "transaction", rig_identity(rig), RIG_BROKER_TXN);
    rd_kafka_mock_coordinator_set(rig->cluster, "group", rig->group, RIG_BROKER_GROUP);
    rig_start(rig);
    rig_settle(rig);
    rig_fill(rig, 0, RECORDS);
    rig_fill(rig, 1, RECORDS);
    rig_forget_requests(rig);
    return 0;
}

/* --- a broker that comes back by itself, since the worker's calls block meanwhile --- */

static struct outage {
    int32_t broker;
    pthread_t thread;
    const char *seen; /* the call in which the worker was last seen to block */
} outage;

static void *bring_back(void *unused)
{
    (void)unused;
    int64_t until_ms = clock_monotonic_ms() + AWAY_MS;
    while (clock_monotonic_ms() < until_ms) {
        clock_sleep_ms(50);
        if (atomic_load(&rig->watch.since_ms) != 0)
            outage.seen = atomic_load(&rig->watch.what);
    }
    rd_kafka_mock_broker_set_up(rig->cluster, outage.broker);
    return NULL;
}

static void take_away(int32_t broker)
{
    outage.broker = broker;
    outage.seen = NULL;
    rd_kafka_mock_broker_set_down(rig->cluster, broker);
    assert_int_equal(pthread_create(&outage.thread, NULL, bring_back, NULL), 0);
}

static void settle_through_outage(void)
{
    enum weir_err_code code = rig_run(rig, rig_settled);
    (void)pthread_join(outage.thread, NULL);
    assert_int_equal(code, WEIR_OK);
    rig_judge(rig);
    rig->on_send = rig->on_commit = NULL;
    rig_fill(rig, 0, RECORDS);
    rig_settle(rig);
}

static void lose_leader(struct rig *sending)
{
    sending->on_send = NULL;
    take_away(RIG_BROKER_TOPICS);
}

static void test_leader_down_in_transaction(void **state)
{
    (void)state;
    rig->on_send = lose_leader;
    settle_through_outage();
}

static void lose_coordinator(struct rig *committing)
{
    committing->on_commit = NULL;
    take_away(RIG_BROKER_TXN);
}

static void test_coordinator_down_in_transaction(void **state)
{
    (void)state;
    rig->on_commit = lose_coordinator;
    settle_through_outage();
    assert_int_equal(rig_count(rig, COUNTER_PRODUCER_REBUILDS), 0);
}

static void lose_group(struct rig *committing)
{
    committing->on_commit = NULL;
    take_away(RIG_BROKER_GROUP);
}

/* The call that ignores its time-out meanwhile: the watchdog can see it. */
static void test_group_coordinator_down_in_transaction(void **state)
{
    (void)state;
    rig->on_commit = lose_group;
    settle_through_outage();
    assert_non_null(outage.seen);
    assert_string_equal(outage.seen, "send offsets");
}

static void lose_all(struct rig *committing)
{
    committing->on_commit = NULL;
    take_away(-1);
}

static void test_all_down_in_transaction(void **state)
{
    (void)state;
    rig->on_commit = lose_all;
    settle_through_outage();
}

/* --- what is said, and stopping --- */

/* Nothing to do, nobody there: said once, and once when it is over. */
static void test_said_once(void **state)
{
    (void)state;
    rig_settle(rig);
    rig_log_begin();
    rd_kafka_mock_broker_set_down(rig->cluster, -1);
    enum weir_err_code code = rig_run_for(rig, 12000);
    rd_kafka_mock_broker_set_up(rig->cluster, -1);
    rig_fill(rig, 0, RECORDS);
    if (code == WEIR_OK)
        code = rig_run(rig, rig_settled);
    if (code == WEIR_OK)
        code = rig_run_for(rig, 4000);
    int began = rig_log_lines("waiting");
    int over = rig_log_lines("event=recovered");
    rig_log_end();
    assert_int_equal(code, WEIR_OK);
    rig_judge(rig);
    assert_int_equal(began, 1);
    assert_int_equal(over, 1);
}

static void stop_in_outage(struct rig *committing)
{
    committing->on_commit = NULL;
    rd_kafka_mock_broker_set_down(committing->cluster, -1);
    atomic_store(&committing->control.stop, 1);
}

/* Told to stop with a transaction open and no broker there. */
static void test_stop_without_brokers(void **state)
{
    (void)state;
    struct weir_err err = {0};
    rig->on_commit = stop_in_outage;
    int64_t began_ms = clock_monotonic_ms();
    enum weir_err_code code = loop_run(&rig->loop, &err);
    int64_t looped_ms = clock_monotonic_ms() - began_ms;
    int64_t closed_ms = rig_stop(rig);
    rd_kafka_mock_broker_set_up(rig->cluster, -1);
    assert_true(code == WEIR_OK || code == WEIR_ERR_TRANSIENT);
    if (looped_ms > LOOP_STOP_DEADLINE_MS + 3000 || closed_ms > 6000)
        fail_msg("%lld ms to stop, %lld ms to close", (long long)looped_ms, (long long)closed_ms);
    rig_start(rig);
    rig_settle(rig);
}

/*
 * Before 2.14.2 librdkafka can crash in its handler of LeaveGroup when the group's coordinator is away. A
 * member with a name of its own says nothing when it stops, so that the handler is never reached.
 */
static void test_stops_without_leaving(void **state)
{
    (void)state;
    for (int i = 0; i < STOPS; i++) {
        rig_settle(rig);
        rig_fill(rig, 0, 1);
        if (i > 0)
            rd_kafka_mock_broker_set_down(rig->cluster, RIG_BROKER_GROUP);
        (void)rig_stop(rig);
        rd_kafka_mock_broker_set_up(rig->cluster, RIG_BROKER_GROUP);
        rig_start(rig);
    }
    rig_settle(rig);
    assert_int_equal(rig_requests(rig, RIG_LEAVE_GROUP), 0);
}

/* Started before the brokers are: it waits for them. */
static void test_start_without_brokers(void **state)
{
    (void)state;
    (void)rig_stop(rig);
    rig_log_begin();
    take_away(-1);
    rig_start(rig);
    enum weir_err_code code = rig_run(rig, rig_settled);
    (void)pthread_join(outage.thread, NULL);
    int began = rig_log_lines("waiting");
    rig_log_end();
    assert_int_equal(code, WEIR_OK);
    rig_judge(rig);
    assert_int_equal(began, 1);
}

/* --- topics --- */

static bool input_is_missed(struct rig *any)
{
    return any->loop.no_input >= 0;
}

static void test_input_topic_is_missing(void **state)
{
    (void)state;
    rig_settle(rig);
    (void)rig_stop(rig);
    rd_kafka_mock_topic_set_error(rig->cluster, RIG_INPUT, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    rig_log_begin();
    rig_start(rig);
    enum weir_err_code code = rig_run(rig, input_is_missed);
    if (code == WEIR_OK)
        code = rig_run_for(rig, 3000);
    int began = rig_log_lines("event=topic_missing");
    rd_kafka_mock_topic_set_error(rig->cluster, RIG_INPUT, RD_KAFKA_RESP_ERR_NO_ERROR);
    rig_fill(rig, 0, RECORDS);
    if (code == WEIR_OK)
        code = rig_run(rig, rig_settled);
    if (code == WEIR_OK)
        code = rig_run_for(rig, 2000);
    int over = rig_log_lines("event=recovered");
    rig_log_end();
    assert_int_equal(code, WEIR_OK);
    rig_judge(rig);
    assert_int_equal(began, 1);
    assert_int_equal(over, 1);
}

/* The output disappears under a running worker and comes back. */
static void test_output_topic_disappears(void **state)
{
    (void)state;
    rd_kafka_mock_topic_set_error(rig->cluster, RIG_OUTPUT, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    rig->loop.refresh_at_ms = 0;
    int finals = rig->tally[0].finals;
    assert_int_equal(rig_run_for(rig, 3000), WEIR_OK);
    assert_int_equal(rig->tally[0].finals, finals);
    assert_true(rig_count(rig, COUNTER_WAITS) > 0);
    rd_kafka_mock_topic_set_error(rig->cluster, RIG_OUTPUT, RD_KAFKA_RESP_ERR_NO_ERROR);
    rig_settle(rig);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_leader_down_in_transaction),
        TEST(test_coordinator_down_in_transaction),
        TEST(test_group_coordinator_down_in_transaction),
        TEST(test_all_down_in_transaction),
        TEST(test_said_once),
        TEST(test_output_topic_disappears),
        TEST(test_input_topic_is_missing),
        TEST(test_start_without_brokers),
        TEST(test_stop_without_brokers),
        TEST(test_stops_without_leaving),
    };
    return rig_main("outage", tests, COUNT(tests), open_group, close_group, 5);
}
