/*
 * One process of the simulator: the engine's loop on the ports of a twin, with plans of its own, on a fiber.
 * It may be ended at any moment, wherever its fiber stands.
 */
#ifndef SIM_PROCESS_H
#define SIM_PROCESS_H

#include "engine/follow.h"
#include "engine/loop.h"
#include "sim/fiber.h"
#include "support/twin.h"

#define PROCESS_NEVER INT64_MAX

/* What all processes of a run share; borrowed. */
struct process_world {
    struct twin_world *world;
    const struct weir_spec *spec;
    const struct schemas_version *versions; /* of the reader and the output when a process starts */
    const char *config_text;                /* of the next to start */
    int64_t deadline_ms;                    /* for unknown schema ids */
    bool follows;
};

enum process_state {
    PROCESS_ABSENT,
    PROCESS_ALIVE,
    PROCESS_OVER /* its fiber has left for good, and the rest is still to be taken away */
};

struct process {
    struct twin_member member;
    struct loop loop;
    struct loop_control control;
    struct editions *editions;
    struct plans *plans;
    struct follow follow;
    struct trouble trouble;
    struct counters counters;
    struct fiber *fiber; /* kept from one life to the next */
    void (*step)(void *context, struct process *process);
    void *context;

    int identity;
    enum process_state state;
    int64_t wake_ms;         /* when its call returns; of one that is absent, when it is started */
    bool asleep;             /* stopped, so that the group does not hear of it */
    uint64_t wrong;          /* bits of codes that ports have said wrongly, and that may end it */
    uint64_t still;          /* steps in a row that took no time */
    enum weir_err_code code; /* that it ended with */
    struct weir_err err;
};

/* A new process of the identity. step is called after each step of its loop, on its fiber. */
void process_start(struct process *process, const struct process_world *shared, int identity,
                   void (*step)(void *context, struct process *process), void *context);

/* Takes away all that is left of one that is over, or that is killed where it stands. */
void process_end(struct process *process);

/* On its fiber: it dies here. */
_Noreturn void process_die(struct process *process);

/* The process whose member that is. */
struct process *process_of(struct twin_member *member);

/* Alive, with nothing under way and nothing waiting to be opened. */
bool process_rests(const struct process *process);

#endif
