/* What weir sets on librdkafka's clients: its defaults, then the user's properties, then what is weir's
 * alone. */
#ifndef WEIR_KAFKA_CONF_H
#define WEIR_KAFKA_CONF_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "weir/err.h"
#include "weir/spec.h"

/* Longest identity with its end: brokers take group instance ids of up to 249 characters. */
#define CONF_IDENTITY_MAX 250

/* librdkafka's default for batch.size. */
#define CONF_BATCH_BYTES 1000000

/* librdkafka older than this is refused, and so is 2.10.0 (it can bootstrap for ever). */
#define CONF_VERSION_FLOOR        0x020800ff
#define CONF_VERSION_BROKEN_FIRST 0x020a0000
#define CONF_VERSION_BROKEN_LAST  0x020a00ff

/* Who a worker is: "<pipeline>-<instance>-<worker>", transactional id and group instance id in one. */
struct conf_identity {
    char text[CONF_IDENTITY_MAX];
};

/* Whether weir works with the librdkafka of that rd_kafka_version(). Pure. */
bool conf_takes_version(int version);

/*
 * WEIR_ERR_USAGE when the instance has characters that brokers refuse in a group instance id. WEIR_ERR_CONFIG
 * when the identity would be too long, or when librdkafka at run time is a version that weir refuses.
 */
enum weir_err_code conf_identify(struct conf_identity *identity, const char *pipeline, const char *instance,
                                 int worker, struct weir_err *err);

/*
 * The configuration of the consumer, of a client that is in no group and only asks questions, and of the
 * producer; the caller passes them to rd_kafka_new or destroys them. A property that librdkafka does not know
 * or take is WEIR_ERR_CONFIG with its line. A produce request is bounded by batch_bytes or the user's
 * batch.size, whichever is less, since librdkafka cannot split one that a topic finds too large.
 */
enum weir_err_code conf_consumer(const struct weir_spec *spec, const struct conf_identity *identity,
                                 rd_kafka_conf_t **out, struct weir_err *err);
enum weir_err_code conf_client(const struct weir_spec *spec, rd_kafka_conf_t **out, struct weir_err *err);
enum weir_err_code conf_producer(const struct weir_spec *spec, const struct conf_identity *identity,
                                 size_t batch_bytes, rd_kafka_conf_t **out, struct weir_err *err);

/*
 * Whether librdkafka would take the configuration: each property alone, and all of them together. Makes both
 * clients and destroys them without a connection. WEIR_ERR_CONFIG.
 */
enum weir_err_code conf_check(const struct weir_spec *spec, struct weir_err *err);

/* The number a property has in conf, or fallback when it has none. */
int64_t conf_number(const rd_kafka_conf_t *conf, const char *name, int64_t fallback);

#endif
