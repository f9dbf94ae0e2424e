/*
 * A plain idempotent producer for generated load: no transactions, as fast as librdkafka goes. What the
 * pipeline writes goes another way (kafka/txn.h).
 */
#ifndef WEIR_KAFKA_LOAD_H
#define WEIR_KAFKA_LOAD_H

#include <stddef.h>
#include <stdint.h>

#include "weir/err.h"
#include "weir/pipeline.h"
#include "weir/spec.h"

/* How long load_send waits for room in a full queue before it says so. */
#define LOAD_ROOM_MS 100

/* Any partition: by key as Java clients place it, else in turns. */
#define LOAD_ANY_PARTITION (-1)

struct load_counts {
    uint64_t sent;      /* taken by load_send */
    uint64_t delivered; /* acknowledged by the brokers */
    uint64_t failed;    /* given up */
};

/* One producer to one topic. One thread. */
struct load;

/*
 * Opens the producer; n properties of librdkafka override what is set here. Does not wait for a broker.
 * Fails with WEIR_ERR_CONFIG (a property that librdkafka refuses) or WEIR_ERR_KAFKA.
 */
enum weir_err_code load_open(const struct weir_property *properties, size_t n, const char *topic,
                             struct load **out, struct weir_err *err);

/* What is still queued is lost: flush first. NULL is fine. */
void load_close(struct load *load);

/*
 * Queues one record; key, value and headers are copied, its timestamp is the time of the call. partition is
 * one of the topic's, or LOAD_ANY_PARTITION. Serves delivery reports now and then. Fails with
 * WEIR_ERR_TRANSIENT (the queue was full for LOAD_ROOM_MS: call again) or WEIR_ERR_KAFKA.
 */
enum weir_err_code load_send(struct load *load, int32_t partition, struct weir_bytes key,
                             struct weir_bytes value, const struct weir_header *headers, size_t n_headers,
                             struct weir_err *err);

/* Serves delivery reports without waiting. */
void load_poll(struct load *load);

/* Waits up to timeout_ms until nothing is queued; returns how many records still are. */
uint64_t load_flush(struct load *load, int timeout_ms);

/* How many records have been sent and neither delivered nor given up. */
uint64_t load_queued(const struct load *load);

struct load_counts load_counts(const struct load *load);

/* What is wrong with the brokers, as was noticed last; "" while nothing was. Borrowed until the next call. */
const char *load_trouble(const struct load *load);

/* Why the first record failed, "" while none did. Borrowed. */
const char *load_first_failure(const struct load *load);

#endif
