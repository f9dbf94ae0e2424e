#include "sim/fiber.h"

#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>

#define STACK_BYTES ((size_t)512 * 1024)

/* The address sanitizer must be told which stack is in use. */
#ifdef __SANITIZE_ADDRESS__
#    include <sanitizer/asan_interface.h>
#    include <sanitizer/common_interface_defs.h>
#else
#    define __sanitizer_start_switch_fiber(save, bottom, size)  ((void)(save), (void)(bottom), (void)(size))
#    define __sanitizer_finish_switch_fiber(save, bottom, size) ((void)(save), (void)(bottom), (void)(size))
#    define __asan_unpoison_memory_region(at, size)             ((void)(at), (void)(size))
#endif

struct fiber {
    ucontext_t inside, outside;
    uint8_t *stack;
    void (*run)(void *argument);
    void *argument;
    void *fake_inside, *fake_outside; /* the sanitizer's */
    const void *bottom_outside;
    size_t size_outside;
};

struct fiber *fiber_new(void)
{
    struct fiber *fiber = calloc(1, sizeof *fiber);
    if (!fiber)
        abort();
    fiber->stack = malloc(STACK_BYTES);
    if (!fiber->stack)
        abort();
    return fiber;
}

void fiber_free(struct fiber *fiber)
{
    if (!fiber)
        return;
    __asan_unpoison_memory_region(fiber->stack, STACK_BYTES);
    free(fiber->stack);
    free(fiber);
}

/* makecontext has no way to pass a pointer. */
static struct fiber *starting;

static void start(void)
{
    struct fiber *fiber = starting;
    __sanitizer_finish_switch_fiber(NULL, &fiber->bottom_outside, &fiber->size_outside);
    fiber->run(fiber->argument);
    abort();
}

void fiber_begin(struct fiber *fiber, void (*run)(void *argument), void *argument)
{
    __asan_unpoison_memory_region(fiber->stack, STACK_BYTES);
    fiber->run = run;
    fiber->argument = argument;
    fiber->fake_inside = NULL;
    if (getcontext(&fiber->inside) != 0)
        abort();
    fiber->inside.uc_stack.ss_sp = fiber->stack;
    fiber->inside.uc_stack.ss_size = STACK_BYTES;
    fiber->inside.uc_link = NULL;
    makecontext(&fiber->inside, start, 0);
}

void fiber_enter(struct fiber *fiber)
{
    starting = fiber;
    __sanitizer_start_switch_fiber(&fiber->fake_outside, fiber->stack, STACK_BYTES);
    (void)swapcontext(&fiber->outside, &fiber->inside);
    __sanitizer_finish_switch_fiber(fiber->fake_outside, NULL, NULL);
}

void fiber_leave(struct fiber *fiber)
{
    __sanitizer_start_switch_fiber(&fiber->fake_inside, fiber->bottom_outside, fiber->size_outside);
    (void)swapcontext(&fiber->inside, &fiber->outside);
    __sanitizer_finish_switch_fiber(fiber->fake_inside, &fiber->bottom_outside, &fiber->size_outside);
}
