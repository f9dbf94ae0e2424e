#include "kafka/source.h"

#include <stdlib.h>
#include <string.h>

#include "kafka/asker.h"
#include "kafka/estate.h"
#include "kafka/fault.h"
#include "kafka/lookup.h"
#include "kafka/membership.h"
#include "kafka/patience.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/remedy.h"

/* How long one look at a partition's watermarks may take inside a poll, and one seek. */
#define PLACE_TIMEOUT_MS 1000
#define SEEK_TIMEOUT_MS  5000
/* The pause between two looks at offsets that could not be learnt. */
#define LOOKUP_PAUSE_MS 100
/* How long a poll may wait while the brokers are asked for what dead members left. */
#define ESTATE_POLL_MS 10
/* For so long a look-up may fail before it counts as trouble: a coordinator that is just moving is none. */
#define LOOKUP_PATIENCE_MS 5000
/* Most messages taken in one call of the client: what is done with them before the next call stays in the
 * processor's second cache (docs/performance.md). */
#define POLL_MAX 1024

struct part {
    bool owned;
    bool paused;
    uint32_t epoch;
    bool begins;   /* no offset was committed when it did */
    int64_t start; /* where it began under this assignment */
    int64_t next;  /* offset behind the last record handed out, or the one sought */
};

struct kafka_source {
    struct source base;
    const struct weir_spec *spec;
    const struct conf_identity *identity;
    struct counters *counters;
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    struct part *parts;
    int32_t n_parts;
    uint32_t epoch;
    bool quiet;
    bool lost;                /* the group has taken our partitions away, and we have none since */
    bool unanswered;          /* the client has not been told yet that we know of that */
    bool expired;             /* the client is of no use any more: only rejoin helps */
    struct patience patience; /* with the group, until it says which partitions are ours */
    int64_t waited_ms; /* for so long it said nothing before the client expired; 0: it expired otherwise */
    struct watch *watch;
    int64_t session_ms;
    struct membership membership;
    struct asker asker;
    struct estate estate;
    rd_kafka_topic_partition_list_t *pending; /* assigned to us, but not begun: offsets to be looked up */
    int64_t pending_since_ms;
    int64_t look_again_ms;    /* not before */
    bool answered;            /* the client has been told where the first of the assignment begin */
    enum weir_err_code event; /* what a callback noticed, until the next poll returns it */
    struct weir_err event_err;
    rd_kafka_message_t *messages[POLL_MAX];
};

static struct kafka_source *self_of(struct source *source)
{
    return (struct kafka_source *)source;
}

rd_kafka_t *source_client(struct source *source)
{
    return self_of(source)->rk;
}

static bool owned(const struct kafka_source *self, int32_t partition)
{
    return partition >= 0 && partition < self->n_parts && self->parts[partition].owned;
}

static bool owns(struct source *source, int32_t partition, uint32_t epoch)
{
    const struct kafka_source *self = self_of(source);
    return owned(self, partition) && self->parts[partition].epoch == epoch;
}

/* --- assignment --- */

static void forget_pending(struct kafka_source *self)
{
    if (self->pending)
        rd_kafka_topic_partition_list_destroy(self->pending);
    self->pending = NULL;
    watchdog_enter(self->watch, "closing a client");
    asker_drop(&self->asker);
    watchdog_leave(self->watch);
}

static void disown_all(struct kafka_source *self)
{
    for (int32_t i = 0; i < self->n_parts; i++)
        self->parts[i].owned = self->parts[i].paused = false;
}

/* The client joins anew as soon as it is told that we know of the loss. */
static void answer_loss(struct kafka_source *self)
{
    if (!self->unanswered)
        return;
    (void)rd_kafka_assign(self->rk, NULL);
    patience_begin(&self->patience, clock_monotonic_ms());
    self->unanswered = false;
}

/*
 * Runs inside poll, on our thread. An assignment is only noted: looking up its offsets can take long, and
 * poll must go on being called meanwhile. The group waits for us until rd_kafka_assign. A loss is answered in
 * the next poll: whoever polls may want to end instead of joining anew, which would throw a successor out.
 */
