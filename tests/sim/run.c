#include "sim/run.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/faults.h"
#include "sim/process.h"
#include "sim/setting.h"
#include "support/twin_judge.h"
#include "support/twin_log.h"
#include "sys/log.h"

/* Two processes may run under one identity. */
#define SLOTS (2 * TWIN_MEMBERS_MAX)
/* The group's session time-out. */
#define SESSION_MS 10000
/* How long everything may take once the faults have ended, and how long it must then stay at rest. */
#define PATIENCE_MS 300000
#define REST_MS     3000
/* Pauses of the world between two of its doings: at random, and in calm. */
#define TICK_MS      100
#define CALM_TICK_MS 50
/* In the last steps before the calm nothing is killed, so that what is left must find its way back by itself.
 */
#define LAST_STEPS 80
/* A process that ended is started again within: mostly, and sometimes. */
#define SOON_MS  3000
#define LATER_MS 30000

struct run {
    struct setting setting;
    struct twin_world world;
    struct process_world shared;
    struct process slots[SLOTS];
    struct process *running; /* on whose fiber we are; NULL: on none */
    int64_t tick_ms;         /* when the world itself does something */
    int64_t heard_ms[TWIN_MEMBERS_MAX];
    bool calm;
    int64_t calm_ms, rest_ms; /* since when; rest 0: something is still to be done */
    bool verbose;
    struct run_result *result;
};

/* One at a time: its fibers are kept. */
static struct run run;

/* --- what happened --- */

static void mix(struct run *self, uint64_t value)
{
    uint64_t x = self->result->hash ^ (value + UINT64_C(0x9e3779b97f4a7c15));
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    self->result->hash = x ^ (x >> 27);
}

__attribute__((format(printf, 2, 3))) static void say(struct run *self, const char *format, ...)
{
    if (!self->verbose)
        return;
    va_list args;
    printf("%8" PRId64 " ms  step %-6" PRIu64 " ", self->world.now_ms, self->result->steps);
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    printf("\n");
}

static void note_call(struct run *self, const struct process *process, enum twin_op op,
                      const struct twin_fault *fault)
{
    self->result->calls++;
    mix(self, (uint64_t)self->world.now_ms * TWIN_OPS + op);
    mix(self, process->member.process * (uint64_t)WEIR_ERR_COUNT + fault->code);
    mix(self, (uint64_t)fault->took_ms * 8 + fault->fate * 2 + fault->taints);
    if (!self->verbose)
        return;
    static const char *const fates[] = {"undone", "done", "late"};
    if (fault->code != WEIR_OK)
        say(self, "%d.%" PRIu32 " %s: %s, %s, %" PRId64 " ms%s", process->identity, process->member.process,
            twin_op_name(op), weir_err_name(fault->code), fates[fault->fate], fault->took_ms,
            fault->taints ? ", tainted" : "");
    else
        say(self, "%d.%" PRIu32 " %s%s%s", process->identity, process->member.process, twin_op_name(op),
            fault->took_ms > 0 ? ": slow" : "", fault->taints ? ", tainted" : "");
}

/* --- who is next --- */

/* The process whose time comes first, NULL for the world itself. Of equals the one that chance says. */
static struct process *next(struct run *self)
{
    struct process *first = NULL;
    int64_t at_ms = self->tick_ms;
    uint32_t from = twin_random(&self->world, SLOTS);
    for (uint32_t i = 0; i < SLOTS; i++) {
        struct process *process = &self->slots[(from + i) % SLOTS];
        if (process->wake_ms >= at_ms)
            continue;
        first = process;
        at_ms = process->wake_ms;
    }
    return first;
}

static void move_clock(struct run *self, int64_t to_ms)
{
    if (to_ms > self->world.now_ms)
        twin_advance(&self->world, to_ms - self->world.now_ms);
}

/* A call blocks: whoever has something to do meanwhile goes on. */
static void wait(void *context, struct twin_member *member, int64_t ms)
{
    struct run *self = context;
    struct process *process = process_of(member);
    if (self->running != process)
        return;
    process->wake_ms = self->world.now_ms + ms;
    if (!self->world.damage[0] && next(self) == process)
        move_clock(self, process->wake_ms);
    else
        fiber_leave(process->fiber);
}

/* --- faults at calls --- */

static bool spared(const struct run *self)
{
    return self->calm || self->result->steps + LAST_STEPS > self->setting.steps;
}

