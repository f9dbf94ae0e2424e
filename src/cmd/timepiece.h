/* The engine's time and chance on the machine's clocks. */
#ifndef WEIR_CMD_TIMEPIECE_H
#define WEIR_CMD_TIMEPIECE_H

#include "engine/ports.h"

/* The clocks may be read by any thread; random belongs to one. */
struct timepiece {
    struct timer base;
    uint64_t state;
};

/* Two with different seeds give different numbers. */
void timepiece_init(struct timepiece *timepiece, uint64_t seed);

/* A seed that differs between processes, and between calls: for jitter, not for secrets. Any thread. */
uint64_t timepiece_seed(void);

#endif
