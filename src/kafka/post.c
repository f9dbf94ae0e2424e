#include "kafka/post.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kafka/admin.h"
#include "kafka/conf.h"
#include "kafka/fault.h"
#include "sys/clock.h"

/* How long one call into librdkafka may take before we look at the deadline again. */
#define SLICE_MS 2000
/* The pause before a call that may be repeated is. */
#define RETRY_MS 50
/* How long to wait when librdkafka's queue is full, and how often. */
#define QUEUE_FULL_MS  10
#define QUEUE_FULL_MAX 3000
/* How long looking at the topics may take. */
#define LOOK_MS 15000
/* What is left free below a topic's limit for the framing of a batch. */
#define BATCH_FRAMING 512
/* Arguments of rd_kafka_produceva: topic, partition, flags, key, value, timestamp, headers. */
#define ARGUMENTS 7

struct topic {
    rd_kafka_topic_t *handle;
    int32_t partitions;
    size_t max_bytes;
};

struct post {
    const _Atomic int *stopping;
    struct conf_identity id;
    struct fault_identity identity;
    rd_kafka_t *rk;
    struct topic topics[POST_TOPICS_MAX];
    size_t n_topics;
    rd_kafka_resp_err_t failed; /* the first delivery that failed in this transaction */
    char failed_topic[256];
    _Atomic unsigned closed; /* connections lost */
    unsigned closed_at_begin;
};

/* --- callbacks --- */

/* Runs on librdkafka's threads, for connects that failed too; it must close the descriptor. */
static int on_close_socket(int fd, void *opaque)
{
    struct post *post = opaque;
    atomic_fetch_add_explicit(&post->closed, 1, memory_order_relaxed);
    return close(fd);
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk;
    struct post *post = opaque;
    bool purged =
        message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR || purged || post->failed)
        return;
    post->failed = message->err;
    (void)snprintf(post->failed_topic, sizeof post->failed_topic, "%s", rd_kafka_topic_name(message->rkt));
}

/* --- opening --- */

static enum weir_err_code look(struct post *post, const struct post_options *options, struct weir_err *err)
{
    size_t limits[POST_TOPICS_MAX];
    enum weir_err_code code =
        admin_limits(options->client, options->topics, options->n_topics, LOOK_MS, limits, err);
    for (size_t i = 0; i < options->n_topics && code == WEIR_OK; i++) {
        struct sink_target target = {0};
        const char *name = options->topics[i];
        code = admin_look(options->client, name, LOOK_MS, &target, err);
        if (code == WEIR_OK && target.state == WEIR_ERR_TOPIC_DENIED)
            code = weir_fail(err, target.state, "no permission to write to topic %s", name);
        else if (code == WEIR_OK && target.state != WEIR_OK)
            code = weir_fail(err, target.state, "topic %s does not exist", name);
        post->topics[i].partitions = target.partitions;
        post->topics[i].max_bytes = limits[i];
    }
    return code;
}

/* librdkafka cannot split a batch that a broker finds too large. */
static size_t fitting_batch(const struct post *post, size_t n)
{
    size_t bytes = CONF_BATCH_BYTES;
    for (size_t i = 0; i < n; i++) {
        size_t limit = post->topics[i].max_bytes;
        size_t below = limit > 2 * BATCH_FRAMING ? limit - BATCH_FRAMING : limit / 2 + 1;
        bytes = below < bytes ? below : bytes;
    }
    return bytes;
}

static enum weir_err_code make_producer(struct post *post, const struct post_options *options,
                                        struct weir_err *err)
{
    char text[256];
    rd_kafka_conf_t *conf = NULL;
    enum weir_err_code code =
        conf_producer(options->spec, &post->id, fitting_batch(post, options->n_topics), &conf, err);
    if (code != WEIR_OK)
        return code;
    rd_kafka_conf_set_opaque(conf, post);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_closesocket_cb(conf, on_close_socket);
    post->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (!post->rk) {
        rd_kafka_conf_destroy(conf);
        return weir_fail(err, WEIR_ERR_CONFIG, "producer: %s", text);
    }
    for (; post->n_topics < options->n_topics; post->n_topics++)
        post->topics[post->n_topics].handle =
            rd_kafka_topic_new(post->rk, options->topics[post->n_topics], NULL);
    return WEIR_OK;
}

static bool stopping(const struct post *post)
{
    return post->stopping && atomic_load(post->stopping) != 0;
}

/* A coordinator that is about to end a predecessor's transaction asks for patience. */
static enum weir_err_code init(struct post *post, struct weir_err *err)
{
    int64_t until = clock_monotonic_ms() + POST_DEADLINE_MS;
    for (;;) {
        rd_kafka_error_t *error = rd_kafka_init_transactions(post->rk, SLICE_MS);
        enum weir_err_code code = fault_of_transaction(error, "init transactions", &post->identity, err);
        if (code != WEIR_ERR_TRANSIENT || stopping(post))
            return code;
        if (clock_monotonic_ms() >= until)
            return err->code = WEIR_ERR_BROKER_DOWN;
        clock_sleep_ms(RETRY_MS);
    }
}