static void die(struct run *self, struct process *process, const char *where)
{
    say(self, "%d.%" PRIu32 " is killed %s", process->identity, process->member.process, where);
    process_die(process);
}

static void sleep_on(struct run *self, struct process *process, int64_t ms)
{
    say(self, "%d.%" PRIu32 " is stopped for %" PRId64 " ms", process->identity, process->member.process, ms);
    process->asleep = true;
    wait(self, &process->member, ms);
    process->asleep = false;
}

/* Before a call: others may come first, and the process may not get to it at all. */
static void come_between(struct run *self, struct process *process, enum twin_op op)
{
    struct twin_world *world = &self->world;
    uint32_t weather = self->setting.weather;
    if (twin_random(world, op == TWIN_SEND ? 100 : 12) == 0)
        wait(self, &process->member, twin_random(world, 4));
    if (self->calm)
        return;
    if (!spared(self) && faults_kill(world, op, weather, false))
        die(self, process, "before a call");
    int64_t sleep_ms = faults_sleep(world, op, weather);
    if (sleep_ms > 0)
        sleep_on(self, process, sleep_ms);
}

/* A process that finds its way back polls seldom in all, so each of its polls meets more; above all that it
 * was timed out while the brokers were away. */
static struct twin_fault draw(struct run *self, const struct twin_member *member, enum twin_op op)
{
    struct twin_world *world = &self->world;
    const struct setting *setting = &self->setting;
    bool recovers = op == TWIN_POLL && member->quiet;
    struct twin_fault fault = faults_draw(world, op, setting->weather, setting->honest);
    for (int i = 0; i < 4 && recovers && fault.code == WEIR_OK; i++)
        fault = faults_draw(world, op, setting->weather, setting->honest);
    if (recovers && fault.code == WEIR_OK && world->brokers_down &&
        twin_random(world, 30 * setting->weather) == 0)
        fault.code = WEIR_ERR_MEMBER_EXPIRED;
    return fault;
}

static struct twin_fault decide(void *context, struct twin_member *member, enum twin_op op)
{
    struct run *self = context;
    struct process *process = process_of(member);
    struct twin_fault fault = {0};
    if (self->running == process)
        come_between(self, process, op);
    if (!self->calm)
        fault = draw(self, member, op);
    /* Only what is true may be said of a fence: another has opened the id. */
    if (fault.code == WEIR_ERR_FENCED)
        twin_fence(&self->world, process->identity);
    if (weir_err_class(fault.code) == WEIR_CLASS_FATAL)
        process->wrong |= UINT64_C(1) << fault.code;
    note_call(self, process, op, &fault);
    return fault;
}

/* In the middle of a call. */
static void moment(void *context, struct twin_member *member, enum twin_op op)
{
    struct run *self = context;
    struct process *process = process_of(member);
    if (self->calm || self->running != process)
        return;
    if (!spared(self) && faults_kill(&self->world, op, self->setting.weather, true))
        die(self, process, "within a call");
    if (twin_random(&self->world, 4 * self->setting.weather) == 0)
        wait(self, member, 1 + twin_random(&self->world, twin_random(&self->world, 8) == 0 ? 15000 : 50));
}

/* --- the group --- */

static bool placed(const struct run *self, int identity)
{
    return self->world.place[identity] != 0;
}

/* Shares the partitions out among the identities of the group; while there is no calm, at random. */
static void rebalance(struct run *self)
{
    struct twin_world *world = &self->world;
    int owners[TWIN_PARTITIONS_MAX];
    int there[TWIN_MEMBERS_MAX];
    uint32_t n = 0;
    for (int i = 0; i < world->n_members; i++)
        if (placed(self, i))
            there[n++] = i;
    for (int32_t p = 0; p < world->n_partitions; p++) {
        bool nobody = n == 0 || (!self->calm && twin_random(world, 10) == 0);
        owners[p] = nobody ? TWIN_NOBODY : there[self->calm ? (uint32_t)p % n : twin_random(world, n)];
    }
    twin_rebalance(world, owners);
    say(self, "rebalance among %" PRIu32 ", generation %" PRIu32, n, world->generation);
}

static void joined(void *context, int member)
{
    struct run *self = context;
    self->heard_ms[member] = self->world.now_ms;
    rebalance(self);
}

/* The process that has the identity's place, NULL when it has ended. */
static const struct process *holder(const struct run *self, int identity)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (self->slots[i].state == PROCESS_ALIVE &&
            self->slots[i].member.process == self->world.place[identity])
            return &self->slots[i];
    return NULL;
}

