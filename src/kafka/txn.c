#include "kafka/txn.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kafka/admin.h"
#include "kafka/fault.h"
#include "kafka/measure.h"
#include "kafka/source.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/remedy.h"

/* How long one call into librdkafka may take before we look at deadlines again. */
#define SLICE_MS 1000
/* Delivery reports are served after so many records handed over. */
#define POLL_EVERY 1024
/* How long to wait when librdkafka's queue is full. */
#define QUEUE_FULL_POLL_MS 10
/* librdkafka's default for batch.size, and what is left free below a topic's limit for the framing. */
#define BATCH_BYTES   1000000
#define BATCH_FRAMING 512
/* What a letter's own headers take at most, roundly (core/envelope.h bounds the message). */
#define LETTER_HEADERS 16384
/* Arguments of rd_kafka_produceva: topic, partition, key, value, timestamp, headers. */
#define PRODUCE_ARGUMENTS 6
/* How often the retriable calls that come back at once are repeated. */
#define RETRY_PAUSE_MS 20

struct txn {
    struct sink base;
    struct txn_parts parts;
    struct fault_identity who;
    rd_kafka_t *rk; /* NULL before the first open */
    bool initialised;
    rd_kafka_topic_t *topics[SINK_TOPICS];
    struct sink_target targets[SINK_TOPICS];
    int32_t source_partitions;
    bool looked;                       /* targets are known */
    size_t batch_bytes;                /* batch.size of the producer */
    int64_t timeout_ms;                /* transaction.timeout.ms of the producer */
    unsigned sent;                     /* records of the open transaction */
    rd_kafka_resp_err_t delivery_code; /* first failed delivery of the open transaction */
    enum sink_topic delivery_topic;
    _Atomic unsigned closed; /* connections that the producer has lost */
    unsigned closed_at_begin;
};

static struct txn *self_of(struct sink *sink)
{
    return (struct txn *)sink;
}

static const char *topic_name(const struct txn *self, enum sink_topic topic)
{
    return ports_topic_name(self->parts.spec, topic);
}

/* The topics are the first so many: without a journal, one less. */
static int n_topics(const struct txn *self)
{
    return topic_name(self, SINK_JOURNAL) ? SINK_TOPICS : SINK_JOURNAL;
}

/* The topic of that name. */
static enum sink_topic topic_of(const struct txn *self, const char *name)
{
    int topic = 0;
    while (topic < n_topics(self) - 1 && strcmp(topic_name(self, (enum sink_topic)topic), name) != 0)
        topic++;
    return (enum sink_topic)topic;
}

/* --- callbacks --- */

/* Runs on librdkafka's broker threads. It must close the descriptor, and it also runs for connects that
 * failed. */
static int on_close_socket(int fd, void *opaque)
{
    struct txn *self = opaque;
    atomic_fetch_add_explicit(&self->closed, 1, memory_order_relaxed);
    return close(fd);
}

/* Runs on our thread, in poll, commit and abort. The topic's opaque is not set, so the handle tells which it
 * is. */
static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk;
    struct txn *self = opaque;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR || self->delivery_code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    /* Purged records were taken back by an abort: they are its effect, not its reason. */
    if (message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
        return;
    self->delivery_code = message->err;
    self->delivery_topic = topic_of(self, rd_kafka_topic_name(message->rkt));
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    (void)rk;
    (void)opaque;
    /* Each call returns its own error: this is only for debugging. */
    log_debug("librdkafka", "producer: %s: %s", rd_kafka_err2name((rd_kafka_resp_err_t)code), reason);
}

/* --- topics --- */

/*
 * A letter is the record and some headers more. Where its topic takes no more than the input's, the largest
 * records could not become letters, and their partitions would wait: better to hear of it before. Where both
 * are the same, as Kafka makes them, that is no reason to be alarmed. All workers of a process see the same,
 * so one of them says it.
 */
