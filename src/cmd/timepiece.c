#include "cmd/timepiece.h"

#include <stdatomic.h>
#include <unistd.h>

#include "sys/clock.h"

/* The golden ratio's odd number of splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
 * generators, 2014). */
#define STEP UINT64_C(0x9e3779b97f4a7c15)

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static int64_t monotonic_ms(struct timer *timer)
{
    (void)timer;
    return clock_monotonic_ms();
}

static int64_t wall_ms(struct timer *timer)
{
    (void)timer;
    return clock_wall_ms();
}

static uint32_t random_below(struct timer *timer, uint32_t below)
{
    struct timepiece *self = (struct timepiece *)timer;
    self->state += STEP;
    return below ? (uint32_t)(mix(self->state) >> 32) % below : 0;
}

static const struct timer_ops ops = {
    .monotonic_ms = monotonic_ms,
    .wall_ms = wall_ms,
    .random = random_below,
};

void timepiece_init(struct timepiece *timepiece, uint64_t seed)
{
    *timepiece = (struct timepiece){.base = {&ops}, .state = mix(seed)};
}

uint64_t timepiece_seed(void)
{
    static _Atomic uint64_t calls;
    uint64_t call = atomic_fetch_add(&calls, STEP);
    return mix(call ^ (uint64_t)clock_monotonic_ns() ^ ((uint64_t)getpid() << 32));
}
