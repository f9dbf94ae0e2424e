/* Values that hold others: arrays, maps, and records within other values. */
#include <inttypes.h>
#include <string.h>

#include "avro/decode_parts.h"
#include "avro/encode.h"
#include "avro/take.h"

static bool written(struct cursor *c, bool done)
{
    return done || cursor_fail_full(c);
}

static bool write_bytes(struct cursor *c, struct weir_bytes bytes)
{
    return bytes.len == 0 || written(c, encode_raw(c->out, bytes));
}

static bool fail_deep(struct cursor *c)
{
    return cursor_fail(c, WEIR_CODE_TOO_DEEP, c->p, "nested deeper than %d", WEIR_VALUE_DEPTH_MAX);
}

/* --- arrays and maps --- */

/* What a block says of itself. */
struct block {
    uint64_t count;
    const uint8_t *stop; /* where it ends; NULL where it does not say */
};

static bool take_stop(struct cursor *c, struct block *block)
{
    const uint8_t *start = c->p;
    int64_t size;
    if (!take_long(c, &size))
        return false;
    if ((uint64_t)size > (uint64_t)(c->end - c->p))
        return take_fail_length(c, start, size);
    block->stop = c->p + size;
    return true;
}

/* The items of a block must find room in what is left of it; those without bytes in what a value may have. */
static bool check_count(struct cursor *c, const struct action_items *items, const struct block *block,
                        const uint8_t *start)
{
    size_t left = (size_t)((block->stop ? block->stop : c->end) - c->p);
    if (items->least > 0 && block->count > left / items->least)
        return cursor_fail(c, WEIR_CODE_TRUNCATED, start,
                           "a block of %" PRIu64 " items, but %zu bytes remain", block->count, left);
    if (items->least > 0)
        return true;
    if (block->count > c->empty)
        return cursor_fail(c, WEIR_CODE_TOO_LARGE, start,
                           "%" PRIu64 " items without bytes, at most %d are allowed in a value", block->count,
                           RESOLVE_EMPTY_MAX);
    c->empty -= (size_t)block->count;
    return true;
}

static bool take_block(struct cursor *c, const struct action_items *items, struct block *block)
{
    const uint8_t *start = c->p;
    int64_t count;
    block->stop = NULL;
    if (!take_long(c, &count))
        return false;
    if (count == INT64_MIN)
        return cursor_fail(c, WEIR_CODE_BAD_LENGTH, start, "a block of %" PRId64 " items", count);
    block->count = (uint64_t)(count < 0 ? -count : count);
    if (count < 0 && !take_stop(c, block))
        return false;
    return check_count(c, items, block, start);
}

static bool take_key(struct cursor *c, bool any_bytes, bool write)
{
    const uint8_t *start = c->p;
    struct weir_bytes key;
    if (!(any_bytes ? take_bytes(c, &key) : take_text(c, &key)))
        return false;
    return !write || write_bytes(c, (struct weir_bytes){start, (size_t)(c->p - start)});
}

static bool take_items(struct cursor *c, const struct action *action, const struct block *block, size_t first,
                       bool write)
{
    const struct action_items *items = &action->items;
    struct slot nowhere;
    for (uint64_t i = 0; i < block->count; i++) {
        bool done = (action->op == ACTION_ARRAY || take_key(c, items->hops, write)) &&
                    decode_value(c, items->action, &nowhere, write);
        if (!done)
            return cursor_fail_at(c, first + (size_t)i);
    }
    return true;
}

static bool run_block(struct cursor *c, const struct action *action, const struct block *block, size_t first,
                      bool write)
{
    const struct action_items *items = &action->items;
    if (write && !written(c, encode_long(c->out, (int64_t)block->count)))
        return false;
    if (items->hops && block->stop)
        c->p = block->stop;
    else if (items->flat && !write)
        c->p += block->count * items->width;
    else if (!take_items(c, action, block, first, write))
        return false;
    if (!block->stop || c->p == block->stop)
        return true;
    return cursor_fail(c, WEIR_CODE_BAD_LENGTH, c->p, "a block that ends %td bytes from where it says",
                       c->p - block->stop);
}

