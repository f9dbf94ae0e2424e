#include "kafka/range.h"

#include <stdlib.h>
#include <string.h>

#include "kafka/admin.h"
#include "kafka/conf.h"
#include "kafka/fault.h"
#include "kafka/offsets.h"
#include "sys/clock.h"

/* Messages taken from librdkafka's queue at once. */
#define LANDING 256
/* How long at most librdkafka gathers them: it waits for all of them or for the time to pass. */
#define GATHER_MS 20
/* Such a reader is in no group, so no permission of a group can be missing. */
#define NO_GROUP ""

struct part {
    int64_t first, next, until;
    bool started, done;
};

struct range {
    const char *topic_name;
    rd_kafka_t *rk;
    rd_kafka_topic_t *topic;
    rd_kafka_queue_t *queue;
    struct part *parts;
    int32_t n_parts;
    int32_t open; /* parts that are not done */
    rd_kafka_message_t *landing[LANDING];
    size_t landed, taken;
    struct weir_header *headers;
    size_t room; /* headers */
    struct weir_record record;
    int64_t heard_ms; /* when something came last */
};

/* --- opening --- */

/* What retention deletes while we read is gone, and no reason to stop; the end is ours to see, and to be told
 * of soon, for a broker waits with an empty answer. */
static const char *const own[][2] = {
    {"auto.offset.reset", "earliest"}, {"enable.partition.eof", "true"}, {"fetch.wait.max.ms", "20"}};

static enum weir_err_code open_client(struct range *range, const struct range_options *options,
                                      struct weir_err *err)
{
    char text[256];
    rd_kafka_conf_t *conf = NULL;
    enum weir_err_code code = conf_client(options->spec, &conf, err);
    if (code != WEIR_OK)
        return code;
    enum weir_err_code refused = WEIR_OK;
    for (size_t i = 0; i < sizeof own / sizeof own[0] && refused == WEIR_OK; i++)
        if (rd_kafka_conf_set(conf, own[i][0], own[i][1], text, sizeof text) != RD_KAFKA_CONF_OK)
            refused = weir_fail(err, WEIR_ERR_CONFIG, "reader: %s", text);
    if (refused != WEIR_OK) {
        rd_kafka_conf_destroy(conf);
        return refused;
    }
    range->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    if (!range->rk) {
        rd_kafka_conf_destroy(conf);
        return weir_fail(err, WEIR_ERR_CONFIG, "reader: %s", text);
    }
    range->topic = rd_kafka_topic_new(range->rk, options->topic, NULL);
    range->queue = rd_kafka_queue_new(range->rk);
    return range->topic && range->queue
               ? WEIR_OK
               : weir_fail(err, WEIR_ERR_KAFKA, "topic %s: no reader could be made", options->topic);
}

/* Lays one of the offsets of each partition into array. */
static enum weir_err_code learn(struct range *range, const struct range_options *options, enum offsets_of of,
                                int64_t *array, struct weir_err *err)
{
    return offsets_ask(options->client, options->topic, range->n_parts, of, options->since_ms, RANGE_ASK_MS,
                       array, err);
}

static void cut_to_spans(struct range *range, const struct range_options *options)
{
    for (int32_t p = 0; p < range->n_parts; p++) {
        const struct range_span *span = NULL;
        for (size_t i = 0; i < options->n_spans; i++)
            if (options->spans[i].partition == p)
                span = &options->spans[i];
        struct part *part = &range->parts[p];
        if (!span)
            part->until = part->first;
        else if (span->from > part->first)
            part->first = span->from;
        if (span && span->until >= 0 && span->until < part->until)
            part->until = span->until;
    }
}

