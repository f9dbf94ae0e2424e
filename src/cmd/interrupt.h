/* How a command that may take long is told to end. `weir run` and `weir generate` have more to do then. */
#ifndef WEIR_CMD_INTERRUPT_H
#define WEIR_CMD_INTERRUPT_H

#include <stdatomic.h>

/* Not 0 from the first SIGTERM or SIGINT on. */
extern atomic_int interrupt_seen;

/* The first signal asks for an end; a second one ends the process at once. From the main thread, once. */
void interrupt_handle(void);

/* A reader of ours that has gone, or a connection that was closed, is an error of the write and no end. */
void interrupt_not_by_pipes(void);

#endif
