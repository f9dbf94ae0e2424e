/*
 * Runs a resolution over untrusted bytes. How deep it recurses is bounded by the writer's schema
 * (WEIR_SCHEMA_DEPTH_MAX), and so is the work per byte, since a schema may not ask for more than
 * WEIR_SCHEMA_FIELDS_MAX fields however often its types are used.
 */
#include "avro/decode.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "avro/cursor.h"
#include "avro/encode.h"
#include "avro/program.h"
#include "avro/varint.h"

static bool run(struct cursor *c, const struct action *action, struct slot *slot, bool write);

/* Tells why varint_read found none. */
static bool fail_varint(struct cursor *c) __attribute__((cold, noinline));

static bool fail_varint(struct cursor *c)
{
    ptrdiff_t left = c->end - c->p, n = 0;
    while (n < left && n < VARINT_LONG_MAX && c->p[n] >= 0x80)
        n++;
    if (n == VARINT_LONG_MAX)
        return cursor_fail(c, WEIR_CODE_BAD_LENGTH, c->p, "an integer of more than %d bytes",
                           VARINT_LONG_MAX);
    if (n == left)
        return cursor_fail(c, WEIR_CODE_TRUNCATED, c->p, "an integer ends after %td bytes", left);
    return cursor_fail(c, WEIR_CODE_OUT_OF_RANGE, c->p, "an integer of more than 64 bits");
}

/* --- primitives --- */

static inline bool read_long(struct cursor *c, int64_t *value)
{
    const uint8_t *next = varint_read(c->p, c->end, value);
    if (!next)
        return fail_varint(c), false;
    c->p = next;
    return true;
}

static bool read_int(struct cursor *c, int64_t *value)
{
    const uint8_t *start = c->p;
    if (!read_long(c, value))
        return false;
    if (*value < INT32_MIN || *value > INT32_MAX)
        return cursor_fail(c, WEIR_CODE_OUT_OF_RANGE, start, "%" PRId64 " is not an int", *value);
    if (c->p - start > VARINT_INT_MAX)
        return cursor_fail(c, WEIR_CODE_BAD_LENGTH, start, "an int of %td bytes", c->p - start);
    return true;
}

/* n bytes that have no length before them. */
static bool read_fixed(struct cursor *c, size_t n, const uint8_t **bytes)
{
    if ((size_t)(c->end - c->p) < n)
        return cursor_fail(c, WEIR_CODE_TRUNCATED, c->p, "%zu bytes are needed, but %td remain", n,
                           c->end - c->p);
    *bytes = c->p;
    c->p += n;
    return true;
}

static bool read_boolean(struct cursor *c, int64_t *value)
{
    const uint8_t *byte;
    if (!read_fixed(c, 1, &byte))
        return false;
    if (*byte > 1)
        return cursor_fail(c, WEIR_CODE_BAD_BOOLEAN, byte, "a boolean of value %u", *byte);
    *value = *byte;
    return true;
}

static bool fail_length(struct cursor *c, const uint8_t *start, int64_t len)
{
    if (len < 0)
        return cursor_fail(c, WEIR_CODE_BAD_LENGTH, start, "length %" PRId64, len);
    return cursor_fail(c, WEIR_CODE_TRUNCATED, start, "length %" PRId64 ", but %td bytes remain", len,
                       c->end - c->p);
}

static inline bool read_bytes(struct cursor *c, struct weir_bytes *bytes)
{
    const uint8_t *start = c->p;
    int64_t len;
    if (!read_long(c, &len))
        return false;
    /* Negative ones become larger than anything that can remain. */
    if ((uint64_t)len > (uint64_t)(c->end - c->p))
        return fail_length(c, start, len);
    *bytes = (struct weir_bytes){c->p, (size_t)len};
    c->p += len;
    return true;
}

