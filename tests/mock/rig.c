#include "rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kafka/admin.h"
#include "kafka/source.h"
#include "kafka/txn.h"
#include "sys/clock.h"
#include "sys/log.h"

/* How long the sink may take to end when the worker stops. */
#define STOP_DEADLINE_MS 3000
#define CLOSE_MS         5000
#define WRITE_MS         20000

static const char *const schema_text =
    "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"n\",\"type\":\"long\"}]}";

static void must(enum weir_err_code code, const struct weir_err *err)
{
    if (code != WEIR_OK)
        fail_msg("%s: %s", weir_err_name(code), err->text);
}

/* --- the judge --- */

/* Reads "partition:number" from a key; false for records that the judge does not know. */
static bool read_key(struct weir_bytes key, int *partition, int *number)
{
    char text[32];
    if (!key.data || key.len == 0 || key.len >= sizeof text)
        return false;
    memcpy(text, key.data, key.len);
    text[key.len] = '\0';
    return sscanf(text, "%d:%d", partition, number) == 2 && *partition < RIG_PARTITIONS;
}

static void forget_open(struct rig *rig)
{
    for (int p = 0; p < RIG_PARTITIONS; p++)
        rig->tally[p].open = 0;
}

/* What the broker does at the end of a transaction: its records and its offsets become final at once. */
static void finish(struct rig *rig, const struct position *next, size_t n)
{
    for (int p = 0; p < RIG_PARTITIONS; p++) {
        struct rig_tally *tally = &rig->tally[p];
        assert_true(tally->finals + tally->open <= RIG_RECORDS_MAX);
        for (int i = 0; i < tally->open; i++)
            tally->final[tally->finals++] = tally->opened[i];
    }
    forget_open(rig);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
    for (size_t i = 0; i < n; i++) {
        rd_kafka_topic_partition_list_add(list, RIG_INPUT, next[i].partition)->offset = next[i].offset;
        rig->tally[next[i].partition].committed = next[i].offset;
    }
    rd_kafka_resp_err_t code = rd_kafka_commit(source_client(rig->source.inner), list, 0);
    rd_kafka_topic_partition_list_destroy(list);
    if (code)
        fail_msg("the rig could not commit: %s", rd_kafka_err2str(code));
}

const char *rig_damage(const struct rig *rig)
{
    static char text[128];
    for (int p = 0; p < RIG_PARTITIONS; p++) {
        const struct rig_tally *tally = &rig->tally[p];
        for (int i = 0; i < tally->finals; i++) {
            if (tally->final[i] == i)
                continue;
            (void)snprintf(text, sizeof text, "partition %d: record %d is final where %d is due", p,
                           tally->final[i], i);
            return text;
        }
        if (tally->finals == tally->filled)
            continue;
        (void)snprintf(text, sizeof text, "partition %d: %d of %d records are final", p, tally->finals,
                       tally->filled);
        return text;
    }
    return NULL;
}

void rig_judge(const struct rig *rig)
{
    const char *damage = rig_damage(rig);
    if (damage)
        fail_msg("%s", damage);
}

/* --- the spy on the source --- */

static struct rig_spy_source *spied_source(struct source *source)
{
    return (struct rig_spy_source *)source;
}

static struct source *inner_source(struct source *source)
{
    return spied_source(source)->inner;
}

static enum weir_err_code spy_start(struct source *source, struct weir_err *err)
{
    return inner_source(source)->ops->start(inner_source(source), err);
}

static void note_handed(struct rig *rig, const struct weir_record *record)
{
    int partition = 0;
    int number = 0;
    struct rig_tally *at = &rig->tally[record->partition];
    if (at->first_handed < 0)
        at->first_handed = record->offset;
    at->last_handed = record->offset;
    if (!read_key(record->key, &partition, &number))
        return;
    assert_int_equal(partition, record->partition);
    rig->tally[partition].handed[number]++;
}

