/* Where partitions begin: at the group's committed offsets, or where input.start says. */
#ifndef WEIR_KAFKA_LOOKUP_H
#define WEIR_KAFKA_LOOKUP_H

#include <librdkafka/rdkafka.h>

#include "kafka/asker.h"
#include "weir/err.h"
#include "weir/spec.h"

struct lookup {
    const struct weir_spec *spec;
    struct asker *asker;
};

/*
 * Fills each element's offset with the committed one, RD_KAFKA_OFFSET_INVALID where there is none. TRANSIENT
 * when one of them could not be learnt within timeout_ms; FATAL errors.
 */
enum weir_err_code lookup_committed(const struct lookup *lookup, rd_kafka_t *consumer,
                                    rd_kafka_topic_partition_list_t *list, int timeout_ms,
                                    struct weir_err *err);

/*
 * Moves the partitions whose begin could be learnt from pending to known, with their offsets; an element's
 * opaque is not NULL where nothing was committed. WEIR_OK: what is left in pending waits for a transaction
 * that may still move its offset, and that nobody else may end before its time; it is never guessed.
 * TRANSIENT: some could not be learnt, though others may have been. FATAL errors. Blocks for a second or two.
 */
enum weir_err_code lookup_begin(const struct lookup *lookup, rd_kafka_t *consumer,
                                rd_kafka_topic_partition_list_t *pending,
                                rd_kafka_topic_partition_list_t *known, struct weir_err *err);

#endif