static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t event,
                         rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct kafka_source *self = opaque;
    forget_pending(self);
    disown_all(self);
    estate_look(&self->estate);
    if (event == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        membership_note(&self->membership, rk);
        patience_end(&self->patience);
        self->pending = rd_kafka_topic_partition_list_copy(partitions);
        self->pending_since_ms = self->look_again_ms = clock_monotonic_ms();
        self->answered = false;
        return;
    }
    self->lost = rd_kafka_assignment_lost(rk) != 0;
    log_info("revoked", "%d partitions %s", partitions->cnt, self->lost ? "lost" : "given back");
    self->unanswered = true;
    if (!self->lost)
        answer_loss(self);
}

/*
 * While the brokers are away librdkafka itself ends the session, gives up its member id and takes the
 * partitions away. If the group's coordinator is back before that was served, it sends a heartbeat without
 * member id under its own instance id, and is fenced, for good. A fence that comes after our partitions were
 * lost is that; one that comes before is another process.
 */
static bool fenced_itself(const struct kafka_source *self, rd_kafka_resp_err_t error)
{
    return error == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID && self->lost;
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    struct kafka_source *self = opaque;
    char text[256];
    rd_kafka_resp_err_t error = (rd_kafka_resp_err_t)code;
    if (error == RD_KAFKA_RESP_ERR__FATAL) {
        error = rd_kafka_fatal_error(rk, text, sizeof text);
        if (error != RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
            error = RD_KAFKA_RESP_ERR__FATAL;
        reason = text;
    }
    struct weir_err err;
    if (fenced_itself(self, error)) {
        self->expired = true;
        return;
    }
    enum weir_err_code found = fault_of_consumer(error, reason, self->spec->core.pipeline, &err);
    if (found == WEIR_ERR_TRANSIENT) {
        log_debug("librdkafka", "%s", reason);
        return;
    }
    /* Such an event may be old when it is served, and its brokers back: whoever polls is to look himself. */
    if (found == WEIR_ERR_BROKER_DOWN)
        found = err.code = WEIR_ERR_TRANSIENT;
    /* The worst one is kept: what mends itself must not hide what does not. */
    if (weir_err_class(found) >= weir_err_class(self->event)) {
        self->event = found;
        self->event_err = err;
    }
}

static bool grow(struct kafka_source *self, int32_t n)
{
    if (n <= self->n_parts)
        return true;
    struct part *parts = realloc(self->parts, (size_t)n * sizeof *parts);
    if (!parts)
        return false;
    memset(parts + self->n_parts, 0, (size_t)(n - self->n_parts) * sizeof *parts);
    self->parts = parts;
    self->n_parts = n;
    return true;
}

/* Marks the partitions of the list as ours, beginning at its offsets. */
static enum weir_err_code own(struct kafka_source *self, const rd_kafka_topic_partition_list_t *list,
                              struct weir_err *err)
{
    self->epoch++;
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *at = &list->elems[i];
        if (!grow(self, at->partition + 1))
            return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for partition %d", at->partition);
        self->parts[at->partition] = (struct part){.owned = true,
                                                   .begins = at->opaque != NULL,
                                                   .epoch = self->epoch,
                                                   .start = at->offset,
                                                   .next = at->offset};
    }
    return WEIR_OK;
}

/* A list of all owned partitions at their next offsets; NULL when there are none. */
static rd_kafka_topic_partition_list_t *list_owned(const struct kafka_source *self, bool paused_only)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(self->n_parts);
    for (int32_t i = 0; i < self->n_parts; i++)
        if (owned(self, i) && (!paused_only || self->quiet || self->parts[i].paused))
            rd_kafka_topic_partition_list_add(list, self->spec->core.input_topic, i)->offset =
                self->parts[i].next;
    if (list->cnt > 0)
        return list;
    rd_kafka_topic_partition_list_destroy(list);
    return NULL;
}

