#include "kafka/watchdog.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/log.h"
#include "sys/remedy.h"

/* How often it looks, and how long it waits for the cluster's answer. */
#define LOOK_MS        500
#define ASK_TIMEOUT_MS 2000

struct watchdog {
    pthread_t thread;
    rd_kafka_t *client;
    struct watch *watches;
    size_t n;
    const _Atomic int *stopping;
    _Atomic bool done;
    _Atomic bool silence;
    /* Of its thread alone. */
    unsigned unanswered; /* questions in a row */
    int64_t answered_since_ms;
    int64_t stopping_since_ms;
};

void watchdog_enter(struct watch *watch, const char *what)
{
    int64_t now_ms = clock_monotonic_ms();
    if (atomic_load(&watch->what) != what)
        atomic_store(&watch->waiting_ms, now_ms);
    atomic_store(&watch->what, what);
    atomic_store(&watch->since_ms, now_ms);
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
        *why = "the process was told to stop and does not";
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

/* The call to name: that of the worker in question, else of any that is in one. */
static const struct watch *culprit(const struct watchdog *dog, const struct watch *watch)
{
    for (size_t i = 0; i < dog->n && atomic_load(&watch->since_ms) == 0; i++)
        watch = &dog->watches[i];
    return watch;
}

static void end_process(const struct watchdog *dog, const struct watch *watch, const char *why)
{
    watch = culprit(dog, watch);
    const char *call = atomic_load(&watch->since_ms) != 0 ? atomic_load(&watch->what) : "none";
    (void)alarm(WATCHDOG_WORDS_S);
    log_error("stuck",
              "%s (worker %td, in the call: %s); ending the process so that a new one can go on (nothing is "
              "lost)",
              why, watch - dog->watches, call);
    _exit(weir_err_exit(WEIR_ERR_STUCK));
}

/* True when a worker has waited for long in one call, or in slices of one. */
static bool any_waits(const struct watchdog *dog, int64_t now_ms)
{
    for (size_t i = 0; i < dog->n; i++) {
        bool in_call = atomic_load(&dog->watches[i].since_ms) != 0;
        if (in_call && longer(atomic_load(&dog->watches[i].waiting_ms), now_ms, WATCHDOG_CURIOUS_MS))
            return true;
    }
    return false;
}

/*
 * Asks the cluster while there is a reason to. Once nobody has answered there is one until somebody does: the
 * worker's call may end before, and what comes after it fares no better.
 */
static void ask(struct watchdog *dog)
{
    bool silence = atomic_load(&dog->silence);
    bool reason = silence || any_waits(dog, clock_monotonic_ms());
    bool answered = reason && cluster_answers(dog->client);
    dog->unanswered = answered || !reason ? 0 : dog->unanswered + 1;
    atomic_store(&dog->silence, silence ? !answered : dog->unanswered >= WATCHDOG_QUESTIONS);
    if (!answered)
        dog->answered_since_ms = 0;
    else if (dog->answered_since_ms == 0)
        dog->answered_since_ms = clock_monotonic_ms();
}

static void look(struct watchdog *dog)
{
    ask(dog);
    /* Asking takes its time: the workers may have ended well meanwhile. */
    if (atomic_load(&dog->done))
        return;
    int64_t now_ms = clock_monotonic_ms();
    if (atomic_load(dog->stopping) && dog->stopping_since_ms == 0)
        dog->stopping_since_ms = now_ms;
    for (size_t i = 0; i < dog->n; i++) {
        const char *why = NULL;
        const struct watchdog_view view = {.now_ms = now_ms,
                                           .blocked_since_ms = atomic_load(&dog->watches[i].since_ms),
                                           .answered_since_ms = dog->answered_since_ms,
                                           .stopping_since_ms = dog->stopping_since_ms};
        if (watchdog_judge(&view, &why) && remedy_on(REMEDY_WATCHDOG))
            end_process(dog, &dog->watches[i], why);
    }
}

static void *run(void *opaque)
{
    struct watchdog *dog = opaque;
    while (!atomic_load(&dog->done)) {
        look(dog);
        clock_sleep_ms(LOOK_MS);
    }
    return NULL;
}

bool watchdog_silence(const struct watchdog *dog)
{
    return atomic_load(&dog->silence);
}

enum weir_err_code watchdog_start(rd_kafka_t *client, struct watch *watches, size_t n,
                                  const _Atomic int *stopping, struct watchdog **out, struct weir_err *err)
{
    struct watchdog *dog = calloc(1, sizeof *dog);
    if (!dog)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the watchdog");
    dog->client = client;
    dog->watches = watches;
    dog->n = n;
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