static enum weir_err_code spy_poll(struct source *source, int timeout_ms, size_t max, struct heap *heap,
                                   struct source_record *out, size_t *n, struct weir_err *err)
{
    struct source *inner = inner_source(source);
    enum weir_err_code code = inner->ops->poll(inner, timeout_ms, max, heap, out, n, err);
    for (size_t i = 0; i < *n; i++)
        note_handed(spied_source(source)->rig, &out[i].record);
    return code;
}

static void spy_release(struct source *source, struct source_record *records, size_t n)
{
    inner_source(source)->ops->release(inner_source(source), records, n);
}

static bool spy_owns(struct source *source, int32_t partition, uint32_t epoch)
{
    return inner_source(source)->ops->owns(inner_source(source), partition, epoch);
}

/* The mock cannot be asked who is in a group. */
static enum weir_err_code spy_taken(struct source *source, int timeout_ms, bool *taken, struct weir_err *err)
{
    (void)timeout_ms;
    (void)err;
    *taken = spied_source(source)->rig->succeeded;
    return WEIR_OK;
}

static bool spy_placed(struct source *source)
{
    return inner_source(source)->ops->placed(inner_source(source));
}

static enum weir_err_code spy_seek(struct source *source, const struct position *to, size_t n,
                                   struct weir_err *err)
{
    return inner_source(source)->ops->seek(inner_source(source), to, n, err);
}

static enum weir_err_code spy_pause(struct source *source, int32_t partition, struct weir_err *err)
{
    return inner_source(source)->ops->pause(inner_source(source), partition, err);
}

static enum weir_err_code spy_resume(struct source *source, int32_t partition, struct weir_err *err)
{
    return inner_source(source)->ops->resume(inner_source(source), partition, err);
}

static enum weir_err_code spy_quiet(struct source *source, bool quiet, struct weir_err *err)
{
    return inner_source(source)->ops->quiet(inner_source(source), quiet, err);
}

static enum weir_err_code spy_rejoin(struct source *source, struct weir_err *err)
{
    return inner_source(source)->ops->rejoin(inner_source(source), err);
}

static int64_t spy_began(struct source *source, int32_t partition, bool *begins)
{
    return inner_source(source)->ops->began(inner_source(source), partition, begins);
}

static enum weir_err_code spy_committed(struct source *source, struct position *positions, size_t n,
                                        int timeout_ms, struct weir_err *err)
{
    return inner_source(source)->ops->committed(inner_source(source), positions, n, timeout_ms, err);
}

static enum weir_err_code spy_stamp(struct source *source, struct stamp **out, struct weir_err *err)
{
    return inner_source(source)->ops->stamp(inner_source(source), out, err);
}

/* --- the spy on the sink --- */

static struct rig_spy_sink *spied_sink(struct sink *sink)
{
    return (struct rig_spy_sink *)sink;
}

static struct sink *inner_sink(struct sink *sink)
{
    return spied_sink(sink)->inner;
}

static enum weir_err_code spy_open(struct sink *sink, struct weir_err *err)
{
    struct rig *rig = spied_sink(sink)->rig;
    enum weir_err_code code = inner_sink(sink)->ops->open(inner_sink(sink), err);
    rig->log.opens += code == WEIR_OK;
    if (code == WEIR_OK)
        forget_open(rig);
    return code;
}

static bool spy_tainted(struct sink *sink)
{
    return inner_sink(sink)->ops->tainted(inner_sink(sink));
}

static enum weir_err_code spy_refresh(struct sink *sink, int timeout_ms, struct weir_err *err)
{
    return inner_sink(sink)->ops->refresh(inner_sink(sink), timeout_ms, err);
}

static struct sink_target spy_target(struct sink *sink, enum sink_topic topic)
{
    return inner_sink(sink)->ops->target(inner_sink(sink), topic);
}

static int32_t spy_source_partitions(struct sink *sink)
{
    return inner_sink(sink)->ops->source_partitions(inner_sink(sink));
}

static enum weir_err_code spy_begin(struct sink *sink, struct weir_err *err)
{
    spied_sink(sink)->rig->log.begins++;
    return inner_sink(sink)->ops->begin(inner_sink(sink), err);
}

