#include "kafka/load.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

/* Delivery reports are served once in so many records, and when the queue is full. */
#define REPORTS_EVERY 256

#define TEXT_MAX 256

struct load {
    rd_kafka_t *producer;
    rd_kafka_topic_t *topic;
    struct load_counts counts;
    char first_failure[TEXT_MAX];
    char trouble[TEXT_MAX];
};

/* Idempotent, with batches large enough for flat out; keys go where Java clients put them. */
static const struct weir_property defaults[] = {
    {.name = "client.id", .value = "weir-generate"},
    {.name = "enable.idempotence", .value = "true"},
    {.name = "linger.ms", .value = "20"},
    /* What it would say itself comes as errors, too: see load_trouble. */
    {.name = "log_level", .value = "0"},
    {.name = "partitioner", .value = "murmur2_random"},
    {.name = "queue.buffering.max.messages", .value = "500000"},
    {.name = "queue.buffering.max.kbytes", .value = "262144"},
    {.name = "socket.nagle.disable", .value = "true"},
};

/* Runs inside load_poll, load_send and load_flush, on their thread. */
static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
    (void)producer;
    struct load *load = opaque;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        load->counts.delivered++;
        return;
    }
    if (load->counts.failed++ == 0)
        (void)snprintf(load->first_failure, sizeof load->first_failure, "%s", rd_kafka_err2str(message->err));
}

/* "All brokers are down" says less than what came before it. */
static void on_error(rd_kafka_t *producer, int code, const char *reason, void *opaque)
{
    (void)producer;
    struct load *load = opaque;
    if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || !load->trouble[0])
        (void)snprintf(load->trouble, sizeof load->trouble, "%s", reason);
}

static enum weir_err_code set_all(rd_kafka_conf_t *conf, const struct weir_property *properties, size_t n,
                                  struct weir_err *err)
{
    char text[TEXT_MAX];
    for (size_t i = 0; i < n; i++)
        if (rd_kafka_conf_set(conf, properties[i].name, properties[i].value, text, sizeof text) !=
            RD_KAFKA_CONF_OK)
            return weir_fail(err, WEIR_ERR_CONFIG, "%s", text);
    return WEIR_OK;
}

static enum weir_err_code open_producer(struct load *load, const struct weir_property *properties, size_t n,
                                        struct weir_err *err)
{
    char text[TEXT_MAX];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    enum weir_err_code code = set_all(conf, defaults, sizeof defaults / sizeof defaults[0], err);
    if (code == WEIR_OK)
        code = set_all(conf, properties, n, err);
    if (code == WEIR_OK) {
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
        rd_kafka_conf_set_error_cb(conf, on_error);
        rd_kafka_conf_set_opaque(conf, load);
        load->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
        if (!load->producer)
            code = weir_fail(err, WEIR_ERR_CONFIG, "%s", text);
    }
    /* The producer owns its configuration from its birth on. */
    if (!load->producer)
        rd_kafka_conf_destroy(conf);
    return code;
}

enum weir_err_code load_open(const struct weir_property *properties, size_t n, const char *topic,
                             struct load **out, struct weir_err *err)
{
    struct load *load = calloc(1, sizeof *load);
    if (!load)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a producer");
    enum weir_err_code code = open_producer(load, properties, n, err);
    if (code == WEIR_OK) {
        load->topic = rd_kafka_topic_new(load->producer, topic, NULL);
        if (!load->topic)
            code = weir_fail(err, WEIR_ERR_KAFKA, "topic '%s': %s", topic,
                             rd_kafka_err2str(rd_kafka_last_error()));
    }
    if (code == WEIR_OK)
        *out = load;
    else
        load_close(load);
    return code;
}

void load_close(struct load *load)
{
    if (!load)
        return;
    if (load->topic)
        rd_kafka_topic_destroy(load->topic);
    if (load->producer)
        rd_kafka_destroy(load->producer);
    free(load);
}

static rd_kafka_headers_t *copy_headers(const struct weir_header *headers, size_t n)
{
    rd_kafka_headers_t *copy = rd_kafka_headers_new(n);
    for (size_t i = 0; i < n; i++)
        (void)rd_kafka_header_add(copy, headers[i].name, -1, headers[i].value.data,
                                  (ssize_t)headers[i].value.len);
    return copy;
}

/* librdkafka takes pointers to bytes that it only copies, without const. */
static void *unconst(const uint8_t *data)
{
    return (void *)(uintptr_t)data;
}

/* Headers go only through produceva, which costs more than the plain call. */
static rd_kafka_resp_err_t produce_with_headers(struct load *load, int32_t partition, struct weir_bytes key,
                                                struct weir_bytes value, const struct weir_header *headers,
                                                size_t n_headers)
{
    rd_kafka_headers_t *copy = copy_headers(headers, n_headers);
    const rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = load->topic},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {unconst(value.data), value.len}},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {unconst(key.data), key.len}},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = copy},
    };
    rd_kafka_error_t *error = rd_kafka_produceva(load->producer, parts, sizeof parts / sizeof parts[0]);
    if (!error)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    /* The headers stay ours when the record was not taken. */
    rd_kafka_headers_destroy(copy);
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    return code;
}

static rd_kafka_resp_err_t produce(struct load *load, int32_t partition, struct weir_bytes key,
                                   struct weir_bytes value, const struct weir_header *headers,
                                   size_t n_headers)
{
    if (n_headers > 0)
        return produce_with_headers(load, partition, key, value, headers, n_headers);
    if (rd_kafka_produce(load->topic, partition, RD_KAFKA_MSG_F_COPY, unconst(value.data), value.len,
                         key.data, key.len, NULL) == 0)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    return rd_kafka_last_error();
}

/* An idempotent producer that cannot go on keeps the reason to itself until it is asked. */
static enum weir_err_code fail_fatal(const struct load *load, struct weir_err *err)
{
    char text[TEXT_MAX] = "";
    (void)rd_kafka_fatal_error(load->producer, text, sizeof text);
    return weir_fail(err, WEIR_ERR_KAFKA, "the producer cannot go on: %s", text);
}

enum weir_err_code load_send(struct load *load, int32_t partition, struct weir_bytes key,
                             struct weir_bytes value, const struct weir_header *headers, size_t n_headers,
                             struct weir_err *err)
{
    rd_kafka_resp_err_t code = produce(load, partition, key, value, headers, n_headers);
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        (void)rd_kafka_poll(load->producer, LOAD_ROOM_MS);
        code = produce(load, partition, key, value, headers, n_headers);
    }
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        return weir_fail(err, WEIR_ERR_TRANSIENT, "the producer's queue is full");
    if (code == RD_KAFKA_RESP_ERR__FATAL)
        return fail_fatal(load, err);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return weir_fail(err, WEIR_ERR_KAFKA, "a record could not be sent: %s", rd_kafka_err2str(code));
    if (++load->counts.sent % REPORTS_EVERY == 0)
        load_poll(load);
    return WEIR_OK;
}

void load_poll(struct load *load)
{
    (void)rd_kafka_poll(load->producer, 0);
}

uint64_t load_flush(struct load *load, int timeout_ms)
{
    (void)rd_kafka_flush(load->producer, timeout_ms);
    return load_queued(load);
}

uint64_t load_queued(const struct load *load)
{
    return load->counts.sent - load->counts.delivered - load->counts.failed;
}

struct load_counts load_counts(const struct load *load)
{
    return load->counts;
}

const char *load_trouble(const struct load *load)
{
    return load->trouble;
}

const char *load_first_failure(const struct load *load)
{
    return load->first_failure;
}
