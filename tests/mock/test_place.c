/* Where a partition begins and goes on: committed offsets, policies, rewinds, pauses and rebalances. */
#include "rig.h"

#include <string.h>

#include "kafka/admin.h"
#include "kafka/offsets.h"
#include "kafka/source.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define RECORDS      50

static struct rig *rig;

static int open_group(void **state)
{
    (void)state;
    rig = rig_new();
    /* A rebalance of the mock takes most of a session. */
    rig_set(rig, "session.timeout.ms", "3000");
    rig_fill(rig, 0, RECORDS);
    rig_fill(rig, 1, RECORDS);
    return 0;
}

static int close_group(void **state)
{
    (void)state;
    rig_free(rig);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    rig->spec.input.start = WEIR_START_EARLIEST;
    rig_renew(rig);
    return 0;
}

static bool never(struct rig *unused)
{
    (void)unused;
    return false;
}

static bool assigned(struct rig *any)
{
    return rig_count(any, COUNTER_REBALANCES) > 0;
}

static bool input_is_seen(struct rig *any)
{
    return any->tally[0].first_handed >= 0 && any->tally[1].first_handed >= 0;
}

/* --- where it begins --- */

/* Commits an offset for the rig's group, which has no members yet. */
static void commit_offset(int32_t partition, int64_t offset)
{
    rd_kafka_t *rk = rig_member(rig, false);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, RIG_INPUT, partition)->offset = offset;
    assert_int_equal(rd_kafka_commit(rk, list, 0), 0);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
}

static void test_earliest(void **state)
{
    (void)state;
    rig_start(rig);
    rig_settle(rig);
    assert_int_equal(rig->tally[0].first_handed, 0);
    assert_int_equal(rig->tally[1].first_handed, 0);
}

static void test_committed(void **state)
{
    (void)state;
    commit_offset(0, 7);
    commit_offset(1, 0);
    rig_start(rig);
    assert_int_equal(rig_run(rig, input_is_seen), WEIR_OK);
    assert_int_equal(rig->tally[0].first_handed, 7);
    assert_int_equal(rig->tally[1].first_handed, 0);
}

static void test_latest(void **state)
{
    (void)state;
    rig->spec.input.start = WEIR_START_LATEST;
    commit_offset(0, 7);
    rig_start(rig);
    assert_int_equal(rig_run(rig, assigned), WEIR_OK);
    int64_t end = rig->tally[1].filled;
    rig_fill(rig, 1, 1);
    assert_int_equal(rig_run(rig, input_is_seen), WEIR_OK);
    assert_int_equal(rig->tally[0].first_handed, 7);
    assert_int_equal(rig->tally[1].first_handed, end);
}

static void test_no_offset_is_an_error(void **state)
{
    (void)state;
    rig->spec.input.start = WEIR_START_FAIL;
    commit_offset(0, 7);
    rig_start(rig);
    assert_int_equal(rig_run(rig, never), WEIR_ERR_NO_OFFSET);
    assert_int_equal(rig->tally[0].first_handed, -1);
}

/* The group's offset is not in the topic any more: neither skipping nor beginning anew is ours to choose. */
static void test_offset_lost(void **state)
{
    (void)state;
    commit_offset(0, 1000000);
    rig_start(rig);
    assert_int_equal(rig_run(rig, never), WEIR_ERR_OFFSET_LOST);
    assert_non_null(strstr(rig->err.text, "topic input partition 0: offset 1000000,"));
    assert_non_null(strstr(rig->err.text, "beyond the end"));
}

/* --- offsets that are not stable yet, and a group that changes meanwhile --- */

/* Another member of the group, which reads nothing. */
static rd_kafka_t *guest;

/* Serves the guest's rebalances; true once it has a partition. */
static bool guest_has_part(struct rig *unused)
{
    (void)unused;
    rd_kafka_topic_partition_list_t *list = NULL;
    rd_kafka_message_t *message = rd_kafka_consumer_poll(guest, 0);
    if (message)
        rd_kafka_message_destroy(message);
    assert_int_equal(rd_kafka_assignment(guest, &list), 0);
    bool has = list->cnt > 0;
    rd_kafka_topic_partition_list_destroy(list);
    return has;
}

