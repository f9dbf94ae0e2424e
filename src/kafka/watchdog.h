/*
 * Ends the process when a call into librdkafka does not come back: rd_kafka_send_offsets_to_transaction
 * ignores its time-out while the group's coordinator is away, and may go on blocking when it is back
 * (librdkafka issues 5456, 5511). Nothing short of a new process helps. While the cluster answers nobody it
 * only waits: a broker that is away costs time alone.
 */
#ifndef WEIR_KAFKA_WATCHDOG_H
#define WEIR_KAFKA_WATCHDOG_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "weir/err.h"

/* Blocked for so long while the cluster answers others; blocked for so long in any case; stopping for so
 * long. */
#define WATCHDOG_BLOCKED_MS 30000
#define WATCHDOG_LONGEST_MS 300000
#define WATCHDOG_STOP_MS    8000
/* A worker that has waited for so long makes it ask the cluster, and so many questions in a row without an
 * answer mean that nobody answers. */
#define WATCHDOG_CURIOUS_MS 3000
#define WATCHDOG_QUESTIONS  2
/* How long its last words may take: nobody may be reading them. */
#define WATCHDOG_WORDS_S 2

/* What a worker is doing: written by it, read by the watchdog. Zeroed is valid. */
struct watch {
    _Atomic int64_t since_ms;   /* when the present call began; 0: in none */
    _Atomic int64_t waiting_ms; /* when its first slice began: calls of one name in a row are slices of one */
    _Atomic(const char *) what; /* its name */
};

/* Around each call that may block; what is compared by address. Worker's thread. */
void watchdog_enter(struct watch *watch, const char *what);
void watchdog_leave(struct watch *watch);

/* What the watchdog has seen; times are monotonic ms, 0: not so. */
struct watchdog_view {
    int64_t now_ms;
    int64_t blocked_since_ms;
    int64_t answered_since_ms; /* since when each question to the cluster has been answered */
    int64_t stopping_since_ms;
};

/* True when the process must end; *why is for the log. Pure. */
bool watchdog_judge(const struct watchdog_view *view, const char **why);

struct watchdog;

/*
 * Starts its thread, which looks after n watches. client answers questions about the cluster; all outlive the
 * watchdog. NO_MEMORY.
 */
enum weir_err_code watchdog_start(rd_kafka_t *client, struct watch *watches, size_t n,
                                  const _Atomic int *stopping, struct watchdog **out, struct weir_err *err);
void watchdog_stop(struct watchdog *dog);

/*
 * True while the cluster answers nobody, seen since some worker has waited for it in one call: long before
 * that call gives up. The watchdog itself must not say so, since a log that nobody reads would hold it up.
 * Any thread.
 */
bool watchdog_silence(const struct watchdog *dog);

#endif
