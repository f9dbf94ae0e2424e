#include "sys/clock.h"

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
#define MS_PER_S  INT64_C(1000)

static int64_t read_ns(clockid_t id)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t clock_monotonic_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

int64_t clock_monotonic_ms(void)
{
    return read_ns(CLOCK_MONOTONIC) / NS_PER_MS;
}

int64_t clock_wall_ms(void)
{
    return read_ns(CLOCK_REALTIME) / NS_PER_MS;
}

struct timespec clock_timespec(int64_t ms)
{
    return (struct timespec){(time_t)(ms / MS_PER_S), (long)(ms % MS_PER_S * NS_PER_MS)};
}

void clock_sleep_ms(int64_t ms)
{
    if (ms <= 0)
        return;
    struct timespec span = clock_timespec(ms);
    (void)nanosleep(&span, NULL);
}
