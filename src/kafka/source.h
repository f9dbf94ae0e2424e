/*
 * The source on librdkafka: one consumer of a classic, eager, static group, read_committed. Where a partition
 * begins is looked up here and assigned explicitly, since librdkafka can ignore a committed offset (its
 * OffsetFetch answered UNSTABLE_OFFSET_COMMIT while the assignment changed). Of members that have gone from
 * the group it ends what they left open (kafka/estate.h).
 */
#ifndef WEIR_KAFKA_SOURCE_H
#define WEIR_KAFKA_SOURCE_H

#include <librdkafka/rdkafka.h>

#include "engine/ports.h"
#include "kafka/conf.h"
#include "kafka/watchdog.h"
#include "metrics/counters.h"
#include "weir/spec.h"

/* The group membership of a sealed batch. */
struct stamp {
    rd_kafka_consumer_group_metadata_t *metadata;
};

/* What a source works with; all outlive it. */
struct source_parts {
    const struct weir_spec *spec;
    const struct conf_identity *identity;
    struct counters *counters;
    rd_kafka_t *client;  /* of admin_open: asks who is in the group */
    struct watch *watch; /* told of each call that may block */
};

/* Makes the consumer; it joins the group with start. CONFIG, KAFKA, NO_MEMORY. */
enum weir_err_code source_open(const struct source_parts *parts, struct source **out, struct weir_err *err);

/* Leaves the group (a static member keeps its place for the session time-out) within timeout_ms, and frees
 * the consumer and its other clients, each of which may have to wait for a host's name to be looked up. */
void source_close(struct source *source, int timeout_ms);

/* The client behind it; a new one after rejoin. For tests. */
rd_kafka_t *source_client(struct source *source);

#endif
