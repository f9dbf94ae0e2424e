/*
 * Runs a resolution over untrusted bytes. How deep it recurses is bounded by WEIR_VALUE_DEPTH_MAX; and so is
 * the work: each value that is looked at has bytes of its own, but for the items that RESOLVE_EMPTY_MAX
 * bounds, and what is written beyond them is bounded by the scratch.
 */
#include "avro/decode.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "avro/decode_parts.h"
#include "avro/encode.h"
#include "avro/take.h"

/* --- what is written --- */

static bool written(struct cursor *c, bool done)
{
    return done || cursor_fail_full(c);
}

static bool write_copy(struct cursor *c, const uint8_t *start)
{
    return written(c, encode_raw(c->out, (struct weir_bytes){start, (size_t)(c->p - start)}));
}

static bool set_float(struct cursor *c, struct slot *slot, float value, bool write)
{
    slot->kind = SLOT_REAL;
    slot->v.d = (double)value;
    return !write || written(c, encode_float(c->out, value));
}

static bool set_double(struct cursor *c, struct slot *slot, double value, bool write)
{
    slot->kind = SLOT_REAL;
    slot->v.d = value;
    return !write || written(c, encode_double(c->out, value));
}

/* --- enum and union --- */

static bool run_enum(struct cursor *c, const struct action *action, struct slot *slot, bool write)
{
    const uint8_t *start = c->p;
    int64_t index;
    if (!take_int(c, &index))
        return false;
    if (index < 0 || index >= action->n)
        return cursor_fail(c, WEIR_CODE_BAD_ENUM, start, "symbol %" PRId64 " of %" PRIu32, index, action->n);
    slot->kind = SLOT_SYMBOL;
    slot->v.i = action->symbols[index];
    if (slot->v.i < 0)
        return cursor_fail(c, WEIR_CODE_BAD_ENUM, start,
                           "the reader has no symbol for the writer's symbol %" PRId64, index);
    return !write || written(c, encode_long(c->out, slot->v.i));
}

static bool run_branch(struct cursor *c, const struct action_branch *branch, struct slot *slot, bool write)
{
    if (write && branch->index >= 0 && !encode_long(c->out, branch->index))
        return cursor_fail_full(c);
    return decode_value(c, branch->action, slot, write);
}

static bool run_union(struct cursor *c, const struct action *action, struct slot *slot, bool write)
{
    const uint8_t *start = c->p;
    int64_t index;
    if (!take_long(c, &index))
        return false;
    if (index < 0 || index >= action->n)
        return cursor_fail(c, WEIR_CODE_BAD_UNION_BRANCH, start, "branch %" PRId64 " of %" PRIu32, index,
                           action->n);
    const struct action_branch *branch = &action->branches[index];
    if (branch->action->failed)
        return cursor_fail(c, WEIR_CODE_BAD_UNION_BRANCH, start,
                           "the reader cannot read the writer's branch %" PRId64, index);
    return run_branch(c, branch, slot, write);
}

/* --- any value --- */

static bool run_integer(struct cursor *c, const struct action *action, struct slot *slot, bool write)
{
    int64_t value;
    bool is_int =
        action->op == ACTION_INT || action->op == ACTION_INT_TO_FLOAT || action->op == ACTION_INT_TO_DOUBLE;
    if (!(is_int ? take_int(c, &value) : take_long(c, &value)))
        return false;
    if (action->op == ACTION_INT_TO_FLOAT || action->op == ACTION_LONG_TO_FLOAT)
        return set_float(c, slot, (float)value, write);
    if (action->op == ACTION_INT_TO_DOUBLE || action->op == ACTION_LONG_TO_DOUBLE)
        return set_double(c, slot, (double)value, write);
    slot->kind = SLOT_INTEGER;
    slot->v.i = value;
    return true;
}

static bool run_real(struct cursor *c, const struct action *action, struct slot *slot, bool write)
{
    const uint8_t *bytes;
    if (!take_fixed(c, action->op == ACTION_DOUBLE ? sizeof(double) : sizeof(float), &bytes))
        return false;
    if (action->op == ACTION_FLOAT)
        return set_float(c, slot, slot_float(bytes), write);
    double value = action->op == ACTION_DOUBLE ? slot_double(bytes) : (double)slot_float(bytes);
    return set_double(c, slot, value, write);
}

static bool run_bytes(struct cursor *c, const struct action *action, struct slot *slot)
{
    bool to_text = action->op == ACTION_STRING || action->op == ACTION_BYTES_TO_STRING;
    slot->kind = to_text ? SLOT_TEXT : SLOT_BINARY;
    return action->op == ACTION_BYTES ? take_bytes(c, &slot->v.text) : take_text(c, &slot->v.text);
}

static bool run_fixed(struct cursor *c, const struct action *action, struct slot *slot)
{
    const uint8_t *bytes;
    if (!take_fixed(c, action->size, &bytes))
        return false;
    slot->kind = SLOT_BINARY;
    slot->v.text = (struct weir_bytes){bytes, action->size};
    return true;
}

