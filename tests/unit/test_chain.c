#include "engine/chain.h"

#include <stdio.h>
#include <string.h>

#include "support/alloc_fail.h"
#include "support/twin_rig.h"

#define PATIENCE_MS 60000
#define FIRST_ID    100
#define LONG_TEXT   100000

static struct rig rig;

/* What the twins' judge finds in the journal fails every test here: see support/twin_journal.h. */
static int set_up(void **state)
{
    (void)state;
    rig_init(&rig, (struct rig_options){.partitions = 3, .seed = 1, .journal = true});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_release(&rig);
    return 0;
}

/* How many records of a kind the journal holds. */
static size_t count(const char *kind)
{
    size_t n = 0;
    for (size_t i = 0; i < rig.world.n_visible; i++) {
        const struct sink_record *record = &rig.world.visible[i].record;
        n += record->topic == SINK_JOURNAL && weir_bytes_starts(record->key, kind);
    }
    return n;
}

static void put_and_finish(int32_t partition, enum rig_kind kind)
{
    (void)rig_put(&rig, partition, kind);
    rig_finish(&rig, PATIENCE_MS);
}

static void test_one_record_for_each_partition_and_transaction(void **state)
{
    (void)state;
    rig_put_mix(&rig, 10 * RIG_KINDS);
    rig_finish(&rig, PATIENCE_MS);
    assert_int_equal(rig.member.calls[TWIN_COMMIT], 1);
    assert_int_equal(count("batch:"), 3);
    assert_int_equal(count("plan:"), 1);
    /* Configuration, reader, output, and the writer of the Avro records. */
    assert_int_equal(count("text:"), 4);
    put_and_finish(1, RIG_DROP);
    assert_int_equal(count("batch:"), 4);
    assert_int_equal(count("plan:"), 1);
    assert_int_equal(count("text:"), 4);
}

/* Transaction markers and aborted records take offsets, before the batch and behind it. */
static void test_gaps_do_not_break_the_chain(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        twin_gap(&rig.world, 0, 3);
        put_and_finish(0, RIG_PASS);
        twin_gap(&rig.world, 0, 2);
    }
    assert_int_equal(count("batch:"), 5);
}

static void test_another_does_some_of_it(void **state)
{
    (void)state;
    put_and_finish(0, RIG_PASS);
    twin_assign_all(&rig.world, TWIN_NOBODY);
    assert_int_equal(rig_run(&rig, 1000), WEIR_OK);
    for (int i = 0; i < 10; i++)
        (void)rig_put(&rig, 0, RIG_PASS);
    twin_done_by_another(&rig.world, 0, 6);
    twin_assign_all(&rig.world, 0);
    rig_finish(&rig, PATIENCE_MS);
    assert_int_equal(count("batch:"), 2);
}

/* A transaction that fails leaves nothing, so its plan is written again; and so it is after one whose answer
 * was lost, since what is committed may be another's doing. */
static void test_lost_transactions(void **state)
{
    static const struct {
        enum weir_err_code code;
        enum twin_fate fate;
        size_t plans;
    } rows[] = {{WEIR_ERR_TXN_ABORTED, TWIN_UNDONE, 1},
                {WEIR_ERR_TXN_UNKNOWN, TWIN_UNDONE, 1},
                {WEIR_ERR_TXN_UNKNOWN, TWIN_DONE, 2},
                {WEIR_ERR_TXN_UNKNOWN, TWIN_LATE, 2}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        (void)set_up(state);
        twin_script(&rig.member, TWIN_COMMIT, 1, 1, rig_fault(rows[i].code, rows[i].fate));
        put_and_finish(0, RIG_AVRO);
        put_and_finish(0, RIG_AVRO);
        assert_int_equal(count("plan:"), rows[i].plans);
        assert_int_equal(count("text:"), rows[i].plans * 4);
        (void)tear_down(state);
    }
}

/* The topic forgets what is old, so what is still in use is said again. */
static void test_plans_are_repeated(void **state)
{
    (void)state;
    put_and_finish(0, RIG_AVRO);
    twin_advance(&rig.world, CHAIN_REPEAT_MS / 2);
    put_and_finish(0, RIG_AVRO);
    assert_int_equal(count("plan:"), 1);
    twin_advance(&rig.world, CHAIN_REPEAT_MS / 2);
    put_and_finish(0, RIG_PASS);
    assert_int_equal(count("plan:"), 2);
    assert_int_equal(count("text:"), 7);
    put_and_finish(0, RIG_AVRO);
    assert_int_equal(count("text:"), 8);
}

static void test_another_plan(void **state)
{
    (void)state;
    put_and_finish(0, RIG_PASS);
    rig_use_version(&rig, 1);
    put_and_finish(0, RIG_PASS);
    assert_int_equal(count("plan:"), 1);
    rig_use_version(&rig, 2);
    put_and_finish(0, RIG_PASS);
    assert_int_equal(count("plan:"), 2);
    assert_int_equal(count("batch:"), 3);
}