/* Whom the group has not heard of for a session is out. A client's own threads are heard while its calls
 * block. */
static void watch_sessions(struct run *self)
{
    struct twin_world *world = &self->world;
    for (int i = 0; i < world->n_members; i++) {
        const struct process *process = holder(self, i);
        if (!placed(self, i) || world->brokers_down || (process && !process->asleep))
            self->heard_ms[i] = world->now_ms;
        if (world->now_ms - self->heard_ms[i] <= SESSION_MS)
            continue;
        say(self, "the group has lost %d", i);
        twin_expel(world, i);
        rebalance(self);
    }
}

/* --- processes come and go --- */

static void after_step(void *context, struct process *process)
{
    struct run *self = context;
    self->result->steps++;
    if (self->world.damage[0])
        fiber_leave(process->fiber);
}

/* Processes may differ in their configuration, as they do while they are exchanged one by one. */
static void start(struct run *self, struct process *process, int identity)
{
    static const char *const configs[] = {"pipeline: rig\n", "pipeline: rig\n#2\n", "pipeline: rig\n#3\n"};
    self->shared.config_text = configs[twin_random(&self->world, sizeof configs / sizeof *configs)];
    process_start(process, &self->shared, identity, after_step, self);
    process->member.decide = decide;
    process->member.context = self;
    process->member.chunk = 1 + twin_random(&self->world, self->setting.chunk);
    self->result->starts++;
    say(self, "%d.%" PRIu32 " starts", identity, process->member.process);
}

/* Another process of the same identity that is alive, else NULL. */
static struct process *twin_of(struct run *self, const struct process *process)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (&self->slots[i] != process && self->slots[i].identity == process->identity &&
            self->slots[i].state == PROCESS_ALIVE)
            return &self->slots[i];
    return NULL;
}

/* Only what a port has said may end a process, or that another one has its name. */
static void judge_end(struct run *self, const struct process *process)
{
    enum weir_err_code code = process->code;
    const struct twin_member *member = &process->member;
    bool stopped = atomic_load(&process->control.stop) != 0;
    bool rivalled = self->world.txns[process->identity].process != member->process || twin_replaced(member);
    if (code == WEIR_OK || (stopped && code == WEIR_ERR_TRANSIENT) || (process->wrong >> code & 1) != 0)
        return;
    if (code != WEIR_ERR_DUPLICATE_IDENTITY)
        twin_damage(&self->world, "the process ended with %s: %s", weir_err_name(code), process->err.text);
    else if (!rivalled)
        twin_damage(&self->world, "the process ended because of another one that was not there: %s",
                    process->err.text);
}

/* A supervisor starts again what has ended, unless the identity has another process by now. */
static void end(struct run *self, struct process *process)
{
    struct twin_world *world = &self->world;
    say(self, "%d.%" PRIu32 " ends: %s %s", process->identity, process->member.process,
        weir_err_name(process->code), process->code != WEIR_OK ? process->err.text : "");
    mix(self, process->code);
    process_end(process);
    uint32_t within = twin_random(world, 4) == 0 && !self->calm ? LATER_MS : SOON_MS;
    if (!twin_of(self, process))
        process->wake_ms = world->now_ms + 1 + twin_random(world, within);
}

static void kill(struct run *self, struct process *process)
{
    if (process->state != PROCESS_ALIVE || spared(self))
        return;
    say(self, "%d.%" PRIu32 " is killed where it stands", process->identity, process->member.process);
    end(self, process);
}

static void stop(struct run *self, struct process *process)
{
    if (process->state != PROCESS_ALIVE || spared(self))
        return;
    say(self, "%d.%" PRIu32 " is told to stop", process->identity, process->member.process);
    atomic_store(&process->control.stop, 1);
}

/* A second process under an identity that is in use. */
static void duplicate(struct run *self, int identity)
{
    struct process *spare = NULL;
    bool used = false;
    for (size_t i = 0; i < SLOTS; i++) {
        struct process *process = &self->slots[i];
        if (process->identity != identity)
            continue;
        used = used || process->state == PROCESS_ALIVE;
        spare = process->state == PROCESS_ABSENT && process->wake_ms == PROCESS_NEVER ? process : spare;
    }
    if (used && spare)
        start(self, spare, identity);
}

/* --- the world's own doings --- */

