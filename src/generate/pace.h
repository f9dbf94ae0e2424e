/* How many records may go by now, at a rate. Time is passed in. */
#ifndef WEIR_GENERATE_PACE_H
#define WEIR_GENERATE_PACE_H

#include <stdint.h>

/* Highest rate, records a second: beyond it is flat out. */
#define PACE_RATE_MAX UINT64_C(1000000000)

/* After a stall, at most so much time's worth of records is caught up on at once. */
#define PACE_ARREARS_NS INT64_C(1000000000)

/* Longest advice of pace_wait_ms, so that a signal is noticed soon. */
#define PACE_WAIT_MAX_MS 50

struct pace {
    uint64_t per_second; /* 0: flat out */
    int64_t since_ns;    /* taken is counted from here */
    uint64_t taken;
};

/* per_second is at most PACE_RATE_MAX; 0 is flat out. now_ns is of a monotonic clock. */
void pace_init(struct pace *pace, uint64_t per_second, int64_t now_ns);

/* Takes leave for up to max records; returns for how many, which may be 0. */
uint64_t pace_take(struct pace *pace, int64_t now_ns, uint64_t max);

/* How long to wait until the next record may go: 0 when one may go now, else 1 .. PACE_WAIT_MAX_MS. */
int64_t pace_wait_ms(const struct pace *pace, int64_t now_ns);

#endif
