#include "engine/follower.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "sys/clock.h"

struct follower {
    struct follower_options options;
    struct follow follow;
    pthread_t thread;
    atomic_bool stop;
    unsigned seen; /* of hurry */
};

static int64_t now_ms(const struct follower *follower)
{
    struct timer *timer = follower->options.parts.timer;
    return timer->ops->monotonic_ms(timer);
}

/* The interval less up to a tenth, so that processes that began together do not ask together for ever. */
static int64_t next_ms(const struct follower *follower)
{
    struct timer *timer = follower->options.parts.timer;
    int64_t poll_ms = follower->options.poll_ms;
    return now_ms(follower) + poll_ms - timer->ops->random(timer, (uint32_t)(poll_ms / 10));
}

/* True when a hurry was asked for since the last time. */
static bool hurried(struct follower *follower)
{
    unsigned asked = atomic_load(follower->options.hurry);
    bool now = asked != follower->seen;
    follower->seen = asked;
    return now;
}

static void *run(void *opaque)
{
    struct follower *follower = opaque;
    struct editions *editions = follower->options.parts.editions;
    int64_t due = next_ms(follower);
    while (!atomic_load(&follower->stop)) {
        bool wanted = editions_wanted(editions, FOLLOWER_TICK_MS);
        bool hurry = hurried(follower);
        if (hurry && follower->options.hurried)
            follower->options.hurried(follower->options.context);
        if (!hurry && !wanted && now_ms(follower) < due)
            continue;
        follow_look(&follower->follow);
        due = next_ms(follower);
        clock_sleep_ms(FOLLOWER_AGAIN_MS);
    }
    return NULL;
}

enum weir_err_code follower_start(const struct follower_options *options, struct follower **out,
                                  struct weir_err *err)
{
    struct follower *follower = calloc(1, sizeof *follower);
    if (!follower)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for following schemas");
    follower->options = *options;
    follower->seen = atomic_load(options->hurry);
    follow_init(&follower->follow, &options->parts);
    if (pthread_create(&follower->thread, NULL, run, follower) != 0) {
        free(follower);
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no thread for following schemas");
    }
    *out = follower;
    return WEIR_OK;
}

void follower_stop(struct follower *follower)
{
    if (!follower)
        return;
    atomic_store(&follower->stop, true);
    (void)pthread_join(follower->thread, NULL);
    follow_release(&follower->follow);
    free(follower);
}