static void compare_limits(const struct txn *self, size_t input, size_t dead_letter)
{
    static atomic_flag said = ATOMIC_FLAG_INIT;
    if (dead_letter > input || atomic_flag_test_and_set(&said))
        return;
    log_write(
        dead_letter < input ? WEIR_LOG_WARN : WEIR_LOG_INFO, "dead_letter_limit",
        "max.message.bytes of topic %s is %zu and of %s %zu: a letter adds headers to its record, so that "
        "of a large one would not fit, and its partition would wait; set it to %zu or more",
        topic_name(self, SINK_DEAD_LETTER), dead_letter, self->parts.spec->core.input_topic, input,
        input + LETTER_HEADERS);
}

static enum weir_err_code refresh(struct sink *sink, int timeout_ms, struct weir_err *err)
{
    struct txn *self = self_of(sink);
    /* The input comes last, since there may be no journal. */
    const char *names[SINK_TOPICS + 1];
    size_t limits[SINK_TOPICS + 1];
    int n = n_topics(self);
    struct sink_target input = {0};
    names[n] = self->parts.spec->core.input_topic;
    enum weir_err_code code = admin_look(self->parts.client, names[n], timeout_ms, &input, err);
    for (int i = 0; code == WEIR_OK && i < n; i++) {
        names[i] = topic_name(self, (enum sink_topic)i);
        code = admin_look(self->parts.client, names[i], timeout_ms, &self->targets[i], err);
    }
    if (code == WEIR_OK)
        code = admin_limits(self->parts.client, names, (size_t)n + 1, timeout_ms, limits, err);
    if (code != WEIR_OK)
        return code;
    for (int i = 0; i < n; i++)
        self->targets[i].max_message_bytes = limits[i];
    self->source_partitions = input.state == WEIR_OK ? input.partitions : 0;
    if (input.state == WEIR_OK && self->targets[SINK_DEAD_LETTER].state == WEIR_OK)
        compare_limits(self, limits[n], limits[SINK_DEAD_LETTER]);
    self->looked = true;
    return WEIR_OK;
}

static struct sink_target target(struct sink *sink, enum sink_topic topic)
{
    return self_of(sink)->targets[topic];
}

static int32_t source_partitions(struct sink *sink)
{
    return self_of(sink)->source_partitions;
}

/* The largest batch that fits all topics: librdkafka cannot split one that a broker finds too large. */
static size_t fitting_batch(const struct txn *self)
{
    size_t bytes = CONF_BATCH_BYTES;
    for (int i = 0; i < n_topics(self); i++) {
        size_t limit = self->targets[i].max_message_bytes;
        size_t below = limit > 2 * BATCH_FRAMING ? limit - BATCH_FRAMING : limit / 2 + 1;
        bytes = below < bytes ? below : bytes;
    }
    return bytes;
}

static size_t size_of(const struct sink_record *record)
{
    return measure_record(record->key, record->value, record->headers, record->n_headers);
}

/* --- making the producer --- */

static void destroy_producer(struct txn *self)
{
    for (int i = 0; i < SINK_TOPICS; i++) {
        if (self->topics[i])
            rd_kafka_topic_destroy(self->topics[i]);
        self->topics[i] = NULL;
    }
    watchdog_enter(self->parts.watch, "destroying the producer");
    if (self->rk)
        rd_kafka_destroy(self->rk);
    watchdog_leave(self->parts.watch);
    self->rk = NULL;
    self->initialised = false;
}

static enum weir_err_code make_producer(struct txn *self, struct weir_err *err)
{
    char text[256];
    rd_kafka_conf_t *conf = NULL;
    self->batch_bytes = fitting_batch(self);
    enum weir_err_code code =
        conf_producer(self->parts.spec, self->parts.identity, self->batch_bytes, &conf, err);
    if (code != WEIR_OK)
        return code;
    self->timeout_ms = conf_number(conf, "transaction.timeout.ms", 0);
    rd_kafka_conf_set_opaque(conf, self);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_closesocket_cb(conf, on_close_socket);
    self->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (!self->rk) {
        rd_kafka_conf_destroy(conf);
        return weir_fail(err, WEIR_ERR_CONFIG, "producer: %s", text);
    }
    for (int i = 0; i < n_topics(self); i++)
        self->topics[i] = rd_kafka_topic_new(self->rk, topic_name(self, (enum sink_topic)i), NULL);
    return WEIR_OK;
}

