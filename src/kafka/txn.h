/*
 * The sink on librdkafka: one transactional producer, made anew whenever what became of a transaction is not
 * known, or a connection was lost under one. The second is because librdkafka sends EndTxn again under the
 * same epoch: a first EndTxn that was delayed could end the next transaction. InitProducerId waits for it or
 * fences it.
 */
#ifndef WEIR_KAFKA_TXN_H
#define WEIR_KAFKA_TXN_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

#include "engine/ports.h"
#include "kafka/conf.h"
#include "kafka/watchdog.h"
#include "weir/spec.h"

/* What a sink is made of; all of it outlives the sink. */
struct txn_parts {
    const struct weir_spec *spec;
    const struct conf_identity *identity;
    rd_kafka_t *client;          /* answers questions about topics: the consumer */
    struct watch *watch;         /* told of each call that may block */
    const _Atomic int *stopping; /* once not 0, deadlines are those of stopping */
    int64_t stop_deadline_ms;
};

/* No connection is made before open. WEIR_ERR_NO_MEMORY. */
enum weir_err_code txn_new(const struct txn_parts *parts, struct sink **out, struct weir_err *err);

/* Destroys the producer; a transaction still open is ended by the next start, or times out. */
void txn_free(struct sink *sink);

#endif
