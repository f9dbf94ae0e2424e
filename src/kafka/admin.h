/* Questions about topics: whether they exist, how many partitions they have, how large a record they take. */
#ifndef WEIR_KAFKA_ADMIN_H
#define WEIR_KAFKA_ADMIN_H

#include <librdkafka/rdkafka.h>

#include "engine/ports.h"
#include "weir/spec.h"

/* What a broker takes where the topic's configuration may not be read: Kafka's own default of
 * max.message.bytes. */
#define ADMIN_DEFAULT_MAX_MESSAGE_BYTES 1048588

/*
 * A client of its own for such questions: it is in no group, so it stays when a consumer is made anew, and
 * one is enough for all workers and the watchdog, who ask from their threads. Freed with admin_close. CONFIG.
 */
enum weir_err_code admin_open(const struct weir_spec *spec, rd_kafka_t **out, struct weir_err *err);
void admin_close(rd_kafka_t *client);

/*
 * Looks at one topic; rk is of admin_open. target->state becomes OK, TOPIC_MISSING or TOPIC_DENIED. Blocks
 * for at most timeout_ms. WEIR_ERR_BROKER_DOWN when nobody answered; *target is as it was then.
 */
enum weir_err_code admin_look(rd_kafka_t *rk, const char *topic, int timeout_ms, struct sink_target *target,
                              struct weir_err *err);

/*
 * Reads max.message.bytes of n topics (rk is of admin_open) into *bytes; a topic that is missing, or whose
 * configuration may not be read, gets Kafka's default. WEIR_ERR_BROKER_DOWN when nobody answered.
 */
enum weir_err_code admin_limits(rd_kafka_t *rk, const char *const *topics, size_t n, int timeout_ms,
                                size_t *bytes, struct weir_err *err);

/*
 * One of a topic's settings as text into text; "" when the topic is missing or its settings may not be read.
 * WEIR_ERR_BROKER_DOWN when nobody answered.
 */
enum weir_err_code admin_setting(rd_kafka_t *rk, const char *topic, const char *name, int timeout_ms,
                                 char *text, size_t cap, struct weir_err *err);

/*
 * Deletes what lies before those offsets of partitions 0 .. n - 1 of a topic; -1: nothing there. Kafka cannot
 * take it back. TOPIC_MISSING, TOPIC_DENIED, BROKER_DOWN, or TRANSIENT where a partition could not do it.
 */
enum weir_err_code admin_delete(rd_kafka_t *rk, const char *topic, const int64_t *before, int32_t n,
                                int timeout_ms, struct weir_err *err);

#endif