static enum weir_err_code find_bounds(struct range *range, const struct range_options *options,
                                      struct weir_err *err)
{
    int64_t *array = calloc((size_t)range->n_parts * 2, sizeof *array);
    range->parts = calloc((size_t)range->n_parts, sizeof *range->parts);
    enum weir_err_code code = WEIR_OK;
    if (!array || !range->parts)
        code = weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a reader");
    /* The end first: what is written between the two questions is then behind it. */
    if (code == WEIR_OK)
        code = learn(range, options, options->end == RANGE_WRITTEN ? OFFSETS_WRITTEN : OFFSETS_COMMITTED,
                     array, err);
    if (code == WEIR_OK)
        code = learn(range, options, options->since_ms >= 0 ? OFFSETS_SINCE : OFFSETS_FIRST,
                     array + range->n_parts, err);
    for (int32_t p = 0; p < range->n_parts && code == WEIR_OK; p++)
        range->parts[p] = (struct part){.until = array[p], .first = array[range->n_parts + p]};
    if (code == WEIR_OK && options->spans)
        cut_to_spans(range, options);
    free(array);
    return code;
}

static enum weir_err_code start(struct range *range, struct weir_err *err)
{
    for (int32_t p = 0; p < range->n_parts; p++) {
        struct part *part = &range->parts[p];
        part->next = part->first;
        part->done = part->first >= part->until;
        if (part->done)
            continue;
        if (rd_kafka_consume_start_queue(range->topic, p, part->first, range->queue) != 0)
            return weir_fail(err, WEIR_ERR_KAFKA, "topic %s partition %d: %s", range->topic_name, p,
                             rd_kafka_err2str(rd_kafka_last_error()));
        part->started = true;
        range->open++;
    }
    return WEIR_OK;
}

static enum weir_err_code open_range(struct range *range, const struct range_options *options,
                                     struct weir_err *err)
{
    struct sink_target target = {0};
    range->topic_name = options->topic;
    enum weir_err_code code = admin_look(options->client, options->topic, RANGE_ASK_MS, &target, err);
    if (code != WEIR_OK)
        return code;
    if (target.state == WEIR_ERR_TOPIC_DENIED)
        return weir_fail(err, target.state, "no permission to read topic %s", options->topic);
    if (target.state != WEIR_OK)
        return weir_fail(err, target.state, "topic %s does not exist", options->topic);
    range->n_parts = target.partitions;
    code = find_bounds(range, options, err);
    if (code == WEIR_OK)
        code = open_client(range, options, err);
    if (code == WEIR_OK)
        code = start(range, err);
    range->heard_ms = clock_monotonic_ms();
    return code;
}

enum weir_err_code range_open(const struct range_options *options, struct range **out, struct weir_err *err)
{
    struct range *range = calloc(1, sizeof *range);
    if (!range)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a reader");
    enum weir_err_code code = open_range(range, options, err);
    if (code == WEIR_OK)
        *out = range;
    else
        range_close(range);
    return code;
}

static void release_landing(struct range *range)
{
    for (size_t i = 0; i < range->landed; i++)
        rd_kafka_message_destroy(range->landing[i]);
    range->landed = range->taken = 0;
}

static void stop(struct range *range, int32_t p)
{
    if (range->parts[p].started)
        (void)rd_kafka_consume_stop(range->topic, p);
    range->parts[p].started = false;
}

void range_close(struct range *range)
{
    if (!range)
        return;
    release_landing(range);
    for (int32_t p = 0; range->topic && p < range->n_parts; p++)
        stop(range, p);
    if (range->topic)
        rd_kafka_topic_destroy(range->topic);
    if (range->queue)
        rd_kafka_queue_destroy(range->queue);
    if (range->rk)
        rd_kafka_destroy(range->rk);
    free(range->parts);
    free(range->headers);
    free(range);
}

/* --- reading --- */

static void finish(struct range *range, int32_t p)
{
    struct part *part = &range->parts[p];
    if (part->done)
        return;
    part->done = true;
    part->next = part->until;
    range->open--;
    stop(range, p);
}

