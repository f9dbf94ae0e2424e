#include "core/route.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

#define MURMUR2_SEED  UINT32_C(0x9747b28c)
#define MURMUR2_M     UINT32_C(0x5bd1e995)
#define MURMUR2_R     24
#define SIGN_BIT_MASK UINT32_C(0x7fffffff)

static uint32_t little_endian(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The last one to three bytes, which do not fill a word. */
static uint32_t mix_tail(uint32_t hash, const uint8_t *tail, size_t len)
{
    if (len == 0)
        return hash;
    if (len == 3)
        hash ^= (uint32_t)tail[2] << 16;
    if (len >= 2)
        hash ^= (uint32_t)tail[1] << 8;
    return (hash ^ tail[0]) * MURMUR2_M;
}

uint32_t route_murmur2(struct weir_bytes key)
{
    uint32_t hash = MURMUR2_SEED ^ (uint32_t)key.len;
    size_t whole = key.len & ~(size_t)3;
    for (size_t i = 0; i < whole; i += 4) {
        uint32_t word = little_endian(key.data + i) * MURMUR2_M;
        word ^= word >> MURMUR2_R;
        hash = (hash * MURMUR2_M) ^ (word * MURMUR2_M);
    }
    if (key.len > whole)
        hash = mix_tail(hash, key.data + whole, key.len - whole);
    hash = (hash ^ (hash >> 13)) * MURMUR2_M;
    return hash ^ (hash >> 15);
}

/* As Java's Utils.toPositive(hash) % n: the sign bit is cleared, not the sign taken. */
static int32_t by_hash(struct weir_bytes key, int32_t n)
{
    return (int32_t)(route_murmur2(key) & SIGN_BIT_MASK) % n;
}

int32_t route_partition(enum weir_partition_by by, int32_t source, int32_t n_source, int32_t n_target,
                        struct weir_bytes key, struct weir_bytes field)
{
    assert(n_target > 0 && source >= 0);
    bool same_shape = by == WEIR_PARTITION_AUTO && n_source == n_target;
    struct weir_bytes text = by == WEIR_PARTITION_FIELD ? field : key;
    if (by == WEIR_PARTITION_SOURCE || same_shape || !text.data)
        return source % n_target;
    return by_hash(text, n_target);
}