/* Pauses what is meant to be paused. */
static void pause_again(struct kafka_source *self)
{
    rd_kafka_topic_partition_list_t *list = list_owned(self, true);
    if (!list)
        return;
    (void)rd_kafka_pause_partitions(self->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
}

/* Says of how many partitions we are, once for each time that it changes. */
static void say_assigned(const struct kafka_source *self)
{
    int n = 0;
    for (int32_t i = 0; i < self->n_parts; i++)
        n += owned(self, i);
    if (self->pending->cnt == 0)
        log_info("assigned", "%d partitions of %s", n, self->spec->core.input_topic);
    else
        log_info(
            "assigned",
            "%d partitions of %s, and %d more as soon as the transaction is ended that their former process "
            "left open",
            n, self->spec->core.input_topic, self->pending->cnt);
}

/*
 * Begins with the partitions of the list beside those that are ours already, which go on where they are. The
 * first time it is also our answer to the group, which can give nothing to anybody before it has that: so it
 * is given even when there is nothing to begin with yet.
 */
static enum weir_err_code begin(struct kafka_source *self, rd_kafka_topic_partition_list_t *known,
                                struct weir_err *err)
{
    enum weir_err_code code = own(self, known, err);
    if (code != WEIR_OK)
        return code;
    rd_kafka_topic_partition_list_t *all = list_owned(self, false);
    rd_kafka_resp_err_t failed = rd_kafka_assign(self->rk, all ? all : known);
    if (all)
        rd_kafka_topic_partition_list_destroy(all);
    if (failed)
        return weir_fail(err, WEIR_ERR_KAFKA, "assign: %s", rd_kafka_err2str(failed));
    /* The client remembers beyond an assignment what was paused, and we do not. */
    if (known->cnt > 0)
        (void)rd_kafka_resume_partitions(self->rk, known);
    say_assigned(self);
    if (!self->answered)
        counters_add(self->counters, COUNTER_REBALANCES, 1);
    self->answered = true;
    self->lost = false;
    pause_again(self);
    return WEIR_OK;
}

static enum weir_err_code look_up_pending(struct kafka_source *self, rd_kafka_topic_partition_list_t *known,
                                          struct weir_err *err)
{
    const struct lookup lookup = {self->spec, &self->asker};
    if (remedy_on(REMEDY_OWN_OFFSETS))
        return lookup_begin(&lookup, self->rk, self->pending, known, err);
    for (; self->pending->cnt > 0; (void)rd_kafka_topic_partition_list_del_by_idx(self->pending, 0)) {
        const rd_kafka_topic_partition_t *at = &self->pending->elems[0];
        rd_kafka_topic_partition_list_add(known, at->topic, at->partition)->offset = at->offset;
    }
    return WEIR_OK;
}

/* One look at what is pending. Those that can begin do, and need not wait for those that cannot. */
static enum weir_err_code complete_assignment(struct kafka_source *self, struct weir_err *err)
{
    struct weir_err failure = {0};
    if (clock_monotonic_ms() < self->look_again_ms)
        return WEIR_OK;
    rd_kafka_topic_partition_list_t *known = rd_kafka_topic_partition_list_new(self->pending->cnt);
    watchdog_enter(self->watch, "looking up where partitions begin");
    enum weir_err_code code = look_up_pending(self, known, err);
    watchdog_leave(self->watch);
    if (known->cnt > 0 || (code == WEIR_OK && !self->answered))
        (void)begin(self, known, &failure);
    rd_kafka_topic_partition_list_destroy(known);
    if (failure.code != WEIR_OK) {
        *err = failure;
        return failure.code;
    }
    self->look_again_ms = clock_monotonic_ms() + LOOKUP_PAUSE_MS;
    if (self->pending->cnt == 0 && code == WEIR_OK)
        forget_pending(self);
    if (code != WEIR_ERR_TRANSIENT)
        return code;
    bool patient = clock_monotonic_ms() - self->pending_since_ms < LOOKUP_PATIENCE_MS;
    return patient ? WEIR_OK : (err->code = WEIR_ERR_BROKER_DOWN);
}

/* --- polling --- */

static enum weir_err_code start(struct source *source, struct weir_err *err)
{
    struct kafka_source *self = self_of(source);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, self->spec->core.input_topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(self->rk, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    patience_begin(&self->patience, clock_monotonic_ms());
    estate_look(&self->estate);
    return code ? weir_fail(err, WEIR_ERR_KAFKA, "subscribe: %s", rd_kafka_err2str(code)) : WEIR_OK;
}

/* Lays the message's headers out as an array in the heap. False: no memory. */
static bool read_headers(rd_kafka_message_t *message, struct heap *heap, struct weir_record *record)
{
    rd_kafka_headers_t *headers = NULL;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    size_t n = rd_kafka_header_cnt(headers);
    size_t size = n * sizeof(struct weir_header);
    struct weir_arena *arena = heap_arena(heap, size + _Alignof(struct weir_header));
    struct weir_header *array = arena ? weir_arena_alloc(arena, size, _Alignof(struct weir_header)) : NULL;
    if (!array)
        return false;
    for (size_t i = 0; i < n; i++) {
        const void *value = NULL;
        size_t len = 0;
        (void)rd_kafka_header_get_all(headers, i, &array[i].name, &value, &len);
        array[i].value = (struct weir_bytes){value, len};
    }
    record->headers = array;
    record->n_headers = n;
    return true;
}

static bool read_message(rd_kafka_message_t *message, struct heap *heap, uint32_t epoch,
                         struct source_record *out)
{
    rd_kafka_timestamp_type_t kind;
    *out = (struct source_record){.epoch = epoch, .held = message};
    out->record.key = (struct weir_bytes){message->key, message->key_len};
    out->record.value = (struct weir_bytes){message->payload, message->len};
    out->record.partition = message->partition;
    out->record.offset = message->offset;
    out->record.timestamp_ms = rd_kafka_message_timestamp(message, &kind);
    return read_headers(message, heap, &out->record);
}

/* The place where a partition should go on is not in the topic: what is there is asked for the message's
 * sake. */
static void say_place(struct kafka_source *self, int32_t partition)
{
    struct fault_place place = {.group = self->spec->core.pipeline,
                                .topic = self->spec->core.input_topic,
                                .partition = partition,
                                .offset = self->parts[partition].next,
                                .session_ms = self->session_ms};
    watchdog_enter(self->watch, "looking up where a partition ends");
    if (rd_kafka_query_watermark_offsets(self->rk, place.topic, partition, &place.low, &place.high,
                                         PLACE_TIMEOUT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        place.high = -1;
    watchdog_leave(self->watch);
    self->event = fault_of_place(&place, &self->event_err);
}

/* An error that came in place of a record. */
static void take_error(struct kafka_source *self, const rd_kafka_message_t *message)
{
    on_error(self->rk, (int)message->err, rd_kafka_message_errstr(message), self);
    if (self->event == WEIR_ERR_OFFSET_LOST && owned(self, message->partition))
        say_place(self, message->partition);
}

/* True when the message is a record of ours at or behind the place where we are. */
static bool wanted(const struct kafka_source *self, const rd_kafka_message_t *message)
{
    return !self->quiet && owned(self, message->partition) &&
           message->offset >= self->parts[message->partition].next;
}

static enum weir_err_code take(struct kafka_source *self, size_t got, struct heap *heap,
                               struct source_record *out, size_t *n, struct weir_err *err)
{
    enum weir_err_code code = WEIR_OK;
    for (size_t i = 0; i < got; i++) {
        rd_kafka_message_t *message = self->messages[i];
        if (message->err) {
            take_error(self, message);
        } else if (code == WEIR_OK && wanted(self, message)) {
            struct part *part = &self->parts[message->partition];
            if (read_message(message, heap, part->epoch, &out[*n])) {
                part->next = message->offset + 1;
                (*n)++;
                continue;
            }
            code = weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the headers of a record");
        }
        rd_kafka_message_destroy(message);
    }
    return code;
}

static enum weir_err_code fail_expired(const struct kafka_source *self, struct weir_err *err)
{
    if (self->waited_ms > 0)
        return weir_fail(err, WEIR_ERR_MEMBER_EXPIRED,
                         "group %s has not said for %lld s which partitions are this member's",
                         self->spec->core.pipeline, (long long)self->waited_ms / 1000);
    return weir_fail(err, WEIR_ERR_MEMBER_EXPIRED,
                     "group %s timed this member out while it could not be reached",
                     self->spec->core.pipeline);
}

/* Gives the client up when the group has said nothing for too long. */
static void lose_patience(struct kafka_source *self)
{
    int64_t now_ms = clock_monotonic_ms();
    int64_t since_ms = self->patience.since_ms;
    if (self->expired || !patience_over(&self->patience, now_ms))
        return;
    watchdog_enter(self->watch, "asking for the input topic");
    self->expired = patience_lost(&self->patience, &self->asker, now_ms);
    watchdog_leave(self->watch);
    if (self->expired)
        self->waited_ms = now_ms - since_ms;
}

static enum weir_err_code poll(struct source *source, int timeout_ms, size_t max, struct heap *heap,
                               struct source_record *out, size_t *n, struct weir_err *err)
{
    struct kafka_source *self = self_of(source);
    *n = 0;
    if (self->expired) {
        estate_look(&self->estate);
        clock_sleep_ms(timeout_ms);
        return fail_expired(self, err);
    }
    answer_loss(self);
    estate_serve(&self->estate, clock_monotonic_ms());
    if (estate_busy(&self->estate) && timeout_ms > ESTATE_POLL_MS)
        timeout_ms = ESTATE_POLL_MS;
    if (self->pending) {
        enum weir_err_code code = complete_assignment(self, err);
        if (code != WEIR_OK && weir_err_class(code) != WEIR_CLASS_WAIT)
            return code;
        if (code != WEIR_OK) {
            self->event = code;
            self->event_err = *err;
        }
    }
    if (max > POLL_MAX)
        max = POLL_MAX;
    ssize_t got = rd_kafka_consume_batch_queue(self->queue, timeout_ms, self->messages, max);
    enum weir_err_code code = take(self, got > 0 ? (size_t)got : 0, heap, out, n, err);
    /* Behind all that the client had to tell: after a sleep the answer may have been there for long. */
    if (code == WEIR_OK && got <= 0 && self->event == WEIR_OK)
        lose_patience(self);
    if (code == WEIR_OK && self->expired)
        return fail_expired(self, err);
    if (code == WEIR_OK && self->event != WEIR_OK) {
        code = self->event;
        *err = self->event_err;
        self->event = WEIR_OK;
    }
    return code;
}

static void release(struct source *source, struct source_record *records, size_t n)
{
    (void)source;
    for (size_t i = 0; i < n; i++)
        rd_kafka_message_destroy(records[i].held);
}

/* --- moving about --- */

/* Begins anew with all owned partitions at their next offsets: heavier than a seek, and it always works. */
static enum weir_err_code reassign(struct kafka_source *self, struct weir_err *err)
{
    rd_kafka_topic_partition_list_t *list = list_owned(self, false);
    if (!list)
        return WEIR_OK;
    rd_kafka_resp_err_t code = rd_kafka_assign(self->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    pause_again(self);
    return code ? weir_fail(err, WEIR_ERR_KAFKA, "assign: %s", rd_kafka_err2str(code)) : WEIR_OK;
}

/* Moves the client to the offsets in the list; the parts know them already. */
static enum weir_err_code seek_list(struct kafka_source *self, rd_kafka_topic_partition_list_t *list,
                                    struct weir_err *err)
{
    watchdog_enter(self->watch, "seek");
    rd_kafka_error_t *error = rd_kafka_seek_partitions(self->rk, list, SEEK_TIMEOUT_MS);
    watchdog_leave(self->watch);
    bool failed = error != NULL;
    if (error)
        rd_kafka_error_destroy(error);
    for (int i = 0; i < list->cnt; i++)
        failed = failed || list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR;
    return failed ? reassign(self, err) : WEIR_OK;
}

static enum weir_err_code seek(struct source *source, const struct position *to, size_t n,
                               struct weir_err *err)
{
    struct kafka_source *self = self_of(source);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
    for (size_t i = 0; i < n; i++) {
        if (!owns(source, to[i].partition, to[i].epoch))
            continue;
        self->parts[to[i].partition].next = to[i].offset;
        rd_kafka_topic_partition_list_add(list, self->spec->core.input_topic, to[i].partition)->offset =
            to[i].offset;
    }
    enum weir_err_code code = list->cnt > 0 ? seek_list(self, list, err) : WEIR_OK;
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

/* Pauses or resumes one partition in the client. */
static enum weir_err_code set_flow(struct kafka_source *self, int32_t partition, bool flow,
                                   struct weir_err *err)
{
    if (!owned(self, partition))
        return WEIR_OK;
    self->parts[partition].paused = !flow;
    if (self->quiet)
        return WEIR_OK;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, self->spec->core.input_topic, partition);
    rd_kafka_resp_err_t code =
        flow ? rd_kafka_resume_partitions(self->rk, list) : rd_kafka_pause_partitions(self->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code ? weir_fail(err, WEIR_ERR_KAFKA, "%s: %s", flow ? "resume" : "pause", rd_kafka_err2str(code))
                : WEIR_OK;
}

static enum weir_err_code pause(struct source *source, int32_t partition, struct weir_err *err)
{
    return set_flow(self_of(source), partition, false, err);
}

static enum weir_err_code resume(struct source *source, int32_t partition, struct weir_err *err)
{
    return set_flow(self_of(source), partition, true, err);
}

static enum weir_err_code quiet(struct source *source, bool on, struct weir_err *err)
{
    struct kafka_source *self = self_of(source);
    self->quiet = on;
    if (on) {
        pause_again(self);
        return WEIR_OK;
    }
    rd_kafka_topic_partition_list_t *list = list_owned(self, false);
    if (!list)
        return WEIR_OK;
    /* What was fetched meanwhile is thrown away: go on from where the caller is. */
    enum weir_err_code code = seek_list(self, list, err);
    (void)rd_kafka_resume_partitions(self->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    pause_again(self);
    return code;
}

/* --- offsets and membership --- */

static enum weir_err_code committed(struct source *source, struct position *positions, size_t n,
                                    int timeout_ms, struct weir_err *err)
{
    struct kafka_source *self = self_of(source);
    if (n == 0)
        return WEIR_OK;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
    for (size_t i = 0; i < n; i++)
        rd_kafka_topic_partition_list_add(list, self->spec->core.input_topic, positions[i].partition);
    const struct lookup lookup = {self->spec, &self->asker};
    watchdog_enter(self->watch, "reading committed offsets");
    enum weir_err_code code = lookup_committed(&lookup, self->rk, list, timeout_ms, err);
    watchdog_leave(self->watch);
    for (size_t i = 0; code == WEIR_OK && i < n; i++) {
        int32_t partition = positions[i].partition;
        int64_t offset = list->elems[i].offset;
        bool none = offset == RD_KAFKA_OFFSET_INVALID && partition < self->n_parts;
        positions[i].offset = none ? self->parts[partition].start : offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

static enum weir_err_code taken(struct source *source, int timeout_ms, bool *taken, struct weir_err *err)
{
    struct kafka_source *self = self_of(source);
    rd_kafka_t *client = NULL;
    membership_note(&self->membership, self->rk);
    watchdog_enter(self->watch, "asking who is in the group");
    enum weir_err_code code = asker_client(&self->asker, &client, err);
    if (code == WEIR_OK)
        code = membership_taken(&self->membership, client, timeout_ms, taken, err);
    if (!self->pending || code != WEIR_OK)
        asker_drop(&self->asker);
    watchdog_leave(self->watch);
    return code;
}

/* Without a member id it is between two memberships, where the group may know us by a name that we do not. */
static bool placed(struct source *source)
{
    return membership_has_id(self_of(source)->rk);
}

static int64_t began(struct source *source, int32_t partition, bool *begins)
{
    const struct part *part = &self_of(source)->parts[partition];
    *begins = part->begins;
    return part->start;
}

static enum weir_err_code stamp(struct source *source, struct stamp **out, struct weir_err *err)
{
    struct kafka_source *self = self_of(source);
    rd_kafka_consumer_group_metadata_t *metadata = rd_kafka_consumer_group_metadata(self->rk);
    /* The broker does not fence generation -1, so a batch without membership must not be committed. */
    if (!metadata || rd_kafka_consumer_group_metadata_generation_id(metadata) < 0) {
        if (metadata)
            rd_kafka_consumer_group_metadata_destroy(metadata);
        return weir_fail(err, WEIR_ERR_STALE_GENERATION, "this member has no generation in group %s",
                         self->spec->core.pipeline);
    }
    struct stamp *made = malloc(sizeof *made);
    if (!made) {
        rd_kafka_consumer_group_metadata_destroy(metadata);
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a group's metadata");
    }
    made->metadata = metadata;
    *out = made;
    return WEIR_OK;
}

static void stamp_free(struct stamp *stamp)
{
    if (!stamp)
        return;
    rd_kafka_consumer_group_metadata_destroy(stamp->metadata);
    free(stamp);
}

/* --- life --- */

/* Makes the client of a source that has none. */
static enum weir_err_code make_consumer(struct kafka_source *self, struct weir_err *err)
{
    char text[256];
    rd_kafka_conf_t *conf = NULL;
    enum weir_err_code code = conf_consumer(self->spec, self->identity, &conf, err);
    if (code != WEIR_OK)
        return code;
    self->session_ms = conf_number(conf, "session.timeout.ms", 0);
    rd_kafka_conf_set_opaque(conf, self);
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    rd_kafka_conf_set_error_cb(conf, on_error);
    self->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    if (!self->rk) {
        rd_kafka_conf_destroy(conf);
        return weir_fail(err, WEIR_ERR_CONFIG, "consumer: %s", text);
    }
    (void)rd_kafka_poll_set_consumer(self->rk);
    self->queue = rd_kafka_queue_get_consumer(self->rk);
    return WEIR_OK;
}

static void destroy_consumer(struct kafka_source *self, int flags)
{
    forget_pending(self);
    rd_kafka_queue_destroy(self->queue);
    watchdog_enter(self->watch, "destroying the consumer");
    rd_kafka_destroy_flags(self->rk, flags);
    watchdog_leave(self->watch);
}

static enum weir_err_code rejoin(struct source *source, struct weir_err *err)
{
    struct kafka_source *self = self_of(source);
    destroy_consumer(self, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    disown_all(self);
    self->lost = self->unanswered = self->expired = self->quiet = self->answered = false;
    self->waited_ms = 0;
    self->event = WEIR_OK;
    enum weir_err_code code = make_consumer(self, err);
    return code == WEIR_OK ? start(source, err) : code;
}

static const struct source_ops ops = {
    .start = start,
    .rejoin = rejoin,
    .poll = poll,
    .began = began,
    .release = release,
    .owns = owns,
    .taken = taken,
    .placed = placed,
    .seek = seek,
    .pause = pause,
    .resume = resume,
    .quiet = quiet,
    .committed = committed,
    .stamp = stamp,
    .stamp_free = stamp_free,
};

enum weir_err_code source_open(const struct source_parts *parts, struct source **out, struct weir_err *err)
{
    const struct weir_spec *spec = parts->spec;
    struct kafka_source *self = calloc(1, sizeof *self);
    if (!self)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a consumer");
    self->base.ops = &ops;
    self->spec = spec;
    self->identity = parts->identity;
    self->asker = (struct asker){.spec = spec};
    self->membership = (struct membership){.group = spec->core.pipeline, .instance = parts->identity->text};
    self->estate = (struct estate){.spec = spec,
                                   .own = parts->identity->text,
                                   .client = parts->client,
                                   .watch = parts->watch,
                                   .asker = {.spec = spec}};
    self->counters = parts->counters;
    self->watch = parts->watch;
    enum weir_err_code code = make_consumer(self, err);
    if (code != WEIR_OK) {
        free(self);
        return code;
    }
    *out = &self->base;
    return WEIR_OK;
}

/* Serves the queue until the consumer has closed or time is up. */
static bool close_consumer(struct kafka_source *self, int timeout_ms)
{
    int64_t until = clock_monotonic_ms() + timeout_ms;
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(self->rk, self->queue);
    if (error) {
        rd_kafka_error_destroy(error);
        return false;
    }
    while (!rd_kafka_consumer_closed(self->rk) && clock_monotonic_ms() < until) {
        answer_loss(self);
        ssize_t got = rd_kafka_consume_batch_queue(self->queue, 50, self->messages, POLL_MAX);
        for (ssize_t i = 0; i < got; i++)
            rd_kafka_message_destroy(self->messages[i]);
    }
    return rd_kafka_consumer_closed(self->rk) != 0;
}

void source_close(struct source *source, int timeout_ms)
{
    struct kafka_source *self = self_of(source);
    bool closed = close_consumer(self, timeout_ms);
    destroy_consumer(self, closed ? 0 : RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    estate_free(&self->estate);
    free(self->parts);
    free(self);
}
