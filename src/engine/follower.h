/*
 * The thread that follows: it looks for newer versions every so often, at once when told to hurry, and soon
 * when a worker met what it cannot read.
 */
#ifndef WEIR_ENGINE_FOLLOWER_H
#define WEIR_ENGINE_FOLLOWER_H

#include "engine/follow.h"

/* How soon it notices that it is told to hurry or to stop, and the least pause between two looks. */
#define FOLLOWER_TICK_MS  100
#define FOLLOWER_AGAIN_MS 50
/* How long a worker may wait for a look: an answer usually comes within a few ms, and then no partition has
 * to be held. */
#define FOLLOWER_PATIENCE_MS 100

struct follower_options {
    struct follow_parts parts;
    int64_t poll_ms;
    const _Atomic unsigned *hurry; /* counted up: look now; a signal handler may do so */
    /* Called before a look that was told to hurry, on the thread; NULL: nothing is. */
    void (*hurried)(void *context);
    void *context;
};

struct follower;

/* WEIR_ERR_NO_MEMORY when there is no thread. */
enum weir_err_code follower_start(const struct follower_options *options, struct follower **out,
                                  struct weir_err *err);

/* Waits until it has ended: a look that is under way ends when the schemas' port gives up. NULL is fine. */
void follower_stop(struct follower *follower);

#endif
