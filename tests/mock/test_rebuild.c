/*
 * What became of a transaction is not known, or its producer is lost: a new producer, and the committed
 * offsets tell. And when not to: another process has taken the name.
 */
#include "rig.h"

#include "sys/clock.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define RECORDS      20
/* What is slow on purpose is so slow. */
#define LATE_MS 3000
/* What does not come is so late. */
#define NEVER_MS 600000

static struct rig *rig;

static int open_group(void **state)
{
    (void)state;
    rig = rig_new();
    /* The mock lets a new start of a static member wait for the old one's session. */
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
    rig_start(rig);
    rig_settle(rig);
    rig_fill(rig, 0, RECORDS);
    rig_fill(rig, 1, RECORDS);
    rig_forget_requests(rig);
    return 0;
}

static bool never(struct rig *unused)
{
    (void)unused;
    return false;
}

static int opens_while_settling(void)
{
    int before = rig->log.opens;
    rig_settle(rig);
    return rig->log.opens - before;
}

/* --- the outcome is not known --- */

static void test_committed_all_the_same(void **state)
{
    (void)state;
    rig->lost_answer = true;
    rig_inject(rig, RIG_END_TXN, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, 1);
    assert_int_equal(opens_while_settling(), 1);
    assert_false(rig->lost_answer);
    assert_int_equal(rig_count(rig, COUNTER_PRODUCER_REBUILDS), 1);
    assert_int_equal(rig_count(rig, COUNTER_RECORDS_IN), rig->tally[0].filled + rig->tally[1].filled);
    for (int i = 0; i < rig->tally[0].filled; i++)
        assert_int_equal(rig->tally[0].handed[i], 1);
}

static void test_not_committed(void **state)
{
    (void)state;
    int first = rig->tally[0].filled - RECORDS;
    rig_inject(rig, RIG_END_TXN, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, 1);
    assert_int_equal(opens_while_settling(), 1);
    assert_int_equal(rig_count(rig, COUNTER_RECORDS_IN), rig->tally[0].filled + rig->tally[1].filled);
    assert_in_range(rig->tally[0].handed[first] + rig->tally[1].handed[first], 3, 4);
}

/* The offsets cannot be read at once: nothing goes on before they are known. */
static void test_not_known_for_a_while(void **state)
{
    (void)state;
    rig_inject(rig, RIG_END_TXN, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, 1);
    rig_inject(rig, RIG_OFFSET_FETCH, RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT, 10);
    assert_int_equal(opens_while_settling(), 1);
}

static void test_abort_fails(void **state)
{
    (void)state;
    rig_inject(rig, RIG_TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_UNKNOWN, 1);
    rig_inject(rig, RIG_END_TXN, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, 1);
    assert_int_equal(opens_while_settling(), 1);
    assert_int_equal(rig->log.aborts[WEIR_ERR_PRODUCER_LOST], 1);
    assert_int_equal(rig_count(rig, COUNTER_PRODUCER_REBUILDS), 1);
}

static void test_new_producer_takes_long(void **state)
{
    (void)state;
    rig_inject(rig, RIG_END_TXN, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, 1);
    rig_inject(rig, RIG_INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, 5);
    assert_int_equal(opens_while_settling(), 1);
    assert_true(rig_requests(rig, RIG_INIT_PRODUCER_ID) > 5);
}

static void test_sequence_lost(void **state)
{
    (void)state;
    rig_inject(rig, RIG_PRODUCE, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, 1);
    rig_settle(rig);
    assert_true(rig->log.aborts[WEIR_OK] + rig->log.commits[WEIR_ERR_TXN_UNKNOWN] > 0);
    rig_fill(rig, 0, RECORDS);
    rig_inject(rig, RIG_PRODUCE, RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID, 1);
    rig_settle(rig);
}

/* --- slow answers --- */

static void delay_end(int rtt_ms)
{
    rd_kafka_mock_broker_push_request_error_rtts(rig->cluster, RIG_BROKER_TXN, RIG_END_TXN, 1,
                                                 RD_KAFKA_RESP_ERR_NO_ERROR, rtt_ms);
}

/* Longer than a slice, shorter than the deadline: the same call again, nothing else. */
static void test_commit_is_slow(void **state)
{
    (void)state;
    int commits = rig->log.commits[WEIR_OK];
    delay_end(LATE_MS);
    assert_int_equal(opens_while_settling(), 0);
    assert_int_equal(rig_count(rig, COUNTER_PRODUCER_REBUILDS), 0);
    assert_true(rig->log.commits[WEIR_OK] > commits);
}

static void stop_at_commit(struct rig *stopped)
{
    atomic_store(&stopped->control.stop, 1);
}

/* Told to stop while the coordinator does not answer: it stops in time, and the next start sees to the rest.
 */
static void test_stop_without_answer(void **state)
{
    (void)state;
    struct weir_err err = {0};
    rig->on_commit = stop_at_commit;
    delay_end(NEVER_MS);
    int64_t began_ms = clock_monotonic_ms();
    enum weir_err_code code = loop_run(&rig->loop, &err);
    int64_t took_ms = clock_monotonic_ms() - began_ms + rig_stop(rig);
    assert_true(code == WEIR_OK || code == WEIR_ERR_TRANSIENT);
    assert_int_equal(rig->log.commits[WEIR_ERR_TXN_UNKNOWN], 1);
    if (took_ms > WATCHDOG_STOP_MS)
        fail_msg("it took %lld ms to stop", (long long)took_ms);
    rig->on_commit = NULL;
    rig_start(rig);
    rig_settle(rig);
}

