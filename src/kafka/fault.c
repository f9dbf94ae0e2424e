#include "kafka/fault.h"

#include <stdio.h>

#define DUPLICATE_TEXT                                                                                       \
    "another process runs as the same instance and has taken its place: give each its own --instance"

/* Errors that mean the same whatever call they come from; WEIR_OK when code is none of them. */
static enum weir_err_code fault_of_identity(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID: return WEIR_ERR_DUPLICATE_IDENTITY;
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED: return WEIR_ERR_DENIED;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED: return WEIR_ERR_TOPIC_DENIED;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION: return WEIR_ERR_TOPIC_MISSING;
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT: return WEIR_ERR_CONFIG;
    /* The brokers are too old for transactions: a new producer would find them no younger. */
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE: return WEIR_ERR_KAFKA;
    default: return WEIR_OK;
    }
}

static bool is_fencing(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
           code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

static bool is_stale_membership(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION || code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
           code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS;
}

/* A topic does not take records as they are: doing them again changes nothing. */
static bool is_refusal(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || code == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE ||
           code == RD_KAFKA_RESP_ERR_INVALID_RECORD || code == RD_KAFKA_RESP_ERR_POLICY_VIOLATION ||
           code == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP;
}

/* What an error means for a transaction that must be aborted for it. */
static enum weir_err_code class_of_abort(rd_kafka_resp_err_t code)
{
    if (is_stale_membership(code))
        return WEIR_ERR_STALE_GENERATION;
    return is_refusal(code) ? WEIR_ERR_OUTPUT_REFUSED : WEIR_ERR_TXN_ABORTED;
}

static enum weir_err_code class_of(const rd_kafka_error_t *error)
{
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    if (rd_kafka_error_is_retriable(error))
        return WEIR_ERR_TRANSIENT;
    if (is_fencing(code))
        return WEIR_ERR_FENCED;
    enum weir_err_code identity = fault_of_identity(code);
    if (identity != WEIR_OK)
        return identity;
    if (rd_kafka_error_txn_requires_abort(error))
        return class_of_abort(code);
    return code == RD_KAFKA_RESP_ERR__TIMED_OUT ? WEIR_ERR_TRANSIENT : WEIR_ERR_TXN_UNKNOWN;
}

/* A permission that is missing: who may not do what, and what to grant. text is the brokers'. */
static enum weir_err_code fail_denied(rd_kafka_resp_err_t code, const char *text,
                                      const struct fault_identity *identity, struct weir_err *err)
{
    if (code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
        return weir_fail(err, WEIR_ERR_DENIED,
                         "consumer group %s may not be used: grant READ on group %s (%s)", identity->group,
                         identity->group, text);
    if (code == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
        return weir_fail(
            err, WEIR_ERR_DENIED,
            "transactional id %s may not be used: grant WRITE and DESCRIBE on it, or on the prefix "
            "%s- for all instances (%s)",
            identity->transactional_id, identity->group, text);
    return weir_fail(err, WEIR_ERR_DENIED,
                     "this user may not write idempotently: grant IDEMPOTENT_WRITE on the cluster (%s)",
                     text);
}

enum weir_err_code fault_of_transaction(rd_kafka_error_t *error, const char *what,
                                        const struct fault_identity *identity, struct weir_err *err)
{
    if (!error)
        return WEIR_OK;
    enum weir_err_code code = class_of(error);
    if (code == WEIR_ERR_DUPLICATE_IDENTITY) {
        (void)weir_fail(err, code, "%s: " DUPLICATE_TEXT, what);
    } else if (code == WEIR_ERR_DENIED) {
        struct weir_err raw;
        (void)weir_fail(&raw, code, "%s: %s", what, rd_kafka_error_string(error));
        (void)fail_denied(rd_kafka_error_code(error), raw.text, identity, err);
    } else {
        (void)weir_fail(err, code, "%s: %s (%s)", what, rd_kafka_error_string(error),
                        rd_kafka_error_name(error));
    }
    rd_kafka_error_destroy(error);
    return code;
}

enum weir_err_code fault_of_delivery(rd_kafka_resp_err_t code, const char *topic, struct weir_err *err)
{
    enum weir_err_code identity = fault_of_identity(code);
    if (identity == WEIR_ERR_TOPIC_MISSING)
        return weir_fail(err, identity, "topic %s does not exist", topic);
    if (identity == WEIR_ERR_TOPIC_DENIED)
        return weir_fail(err, identity, "no permission to write to topic %s", topic);
    if (is_refusal(code))
        return weir_fail(err, WEIR_ERR_OUTPUT_REFUSED, "topic %s refuses records: %s", topic,
                         rd_kafka_err2str(code));
    return weir_fail(err, WEIR_ERR_TXN_ABORTED, "a record for topic %s was not delivered: %s", topic,
                     rd_kafka_err2str(code));
}

enum weir_err_code fault_of_place(const struct fault_place *place, struct weir_err *err)
{
    char what[200];
    long long offset = place->offset, low = place->low, high = place->high;
    if (high < 0)
        (void)snprintf(what, sizeof what, "is not there any more");
    else if (offset < low)
        (void)snprintf(
            what, sizeof what,
            "was deleted by retention: the topic has %lld to %lld, so %lld offsets are gone that weir "
            "never saw",
            low, high, low - offset);
    else
        (void)snprintf(
            what, sizeof what,
            "is beyond the end: the topic has %lld to %lld, so it was made anew or its log was cut", low,
            high);
    return weir_fail(
        err, WEIR_ERR_OFFSET_LOST,
        "topic %s partition %d: offset %lld, where group %s goes on, %s. To go on with what is "
        "there: stop all instances, wait %lld s (the session time-out), then kafka-consumer-groups "
        "--group %s --topic %s:%d --reset-offsets --to-earliest --execute",
        place->topic, place->partition, offset, place->group, what,
        (long long)(place->session_ms + 999) / 1000, place->group, place->topic, place->partition);
}

enum weir_err_code fault_of_consumer(rd_kafka_resp_err_t code, const char *text, const char *group,
                                     struct weir_err *err)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR_NO_ERROR: return WEIR_OK;
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
        return weir_fail(err, WEIR_ERR_DUPLICATE_IDENTITY, "%s", DUPLICATE_TEXT);
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        return weir_fail(err, WEIR_ERR_OFFSET_LOST,
                         "the next record to process is not in the topic any more (%s)", text);
    case RD_KAFKA_RESP_ERR__FATAL: return weir_fail(err, WEIR_ERR_KAFKA, "%s", text);
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        return weir_fail(err, WEIR_ERR_BROKER_DOWN, "no Kafka broker answers (%s)", text);
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
        return weir_fail(err, WEIR_ERR_BROKER_DOWN, "the brokers refuse the log-in (%s)", text);
    default: break;
    }
    enum weir_err_code identity = fault_of_identity(code);
    if (identity == WEIR_ERR_DENIED)
        return fail_denied(code, text, &(struct fault_identity){group, group}, err);
    return weir_fail(err, identity != WEIR_OK ? identity : WEIR_ERR_TRANSIENT, "%s", text);
}