static enum weir_err_code spy_send(struct sink *sink, const struct sink_record *record, struct weir_err *err)
{
    struct rig *rig = spied_sink(sink)->rig;
    enum weir_err_code code = inner_sink(sink)->ops->send(inner_sink(sink), record, err);
    int partition = 0;
    int number = 0;
    rig->log.sends[code]++;
    if (code != WEIR_OK) {
        rig->log.last = *err;
        return code;
    }
    if (read_key(record->key, &partition, &number)) {
        struct rig_tally *tally = &rig->tally[partition];
        assert_true(tally->open < RIG_RECORDS_MAX);
        tally->opened[tally->open++] = number;
    }
    if (rig->on_send)
        rig->on_send(rig);
    return WEIR_OK;
}

static enum weir_err_code spy_commit(struct sink *sink, const struct stamp *stamp,
                                     const struct position *next, size_t n, int64_t deadline_ms,
                                     struct weir_err *err)
{
    struct rig *rig = spied_sink(sink)->rig;
    if (rig->on_commit)
        rig->on_commit(rig);
    enum weir_err_code code =
        inner_sink(sink)->ops->commit(inner_sink(sink), stamp, next, n, deadline_ms, err);
    rig->log.commits[code]++;
    if (code != WEIR_OK)
        rig->log.last = *err;
    bool lost = code != WEIR_OK && rig->lost_answer;
    rig->lost_answer = rig->lost_answer && !lost;
    if (code == WEIR_OK || lost)
        finish(rig, next, n);
    return code;
}

static enum weir_err_code spy_abort(struct sink *sink, int64_t deadline_ms, struct weir_err *err)
{
    struct rig *rig = spied_sink(sink)->rig;
    enum weir_err_code code = inner_sink(sink)->ops->abort(inner_sink(sink), deadline_ms, err);
    rig->log.aborts[code]++;
    if (code != WEIR_OK)
        rig->log.last = *err;
    forget_open(rig);
    return code;
}

/* The ops of both spies; what needs no spying is taken from the real port. */
static struct source_ops source_spy_ops;
static struct sink_ops sink_spy_ops;

static void spy_on(struct rig *rig, struct source *source, struct sink *sink)
{
    source_spy_ops = (struct source_ops){.start = spy_start,
                                         .poll = spy_poll,
                                         .rejoin = spy_rejoin,
                                         .began = spy_began,
                                         .release = spy_release,
                                         .owns = spy_owns,
                                         .taken = spy_taken,
                                         .placed = spy_placed,
                                         .seek = spy_seek,
                                         .pause = spy_pause,
                                         .resume = spy_resume,
                                         .quiet = spy_quiet,
                                         .committed = spy_committed,
                                         .stamp = spy_stamp,
                                         .stamp_free = source->ops->stamp_free};
    sink_spy_ops = (struct sink_ops){.open = spy_open,
                                     .tainted = spy_tainted,
                                     .refresh = spy_refresh,
                                     .target = spy_target,
                                     .source_partitions = spy_source_partitions,
                                     .size_of = sink->ops->size_of,
                                     .begin = spy_begin,
                                     .send = spy_send,
                                     .commit = spy_commit,
                                     .abort = spy_abort};
    rig->source = (struct rig_spy_source){{&source_spy_ops}, source, rig};
    rig->sink = (struct rig_spy_sink){{&sink_spy_ops}, sink, rig};
}

/* --- time and schemas --- */

static int64_t timer_monotonic_ms(struct timer *timer)
{
    return clock_monotonic_ms() + ((struct rig_timer *)timer)->skew_ms;
}

static int64_t timer_wall_ms(struct timer *timer)
{
    (void)timer;
    return clock_wall_ms();
}

static uint32_t timer_random(struct timer *timer, uint32_t below)
{
    (void)timer;
    return below / 2;
}

static enum weir_err_code schemas_by_key(struct schemas *schemas, const struct weir_schema_key *key,
                                         const struct weir_schema **out, struct weir_err *err)
{
    (void)schemas;
    (void)out;
    return weir_fail(err, WEIR_ERR_NOT_FOUND, "there is no schema %u", key->id);
}

