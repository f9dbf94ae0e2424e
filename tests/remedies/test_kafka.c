/*
 * Remedies of the ports on librdkafka, on its mock cluster. What blocks a thread for good is run in a process
 * of its own, which is killed when it does.
 */
#include "rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kafka/watchdog.h"
#include "sys/clock.h"
#include "sys/remedy.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define RECORDS      20
/* A process that was told to stop has ended by then, however slow the machine; or it is blocked. */
#define BLOCKED_MS 20000
/* What is slow is so slow. */
#define SLOW_MS 2000
/* What is never answered is so late. */
#define NEVER_MS 600000
/* Answers to a commit, with its repetitions, that do not come. */
#define NEVER_TIMES 50

static struct rig *rig;

/* --- where partitions begin, while the group changes --- */

static void commit_offset(int32_t partition, int64_t offset)
{
    rd_kafka_t *rk = rig_member(rig, false);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, RIG_INPUT, partition)->offset = offset;
    assert_int_equal(rd_kafka_commit(rk, list, 0), 0);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
}

static bool looked_up(struct rig *any)
{
    return rig_requests(any, RIG_OFFSET_FETCH) > 0;
}

static bool input_is_seen(struct rig *any)
{
    return any->tally[0].first_handed >= 0 && any->tally[1].first_handed >= 0;
}

/*
 * The offsets are not stable yet, and before that is answered the worker begins anew with its partitions, as
 * it does after a seek that fails.
 */
static bool begins_elsewhere(void)
{
    rd_kafka_resp_err_t unstable = RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT;
    struct weir_err err = {0};
    rig_place(rig);
    rig_fill(rig, 0, RECORDS);
    rig_fill(rig, 1, RECORDS);
    commit_offset(0, 7);
    commit_offset(1, 9);
    rd_kafka_mock_broker_push_request_error_rtts(rig->cluster, RIG_BROKER_GROUP, RIG_OFFSET_FETCH, 3,
                                                 unstable, SLOW_MS, unstable, SLOW_MS, unstable, SLOW_MS);
    rig_start(rig);
    assert_int_equal(rig_run(rig, looked_up), WEIR_OK);
    struct source *source = rig->source.inner;
    assert_int_equal(source->ops->quiet(source, true, &err), WEIR_OK);
    assert_int_equal(source->ops->quiet(source, false, &err), WEIR_OK);
    assert_int_equal(rig_run(rig, input_is_seen), WEIR_OK);
    print_message("began at %lld and %lld instead of 7 and 9\n", (long long)rig->tally[0].first_handed,
                  (long long)rig->tally[1].first_handed);
    return rig->tally[0].first_handed != 7 || rig->tally[1].first_handed != 9;
}

/* --- how a transaction ends --- */

static void settle_and_fill(void)
{
    rig_set(rig, "session.timeout.ms", "4000");
    rig_place(rig);
    rig_start(rig);
    rig_fill(rig, 0, 1);
    rig_settle(rig);
    rig_fill(rig, 0, RECORDS);
    rig_fill(rig, 1, RECORDS);
    rig_forget_requests(rig);
}

/* EndTxn is done and answered with an error. */
static bool doubled_after_an_error(void)
{
    settle_and_fill();
    rig->lost_answer = true;
    rig_inject(rig, RIG_END_TXN, RD_KAFKA_RESP_ERR_UNKNOWN, 1);
    assert_int_equal(rig_run(rig, rig_settled), WEIR_OK);
    /* What is settled may be done again all the same. */
    assert_int_equal(rig_run_for(rig, SLOW_MS), WEIR_OK);
    return rig_damage(rig) != NULL;
}

static bool ends_when_an_abort_fails(void)
{
    settle_and_fill();
    rig_inject(rig, RIG_TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_UNKNOWN, 1);
    rig_inject(rig, RIG_END_TXN, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, 1);
    return rig_run(rig, rig_settled) != WEIR_OK;
}

static void sleep_long(struct rig *slow)
{
    slow->on_commit = NULL;
    slow->timer.skew_ms += 30000;
    slow->succeeded = true;
}

static bool name_is_taken(struct rig *any)
{
    return rig_requests(any, RIG_INIT_PRODUCER_ID) > 0;
}

