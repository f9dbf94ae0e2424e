/* How large a record is to the brokers. */
#ifndef WEIR_KAFKA_MEASURE_H
#define WEIR_KAFKA_MEASURE_H

#include <stddef.h>

#include "weir/pipeline.h"

/*
 * The bytes of a record alone in its batch, the way brokers hold it against max.message.bytes (Kafka
 * protocol, "Record Batch"): 61 bytes of batch header, then the record with its length, attributes, time and
 * offset deltas. Pure.
 */
size_t measure_record(struct weir_bytes key, struct weir_bytes value, const struct weir_header *headers,
                      size_t n_headers);

#endif