static void leave(void)
{
    rd_kafka_consumer_close(guest);
    rd_kafka_destroy(guest);
    guest = NULL;
}

/*
 * The look-up of the offsets is answered "not stable" while the assignment changes: where librdkafka itself
 * looks, it then ignores the committed offset and applies auto.offset.reset.
 */
static void test_unstable_while_group_changes(void **state)
{
    (void)state;
    rd_kafka_resp_err_t unstable = RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT;
    commit_offset(0, 7);
    commit_offset(1, 9);
    rig_inject(rig, RIG_OFFSET_FETCH, unstable, 10000);
    rig_start(rig);
    assert_int_equal(rig_run_for(rig, 1000), WEIR_OK);
    guest = rig_member(rig, true);
    assert_int_equal(rig_run(rig, guest_has_part), WEIR_OK);
    leave();
    assert_int_equal(rig_run_for(rig, 1000), WEIR_OK);
    assert_false(input_is_seen(rig));
    rd_kafka_mock_clear_request_errors(rig->cluster, RIG_OFFSET_FETCH);
    assert_int_equal(rig_run(rig, input_is_seen), WEIR_OK);
    assert_int_equal(rig->tally[0].first_handed, 7);
    assert_int_equal(rig->tally[1].first_handed, 9);
}

/* Another process' open transaction can hold the offsets back for its whole time-out: said once. */
static void test_unstable_is_said_once(void **state)
{
    (void)state;
    rig_log_begin();
    rig_inject(rig, RIG_OFFSET_FETCH, RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT, 10000);
    rig_start(rig);
    enum weir_err_code code = rig_run_for(rig, 9000);
    rd_kafka_mock_clear_request_errors(rig->cluster, RIG_OFFSET_FETCH);
    if (code == WEIR_OK)
        code = rig_run(rig, rig_settled);
    if (code == WEIR_OK)
        code = rig_run_for(rig, 500);
    int began = rig_log_lines("waiting");
    int over = rig_log_lines("event=recovered");
    rig_log_end();
    assert_int_equal(code, WEIR_OK);
    rig_judge(rig);
    assert_int_equal(began, 1);
    assert_int_equal(over, 1);
}

/* The group's coordinator has moved when a client beside the group asks for offsets: an error, and no crash.
 */
static void test_coordinator_moves_under_a_question(void **state)
{
    (void)state;
    rd_kafka_t *client = NULL;
    struct weir_err err;
    assert_int_equal(admin_open(&rig->spec, &client, &err), WEIR_OK);
    for (int moved = 1; moved >= 0; moved--) {
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_list_add(list, RIG_INPUT, 0);
        if (moved)
            rig_inject(rig, RIG_OFFSET_FETCH, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, 1);
        assert_int_equal(offsets_stable(client, rig->group, list, RIG_PATIENCE_MS),
                         moved ? RD_KAFKA_RESP_ERR_NOT_COORDINATOR : RD_KAFKA_RESP_ERR_NO_ERROR);
        rd_kafka_topic_partition_list_destroy(list);
    }
    admin_close(client);
}

/* --- rebalances --- */

/* Fills both partitions while the loop gathers so long that the next rebalance finds it at that. */
static void fill_before_rebalance(void)
{
    rig->spec.transaction.interval_ms = 6000;
    rig_fill(rig, 0, 10);
    rig_fill(rig, 1, 10);
}

/*
 * A partition goes away while records of it are held, and comes back: they are dropped, and done once. The
 * mock refuses the rig's commits while the group changes, so no transaction may end in that time.
 */
static void test_rebalance_while_gathering(void **state)
{
    (void)state;
    rig_start(rig);
    rig_settle(rig);
    int first = rig->tally[0].filled;
    fill_before_rebalance();
    guest = rig_member(rig, true);
    enum weir_err_code code = rig_run(rig, guest_has_part);
    fill_before_rebalance();
    leave();
    if (code == WEIR_OK)
        code = rig_run(rig, rig_settled);
    rig->spec.transaction.interval_ms = 50;
    assert_int_equal(code, WEIR_OK);
    rig_judge(rig);
    assert_true(rig_count(rig, COUNTER_REBALANCES) >= 3);
    assert_true(rig->tally[0].handed[first] + rig->tally[1].handed[first] > 2);
}

