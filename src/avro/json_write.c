/* Avro binary as plain JSON. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "avro/json_parts.h"
#include "avro/number.h"
#include "avro/varint.h"

/* How deep a value is followed: what was read, and a default at its bottom. */
#define WRITE_DEPTH_MAX (WEIR_VALUE_DEPTH_MAX + WEIR_SCHEMA_DEPTH_MAX)

/* The value that is left to be written, and where it goes. */
struct writing {
    const uint8_t *p, *end;
    struct weir_arena *out;
    size_t depth; /* how much deeper a value may nest */
};

static bool write_value(struct writing *w, const struct weir_node *node);

static bool put(struct writing *w, const char *bytes, size_t len)
{
    uint8_t *to = weir_arena_alloc(w->out, len, 1);
    if (to)
        memcpy(to, bytes, len);
    return to != NULL;
}

static bool put_literal(struct writing *w, const char *text)
{
    return put(w, text, strlen(text));
}

static bool take_long(struct writing *w, int64_t *value)
{
    const uint8_t *next = varint_read(w->p, w->end, value);
    if (next)
        w->p = next;
    return next != NULL;
}

/* An index below n. */
static bool take_index(struct writing *w, size_t n, size_t *index)
{
    int64_t value;
    if (!take_long(w, &value) || value < 0 || (uint64_t)value >= n)
        return false;
    *index = (size_t)value;
    return true;
}

/* n bytes; NULL when they are not there. */
static const uint8_t *take(struct writing *w, size_t n)
{
    const uint8_t *bytes = w->p;
    if ((size_t)(w->end - w->p) < n)
        return NULL;
    w->p += n;
    return bytes;
}

static bool take_bytes(struct writing *w, struct weir_bytes *bytes)
{
    int64_t len;
    if (!take_long(w, &len) || len < 0 || len > w->end - w->p)
        return false;
    *bytes = (struct weir_bytes){take(w, (size_t)len), (size_t)len};
    return true;
}

/* --- values --- */

static bool write_boolean(struct writing *w)
{
    const uint8_t *byte = take(w, 1);
    return byte && put_literal(w, *byte ? "true" : "false");
}

static bool write_long(struct writing *w)
{
    char digits[NUMBER_PRINT_MAX];
    int64_t value;
    return take_long(w, &value) && put(w, digits, (size_t)snprintf(digits, sizeof digits, "%" PRId64, value));
}

static bool write_real(struct writing *w, bool is_float)
{
    char text[NUMBER_PRINT_MAX];
    const uint8_t *bytes = take(w, is_float ? sizeof(float) : sizeof(double));
    if (!bytes)
        return false;
    double value = is_float ? (double)slot_float(bytes) : slot_double(bytes);
    if (isnan(value))
        return put_literal(w, "\"NaN\"");
    if (isinf(value))
        return put_literal(w, value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    return put(w, text, is_float ? number_print_float(text, (float)value) : number_print_double(text, value));
}

static bool write_string(struct writing *w)
{
    struct weir_bytes text;
    return take_bytes(w, &text) && json_write_text(w->out, text);
}

/* A character per byte. */
static bool write_binary(struct writing *w, struct weir_bytes bytes)
{
    if (!put(w, "\"", 1))
        return false;
    for (size_t i = 0; i < bytes.len; i++)
        if (!json_write_character(w->out, bytes.data[i]))
            return false;
    return put(w, "\"", 1);
}

static bool write_bytes(struct writing *w)
{
    struct weir_bytes bytes;
    return take_bytes(w, &bytes) && write_binary(w, bytes);
}

static bool write_fixed(struct writing *w, const struct weir_node *node)
{
    const uint8_t *bytes = take(w, node->size);
    return bytes && write_binary(w, (struct weir_bytes){bytes, node->size});
}

static bool write_enum(struct writing *w, const struct weir_node *node)
{
    size_t index;
    return take_index(w, node->n, &index) && put(w, "\"", 1) && put_literal(w, node->symbols[index]) &&
           put(w, "\"", 1);
}

static bool write_union(struct writing *w, const struct weir_node *node)
{
    size_t index;
    return take_index(w, node->n, &index) && write_value(w, node->branches[index]);
}

/* Names need no escapes. */
static bool write_record(struct writing *w, const struct weir_node *node)
{
    if (!put(w, "{", 1))
        return false;
    for (size_t i = 0; i < node->n; i++) {
        const struct weir_field *field = &node->fields[i];
        if (!put_literal(w, i > 0 ? ",\"" : "\"") || !put_literal(w, field->name) || !put(w, "\":", 2) ||
            !write_value(w, field->type))
            return false;
    }
    return put(w, "}", 1);
}

/* The count that a block begins with; the size that may follow says nothing new. */
static bool take_count(struct writing *w, uint64_t *count)
{
    int64_t value, size;
    if (!take_long(w, &value) || (value < 0 && !take_long(w, &size)))
        return false;
    *count = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    return true;
}

/* An item of an array, or a key and a value of a map. */
static bool write_item(struct writing *w, const struct weir_node *node)
{
    if (node->type == WEIR_TYPE_MAP && !(write_string(w) && put(w, ":", 1)))
        return false;
    return write_value(w, node->items);
}

static bool write_blocks(struct writing *w, const struct weir_node *node)
{
    bool is_map = node->type == WEIR_TYPE_MAP;
    const char *between = "";
    uint64_t count;
    if (!put(w, is_map ? "{" : "[", 1))
        return false;
    for (;;) {
        if (!take_count(w, &count))
            return false;
        if (count == 0)
            return put(w, is_map ? "}" : "]", 1);
        for (; count > 0; count--) {
            if (!put_literal(w, between) || !write_item(w, node))
                return false;
            between = ",";
        }
    }
}

/* A value that contains others. */
static bool write_deep(struct writing *w, const struct weir_node *node)
{
    if (w->depth == 0)
        return false;
    w->depth--;
    bool done = node->type == WEIR_TYPE_RECORD ? write_record(w, node) : write_blocks(w, node);
    w->depth++;
    return done;
}

static bool write_value(struct writing *w, const struct weir_node *node)
{
    switch (node->type) {
    case WEIR_TYPE_NULL: return put_literal(w, "null");
    case WEIR_TYPE_BOOLEAN: return write_boolean(w);
    case WEIR_TYPE_INT:
    case WEIR_TYPE_LONG: return write_long(w);
    case WEIR_TYPE_FLOAT: return write_real(w, true);
    case WEIR_TYPE_DOUBLE: return write_real(w, false);
    case WEIR_TYPE_BYTES: return write_bytes(w);
    case WEIR_TYPE_STRING: return write_string(w);
    case WEIR_TYPE_FIXED: return write_fixed(w, node);
    case WEIR_TYPE_ENUM: return write_enum(w, node);
    case WEIR_TYPE_UNION: return write_union(w, node);
    case WEIR_TYPE_ARRAY:
    case WEIR_TYPE_MAP:
    case WEIR_TYPE_RECORD: return write_deep(w, node);
    }
    return false;
}

bool json_write(const struct weir_node *type, struct weir_bytes avro, struct weir_arena *out,
                struct weir_bytes *text)
{
    struct writing w = {avro.data, avro.data + avro.len, out, WRITE_DEPTH_MAX};
    size_t used = out->used;
    if (!write_value(&w, type) || w.p != w.end) {
        out->used = used;
        return false;
    }
    *text = (struct weir_bytes){out->base + used, out->used - used};
    return true;
}
