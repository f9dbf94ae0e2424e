/*
 * Remedies of the engine, on the in-memory twin of a cluster: its judge knows what was lost, doubled or torn.
 */
#include <stdio.h>
#include <string.h>

#include "support/twin_rig.h"
#include "sys/remedy.h"

#define PARTITIONS 3
#define EACH       ((size_t)20)
/* Longer than the transaction time-out of the twin. */
#define TOO_LONG_MS 31000
#define PATIENCE_MS 120000
/* What has rested for so long is at rest. */
#define REST_MS 2000

static struct rig rig;

/* --- how a scenario ends --- */

enum end {
    WELL,    /* each record has its one outcome, and the loop is at rest */
    DAMAGED, /* the judge has found something */
    BLOCKED, /* something is left undone that could be done */
    ENDED    /* the process ended */
};

static const char *const end_names[] = {"well", "damaged", "blocked", "ended"};

static bool at_rest(void)
{
    return rig.loop.state == LOOP_RUNNING && rig.loop.batch.n == 0 && twin_all_done(&rig.world, false);
}

/* Steps until it is told how it ends: what is at rest may be done again all the same. */
static enum end run(void)
{
    int64_t until = rig.world.now_ms + PATIENCE_MS;
    int64_t resting_ms = 0;
    while (rig.world.now_ms < until && resting_ms < REST_MS && !rig.world.damage[0]) {
        int64_t before_ms = rig.world.now_ms;
        if (loop_step(&rig.loop, &rig.err) != WEIR_OK)
            return rig.world.damage[0] ? DAMAGED : ENDED;
        resting_ms = at_rest() ? resting_ms + rig.world.now_ms - before_ms : 0;
    }
    if (rig.world.damage[0])
        return DAMAGED;
    return at_rest() ? WELL : BLOCKED;
}

/* --- the scenarios --- */

/* The brokers have committed, and their answer was lost. */
static enum end answer_is_lost(void)
{
    rig_put_mix(&rig, EACH);
    twin_script(&rig.member, TWIN_COMMIT, 1, 1, rig_fault(WEIR_ERR_TXN_UNKNOWN, TWIN_DONE));
    return run();
}

static enum end abort_fails(void)
{
    rig_put_mix(&rig, EACH);
    twin_script(&rig.member, TWIN_COMMIT, 1, 1, rig_fault(WEIR_ERR_TXN_ABORTED, TWIN_UNDONE));
    twin_script(&rig.member, TWIN_ABORT, 1, 1, rig_fault(WEIR_ERR_PRODUCER_LOST, TWIN_UNDONE));
    return run();
}

/* A connection was lost under a commit, so that what it sent was sent twice; the first arrives in the next
 * transaction. */
static enum end send_twice(unsigned what)
{
    rig.world.requests_linger = what;
    rig_put_mix(&rig, EACH);
    twin_script(&rig.member, TWIN_COMMIT, 1, 1, (struct twin_fault){.taints = true});
    enum end end = run();
    if (end != WELL)
        return end;
    rig_put_mix(&rig, EACH);
    return run();
}

static enum end commit_is_sent_twice(void)
{
    return send_twice(TWIN_LINGERS_END);
}

static enum end offsets_are_sent_twice(void)
{
    return send_twice(TWIN_LINGERS_OFFSETS);
}

static void assign_back(void *context)
{
    twin_assign_all(context, 0);
}

/* While the records of a batch are sent, another member gets their partitions and does them. */
static struct twin_fault move_while_sending(void *context, struct twin_member *member, enum twin_op op)
{
    struct twin_world *world = context;
    if (op == TWIN_SEND && member->calls[TWIN_SEND] == 1) {
        twin_assign_all(world, TWIN_NOBODY);
        for (int32_t p = 0; p < PARTITIONS; p++)
            twin_done_by_another(world, p, (int64_t)EACH);
        twin_after(world, 1000, assign_back, world);
    }
    return (struct twin_fault){0};
}

static enum end batch_goes_stale(void)
{
    rig.world.joins_unseen = true;
    rig_put_mix(&rig, EACH);
    rig.member.decide = move_while_sending;
    rig.member.context = &rig.world;
    return run();
}

static void succeed(void *context)
{
    twin_succeed(context, 0);
}

/* The process sleeps in its transaction, and a successor is started under its identity. */
static enum end zombie_wakes_up(void)
{
    rig_put_mix(&rig, EACH);
    twin_script(&rig.member, TWIN_COMMIT, 1, 1, (struct twin_fault){.took_ms = TOO_LONG_MS});
    twin_after(&rig.world, TOO_LONG_MS, succeed, &rig.world);
    return run();
}

