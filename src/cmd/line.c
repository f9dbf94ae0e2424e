#include "cmd/line.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "avro/encode.h"
#include "avro/json.h"

/* Longest decimal of 64 bits with its sign and its NUL. */
#define DECIMAL_MAX 21
/* What the line's buffer begins with, and is doubled from. */
#define LINE_ROOM ((size_t)64 * 1024)
/* No line is longer, since no record is. */
#define LINE_ROOM_MAX ((size_t)1 << 32)

/* --- parts of a line; each is false when the arena is full --- */

static bool put_plain(struct weir_arena *line, const char *text)
{
    return encode_raw(line, weir_bytes_of(text));
}

static bool put_name(struct weir_arena *line, const char *name)
{
    return put_plain(line, line->used > 1 ? ",\"" : "\"") && put_plain(line, name) && put_plain(line, "\":");
}

/* A text, or null where there is none. */
static bool put_text(struct weir_arena *line, const char *name, struct weir_bytes text)
{
    return put_name(line, name) && (text.data ? json_write_text(line, text) : put_plain(line, "null"));
}

static bool put_offset(struct weir_arena *line, const struct weir_outcome *outcome)
{
    char decimal[DECIMAL_MAX];
    (void)snprintf(decimal, sizeof decimal, "%" PRId64, outcome->why.byte_offset);
    return put_name(line, "byte_offset") && put_plain(line, outcome->why.byte_offset >= 0 ? decimal : "null");
}

static bool put_defaulted(struct weir_arena *line, const struct weir_node *reader, uint64_t defaulted)
{
    bool fits = put_name(line, "defaulted") && put_plain(line, "[");
    const char *separator = "";
    for (size_t i = 0; fits && i < reader->n && i < 64; i++) {
        if (!(defaulted >> i & 1))
            continue;
        fits = put_plain(line, separator) && json_write_text(line, weir_bytes_of(reader->fields[i].name));
        separator = ",";
    }
    return fits && put_plain(line, "]");
}

static bool put_unknown(struct weir_arena *line, const struct weir_outcome *outcome)
{
    char decimal[DECIMAL_MAX];
    (void)snprintf(decimal, sizeof decimal, "%" PRIu32, outcome->unknown_fields);
    return put_name(line, "unknown_fields") && put_plain(line, decimal);
}

static bool put_output(struct weir_arena *line, const struct line_form *form, struct weir_bytes value)
{
    struct weir_bytes written;
    if (!put_name(line, "output"))
        return false;
    if (!value.data)
        return put_plain(line, "null");
    if (form->is_json)
        return encode_raw(line, value);
    struct weir_bytes avro = {value.data + form->prefix, value.len - form->prefix};
    return json_write(form->output, avro, line, &written);
}

static bool put_hex(struct weir_arena *line, struct weir_bytes value)
{
    static const char digits[] = "0123456789abcdef";
    if (!put_name(line, "output_hex"))
        return false;
    if (!value.data)
        return put_plain(line, "null");
    uint8_t *p = weir_arena_alloc(line, value.len * 2 + 2, 1);
    if (!p)
        return false;
    *p++ = '"';
    for (size_t i = 0; i < value.len; i++) {
        *p++ = (uint8_t)digits[value.data[i] >> 4];
        *p++ = (uint8_t)digits[value.data[i] & 15];
    }
    *p = '"';
    return true;
}

static struct weir_bytes code_text(enum weir_code code)
{
    return code == WEIR_CODE_NONE ? WEIR_NO_BYTES : weir_bytes_of(weir_code_name(code));
}

static bool put_outcome(struct weir_arena *line, const struct line_form *form,
                        const struct weir_outcome *outcome)
{
    return put_plain(line, "{") &&
           put_text(line, "verdict", weir_bytes_of(weir_verdict_name(outcome->verdict))) &&
           put_text(line, "code", code_text(outcome->why.code)) &&
           put_text(line, "message", outcome->why.text) &&
           put_text(line, "field", weir_bytes_of(outcome->why.field)) && put_offset(line, outcome) &&
           put_text(line, "rule", weir_bytes_of(outcome->why.rule)) &&
           put_defaulted(line, form->reader, outcome->defaulted) && put_unknown(line, outcome) &&
           put_text(line, "route_key", outcome->route_key) && put_output(line, form, outcome->value) &&
           put_hex(line, outcome->value) && put_plain(line, "}");
}

/* --- the whole --- */

static enum weir_err_code no_memory(struct weir_err *err)
{
    return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for trying records");
}

enum weir_err_code line_need(struct line_buffer *buffer, size_t cap, struct weir_err *err)
{
    if (cap <= buffer->cap)
        return WEIR_OK;
    uint8_t *memory = realloc(buffer->memory, cap);
    if (!memory)
        return no_memory(err);
    *buffer = (struct line_buffer){memory, cap};
    return WEIR_OK;
}

enum weir_err_code line_write(struct line_buffer *buffer, const struct line_form *form,
                              const struct weir_outcome *outcome, struct weir_bytes *text,
                              struct weir_err *err)
{
    size_t cap = buffer->cap ? buffer->cap : LINE_ROOM;
    for (; cap <= LINE_ROOM_MAX; cap *= 2) {
        struct weir_arena line;
        enum weir_err_code code = line_need(buffer, cap, err);
        if (code != WEIR_OK)
            return code;
        weir_arena_init(&line, buffer->memory, buffer->cap);
        if (put_outcome(&line, form, outcome)) {
            *text = (struct weir_bytes){line.base, line.used};
            return WEIR_OK;
        }
    }
    return no_memory(err);
}
