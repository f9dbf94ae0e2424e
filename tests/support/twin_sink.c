#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "support/twin.h"
#include "support/twin_judge.h"
#include "sys/remedy.h"

/* What a record takes beside its bytes. */
#define RECORD_OVERHEAD 70
/* How often a commit that nobody answers looks again. */
#define RETRY_MS 100

static struct twin_member *self_of(struct sink *sink)
{
    return (struct twin_member *)((char *)sink - offsetof(struct twin_member, sink));
}

static struct twin_txn *txn_of(const struct twin_member *member)
{
    return &member->world->txns[member->index];
}

static void *need(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

/* --- what is borrowed --- */

/* FNV-1a */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t hash_record(const struct sink_record *record)
{
    uint64_t hash = hash_bytes(UINT64_C(0xcbf29ce484222325), record->key.data, record->key.len);
    hash = hash_bytes(hash, record->value.data, record->value.len);
    for (size_t i = 0; i < record->n_headers; i++) {
        const struct weir_header *header = &record->headers[i];
        hash = hash_bytes(hash, header->name, strlen(header->name));
        hash = hash_bytes(hash, header->value.data, header->value.len);
    }
    return hash;
}

/* A sender's thread may read what it borrows until the very end: so does the twin. */
static void end_borrowing(struct twin_member *member)
{
    for (size_t i = 0; i < member->n_borrowed; i++)
        if (hash_record(&member->borrowed[i].record) != member->borrowed[i].hash)
            twin_damage(member->world, "record %zu of a transaction changed while the sink borrowed it", i);
    member->n_borrowed = 0;
    member->in_txn = false;
}

static bool inside(const void *p, const void *begin, size_t size)
{
    return p && (uintptr_t)p >= (uintptr_t)begin && (uintptr_t)p < (uintptr_t)begin + size;
}

bool twin_borrows(const struct twin_member *member, const void *begin, size_t size)
{
    for (size_t i = 0; i < member->n_borrowed; i++) {
        const struct sink_record *record = &member->borrowed[i].record;
        if (inside(record->key.data, begin, size) || inside(record->value.data, begin, size))
            return true;
    }
    return false;
}

/* --- life --- */

static enum weir_err_code wait_for_brokers(struct twin_member *member, struct weir_err *err)
{
    twin_wait(member, TWIN_SLICE_MS);
    return member->world->brokers_down ? weir_fail(err, WEIR_ERR_BROKER_DOWN, "no Kafka broker answers")
                                       : WEIR_OK;
}

static enum weir_err_code look(struct twin_member *member)
{
    const struct twin_world *world = member->world;
    memcpy(member->targets, world->topics, sizeof member->targets);
    member->source_partitions = world->input_missing ? 0 : world->n_partitions;
    return WEIR_OK;
}

/* init_transactions at the coordinator. Who was fenced must ask before whether another has its place. */
static void take_id(struct twin_member *member)
{
    struct twin_world *world = member->world;
    struct twin_txn *txn = txn_of(member);
    if (world->succeeded_ms[member->index] > 0 || (member->fenced && twin_replaced(member)))
        twin_damage(world, "a zombie took the name back from its successor");
    twin_end_txn(world, txn);
    member->producer_epoch = ++txn->epoch;
    txn->process = member->process;
    twin_moment(member, TWIN_OPEN);
}

/* The former producer is gone with the first call, whatever comes of it; its transaction is not. */
static enum weir_err_code open_producer(struct sink *sink, struct weir_err *err)
{
    struct twin_member *member = self_of(sink);
    struct twin_fault fault = twin_call(member, TWIN_OPEN, err);
    end_borrowing(member);
    member->opened = false;
    if (fault.code != WEIR_OK) {
        if (fault.code == WEIR_ERR_TRANSIENT && fault.took_ms == 0)
            twin_wait(member, TWIN_SLICE_MS);
        if (fault.fate == TWIN_DONE && !member->world->brokers_down)
            take_id(member);
        return fault.code;
    }
    if (member->world->brokers_down && wait_for_brokers(member, err) != WEIR_OK)
        return err->code;
    take_id(member);
    member->opened = true;
    member->taint = member->fenced = false;
    return look(member);
}

void twin_close_sink(struct twin_member *member)
{
    end_borrowing(member);
    member->opened = false;
}

static bool tainted(struct sink *sink)
{
    return self_of(sink)->taint;
}

static enum weir_err_code refresh(struct sink *sink, int timeout_ms, struct weir_err *err)
{
    struct twin_member *member = self_of(sink);
    struct twin_fault fault = twin_call(member, TWIN_REFRESH, err);
    if (fault.code != WEIR_OK)
        return fault.code;
    if (!member->world->brokers_down)
        return look(member);
    twin_wait(member, timeout_ms);
    return weir_fail(err, WEIR_ERR_BROKER_DOWN, "no Kafka broker answers");
}

static struct sink_target target(struct sink *sink, enum sink_topic topic)
{
    return self_of(sink)->targets[topic];
}

static int32_t source_partitions(struct sink *sink)
{
    return self_of(sink)->source_partitions;
}

static size_t size_of(const struct sink_record *record)
{
    size_t size = RECORD_OVERHEAD + record->key.len + record->value.len;
    for (size_t i = 0; i < record->n_headers; i++)
        size += strlen(record->headers[i].name) + record->headers[i].value.len;
    return size;
}

/* --- a transaction --- */

static enum weir_err_code begin(struct sink *sink, struct weir_err *err)
{
    struct twin_member *member = self_of(sink);
    struct twin_fault fault = twin_call(member, TWIN_BEGIN, err);
    if (fault.code != WEIR_OK)
        return fault.code;
    bool tainted = member->taint && remedy_on(REMEDY_END_TXN_GUARD);
    if (!member->opened || member->in_txn || tainted)
        twin_damage(member->world, "begin %s",
                    member->in_txn ? "inside a transaction"
                                   : (member->taint ? "with a tainted producer" : "without a producer"));
    member->in_txn = true;
    struct twin_txn *txn = txn_of(member);
    if (txn->epoch != member->producer_epoch)
        return WEIR_OK;
    txn->state = TWIN_OPENED;
    txn->begun_ms = member->world->now_ms;
    return WEIR_OK;
}

static enum weir_err_code send_record(struct sink *sink, const struct sink_record *record,
                                      struct weir_err *err)
{
    struct twin_member *member = self_of(sink);
    struct twin_fault fault = twin_call(member, TWIN_SEND, err);
    if (!member->in_txn)
        twin_damage(member->world, "send without a transaction");
    if (fault.code != WEIR_OK)
        return fault.code;
    if (member->n_borrowed == member->cap_borrowed) {
        member->cap_borrowed = member->cap_borrowed ? member->cap_borrowed * 2 : 256;
        member->borrowed = need(realloc(member->borrowed, member->cap_borrowed * sizeof *member->borrowed));
    }
    member->borrowed[member->n_borrowed++] = (struct twin_borrowed){*record, hash_record(record)};
    return WEIR_OK;
}

static struct weir_bytes copy_of(struct weir_bytes bytes)
{
    if (!bytes.data)
        return WEIR_NO_BYTES;
    uint8_t *copy = need(malloc(bytes.len + 1));
    memcpy(copy, bytes.data, bytes.len);
    copy[bytes.len] = '\0';
    return (struct weir_bytes){copy, bytes.len};
}

static struct sink_record copy_of_record(const struct sink_record *record, int64_t wall_ms)
{
    struct sink_record copy = *record;
    struct weir_header *headers = record->n_headers ? need(calloc(record->n_headers, sizeof *headers)) : NULL;
    for (size_t i = 0; i < record->n_headers; i++) {
        headers[i].name = (const char *)copy_of(weir_bytes_of(record->headers[i].name)).data;
        headers[i].value = copy_of(record->headers[i].value);
    }
    copy.key = copy_of(record->key);
    copy.value = copy_of(record->value);
    copy.headers = headers;
    if (copy.timestamp_ms < 0)
        copy.timestamp_ms = wall_ms;
    return copy;
}

/* The coordinator decides that the transaction is to be committed: from here on nothing can undo it. */
static void decide(struct twin_member *member)
{
    struct twin_txn *txn = txn_of(member);
    int64_t wall_ms = member->world->now_ms + member->world->wall_offset_ms;
    txn->records = need(calloc(member->n_borrowed + 1, sizeof *txn->records));
    for (size_t i = 0; i < member->n_borrowed; i++)
        txn->records[txn->n_records++] = copy_of_record(&member->borrowed[i].record, wall_ms);
    txn->state = TWIN_DECIDED;
}

static enum weir_err_code fence(struct twin_member *member, const char *what, struct weir_err *err)
{
    member->fenced = true;
    return weir_fail(err, WEIR_ERR_FENCED, "%s: fenced", what);
}

/* What the brokers have against this transaction. */
static enum weir_err_code refuse(struct twin_member *member, const struct stamp *stamp, struct weir_err *err)
{
    const struct twin_world *world = member->world;
    if (txn_of(member)->epoch != member->producer_epoch)
        return fence(member, "commit", err);
    enum weir_err_code stale = twin_stale(world, stamp);
    if (stale != WEIR_OK)
        return weir_fail(err, stale, "commit: %s", weir_err_name(stale));
    for (size_t i = 0; i < member->n_borrowed; i++) {
        const struct sink_record *record = &member->borrowed[i].record;
        const struct sink_target *topic = &world->topics[record->topic];
        if (topic->state != WEIR_OK)
            return weir_fail(err, topic->state, "topic %d: %s", (int)record->topic,
                             weir_err_name(topic->state));
        if (size_of(record) > topic->max_message_bytes)
            return weir_fail(err, WEIR_ERR_OUTPUT_REFUSED, "topic %d refuses records", (int)record->topic);
    }
    return WEIR_OK;
}

/* True when somebody answers before the deadline. */
static bool reach_brokers(struct twin_member *member, int64_t deadline_ms)
{
    int64_t until = member->world->now_ms + deadline_ms;
    while (member->world->brokers_down && member->world->now_ms < until) {
        twin_wait(member, RETRY_MS);
        bool stopping = member->stopping && atomic_load(member->stopping);
        if (stopping && until > member->world->now_ms + member->stop_ms)
            until = member->world->now_ms + member->stop_ms;
    }
    return !member->world->brokers_down;
}

static void take_offsets(struct twin_member *member, const struct position *next, size_t n)
{
    struct twin_txn *txn = txn_of(member);
    if (txn->epoch != member->producer_epoch || txn->state != TWIN_OPENED)
        return;
    memcpy(txn->offsets, next, n * sizeof *next);
    txn->n_offsets = n;
}

/*
 * What was sent twice, since the first was not answered, and whose first arrives now: brokers demand only
 * that its epoch is the present one (KAFKA-17754). An EndTxn ends what it finds open, before its offsets
 * came.
 */
static void end_late(struct twin_member *member)
{
    struct twin_txn *txn = txn_of(member);
    bool acts = (member->lingering & TWIN_LINGERS_END) && txn->epoch == member->late_epoch &&
                txn->state == TWIN_OPENED;
    member->lingering &= ~TWIN_LINGERS_END;
    if (!acts)
        return;
    decide(member);
    twin_end_txn(member->world, txn);
}

/* A TxnOffsetCommit of before takes the place of the offsets that came with this transaction: the last wins.
 */
static void take_late_offsets(struct twin_member *member)
{
    struct twin_txn *txn = txn_of(member);
    bool acts = (member->lingering & TWIN_LINGERS_OFFSETS) && txn->epoch == member->late_epoch &&
                txn->state == TWIN_OPENED && member->late_generation == member->world->generation;
    member->lingering &= ~TWIN_LINGERS_OFFSETS;
    for (size_t i = 0; acts && i < member->n_late_offsets; i++)
        for (size_t j = 0; j < txn->n_offsets; j++)
            if (txn->offsets[j].partition == member->late_offsets[i].partition)
                txn->offsets[j] = member->late_offsets[i];
}

static void linger(struct twin_member *member, const struct position *next, size_t n)
{
    member->lingering = member->world->requests_linger;
    member->late_epoch = member->producer_epoch;
    member->late_generation = member->world->generation;
    memcpy(member->late_offsets, next, n * sizeof *next);
    member->n_late_offsets = n;
}

/* EndTxn: the offsets are there, and meanwhile anything may have happened. */
static enum weir_err_code end_offsets(struct twin_member *member, const struct twin_fault *fault,
                                      struct weir_err *err)
{
    struct twin_world *world = member->world;
    struct twin_txn *txn = txn_of(member);
    bool decides = fault->code == WEIR_OK || fault->fate != TWIN_UNDONE;
    if (decides && world->brokers_down)
        return weir_fail(err, WEIR_ERR_TXN_UNKNOWN, "commit: no answer within the deadline");
    if (decides && txn->epoch != member->producer_epoch)
        return fence(member, "commit", err);
    if (decides)
        decide(member);
    if (decides && fault->fate == TWIN_LATE && world->late_ms > 0)
        txn->effect_ms = world->now_ms + 1 + twin_random(world, (uint32_t)world->late_ms);
    if (decides && fault->fate != TWIN_LATE)
        twin_end_txn(world, txn);
    twin_moment(member, TWIN_COMMIT);
    return fault->code;
}

static enum weir_err_code commit(struct sink *sink, const struct stamp *stamp, const struct position *next,
                                 size_t n, int64_t deadline_ms, struct weir_err *err)
{
    struct twin_member *member = self_of(sink);
    struct twin_fault fault = twin_call(member, TWIN_COMMIT, err);
    if (!member->in_txn || n == 0 || n > TWIN_PARTITIONS_MAX)
        twin_damage(member->world, "commit of %zu offsets %s", n, member->in_txn ? "" : "of no transaction");
    bool decides = fault.code == WEIR_OK || fault.fate != TWIN_UNDONE;
    if (!reach_brokers(member, deadline_ms))
        return weir_fail(err, WEIR_ERR_TXN_UNKNOWN, "commit: no answer within the deadline");
    twin_wait(member, TWIN_COMMIT_MS);
    end_late(member);
    enum weir_err_code refused = refuse(member, stamp, err);
    if (refused != WEIR_OK && decides)
        return refused;
    if (refused == WEIR_OK)
        take_offsets(member, next, n);
    take_late_offsets(member);
    if (fault.taints)
        linger(member, next, n);
    twin_moment(member, TWIN_COMMIT);
    enum weir_err_code code = end_offsets(member, &fault, err);
    if (code == WEIR_OK)
        end_borrowing(member);
    return code;
}

static enum weir_err_code abort_open(struct sink *sink, int64_t deadline_ms, struct weir_err *err)
{
    struct twin_member *member = self_of(sink);
    struct twin_fault fault = twin_call(member, TWIN_ABORT, err);
    if (fault.code != WEIR_OK) {
        if (fault.fate == TWIN_DONE && txn_of(member)->epoch == member->producer_epoch)
            twin_end_txn(member->world, txn_of(member));
        return fault.code;
    }
    if (!member->in_txn)
        return weir_fail(err, WEIR_ERR_PRODUCER_LOST, "abort: no transaction is open");
    if (!reach_brokers(member, deadline_ms))
        return weir_fail(err, WEIR_ERR_PRODUCER_LOST, "abort: no answer within the deadline");
    twin_wait(member, TWIN_COMMIT_MS);
    if (txn_of(member)->epoch != member->producer_epoch)
        return fence(member, "abort", err);
    twin_end_txn(member->world, txn_of(member));
    twin_moment(member, TWIN_ABORT);
    end_borrowing(member);
    return WEIR_OK;
}

const struct sink_ops twin_sink_ops = {
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
