/* Which partition a record goes to. */
#ifndef WEIR_CORE_ROUTE_H
#define WEIR_CORE_ROUTE_H

#include <stdint.h>

#include "weir/bytes.h"
#include "weir/spec.h"

/* murmur2 with Kafka's seed, as org.apache.kafka.common.utils.Utils.murmur2. */
uint32_t route_murmur2(struct weir_bytes key);

/*
 * The partition (0 .. n_target - 1) for a record from partition source of a topic with n_source partitions.
 * key is the record's key, field the text of the configured field (WEIR_PARTITION_FIELD only). "No value" in
 * either falls back to the source's partition, so that order is kept. n_target > 0.
 */
int32_t route_partition(enum weir_partition_by by, int32_t source, int32_t n_source, int32_t n_target,
                        struct weir_bytes key, struct weir_bytes field);

#endif
