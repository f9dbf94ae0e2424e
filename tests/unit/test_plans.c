#include "engine/plans.h"

#include "support/alloc_fail.h"
#include "support/twin_rig.h"

#define UNKNOWN_ID 99
#define BROKEN_ID  98

static struct rig rig;

static int set_up(void **state)
{
    (void)state;
    rig_init(&rig, (struct rig_options){.partitions = 1, .seed = 1});
    twin_add_schema(&rig.world, BROKEN_ID, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_release(&rig);
    return 0;
}

static struct plans_answer find(uint32_t id, int64_t age_ms)
{
    const struct weir_wire wire = {WEIR_WIRE_AVRO, {.id = id}, WEIR_WIRE_PREFIX};
    return plans_find(rig.plans, &wire, age_ms);
}

static uint64_t asked(void)
{
    return rig.member.calls[TWIN_BY_KEY];
}

static void test_answers(void **state)
{
    (void)state;
    static const struct {
        uint32_t id;
        int64_t age_ms;
        bool down, plan;
        enum weir_code reject;
        enum weir_err_code wait;
    } rows[] = {
        {RIG_ID, 0, false, true, WEIR_CODE_NONE, WEIR_OK},
        {RIG_MISFIT, 0, false, false, WEIR_CODE_SCHEMA_MISMATCH, WEIR_OK},
        {BROKEN_ID, 0, false, false, WEIR_CODE_SCHEMA_MISMATCH, WEIR_OK},
        {UNKNOWN_ID, 0, false, false, WEIR_CODE_NONE, WEIR_ERR_SCHEMA_PENDING},
        {UNKNOWN_ID, RIG_DEADLINE - 1, false, false, WEIR_CODE_NONE, WEIR_ERR_SCHEMA_PENDING},
        {UNKNOWN_ID, RIG_DEADLINE, false, false, WEIR_CODE_UNKNOWN_SCHEMA, WEIR_OK},
        /* Nothing can be said while the registry is down, however old the record is. */
        {UNKNOWN_ID, RIG_DEADLINE * 10, true, false, WEIR_CODE_NONE, WEIR_ERR_REGISTRY_DOWN},
        /* What is known stays known. */
        {RIG_ID, 0, true, true, WEIR_CODE_NONE, WEIR_OK},
        {RIG_MISFIT, 0, true, false, WEIR_CODE_SCHEMA_MISMATCH, WEIR_OK},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        rig.world.registry_down = rows[i].down;
        plans_forget(rig.plans);
        struct plans_answer answer = find(rows[i].id, rows[i].age_ms);
        if ((answer.plan != NULL) != rows[i].plan || answer.reject != rows[i].reject ||
            answer.wait != rows[i].wait)
            fail_msg("row %zu: %s %s", i, weir_code_name(answer.reject), weir_err_name(answer.wait));
        if (!rows[i].plan)
            assert_true(answer.why->text[0] != '\0');
    }
}

static void test_plain(void **state)
{
    (void)state;
    static const enum weir_wire_kind kinds[] = {WEIR_WIRE_TOMBSTONE, WEIR_WIRE_JSON, WEIR_WIRE_EMPTY,
                                                WEIR_WIRE_UNKNOWN};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        const struct weir_wire wire = {.kind = kinds[i]};
        assert_non_null(plans_find(rig.plans, &wire, 0).plan);
    }
    assert_int_equal(asked(), 0);
}

/* What is known is asked for once, whatever it is. */
static void test_known_is_asked_for_once(void **state)
{
    (void)state;
    static const uint32_t ids[] = {RIG_ID, RIG_MISFIT, BROKEN_ID};
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < COUNT(ids); i++)
            (void)find(ids[i], 0);
        plans_forget(rig.plans);
    }
    assert_int_equal(asked(), COUNT(ids));
}

/* What is not known is asked for once a batch, not once a record: a registry answers over the network. */
static void test_unknown_is_asked_for_once_a_batch(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        assert_int_equal(find(UNKNOWN_ID, RIG_DEADLINE).reject, WEIR_CODE_UNKNOWN_SCHEMA);
    assert_int_equal(find(UNKNOWN_ID, 0).wait, WEIR_ERR_SCHEMA_PENDING);
    assert_int_equal(asked(), 1);
    plans_forget(rig.plans);
    twin_add_schema(&rig.world, UNKNOWN_ID, rig.reader);
    assert_non_null(find(UNKNOWN_ID, 0).plan);
}