/* Stopping in the middle of the look-up leaves the group all the same. */
static void test_stop_while_looking_up(void **state)
{
    (void)state;
    rig_inject(rig, RIG_OFFSET_FETCH, RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT, 10000);
    rig_start(rig);
    assert_int_equal(rig_run_for(rig, 2000), WEIR_OK);
    assert_true(rig_requests(rig, RIG_OFFSET_FETCH) > 0);
    int64_t took_ms = rig_stop(rig);
    if (took_ms > 4000)
        fail_msg("it took %lld ms to stop", (long long)took_ms);
}

/* --- moving about --- */

/* The client refuses to seek in what it does not fetch: then everything is assigned anew, at our offsets. */
static void test_seek_that_fails(void **state)
{
    (void)state;
    rig_start(rig);
    rig_settle(rig);
    struct source *source = rig->source.inner;
    assert_int_equal(rd_kafka_assign(source_client(source), NULL), 0);
    rig_inject(rig, RIG_TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_UNKNOWN, 1);
    struct weir_err err = {0};
    struct position back = {0, 1, 3};
    assert_true(source->ops->owns(source, 0, back.epoch));
    assert_int_equal(source->ops->seek(source, &back, 1, &err), WEIR_OK);
    rig->tally[0].first_handed = -1;
    rig_fill(rig, 1, 1);
    rig->tally[1].first_handed = -1;
    assert_int_equal(rig_run(rig, input_is_seen), WEIR_OK);
    assert_int_equal(rig->tally[0].first_handed, 3);
    assert_int_equal(rig->tally[1].first_handed, rig->tally[1].filled - 1);
}

static bool other_partition_is_done(struct rig *any)
{
    return any->tally[1].finals == any->tally[1].filled && any->loop.holds.n > 0;
}

/* A letter that has no topic holds its partition at that very record, and no other; said once. */
static void test_dead_letter_topic_is_missing(void **state)
{
    (void)state;
    rd_kafka_mock_topic_set_error(rig->cluster, RIG_DLQ, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    rig_start(rig);
    assert_int_equal(rig_run(rig, rig_settled), WEIR_OK);
    int64_t end = rig->tally[0].filled;
    rig_log_begin();
    rig_fill(rig, 0, 5);
    rig_write(rig, 0, WEIR_NO_BYTES, weir_bytes_of("no JSON"), NULL);
    rig_fill(rig, 0, 5);
    rig_fill(rig, 1, 10);
    enum weir_err_code code = rig_run(rig, other_partition_is_done);
    if (code == WEIR_OK)
        code = rig_run_for(rig, 3000);
    int waits = rig_log_lines("event=topic_missing");
    int finals = rig->tally[0].finals;
    rd_kafka_mock_topic_set_error(rig->cluster, RIG_DLQ, RD_KAFKA_RESP_ERR_NO_ERROR);
    if (code == WEIR_OK)
        code = rig_run(rig, rig_settled);
    int over = rig_log_lines("event=recovered");
    rig_log_end();
    assert_int_equal(code, WEIR_OK);
    rig_judge(rig);
    assert_int_equal(finals, end + 5);
    assert_int_equal(waits, 1);
    assert_int_equal(over, 1);
    assert_int_equal(rig_count(rig, COUNTER_RECORDS_REJECTED), 1);
    assert_int_equal(rig->tally[0].committed, rig->tally[0].filled + 1);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_earliest),
        TEST(test_committed),
        TEST(test_latest),
        TEST(test_no_offset_is_an_error),
        TEST(test_offset_lost),
        TEST(test_unstable_while_group_changes),
        TEST(test_unstable_is_said_once),
        TEST(test_coordinator_moves_under_a_question),
        TEST(test_stop_while_looking_up),
        TEST(test_rebalance_while_gathering),
        TEST(test_seek_that_fails),
        TEST(test_dead_letter_topic_is_missing),
    };
    return rig_main("place", tests, COUNT(tests), open_group, close_group, 4);
}
