/*
 * What of an action depends on those within it. Types may contain themselves, so each property is taken for
 * granted first and then taken back round by round, until nothing changes. The actions within another were
 * mostly made after it, so the last made are looked at first and few rounds are needed.
 */
#include <stdint.h>
#include <string.h>

#include "avro/resolve_parts.h"
#include "base/least.h"

/* Rounds after which room that still grows is taken to grow without end: more than values nest without
 * going round. */
#define ROOM_ROUNDS 80

/* Most bytes of an enum's or a branch's index. */
#define INDEX_MAX 3

/* Looks at one action; true when something has changed. */
typedef bool look_fn(struct action *action);

static bool look_at_all(struct resolving *r, look_fn *look)
{
    bool changed = false;
    for (struct action *action = r->last; action; action = action->before)
        if (look(action))
            changed = true;
    return changed;
}

static bool is_items(const struct action *action)
{
    return action->op == ACTION_ARRAY || action->op == ACTION_MAP;
}

static bool is_union(const struct action *action)
{
    return action->op == ACTION_UNION || action->op == ACTION_TO_UNION;
}

/* --- which actions fail --- */

static bool fail(struct action *action, const struct action *cause, const char *place)
{
    action->failed = true;
    action->cause = cause;
    action->place = place;
    return true;
}

/* A union fails when all its branches do, if it has any: then what it holds and what is wanted are named. */
static bool look_for_failed_union(struct action *action)
{
    for (uint32_t i = 0; i < action->n; i++)
        if (!action->branches[i].action->failed)
            return false;
    if (action->n == 0)
        return false;
    return fail(action, action->op == ACTION_TO_UNION ? action->branches[0].action : NULL, NULL);
}

static bool look_for_failure(struct action *action)
{
    if (action->failed)
        return false;
    if (is_union(action))
        return look_for_failed_union(action);
    if (is_items(action))
        return action->items.action->failed && fail(action, action->items.action, "[]");
    for (uint32_t i = 0; action->op == ACTION_RECORD && i < action->n; i++)
        if (action->record.steps[i].action->failed)
            return fail(action, action->record.steps[i].action, action->record.steps[i].name);
    return false;
}

/* --- which keep the bytes, and which take every value --- */

/* True when a record has nothing of the field, neither at the writer's nor at the reader's. */
static bool is_empty(const struct action_step *step)
{
    return step->action->writer->least == 0 && step->slot >= 0 && step->action->reader->least == 0;
}

/* A default that is not all of no bytes. */
static bool adds_bytes(const struct action_record *record)
{
    for (uint32_t i = 0; i < record->n_defaults; i++)
        if (record->defaults[i].value.raw.len > 0)
            return true;
    return false;
}

static bool record_is_ordered(const struct action *action)
{
    int32_t last = -1;
    for (uint32_t i = 0; i < action->n; i++) {
        const struct action_step *step = &action->record.steps[i];
        if (step->slot < 0 || is_empty(step))
            continue;
        if (step->slot < last)
            return false;
        last = step->slot;
    }
    return true;
}

static bool record_is_same(const struct action *action)
{
    if (!action->reader)
        return true;
    if (!record_is_ordered(action) || adds_bytes(&action->record))
        return false;
    for (uint32_t i = 0; i < action->n; i++) {
        const struct action_step *step = &action->record.steps[i];
        bool skipped = step->slot < 0 && step->action->writer->least > 0;
        if (skipped || (step->slot >= 0 && !step->action->same))
            return false;
    }
    return true;
}

static bool record_is_total(const struct action *action)
{
    for (uint32_t i = 0; i < action->n; i++)
        if (!action->record.steps[i].action->total)
            return false;
    return true;
}

static bool union_is_same(const struct action *action)
{
    for (uint32_t i = 0; action->reader && i < action->n; i++) {
        const struct action_branch *branch = &action->branches[i];
        if (!branch->action->failed && (!branch->action->same || branch->index != (int32_t)i))
            return false;
    }
    return action->op == ACTION_UNION;
}

static bool union_is_total(const struct action *action)
{
    for (uint32_t i = 0; i < action->n; i++)
        if (action->branches[i].action->failed || !action->branches[i].action->total)
            return false;
    return true;
}

static bool look_at_bytes(struct action *action)
{
    bool same = action->same, total = action->total;
    if (action->failed)
        return false;
    if (is_union(action)) {
        action->same = same && union_is_same(action);
        action->total = total && union_is_total(action);
    } else if (is_items(action)) {
        action->same = same && action->items.action->same;
        action->total = total && action->items.action->total;
    } else if (action->op == ACTION_RECORD) {
        action->same = same && record_is_same(action);
        action->total = total && record_is_total(action);
    }
    return action->same != same || action->total != total;
}