/* A process wakes up that slept in its transaction, and a successor has its place. */
static bool takes_its_name_back(void)
{
    settle_and_fill();
    rig->on_commit = sleep_long;
    rig_inject(rig, RIG_END_TXN, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, 1);
    enum weir_err_code code = rig_run(rig, name_is_taken);
    assert_true(code == WEIR_OK || code == WEIR_ERR_DUPLICATE_IDENTITY);
    return code == WEIR_OK;
}

/* --- what does not come back --- */

static void silence_coordinator(struct rig *committing)
{
    committing->on_commit = NULL;
    rd_kafka_resp_err_t none = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; i < NEVER_TIMES; i++)
        rd_kafka_mock_broker_push_request_error_rtts(committing->cluster, RIG_BROKER_TXN, RIG_END_TXN, 1,
                                                     none, NEVER_MS);
    atomic_store(&committing->control.stop, 1);
}

static void lose_group(struct rig *committing)
{
    committing->on_commit = NULL;
    rd_kafka_mock_broker_set_down(committing->cluster, RIG_BROKER_GROUP);
    atomic_store(&committing->control.stop, 1);
}

/* A process that is told to stop in its commit. */
static void stop_in_commit(void (*trouble)(struct rig *), bool watched)
{
    struct weir_err err = {0};
    struct watchdog *dog = NULL;
    rig = rig_new();
    settle_and_fill();
    if (watched)
        assert_int_equal(watchdog_start(rig->client, &rig->watch, 1, &rig->control.stop, &dog, &err),
                         WEIR_OK);
    rig->on_commit = trouble;
    enum weir_err_code code = loop_run(&rig->loop, &err);
    _exit(weir_err_exit(code));
}

/* True when the process did not end in time. */
static bool blocks(void (*trouble)(struct rig *), bool watched)
{
    int status = 0;
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        stop_in_commit(trouble, watched);
    int64_t until_ms = clock_monotonic_ms() + BLOCKED_MS;
    pid_t ended = 0;
    while (ended == 0 && clock_monotonic_ms() < until_ms) {
        clock_sleep_ms(50);
        ended = waitpid(pid, &status, WNOHANG);
    }
    if (ended == 0) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, &status, 0);
        return true;
    }
    assert_true(WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == weir_err_exit(WEIR_ERR_STUCK));
    return false;
}

static bool commit_blocks(void)
{
    return blocks(silence_coordinator, false);
}

static bool send_offsets_blocks(void)
{
    return blocks(lose_group, true);
}

/* --- both ways --- */

struct row {
    const char *name;
    enum remedy remedy;
    bool off;
    bool own_process; /* makes its own rig */
    bool (*violates)(void);
};

#define BOTH(remedy, own_process, violates)                                                                  \
    {"with " #violates, REMEDY_##remedy, false, own_process, violates},                                      \
    {                                                                                                        \
        "without " #violates, REMEDY_##remedy, true, own_process, violates                                   \
    }

static const struct row rows[] = {
    BOTH(WATCHDOG, true, send_offsets_blocks),           BOTH(BOUNDED_COMMIT, true, commit_blocks),
    BOTH(OWN_OFFSETS, false, begins_elsewhere),          BOTH(UNKNOWN_END, false, doubled_after_an_error),
    BOTH(FAILED_ABORT, false, ends_when_an_abort_fails), BOTH(ZOMBIE, false, takes_its_name_back),
};

static void test_row(void **state)
{
    const struct row *row = *state;
    struct weir_err err;
    assert_int_equal(remedy_setup(row->off ? remedy_name(row->remedy) : NULL, &err), WEIR_OK);
    rig = row->own_process ? NULL : rig_new();
    bool violated = row->violates();
    rig_free(rig);
    assert_int_equal(remedy_setup(NULL, &err), WEIR_OK);
    if (violated != row->off)
        fail_msg("%s: %s", row->name, violated ? "it does" : "it does not");
}

int main(void)
{
    struct CMUnitTest tests[COUNT(rows)];
    for (size_t i = 0; i < COUNT(rows); i++)
        tests[i] = (struct CMUnitTest){
            .name = rows[i].name, .test_func = test_row, .initial_state = (void *)(uintptr_t)&rows[i]};
    return rig_main("remedies.kafka", tests, COUNT(tests), NULL, NULL, 6);
}
