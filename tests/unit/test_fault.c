/* Flags (retriable, abort, fatal) can only be set inside librdkafka: tests/mock has the errors that carry
 * them. */
#include "kafka/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct row {
    rd_kafka_resp_err_t error;
    enum weir_err_code code;
};

#define ROW(error_, code_)                                                                                   \
    {                                                                                                        \
        RD_KAFKA_RESP_ERR_##error_, WEIR_ERR_##code_                                                         \
    }

static void expect(enum weir_err_code got, const struct row *row, const struct weir_err *err,
                   const char *part)
{
    if (got != row->code || err->code != row->code)
        fail_msg("%s became %s", rd_kafka_err2name(row->error), weir_err_name(got));
    if (!strstr(err->text, part))
        fail_msg("%s: '%s' does not say '%s'", rd_kafka_err2name(row->error), err->text, part);
}

static const struct fault_identity who = {"pipe", "pipe-one-0"};

static void test_transaction(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW(_FENCED, FENCED),
        ROW(PRODUCER_FENCED, FENCED),
        ROW(INVALID_PRODUCER_EPOCH, FENCED),
        ROW(FENCED_INSTANCE_ID, DUPLICATE_IDENTITY),
        ROW(GROUP_AUTHORIZATION_FAILED, DENIED),
        ROW(TRANSACTIONAL_ID_AUTHORIZATION_FAILED, DENIED),
        ROW(CLUSTER_AUTHORIZATION_FAILED, DENIED),
        ROW(TOPIC_AUTHORIZATION_FAILED, TOPIC_DENIED),
        ROW(UNKNOWN_TOPIC_OR_PART, TOPIC_MISSING),
        ROW(INVALID_TRANSACTION_TIMEOUT, CONFIG),
        ROW(_UNSUPPORTED_FEATURE, KAFKA),
        ROW(_TIMED_OUT, TRANSIENT),
        ROW(INVALID_TXN_STATE, TXN_UNKNOWN),
        ROW(_STATE, TXN_UNKNOWN),
        ROW(UNKNOWN, TXN_UNKNOWN),
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct weir_err err = {0};
        rd_kafka_error_t *error = rd_kafka_error_new(rows[i].error, "the reason");
        enum weir_err_code code = fault_of_transaction(error, "commit", &who, &err);
        expect(code, &rows[i], &err, "commit: ");
        if (code != WEIR_ERR_DUPLICATE_IDENTITY)
            expect(code, &rows[i], &err, "the reason");
    }
}

static void test_no_error(void **state)
{
    (void)state;
    struct weir_err err = {WEIR_OK, "untouched"};
    assert_int_equal(fault_of_transaction(NULL, "commit", &who, &err), WEIR_OK);
    assert_int_equal(fault_of_consumer(RD_KAFKA_RESP_ERR_NO_ERROR, "", "pipe", &err), WEIR_OK);
    assert_string_equal(err.text, "untouched");
}

static void test_delivery(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW(UNKNOWN_TOPIC_OR_PART, TOPIC_MISSING),
        ROW(_UNKNOWN_TOPIC, TOPIC_MISSING),
        ROW(_UNKNOWN_PARTITION, TOPIC_MISSING),
        ROW(TOPIC_AUTHORIZATION_FAILED, TOPIC_DENIED),
        ROW(MSG_SIZE_TOO_LARGE, OUTPUT_REFUSED),
        ROW(RECORD_LIST_TOO_LARGE, OUTPUT_REFUSED),
        ROW(INVALID_RECORD, OUTPUT_REFUSED),
        ROW(POLICY_VIOLATION, OUTPUT_REFUSED),
        ROW(INVALID_TIMESTAMP, OUTPUT_REFUSED),
        ROW(_MSG_TIMED_OUT, TXN_ABORTED),
        ROW(_STATE, TXN_ABORTED),
        ROW(_QUEUE_FULL, TXN_ABORTED),
        ROW(UNKNOWN, TXN_ABORTED),
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct weir_err err = {0};
        expect(fault_of_delivery(rows[i].error, "logins", &err), &rows[i], &err, "logins");
    }
}

