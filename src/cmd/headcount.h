/* How many workers a process runs. */
#ifndef WEIR_CMD_HEADCOUNT_H
#define WEIR_CMD_HEADCOUNT_H

#include <stddef.h>
#include <stdint.h>

#include "sys/cpus.h"

/* Most workers that `auto` makes. One is good for several hundred thousand records a second and up to 150
 * MiB; who wants more of them says so. */
#define HEADCOUNT_AUTO_MAX 8

/* Room for headcount_why. */
#define HEADCOUNT_WHY_MAX 200

struct headcount {
    int64_t wanted;     /* WEIR_WORKERS_AUTO or a number from 1 on */
    struct cpus cpus;   /* for auto, like all below */
    int32_t partitions; /* of the input topic; 0: not known */
};

/*
 * A number that is asked for is taken. auto: as many as processors may be used and as there are partitions,
 * HEADCOUNT_AUTO_MAX at most, 1 at least. Pure.
 */
int headcount_choose(const struct headcount *facts);

/* Why auto came to its number, for the log; fills text and returns it. */
const char *headcount_why(const struct headcount *facts, char text[HEADCOUNT_WHY_MAX]);

#endif
