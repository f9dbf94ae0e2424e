#include "kafka/watchdog.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/log.h"

/* How often it looks, and how long it waits for the cluster's answer. */
#define LOOK_MS        500
#define ASK_TIMEOUT_MS 2000
/* Blocked for less than this is nothing to ask the cluster about. */
#define CURIOUS_MS 5000

struct watchdog {
    pthread_t thread;
    rd_kafka_t *client;
    struct watch *watch;
    const _Atomic int *stopping;
    _Atomic bool done;
};

void watchdog_enter(struct watch *watch, const char *what)
{
    atomic_store(&watch->what, what);
    atomic_store(&watch->since_ms, clock_monotonic_ms());
}

void watchdog_leave(struct watch *watch)
{
    atomic_store(&watch->since_ms, 0);
}

static bool longer(int64_t since_ms, int64_t now_ms, int64_t span_ms)
{
    return since_ms != 0 && now_ms - since_ms >= span_ms;
}

bool watchdog_judge(const struct watchdog_view *view, const char **why)
{
    if (longer(view->stopping_since_ms, view->now_ms, WATCHDOG_STOP_MS)) {
        *why = "the worker was told to stop and does not";
        return true;
    }
    if (longer(view->blocked_since_ms, view->now_ms, WATCHDOG_LONGEST_MS)) {
        *why = "a call has not come back for five minutes";
        return true;
    }
    /* What counts is how long it has been blocked while the cluster was there to answer it. */
    if (longer(view->blocked_since_ms, view->now_ms, WATCHDOG_BLOCKED_MS) &&
        longer(view->answered_since_ms, view->now_ms, WATCHDOG_BLOCKED_MS)) {
        *why = "a call does not come back while the cluster answers others";
        return true;
    }
    return false;
}

/* True when any broker answers a question. */
static bool cluster_answers(rd_kafka_t *client)
{
    const struct rd_kafka_metadata *metadata = NULL;
    if (rd_kafka_metadata(client, 0, NULL, &metadata, ASK_TIMEOUT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    rd_kafka_metadata_destroy(metadata);
    return true;
}

static void end_process(const struct watch *watch, const char *why)
{
    const char *call = atomic_load(&watch->since_ms) != 0 ? atomic_load(&watch->what) : "none";
    log_error("stuck",
              "%s (in the call: %s); ending the process so that a new one can go on (nothing is lost)", why,
              call);
    _exit(weir_err_exit(WEIR_ERR_STUCK));
}

static void look(struct watchdog *dog, struct watchdog_view *view)
{
    const char *why = NULL;
    view->blocked_since_ms = atomic_load(&dog->watch->since_ms);
    bool blocked = longer(view->blocked_since_ms, clock_monotonic_ms(), CURIOUS_MS);
    if (!blocked || !cluster_answers(dog->client))
        view->answered_since_ms = 0;
    else if (view->answered_since_ms == 0)
        view->answered_since_ms = clock_monotonic_ms();
    view->now_ms = clock_monotonic_ms();
    if (atomic_load(dog->stopping) && view->stopping_since_ms == 0)
        view->stopping_since_ms = view->now_ms;
    if (watchdog_judge(view, &why))
        end_process(dog->watch, why);
}

static void *run(void *opaque)
{
    struct watchdog *dog = opaque;
    struct watchdog_view view = {0};
    while (!atomic_load(&dog->done)) {
        look(dog, &view);
        clock_sleep_ms(LOOK_MS);
    }
    return NULL;
}

enum weir_err_code watchdog_start(rd_kafka_t *client, struct watch *watch, const _Atomic int *stopping,
                                  struct watchdog **out, struct weir_err *err)
{
    struct watchdog *dog = calloc(1, sizeof *dog);
    if (!dog)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the watchdog");
    dog->client = client;
    dog->watch = watch;
    dog->stopping = stopping;
    if (pthread_create(&dog->thread, NULL, run, dog) != 0) {
        free(dog);
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no thread for the watchdog");
    }
    *out = dog;
    return WEIR_OK;
}

void watchdog_stop(struct watchdog *dog)
{
    if (!dog)
        return;
    atomic_store(&dog->done, true);
    (void)pthread_join(dog->thread, NULL);
    free(dog);
}
