/*
 * How long a member waits for the group to tell it its partitions. librdkafka waits in silence where the
 * answer to a FindCoordinator or JoinGroup never comes: for socket.timeout.ms, and for max.poll.interval.ms
 * and then some, since a rebalance may rightly take that long (2.8.0, rdkafka_cgrp.c). Joining anew costs the
 * others a rebalance at most: the group knows a static member by its name, and gives the newer one its place.
 */
#ifndef WEIR_KAFKA_PATIENCE_H
#define WEIR_KAFKA_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "kafka/asker.h"

/* For so long a member waits before it joins anew, twice as long each further time, and never longer. */
#define PATIENCE_FIRST_MS   30000
#define PATIENCE_LONGEST_MS 480000

/* Zeroed is valid: it waits for nothing. Times are of the monotonic clock. One thread. */
struct patience {
    int64_t since_ms; /* 0: it does not wait */
    int64_t limit_ms; /* of this time; 0: the first */
};

/* It has asked the group, or must ask again. */
void patience_begin(struct patience *patience, int64_t now_ms);
/* The group has told. */
void patience_end(struct patience *patience);

/* True when it has waited for too long. Pure. */
bool patience_over(const struct patience *patience, int64_t now_ms);

/*
 * For a patience that is over: begins a new wait, and says whether to join anew. Asks the brokers first, for
 * a second or two: where nobody answers, or there is no such topic yet, a new member would fare no better.
 */
bool patience_lost(struct patience *patience, struct asker *asker, int64_t now_ms);

#endif
