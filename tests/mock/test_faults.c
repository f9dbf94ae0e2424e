/*
 * Each error that a broker can answer a transactional request with leads to its action. All rows run through
 * one worker, one after the other: what one left behind would show in the next.
 */
#include "rig.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Records of a partition in a row. */
#define RECORDS 20

enum action {
    RETRIED, /* inside librdkafka, or by the same call again: nobody sees it */
    ABORTED, /* aborted, rewound, done again */
    REDONE,  /* ABORTED or REBUILT: it depends on which call meets the error first */
    HELD,    /* aborted, the partitions waited, done again */
    REBUILT, /* a new producer, the committed offsets read, done again */
    RENEWED  /* committed, and a new producer before the next transaction: a connection was lost */
};

struct row {
    const char *name;
    enum rig_api api;
    rd_kafka_resp_err_t error;
    int times;
    enum action action;
    enum weir_err_code code; /* what the sink said, WEIR_OK where it said nothing */
};

#define ROW(api_, error_, times_, action_, code_)                                                            \
    {                                                                                                        \
#        api_ " " #        error_, RIG_##api_, RD_KAFKA_RESP_ERR_##error_, times_, action_, code_            \
    }

static const struct row rows[] = {
    ROW(ADD_PARTITIONS, NOT_COORDINATOR, 2, RENEWED, WEIR_OK),
    ROW(ADD_PARTITIONS, COORDINATOR_NOT_AVAILABLE, 2, RENEWED, WEIR_OK),
    ROW(ADD_PARTITIONS, COORDINATOR_LOAD_IN_PROGRESS, 2, RETRIED, WEIR_OK),
    ROW(ADD_PARTITIONS, CONCURRENT_TRANSACTIONS, 5, RETRIED, WEIR_OK),
    ROW(ADD_PARTITIONS, UNKNOWN_TOPIC_OR_PART, 2, RETRIED, WEIR_OK),
    ROW(ADD_PARTITIONS, _TRANSPORT, 1, RENEWED, WEIR_OK),
    /* More than once, since a call that is under way at that moment only says that the state is wrong. */
    ROW(ADD_PARTITIONS, TOPIC_AUTHORIZATION_FAILED, 3, HELD, WEIR_ERR_TOPIC_DENIED),
    ROW(ADD_PARTITIONS, UNKNOWN, 1, REDONE, WEIR_OK),
    ROW(ADD_PARTITIONS, INVALID_PRODUCER_ID_MAPPING, 1, REDONE, WEIR_OK),
    ROW(ADD_PARTITIONS, INVALID_TXN_STATE, 1, REBUILT, WEIR_ERR_TXN_UNKNOWN),

    ROW(ADD_OFFSETS, NOT_COORDINATOR, 2, RETRIED, WEIR_OK),
    ROW(ADD_OFFSETS, COORDINATOR_NOT_AVAILABLE, 2, RETRIED, WEIR_OK),
    ROW(ADD_OFFSETS, CONCURRENT_TRANSACTIONS, 5, RETRIED, WEIR_OK),
    ROW(ADD_OFFSETS, _TRANSPORT, 1, RENEWED, WEIR_OK),
    ROW(ADD_OFFSETS, UNKNOWN, 1, ABORTED, WEIR_ERR_TXN_ABORTED),
    ROW(ADD_OFFSETS, INVALID_TXN_STATE, 1, REBUILT, WEIR_ERR_TXN_UNKNOWN),

    ROW(TXN_OFFSET_COMMIT, NOT_COORDINATOR, 2, RETRIED, WEIR_OK),
    ROW(TXN_OFFSET_COMMIT, COORDINATOR_LOAD_IN_PROGRESS, 2, RETRIED, WEIR_OK),
    ROW(TXN_OFFSET_COMMIT, CONCURRENT_TRANSACTIONS, 2, RETRIED, WEIR_OK),
    ROW(TXN_OFFSET_COMMIT, UNKNOWN, 1, ABORTED, WEIR_ERR_TXN_ABORTED),
    ROW(TXN_OFFSET_COMMIT, ILLEGAL_GENERATION, 1, ABORTED, WEIR_ERR_STALE_GENERATION),
    ROW(TXN_OFFSET_COMMIT, UNKNOWN_MEMBER_ID, 1, ABORTED, WEIR_ERR_STALE_GENERATION),
    ROW(TXN_OFFSET_COMMIT, REBALANCE_IN_PROGRESS, 1, ABORTED, WEIR_ERR_STALE_GENERATION),
    ROW(TXN_OFFSET_COMMIT, INVALID_TXN_STATE, 1, REBUILT, WEIR_ERR_TXN_UNKNOWN),

    ROW(END_TXN, NOT_COORDINATOR, 2, RENEWED, WEIR_OK),
    ROW(END_TXN, COORDINATOR_NOT_AVAILABLE, 2, RENEWED, WEIR_OK),
    ROW(END_TXN, COORDINATOR_LOAD_IN_PROGRESS, 2, RETRIED, WEIR_OK),
    ROW(END_TXN, CONCURRENT_TRANSACTIONS, 2, RETRIED, WEIR_OK),
    ROW(END_TXN, _TRANSPORT, 1, RENEWED, WEIR_OK),
    ROW(END_TXN, INVALID_TXN_STATE, 1, REBUILT, WEIR_ERR_TXN_UNKNOWN),
    ROW(END_TXN, UNKNOWN_PRODUCER_ID, 1, REBUILT, WEIR_ERR_TXN_UNKNOWN),
    ROW(END_TXN, INVALID_PRODUCER_ID_MAPPING, 1, REBUILT, WEIR_ERR_TXN_UNKNOWN),
    ROW(END_TXN, UNKNOWN, 1, REBUILT, WEIR_ERR_TXN_UNKNOWN),

    ROW(PRODUCE, NOT_LEADER_FOR_PARTITION, 2, RETRIED, WEIR_OK),
    ROW(PRODUCE, KAFKA_STORAGE_ERROR, 1, RETRIED, WEIR_OK),
    ROW(PRODUCE, NOT_ENOUGH_REPLICAS, 2, RETRIED, WEIR_OK),
    ROW(PRODUCE, _TRANSPORT, 1, RENEWED, WEIR_OK),
    ROW(PRODUCE, UNKNOWN, 1, ABORTED, WEIR_ERR_TXN_ABORTED),
    ROW(PRODUCE, TOPIC_AUTHORIZATION_FAILED, 1, HELD, WEIR_ERR_TOPIC_DENIED),
    ROW(PRODUCE, MSG_SIZE_TOO_LARGE, 1, HELD, WEIR_ERR_OUTPUT_REFUSED),
    ROW(PRODUCE, INVALID_RECORD, 1, HELD, WEIR_ERR_OUTPUT_REFUSED),
    ROW(PRODUCE, POLICY_VIOLATION, 1, HELD, WEIR_ERR_OUTPUT_REFUSED),
};

