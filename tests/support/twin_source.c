#include <stdlib.h>
#include <string.h>

#include "support/twin.h"
#include "support/twin_judge.h"

/* What the memory of a record is filled with when it has been given back. */
#define GONE 0xDD

/* The membership that a batch is sealed under. */
struct stamp {
    int member;
    uint32_t process, generation;
};

/* One record handed out: all its bytes in one piece, so that using it too late shows. */
struct held {
    size_t size;
    uint8_t bytes[];
};

static struct twin_member *self_of(struct source *source)
{
    return (struct twin_member *)((char *)source - offsetof(struct twin_member, source));
}

static void block(struct twin_member *member, const struct twin_fault *fault, int64_t ms)
{
    if (fault->took_ms == 0)
        twin_wait(member, ms);
}

static enum weir_err_code start(struct source *source, struct weir_err *err)
{
    struct twin_member *member = self_of(source);
    struct twin_fault fault = twin_call(member, TWIN_START, err);
    if (fault.code != WEIR_OK)
        return fault.code;
    if (member->started || !member->opened)
        twin_damage(member->world, "start: %s", member->started ? "twice" : "before the sink was open");
    member->started = true;
    return WEIR_OK;
}

/* --- assignment --- */

/* Looks up where partitions begin whose predecessor's transaction has ended. */
static void begin_parts(struct twin_member *member)
{
    for (int32_t i = 0; i < member->world->n_partitions; i++) {
        struct twin_part *part = &member->parts[i];
        const struct twin_partition *at = &member->world->partitions[i];
        if (!part->owned || part->begun || twin_unstable(member->world, i))
            continue;
        part->begun = true;
        part->begins = at->committed < 0;
        part->next = part->start = part->begins ? at->start : at->committed;
    }
}

bool twin_replaced(const struct twin_member *member)
{
    uint32_t holder = member->world->place[member->index];
    return holder != 0 && holder != member->process;
}

/*
 * Takes the identity's place in the group, as a static member does: from a process that had it before, which
 * changes no assignment, or anew, which does. Whoever has had it and lost it to another is told a while
 * later.
 */
static enum weir_err_code take_place(struct twin_member *member, struct weir_err *err)
{
    struct twin_world *world = member->world;
    int index = member->index;
    if (!member->started || world->place[index] == member->process)
        return WEIR_OK;
    if (member->joined && twin_replaced(member))
        return world->now_ms < world->placed_ms[index] + TWIN_NOTICE_MS
                   ? WEIR_OK
                   : weir_fail(err, WEIR_ERR_DUPLICATE_IDENTITY, "poll: fenced instance id");
    bool anew = world->place[index] == 0;
    world->place[index] = member->process;
    world->placed_ms[index] = world->now_ms;
    member->joined = true;
    if (anew && world->join)
        world->join(world->context, index);
    return WEIR_OK;
}

/* Takes part in rebalances: eager, so everything is given back and begins anew. */
static void notice_rebalance(struct twin_member *member)
{
    struct twin_world *world = member->world;
    int64_t succeeded_ms = world->succeeded_ms[member->index];
    bool unaware =
        twin_replaced(member) || (succeeded_ms > 0 && world->now_ms < succeeded_ms + TWIN_NOTICE_MS);
    if (!member->started || member->generation == world->generation || unaware)
        return;
    member->generation = world->generation;
    member->epoch++;
    for (int32_t i = 0; i < world->n_partitions; i++)
        member->parts[i] =
            (struct twin_part){.owned = world->partitions[i].owner == member->index, .epoch = member->epoch};
}

static bool owns(struct source *source, int32_t partition, uint32_t epoch)
{
    const struct twin_part *part = &self_of(source)->parts[partition];
    return part->owned && part->epoch == epoch;
}

static enum weir_err_code taken(struct source *source, int timeout_ms, bool *taken, struct weir_err *err)
{
    struct twin_member *member = self_of(source);
    struct twin_fault fault = twin_call(member, TWIN_TAKEN, err);
    if (fault.code == WEIR_ERR_TRANSIENT && fault.took_ms == 0)
        twin_wait(member, timeout_ms);
    if (fault.code != WEIR_OK)
        return fault.code;
    if (member->world->brokers_down) {
        twin_wait(member, timeout_ms);
        return weir_fail(err, WEIR_ERR_TRANSIENT, "the brokers are down");
    }
    *taken = member->world->succeeded_ms[member->index] > 0 || twin_replaced(member);
    member->fenced = member->fenced && *taken;
    return WEIR_OK;
}

static bool placed(struct source *source)
{
    return !self_of(source)->expired;
}

/* --- records --- */

static struct weir_bytes put(uint8_t **at, struct weir_bytes bytes)
{
    if (!bytes.data)
        return WEIR_NO_BYTES;
    memcpy(*at, bytes.data, bytes.len);
    *at += bytes.len;
    return (struct weir_bytes){*at - bytes.len, bytes.len};
}

