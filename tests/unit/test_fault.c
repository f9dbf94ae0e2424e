#include "kafka/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Flags cannot be set from outside librdkafka: tests/mock meets those that carry them. */
static void test_of_transaction(void **state)
{
    (void)state;
    static const struct {
        rd_kafka_resp_err_t code;
        enum weir_err_code fault;
    } rows[] = {
        {RD_KAFKA_RESP_ERR__FENCED, WEIR_ERR_FENCED},
        {RD_KAFKA_RESP_ERR_PRODUCER_FENCED, WEIR_ERR_FENCED},
        {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, WEIR_ERR_FENCED},
        {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, WEIR_ERR_DENIED},
        {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, WEIR_ERR_DENIED},
        {RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, WEIR_ERR_DUPLICATE_IDENTITY},
        {RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT, WEIR_ERR_CONFIG},
        {RD_KAFKA_RESP_ERR__TIMED_OUT, WEIR_ERR_TRANSIENT},
        /* Whatever else comes without a flag: what became of the transaction is not known. */
        {RD_KAFKA_RESP_ERR__STATE, WEIR_ERR_TXN_UNKNOWN},
        {RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, WEIR_ERR_TXN_UNKNOWN},
        {RD_KAFKA_RESP_ERR_UNKNOWN, WEIR_ERR_TXN_UNKNOWN},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct weir_err err = {0};
        rd_kafka_error_t *error = rd_kafka_error_new(rows[i].code, "because");
        assert_int_equal(fault_of_transaction(error, "commit", &err), rows[i].fault);
        assert_int_equal(err.code, rows[i].fault);
        assert_int_equal(strncmp(err.text, "commit: ", strlen("commit: ")), 0);
    }
    assert_int_equal(fault_of_transaction(NULL, "commit", NULL), WEIR_OK);
}

static void test_of_delivery(void **state)
{
    (void)state;
    static const struct {
        rd_kafka_resp_err_t code;
        enum weir_err_code fault;
        const char *text;
    } rows[] = {
        {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, WEIR_ERR_TOPIC_MISSING, "topic t does not exist"},
        {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, WEIR_ERR_TOPIC_MISSING, "topic t does not exist"},
        {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, WEIR_ERR_TOPIC_MISSING, "topic t does not exist"},
        {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, WEIR_ERR_TOPIC_DENIED,
         "no permission to write to topic t"},
        {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, WEIR_ERR_OUTPUT_REFUSED, "topic t refuses records: "},
        {RD_KAFKA_RESP_ERR_INVALID_RECORD, WEIR_ERR_OUTPUT_REFUSED, "topic t refuses records: "},
        {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, WEIR_ERR_TXN_ABORTED, "a record for topic t was not delivered: "},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct weir_err err = {0};
        assert_int_equal(fault_of_delivery(rows[i].code, "t", &err), rows[i].fault);
        assert_int_equal(strncmp(err.text, rows[i].text, strlen(rows[i].text)), 0);
    }
}

static void test_of_consumer(void **state)
{
    (void)state;
    static const struct {
        rd_kafka_resp_err_t code;
        enum weir_err_code fault;
    } rows[] = {
        {RD_KAFKA_RESP_ERR_NO_ERROR, WEIR_OK},
        {RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, WEIR_ERR_DUPLICATE_IDENTITY},
        {RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, WEIR_ERR_OFFSET_LOST},
        {RD_KAFKA_RESP_ERR__FATAL, WEIR_ERR_KAFKA},
        {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, WEIR_ERR_BROKER_DOWN},
        {RD_KAFKA_RESP_ERR__AUTHENTICATION, WEIR_ERR_BROKER_DOWN},
        {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, WEIR_ERR_DENIED},
        {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, WEIR_ERR_TOPIC_DENIED},
        {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, WEIR_ERR_TOPIC_MISSING},
        /* It mends itself: one broker of several, a coordinator that moves. */
        {RD_KAFKA_RESP_ERR__TRANSPORT, WEIR_ERR_TRANSIENT},
        {RD_KAFKA_RESP_ERR_NOT_COORDINATOR, WEIR_ERR_TRANSIENT},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct weir_err err = {0};
        assert_int_equal(fault_of_consumer(rows[i].code, "text", &err), rows[i].fault);
        assert_int_equal(err.code, rows[i].fault);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of_transaction),
        cmocka_unit_test(test_of_delivery),
        cmocka_unit_test(test_of_consumer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
