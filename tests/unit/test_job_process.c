#include "engine/job_process.h"

#include "support/twin_rig.h"

#define UNKNOWN_ID 99
#define WALL_MS    INT64_C(1800000000000)

static struct rig rig;
static struct weir_err err;

static int set_up(void **state)
{
    (void)state;
    rig_init(&rig, (struct rig_options){.partitions = 2, .seed = 1});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_release(&rig);
    return 0;
}

static struct batch *batch(void)
{
    return &rig.loop.batch;
}

/* Gathers all that was produced. */
static void gather(void)
{
    struct source *source = &rig.member.source;
    size_t n = 0;
    rig.member.started = true;
    assert_int_equal(source->ops->poll(source, 1, batch()->cap, &batch()->heap, batch()->landing, &n, &err),
                     WEIR_OK);
    assert_int_equal(batch_take(batch(), n, &err), WEIR_OK);
}

static enum weir_err_code process(void)
{
    return job_process(batch(), rig.plans, WEIR_FORMAT_AUTO, WALL_MS, &err);
}

static void test_every_live_record_gets_its_verdict(void **state)
{
    (void)state;
    rig_put_mix(&rig, 3 * RIG_KINDS);
    gather();
    batch()->runs[1].gone = true;
    assert_int_equal(process(), WEIR_OK);
    assert_int_equal(batch()->n, 6 * RIG_KINDS);
    for (size_t i = 0; i < batch()->n; i++) {
        const struct batch_item *item = &batch()->items[i];
        if (!batch_live(batch(), item))
            continue;
        const struct weir_record *record = &item->in.record;
        const struct twin_input *input = twin_input_at(&rig.world, record->partition, record->offset);
        assert_int_equal(item->outcome.verdict, input->expect);
        assert_int_equal(item->outcome.why.code, input->code);
    }
}

/* The run is cut where it must wait; the other partition goes on. */
static void test_cut(void **state)
{
    (void)state;
    (void)rig_put(&rig, 0, RIG_PASS);
    rig_put_avro(&rig, 0, UNKNOWN_ID, "late")->timestamp_ms = WALL_MS;
    (void)rig_put(&rig, 0, RIG_PASS);
    (void)rig_put(&rig, 1, RIG_PASS);
    gather();
    assert_int_equal(process(), WEIR_OK);
    for (size_t i = 0; i < 2; i++) {
        const struct batch_run *run = &batch()->runs[i];
        assert_int_equal(run->cut, run->partition == 0);
        assert_int_equal(run->next, 1);
        if (run->cut)
            assert_int_equal(run->why.code, WEIR_ERR_SCHEMA_PENDING);
    }
}

/* The deadline of unknown_schema counts from the record's own time. */
static void test_age(void **state)
{
    (void)state;
    static const struct {
        int64_t timestamp_ms;
        bool rejected;
    } rows[] = {
        {WALL_MS, false}, {WALL_MS - RIG_DEADLINE + 1, false}, {WALL_MS - RIG_DEADLINE, true},
        {0, true},        {WALL_MS + 1000000, false}, /* from the future */
        {-1, false},                                  /* has none: it waits */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        rig_put_avro(&rig, 0, UNKNOWN_ID, "late")->timestamp_ms = rows[i].timestamp_ms;
        gather();
        assert_int_equal(process(), WEIR_OK);
        if (batch()->runs[0].cut == rows[i].rejected)
            fail_msg("row %zu: %s", i, rows[i].rejected ? "waits" : "does not wait");
        if (rows[i].rejected)
            assert_int_equal(batch()->items[0].outcome.why.code, WEIR_CODE_UNKNOWN_SCHEMA);
        batch_release(batch(), &rig.member.source);
    }
}

static void test_misfit_is_rejected(void **state)
{
    (void)state;
    (void)rig_put_avro(&rig, 0, RIG_MISFIT, "x");
    gather();
    assert_int_equal(process(), WEIR_OK);
    assert_int_equal(batch()->items[0].outcome.verdict, WEIR_REJECT);
    assert_int_equal(batch()->items[0].outcome.why.code, WEIR_CODE_SCHEMA_MISMATCH);
    assert_true(batch()->items[0].outcome.why.text.len > 0);
}

/* A registry that cannot be read at all ends the process: it is no reason to wait or to reject. */
static void test_fatal_error_of_the_registry(void **state)
{
    (void)state;
    twin_script(&rig.member, TWIN_BY_KEY, 1, 1, rig_fault(WEIR_ERR_IO, TWIN_UNDONE));
    (void)rig_put(&rig, 0, RIG_AVRO);
    gather();
    assert_int_equal(process(), WEIR_ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_live_record_gets_its_verdict, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_age, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_misfit_is_rejected, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fatal_error_of_the_registry, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
