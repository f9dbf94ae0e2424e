/*
 * Takes primitives from untrusted bytes (Avro 1.12, "Binary Encoding: Primitive Types"): each moves the
 * cursor past what it took, or fails it. Inline, since they are most of what decoding does.
 */
#ifndef WEIR_AVRO_TAKE_H
#define WEIR_AVRO_TAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "avro/cursor.h"
#include "avro/varint.h"

/* What the inline functions do when they fail: always false. */
bool take_fail_varint(struct cursor *c) __attribute__((cold, noinline));
bool take_fail_int(struct cursor *c, const uint8_t *start, int64_t value) __attribute__((cold, noinline));
bool take_fail_few(struct cursor *c, size_t n) __attribute__((cold, noinline));
bool take_fail_length(struct cursor *c, const uint8_t *start, int64_t len) __attribute__((cold, noinline));

static inline bool take_long(struct cursor *c, int64_t *value)
{
    const uint8_t *next = varint_read(c->p, c->end, value);
    if (!next)
        return take_fail_varint(c), false;
    c->p = next;
    return true;
}

static inline bool take_int(struct cursor *c, int64_t *value)
{
    const uint8_t *start = c->p;
    if (!take_long(c, value))
        return false;
    if (*value < INT32_MIN || *value > INT32_MAX || c->p - start > VARINT_INT_MAX)
        return take_fail_int(c, start, *value), false;
    return true;
}

/* n bytes that have no length before them. */
static inline bool take_fixed(struct cursor *c, size_t n, const uint8_t **bytes)
{
    if ((size_t)(c->end - c->p) < n)
        return take_fail_few(c, n), false;
    *bytes = c->p;
    c->p += n;
    return true;
}

/* Bytes with their length before them. */
static inline bool take_bytes(struct cursor *c, struct weir_bytes *bytes)
{
    const uint8_t *start = c->p;
    int64_t len;
    if (!take_long(c, &len))
        return false;
    /* Negative ones become larger than anything that can remain. */
    if ((uint64_t)len > (uint64_t)(c->end - c->p))
        return take_fail_length(c, start, len), false;
    *bytes = (struct weir_bytes){c->p, (size_t)len};
    c->p += len;
    return true;
}

/* 0 or 1, and nothing else. */
bool take_boolean(struct cursor *c, int64_t *value);

/* Bytes with their length before them that are UTF-8. */
bool take_text(struct cursor *c, struct weir_bytes *text);

static inline uint64_t take_load_8(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static inline uint32_t take_load_4(const uint8_t *p)
{
    uint32_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* True when none of the bytes is above 127. Words may overlap, which is cheaper than a loop over the rest. */
static inline bool take_is_ascii(const uint8_t *p, size_t len)
{
    uint64_t all = 0;
    if (len >= 8) {
        for (size_t i = 0; len - i > 8; i += 8)
            all |= take_load_8(p + i);
        all |= take_load_8(p + len - 8);
    } else if (len >= 4) {
        all = take_load_4(p) | take_load_4(p + len - 4);
    } else if (len > 0) {
        all = p[0] | p[len / 2] | p[len - 1];
    }
    return (all & UINT64_C(0x8080808080808080)) == 0;
}

#endif