static enum weir_err_code open_producer(struct sink *sink, struct weir_err *err)
{
    struct txn *self = self_of(sink);
    enum weir_err_code code = self->looked ? WEIR_OK : refresh(sink, SLICE_MS, err);
    if (code != WEIR_OK)
        return code;
    if (self->initialised)
        destroy_producer(self);
    if (!self->rk)
        code = make_producer(self, err);
    if (code != WEIR_OK)
        return code;
    watchdog_enter(self->parts.watch, "init transactions");
    rd_kafka_error_t *error = rd_kafka_init_transactions(self->rk, SLICE_MS);
    watchdog_leave(self->parts.watch);
    code = fault_of_transaction(error, "init transactions", &self->who, err);
    if (code == WEIR_ERR_TRANSIENT)
        err->code = code = WEIR_ERR_BROKER_DOWN;
    if (weir_err_class(code) == WEIR_CLASS_REBUILD)
        destroy_producer(self);
    if (code != WEIR_OK)
        return code;
    self->initialised = true;
    self->closed_at_begin = atomic_load(&self->closed);
    return WEIR_OK;
}

/*
 * A record that was not delivered leaves a gap in its partition's sequence numbers, at which the broker would
 * refuse the next transaction too.
 */
static bool tainted(struct sink *sink)
{
    struct txn *self = self_of(sink);
    return atomic_load(&self->closed) != self->closed_at_begin ||
           self->delivery_code != RD_KAFKA_RESP_ERR_NO_ERROR || fitting_batch(self) != self->batch_bytes;
}

/* --- a transaction --- */

static enum weir_err_code begin(struct sink *sink, struct weir_err *err)
{
    struct txn *self = self_of(sink);
    self->sent = 0;
    self->delivery_code = RD_KAFKA_RESP_ERR_NO_ERROR;
    self->closed_at_begin = atomic_load(&self->closed);
    return fault_of_transaction(rd_kafka_begin_transaction(self->rk), "begin", &self->who, err);
}

/* The record's headers in librdkafka's form; NULL when it has none or memory is short. */
static rd_kafka_headers_t *make_headers(const struct sink_record *record)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(record->n_headers);
    for (size_t i = 0; i < record->n_headers; i++) {
        const struct weir_header *header = &record->headers[i];
        (void)rd_kafka_header_add(headers, header->name, -1, header->value.data, (ssize_t)header->value.len);
    }
    return headers;
}

/* Hands one record to librdkafka, which borrows the value and copies the rest. */
static rd_kafka_error_t *produce(struct txn *self, const struct sink_record *record)
{
    rd_kafka_vu_t arguments[PRODUCE_ARGUMENTS] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = self->topics[record->topic]},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = record->partition},
        {.vtype = RD_KAFKA_VTYPE_VALUE,
         .u.mem = {.ptr = (void *)(uintptr_t)record->value.data, .size = record->value.len}},
        {.vtype = RD_KAFKA_VTYPE_KEY,
         .u.mem = {.ptr = (void *)(uintptr_t)record->key.data, .size = record->key.len}},
    };
    size_t n = 4;
    /* 0 means "now" to librdkafka. A record of the very first millisecond of 1970 would get the present time.
     */
    if (record->timestamp_ms > 0)
        arguments[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = record->timestamp_ms};
    rd_kafka_headers_t *headers = record->n_headers > 0 ? make_headers(record) : NULL;
    if (headers)
        arguments[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers};
    rd_kafka_error_t *error = rd_kafka_produceva(self->rk, arguments, n);
    if (error && headers)
        rd_kafka_headers_destroy(headers);
    return error;
}

