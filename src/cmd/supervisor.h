/*
 * Runs tasks side by side, each in a thread of its own. The first that ends, well or not, ends the others: a
 * process that has lost a worker is not what was asked for, and whoever started it starts it again whole.
 */
#ifndef WEIR_CMD_SUPERVISOR_H
#define WEIR_CMD_SUPERVISOR_H

#include <stddef.h>

#include "weir/err.h"

/* How often tick is called. */
#define SUPERVISOR_TICK_MS 100

struct supervisor_task {
    /* Runs until *stop is not 0, or until it fails with *err. In its own thread. */
    enum weir_err_code (*run)(void *context, struct weir_err *err);
    void *context;
};

struct supervisor {
    const struct supervisor_task *tasks;
    size_t n;
    _Atomic int *stop;           /* set when a task has ended, or by anybody else */
    void (*tick)(void *context); /* on the calling thread while tasks run; NULL: none */
    /* A task failed after the first that did, with another text. In the task's thread. NULL: none */
    void (*failed_too)(const struct weir_err *err);
    void *context;
};

/*
 * Returns when every task has ended: WEIR_OK when all went well, else the code of the first in time that
 * failed, *err, and its index in *first. WEIR_ERR_NO_MEMORY when there are no threads (*first: the task that
 * got none).
 */
enum weir_err_code supervisor_run(const struct supervisor *supervisor, size_t *first, struct weir_err *err);

#endif
