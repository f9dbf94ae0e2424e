#include "generate/pace.h"

#include <assert.h>

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

/* Time until n records are due, rounded up. Whole seconds and the rest apart, so that nothing overflows. */
static int64_t time_of(uint64_t n, uint64_t per_second)
{
    uint64_t rest = n % per_second;
    return (int64_t)(n / per_second) * NS_PER_S +
           (int64_t)((rest * (uint64_t)NS_PER_S + per_second - 1) / per_second);
}

/* Records due within a time. */
static uint64_t due_in(int64_t ns, uint64_t per_second)
{
    uint64_t whole = (uint64_t)(ns / NS_PER_S), rest = (uint64_t)(ns % NS_PER_S);
    return whole * per_second + rest * per_second / (uint64_t)NS_PER_S;
}

void pace_init(struct pace *pace, uint64_t per_second, int64_t now_ns)
{
    assert(per_second <= PACE_RATE_MAX);
    *pace = (struct pace){.per_second = per_second, .since_ns = now_ns};
}

/* Forgets arrears that are too old: a stall of a minute must not be followed by a flood. */
static void forgive(struct pace *pace, int64_t now_ns)
{
    int64_t late = now_ns - pace->since_ns - time_of(pace->taken, pace->per_second);
    if (late > PACE_ARREARS_NS)
        pace->since_ns += late - PACE_ARREARS_NS;
}

uint64_t pace_take(struct pace *pace, int64_t now_ns, uint64_t max)
{
    if (pace->per_second == 0)
        return max;
    forgive(pace, now_ns);
    uint64_t due = due_in(now_ns - pace->since_ns, pace->per_second);
    uint64_t n = due > pace->taken ? due - pace->taken : 0;
    if (n > max)
        n = max;
    pace->taken += n;
    return n;
}

int64_t pace_wait_ms(const struct pace *pace, int64_t now_ns)
{
    if (pace->per_second == 0)
        return 0;
    int64_t next_ns = time_of(pace->taken + 1, pace->per_second) - (now_ns - pace->since_ns);
    if (next_ns <= 0)
        return 0;
    int64_t ms = (next_ns + NS_PER_MS - 1) / NS_PER_MS;
    return ms < PACE_WAIT_MAX_MS ? ms : PACE_WAIT_MAX_MS;
}