/* Why the transaction must be aborted: a failed delivery tells more than what followed from it. */
static enum weir_err_code with_delivery(const struct txn *self, enum weir_err_code code, struct weir_err *err)
{
    bool aborting = weir_err_class(code) == WEIR_CLASS_ABORT_BATCH || weir_err_class(code) == WEIR_CLASS_WAIT;
    if (!aborting || code == WEIR_ERR_STALE_GENERATION || self->delivery_code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return code;
    return fault_of_delivery(self->delivery_code, topic_name(self, self->delivery_topic), err);
}

/* Why a record was not taken. A producer that was fenced says so here too, when it still had records to send.
 */
static enum weir_err_code refused(struct txn *self, const struct sink_record *record, rd_kafka_error_t *error,
                                  struct weir_err *err)
{
    if (rd_kafka_error_is_fatal(error))
        return fault_of_transaction(error, "send", &self->who, err);
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    rd_kafka_poll(self->rk, 0);
    return with_delivery(self, fault_of_delivery(code, topic_name(self, record->topic), err), err);
}

static bool queue_full(const rd_kafka_error_t *error)
{
    return error && rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__QUEUE_FULL;
}

/* Waits for room in a queue that is full; takes error, which said so. Apart from send_record, which is run
 * for each record: asking for the time costs a good part of what handing a record over costs. */
static rd_kafka_error_t *produce_patiently(struct txn *self, const struct sink_record *record,
                                           rd_kafka_error_t *error)
{
    int64_t until = clock_monotonic_ms() + self->timeout_ms;
    while (queue_full(error) && clock_monotonic_ms() < until) {
        rd_kafka_error_destroy(error);
        rd_kafka_poll(self->rk, QUEUE_FULL_POLL_MS);
        error = produce(self, record);
    }
    return error;
}

static enum weir_err_code send_record(struct sink *sink, const struct sink_record *record,
                                      struct weir_err *err)
{
    struct txn *self = self_of(sink);
    rd_kafka_error_t *error = produce(self, record);
    if (queue_full(error))
        error = produce_patiently(self, record, error);
    if (++self->sent % POLL_EVERY == 0)
        rd_kafka_poll(self->rk, 0);
    return error ? refused(self, record, error, err) : WEIR_OK;
}

/* When a chain of slices must end. */
struct deadline {
    int64_t at_ms;
};

static bool passed(const struct txn *self, struct deadline *deadline)
{
    int64_t now = clock_monotonic_ms();
    if (atomic_load(self->parts.stopping) && deadline->at_ms > now + self->parts.stop_deadline_ms)
        deadline->at_ms = now + self->parts.stop_deadline_ms;
    return now >= deadline->at_ms;
}

enum call { CALL_OFFSETS, CALL_COMMIT, CALL_ABORT };

static rd_kafka_error_t *call_once(struct txn *self, enum call call,
                                   const rd_kafka_topic_partition_list_t *offsets, const struct stamp *stamp)
{
    switch (call) {
    case CALL_OFFSETS:
        return rd_kafka_send_offsets_to_transaction(self->rk, offsets, stamp->metadata, SLICE_MS);
    case CALL_COMMIT:
        return rd_kafka_commit_transaction(self->rk, remedy_on(REMEDY_BOUNDED_COMMIT) ? SLICE_MS : -1);
    default: return rd_kafka_abort_transaction(self->rk, SLICE_MS);
    }
}

/* One call in slices: again with the same arguments while it says that it may be repeated, until the
 * deadline. */
static enum weir_err_code call_sliced(struct txn *self, enum call call,
                                      const rd_kafka_topic_partition_list_t *offsets,
                                      const struct stamp *stamp, struct deadline *deadline,
                                      struct weir_err *err)
{
    static const char *const names[] = {"send offsets", "commit", "abort"};
    for (;;) {
        watchdog_enter(self->parts.watch, names[call]);
        rd_kafka_error_t *error = call_once(self, call, offsets, stamp);
        watchdog_leave(self->parts.watch);
        enum weir_err_code code = fault_of_transaction(error, names[call], &self->who, err);
        if (code != WEIR_ERR_TRANSIENT)
            return code;
        if (passed(self, deadline))
            break;
        clock_sleep_ms(RETRY_PAUSE_MS);
    }
    struct weir_err last = *err;
    return weir_fail(err, WEIR_ERR_TXN_UNKNOWN, "no answer within the deadline: %s", last.text);
}

/*
 * Commits. An error that librdkafka wants answered with an abort may be the brokers' answer to EndTxn, and
 * then only the committed offsets tell what became of it; unless a record was not delivered, for then EndTxn
 * was not sent.
 */
static enum weir_err_code end(struct txn *self, struct deadline *deadline, struct weir_err *err)
{
    enum weir_err_code code = call_sliced(self, CALL_COMMIT, NULL, NULL, deadline, err);
    if (code != WEIR_OK)
        rd_kafka_poll(self->rk, 0);
    bool undelivered = self->delivery_code != RD_KAFKA_RESP_ERR_NO_ERROR;
    if (undelivered || weir_err_class(code) != WEIR_CLASS_ABORT_BATCH || !remedy_on(REMEDY_UNKNOWN_END))
        return code;
    return err->code = WEIR_ERR_TXN_UNKNOWN;
}

static enum weir_err_code commit(struct sink *sink, const struct stamp *stamp, const struct position *next,
                                 size_t n, int64_t deadline_ms, struct weir_err *err)
{
    struct txn *self = self_of(sink);
    struct deadline deadline = {clock_monotonic_ms() + deadline_ms};
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new((int)n);
    for (size_t i = 0; i < n; i++)
        rd_kafka_topic_partition_list_add(offsets, self->parts.spec->core.input_topic, next[i].partition)
            ->offset = next[i].offset;
    enum weir_err_code code = call_sliced(self, CALL_OFFSETS, offsets, stamp, &deadline, err);
    rd_kafka_topic_partition_list_destroy(offsets);
    if (code == WEIR_OK)
        code = end(self, &deadline, err);
    else
        rd_kafka_poll(self->rk, 0);
    return with_delivery(self, code, err);
}

static enum weir_err_code abort_open(struct sink *sink, int64_t deadline_ms, struct weir_err *err)
{
    struct txn *self = self_of(sink);
    struct deadline deadline = {clock_monotonic_ms() + deadline_ms};
    enum weir_err_code code = call_sliced(self, CALL_ABORT, NULL, NULL, &deadline, err);
    if (code == WEIR_OK || weir_err_class(code) == WEIR_CLASS_FATAL || code == WEIR_ERR_FENCED)
        return code;
    /* An abort can fail on a healthy cluster (librdkafka issue 4849): whatever it says, the way out is a new
     * producer. */
    struct weir_err why = *err;
    return weir_fail(err, WEIR_ERR_PRODUCER_LOST, "%s", why.text);
}

/* --- life --- */

static const struct sink_ops ops = {
    .open = open_producer,
    .tainted = tainted,
    .refresh = refresh,
    .target = target,
    .source_partitions = source_partitions,
    .size_of = size_of,
    .begin = begin,
    .send = send_record,
    .commit = commit,
    .abort = abort_open,
};

enum weir_err_code txn_new(const struct txn_parts *parts, struct sink **out, struct weir_err *err)
{
    struct txn *self = calloc(1, sizeof *self);
    if (!self)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a producer");
    self->base.ops = &ops;
    self->parts = *parts;
    self->who = (struct fault_identity){parts->spec->core.pipeline, parts->identity->text};
    for (int i = 0; i < SINK_TOPICS; i++)
        self->targets[i].state = WEIR_ERR_BROKER_DOWN;
    *out = &self->base;
    return WEIR_OK;
}

void txn_free(struct sink *sink)
{
    struct txn *self = self_of(sink);
    destroy_producer(self);
    free(self);
}