static inline uint64_t load_8(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static inline uint32_t load_4(const uint8_t *p)
{
    uint32_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* True when none of the bytes is above 127. Words may overlap, which is cheaper than a loop over the rest. */
static inline bool is_ascii(const uint8_t *p, size_t len)
{
    uint64_t all = 0;
    if (len >= 8) {
        for (size_t i = 0; len - i > 8; i += 8)
            all |= load_8(p + i);
        all |= load_8(p + len - 8);
    } else if (len >= 4) {
        all = load_4(p) | load_4(p + len - 4);
    } else if (len > 0) {
        all = p[0] | p[len / 2] | p[len - 1];
    }
    return (all & UINT64_C(0x8080808080808080)) == 0;
}

static inline bool read_text(struct cursor *c, struct weir_bytes *text)
{
    size_t bad;
    if (!read_bytes(c, text))
        return false;
    if (is_ascii(text->data, text->len) || weir_utf8_valid(*text, &bad))
        return true;
    return cursor_fail(c, WEIR_CODE_BAD_UTF8, text->data + bad,
                       "byte %zu of a text of %zu bytes is not UTF-8", bad, text->len);
}

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
    if (!read_int(c, &index))
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
    return run(c, branch->action, slot, write);
}

static bool run_union(struct cursor *c, const struct action *action, struct slot *slot, bool write)
{
    const uint8_t *start = c->p;
    int64_t index;
    if (!read_long(c, &index))
        return false;
    if (index < 0 || index >= action->n)
        return cursor_fail(c, WEIR_CODE_BAD_UNION_BRANCH, start, "branch %" PRId64 " of %" PRIu32, index,
                           action->n);
    const struct action_branch *branch = &action->branches[index];
    if (branch->action->op == ACTION_REFUSE)
        return cursor_fail(c, WEIR_CODE_BAD_UNION_BRANCH, start,
                           "the reader cannot read the writer's branch %" PRId64, index);
    return run_branch(c, branch, slot, write);
}

/* --- nested record --- */

/* Reads the fields in the writer's order, notes where those are that the reader has (ranges may be NULL). */
static bool walk_record(struct cursor *c, const struct action *action, struct action_range *ranges)
{
    for (uint32_t i = 0; i < action->n; i++) {
        const struct action_step *step = &action->record.steps[i];
        const uint8_t *start = c->p;
        struct slot nowhere;
        if (!run(c, step->action, &nowhere, false))
            return cursor_fail_in(c, step->path);
        if (ranges && step->slot >= 0)
            ranges[step->slot] = (struct action_range){{start, (size_t)(c->p - start)},
                                                       step->action->same ? NULL : step->action};
    }
    return true;
}

/* Writes one field from where it was found. */
static bool write_range(struct cursor *c, const struct action_range *range)
{
    if (!range->action)
        return written(c, encode_raw(c->out, range->bytes));
    const uint8_t *p = c->p;
    struct slot nowhere;
    c->p = range->bytes.data;
    bool done = run(c, range->action, &nowhere, true);
    c->p = p;
    return done;
}

/* The reader's order is not the writer's: finds all fields first, then writes them. A nested record within is
 * walked once more for each level around it, of which there are at most WEIR_SCHEMA_DEPTH_MAX. */
static bool rewrite_record(struct cursor *c, const struct action *action)
{
    size_t cap = c->out->cap;
    struct action_range *ranges =
        cursor_reserve(c->out, action->record.n_slots, sizeof *ranges, _Alignof(struct action_range));
    if (!ranges)
        return cursor_fail_full(c);
    for (uint32_t i = 0; i < action->record.n_defaults; i++) {
        const struct action_default *missing = &action->record.defaults[i];
        ranges[missing->slot] = (struct action_range){missing->value.raw, NULL};
    }
    if (!walk_record(c, action, ranges))
        return false;
    for (uint32_t i = 0; i < action->record.n_slots; i++)
        if (!write_range(c, &ranges[i]))
            return false;
    c->out->cap = cap;
    return true;
}

static bool run_record(struct cursor *c, const struct action *action, struct slot *slot, bool write)
{
    slot->kind = SLOT_NESTED;
    return write ? rewrite_record(c, action) : walk_record(c, action, NULL);
}

/* --- any value --- */

static bool run_integer(struct cursor *c, const struct action *action, struct slot *slot, bool write)
{
    int64_t value;
    bool is_int =
        action->op == ACTION_INT || action->op == ACTION_INT_TO_FLOAT || action->op == ACTION_INT_TO_DOUBLE;
    if (!(is_int ? read_int(c, &value) : read_long(c, &value)))
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
    if (!read_fixed(c, action->op == ACTION_DOUBLE ? sizeof(double) : sizeof(float), &bytes))
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
    return action->op == ACTION_BYTES ? read_bytes(c, &slot->v.text) : read_text(c, &slot->v.text);
}

/* Reads one value of the writer's: kind and v of the slot are set, raw is not; with write, the reader's
 * encoding is added to out. */
static bool run(struct cursor *c, const struct action *action, struct slot *slot, bool write)
{
    if (write && action->same) {
        const uint8_t *start = c->p;
        return run(c, action, slot, false) && write_copy(c, start);
    }
    switch ((enum action_op)action->op) {
    case ACTION_NULL: slot->kind = SLOT_NULL; return true;
    case ACTION_BOOLEAN: slot->kind = SLOT_BOOLEAN; return read_boolean(c, &slot->v.i);
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
    case ACTION_ENUM: return run_enum(c, action, slot, write);
    case ACTION_UNION: return run_union(c, action, slot, write);
    case ACTION_TO_UNION: return run_branch(c, action->branches, slot, write);
    case ACTION_RECORD: return run_record(c, action, slot, write);
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
    if (len >= (size_t)(end - p) || !is_ascii(p + 1, len))
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
    if (!run(c, action, slot, !action->same))
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
                return cursor_fail_in(c, step->path);
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
    for (uint32_t i = 0; i < root->record.n_defaults; i++)
        slots[root->record.defaults[i].slot] = root->record.defaults[i].value;
    return read_fields(&c, root, slots) && at_end(&c);
}

bool decode_rewrite(const struct resolution *resolution, struct weir_bytes in, struct weir_arena *out,
                    struct weir_reason *why)
{
    struct cursor c = cursor_at(in, 0, out, why, false);
    struct slot nowhere;
    if (run(&c, resolution->root, &nowhere, true) && at_end(&c))
        return true;
    /* Nothing may be left in out, so the text is one that needs no room. */
    why->text = weir_bytes_of("the value is none that the output's type can hold");
    return false;
}