bool decode_blocks(struct cursor *c, const struct action *action, bool write)
{
    struct block block;
    size_t n = 0;
    if (c->depth == 0)
        return fail_deep(c);
    c->depth--;
    do {
        if (!take_block(c, &action->items, &block) || !run_block(c, action, &block, n, write))
            return false;
        n += (size_t)block.count;
    } while (block.count > 0);
    c->depth++;
    return true;
}

/* --- records --- */

static bool walk(struct cursor *c, const struct action_record *record)
{
    struct slot nowhere;
    for (uint32_t i = 0; i < record->n_parts; i++)
        if (!decode_value(c, record->parts[i].action, &nowhere, false))
            return cursor_fail_in(c, record->parts[i].name);
    return true;
}

/* Bytes of the input that go to the output as they are, from start up to the cursor. */
static bool flush(struct cursor *c, const uint8_t **start)
{
    const uint8_t *from = *start;
    *start = NULL;
    return !from || write_bytes(c, (struct weir_bytes){from, (size_t)(c->p - from)});
}

/* One field of an ordered record. Those that stay as they are are copied later, a run of them at once. */
static bool write_part(struct cursor *c, const struct action_step *part, const uint8_t **start)
{
    struct slot nowhere;
    bool copied = part->slot >= 0 && part->action->same;
    if ((!copied || part->before.len > 0) && !flush(c, start))
        return false;
    if (!write_bytes(c, part->before))
        return false;
    if (copied && !*start)
        *start = c->p;
    return decode_value(c, part->action, &nowhere, part->slot >= 0 && !copied);
}

/* The reader has the fields in the writer's order: written as they come. */
static bool write_ordered(struct cursor *c, const struct action_record *record)
{
    const uint8_t *start = NULL;
    for (uint32_t i = 0; i < record->n_parts; i++)
        if (!write_part(c, &record->parts[i], &start))
            return cursor_fail_in(c, record->parts[i].name);
    return flush(c, &start) && write_bytes(c, record->tail);
}

/* Reads all fields, and notes where in the reader's encoding each of them lies. */
static bool find_parts(struct cursor *c, const struct action_record *record, struct weir_bytes *places)
{
    for (uint32_t i = 0; i < record->n_parts; i++) {
        const struct action_step *part = &record->parts[i];
        bool copied = part->slot < 0 || part->action->same;
        const uint8_t *start = c->p;
        size_t used = c->out->used;
        struct slot nowhere;
        if (!decode_value(c, part->action, &nowhere, !copied))
            return cursor_fail_in(c, part->name);
        if (part->slot >= 0 && copied)
            places[part->place] = (struct weir_bytes){start, (size_t)(c->p - start)};
        else if (part->slot >= 0)
            places[part->place] = (struct weir_bytes){c->out->base + used, c->out->used - used};
    }
    return true;
}

/* Writes the fields one after the other behind what find_parts wrote, and then moves them there. */
static bool put_in_order(struct cursor *c, const struct weir_bytes *places, size_t n, size_t begin)
{
    struct weir_arena *out = c->out;
    size_t ordered = out->used;
    for (size_t i = 0; i < n; i++)
        if (!write_bytes(c, places[i]))
            return false;
    size_t len = out->used - ordered;
    memmove(out->base + begin, out->base + ordered, len);
    out->used = begin + len;
    return true;
}

static bool write_unordered(struct cursor *c, const struct action_record *record)
{
    size_t cap = c->out->cap, begin = c->out->used, n = record->n_places;
    struct weir_bytes *places = cursor_reserve(c->out, n, sizeof *places, _Alignof(struct weir_bytes));
    if (!places)
        return cursor_fail_full(c);
    memcpy(places, record->places, n * sizeof *places);
    if (!find_parts(c, record, places) || !put_in_order(c, places, n, begin))
        return false;
    c->out->cap = cap;
    return true;
}

bool decode_nested(struct cursor *c, const struct action *action, bool write)
{
    const struct action_record *record = &action->record;
    if (c->depth == 0)
        return fail_deep(c);
    c->depth--;
    bool done = !write            ? walk(c, record)
                : action->ordered ? write_ordered(c, record)
                                  : write_unordered(c, record);
    c->depth++;
    return done;
}