/* More writers than a record names: the partition gets several, each going on from the one before. */
static void test_many_writers(void **state)
{
    (void)state;
    struct weir_schema *schemas[3 * JOURNAL_WRITERS_MAX];
    for (uint32_t i = 0; i < COUNT(schemas); i++) {
        char text[160];
        (void)snprintf(text, sizeof text,
                       "{\"type\":\"record\",\"name\":\"r\",\"doc\":\"%u\",\"fields\":[{\"name\":\"v\","
                       "\"type\":\"string\"}]}",
                       (unsigned)i);
        assert_int_equal(weir_schema_parse(weir_bytes_of(text), &schemas[i], &rig.err), WEIR_OK);
        twin_add_schema(&rig.world, FIRST_ID + i, schemas[i]);
    }
    for (uint32_t i = 0; i < 2 * COUNT(schemas); i++)
        (void)rig_put_avro(&rig, 0, FIRST_ID + i % COUNT(schemas), "fine");
    rig_finish(&rig, PATIENCE_MS);
    assert_int_equal(count("batch:"), 6);
    assert_int_equal(count("text:"), 3 + COUNT(schemas));
    rig_check(&rig);
    rig_restart(&rig);
    for (uint32_t i = 0; i < COUNT(schemas); i++)
        weir_schema_free(schemas[i]);
}

/* More changes between verdicts that were given and others than a record has ranges. */
static void test_many_ranges(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        struct twin_input *input = rig_put_avro(&rig, 0, FIRST_ID, "fine");
        input->timestamp_ms -= 2 * RIG_DEADLINE;
        input->expect = WEIR_REJECT;
        input->code = WEIR_CODE_UNKNOWN_SCHEMA;
        (void)rig_put(&rig, 0, RIG_PASS);
    }
    rig_finish(&rig, PATIENCE_MS);
    assert_int_equal(count("batch:"), 4);
}

/* An output that its topic does not take is no matter of bytes and plan; and some ids stand for rubbish. */
static void test_given_verdicts(void **state)
{
    (void)state;
    rig.world.topics[SINK_OUTPUT].max_message_bytes = 1000;
    for (int i = 0; i < 3; i++) {
        struct twin_input *input = rig_put_long(&rig, 0, 2000);
        input->expect = WEIR_REJECT;
        input->code = WEIR_CODE_TOO_LARGE;
        (void)rig_put(&rig, 0, RIG_PASS);
    }
    rig_finish(&rig, PATIENCE_MS);
    assert_int_equal(count("batch:"), 1);
}

/* A text that no record takes whole comes in parts; the pipeline goes on. */
static void test_long_texts(void **state)
{
    (void)state;
    static char config[LONG_TEXT + 1];
    memset(config, '"', LONG_TEXT);
    rig.world.topics[SINK_JOURNAL].max_message_bytes = JOURNAL_LIMIT_MIN;
    rig.config_text = config;
    rig_restart(&rig);
    put_and_finish(0, RIG_PASS);
    assert_in_range(count("text:"), 2 + LONG_TEXT / JOURNAL_LIMIT_MIN, 2 + LONG_TEXT / 1024);
    size_t bytes = 0;
    for (size_t i = 0; i < rig.world.n_visible; i++) {
        const struct sink_record *record = &rig.world.visible[i].record;
        assert_true(rig.member.sink.ops->size_of(record) <= JOURNAL_LIMIT_MIN);
        bytes += record->topic == SINK_JOURNAL ? record->value.len : 0;
    }
    assert_true(bytes > 2 * LONG_TEXT);
}

static void mend(void *context)
{
    struct twin_world *world = context;
    world->topics[SINK_JOURNAL] = (struct sink_target){WEIR_OK, 1, 1 << 20};
}

/* What cannot be written down waits, and nothing is lost for it. */
static void test_topic_trouble(void **state)
{
    static const struct {
        struct sink_target target;
        const char *said;
    } rows[] = {
        {{WEIR_ERR_TOPIC_MISSING, 0, 0}, "topic_missing"},
        {{WEIR_ERR_TOPIC_DENIED, 0, 0}, "topic_denied"},
        {{WEIR_OK, 1, JOURNAL_LIMIT_MIN - 1}, "output_refused"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        (void)set_up(state);
        rig.world.topics[SINK_JOURNAL] = rows[i].target;
        rig_put_mix(&rig, 100);
        assert_int_equal(rig_run(&rig, 60000), WEIR_OK);
        assert_int_equal(rig.world.n_visible, 0);
        assert_int_equal(rig.world.partitions[0].committed, -1);
        assert_int_equal(twin_log_count(rows[i].said), 1);
        mend(&rig.world);
        rig_finish(&rig, PATIENCE_MS);
        assert_int_equal(twin_log_count("recovered"), 1);
        assert_int_equal(twin_log_level(WEIR_LOG_WARN), 1);
        (void)tear_down(state);
    }
}

static void test_off(void **state)
{
    (void)state;
    rig_init(&rig, (struct rig_options){.partitions = 3, .seed = 1});
    rig_put_mix(&rig, 10);
    rig_finish(&rig, PATIENCE_MS);
    assert_int_equal(count(""), 0);
}

static void test_no_memory(void **state)
{
    (void)state;
    for (int n = 1; n <= 2; n++) {
        struct chain chain;
        struct batch_run run = {.partition = 2, .next = 1};
        struct batch batch = {.runs = &run, .n_runs = 1};
        chain_init(&chain, &rig.loop.chain.parts);
        alloc_fail_at(n);
        enum weir_err_code code = chain_open(&chain, &batch, &rig.err);
        assert_true(alloc_fail_off());
        assert_int_equal(code, WEIR_ERR_NO_MEMORY);
        chain_release(&chain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_record_for_each_partition_and_transaction, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_gaps_do_not_break_the_chain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_does_some_of_it, set_up, tear_down),
        cmocka_unit_test(test_lost_transactions),
        cmocka_unit_test_setup_teardown(test_plans_are_repeated, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_plan, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_writers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_ranges, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_given_verdicts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_texts, set_up, tear_down),
        cmocka_unit_test(test_topic_trouble),
        cmocka_unit_test_teardown(test_off, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