/* --- how much room they take --- */

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Each bounded, so that no sum of them overflows. */
static struct resolve_room bounded(size_t fixed, size_t factor)
{
    return (struct resolve_room){least(fixed, RESOLVE_FIXED_MAX), least(factor, RESOLVE_FACTOR_MAX)};
}

/* Each item may add what one adds; how many there are depends on the bytes that there are. */
static struct resolve_room room_of_items(const struct action *action)
{
    struct resolve_room item = action->items.action->room;
    size_t width = action->items.least;
    if (width == 0)
        return bounded(item.fixed * RESOLVE_EMPTY_MAX, item.factor);
    return bounded(0, item.factor + (item.fixed + width - 1) / width);
}

static struct resolve_room room_of_union(const struct action *action)
{
    struct resolve_room room = {0, 1};
    for (uint32_t i = 0; i < action->n; i++) {
        room.fixed = most(room.fixed, action->branches[i].action->room.fixed);
        room.factor = most(room.factor, action->branches[i].action->room.factor);
    }
    return bounded(room.fixed + INDEX_MAX, room.factor);
}

static struct resolve_room room_of_record(const struct action *action)
{
    struct resolve_room room = {0, 1};
    for (uint32_t i = 0; i < action->n; i++) {
        const struct action_step *step = &action->record.steps[i];
        if (step->slot < 0)
            continue;
        room = bounded(room.fixed + step->action->room.fixed, most(room.factor, step->action->room.factor));
    }
    for (uint32_t i = 0; i < action->record.n_defaults; i++)
        room = bounded(room.fixed + action->record.defaults[i].value.raw.len, room.factor);
    return room;
}

static bool look_at_room(struct action *action)
{
    struct resolve_room room = action->room;
    if (room.factor == 0)
        room.factor = 1;
    if (!action->failed && !action->same) {
        if (is_union(action))
            room = room_of_union(action);
        else if (is_items(action))
            room = room_of_items(action);
        else if (action->op == ACTION_RECORD)
            room = room_of_record(action);
        else if (action->op == ACTION_ENUM)
            room.fixed = INDEX_MAX;
    }
    bool changed = room.fixed != action->room.fixed || room.factor != action->room.factor;
    action->room = room;
    return changed;
}

/* Bytes that hold the places of fields which stand in another order, while a value within is written. */
static bool look_at_ranges(struct action *action)
{
    size_t ranges = 0;
    if (action->failed || action->same)
        return false;
    for (uint32_t i = 0; is_union(action) && i < action->n; i++)
        ranges = most(ranges, action->branches[i].action->ranges);
    if (is_items(action))
        ranges = action->items.action->ranges;
    for (uint32_t i = 0; action->op == ACTION_RECORD && i < action->n; i++)
        ranges = most(ranges, action->record.steps[i].action->ranges);
    if (action->op == ACTION_RECORD && !action->ordered)
        ranges += (action->record.n_slots + 1) * sizeof(struct weir_bytes);
    ranges = least(ranges, RESOLVE_PLACES_MAX);
    bool changed = ranges != action->ranges;
    action->ranges = ranges;
    return changed;
}

/* True when round after round something has changed: a type contains itself. */
static bool goes_round(struct resolving *r, look_fn *look)
{
    for (int i = 0; i < ROOM_ROUNDS; i++)
        if (!look_at_all(r, look))
            return false;
    return true;
}

/* As deep as values nest, each time with the most places that a record has. */
static size_t endless_ranges(const struct resolving *r)
{
    size_t slots = 0;
    for (const struct action *action = r->last; action; action = action->before)
        if (action->op == ACTION_RECORD && !action->failed && !action->same && !action->ordered)
            slots = most(slots, action->record.n_slots + 1);
    return least(slots * sizeof(struct weir_bytes) * WEIR_VALUE_DEPTH_MAX, RESOLVE_PLACES_MAX);
}

static void settle_room(struct resolving *r, const struct action *root)
{
    struct resolution *resolution = r->resolution;
    bool endless = goes_round(r, look_at_room);
    resolution->growth = endless ? bounded(RESOLVE_ENDLESS_FIXED, RESOLVE_FACTOR_MAX) : root->room;
    resolution->room = resolution->growth;
    size_t ranges = goes_round(r, look_at_ranges) ? endless_ranges(r) : root->ranges;
    /* Fields that stand in another order are written twice. */
    if (ranges > 0)
        resolution->room = bounded(2 * resolution->growth.fixed, 2 * resolution->growth.factor);
    resolution->room.fixed += ranges;
}