static size_t size_of_input(const struct twin_input *input)
{
    size_t size = input->key.len + input->value.len;
    for (size_t i = 0; i < input->n_headers; i++)
        size += strlen(input->headers[i].name) + 1 + input->headers[i].value.len;
    return size;
}

/* Header arrays belong to the heap, as the port says; all else to the record. False: no memory. */
static bool lay_headers(const struct twin_input *input, uint8_t **at, struct heap *heap,
                        struct weir_record *record)
{
    if (input->n_headers == 0)
        return true;
    size_t size = input->n_headers * sizeof *input->headers;
    struct weir_arena *arena = heap_arena(heap, size + _Alignof(struct weir_header));
    struct weir_header *headers = arena ? weir_arena_alloc(arena, size, _Alignof(struct weir_header)) : NULL;
    if (!headers)
        return false;
    for (size_t i = 0; i < input->n_headers; i++) {
        const char *name = input->headers[i].name;
        headers[i].name =
            (const char *)put(at, (struct weir_bytes){(const uint8_t *)name, strlen(name) + 1}).data;
        headers[i].value = put(at, input->headers[i].value);
    }
    record->headers = headers;
    record->n_headers = input->n_headers;
    return true;
}

static bool hand_out(struct twin_member *member, const struct twin_input *input, int32_t partition,
                     struct heap *heap, struct source_record *out)
{
    size_t size = size_of_input(input);
    struct held *held = malloc(sizeof *held + size + 1);
    if (!held)
        return false;
    uint8_t *at = held->bytes;
    held->size = size;
    *out = (struct source_record){.epoch = member->parts[partition].epoch, .held = held};
    out->record.partition = partition;
    out->record.offset = input->offset;
    out->record.timestamp_ms = input->timestamp_ms;
    out->record.key = put(&at, input->key);
    out->record.value = put(&at, input->value);
    if (!lay_headers(input, &at, heap, &out->record)) {
        free(held);
        return false;
    }
    member->outstanding++;
    return true;
}

static bool fetch_part(struct twin_member *member, int32_t partition, size_t max, struct heap *heap,
                       struct source_record *out, size_t *n)
{
    struct twin_part *part = &member->parts[partition];
    const struct twin_partition *at = &member->world->partitions[partition];
    if (!part->owned || !part->begun || part->paused)
        return true;
    size_t from = twin_index_from(at, part->next);
    for (size_t i = from; i < at->n && i - from < member->chunk && *n < max; i++) {
        if (!hand_out(member, &at->records[i], partition, heap, &out[*n]))
            return false;
        part->next = at->records[i].offset + 1;
        (*n)++;
    }
    return true;
}

static bool fetch(struct twin_member *member, size_t max, struct heap *heap, struct source_record *out,
                  size_t *n)
{
    if (member->quiet)
        return true;
    int32_t count = member->world->n_partitions;
    member->turn = (member->turn + 1) % count;
    for (int32_t i = 0; i < count; i++)
        if (!fetch_part(member, (member->turn + i) % count, max, heap, out, n))
            return false;
    return true;
}

/* The client says once that all brokers are down, not at each poll. */
static enum weir_err_code say_down(struct twin_member *member, struct weir_err *err)
{
    bool news = member->world->brokers_down && !member->told_down;
    member->told_down = member->world->brokers_down;
    return news ? weir_fail(err, WEIR_ERR_BROKER_DOWN, "no Kafka broker answers") : WEIR_OK;
}

/* The client is of no use any more, and owns nothing, until it is made anew. */
static void expire(struct twin_member *member)
{
    struct twin_world *world = member->world;
    member->expired = true;
    member->joined = false;
    if (!twin_replaced(member))
        world->place[member->index] = 0;
    for (int32_t i = 0; i < world->n_partitions; i++)
        member->parts[i].owned = false;
}

static enum weir_err_code rejoin(struct source *source, struct weir_err *err)
{
    struct twin_member *member = self_of(source);
    struct twin_fault fault = twin_call(member, TWIN_REJOIN, err);
    if (member->outstanding > 0)
        twin_damage(member->world, "the client was left with %zu records out", member->outstanding);
    if (fault.code != WEIR_OK)
        return fault.code;
    member->expired = member->quiet = false;
    /* It is a new member, so the group rebalances. */
    member->world->generation++;
    return WEIR_OK;
}

static enum weir_err_code poll(struct source *source, int timeout_ms, size_t max, struct heap *heap,
                               struct source_record *out, size_t *n, struct weir_err *err)
{
    struct twin_member *member = self_of(source);
    *n = 0;
    struct twin_fault fault = twin_call(member, TWIN_POLL, err);
    if (fault.code == WEIR_ERR_MEMBER_EXPIRED)
        expire(member);
    if (member->expired) {
        block(member, &fault, timeout_ms);
        return weir_fail(err, WEIR_ERR_MEMBER_EXPIRED, "the group timed this member out");
    }
    bool works = fault.code == WEIR_OK || fault.fate == TWIN_DONE;
    if (works && !member->world->brokers_down) {
        struct weir_err why;
        if (take_place(member, &why) != WEIR_OK) {
            *err = why;
            return why.code;
        }
        notice_rebalance(member);
        begin_parts(member);
        if (!fetch(member, max, heap, out, n))
            return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a record");
    }
    if (*n == 0)
        block(member, &fault, timeout_ms);
    return fault.code != WEIR_OK ? fault.code : say_down(member, err);
}

