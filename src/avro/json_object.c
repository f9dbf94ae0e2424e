/* JSON objects as records. */
#include <string.h>

#include "avro/encode.h"
#include "avro/json_parts.h"

/* Where the fields of a record go: into slots if it is the outermost one, else only their bytes are noted. */
struct fields {
    const struct json_record *record;
    struct slot *slots;
    struct weir_bytes *places;
};

static struct weir_bytes *bytes_of(const struct fields *fields, size_t i)
{
    return fields->slots ? &fields->slots[i].raw : &fields->places[i];
}

/* --- names --- */

/* True, and past it, when the name at the cursor is that of the field after the last one: producers keep an
 * order. Not so for one with escapes, which only looks different. */
static bool name_is(struct cursor *c, const struct json_record *record, size_t guess)
{
    if (guess >= record->n)
        return false;
    struct weir_bytes name = record->fields[guess].name;
    if ((size_t)(c->end - c->p) < name.len + 2 || c->p[name.len + 1] != '"' ||
        memcmp(c->p + 1, name.data, name.len) != 0)
        return false;
    c->p += name.len + 2;
    return true;
}

/* Reads a member's name and the colon after it; *index is -1 for one that the record has not. */
static bool read_name(struct cursor *c, const struct json_record *record, size_t guess, int32_t *index)
{
    if (c->p == c->end || *c->p != '"')
        return json_fail_syntax(c, "name");
    if (name_is(c, record, guess))
        *index = (int32_t)guess;
    else if (!json_read_symbol(c, &record->names, index))
        return false;
    return json_skip_mark(c, ':', "colon");
}

/* --- members --- */

static bool read_field(struct json_reading *r, const struct fields *fields, size_t i)
{
    struct cursor *c = &r->c;
    struct weir_bytes *bytes = bytes_of(fields, i);
    struct slot nowhere, *slot = fields->slots ? &fields->slots[i] : &nowhere;
    size_t used = c->out->used;
    if (bytes->data)
        return cursor_fail(c, WEIR_CODE_DUPLICATE_FIELD, c->p, "the field stands twice");
    slot->at = (uint32_t)(c->p - c->begin);
    slot->defaulted = false;
    if (!json_read_type(r, &fields->record->fields[i].type, slot))
        return false;
    *bytes = (struct weir_bytes){c->out->base + used, c->out->used - used};
    return true;
}

/* One member of the object, whose name is at the cursor. */
static bool read_member(struct json_reading *r, const struct fields *fields, size_t *guess)
{
    struct cursor *c = &r->c;
    const uint8_t *start = c->p;
    int32_t index = -1;
    if (!read_name(c, fields->record, *guess, &index))
        return false;
    if (index >= 0) {
        *guess = (size_t)index + 1;
        return read_field(r, fields, (size_t)index) || cursor_fail_in(c, fields->record->fields[index].label);
    }
    if (r->rejects_unknown)
        return cursor_fail(c, WEIR_CODE_UNKNOWN_FIELD, start, "the schema has no such field");
    r->unknown++;
    return json_skip_value(c, 1);
}

static bool take_defaults(struct cursor *c, const struct fields *fields)
{
    for (size_t i = 0; i < fields->record->n; i++) {
        const struct json_field *field = &fields->record->fields[i];
        if (bytes_of(fields, i)->data)
            continue;
        if (!field->has_default) {
            cursor_explain(c, WEIR_CODE_MISSING_FIELD, c->p, "the field is missing, and has no default");
            c->why->byte_offset = -1;
            return cursor_fail_in(c, field->label);
        }
        if (fields->slots)
            fields->slots[i] = field->missing;
        else
            fields->places[i] = field->missing.raw;
    }
    return true;
}

static bool read_members(struct json_reading *r, const struct fields *fields)
{
    struct cursor *c = &r->c;
    size_t guess = 0;
    for (size_t i = 0; i < fields->record->n; i++)
        *bytes_of(fields, i) = WEIR_NO_BYTES;
    c->p++;
    json_skip_space(c);
    if (c->p < c->end && *c->p == '}') {
        c->p++;
        return take_defaults(c, fields);
    }
    for (;;) {
        json_skip_space(c);
        if (!read_member(r, fields, &guess))
            return false;
        json_skip_space(c);
        if (c->p == c->end || (*c->p != ',' && *c->p != '}'))
            return json_fail_syntax(c, "comma or brace");
        if (*c->p++ == '}')
            return take_defaults(c, fields);
    }
}

bool json_read_fields(struct json_reading *r, const struct json_record *record, struct slot *slots)
{
    r->c.depth--;
    return read_members(r, &(struct fields){record, slots, NULL});
}

/* --- records within others --- */

/*
 * Puts the fields, which lie from begin on as they came, into the schema's order: those that stand in it
 * already stay where they are, the others are written behind and then moved there.
 */
static bool put_in_order(struct cursor *c, const struct weir_bytes *places, size_t n, size_t begin)
{
    struct weir_arena *out = c->out;
    size_t i = 0;
    for (; i < n && (places[i].len == 0 || places[i].data == out->base + begin); i++)
        begin += places[i].len;
    size_t ordered = out->used;
    for (; i < n; i++)
        if (!encode_raw(out, places[i]))
            return cursor_fail_full(c);
    size_t len = out->used - ordered;
    memmove(out->base + begin, out->base + ordered, len);
    out->used = begin + len;
    return true;
}

bool json_read_record(struct json_reading *r, const struct json_record *record)
{
    struct cursor *c = &r->c;
    size_t cap = c->out->cap, begin = c->out->used;
    if (c->depth == 0)
        return json_fail_deep(c);
    struct fields fields = {record, NULL, NULL};
    fields.places = cursor_reserve(c->out, record->n, sizeof *fields.places, _Alignof(struct weir_bytes));
    if (!fields.places)
        return cursor_fail_full(c);
    c->depth--;
    if (!read_members(r, &fields) || !put_in_order(c, fields.places, record->n, begin))
        return false;
    c->depth++;
    c->out->cap = cap;
    return true;
}
