#include "audit/sip.h"

#include <stddef.h>

#define ROUNDS_EACH 2
#define ROUNDS_LAST 4
#define WORD        8

struct state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t turn(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static inline void stir(struct state *s, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = turn(s->v1, 13) ^ s->v0;
        s->v3 = turn(s->v3, 16) ^ s->v2;
        s->v0 = turn(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = turn(s->v1, 17) ^ s->v2;
        s->v3 = turn(s->v3, 21) ^ s->v0;
        s->v2 = turn(s->v2, 32);
    }
}

static inline void take(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    stir(s, ROUNDS_EACH);
    s->v0 ^= word;
}

/* Up to eight bytes, the lowest first. */
static inline uint64_t word_of(const uint8_t *p, size_t n)
{
    uint64_t word = 0;
    for (size_t i = 0; i < n; i++)
        word |= (uint64_t)p[i] << (8 * i);
    return word;
}

uint64_t sip_hash(const struct sip_key *key, struct weir_bytes bytes)
{
    struct state s = {key->k0 ^ UINT64_C(0x736f6d6570736575), key->k1 ^ UINT64_C(0x646f72616e646f6d),
                      key->k0 ^ UINT64_C(0x6c7967656e657261), key->k1 ^ UINT64_C(0x7465646279746573)};
    size_t len = bytes.data ? bytes.len : 0;
    size_t whole = len / WORD * WORD;
    for (size_t i = 0; i < whole; i += WORD)
        take(&s, word_of(bytes.data + i, WORD));
    uint64_t last = len > whole ? word_of(bytes.data + whole, len - whole) : 0;
    take(&s, last | (uint64_t)len << 56);
    s.v2 ^= 0xFF;
    stir(&s, ROUNDS_LAST);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
