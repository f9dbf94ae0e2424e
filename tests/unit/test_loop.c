#include "engine/loop.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/twin_rig.h"

/* --- everything at random --- */

#define CHAOS_STEPS      1500
#define CHAOS_SEEDS      60
#define CHAOS_PARTITIONS 4
/* Ids that the registry learns one after the other. */
#define CHAOS_FIRST_ID 100
#define CHAOS_IDS      200
/* How long a part of the world may fail. */
#define CHAOS_TROUBLE_MS 20000

struct chaos {
    struct rig rig;
    uint32_t next_id; /* schema id that the registry does not know yet */
    bool calm;        /* no more faults */
};

/* What each operation may say by its contract, short of what ends the process. */
static const struct chaos_fault {
    enum twin_op op;
    struct twin_fault fault;
} chaos_faults[] = {
    {TWIN_POLL, {WEIR_ERR_BROKER_DOWN, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_POLL, {WEIR_ERR_BROKER_DOWN, NULL, TWIN_DONE, 0, false}},
    {TWIN_POLL, {WEIR_ERR_TOPIC_MISSING, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_COMMITTED, {WEIR_ERR_TRANSIENT, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_STAMP, {WEIR_ERR_STALE_GENERATION, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_OPEN, {WEIR_ERR_TRANSIENT, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_OPEN, {WEIR_ERR_BROKER_DOWN, NULL, TWIN_UNDONE, 700, false}},
    {TWIN_OPEN, {WEIR_ERR_PRODUCER_LOST, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_REFRESH, {WEIR_ERR_BROKER_DOWN, NULL, TWIN_UNDONE, 3000, false}},
    {TWIN_BEGIN, {WEIR_ERR_TXN_UNKNOWN, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_BEGIN, {WEIR_ERR_TXN_ABORTED, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_SEND, {WEIR_ERR_TXN_ABORTED, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_SEND, {WEIR_ERR_OUTPUT_REFUSED, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_SEND, {WEIR_ERR_TXN_UNKNOWN, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_COMMIT, {WEIR_ERR_TXN_ABORTED, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_COMMIT, {WEIR_ERR_STALE_GENERATION, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_COMMIT, {WEIR_ERR_TOPIC_DENIED, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_COMMIT, {WEIR_ERR_TXN_UNKNOWN, NULL, TWIN_UNDONE, 9000, false}},
    {TWIN_COMMIT, {WEIR_ERR_TXN_UNKNOWN, NULL, TWIN_DONE, 9000, false}},
    {TWIN_COMMIT, {WEIR_ERR_TXN_UNKNOWN, NULL, TWIN_LATE, 9000, false}},
    {TWIN_COMMIT, {WEIR_ERR_PRODUCER_LOST, NULL, TWIN_LATE, 0, false}},
    {TWIN_COMMIT, {WEIR_OK, NULL, TWIN_UNDONE, 31000, false}},
    {TWIN_COMMIT, {WEIR_OK, NULL, TWIN_UNDONE, 1500, true}},
    {TWIN_COMMIT, {WEIR_ERR_TXN_ABORTED, NULL, TWIN_UNDONE, 0, true}},
    {TWIN_ABORT, {WEIR_ERR_PRODUCER_LOST, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_ABORT, {WEIR_OK, NULL, TWIN_UNDONE, 31000, false}},
    {TWIN_ABORT, {WEIR_OK, NULL, TWIN_UNDONE, 1500, true}},
    {TWIN_BY_ID, {WEIR_ERR_REGISTRY_DOWN, NULL, TWIN_UNDONE, 0, false}},
    {TWIN_BY_ID, {WEIR_ERR_NOT_FOUND, NULL, TWIN_UNDONE, 0, false}},
};

/* One call in so many fails: rarer calls fail more often, so that each fault meets each. */
static const uint32_t chaos_rarity[TWIN_OPS] = {
    [TWIN_POLL] = 60,  [TWIN_COMMITTED] = 3, [TWIN_STAMP] = 25, [TWIN_OPEN] = 4,  [TWIN_REFRESH] = 25,
    [TWIN_BEGIN] = 40, [TWIN_SEND] = 400,    [TWIN_COMMIT] = 5, [TWIN_ABORT] = 4, [TWIN_BY_ID] = 10};

static struct twin_fault decide(void *context, struct twin_member *member, enum twin_op op)
{
    struct chaos *chaos = context;
    const struct chaos_fault *found[COUNT(chaos_faults)];
    size_t n = 0;
    for (size_t i = 0; i < COUNT(chaos_faults); i++)
        if (chaos_faults[i].op == op)
            found[n++] = &chaos_faults[i];
    if (chaos->calm || n == 0 || twin_random(member->world, chaos_rarity[op]) != 0)
        return (struct twin_fault){0};
    return found[twin_random(member->world, (uint32_t)n)]->fault;
}

/* Partitions change hands; what falls to nobody may be done by another process meanwhile. */
static void shuffle(void *context)
{
    struct twin_world *world = context;
    int owners[TWIN_PARTITIONS_MAX];
    for (int32_t p = 0; p < world->n_partitions; p++)
        owners[p] = twin_random(world, 4) == 0 ? TWIN_NOBODY : 0;
    twin_rebalance(world, owners);
}

static void let_another_work(struct twin_world *world)
{
    for (int32_t p = 0; p < world->n_partitions; p++) {
        const struct twin_partition *at = &world->partitions[p];
        int64_t from = at->committed < 0 ? at->start : at->committed;
        if (at->owner == TWIN_NOBODY && !twin_unstable(world, p) && at->end > from)
            twin_done_by_another(world, p, from + 1 + twin_random(world, (uint32_t)(at->end - from)));
    }
}

static void mend_brokers(void *context)
{
    ((struct twin_world *)context)->brokers_down = false;
}

static void mend_registry(void *context)
{
    ((struct twin_world *)context)->registry_down = false;
}

static void mend_topics(void *context)
{
    struct twin_world *world = context;
    world->input_missing = false;
    for (int i = 0; i < SINK_TOPICS; i++)
        world->topics[i].state = WEIR_OK;
}

/* The id that is not yet known becomes known, and records of the next one will come. */
static void publish_schema(struct chaos *chaos)
{
    if (chaos->next_id - CHAOS_FIRST_ID < CHAOS_IDS)
        twin_add_schema(&chaos->rig.world, chaos->next_id++, chaos->rig.reader);
}

/* One part of the world fails for a while. */
static void break_something(struct twin_world *world)
{
    static const enum weir_err_code states[] = {WEIR_ERR_TOPIC_MISSING, WEIR_ERR_TOPIC_DENIED};
    void (*mend)(void *context) = mend_topics;
    switch (twin_random(world, 5)) {
    case 0:
        world->brokers_down = true;
        mend = mend_brokers;
        break;
    case 1:
        world->registry_down = true;
        mend = mend_registry;
        break;
    case 2: world->input_missing = true; break;
    default:
        world->topics[twin_random(world, SINK_TOPICS)].state = states[twin_random(world, COUNT(states))];
        break;
    }
    twin_after(world, 1 + twin_random(world, CHAOS_TROUBLE_MS), mend, world);
}

static void put_some(struct chaos *chaos)
{
    struct twin_world *world = &chaos->rig.world;
    int32_t partition = (int32_t)twin_random(world, CHAOS_PARTITIONS);
    uint32_t n = twin_random(world, 40);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t dice = twin_random(world, 100) ? twin_random(world, RIG_KINDS + 1) : RIG_KINDS + 1;
        if (dice < RIG_KINDS)
            (void)rig_put(&chaos->rig, partition, (enum rig_kind)dice);
        else if (dice == RIG_KINDS)
            twin_gap(world, partition, 1 + twin_random(world, 3));
        else
            (void)rig_put_avro(&chaos->rig, partition, chaos->next_id, "late");
    }
}

static void disturb(struct chaos *chaos)
{
    struct twin_world *world = &chaos->rig.world;
    switch (twin_random(world, 60)) {
    case 0: twin_after(world, twin_random(world, 300), shuffle, world); break;
    case 1: let_another_work(world); break;
    case 2: break_something(world); break;
    case 3: atomic_store(&chaos->rig.control.hurry, 1); break;
    case 4: twin_advance(world, twin_random(world, 40000)); break;
    case 5:
    case 6:
    case 7: publish_schema(chaos); break;
    case 8:
    case 9:
    case 10:
    case 11:
    case 12:
    case 13: put_some(chaos); break;
    default: break;
    }
}

static void end_chaos(struct chaos *chaos)
{
    struct twin_world *world = &chaos->rig.world;
    chaos->calm = true;
    world->n_events = 0;
    mend_brokers(world);
    mend_registry(world);
    mend_topics(world);
    publish_schema(chaos);
    twin_assign_all(world, 0);
}

static void unleash(struct chaos *chaos)
{
    chaos->rig.member.decide = decide;
    chaos->rig.member.context = chaos;
    chaos->rig.member.chunk = 1 + twin_random(&chaos->rig.world, 10);
}

/* A process that is killed, or that ended because another seemed to have taken its name. */
static void restart(struct chaos *chaos)
{
    rig_restart(&chaos->rig);
    unleash(chaos);
}

static void run_chaos(uint64_t seed, size_t steps)
{
    struct chaos chaos = {.next_id = CHAOS_FIRST_ID};
    rig_init(&chaos.rig, (struct rig_options){CHAOS_PARTITIONS, seed, 50, 0, INT64_MAX});
    unleash(&chaos);
    for (size_t i = 0; i < steps; i++) {
        disturb(&chaos);
        enum weir_err_code code = rig_step(&chaos.rig);
        if (code != WEIR_OK && code != WEIR_ERR_DUPLICATE_IDENTITY)
            fail_msg("%s: %s", weir_err_name(code), chaos.rig.err.text);
        if (code != WEIR_OK || twin_random(&chaos.rig.world, 200) == 0)
            restart(&chaos);
    }
    end_chaos(&chaos);
    rig_finish(&chaos.rig, 600000);
    rig_release(&chaos.rig);
}

/* WEIR_SEED=N replays one seed. */
static void test_chaos(void **state)
{
    (void)state;
    const char *only = getenv("WEIR_SEED");
    uint64_t first = only ? strtoull(only, NULL, 10) : 1;
    for (uint64_t seed = first; seed < first + (only ? 1 : CHAOS_SEEDS); seed++) {
        print_message("chaos: WEIR_SEED=%llu\n", (unsigned long long)seed);
        run_chaos(seed, CHAOS_STEPS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_chaos)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
