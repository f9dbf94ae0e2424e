/* Avro binary encoding of primitives (Avro 1.12, "Binary Encoding") at the end of an arena. */
#ifndef WEIR_AVRO_ENCODE_H
#define WEIR_AVRO_ENCODE_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/arena.h"
#include "weir/schema.h"

/* Longest zig-zag varint of 64 bits. */
#define ENCODE_LONG_MAX 10

/* Writes a zig-zag varint to p, which has ENCODE_LONG_MAX bytes; returns how many were written. Inline, since
 * it is much of what encoding does. */
static inline size_t encode_long_to(uint8_t *p, int64_t value)
{
    uint64_t rest = ((uint64_t)value << 1) ^ (0 - ((uint64_t)value >> 63));
    size_t n = 0;
    while (rest >= 0x80) {
        p[n++] = (uint8_t)(rest | 0x80);
        rest >>= 7;
    }
    p[n++] = (uint8_t)rest;
    return n;
}

/* Each appends to out without gap or alignment; false and nothing appended when it does not fit. */
bool encode_long(struct weir_arena *out, int64_t value);
bool encode_double(struct weir_arena *out, double value);
bool encode_float(struct weir_arena *out, float value);
bool encode_boolean(struct weir_arena *out, bool value);
bool encode_text(struct weir_arena *out,
                 struct weir_bytes text); /* string or bytes: length, then the bytes */
bool encode_raw(struct weir_arena *out, struct weir_bytes raw);

/*
 * Encodes a configuration's scalar as a value of type at the end of out: "true" as boolean, decimal numbers
 * within range, enum symbols, text as string or bytes; in a union the first branch that takes it (unquoted
 * null: the null branch). Fails with WEIR_ERR_CONFIG and a text such as "'abc' is not a value of type long".
 */
enum weir_err_code encode_scalar(const struct weir_node *type, const char *text, bool quoted,
                                 struct weir_arena *out, struct weir_err *err);

#endif
