#include "engine/editions.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "sys/clock.h"

struct editions {
    int64_t patience_ms;
    _Atomic uint64_t number, begun, done;
    pthread_mutex_t lock; /* of what is below, and of changes of number and done */
    pthread_cond_t wanting, looked;
    bool wanted;
    struct edition *current;
};

/* Deadlines are of the monotonic clock, so that setting the time makes nobody wait. */
static bool init_locks(struct editions *editions)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return false;
    bool well = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&editions->wanting, &attributes) == 0 &&
                pthread_cond_init(&editions->looked, &attributes) == 0 &&
                pthread_mutex_init(&editions->lock, NULL) == 0;
    (void)pthread_condattr_destroy(&attributes);
    return well;
}

enum weir_err_code editions_new(struct edition *first, int64_t patience_ms, struct editions **out,
                                struct weir_err *err)
{
    struct editions *editions = calloc(1, sizeof *editions);
    if (!editions || !init_locks(editions)) {
        free(editions);
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for editions of schemas");
    }
    editions->patience_ms = patience_ms;
    editions->current = first;
    atomic_store(&editions->number, 1);
    *out = editions;
    return WEIR_OK;
}

void editions_free(struct editions *editions)
{
    if (!editions)
        return;
    edition_release(editions->current);
    (void)pthread_mutex_destroy(&editions->lock);
    (void)pthread_cond_destroy(&editions->wanting);
    (void)pthread_cond_destroy(&editions->looked);
    free(editions);
}

uint64_t editions_number(const struct editions *editions)
{
    return atomic_load_explicit(&editions->number, memory_order_acquire);
}

struct edition *editions_take(struct editions *editions, uint64_t *number)
{
    (void)pthread_mutex_lock(&editions->lock);
    struct edition *edition = edition_hold(editions->current);
    *number = editions_number(editions);
    (void)pthread_mutex_unlock(&editions->lock);
    return edition;
}

/* With the lock. */
static void replace(struct editions *editions, struct edition *edition)
{
    edition_release(editions->current);
    editions->current = edition;
    (void)atomic_fetch_add(&editions->number, 1);
}

void editions_put(struct editions *editions, struct edition *edition)
{
    (void)pthread_mutex_lock(&editions->lock);
    replace(editions, edition);
    (void)pthread_mutex_unlock(&editions->lock);
}

void editions_renew(struct editions *editions, struct edition *crowded)
{
    struct edition *empty = NULL;
    struct weir_err ignored;
    (void)pthread_mutex_lock(&editions->lock);
    if (editions->current == crowded && edition_new(edition_spec(crowded), edition_reader(crowded),
                                                    edition_output(crowded), &empty, &ignored) == WEIR_OK)
        replace(editions, empty);
    (void)pthread_mutex_unlock(&editions->lock);
}

/* --- looks --- */

uint64_t editions_next_look(const struct editions *editions)
{
    return editions->patience_ms == EDITIONS_FIXED ? 0 : atomic_load(&editions->begun) + 1;
}

bool editions_looked(const struct editions *editions, uint64_t look)
{
    return atomic_load(&editions->done) >= look;
}

/* With the lock. */
static void wait_until(struct editions *editions, pthread_cond_t *cond, int64_t until_ms)
{
    struct timespec until = clock_timespec(until_ms);
    (void)pthread_cond_timedwait(cond, &editions->lock, &until);
}

void editions_want(struct editions *editions)
{
    (void)pthread_mutex_lock(&editions->lock);
    editions->wanted = true;
    (void)pthread_cond_signal(&editions->wanting);
    (void)pthread_mutex_unlock(&editions->lock);
}

bool editions_await(struct editions *editions, uint64_t look)
{
    int64_t until_ms = clock_monotonic_ms() + editions->patience_ms;
    (void)pthread_mutex_lock(&editions->lock);
    while (!editions_looked(editions, look) && clock_monotonic_ms() < until_ms)
        wait_until(editions, &editions->looked, until_ms);
    (void)pthread_mutex_unlock(&editions->lock);
    return editions_looked(editions, look);
}

bool editions_wanted(struct editions *editions, int64_t timeout_ms)
{
    int64_t until_ms = clock_monotonic_ms() + timeout_ms;
    (void)pthread_mutex_lock(&editions->lock);
    while (!editions->wanted && clock_monotonic_ms() < until_ms)
        wait_until(editions, &editions->wanting, until_ms);
    bool wanted = editions->wanted;
    editions->wanted = false;
    (void)pthread_mutex_unlock(&editions->lock);
    return wanted;
}

void editions_begin_look(struct editions *editions)
{
    (void)atomic_fetch_add(&editions->begun, 1);
}

void editions_end_look(struct editions *editions, bool done)
{
    (void)pthread_mutex_lock(&editions->lock);
    if (done)
        atomic_store(&editions->done, atomic_load(&editions->begun));
    (void)pthread_cond_broadcast(&editions->looked);
    (void)pthread_mutex_unlock(&editions->lock);
}
