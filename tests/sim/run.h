/*
 * One run of the simulator: a world made from a seed, members' processes that come and go, everything that
 * can fail failing, and then calm, in which all must be done within a bounded time. All of it follows from
 * the seed.
 */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "support/twin.h"

struct run_options {
    uint64_t seed;
    bool verbose; /* each port call, and all else that happens, is written to standard output */
};

struct run_result {
    uint64_t steps;                /* of loops */
    uint64_t calls;                /* of ports */
    uint64_t records;              /* of the input, each with its one outcome */
    uint64_t starts;               /* of processes */
    uint64_t hash;                 /* of all that happened */
    int64_t calm_ms;               /* that it took until all was done, once the faults had ended */
    char finding[TWIN_DAMAGE_MAX]; /* what is wrong, and at which step; empty: nothing */
};

void run_seed(const struct run_options *options, struct run_result *result);

/* Frees what is kept from one run to the next. */
void run_release(void);

#endif