/* --- fencing --- */

/* Gives the broker's answer to the first record time to come before the next is sent. */
static void wait_for_produce(struct rig *sending)
{
    int64_t until_ms = clock_monotonic_ms() + LATE_MS;
    while (rig_requests(sending, RIG_PRODUCE) == 0 && clock_monotonic_ms() < until_ms)
        clock_sleep_ms(10);
    if (clock_monotonic_ms() < until_ms)
        clock_sleep_ms(20);
}

/* A zombie that is still sending must not take the name back from its successor. */
static void test_fenced_while_sending(void **state)
{
    (void)state;
    rig->on_send = wait_for_produce;
    rig->succeeded = true;
    rig_inject(rig, RIG_PRODUCE, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, 10);
    assert_int_equal(rig_run(rig, never), WEIR_ERR_DUPLICATE_IDENTITY);
    assert_int_equal(rig_requests(rig, RIG_INIT_PRODUCER_ID), 0);
}

static void test_fenced_in_abort(void **state)
{
    (void)state;
    rig->succeeded = true;
    rig_inject(rig, RIG_TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_UNKNOWN, 1);
    rig_inject(rig, RIG_END_TXN, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, 1);
    assert_int_equal(rig_run(rig, never), WEIR_ERR_DUPLICATE_IDENTITY);
    assert_int_equal(rig_requests(rig, RIG_INIT_PRODUCER_ID), 0);
}

/* Nobody has our place: a member that took us for gone has ended what we had open, and we do it again. */
static void test_fenced_by_an_heir(void **state)
{
    (void)state;
    rig_inject(rig, RIG_ADD_PARTITIONS, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, 1);
    assert_int_equal(opens_while_settling(), 1);
    assert_int_equal(rig_count(rig, COUNTER_PRODUCER_REBUILDS), 1);
}

static void outlive(struct rig *slow)
{
    slow->timer.skew_ms += 30000;
    slow->on_commit = NULL;
}

/* The coordinator ends what outlives the transaction time-out in the same way as it fences a zombie. */
static void test_fenced_by_time_out(void **state)
{
    (void)state;
    rig->on_commit = outlive;
    rig_inject(rig, RIG_END_TXN, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, 1);
    assert_int_equal(opens_while_settling(), 1);
    assert_int_equal(rig_count(rig, COUNTER_PRODUCER_REBUILDS), 1);
}

/* The worker slept for longer than its transaction lasts; a successor has its place. */
static void sleep_long(struct rig *slow)
{
    outlive(slow);
    slow->succeeded = true;
}

/* A zombie wakes up: it takes neither the producer's name back nor its place in the group. */
static void test_fenced_by_a_successor(void **state)
{
    (void)state;
    rig->on_commit = sleep_long;
    rig_inject(rig, RIG_END_TXN, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, 1);
    assert_int_equal(rig_run(rig, never), WEIR_ERR_DUPLICATE_IDENTITY);
    assert_int_equal(rig_requests(rig, RIG_INIT_PRODUCER_ID), 0);
    (void)rig_stop(rig);
    assert_int_equal(rig_requests(rig, RIG_JOIN_GROUP), 0);
}

/* --- connections lost under a transaction --- */

static void drop_connections(struct rig *sending)
{
    rd_kafka_mock_broker_set_down(sending->cluster, RIG_BROKER_TXN);
    rd_kafka_mock_broker_set_up(sending->cluster, RIG_BROKER_TXN);
    sending->on_send = NULL;
}

/* A request sent twice could act on the next transaction: there is a new producer before that. */
static void test_connection_lost(void **state)
{
    (void)state;
    rig->on_send = drop_connections;
    int opens = opens_while_settling();
    assert_true(opens > 0);
    assert_int_equal(rig_requests(rig, RIG_INIT_PRODUCER_ID), opens);
    rig_forget_requests(rig);
    rig_fill(rig, 0, RECORDS);
    rig_settle(rig);
    assert_int_equal(rig_requests(rig, RIG_INIT_PRODUCER_ID), 0);
}

static void move_coordinator(struct rig *sending)
{
    rd_kafka_mock_coordinator_set(sending->cluster, "transaction", rig_identity(sending), RIG_BROKER_GROUP);
    sending->on_commit = NULL;
}

static void test_coordinator_moves(void **state)
{
    (void)state;
    rig->on_commit = move_coordinator;
    rig_settle(rig);
    rig_fill(rig, 0, RECORDS);
    rig_settle(rig);
    assert_int_equal(rig_count(rig, COUNTER_PRODUCER_REBUILDS), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    /* The slow ones last: once a broker has had errors of its own, it takes no more from the cluster's. */
    const struct CMUnitTest tests[] = {
        TEST(test_committed_all_the_same),  TEST(test_not_committed),
        TEST(test_not_known_for_a_while),   TEST(test_abort_fails),
        TEST(test_new_producer_takes_long), TEST(test_sequence_lost),
        TEST(test_fenced_while_sending),    TEST(test_fenced_in_abort),
        TEST(test_fenced_by_time_out),      TEST(test_fenced_by_an_heir),
        TEST(test_connection_lost),         TEST(test_coordinator_moves),
        TEST(test_fenced_by_a_successor),   TEST(test_commit_is_slow),
        TEST(test_stop_without_answer),
    };
    return rig_main("rebuild", tests, COUNT(tests), open_group, close_group, 6);
}
