#include "engine/editions.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct editions {
    bool follows;
    atomic_bool wanted;
    _Atomic uint64_t number, begun, done;
    pthread_mutex_t lock; /* of the one below, and of changes of number */
    struct edition *current;
};

enum weir_err_code editions_new(struct edition *first, bool follows, struct editions **out,
                                struct weir_err *err)
{
    struct editions *editions = calloc(1, sizeof *editions);
    if (!editions || pthread_mutex_init(&editions->lock, NULL) != 0) {
        free(editions);
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for editions of schemas");
    }
    editions->follows = follows;
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
    return editions->follows ? atomic_load(&editions->begun) + 1 : 0;
}

bool editions_looked(const struct editions *editions, uint64_t look)
{
    return atomic_load(&editions->done) >= look;
}

void editions_want_look(struct editions *editions)
{
    atomic_store(&editions->wanted, true);
}

bool editions_wanted(struct editions *editions)
{
    return atomic_exchange(&editions->wanted, false);
}

void editions_begin_look(struct editions *editions)
{
    (void)atomic_fetch_add(&editions->begun, 1);
}

void editions_end_look(struct editions *editions, bool done)
{
    if (done)
        atomic_store(&editions->done, atomic_load(&editions->begun));
}
