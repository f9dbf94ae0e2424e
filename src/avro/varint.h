/* Zig-zag varints (Avro 1.12, "Binary Encoding: Primitive Types"), read from untrusted bytes. */
#ifndef WEIR_AVRO_VARINT_H
#define WEIR_AVRO_VARINT_H

#include <stddef.h>
#include <stdint.h>

/* Most bytes of a varint of 64 bits, and of 32. */
#define VARINT_LONG_MAX 10
#define VARINT_INT_MAX  5

static inline int64_t varint_unzigzag(uint64_t raw)
{
    return (int64_t)((raw >> 1) ^ (0 - (raw & 1)));
}

/* The first byte after the varint at p, and its value; NULL when there is no varint of 64 bits before end. */
static inline const uint8_t *varint_read(const uint8_t *p, const uint8_t *end, int64_t *value)
{
    if (p < end && *p < 0x80) {
        *value = varint_unzigzag(*p);
        return p + 1;
    }
    uint64_t raw = 0;
    for (unsigned shift = 0; p < end && shift < 64; p++, shift += 7) {
        uint64_t bits = *p & 0x7F;
        if (shift == 63 && bits > 1)
            return NULL;
        raw |= bits << shift;
        if (*p < 0x80) {
            *value = varint_unzigzag(raw);
            return p + 1;
        }
    }
    return NULL;
}

#endif
