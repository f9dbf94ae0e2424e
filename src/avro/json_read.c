/* JSON against a schema, straight into Avro's binary encoding. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "avro/encode.h"
#include "avro/json_parts.h"

/* Most of a number that a reason shows. */
#define NUMBER_SHOWN 40

const char *const json_token_names[] = {"null", "a boolean", "a number", "a text", "an object", "an array"};

enum json_token json_token_at(const struct cursor *c)
{
    if (c->p == c->end)
        return JSON_TOKEN_NONE;
    switch (*c->p) {
    case 'n': return JSON_TOKEN_NULL;
    case 't':
    case 'f': return JSON_TOKEN_BOOLEAN;
    case '"': return JSON_TOKEN_TEXT;
    case '{': return JSON_TOKEN_OBJECT;
    case '[': return JSON_TOKEN_ARRAY;
    default: return (*c->p >= '0' && *c->p <= '9') || *c->p == '-' ? JSON_TOKEN_NUMBER : JSON_TOKEN_NONE;
    }
}

static bool fail_type(struct cursor *c, const struct weir_node *node, enum json_token token)
{
    if (token == JSON_TOKEN_NONE)
        return json_fail_syntax(c, "value");
    return cursor_fail(c, WEIR_CODE_WRONG_TYPE, c->p, "%s is no %s", json_token_names[token],
                       weir_type_name(node->type));
}

static bool written(struct cursor *c, bool done)
{
    return done || cursor_fail_full(c);
}

/* --- booleans and numbers --- */

static bool read_boolean(struct cursor *c, struct slot *slot)
{
    bool value = *c->p == 't';
    slot->kind = SLOT_BOOLEAN;
    slot->v.i = value;
    return json_skip_word(c, value ? "true" : "false") && written(c, encode_boolean(c->out, value));
}

size_t json_scan_number(struct cursor *c, struct number *number)
{
    size_t len = number_scan((struct weir_bytes){c->p, (size_t)(c->end - c->p)}, number);
    if (len == 0)
        json_fail_syntax(c, "value");
    return len;
}

static bool fail_number(struct cursor *c, struct weir_bytes text, enum number_fit fit, enum weir_type type)
{
    const char *dots = text.len > NUMBER_SHOWN ? "..." : "";
    int shown = text.len > NUMBER_SHOWN ? NUMBER_SHOWN : (int)text.len;
    return cursor_fail(c, WEIR_CODE_OUT_OF_RANGE, c->p, "%.*s%s is %s %s", shown, (const char *)text.data,
                       dots, fit == NUMBER_FRACTION ? "no" : "out of the range of", weir_type_name(type));
}

enum number_fit json_fit_number(const struct number *number, enum weir_type type, struct slot *slot)
{
    enum number_fit fit;
    float real = 0;
    slot->kind = type == WEIR_TYPE_INT || type == WEIR_TYPE_LONG ? SLOT_INTEGER : SLOT_REAL;
    switch (type) {
    case WEIR_TYPE_INT: return number_to_long(number, INT32_MIN, INT32_MAX, &slot->v.i);
    case WEIR_TYPE_LONG: return number_to_long(number, INT64_MIN, INT64_MAX, &slot->v.i);
    case WEIR_TYPE_DOUBLE: return number_to_double(number, &slot->v.d);
    default:
        fit = number_to_float(number, &real);
        slot->v.d = (double)real;
        return fit;
    }
}

static bool write_number(struct cursor *c, enum weir_type type, const struct slot *slot)
{
    if (slot->kind == SLOT_INTEGER)
        return written(c, encode_long(c->out, slot->v.i));
    return written(c, type == WEIR_TYPE_FLOAT ? encode_float(c->out, (float)slot->v.d)
                                              : encode_double(c->out, slot->v.d));
}

/* The number, of which text is how it is written; the cursor is left before it after a failure. */
static bool take_number(struct cursor *c, const struct number *number, struct weir_bytes text,
                        enum weir_type type, struct slot *slot)
{
    enum number_fit fit = json_fit_number(number, type, slot);
    return fit == NUMBER_FITS ? write_number(c, type, slot) : fail_number(c, text, fit, type);
}

static bool read_number(struct cursor *c, enum weir_type type, struct slot *slot)
{
    struct number number;
    size_t len = json_scan_number(c, &number);
    if (len == 0 || !take_number(c, &number, (struct weir_bytes){c->p, len}, type, slot))
        return false;
    c->p += len;
    return true;
}