bool decode_value(struct cursor *c, const struct action *action, struct slot *slot, bool write)
{
    if (write && action->same) {
        const uint8_t *start = c->p;
        return decode_value(c, action, slot, false) && write_copy(c, start);
    }
    switch ((enum action_op)action->op) {
    case ACTION_NULL: slot->kind = SLOT_NULL; return true;
    case ACTION_BOOLEAN: slot->kind = SLOT_BOOLEAN; return take_boolean(c, &slot->v.i);
    case ACTION_INT:
    case ACTION_LONG:
    case ACTION_INT_TO_FLOAT:
    case ACTION_INT_TO_DOUBLE:
    case ACTION_LONG_TO_FLOAT:
    case ACTION_LONG_TO_DOUBLE: return run_integer(c, action, slot, write);
    case ACTION_FLOAT:
    case ACTION_DOUBLE:
    case ACTION_FLOAT_TO_DOUBLE: return run_real(c, action, slot, write);
    case ACTION_BYTES:
    case ACTION_STRING:
    case ACTION_STRING_TO_BYTES:
    case ACTION_BYTES_TO_STRING: return run_bytes(c, action, slot);
    case ACTION_FIXED: return run_fixed(c, action, slot);
    case ACTION_ENUM: return run_enum(c, action, slot, write);
    case ACTION_UNION: return run_union(c, action, slot, write);
    case ACTION_TO_UNION: return run_branch(c, action->branches, slot, write);
    case ACTION_ARRAY:
    case ACTION_MAP: slot->kind = SLOT_NESTED; return decode_blocks(c, action, write);
    case ACTION_RECORD: slot->kind = SLOT_NESTED; return decode_nested(c, action, write);
    case ACTION_REFUSE: break;
    }
    assert(!"refused branches are found in run_union");
    return false;
}

/* --- the two doors --- */

/*
 * The text at p if it is short, whole and ASCII, as most of what is read is; the byte after it. NULL: it must
 * be looked at with more care, which also finds what is wrong with it.
 */
static inline const uint8_t *quick_text(const uint8_t *p, const uint8_t *end, struct slot *slot)
{
    if (p == end || (*p & 0x81))
        return NULL;
    size_t len = *p / 2;
    if (len >= (size_t)(end - p) || !take_is_ascii(p + 1, len))
        return NULL;
    slot->kind = SLOT_TEXT;
    slot->v.text = (struct weir_bytes){p + 1, len};
    slot->raw = (struct weir_bytes){p, len + 1};
    return p + 1 + len;
}

/* A field of the outermost record, into its slot. */
static bool read_field(struct cursor *c, const struct action *action, struct slot *slot)
{
    const uint8_t *start = c->p;
    size_t used = c->out->used;
    if (!decode_value(c, action, slot, !action->same))
        return false;
    if (action->same)
        slot->raw = (struct weir_bytes){start, (size_t)(c->p - start)};
    else
        slot->raw = (struct weir_bytes){c->out->base + used, c->out->used - used};
    return true;
}

/* The fields of the outermost record, in the writer's order. */
static bool read_fields(struct cursor *c, const struct action *root, struct slot *slots)
{
    const struct action_step *step = root->record.steps, *last = step + root->n;
    const uint8_t *p = c->p, *end = c->end;
    uint32_t at = (uint32_t)c->base;
    struct slot nowhere;
    for (; step < last; step++) {
        struct slot *slot = step->slot < 0 ? &nowhere : &slots[step->slot];
        slot->at = at + (uint32_t)(p - c->begin);
        slot->defaulted = false;
        const uint8_t *next = step->action->op == ACTION_STRING ? quick_text(p, end, slot) : NULL;
        if (!next) {
            c->p = p;
            if (!read_field(c, step->action, slot))
                return cursor_fail_in(c, step->name);
            next = c->p;
        }
        p = next;
    }
    c->p = p;
    return true;
}

static bool at_end(struct cursor *c)
{
    return c->p == c->end ||
           cursor_fail(c, WEIR_CODE_TRAILING_BYTES, c->p, "%td bytes after the last field", c->end - c->p);
}

bool decode_record(const struct resolution *resolution, struct weir_bytes in, size_t base,
                   struct weir_arena *scratch, struct slot *slots, struct weir_reason *why)
{
    const struct action *root = resolution->root;
    struct cursor c = cursor_at(in, base, scratch, why, true);
    assert(root->op == ACTION_RECORD);
    c.depth--;
    for (uint32_t i = 0; i < root->record.n_defaults; i++)
        slots[root->record.defaults[i].slot] = root->record.defaults[i].value;
    return read_fields(&c, root, slots) && at_end(&c);
}

bool decode_any(const struct resolution *resolution, struct weir_bytes in, struct weir_arena *out,
                struct weir_reason *why)
{
    struct cursor c = cursor_at(in, 0, out, why, true);
    struct slot nowhere;
    return decode_value(&c, resolution->root, &nowhere, true) && at_end(&c);
}

bool decode_rewrite(const struct resolution *resolution, struct weir_bytes in, struct weir_arena *out,
                    struct weir_reason *why)
{
    struct cursor c = cursor_at(in, 0, out, why, false);
    struct slot nowhere;
    if (decode_value(&c, resolution->root, &nowhere, true) && at_end(&c))
        return true;
    /* Nothing may be left in out, so the text is one that needs no room. */
    why->text = weir_bytes_of("the value is none that the output's type can hold");
    return false;
}