static void look_for_schemas(struct run *self, struct process *process)
{
    if (process->state == PROCESS_ALIVE && self->setting.follows)
        follow_look(&process->follow);
}

static void let_another_work(struct run *self)
{
    struct twin_world *world = &self->world;
    for (int32_t p = 0; p < world->n_partitions; p++) {
        const struct twin_partition *at = &world->partitions[p];
        int64_t from = at->committed < 0 ? at->start : at->committed;
        if (at->owner != TWIN_NOBODY || twin_unstable(world, p) || at->end <= from)
            continue;
        say(self, "another does a part of partition %" PRId32, p);
        uint32_t most = (uint32_t)(at->end - from);
        twin_done_by_another(world, p,
                             twin_random(world, 2) == 0 ? at->end : from + 1 + twin_random(world, most));
    }
}

/*
 * A process is slow in its transaction, or the coordinator has ended that already and the process does not
 * know. Meanwhile the group gives its partitions to another process, which does the very same batch, or most
 * of it.
 */
static void do_the_same(struct run *self, const struct process *process)
{
    struct twin_world *world = &self->world;
    const struct batch *batch = &process->loop.batch;
    int owners[TWIN_PARTITIONS_MAX];
    const struct twin_txn *txn = &world->txns[process->identity];
    bool fits = txn->state == TWIN_IDLE || (txn->state == TWIN_OPENED && txn->n_offsets == 0);
    if (process->state != PROCESS_ALIVE || !process->member.in_txn || !fits)
        return;
    say(self, "another does what %d.%" PRIu32 " was about", process->identity, process->member.process);
    for (int32_t p = 0; p < world->n_partitions; p++)
        owners[p] = world->partitions[p].owner;
    for (size_t i = 0; i < batch->n_runs; i++)
        owners[batch->runs[i].partition] = TWIN_NOBODY;
    twin_rebalance(world, owners);
    for (size_t i = 0; i < batch->n_runs; i++) {
        int32_t p = batch->runs[i].partition;
        int64_t next_offset = batch->runs[i].next;
        if (next_offset > world->partitions[p].committed && !twin_unstable(world, p) &&
            twin_random(world, 5) != 0)
            twin_done_by_another(world, p, next_offset);
    }
}

static void disturb(struct run *self)
{
    struct twin_world *world = &self->world;
    uint32_t dice = twin_random(world, 50 * self->setting.weather);
    struct process *process = &self->slots[twin_random(world, SLOTS)];
    int identity = (int)twin_random(world, (uint32_t)world->n_members);
    switch (dice) {
    case 0:
    case 1: rebalance(self); break;
    case 2: let_another_work(self); break;
    case 3: setting_break(&self->setting, world); break;
    case 4: atomic_fetch_add(&process->control.hurry, 1); break;
    case 5: kill(self, process); break;
    case 6: stop(self, process); break;
    case 7: duplicate(self, identity); break;
    case 8: twin_fence(world, identity); break;
    case 9: setting_register(&self->setting, world); break;
    default: break;
    }
    if (dice >= 10 && dice < 20)
        look_for_schemas(self, process);
    if (dice >= 20 && dice < 25)
        do_the_same(self, process);
    setting_produce(&self->setting, world);
}

static void calm_down(struct run *self)
{
    struct twin_world *world = &self->world;
    say(self, "calm");
    self->calm = true;
    self->calm_ms = world->now_ms;
    setting_mend(&self->setting, world);
    for (size_t i = 0; i < SLOTS; i++)
        if (self->slots[i].asleep)
            self->slots[i].wake_ms = world->now_ms;
    rebalance(self);
}

/* --- the end --- */

static bool all_rest(struct run *self)
{
    struct twin_world *world = &self->world;
    int alive = 0;
    for (size_t i = 0; i < SLOTS; i++) {
        if (self->slots[i].state == PROCESS_ALIVE && !process_rests(&self->slots[i]))
            return false;
        alive += self->slots[i].state == PROCESS_ALIVE;
    }
    for (int i = 0; i < world->n_members; i++)
        if (world->txns[i].state != TWIN_IDLE || !placed(self, i))
            return false;
    return alive == world->n_members && twin_all_done(world, false);
}

static void judge_records(struct run *self)
{
    struct twin_world *world = &self->world;
    for (int32_t p = 0; p < world->n_partitions; p++)
        for (size_t i = 0; i < world->partitions[p].n; i++) {
            const struct twin_input *input = &world->partitions[p].records[i];
            if (input->outcomes != (input->expect == WEIR_DROP ? 0 : 1))
                twin_damage(world, "partition %" PRId32 " offset %" PRId64 ": %u outcomes in the end", p,
                            input->offset, input->outcomes);
            self->result->records++;
        }
}