static const struct timer_ops timer_ops = {timer_monotonic_ms, timer_wall_ms, timer_random};
static const struct schemas_ops schemas_ops = {.by_key = schemas_by_key};

/* --- the cluster --- */

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char text[256];
    if (rd_kafka_conf_set(conf, name, value, text, sizeof text) != RD_KAFKA_CONF_OK)
        fail_msg("%s", text);
}

static rd_kafka_t *new_producer(const char *bootstraps)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "log_level", "0");
    set(conf, "linger.ms", "0");
    set(conf, "reconnect.backoff.max.ms", "200");
    if (bootstraps)
        set(conf, "bootstrap.servers", bootstraps);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (!rk)
        fail_msg("%s", text);
    return rk;
}

/* Each of these calls may take the mock a second (it misses that it was woken), so there are few. */
static void make_cluster(struct rig *rig)
{
    static const char *const topics[] = {RIG_INPUT, RIG_OUTPUT, RIG_DLQ};
    rig->host = new_producer(NULL);
    rig->cluster = rd_kafka_mock_cluster_new(rig->host, RIG_BROKERS);
    assert_non_null(rig->cluster);
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++)
        assert_int_equal(rd_kafka_mock_topic_create(rig->cluster, topics[i], RIG_PARTITIONS, RIG_BROKERS), 0);
    rd_kafka_mock_group_initial_rebalance_delay_ms(rig->cluster, 0);
    rd_kafka_mock_start_request_tracking(rig->cluster);
    rig->writer = new_producer(rd_kafka_mock_cluster_bootstraps(rig->cluster));
}

void rig_place(struct rig *rig)
{
    static const char *const topics[] = {RIG_INPUT, RIG_OUTPUT, RIG_DLQ};
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++)
        for (int32_t p = 0; p < RIG_PARTITIONS; p++)
            rd_kafka_mock_partition_set_leader(rig->cluster, topics[i], p, RIG_BROKER_TOPICS);
    rd_kafka_mock_coordinator_set(rig->cluster, "transaction", rig_identity(rig), RIG_BROKER_TXN);
    rd_kafka_mock_coordinator_set(rig->cluster, "group", rig->group, RIG_BROKER_GROUP);
}

void rig_set(struct rig *rig, const char *name, const char *value)
{
    assert_true(rig->spec.n_kafka < RIG_PROPERTIES_MAX);
    rig->properties[rig->spec.n_kafka++] = (struct weir_property){.name = name, .value = value};
}

static void make_spec(struct rig *rig)
{
    rig->spec = (struct weir_spec){
        .core = {.pipeline = rig->group,
                 .input_topic = RIG_INPUT,
                 .input_format = WEIR_FORMAT_JSON,
                 .output_format = WEIR_FORMAT_JSON},
        .kafka = rig->properties,
        .input = {.start = WEIR_START_EARLIEST},
        .output = {.topic = RIG_OUTPUT, .partition = WEIR_PARTITION_SOURCE},
        .dead_letter = {.topic = RIG_DLQ, .partition = WEIR_PARTITION_SOURCE},
        .transaction = {.interval_ms = 50, .max_records = 1000, .max_bytes = 1024 * 1024},
    };
    rig_set(rig, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(rig->cluster));
    /* The mock advertises localhost; a try of ::1 that fails would count as a connection lost. */
    rig_set(rig, "broker.address.family", "v4");
    rig_set(rig, "heartbeat.interval.ms", "200");
    rig_set(rig, "linger.ms", "0");
    rig_set(rig, "fetch.wait.max.ms", "50");
    rig_set(rig, "reconnect.backoff.max.ms", "200");
}

/* Names the group and the worker. */
static void name(struct rig *rig)
{
    struct weir_err err = {0};
    (void)snprintf(rig->group, sizeof rig->group, "%s-%u", RIG_GROUP, rig->renewals);
    must(conf_identify(&rig->identity, rig->group, "rig", 0, &err), &err);
}

static void reset_tallies(struct rig *rig)
{
    for (int p = 0; p < RIG_PARTITIONS; p++)
        rig->tally[p] = (struct rig_tally){
            .filled = rig->tally[p].filled, .first_handed = -1, .last_handed = -1, .committed = -1};
}

