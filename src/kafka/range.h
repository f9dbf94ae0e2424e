/*
 * A bounded reader: the records of a topic as a read_committed reader sees them, from given places up to
 * where the topic ended when the reader was opened. It is in no group and commits nothing. Memory is bounded
 * by librdkafka's prefetch queue.
 */
#ifndef WEIR_KAFKA_RANGE_H
#define WEIR_KAFKA_RANGE_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "weir/err.h"
#include "weir/pipeline.h"
#include "weir/spec.h"

/* A reader that got nothing for so long although records are due gives up. */
#define RANGE_IDLE_MS 60000
/* How long finding out where the topic begins and ends may take. */
#define RANGE_ASK_MS 15000

enum range_end {
    RANGE_COMMITTED, /* what is committed when the reader is opened: transactions still open are not awaited
                      */
    /* All that is written when it is opened. Only for a topic whose writers were all fenced before
     * (init_transactions), for it waits for each transaction to end. */
    RANGE_WRITTEN
};

/* A piece of one partition: offsets from .. until - 1. */
struct range_span {
    int32_t partition;
    int64_t from, until; /* until -1: the end */
};

struct range_options {
    const struct weir_spec *spec;
    rd_kafka_t *client; /* of admin_open, for questions; outlives the reader */
    const char *topic;
    enum range_end end;
    int64_t since_ms; /* records with an earlier timestamp are passed over where Kafka can; -1: none */
    const struct range_span *spans; /* only these pieces, each partition at most once; NULL: everything */
    size_t n_spans;
};

/* One thread. */
struct range;

/* TOPIC_MISSING, TOPIC_DENIED, BROKER_DOWN, TRANSIENT, CONFIG, NO_MEMORY. */
enum weir_err_code range_open(const struct range_options *options, struct range **out, struct weir_err *err);
/* NULL is fine. */
void range_close(struct range *range);

/*
 * The next record, in the order of its partition, of the partitions as they come; NULL with WEIR_OK when
 * none came for a while (at most timeout_ms), or the end was reached (range_done). It is borrowed until the
 * next call. Records that retention deleted meanwhile are passed over. BROKER_DOWN after RANGE_IDLE_MS
 * without anything; TOPIC_MISSING, TOPIC_DENIED, KAFKA, NO_MEMORY.
 */
enum weir_err_code range_next(struct range *range, int timeout_ms, const struct weir_record **out,
                              struct weir_err *err);

/* True when all that was asked for has been returned. */
bool range_done(const struct range *range);

/* How far the reader is, in offsets; total is at least 1. */
void range_progress(const struct range *range, int64_t *done, int64_t *total);

/* How many partitions the topic has. */
int32_t range_partitions(const struct range *range);

/* Where the reader began, and where it ends, in a partition. */
struct range_span range_span_of(const struct range *range, int32_t partition);

#endif