/* What keeps it from being at rest. */
static void judge_unrest(struct run *self)
{
    (void)twin_all_done(&self->world, true);
    for (size_t i = 0; i < SLOTS; i++)
        if (self->slots[i].state == PROCESS_ALIVE && !process_rests(&self->slots[i]))
            twin_damage(&self->world, "process %" PRIu32 " does not come to rest: state %d, %zu records",
                        self->slots[i].member.process, (int)self->slots[i].loop.state,
                        self->slots[i].loop.batch.n);
    twin_damage(&self->world, "blocked: not at rest %d s after the last fault", PATIENCE_MS / 1000);
}

/* True when the run is over. */
static bool wait_for_rest(struct run *self)
{
    int64_t now_ms = self->world.now_ms;
    for (size_t i = 0; i < SLOTS; i++)
        look_for_schemas(self, &self->slots[i]);
    if (!all_rest(self))
        self->rest_ms = 0;
    else if (self->rest_ms == 0)
        self->rest_ms = now_ms;
    if (self->rest_ms > 0 && now_ms - self->rest_ms >= REST_MS) {
        self->result->calm_ms = self->rest_ms - self->calm_ms;
        judge_records(self);
        return true;
    }
    if (now_ms - self->calm_ms < PATIENCE_MS)
        return false;
    judge_unrest(self);
    return true;
}

/* True when the run is over. */
static bool tick(struct run *self)
{
    watch_sessions(self);
    if (!self->calm && self->result->steps >= self->setting.steps)
        calm_down(self);
    self->tick_ms = self->world.now_ms + (self->calm ? CALM_TICK_MS : 1 + twin_random(&self->world, TICK_MS));
    if (self->calm)
        return wait_for_rest(self);
    disturb(self);
    return false;
}

/* --- a run --- */

static void go_on_with(struct run *self, struct process *process)
{
    if (process->state == PROCESS_ABSENT) {
        start(self, process, process->identity);
        return;
    }
    self->running = process;
    fiber_enter(process->fiber);
    self->running = NULL;
    if (process->state != PROCESS_OVER)
        return;
    judge_end(self, process);
    end(self, process);
}

static void set_up(struct run *self, const struct run_options *options, struct run_result *result)
{
    struct process slots[SLOTS];
    memcpy(slots, self->slots, sizeof slots);
    *self = (struct run){.verbose = options->verbose, .result = result};
    struct twin_world *world = &self->world;
    twin_log_clear();
    setting_make(&self->setting, world, options->seed);
    self->shared = (struct process_world){world, &self->setting.spec,       self->setting.first,
                                          NULL,  self->setting.deadline_ms, self->setting.follows};
    world->wait = wait;
    world->moment = moment;
    world->join = joined;
    world->context = self;
    for (int i = 0; i < SLOTS; i++) {
        self->slots[i] =
            (struct process){.fiber = slots[i].fiber, .identity = i / 2, .wake_ms = PROCESS_NEVER};
        if (i % 2 == 0 && i / 2 < world->n_members)
            self->slots[i].wake_ms = world->now_ms + twin_random(world, SOON_MS);
    }
    self->tick_ms = world->now_ms + 1;
}

/* What damage there is must not keep the memory: the rest is taken away all the same. */
static void tear_down(struct run *self)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (self->slots[i].state != PROCESS_ABSENT)
            process_end(&self->slots[i]);
    mix(self, self->world.n_visible);
    if (self->world.damage[0])
        (void)snprintf(self->result->finding, sizeof self->result->finding, "%s", self->world.damage);
    setting_release(&self->setting, &self->world);
}

void run_seed(const struct run_options *options, struct run_result *result)
{
    bool over = false;
    *result = (struct run_result){0};
    set_up(&run, options, result);
    while (!over && !run.world.damage[0]) {
        struct process *process = next(&run);
        move_clock(&run, process ? process->wake_ms : run.tick_ms);
        if (process)
            go_on_with(&run, process);
        else
            over = tick(&run);
    }
    tear_down(&run);
}

void run_release(void)
{
    for (size_t i = 0; i < SLOTS; i++) {
        fiber_free(run.slots[i].fiber);
        run.slots[i].fiber = NULL;
    }
}
