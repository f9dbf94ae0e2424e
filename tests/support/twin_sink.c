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
    twin_advance(member->world, TWIN_SLICE_MS);
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

/* The former producer is gone with the first call, whatever comes of it; its transaction is not. */
static enum weir_err_code open_producer(struct sink *sink, struct weir_err *err)
{
    struct twin_member *member = self_of(sink);
    struct twin_fault fault = twin_call(member, TWIN_OPEN, err);
    end_borrowing(member);
    member->opened = false;
    if (fault.code != WEIR_OK) {
        if (fault.code == WEIR_ERR_TRANSIENT && fault.took_ms == 0)
            twin_advance(member->world, TWIN_SLICE_MS);
        return fault.code;
    }
    if (member->world->brokers_down && wait_for_brokers(member, err) != WEIR_OK)
        return err->code;
    if (member->world->succeeded_ms[member->index] > 0)
        twin_damage(member->world, "a zombie took the name back from its successor");
    twin_end_txn(member->world, txn_of(member));
    member->producer_epoch = ++txn_of(member)->epoch;
    member->opened = true;
    member->taint = false;
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
    twin_advance(member->world, timeout_ms);
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

static int64_t transaction_timeout_ms(struct sink *sink)
{
    return self_of(sink)->world->transaction_timeout_ms;
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

/* What the brokers have against this transaction. */
static enum weir_err_code refuse(struct twin_member *member, const struct stamp *stamp, struct weir_err *err)
{
    const struct twin_world *world = member->world;
    if (txn_of(member)->epoch != member->producer_epoch)
        return weir_fail(err, WEIR_ERR_FENCED, "commit: fenced");
    if (twin_stale(world, stamp))
        return weir_fail(err, WEIR_ERR_STALE_GENERATION, "commit: illegal generation");
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
        twin_advance(member->world, RETRY_MS);
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
 * An EndTxn that was sent twice, since the first was not answered, and whose first arrives now: brokers
 * demand only that its epoch is the present one (KAFKA-17754). It ends what it finds open, before its offsets
 * came.
 */
static void arrive_late(struct twin_member *member)
{
    struct twin_txn *txn = txn_of(member);
    bool acts = member->end_on_its_way && txn->epoch == member->late_epoch && txn->state == TWIN_OPENED;
    member->end_on_its_way = false;
    if (!acts)
        return;
    decide(member);
    twin_end_txn(member->world, txn);
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
    twin_advance(member->world, TWIN_COMMIT_MS);
    arrive_late(member);
    enum weir_err_code refused = refuse(member, stamp, err);
    if (refused != WEIR_OK && decides)
        return refused;
    take_offsets(member, next, n);
    if (decides)
        decide(member);
    if (decides && fault.fate != TWIN_LATE)
        twin_end_txn(member->world, txn_of(member));
    if (fault.taints && member->world->requests_linger) {
        member->end_on_its_way = true;
        member->late_epoch = member->producer_epoch;
    }
    if (fault.code == WEIR_OK)
        end_borrowing(member);
    return fault.code;
}

static enum weir_err_code abort_open(struct sink *sink, int64_t deadline_ms, struct weir_err *err)
{
    struct twin_member *member = self_of(sink);
    struct twin_fault fault = twin_call(member, TWIN_ABORT, err);
    if (fault.code != WEIR_OK)
        return fault.code;
    if (!member->in_txn)
        return weir_fail(err, WEIR_ERR_PRODUCER_LOST, "abort: no transaction is open");
    if (!reach_brokers(member, deadline_ms))
        return weir_fail(err, WEIR_ERR_PRODUCER_LOST, "abort: no answer within the deadline");
    twin_advance(member->world, TWIN_COMMIT_MS);
    if (txn_of(member)->epoch != member->producer_epoch)
        return weir_fail(err, WEIR_ERR_FENCED, "abort: fenced");
    twin_end_txn(member->world, txn_of(member));
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
    .transaction_timeout_ms = transaction_timeout_ms,
};