bool json_spells_real(struct weir_bytes text, double *value)
{
    static const struct {
        const char *text;
        double value;
    } spelled[] = {{"NaN", NAN}, {"Infinity", INFINITY}, {"-Infinity", -INFINITY}};
    for (size_t i = 0; i < sizeof spelled / sizeof spelled[0]; i++) {
        if (!weir_bytes_equal(text, weir_bytes_of(spelled[i].text)))
            continue;
        *value = spelled[i].value;
        return true;
    }
    return false;
}

/* A text where a number is wanted. */
static bool read_spelled(struct json_reading *r, const struct weir_node *node, struct slot *slot)
{
    struct cursor *c = &r->c;
    const uint8_t *start = c->p;
    bool is_real = node->type == WEIR_TYPE_FLOAT || node->type == WEIR_TYPE_DOUBLE;
    struct json_span span;
    struct number number;
    if (!json_span_read(c, &span))
        return false;
    const uint8_t *end = c->p;
    c->p = start;
    if (is_real && json_spells_real(span.inside, &slot->v.d)) {
        slot->kind = SLOT_REAL;
        c->p = end;
        return write_number(c, node->type, slot);
    }
    if (r->reader->options.numbers != WEIR_NUMBERS_TEXT || span.inside.len == 0 ||
        number_scan(span.inside, &number) != span.inside.len)
        return fail_type(c, node, JSON_TOKEN_TEXT);
    if (!take_number(c, &number, span.inside, node->type, slot))
        return false;
    c->p = end;
    return true;
}

/* --- texts --- */

/* Its length stands before it, so a text with escapes is measured first. */
bool json_read_text(struct cursor *c, enum weir_type type, struct slot *slot)
{
    enum json_use use = type == WEIR_TYPE_STRING ? JSON_USE_STRING : JSON_USE_BYTES;
    struct json_span span;
    if (!json_span_read(c, &span))
        return false;
    slot->kind = type == WEIR_TYPE_STRING ? SLOT_TEXT : SLOT_BINARY;
    if (use == JSON_USE_STRING && !span.escaped) {
        if (!encode_text(c->out, span.inside))
            return cursor_fail_full(c);
        slot->v.text = (struct weir_bytes){c->out->base + c->out->used - span.inside.len, span.inside.len};
        return true;
    }
    struct weir_bytes measured;
    return json_span_decode(c, &span, use, false, &measured) &&
           written(c, encode_long(c->out, (int64_t)measured.len)) &&
           json_span_decode(c, &span, use, true, &slot->v.text);
}

static bool read_fixed(struct cursor *c, const struct weir_node *node, struct slot *slot)
{
    const uint8_t *start = c->p;
    struct json_span span;
    struct weir_bytes measured;
    slot->kind = SLOT_BINARY;
    if (!json_span_read(c, &span) || !json_span_decode(c, &span, JSON_USE_BYTES, false, &measured))
        return false;
    if (measured.len != node->size)
        return cursor_fail(c, WEIR_CODE_BAD_LENGTH, start, "%zu bytes where %s has %zu", measured.len,
                           node->name, node->size);
    return json_span_decode(c, &span, JSON_USE_BYTES, true, &slot->v.text);
}

bool json_read_name(struct cursor *c, struct weir_bytes *name)
{
    struct json_span span;
    if (!json_span_read(c, &span))
        return false;
    *name = span.inside;
    return !span.escaped || json_span_decode(c, &span, JSON_USE_STRING, true, name);
}

bool json_read_symbol(struct cursor *c, const struct json_names *symbols, int32_t *index)
{
    size_t used = c->out->used;
    struct weir_bytes name;
    if (!json_read_name(c, &name))
        return false;
    *index = json_find(symbols, name);
    c->out->used = used;
    return true;
}

static bool read_enum(struct cursor *c, const struct json_type *type, struct slot *slot)
{
    const uint8_t *start = c->p;
    int32_t index;
    if (!json_read_symbol(c, type->symbols, &index))
        return false;
    if (index < 0)
        return cursor_fail(c, WEIR_CODE_BAD_ENUM, start, "a text that is no symbol of %s", type->node->name);
    slot->kind = SLOT_SYMBOL;
    slot->v.i = index;
    return written(c, encode_long(c->out, index));
}

