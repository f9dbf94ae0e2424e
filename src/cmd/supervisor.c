#include "cmd/supervisor.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sys/clock.h"

struct seat {
    pthread_t thread;
    struct crew *crew;
    size_t index;
};

/* What the tasks of one run share. */
struct crew {
    const struct supervisor *supervisor;
    struct seat *seats;
    size_t seated;        /* threads that were made */
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t ended;
    size_t running;
    size_t first;
    struct weir_err err; /* of the first that failed; OK: none */
};

/* Keeps the first failure. True when another one, of other words, is known already. */
static bool note(struct crew *crew, size_t index, const struct weir_err *err)
{
    if (err->code == WEIR_OK)
        return false;
    if (crew->err.code != WEIR_OK)
        return strcmp(crew->err.text, err->text) != 0;
    crew->err = *err;
    crew->first = index;
    return false;
}

static void *run_task(void *opaque)
{
    const struct seat *seat = opaque;
    struct crew *crew = seat->crew;
    const struct supervisor *supervisor = crew->supervisor;
    const struct supervisor_task *task = &supervisor->tasks[seat->index];
    struct weir_err err = {0};
    err.code = task->run(task->context, &err);
    atomic_store(supervisor->stop, 1);
    (void)pthread_mutex_lock(&crew->lock);
    bool failed_too = note(crew, seat->index, &err);
    (void)pthread_mutex_unlock(&crew->lock);
    if (failed_too && supervisor->failed_too)
        supervisor->failed_too(&err);
    (void)pthread_mutex_lock(&crew->lock);
    crew->running--;
    (void)pthread_cond_signal(&crew->ended);
    (void)pthread_mutex_unlock(&crew->lock);
    return NULL;
}

/* The ticks are of the monotonic clock, so that setting the time stops nothing. */
static bool init_crew(struct crew *crew, const struct supervisor *supervisor)
{
    pthread_condattr_t attributes;
    *crew = (struct crew){.supervisor = supervisor};
    crew->seats = calloc(supervisor->n, sizeof *crew->seats);
    if (!crew->seats || pthread_condattr_init(&attributes) != 0)
        return false;
    bool well = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&crew->ended, &attributes) == 0 &&
                pthread_mutex_init(&crew->lock, NULL) == 0;
    (void)pthread_condattr_destroy(&attributes);
    return well;
}

/* Seats as many as there are threads for; who gets none is the first failure. */
static void seat_all(struct crew *crew)
{
    const struct supervisor *supervisor = crew->supervisor;
    for (size_t i = 0; i < supervisor->n; i++) {
        struct seat *seat = &crew->seats[i];
        *seat = (struct seat){.crew = crew, .index = i};
        (void)pthread_mutex_lock(&crew->lock);
        crew->running++;
        bool seated = pthread_create(&seat->thread, NULL, run_task, seat) == 0;
        if (!seated) {
            struct weir_err err;
            (void)weir_fail(&err, WEIR_ERR_NO_MEMORY, "no thread for worker %zu", i);
            crew->running--;
            (void)note(crew, i, &err);
            atomic_store(supervisor->stop, 1);
        }
        (void)pthread_mutex_unlock(&crew->lock);
        if (!seated)
            return;
        crew->seated++;
    }
}

static void watch_over(struct crew *crew)
{
    const struct supervisor *supervisor = crew->supervisor;
    (void)pthread_mutex_lock(&crew->lock);
    while (crew->running > 0) {
        struct timespec until = clock_timespec(clock_monotonic_ms() + SUPERVISOR_TICK_MS);
        (void)pthread_cond_timedwait(&crew->ended, &crew->lock, &until);
        (void)pthread_mutex_unlock(&crew->lock);
        if (supervisor->tick)
            supervisor->tick(supervisor->context);
        (void)pthread_mutex_lock(&crew->lock);
    }
    (void)pthread_mutex_unlock(&crew->lock);
}

enum weir_err_code supervisor_run(const struct supervisor *supervisor, size_t *first, struct weir_err *err)
{
    struct crew crew;
    *first = 0;
    if (!init_crew(&crew, supervisor)) {
        free(crew.seats);
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for %zu workers", supervisor->n);
    }
    seat_all(&crew);
    watch_over(&crew);
    for (size_t i = 0; i < crew.seated; i++)
        (void)pthread_join(crew.seats[i].thread, NULL);
    (void)pthread_mutex_destroy(&crew.lock);
    (void)pthread_cond_destroy(&crew.ended);
    free(crew.seats);
    *first = crew.first;
    if (crew.err.code != WEIR_OK)
        *err = crew.err;
    return crew.err.code;
}