static void put_large(int32_t partition)
{
    struct twin_input *input = rig_put_long(&rig, partition, 2000);
    input->expect = WEIR_REJECT;
    input->code = WEIR_CODE_TOO_LARGE;
}

/* An output that its topic does not take, among others. */
static enum end output_is_too_large(void)
{
    rig.world.topics[SINK_OUTPUT].max_message_bytes = 1000;
    (void)rig_put(&rig, 0, RIG_PASS);
    put_large(0);
    (void)rig_put(&rig, 1, RIG_PASS);
    return run();
}

/* A letter that its topic does not take: only what stands behind it has to wait. */
static enum end letter_is_too_large(void)
{
    rig.world.topics[SINK_DEAD_LETTER].max_message_bytes = 1000;
    rig.world.topics[SINK_OUTPUT].max_message_bytes = 1000;
    (void)rig_put(&rig, 0, RIG_PASS);
    put_large(0);
    (void)rig_put(&rig, 1, RIG_PASS);
    enum end end = run();
    bool others_done = rig.world.partitions[0].committed == 1 && rig.world.partitions[1].committed == 1;
    return end == BLOCKED && others_done ? WELL : end;
}

static enum end member_is_timed_out(void)
{
    rig_put_mix(&rig, EACH);
    twin_script(&rig.member, TWIN_POLL, 1, 1, rig_fault(WEIR_ERR_MEMBER_EXPIRED, TWIN_UNDONE));
    return run();
}

/* --- both ways --- */

static const struct row {
    const char *name;
    enum remedy remedy;
    enum end (*scenario)(void);
    enum end with, without;
    const char *damage; /* what the judge must say without the remedy; NULL where it has nothing to say */
} rows[] = {
    {"answer_is_lost", REMEDY_REBUILD_UNKNOWN, answer_is_lost, WELL, DAMAGED, "2 visible outcomes"},
    {"abort_fails", REMEDY_FAILED_ABORT, abort_fails, WELL, ENDED, NULL},
    {"commit_is_sent_twice", REMEDY_END_TXN_GUARD, commit_is_sent_twice, WELL, DAMAGED,
     "visible without its offset"},
    {"offsets_are_sent_twice", REMEDY_END_TXN_GUARD, offsets_are_sent_twice, WELL, DAMAGED,
     "visible without its offset"},
    {"batch_goes_stale", REMEDY_SEALED_STAMP, batch_goes_stale, WELL, DAMAGED, "2 visible outcomes"},
    {"zombie_wakes_up", REMEDY_ZOMBIE, zombie_wakes_up, ENDED, DAMAGED, "took the name back"},
    {"output_is_too_large", REMEDY_OVERSIZE, output_is_too_large, WELL, BLOCKED, NULL},
    {"letter_is_too_large", REMEDY_OVERSIZE, letter_is_too_large, WELL, BLOCKED, NULL},
    {"member_is_timed_out", REMEDY_REJOIN, member_is_timed_out, WELL, BLOCKED, NULL},
};

static void expect(const struct row *row, enum end wanted, enum end got)
{
    if (got == wanted)
        return;
    twin_log_show();
    fail_msg("%s: %s instead of %s: %s%s", row->name, end_names[got], end_names[wanted], rig.world.damage,
             rig.err.text);
}

static void test_row(void **state)
{
    const struct row *row = *state;
    struct weir_err err;
    for (int off = 0; off <= 1; off++) {
        assert_int_equal(remedy_setup(off ? remedy_name(row->remedy) : NULL, &err), WEIR_OK);
        rig_init(&rig, (struct rig_options){.partitions = PARTITIONS, .seed = 1});
        expect(row, off ? row->without : row->with, row->scenario());
        print_message("%s %s: %s %s\n", off ? "without" : "with", remedy_name(row->remedy),
                      end_names[off ? row->without : row->with], rig.world.damage);
        if (off && row->damage && !strstr(rig.world.damage, row->damage))
            fail_msg("'%s' does not say '%s'", rig.world.damage, row->damage);
        /* What was expected must not fail the release. */
        rig.world.damage[0] = '\0';
        assert_int_equal(remedy_setup(NULL, &err), WEIR_OK);
        rig_release(&rig);
    }
}

int main(void)
{
    struct CMUnitTest tests[COUNT(rows)];
    for (size_t i = 0; i < COUNT(rows); i++)
        tests[i] = (struct CMUnitTest){
            .name = rows[i].name, .test_func = test_row, .initial_state = (void *)(uintptr_t)&rows[i]};
    return _cmocka_run_group_tests("remedies.engine", tests, COUNT(tests), NULL, NULL);
}