/* --- records within others --- */

/* The defaults of the slots from first to last, one after the other. */
static bool join_defaults(struct resolving *r, const struct action_record *record, int32_t first,
                          int32_t last, struct weir_bytes *joined)
{
    size_t len = 0, at = 0;
    for (uint32_t i = 0; i < record->n_defaults; i++) {
        int32_t slot = (int32_t)record->defaults[i].slot;
        len += slot >= first && slot < last ? record->defaults[i].value.raw.len : 0;
    }
    uint8_t *bytes = len > 0 ? resolve_take(r, len) : NULL;
    for (uint32_t i = 0; bytes && i < record->n_defaults; i++) {
        int32_t slot = (int32_t)record->defaults[i].slot;
        struct weir_bytes raw = record->defaults[i].value.raw;
        if (slot < first || slot >= last || raw.len == 0)
            continue;
        memcpy(bytes + at, raw.data, raw.len);
        at += raw.len;
    }
    *joined = (struct weir_bytes){bytes, len};
    return bytes || len == 0;
}

static bool has_bytes(const struct action_step *step)
{
    return step->slot < 0 ? step->action->writer->least > 0 : !is_empty(step);
}

/* What an ordered record writes between its parts. */
static bool place_ordered(struct resolving *r, struct action_record *record, struct action_step *parts)
{
    int32_t next = 0;
    for (uint32_t i = 0; i < record->n_parts; i++) {
        if (parts[i].slot < 0)
            continue;
        if (!join_defaults(r, record, next, parts[i].slot, &parts[i].before))
            return false;
        next = parts[i].slot + 1;
    }
    return join_defaults(r, record, next, INT32_MAX, &record->tail);
}

/* Gives each of the reader's fields of which there are bytes its place. */
static bool place_unordered(struct resolving *r, struct action_record *record, struct action_step *parts)
{
    struct weir_bytes *places = resolve_take(r, record->n_slots * sizeof *places);
    struct action_step **part_of = resolve_take(r, record->n_slots * sizeof *part_of);
    const struct action_default **default_of = resolve_take(r, record->n_slots * sizeof *default_of);
    if (!places || !part_of || !default_of)
        return false;
    for (uint32_t i = 0; i < record->n_parts; i++)
        if (parts[i].slot >= 0)
            part_of[parts[i].slot] = &parts[i];
    for (uint32_t i = 0; i < record->n_defaults; i++)
        default_of[record->defaults[i].slot] = &record->defaults[i];
    for (uint32_t slot = 0; slot < record->n_slots; slot++) {
        const struct action_default *missing = default_of[slot];
        if (part_of[slot])
            part_of[slot]->place = record->n_places++;
        else if (missing && missing->value.raw.len > 0)
            places[record->n_places++] = missing->value.raw;
    }
    record->places = places;
    return true;
}

static bool make_parts(struct resolving *r, struct action *action)
{
    struct action_record *record = &action->record;
    struct action_step *parts = resolve_take(r, action->n * sizeof *parts);
    if (!parts)
        return false;
    record->parts = parts;
    for (uint32_t i = 0; i < action->n; i++)
        if (has_bytes(&record->steps[i]))
            parts[record->n_parts++] = record->steps[i];
    /* One that is skipped, or stays as it is, is only walked through. */
    if (!action->reader || action->same)
        return true;
    return action->ordered ? place_ordered(r, record, parts) : place_unordered(r, record, parts);
}

/* Items that need not be looked at one by one. */
static void look_for_flat(struct action *action)
{
    struct action_items *items = &action->items;
    const struct action *item = items->action;
    size_t width = item->writer->least;
    bool any_bytes = item->op == ACTION_FLOAT || item->op == ACTION_DOUBLE || item->op == ACTION_FIXED;
    items->flat = action->op == ACTION_ARRAY && item->same && (any_bytes || width == 0);
    items->width = width;
}

static bool finish(struct resolving *r)
{
    for (struct action *action = r->last; action; action = action->before) {
        if (action->failed)
            continue;
        if (is_items(action))
            look_for_flat(action);
        if (action->op == ACTION_RECORD && !make_parts(r, action))
            return false;
    }
    return true;
}

bool resolve_settle(struct resolving *r)
{
    while (look_at_all(r, look_for_failure)) {
    }
    if (r->resolution->root->failed)
        return true;
    for (struct action *action = r->last; action; action = action->before)
        action->ordered = action->op == ACTION_RECORD && action->reader && record_is_ordered(action);
    while (look_at_all(r, look_at_bytes)) {
    }
    settle_room(r, r->resolution->root);
    return finish(r);
}