/* A registry that is down is not asked again in the same batch, but for other ids: it may fail for one alone.
 */
static void test_down_is_asked_once_a_batch(void **state)
{
    (void)state;
    rig.world.registry_down = true;
    for (int i = 0; i < 10; i++)
        assert_int_equal(find(UNKNOWN_ID, 0).wait, WEIR_ERR_REGISTRY_DOWN);
    assert_int_equal(asked(), 1);
    rig.world.registry_down = false;
    assert_non_null(find(RIG_ID, 0).plan);
}

/* What is learnt of a plan in use comes out between two batches. */
static enum weir_err_code changed(struct schemas *schemas, struct weir_err *err)
{
    (void)schemas;
    return weir_fail(err, WEIR_ERR_SCHEMA_CHANGED, "changed");
}

static void test_a_check_of_the_registry_is_passed_on(void **state)
{
    (void)state;
    struct weir_err err;
    const struct schemas_ops ops = {.check = changed};
    assert_int_equal(plans_turn(rig.plans, &err), WEIR_OK);
    rig.member.schemas.ops = &ops;
    assert_int_equal(plans_turn(rig.plans, &err), WEIR_ERR_SCHEMA_CHANGED);
}

/* An id that is still being asked for says nothing of others. */
static void test_one_pending_id_keeps_no_other(void **state)
{
    (void)state;
    twin_script(&rig.member, TWIN_BY_KEY, 1, 1, rig_fault(WEIR_ERR_SCHEMA_PENDING, TWIN_UNDONE));
    assert_int_equal(find(UNKNOWN_ID, 0).wait, WEIR_ERR_SCHEMA_PENDING);
    assert_int_equal(find(UNKNOWN_ID, 0).wait, WEIR_ERR_SCHEMA_PENDING);
    assert_int_equal(asked(), 1);
    assert_non_null(find(RIG_ID, 0).plan);
}

/* Many more writers than there is room for: the edition is made anew between two batches. */
static void test_many_writers(void **state)
{
    (void)state;
    struct weir_err err = {.code = WEIR_ERR_BAD_SCHEMA};
    uint64_t number = editions_number(rig.editions);
    for (uint32_t id = 1000; id < 1000 + 100; id++)
        twin_add_schema(&rig.world, id, rig.reader);
    const struct edition *before = plans_edition(rig.plans);
    const struct edition_writer *writer;
    for (uint32_t id = 2000; id < 2000 + EDITION_WRITERS_MAX; id++)
        assert_int_equal(edition_add((struct edition *)(uintptr_t)before, &(struct weir_schema_key){.id = id},
                                     NULL, &err, 0, &writer, &err),
                         WEIR_OK);
    assert_int_equal(find(1000, 0).wait, WEIR_ERR_SCHEMA_PENDING);
    plans_forget(rig.plans);
    assert_int_equal(plans_turn(rig.plans, &err), WEIR_OK);
    assert_int_not_equal(editions_number(rig.editions), number);
    assert_ptr_not_equal(plans_edition(rig.plans), before);
    for (uint32_t id = 1000; id < 1000 + 100; id++)
        assert_non_null(find(id, 0).plan);
}

static void test_no_memory(void **state)
{
    (void)state;
    long n = 0;
    enum weir_err_code code = WEIR_ERR_NO_MEMORY;
    while (code != WEIR_OK) {
        assert_int_equal(code, WEIR_ERR_NO_MEMORY);
        alloc_fail_at(++n);
        struct plans_answer answer = find(RIG_ID, 0);
        code = alloc_fail_off() ? answer.wait : WEIR_OK;
        plans_forget(rig.plans);
    }
    assert_true(n > 1);
    assert_non_null(find(RIG_ID, 0).plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_plain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_known_is_asked_for_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_is_asked_for_once_a_batch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_down_is_asked_once_a_batch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_check_of_the_registry_is_passed_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_pending_id_keeps_no_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_writers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
