/*
 * Pseudo-random numbers from a seed: splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
 * generators", OOPSLA 2014; constants as in Vigna's public-domain splitmix64.c). One stream a record, so that
 * record i is the same whatever came before it. Not for secrets.
 */
#ifndef WEIR_GENERATE_PRNG_H
#define WEIR_GENERATE_PRNG_H

#include <stdint.h>

struct prng {
    uint64_t state;
};

/* Starts the stream of that number under a seed. */
void prng_init(struct prng *prng, uint64_t seed, uint64_t stream);

/* 64 random bits. */
uint64_t prng_next(struct prng *prng);

/* 0 .. n - 1; n > 0. The bias, below n / 2^32, does not matter to a load. */
uint32_t prng_below(struct prng *prng, uint32_t n);

/* 0 (included) to 1 (excluded), in steps of 2^-53. */
double prng_unit(struct prng *prng);

#endif