static void test_consumer(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW(FENCED_INSTANCE_ID, DUPLICATE_IDENTITY), ROW(_AUTO_OFFSET_RESET, OFFSET_LOST),
        ROW(OFFSET_OUT_OF_RANGE, OFFSET_LOST),       ROW(_FATAL, KAFKA),
        ROW(_ALL_BROKERS_DOWN, BROKER_DOWN),         ROW(_AUTHENTICATION, BROKER_DOWN),
        ROW(GROUP_AUTHORIZATION_FAILED, DENIED),     ROW(TOPIC_AUTHORIZATION_FAILED, TOPIC_DENIED),
        ROW(UNKNOWN_TOPIC_OR_PART, TOPIC_MISSING),   ROW(_TRANSPORT, TRANSIENT),
        ROW(_MAX_POLL_EXCEEDED, TRANSIENT),          ROW(UNSTABLE_OFFSET_COMMIT, TRANSIENT),
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct weir_err err = {0};
        enum weir_err_code code = fault_of_consumer(rows[i].error, "the reason", "pipe", &err);
        expect(code, &rows[i], &err, code == WEIR_ERR_DUPLICATE_IDENTITY ? "--instance" : "the reason");
    }
}

/* Who may not do what, and what is to be granted. */
static void test_denied(void **state)
{
    (void)state;
    static const struct {
        rd_kafka_resp_err_t error;
        const char *says[3];
    } rows[] = {
        {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, {"id pipe-one-0 ", "WRITE", "DESCRIBE"}},
        {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, {"group pipe ", "READ", "the reason"}},
        {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, {"IDEMPOTENT_WRITE", "cluster", "the reason"}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct weir_err err = {0};
        rd_kafka_error_t *error = rd_kafka_error_new(rows[i].error, "the reason");
        (void)fault_of_transaction(error, "init transactions", &who, &err);
        for (size_t k = 0; k < COUNT(rows[i].says); k++)
            if (!strstr(err.text, rows[i].says[k]))
                fail_msg("'%s' does not say '%s'", err.text, rows[i].says[k]);
    }
}

/* Which place, what is there, why, and what to do. */
static void test_place(void **state)
{
    (void)state;
    static const struct {
        int64_t offset, low, high;
        const char *says[3];
    } rows[] = {
        {5, 20, 90, {"offset 5,", "retention: the topic has 20 to 90", "15 offsets are gone"}},
        {95,
         20,
         90,
         {"offset 95,", "beyond the end: the topic has 20 to 90", "made anew or its log was cut"}},
        {95, 0, -1, {"offset 95,", "is not there any more", "--to-earliest"}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct weir_err err = {0};
        struct fault_place place = {"pipe", "logins", 3, rows[i].offset, rows[i].low, rows[i].high, 10000};
        assert_int_equal(fault_of_place(&place, &err), WEIR_ERR_OFFSET_LOST);
        for (size_t k = 0; k < COUNT(rows[i].says); k++)
            if (!strstr(err.text, rows[i].says[k]))
                fail_msg("'%s' does not say '%s'", err.text, rows[i].says[k]);
        assert_non_null(strstr(err.text, "topic logins partition 3"));
        assert_non_null(strstr(err.text, "stop all instances, wait 10 s"));
        assert_non_null(strstr(err.text, "--group pipe --topic logins:3 --reset-offsets"));
    }
}

/* The classes that the engine acts by are part of the translation. */
static void test_classes(void **state)
{
    (void)state;
    assert_int_equal(weir_err_class(WEIR_ERR_TRANSIENT), WEIR_CLASS_RETRY);
    assert_int_equal(weir_err_class(WEIR_ERR_TXN_ABORTED), WEIR_CLASS_ABORT_BATCH);
    assert_int_equal(weir_err_class(WEIR_ERR_STALE_GENERATION), WEIR_CLASS_ABORT_BATCH);
    assert_int_equal(weir_err_class(WEIR_ERR_TXN_UNKNOWN), WEIR_CLASS_REBUILD);
    assert_int_equal(weir_err_class(WEIR_ERR_FENCED), WEIR_CLASS_REBUILD);
    assert_int_equal(weir_err_class(WEIR_ERR_TOPIC_MISSING), WEIR_CLASS_WAIT);
    assert_int_equal(weir_err_class(WEIR_ERR_OUTPUT_REFUSED), WEIR_CLASS_WAIT);
    assert_int_equal(weir_err_class(WEIR_ERR_DENIED), WEIR_CLASS_FATAL);
    assert_int_equal(weir_err_class(WEIR_ERR_DUPLICATE_IDENTITY), WEIR_CLASS_FATAL);
    assert_int_equal(weir_err_class(WEIR_ERR_OFFSET_LOST), WEIR_CLASS_FATAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transaction), cmocka_unit_test(test_no_error), cmocka_unit_test(test_delivery),
        cmocka_unit_test(test_consumer),    cmocka_unit_test(test_denied),   cmocka_unit_test(test_place),
        cmocka_unit_test(test_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