static struct rig *rig;

static int setup(void **state)
{
    (void)state;
    rig = rig_new();
    rig_start(rig);
    rig_fill(rig, 0, RECORDS);
    rig_fill(rig, 1, RECORDS);
    rig_settle(rig);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_free(rig);
    return 0;
}

/* How often the first record of the row was handed out in the partition where it was most often: the fault
 * hits at least one of the two. */
static int times_handed(int number)
{
    int a = rig->tally[0].handed[number];
    int b = rig->tally[1].handed[number];
    return a > b ? a : b;
}

static int said(enum weir_err_code code)
{
    return rig->log.commits[code] + rig->log.sends[code];
}

static void expect(const char *what, bool wanted, bool got)
{
    if (wanted != got)
        fail_msg("%s %s; the last error was: %s", what, got ? "after all" : "is missing", rig->log.last.text);
}

static void check(const struct row *row, const struct rig_sink_log *before, bool rebuilt, bool held,
                  bool again)
{
    bool aborted = rig->log.aborts[WEIR_OK] > before->aborts[WEIR_OK];
    bool renewed = rig->log.opens > before->opens;
    expect("doing it again", row->action != RETRIED && row->action != RENEWED, again);
    expect("a wait", row->action == HELD, held);
    if (row->action == REDONE) {
        expect("an abort or a rebuild", true, aborted || rebuilt);
    } else {
        expect("an abort", row->action == ABORTED || row->action == HELD, aborted);
        expect("a rebuild", row->action == REBUILT, rebuilt);
        if (!aborted)
            expect("a new producer", row->action == REBUILT || row->action == RENEWED, renewed);
    }
    if (row->code != WEIR_OK)
        expect(weir_err_name(row->code), true,
               said(row->code) > before->commits[row->code] + before->sends[row->code]);
}

static void test_row(void **state)
{
    const struct row *row = *state;
    struct rig_sink_log before = rig->log;
    uint64_t rebuilds = rig_count(rig, COUNTER_PRODUCER_REBUILDS);
    uint64_t waits = rig_count(rig, COUNTER_WAITS);
    int first = rig->tally[0].filled;
    rig_fill(rig, 0, RECORDS);
    rig_fill(rig, 1, RECORDS);
    rig_inject(rig, row->api, row->error, row->times);
    rig_settle(rig);
    rd_kafka_mock_clear_request_errors(rig->cluster, (int16_t)row->api);
    check(row, &before, rig_count(rig, COUNTER_PRODUCER_REBUILDS) > rebuilds,
          rig_count(rig, COUNTER_WAITS) > waits, times_handed(first) > 1);
}

int main(void)
{
    struct CMUnitTest tests[COUNT(rows)];
    for (size_t i = 0; i < COUNT(rows); i++)
        tests[i] = (struct CMUnitTest){
            .name = rows[i].name, .test_func = test_row, .initial_state = (void *)(uintptr_t)&rows[i]};
    return rig_main("faults", tests, COUNT(tests), setup, teardown, 4);
}
