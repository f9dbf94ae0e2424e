/*
 * A stack of its own for each process of the simulator, so that any port call may stop in its middle and
 * others go on. Where the former life of a fiber stopped it is abandoned, as a process is that is killed. One
 * thread.
 */
#ifndef SIM_FIBER_H
#define SIM_FIBER_H

struct fiber;

/* Aborts when memory is short, as all of the simulator does. */
struct fiber *fiber_new(void);
void fiber_free(struct fiber *fiber);

/* From the next fiber_enter on it runs run(argument), which must not return; what it ran before is abandoned.
 */
void fiber_begin(struct fiber *fiber, void (*run)(void *argument), void *argument);

/* Goes on with a fiber until it leaves. From outside of all fibers. */
void fiber_enter(struct fiber *fiber);

/* Goes back to who entered this fiber; returns when it is entered again. */
void fiber_leave(struct fiber *fiber);

#endif