struct rig *rig_new(void)
{
    struct rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    name(rig);
    make_cluster(rig);
    make_spec(rig);
    rig->timer.base.ops = &timer_ops;
    rig->schemas.ops = &schemas_ops;
    reset_tallies(rig);
    return rig;
}

void rig_free(struct rig *rig)
{
    if (!rig)
        return;
    if (rig->started)
        (void)rig_stop(rig);
    rd_kafka_destroy(rig->writer);
    rd_kafka_mock_cluster_destroy(rig->cluster);
    rd_kafka_destroy(rig->host);
    free(rig);
}

/* --- the worker --- */

static void make_plans(struct rig *rig)
{
    struct weir_err err = {0};
    must(weir_schema_parse(weir_bytes_of(schema_text), &rig->schema, &err), &err);
    const struct schemas_version only = {.schema = rig->schema, .version = 1};
    struct edition *edition = NULL;
    must(edition_new(&rig->spec.core, &only, &only, &edition, &err), &err);
    must(editions_new(edition, EDITIONS_FIXED, &rig->editions, &err), &err);
    must(plans_new(rig->editions, &rig->schemas, 0, &rig->plans, &err), &err);
}

void rig_start(struct rig *rig)
{
    struct weir_err err = {0};
    struct source *source = NULL;
    struct sink *sink = NULL;
    make_plans(rig);
    must(admin_open(&rig->spec, &rig->client, &err), &err);
    const struct source_parts from = {.spec = &rig->spec,
                                      .identity = &rig->identity,
                                      .counters = &rig->counters,
                                      .client = rig->client,
                                      .watch = &rig->watch};
    must(source_open(&from, &source, &err), &err);
    struct txn_parts parts = {.spec = &rig->spec,
                              .identity = &rig->identity,
                              .client = rig->client,
                              .watch = &rig->watch,
                              .stopping = &rig->control.stop,
                              .stop_deadline_ms = STOP_DEADLINE_MS};
    must(txn_new(&parts, &sink, &err), &err);
    spy_on(rig, source, sink);
    struct loop_parts loop = {.spec = &rig->spec,
                              .source = &rig->source.base,
                              .sink = &rig->sink.base,
                              .timer = &rig->timer.base,
                              .plans = rig->plans,
                              .outbox = {&rig->spec, &rig->sink.base, "0", 1},
                              .trouble = &rig->trouble,
                              .counters = &rig->counters,
                              .control = &rig->control};
    trouble_init(&rig->trouble, 0);
    must(loop_init(&rig->loop, &loop, &err), &err);
    rig->started = true;
}

int64_t rig_stop(struct rig *rig)
{
    int64_t began_ms = clock_monotonic_ms();
    assert_true(rig->started);
    /* The producer first: it borrows the values of the records that the loop gives back. */
    txn_free(rig->sink.inner);
    loop_release(&rig->loop);
    source_close(rig->source.inner, CLOSE_MS);
    admin_close(rig->client);
    plans_free(rig->plans);
    editions_free(rig->editions);
    weir_schema_free(rig->schema);
    trouble_release(&rig->trouble);
    forget_open(rig);
    rig->control.stop = 0;
    rig->started = false;
    return clock_monotonic_ms() - began_ms;
}

void rig_renew(struct rig *rig)
{
    static const enum rig_api apis[] = {
        RIG_PRODUCE,          RIG_FETCH,      RIG_LIST_OFFSETS,     RIG_METADATA,         RIG_OFFSET_FETCH,
        RIG_FIND_COORDINATOR, RIG_JOIN_GROUP, RIG_HEARTBEAT,        RIG_INIT_PRODUCER_ID, RIG_ADD_PARTITIONS,
        RIG_ADD_OFFSETS,      RIG_END_TXN,    RIG_TXN_OFFSET_COMMIT};
    if (rig->started)
        (void)rig_stop(rig);
    for (size_t i = 0; i < sizeof apis / sizeof apis[0]; i++)
        rd_kafka_mock_clear_request_errors(rig->cluster, (int16_t)apis[i]);
    rig_forget_requests(rig);
    rig->renewals++;
    name(rig);
    rig->counters = (struct counters){0};
    rig->log = (struct rig_sink_log){0};
    rig->timer.skew_ms = 0;
    rig->lost_answer = rig->succeeded = false;
    reset_tallies(rig);
}