static void release(struct source *source, struct source_record *records, size_t n)
{
    struct twin_member *member = self_of(source);
    for (size_t i = 0; i < n; i++) {
        struct held *held = records[i].held;
        if (twin_borrows(member, held->bytes, held->size))
            twin_damage(member->world, "partition %d offset %lld was given back while the sink borrowed it",
                        records[i].record.partition, (long long)records[i].record.offset);
        memset(held->bytes, GONE, held->size);
        free(held);
        member->outstanding--;
    }
}

/* --- moving about --- */

static enum weir_err_code seek(struct source *source, const struct position *to, size_t n,
                               struct weir_err *err)
{
    struct twin_member *member = self_of(source);
    struct twin_fault fault = twin_call(member, TWIN_SEEK, err);
    for (size_t i = 0; fault.code == WEIR_OK && i < n; i++)
        if (owns(source, to[i].partition, to[i].epoch))
            member->parts[to[i].partition].next = to[i].offset;
    return fault.code;
}

static enum weir_err_code set_paused(struct twin_member *member, int32_t partition, bool paused,
                                     struct weir_err *err)
{
    struct twin_fault fault = twin_call(member, paused ? TWIN_PAUSE : TWIN_RESUME, err);
    if (fault.code == WEIR_OK && member->parts[partition].owned)
        member->parts[partition].paused = paused;
    return fault.code;
}

static enum weir_err_code pause(struct source *source, int32_t partition, struct weir_err *err)
{
    return set_paused(self_of(source), partition, true, err);
}

static enum weir_err_code resume(struct source *source, int32_t partition, struct weir_err *err)
{
    return set_paused(self_of(source), partition, false, err);
}

static enum weir_err_code quiet(struct source *source, bool on, struct weir_err *err)
{
    struct twin_member *member = self_of(source);
    struct twin_fault fault = twin_call(member, TWIN_QUIET, err);
    if (fault.code == WEIR_OK)
        member->quiet = on;
    return fault.code;
}

/* --- offsets and membership --- */

static enum weir_err_code committed(struct source *source, struct position *positions, size_t n,
                                    int timeout_ms, struct weir_err *err)
{
    struct twin_member *member = self_of(source);
    struct twin_fault fault = twin_call(member, TWIN_COMMITTED, err);
    if (fault.code != WEIR_OK) {
        block(member, &fault, timeout_ms);
        return fault.code;
    }
    /* A client that was timed out is of no use for this either. */
    bool unstable = member->world->brokers_down || member->expired;
    for (size_t i = 0; i < n; i++)
        unstable = unstable || twin_unstable(member->world, positions[i].partition);
    if (unstable) {
        block(member, &fault, timeout_ms);
        return weir_fail(err, WEIR_ERR_TRANSIENT, "the committed offsets are not known");
    }
    for (size_t i = 0; i < n; i++) {
        const struct twin_partition *at = &member->world->partitions[positions[i].partition];
        positions[i].offset = at->committed < 0 ? at->start : at->committed;
    }
    return WEIR_OK;
}

static int64_t began(struct source *source, int32_t partition, bool *begins)
{
    const struct twin_part *part = &self_of(source)->parts[partition];
    *begins = part->begins;
    return part->start;
}

static enum weir_err_code stamp(struct source *source, struct stamp **out, struct weir_err *err)
{
    struct twin_member *member = self_of(source);
    struct twin_fault fault = twin_call(member, TWIN_STAMP, err);
    if (fault.code != WEIR_OK)
        return fault.code;
    struct stamp *made = malloc(sizeof *made);
    if (!made)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a stamp");
    bool unseen = member->world->joins_unseen && member->in_txn;
    *made = (struct stamp){member->index, member->process,
                           unseen ? member->world->generation : member->generation};
    *out = made;
    return WEIR_OK;
}

static void stamp_free(struct stamp *made)
{
    free(made);
}

enum weir_err_code twin_stale(const struct twin_world *world, const struct stamp *made)
{
    uint32_t holder = made ? world->place[made->member] : 0;
    if (holder != 0 && holder != made->process)
        return WEIR_ERR_DUPLICATE_IDENTITY;
    return !made || holder == 0 || made->generation != world->generation ? WEIR_ERR_STALE_GENERATION
                                                                         : WEIR_OK;
}

const struct source_ops twin_source_ops = {
    .start = start,
    .poll = poll,
    .rejoin = rejoin,
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