static enum weir_err_code lay_headers(struct range *range, rd_kafka_message_t *message, struct weir_err *err)
{
    rd_kafka_headers_t *headers = NULL;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return WEIR_OK;
    size_t n = rd_kafka_header_cnt(headers);
    if (n > range->room) {
        struct weir_header *grown = realloc(range->headers, n * sizeof *grown);
        if (!grown)
            return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the headers of a record");
        range->headers = grown;
        range->room = n;
    }
    for (size_t i = 0; i < n; i++) {
        const void *value = NULL;
        size_t len = 0;
        (void)rd_kafka_header_get_all(headers, i, &range->headers[i].name, &value, &len);
        range->headers[i].value = (struct weir_bytes){value, len};
    }
    range->record.headers = range->headers;
    range->record.n_headers = n;
    return WEIR_OK;
}

static enum weir_err_code take_record(struct range *range, rd_kafka_message_t *message,
                                      const struct weir_record **out, struct weir_err *err)
{
    struct part *part = &range->parts[message->partition];
    if (part->done || message->offset >= part->until) {
        finish(range, message->partition);
        return WEIR_OK;
    }
    rd_kafka_timestamp_type_t kind;
    /* An empty value and none at all differ; librdkafka gives a pointer for the former. */
    range->record = (struct weir_record){
        .key = {message->key, message->key_len},
        .value = {message->payload, message->len},
        .partition = message->partition,
        .offset = message->offset,
        .timestamp_ms = rd_kafka_message_timestamp(message, &kind),
    };
    enum weir_err_code code = lay_headers(range, message, err);
    if (code != WEIR_OK)
        return code;
    part->next = message->offset + 1;
    *out = &range->record;
    if (part->next >= part->until)
        finish(range, message->partition);
    return WEIR_OK;
}

/* A record, the end of a partition, or an error; what mends itself is passed over. */
static enum weir_err_code take(struct range *range, rd_kafka_message_t *message,
                               const struct weir_record **out, struct weir_err *err)
{
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return take_record(range, message, out, err);
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        if (message->offset >= range->parts[message->partition].until)
            finish(range, message->partition);
        return WEIR_OK;
    }
    enum weir_err_code code =
        fault_of_consumer(message->err, rd_kafka_message_errstr(message), NO_GROUP, err);
    bool passes = weir_err_class(code) == WEIR_CLASS_RETRY || code == WEIR_ERR_BROKER_DOWN;
    return passes ? WEIR_OK : code;
}

static enum weir_err_code land(struct range *range, int timeout_ms, struct weir_err *err)
{
    release_landing(range);
    int gather_ms = timeout_ms < GATHER_MS ? timeout_ms : GATHER_MS;
    ssize_t n = rd_kafka_consume_batch_queue(range->queue, gather_ms, range->landing, LANDING);
    int64_t now_ms = clock_monotonic_ms();
    if (n > 0) {
        range->landed = (size_t)n;
        range->heard_ms = now_ms;
        return WEIR_OK;
    }
    if (now_ms - range->heard_ms < RANGE_IDLE_MS)
        return WEIR_OK;
    return weir_fail(err, WEIR_ERR_BROKER_DOWN, "nothing came of topic %s for %d s", range->topic_name,
                     RANGE_IDLE_MS / 1000);
}

enum weir_err_code range_next(struct range *range, int timeout_ms, const struct weir_record **out,
                              struct weir_err *err)
{
    enum weir_err_code code = WEIR_OK;
    *out = NULL;
    if (range->taken == range->landed && range->open > 0)
        code = land(range, timeout_ms, err);
    while (code == WEIR_OK && !*out && range->taken < range->landed)
        code = take(range, range->landing[range->taken++], out, err);
    return code;
}

bool range_done(const struct range *range)
{
    return range->open == 0;
}

void range_progress(const struct range *range, int64_t *done, int64_t *total)
{
    *done = *total = 0;
    for (int32_t p = 0; p < range->n_parts; p++) {
        const struct part *part = &range->parts[p];
        if (part->until <= part->first)
            continue;
        *done += (part->next < part->until ? part->next : part->until) - part->first;
        *total += part->until - part->first;
    }
    if (*total == 0)
        *done = *total = 1;
}

int32_t range_partitions(const struct range *range)
{
    return range->n_parts;
}

struct range_span range_span_of(const struct range *range, int32_t partition)
{
    const struct part *part = &range->parts[partition];
    return (struct range_span){partition, part->first, part->until};
}
