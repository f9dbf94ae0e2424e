/*
 * Errors that end the process: a permission that is missing, and another process under the same name. The
 * supervisor starts a new one or not, by the exit status; nothing that was not committed becomes final.
 */
#include "rig.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define RECORDS      20

enum when { AT_START, LATER };

struct row {
    const char *name;
    enum when when;
    enum rig_api api;
    rd_kafka_resp_err_t error;
    enum weir_err_code code;
};

#define ROW(when_, api_, error_, code_)                                                                      \
    {                                                                                                        \
#        api_ " " #        error_, when_, RIG_##api_, RD_KAFKA_RESP_ERR_##error_, WEIR_ERR_##code_           \
    }

static const struct row rows[] = {
    ROW(AT_START, FIND_COORDINATOR, TRANSACTIONAL_ID_AUTHORIZATION_FAILED, DENIED),
    ROW(AT_START, INIT_PRODUCER_ID, TRANSACTIONAL_ID_AUTHORIZATION_FAILED, DENIED),
    ROW(AT_START, INIT_PRODUCER_ID, CLUSTER_AUTHORIZATION_FAILED, DENIED),
    ROW(AT_START, INIT_PRODUCER_ID, INVALID_TRANSACTION_TIMEOUT, CONFIG),
    ROW(AT_START, JOIN_GROUP, GROUP_AUTHORIZATION_FAILED, DENIED),
    ROW(AT_START, JOIN_GROUP, FENCED_INSTANCE_ID, DUPLICATE_IDENTITY),
    ROW(AT_START, OFFSET_FETCH, GROUP_AUTHORIZATION_FAILED, DENIED),

    ROW(LATER, HEARTBEAT, FENCED_INSTANCE_ID, DUPLICATE_IDENTITY),
    ROW(LATER, ADD_PARTITIONS, TRANSACTIONAL_ID_AUTHORIZATION_FAILED, DENIED),
    ROW(LATER, ADD_PARTITIONS, PRODUCER_FENCED, DUPLICATE_IDENTITY),
    ROW(LATER, ADD_PARTITIONS, INVALID_PRODUCER_EPOCH, DUPLICATE_IDENTITY),
    ROW(LATER, PRODUCE, INVALID_PRODUCER_EPOCH, DUPLICATE_IDENTITY),
    ROW(LATER, ADD_OFFSETS, GROUP_AUTHORIZATION_FAILED, DENIED),
    ROW(LATER, ADD_OFFSETS, INVALID_PRODUCER_EPOCH, DUPLICATE_IDENTITY),
    ROW(LATER, TXN_OFFSET_COMMIT, GROUP_AUTHORIZATION_FAILED, DENIED),
    ROW(LATER, TXN_OFFSET_COMMIT, FENCED_INSTANCE_ID, DUPLICATE_IDENTITY),
    ROW(LATER, TXN_OFFSET_COMMIT, INVALID_PRODUCER_EPOCH, DUPLICATE_IDENTITY),
    ROW(LATER, TXN_OFFSET_COMMIT, PRODUCER_FENCED, DUPLICATE_IDENTITY),
    ROW(LATER, END_TXN, TRANSACTIONAL_ID_AUTHORIZATION_FAILED, DENIED),
    ROW(LATER, END_TXN, PRODUCER_FENCED, DUPLICATE_IDENTITY),
    ROW(LATER, END_TXN, INVALID_PRODUCER_EPOCH, DUPLICATE_IDENTITY),
};

static struct rig *rig;

static int open_group(void **state)
{
    (void)state;
    rig = rig_new();
    return 0;
}

static int close_group(void **state)
{
    (void)state;
    rig_free(rig);
    return 0;
}

static bool never(struct rig *unused)
{
    (void)unused;
    return false;
}

static void test_row(void **state)
{
    const struct row *row = *state;
    rig_renew(rig);
    if (row->when == LATER) {
        rig_start(rig);
        rig_settle(rig);
    }
    int finals = rig->tally[0].finals;
    /* The rig's own commit would fail too when it is the membership that is denied. */
    if (row->api != RIG_HEARTBEAT)
        rig_fill(rig, 0, RECORDS);
    /* A producer's fence is a successor's when the group says so; test_rebuild.c has the others. */
    rig->succeeded =
        row->code == WEIR_ERR_DUPLICATE_IDENTITY && row->error != RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
    rig_inject(rig, row->api, row->error, 10);
    if (row->when == AT_START)
        rig_start(rig);
    enum weir_err_code code = rig_run(rig, never);
    if (code != row->code)
        fail_msg("%s instead of %s: %s", weir_err_name(code), weir_err_name(row->code), rig->err.text);
    assert_int_equal(rig->err.code, code);
    if (row->error == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
        assert_non_null(strstr(rig->err.text, rig_identity(rig)));
    assert_int_equal(rig->tally[0].finals, finals);
    assert_true(rig->log.opens <= 1); /* None is made anew. */
}

int main(void)
{
    struct CMUnitTest tests[COUNT(rows)];
    for (size_t i = 0; i < COUNT(rows); i++)
        tests[i] = (struct CMUnitTest){
            .name = rows[i].name, .test_func = test_row, .initial_state = (void *)(uintptr_t)&rows[i]};
    return rig_main("fatal", tests, COUNT(tests), open_group, close_group, 3);
}
