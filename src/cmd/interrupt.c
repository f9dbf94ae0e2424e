#include "cmd/interrupt.h"

#include <signal.h>
#include <stdlib.h>

atomic_int interrupt_seen;

static void on_stop(int number)
{
    if (atomic_exchange(&interrupt_seen, 1) != 0)
        _Exit(128 + number);
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(number, &action, NULL);
}

/* A process that is the first of its container gets no signal that it does not handle. */
void interrupt_handle(void)
{
    handle(SIGTERM, on_stop);
    handle(SIGINT, on_stop);
}

void interrupt_not_by_pipes(void)
{
    handle(SIGPIPE, SIG_IGN);
}