const char *rig_identity(const struct rig *rig)
{
    return rig->identity.text;
}

/* --- input --- */

void rig_write(struct rig *rig, int32_t partition, struct weir_bytes key, struct weir_bytes value,
               rd_kafka_headers_t *headers)
{
    rd_kafka_resp_err_t code = rd_kafka_producev(
        rig->writer, RD_KAFKA_V_TOPIC(RIG_INPUT), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_VALUE((void *)(uintptr_t)value.data, value.len),
        RD_KAFKA_V_KEY(key.data, key.len), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
    if (code)
        fail_msg("the rig could not write: %s", rd_kafka_err2str(code));
}

void rig_fill(struct rig *rig, int32_t partition, int n)
{
    struct rig_tally *tally = &rig->tally[partition];
    assert_true(tally->filled + n <= RIG_RECORDS_MAX);
    for (int i = 0; i < n; i++) {
        char key[32];
        char value[32];
        (void)snprintf(key, sizeof key, "%d:%d", partition, tally->filled);
        (void)snprintf(value, sizeof value, "{\"n\": %d}", tally->filled);
        rig_write(rig, partition, weir_bytes_of(key), weir_bytes_of(value), NULL);
        tally->filled++;
    }
    assert_int_equal(rd_kafka_flush(rig->writer, WRITE_MS), 0);
}

/* --- others in the group --- */

rd_kafka_t *rig_member(const struct rig *rig, bool subscribed)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(rig->cluster));
    set(conf, "group.id", rig->group);
    set(conf, "session.timeout.ms", "3000");
    set(conf, "heartbeat.interval.ms", "200");
    set(conf, "enable.auto.commit", "false");
    set(conf, "partition.assignment.strategy", "range");
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    if (!rk)
        fail_msg("%s", text);
    (void)rd_kafka_poll_set_consumer(rk);
    if (!subscribed)
        return rk;
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, RIG_INPUT, RD_KAFKA_PARTITION_UA);
    assert_int_equal(rd_kafka_subscribe(rk, topics), 0);
    rd_kafka_topic_partition_list_destroy(topics);
    return rk;
}

/* --- faults --- */

void rig_inject(struct rig *rig, enum rig_api api, rd_kafka_resp_err_t error, int n)
{
    enum { MOST = 10000 };
    static rd_kafka_resp_err_t errors[MOST];
    assert_true(n <= MOST);
    for (int i = 0; i < n; i++)
        errors[i] = error;
    rd_kafka_mock_push_request_errors_array(rig->cluster, (int16_t)api, (size_t)n, errors);
}

int rig_requests(struct rig *rig, enum rig_api api)
{
    size_t n = 0;
    int count = 0;
    rd_kafka_mock_request_t **requests = rd_kafka_mock_get_requests(rig->cluster, &n);
    for (size_t i = 0; i < n; i++)
        count += rd_kafka_mock_request_api_key(requests[i]) == (int16_t)api;
    rd_kafka_mock_request_destroy_array(requests, n);
    return count;
}

void rig_forget_requests(struct rig *rig)
{
    rd_kafka_mock_clear_requests(rig->cluster);
}

/* --- running --- */

static enum weir_err_code step(struct rig *rig)
{
    struct weir_err err = {0};
    enum weir_err_code code = loop_step(&rig->loop, &err);
    if (code != WEIR_OK)
        rig->err = err;
    return code;
}

enum weir_err_code rig_run(struct rig *rig, bool (*done)(struct rig *rig))
{
    int64_t until_ms = clock_monotonic_ms() + RIG_PATIENCE_MS;
    while (!done(rig)) {
        enum weir_err_code code = step(rig);
        if (code != WEIR_OK)
            return code;
        if (clock_monotonic_ms() > until_ms)
            fail_msg("what was waited for did not happen; the last error was: %s", rig->log.last.text);
    }
    return WEIR_OK;
}

