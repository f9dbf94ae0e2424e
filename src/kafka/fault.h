/* The one translator of librdkafka's errors into weir's (docs/ARCHITECTURE.md, "Failure has three kinds"). */
#ifndef WEIR_KAFKA_FAULT_H
#define WEIR_KAFKA_FAULT_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "weir/err.h"

/* Who asks, for messages about a permission that is missing. */
struct fault_identity {
    const char *group;
    const char *transactional_id;
};

/*
 * An error of a transactional call ("what": "commit"). Destroys error. NULL is WEIR_OK.
 * Retriable → TRANSIENT. Requires abort → TXN_ABORTED, STALE_GENERATION, TOPIC_DENIED, OUTPUT_REFUSED, or
 * FATAL ones. Fatal or without flag → FENCED, DENIED, else TXN_UNKNOWN: what became of the transaction must
 * be read from the committed offsets.
 */
enum weir_err_code fault_of_transaction(rd_kafka_error_t *error, const char *what,
                                        const struct fault_identity *identity, struct weir_err *err);

/* A record's delivery that failed, in the topic of that name: a WAIT of that topic, or TXN_ABORTED. */
enum weir_err_code fault_of_delivery(rd_kafka_resp_err_t code, const char *topic, struct weir_err *err);

/* What the consumer reports while polling, or an error of one of its calls. TRANSIENT when it mends itself.
 */
enum weir_err_code fault_of_consumer(rd_kafka_resp_err_t code, const char *text, const char *group,
                                     struct weir_err *err);

/* A place that the group should go on from, and what there is: the offsets from low to high, high not
 * included. */
struct fault_place {
    const char *group;
    const char *topic;
    int32_t partition;
    int64_t offset;
    int64_t low, high;  /* high -1: not known */
    int64_t session_ms; /* how long the group goes on counting on a member that has ended */
};

/* That place is not in the topic: says which of the two it is and how to go on. Returns WEIR_ERR_OFFSET_LOST.
 */
enum weir_err_code fault_of_place(const struct fault_place *place, struct weir_err *err);

#endif
