/* Where partitions begin and end. */
#ifndef WEIR_KAFKA_OFFSETS_H
#define WEIR_KAFKA_OFFSETS_H

#include <librdkafka/rdkafka.h>
#include <stdint.h>

#include "weir/err.h"

enum offsets_of {
    OFFSETS_FIRST,     /* the first record that is still there */
    OFFSETS_COMMITTED, /* behind the last record that no open transaction keeps back (the last stable offset)
                        */
    OFFSETS_WRITTEN,   /* behind the last record, of open transactions too (the high watermark) */
    OFFSETS_SINCE /* the first record whose timestamp is not before since_ms; the end when there is none */
};

/*
 * Writes that offset of partitions 0 .. n - 1 of a topic into offsets. client is of admin_open; blocks for at
 * most timeout_ms. TOPIC_MISSING, TOPIC_DENIED, BROKER_DOWN, or TRANSIENT where a partition could not say.
 */
enum weir_err_code offsets_ask(rd_kafka_t *client, const char *topic, int32_t n, enum offsets_of of,
                               int64_t since_ms, int timeout_ms, int64_t *offsets, struct weir_err *err);

/*
 * Writes what a group has committed of partitions 0 .. n - 1 of a topic into offsets, -1 where it has not.
 * client is of admin_open; blocks for at most timeout_ms. GROUP_DENIED, BROKER_DOWN, TRANSIENT where a
 * partition could not say.
 */
enum weir_err_code offsets_committed(rd_kafka_t *client, const char *group, const char *topic, int32_t n,
                                     int timeout_ms, int64_t *offsets, struct weir_err *err);

/*
 * Fills each element's offset with what a group has committed there, RD_KAFKA_OFFSET_INVALID where nothing,
 * and its error: UNSTABLE_OFFSET_COMMIT where a transaction that is still open may move it. client is of
 * admin_open; blocks for at most timeout_ms. Returns the error of the question as a whole, after which the
 * elements say nothing.
 */
rd_kafka_resp_err_t offsets_stable(rd_kafka_t *client, const char *group,
                                   rd_kafka_topic_partition_list_t *list, int timeout_ms);

#endif