static bool read_string(struct json_reading *r, const struct json_type *type, struct slot *slot)
{
    switch (type->node->type) {
    case WEIR_TYPE_ENUM: return read_enum(&r->c, type, slot);
    case WEIR_TYPE_FIXED: return read_fixed(&r->c, type->node, slot);
    case WEIR_TYPE_STRING:
    case WEIR_TYPE_BYTES: return json_read_text(&r->c, type->node->type, slot);
    default: return read_spelled(r, type->node, slot);
    }
}

/* --- any value --- */

static bool is_fit(enum weir_type type, enum json_token token)
{
    bool is_number = type >= WEIR_TYPE_INT && type <= WEIR_TYPE_DOUBLE;
    switch (token) {
    case JSON_TOKEN_NULL: return type == WEIR_TYPE_NULL;
    case JSON_TOKEN_BOOLEAN: return type == WEIR_TYPE_BOOLEAN;
    case JSON_TOKEN_NUMBER: return is_number;
    case JSON_TOKEN_TEXT: return is_number || (type >= WEIR_TYPE_BYTES && type <= WEIR_TYPE_ENUM);
    case JSON_TOKEN_OBJECT: return type == WEIR_TYPE_RECORD || type == WEIR_TYPE_MAP;
    case JSON_TOKEN_ARRAY: return type == WEIR_TYPE_ARRAY;
    case JSON_TOKEN_NONE: break;
    }
    return false;
}

bool json_read_type(struct json_reading *r, const struct json_type *type, struct slot *slot)
{
    const struct weir_node *node = type->node;
    if (node->type == WEIR_TYPE_UNION)
        return json_read_union(r, type, slot);
    enum json_token token = json_token_at(&r->c);
    if (!is_fit(node->type, token))
        return fail_type(&r->c, node, token);
    switch (token) {
    case JSON_TOKEN_NULL: slot->kind = SLOT_NULL; return json_skip_word(&r->c, "null");
    case JSON_TOKEN_BOOLEAN: return read_boolean(&r->c, slot);
    case JSON_TOKEN_NUMBER: return read_number(&r->c, node->type, slot);
    case JSON_TOKEN_TEXT: return read_string(r, type, slot);
    default: break;
    }
    slot->kind = SLOT_NESTED;
    return node->type == WEIR_TYPE_RECORD ? json_read_record(r, type->record) : json_read_items(r, type);
}

/* Inline, since it is part of every record's reading. */
static inline void begin(struct json_reading *r, const struct json_reader *reader, struct weir_bytes text)
{
    r->reader = reader;
    r->rejects_unknown = reader->options.unknown == WEIR_UNKNOWN_REJECT;
    r->tries = text.len * JSON_TRIES_MAX;
    json_skip_space(&r->c);
}

static bool end(struct cursor *c, const char *what)
{
    json_skip_space(c);
    return c->p == c->end ||
           cursor_fail(c, WEIR_CODE_TRAILING_BYTES, c->p, "%td bytes after the %s", c->end - c->p, what);
}

bool json_read(const struct json_reader *reader, struct weir_bytes text, struct weir_arena *scratch,
               struct slot *slots, uint32_t *unknown, struct weir_reason *why)
{
    struct json_reading r = {.c = cursor_at(text, 0, scratch, why, true)};
    assert(reader->root.node->type == WEIR_TYPE_RECORD);
    *unknown = 0;
    begin(&r, reader, text);
    if (json_token_at(&r.c) != JSON_TOKEN_OBJECT)
        return json_fail_syntax(&r.c, "object");
    bool done = json_read_fields(&r, reader->root.record, slots) && end(&r.c, "object");
    *unknown = r.unknown;
    return done;
}

bool json_read_value(const struct json_reader *reader, struct weir_bytes text, struct weir_arena *out,
                     struct weir_bytes *avro, struct weir_reason *why)
{
    struct json_reading r = {.c = cursor_at(text, 0, out, why, true)};
    size_t used = out->used;
    struct slot nowhere;
    begin(&r, reader, text);
    if (!json_read_type(&r, &reader->root, &nowhere) || !end(&r.c, "value"))
        return false;
    *avro = (struct weir_bytes){out->base + used, out->used - used};
    return true;
}