enum weir_err_code rig_run_for(struct rig *rig, int64_t ms)
{
    int64_t until_ms = clock_monotonic_ms() + ms;
    enum weir_err_code code = WEIR_OK;
    while (code == WEIR_OK && clock_monotonic_ms() < until_ms)
        code = step(rig);
    return code;
}

bool rig_settled(struct rig *rig)
{
    bool settled = rig->loop.state == LOOP_RUNNING && rig->loop.batch.n == 0;
    for (int p = 0; p < RIG_PARTITIONS; p++)
        settled = settled && rig->tally[p].finals >= rig->tally[p].filled;
    return settled;
}

void rig_settle(struct rig *rig)
{
    must(rig_run(rig, rig_settled), &rig->err);
    rig_judge(rig);
}

uint64_t rig_count(const struct rig *rig, enum counter counter)
{
    return counters_get(&rig->counters, counter);
}

/* --- the tests of a group --- */

/*
 * For LeakSanitizer, in builds that have it: librdkafka 2.8.0 can lose the operation of a
 * rd_kafka_send_offsets_to_transaction whose transaction fails at that very moment.
 */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:rd_kafka_op_new0";
}

/* Standard output and error go to the file, whose end is where everybody writes. */
static void write_to(FILE *file)
{
    assert_int_equal(fcntl(fileno(file), F_SETFL, O_APPEND), 0);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
}

static void show(FILE *file)
{
    char line[LOG_LINE_MAX];
    rewind(file);
    while (fgets(line, (int)sizeof line, file))
        (void)fputs(line, stdout);
    (void)fclose(file);
}

/* What one process does: every so-manieth test. */
static int run_share(const char *group, const struct CMUnitTest *tests, size_t n, int (*setup)(void **),
                     int (*teardown)(void **), int share, int processes)
{
    struct CMUnitTest own[RIG_TESTS_MAX];
    size_t n_own = 0;
    for (size_t i = (size_t)share; i < n; i += (size_t)processes)
        own[n_own++] = tests[i];
    return _cmocka_run_group_tests(group, own, n_own, setup, teardown) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int rig_main(const char *group, const struct CMUnitTest *tests, size_t n, int (*setup)(void **),
             int (*teardown)(void **), int processes)
{
    FILE *files[RIG_PROCESSES_MAX];
    pid_t pids[RIG_PROCESSES_MAX];
    int status = EXIT_SUCCESS;
    assert_true(n <= RIG_TESTS_MAX && processes <= RIG_PROCESSES_MAX);
    for (int i = 0; i < processes; i++) {
        files[i] = tmpfile();
        assert_non_null(files[i]);
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            write_to(files[i]);
            exit(run_share(group, tests, n, setup, teardown, i, processes));
        }
    }
    for (int i = 0; i < processes; i++) {
        int ended = 0;
        assert_int_equal(waitpid(pids[i], &ended, 0), pids[i]);
        if (!WIFEXITED(ended) || WEXITSTATUS(ended) != EXIT_SUCCESS)
            status = EXIT_FAILURE;
        show(files[i]);
    }
    return status;
}

/* --- the log --- */

static FILE *log_file;
static int log_terminal;

void rig_log_begin(void)
{
    log_file = tmpfile();
    assert_non_null(log_file);
    /* Reading moves the place that both share: what is logged meanwhile must still go to the end. */
    assert_int_equal(fcntl(fileno(log_file), F_SETFL, O_APPEND), 0);
    log_terminal = dup(STDERR_FILENO);
    assert_true(dup2(fileno(log_file), STDERR_FILENO) >= 0);
}

int rig_log_lines(const char *text)
{
    char line[LOG_LINE_MAX];
    int n = 0;
    rewind(log_file);
    while (fgets(line, (int)sizeof line, log_file))
        n += strstr(line, text) != NULL;
    return n;
}

void rig_log_end(void)
{
    assert_true(dup2(log_terminal, STDERR_FILENO) >= 0);
    (void)close(log_terminal);
    show(log_file);
}
