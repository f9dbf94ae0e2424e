#include "avro/encode.h"

#include <string.h>

_Static_assert(sizeof(float) == 4 && sizeof(double) == 8, "Avro's float and double are IEEE 754");

bool encode_raw(struct weir_arena *out, struct weir_bytes raw)
{
    uint8_t *p = weir_arena_alloc(out, raw.len, 1);
    if (!p)
        return false;
    if (raw.len > 0)
        memcpy(p, raw.data, raw.len);
    return true;
}

bool encode_long(struct weir_arena *out, int64_t value)
{
    uint8_t bytes[ENCODE_LONG_MAX];
    return encode_raw(out, (struct weir_bytes){bytes, encode_long_to(bytes, value)});
}

/* n bytes of bits, the lowest first. */
static bool put_little_endian(struct weir_arena *out, uint64_t bits, size_t n)
{
    uint8_t *p = weir_arena_alloc(out, n, 1);
    for (size_t i = 0; p && i < n; i++)
        p[i] = (uint8_t)(bits >> (8 * i));
    return p != NULL;
}

bool encode_double(struct weir_arena *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return put_little_endian(out, bits, sizeof bits);
}

bool encode_float(struct weir_arena *out, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return put_little_endian(out, bits, sizeof bits);
}

bool encode_boolean(struct weir_arena *out, bool value)
{
    uint8_t byte = value;
    return encode_raw(out, (struct weir_bytes){&byte, 1});
}

bool encode_text(struct weir_arena *out, struct weir_bytes text)
{
    uint8_t len[ENCODE_LONG_MAX];
    size_t n = encode_long_to(len, (int64_t)text.len);
    uint8_t *p = text.len <= SIZE_MAX - n ? weir_arena_alloc(out, n + text.len, 1) : NULL;
    if (!p)
        return false;
    memcpy(p, len, n);
    if (text.len > 0)
        memcpy(p + n, text.data, text.len);
    return true;
}