enum weir_err_code post_open(const struct post_options *options, struct post **out, struct weir_err *err)
{
    if (options->n_topics > POST_TOPICS_MAX)
        return weir_fail(err, WEIR_ERR_USAGE, "more than %d topics at once", POST_TOPICS_MAX);
    struct post *post = calloc(1, sizeof *post);
    if (!post)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a producer");
    post->stopping = options->stopping;
    (void)snprintf(post->id.text, sizeof post->id.text, "%s", options->id);
    post->identity = (struct fault_identity){options->spec->core.pipeline, post->id.text};
    enum weir_err_code code = look(post, options, err);
    if (code == WEIR_OK)
        code = make_producer(post, options, err);
    if (code == WEIR_OK)
        code = init(post, err);
    if (code == WEIR_OK)
        *out = post;
    else
        post_close(post);
    return code;
}

void post_close(struct post *post)
{
    if (!post)
        return;
    for (size_t i = 0; i < post->n_topics; i++)
        rd_kafka_topic_destroy(post->topics[i].handle);
    if (post->rk)
        rd_kafka_destroy(post->rk);
    free(post);
}

int32_t post_partitions(const struct post *post, size_t topic)
{
    return post->topics[topic].partitions;
}

size_t post_max_bytes(const struct post *post, size_t topic)
{
    return post->topics[topic].max_bytes;
}

/* --- a transaction --- */

enum weir_err_code post_begin(struct post *post, struct weir_err *err)
{
    post->failed = RD_KAFKA_RESP_ERR_NO_ERROR;
    post->closed_at_begin = atomic_load(&post->closed);
    return fault_of_transaction(rd_kafka_begin_transaction(post->rk), "begin", &post->identity, err);
}

static rd_kafka_headers_t *make_headers(const struct post_record *record)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(record->n_headers);
    for (size_t i = 0; i < record->n_headers; i++)
        (void)rd_kafka_header_add(headers, record->headers[i].name, -1, record->headers[i].value.data,
                                  (ssize_t)record->headers[i].value.len);
    return headers;
}

static rd_kafka_error_t *produce(struct post *post, const struct post_record *record)
{
    rd_kafka_vu_t arguments[ARGUMENTS] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = post->topics[record->topic].handle},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = record->partition},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_VALUE,
         .u.mem = {.ptr = (void *)(uintptr_t)record->value.data, .size = record->value.len}},
        {.vtype = RD_KAFKA_VTYPE_KEY,
         .u.mem = {.ptr = (void *)(uintptr_t)record->key.data, .size = record->key.len}},
    };
    size_t n = 5;
    /* 0 means "now" to librdkafka. */
    if (record->timestamp_ms > 0)
        arguments[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = record->timestamp_ms};
    rd_kafka_headers_t *headers = record->n_headers > 0 ? make_headers(record) : NULL;
    if (headers)
        arguments[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers};
    rd_kafka_error_t *error = rd_kafka_produceva(post->rk, arguments, n);
    if (error && headers)
        rd_kafka_headers_destroy(headers);
    return error;
}

enum weir_err_code post_send(struct post *post, const struct post_record *record, struct weir_err *err)
{
    rd_kafka_error_t *error = produce(post, record);
    for (int i = 0; i < QUEUE_FULL_MAX && error; i++) {
        if (rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            break;
        rd_kafka_error_destroy(error);
        rd_kafka_poll(post->rk, QUEUE_FULL_MS);
        error = produce(post, record);
    }
    if (!error)
        return WEIR_OK;
    if (rd_kafka_error_is_fatal(error))
        return fault_of_transaction(error, "send", &post->identity, err);
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    return fault_of_delivery(code, rd_kafka_topic_name(post->topics[record->topic].handle), err);
}

/* A failed delivery tells more than what followed from it; but that we are fenced goes before all. */
static enum weir_err_code explain(struct post *post, enum weir_err_code code, struct weir_err *err)
{
    rd_kafka_poll(post->rk, 0);
    if (code == WEIR_OK || code == WEIR_ERR_FENCED || post->failed == RD_KAFKA_RESP_ERR_NO_ERROR)
        return code;
    return fault_of_delivery(post->failed, post->failed_topic, err);
}

static enum weir_err_code end(struct post *post, bool commits, struct weir_err *err)
{
    int64_t until = clock_monotonic_ms() + POST_DEADLINE_MS;
    for (;;) {
        rd_kafka_error_t *error = commits ? rd_kafka_commit_transaction(post->rk, SLICE_MS)
                                          : rd_kafka_abort_transaction(post->rk, SLICE_MS);
        enum weir_err_code code =
            fault_of_transaction(error, commits ? "commit" : "abort", &post->identity, err);
        if (code != WEIR_ERR_TRANSIENT)
            return explain(post, code, err);
        if (clock_monotonic_ms() >= until)
            return err->code = WEIR_ERR_TXN_UNKNOWN;
        clock_sleep_ms(RETRY_MS);
    }
}

enum weir_err_code post_commit(struct post *post, struct weir_err *err)
{
    return end(post, true, err);
}

enum weir_err_code post_abort(struct post *post, struct weir_err *err)
{
    return end(post, false, err);
}

bool post_tainted(const struct post *post)
{
    return atomic_load(&post->closed) != post->closed_at_begin;
}
