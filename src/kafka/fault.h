/* The one translator of librdkafka's errors into weir's (docs/ARCHITECTURE.md, "Failure has three kinds"). */
#ifndef WEIR_KAFKA_FAULT_H
#define WEIR_KAFKA_FAULT_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "weir/err.h"

/*
 * An error of a transactional call ("what": "commit"). Destroys error. NULL is WEIR_OK.
 * Retriable → TRANSIENT. Requires abort → TXN_ABORTED, STALE_GENERATION, TOPIC_DENIED, OUTPUT_REFUSED, or
 * FATAL ones. Fatal or without flag → FENCED, DENIED, else TXN_UNKNOWN: what became of the transaction must
 * be read from the committed offsets.
 */
enum weir_err_code fault_of_transaction(rd_kafka_error_t *error, const char *what, struct weir_err *err);

/* A record's delivery that failed, in the topic of that name: a WAIT of that topic, or TXN_ABORTED. */
enum weir_err_code fault_of_delivery(rd_kafka_resp_err_t code, const char *topic, struct weir_err *err);

/* What the consumer reports while polling, or an error of one of its calls. TRANSIENT when it mends itself.
 */
enum weir_err_code fault_of_consumer(rd_kafka_resp_err_t code, const char *text, struct weir_err *err);

#endif
