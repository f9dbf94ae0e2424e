/*
 * Partitions that wait: each stands paused at its first unprocessed record and is tried again with growing
 * pauses.
 */
#ifndef WEIR_ENGINE_HOLDS_H
#define WEIR_ENGINE_HOLDS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/ports.h"
#include "engine/trouble.h"

/* The first pause, and the longest. Each is drawn from the upper half of its length, so that workers spread.
 */
#define HOLDS_FIRST_MS   200
#define HOLDS_LONGEST_MS 5000
/* How long a hold is remembered whose partition is not ours: a rebalance often gives it back. */
#define HOLDS_ADRIFT_MS 30000

struct hold {
    struct position at;
    int64_t pause_ms;
    int64_t retry_at_ms;
    int trouble;
    bool paused;
    int64_t adrift_ms; /* when the partition was first seen not to be ours; 0: it is */
};

struct holds {
    struct hold *rows;
    size_t n, cap;
    struct trouble *trouble; /* borrowed */
    struct source *source;   /* borrowed */
    struct timer *timer;     /* borrowed */
};

void holds_init(struct holds *holds, struct trouble *trouble, struct source *source, struct timer *timer);
void holds_release(struct holds *holds);

/*
 * Seeks the partition to at and pauses it because of why. When it waited at that very place already, the
 * pause grows. Errors of the source, or NO_MEMORY.
 */
enum weir_err_code holds_add(struct holds *holds, struct position at, const struct weir_err *why,
                             struct weir_err *err);

/* The partition's outcomes up to offset are committed: if it waited before that, it waits no longer. */
void holds_passed(struct holds *holds, int32_t partition, int64_t offset);

/*
 * Lets go on those whose pause is over (all of them when now is true), and forgets those that others have
 * owned for HOLDS_ADRIFT_MS. Errors of the source.
 */
enum weir_err_code holds_tend(struct holds *holds, bool now, struct weir_err *err);

#endif
