#include "generate/prng.h"

#include <assert.h>

/* 2^64 divided by the golden ratio: successive states are spread over the whole range. */
#define GOLDEN UINT64_C(0x9E3779B97F4A7C15)

/* Stafford's variant 13 of the murmur3 finaliser. */
static uint64_t scramble(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

void prng_init(struct prng *prng, uint64_t seed, uint64_t stream)
{
    /* Scrambled twice, or neighbouring streams would be one sequence shifted by a step. */
    prng->state = scramble(scramble(seed + GOLDEN) + stream);
}

uint64_t prng_next(struct prng *prng)
{
    prng->state += GOLDEN;
    return scramble(prng->state);
}

uint32_t prng_below(struct prng *prng, uint32_t n)
{
    assert(n > 0);
    return (uint32_t)(((prng_next(prng) >> 32) * n) >> 32);
}

double prng_unit(struct prng *prng)
{
    return (double)(prng_next(prng) >> 11) * 0x1.0p-53;
}
