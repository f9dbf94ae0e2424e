/* The machine's clocks. The engine does not call these: time is passed to it (engine/ports.h). */
#ifndef WEIR_SYS_CLOCK_H
#define WEIR_SYS_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Time since some fixed point; never goes back. Any thread. */
int64_t clock_monotonic_ns(void);
int64_t clock_monotonic_ms(void);

/* Milliseconds since 1970-01-01 UTC; may jump. Any thread. */
int64_t clock_wall_ms(void);

/* A span in ms, or a time of clock_monotonic_ms, as nanosleep and pthread_cond_timedwait take it. Any thread.
 */
struct timespec clock_timespec(int64_t ms);

/* Sleeps for ms milliseconds, less when a signal arrives; returns at once when ms <= 0. Any thread. */
void clock_sleep_ms(int64_t ms);

#endif
