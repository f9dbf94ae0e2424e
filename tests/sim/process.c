#include "sim/process.h"

#include <stddef.h>
#include <stdlib.h>

#include "support/twin_judge.h"

/* Steps without time passing that are still no spin: a batch may be gathered, cut and held. */
#define STILL_MAX 200

/* The simulator itself fails: there is nothing to be said of weir then. */
static void must(enum weir_err_code code)
{
    if (code != WEIR_OK)
        abort();
}

struct process *process_of(struct twin_member *member)
{
    return (struct process *)((char *)member - offsetof(struct process, member));
}

/* --- life --- */

static void step(struct process *process)
{
    struct twin_world *world = process->member.world;
    int64_t before_ms = world->now_ms;
    process->code = loop_step(&process->loop, &process->err);
    process->still = world->now_ms == before_ms ? process->still + 1 : 0;
    if (process->still > STILL_MAX)
        twin_damage(world, "the loop spins: %d steps and no time has passed", STILL_MAX);
    process->step(process->context, process);
}

static void live(void *argument)
{
    struct process *process = argument;
    while (process->code == WEIR_OK && !atomic_load(&process->control.stop))
        step(process);
    if (process->code == WEIR_OK)
        process->code = loop_run(&process->loop, &process->err);
    process_die(process);
}

void process_die(struct process *process)
{
    process->state = PROCESS_OVER;
    for (;;)
        fiber_leave(process->fiber);
}

static void make_plans(struct process *process, const struct process_world *shared)
{
    struct edition *edition = NULL;
    must(edition_new(&shared->spec->core, &shared->versions[0], &shared->versions[1], &edition,
                     &process->err));
    must(editions_new(edition, shared->follows ? 0 : EDITIONS_FIXED, &process->editions, &process->err));
    must(plans_new(process->editions, &process->member.schemas, shared->deadline_ms, &process->plans,
                   &process->err));
    const struct follow_parts parts = {.spec = shared->spec,
                                       .schemas = &process->member.schemas,
                                       .editions = process->editions,
                                       .trouble = &process->trouble,
                                       .timer = &process->member.timer,
                                       .counters = &process->counters};
    follow_init(&process->follow, &parts);
}

static void make_loop(struct process *process, const struct process_world *shared)
{
    process->member.stopping = &process->control.stop;
    process->member.stop_ms = LOOP_STOP_CALL_MS;
    const struct loop_parts parts = {.spec = shared->spec,
                                     .source = &process->member.source,
                                     .sink = &process->member.sink,
                                     .timer = &process->member.timer,
                                     .plans = process->plans,
                                     .outbox = {shared->spec, &process->member.sink, "0", 1},
                                     .trouble = &process->trouble,
                                     .config_text = shared->config_text,
                                     .counters = &process->counters,
                                     .control = &process->control};
    must(loop_init(&process->loop, &parts, &process->err));
}

void process_start(struct process *process, const struct process_world *shared, int identity,
                   void (*step_done)(void *context, struct process *process), void *context)
{
    struct fiber *fiber = process->fiber ? process->fiber : fiber_new();
    *process = (struct process){.fiber = fiber,
                                .step = step_done,
                                .context = context,
                                .identity = identity,
                                .state = PROCESS_ALIVE,
                                .wake_ms = shared->world->now_ms};
    twin_member_rival(&process->member, shared->world, identity);
    trouble_init(&process->trouble, 0);
    make_plans(process, shared);
    make_loop(process, shared);
    fiber_begin(fiber, live, process);
}

void process_end(struct process *process)
{
    twin_close_sink(&process->member);
    loop_release(&process->loop);
    follow_release(&process->follow);
    plans_free(process->plans);
    editions_free(process->editions);
    twin_member_release(&process->member);
    trouble_release(&process->trouble);
    process->state = PROCESS_ABSENT;
    process->wake_ms = PROCESS_NEVER;
}

bool process_rests(const struct process *process)
{
    return process->state == PROCESS_ALIVE && process->loop.state == LOOP_RUNNING && !process->loop.quiet &&
           process->loop.batch.n == 0;
}
