#include "engine/outbox.h"

#include <string.h>

#include "engine/job_process.h"
#include "support/alloc_fail.h"
#include "support/twin_rig.h"

#define WALL_MS INT64_C(1800000000000)

static struct rig rig;
static struct weir_err err;

static int set_up(void **state)
{
    (void)state;
    rig_init(&rig, (struct rig_options){.partitions = 3, .seed = 1});
    assert_int_equal(rig.member.sink.ops->refresh(&rig.member.sink, 1, &err), WEIR_OK);
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

/* Gathers and processes what was produced, and fills the outbox. */
static enum weir_err_code fill(void)
{
    struct source *source = &rig.member.source;
    size_t n = 0;
    rig.member.started = true;
    batch_release(batch(), source);
    assert_int_equal(source->ops->poll(source, 1, batch()->cap, &batch()->heap, batch()->landing, &n, &err),
                     WEIR_OK);
    assert_int_equal(batch_take(batch(), n, &err), WEIR_OK);
    assert_int_equal(job_process(batch(), rig.plans, WEIR_FORMAT_AUTO, WALL_MS, &err), WEIR_OK);
    return outbox_fill(&rig.loop.parts.outbox, batch(), WALL_MS, &err);
}

static const struct sink_record *out(size_t i)
{
    return &batch()->items[i].out;
}

static void test_where_records_go(void **state)
{
    (void)state;
    (void)rig_put(&rig, 2, RIG_PASS);
    (void)rig_put(&rig, 2, RIG_BAD);
    assert_int_equal(fill(), WEIR_OK);
    assert_int_equal(out(0)->topic, SINK_OUTPUT);
    assert_int_equal(out(1)->topic, SINK_DEAD_LETTER);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(out(i)->partition, 2);
        assert_int_equal(out(i)->timestamp_ms, batch()->items[i].in.record.timestamp_ms);
        assert_true(weir_bytes_equal(out(i)->key, batch()->items[i].in.record.key));
    }
    assert_true(weir_bytes_equal(out(0)->value, weir_bytes_of("{\"v\":\"fine\"}")));
    assert_true(weir_bytes_equal(out(1)->value, weir_bytes_of("{\"v\":\"bad\"}")));
}

/* An output without headers borrows nothing of its source's record; a letter and one with headers do. */
static void test_outputs_of_their_own(void **state)
{
    (void)state;
    (void)rig_put(&rig, 0, RIG_PASS);
    (void)rig_put(&rig, 0, RIG_BAD);
    assert_int_equal(fill(), WEIR_OK);
    const struct batch_item *items = batch()->items;
    assert_true(items[0].own);
    assert_ptr_not_equal(items[0].out.key.data, items[0].in.record.key.data);
    assert_false(items[1].own);
    /* What is processed is not looked at again. */
    batch_processed(batch(), &rig.member.source);
    assert_int_equal(outbox_fill(&rig.loop.parts.outbox, batch(), WALL_MS, &err), WEIR_OK);
    assert_non_null(items[0].out.key.data);
    assert_true(weir_bytes_equal(items[0].out.value, weir_bytes_of("{\"v\":\"fine\"}")));
}

static void test_options(void **state)
{
    (void)state;
    rig.spec.output.timestamp = WEIR_TIMESTAMP_NOW;
    rig.spec.output.partition = WEIR_PARTITION_SOURCE;
    rig.world.topics[SINK_OUTPUT].partitions = 2;
    rig.world.topics[SINK_DEAD_LETTER].partitions = 1;
    assert_int_equal(rig.member.sink.ops->refresh(&rig.member.sink, 1, &err), WEIR_OK);
    (void)rig_put(&rig, 2, RIG_PASS);
    (void)rig_put(&rig, 2, RIG_BAD);
    assert_int_equal(fill(), WEIR_OK);
    assert_int_equal(out(0)->timestamp_ms, -1);
    assert_int_equal(out(0)->partition, 0);
    /* A letter keeps the time of its record all the same. */
    assert_int_equal(out(1)->timestamp_ms, batch()->items[1].in.record.timestamp_ms);
    assert_int_equal(out(1)->partition, 0);
}

static const struct weir_header with_own[] = {{"trace", {(const uint8_t *)"1", 1}},
                                              {"__weir.errors.code", {(const uint8_t *)"old", 3}},
                                              {"trace", {NULL, 0}},
                                              {"__weir.x", {(const uint8_t *)"", 0}}};

static void test_own_headers_are_stripped(void **state)
{
    (void)state;
    twin_set_headers(rig_put(&rig, 0, RIG_PASS), with_own, COUNT(with_own));
    twin_set_headers(rig_put(&rig, 0, RIG_PASS), with_own, 1);
    assert_int_equal(fill(), WEIR_OK);
    assert_int_equal(out(0)->n_headers, 2);
    assert_string_equal(out(0)->headers[0].name, "trace");
    assert_string_equal(out(0)->headers[1].name, "trace");
    assert_null(out(0)->headers[1].value.data);
    assert_int_equal(out(1)->n_headers, 1);
    assert_ptr_equal(out(1)->headers, batch()->items[1].in.record.headers);
}

static void test_letters_replace_own_headers(void **state)
{
    (void)state;
    twin_set_headers(rig_put(&rig, 0, RIG_BAD), with_own, COUNT(with_own));
    assert_int_equal(fill(), WEIR_OK);
    size_t codes = 0;
    for (size_t i = 0; i < out(0)->n_headers; i++)
        codes += strcmp(out(0)->headers[i].name, "__weir.errors.code") == 0;
    assert_int_equal(codes, 1);
    const struct weir_header *code = twin_header(out(0)->headers, out(0)->n_headers, "__weir.errors.code");
    assert_true(weir_bytes_equal(code->value, weir_bytes_of("rule_failed")));
    assert_null(twin_header(out(0)->headers, out(0)->n_headers, "__weir.x"));
    assert_string_equal(out(0)->headers[0].name, "trace");
}

/* Schema ids stand in letters of Avro values only. */
static void test_schema_id_in_letters(void **state)
{
    (void)state;
    (void)rig_put(&rig, 0, RIG_AVRO_BAD);
    (void)rig_put(&rig, 0, RIG_BAD);
    assert_int_equal(fill(), WEIR_OK);
    const char *name = "__weir.errors.schema.id";
    const struct weir_header *id = twin_header(out(0)->headers, out(0)->n_headers, name);
    assert_non_null(id);
    assert_true(weir_bytes_equal(id->value, weir_bytes_of("7")));
    assert_null(twin_header(out(1)->headers, out(1)->n_headers, name));
}

/* What names the input's schema would lie about the output's; a letter is what it was. */
static void test_the_header_that_names_the_schema(void **state)
{
    (void)state;
    const struct weir_header headers[] = {
        {"trace", {(const uint8_t *)"t", 1}},
        {WEIR_WIRE_HEADER, {(const uint8_t *)"\0\0\0\0\7", 5}},
        {"__key_schema_id", {(const uint8_t *)"\0\0\0\0\6", 5}},
    };
    struct twin_input *good = twin_produce(&rig.world, 0, weir_bytes_of("\10fine"));
    twin_set_headers(good, headers, COUNT(headers));
    struct twin_input *bad = twin_produce(&rig.world, 0, weir_bytes_of("\6bad"));
    twin_set_headers(bad, headers, COUNT(headers));
    bad->expect = WEIR_REJECT;
    bad->code = WEIR_CODE_RULE_FAILED;
    assert_int_equal(fill(), WEIR_OK);
    assert_int_equal(out(0)->topic, SINK_OUTPUT);
    assert_int_equal(out(0)->n_headers, 2);
    assert_null(twin_header(out(0)->headers, out(0)->n_headers, WEIR_WIRE_HEADER));
    assert_non_null(twin_header(out(0)->headers, out(0)->n_headers, "__key_schema_id"));
    assert_int_equal(out(1)->topic, SINK_DEAD_LETTER);
    assert_non_null(twin_header(out(1)->headers, out(1)->n_headers, WEIR_WIRE_HEADER));
    assert_non_null(twin_header(out(1)->headers, out(1)->n_headers, "__weir.errors.schema.id"));
}

static void test_a_topic_that_cannot_take_it(void **state)
{
    (void)state;
    static const struct {
        enum sink_topic topic;
        enum weir_err_code why;
        const char *text;
    } rows[] = {
        {SINK_OUTPUT, WEIR_ERR_TOPIC_MISSING, "topic out does not exist"},
        {SINK_OUTPUT, WEIR_ERR_TOPIC_DENIED, "no permission to write to topic out"},
        {SINK_DEAD_LETTER, WEIR_ERR_TOPIC_MISSING, "topic dlq does not exist"},
        {SINK_DEAD_LETTER, WEIR_ERR_TOPIC_DENIED, "no permission to write to topic dlq"},
        {SINK_DEAD_LETTER, WEIR_ERR_BROKER_DOWN, "nothing is known of topic dlq"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        enum rig_kind kind = rows[i].topic == SINK_OUTPUT ? RIG_PASS : RIG_BAD;
        enum rig_kind other = rows[i].topic == SINK_OUTPUT ? RIG_BAD : RIG_PASS;
        rig.member.targets[SINK_OUTPUT].state = rig.member.targets[SINK_DEAD_LETTER].state = WEIR_OK;
        rig.member.targets[rows[i].topic].state = rows[i].why;
        int64_t first = rig_put(&rig, 0, other)->offset;
        (void)rig_put(&rig, 0, RIG_DROP);
        (void)rig_put(&rig, 0, kind);
        (void)rig_put(&rig, 0, other);
        (void)rig_put(&rig, 1, other);
        assert_int_equal(fill(), WEIR_OK);
        for (size_t r = 0; r < 2; r++) {
            const struct batch_run *run = &batch()->runs[r];
            assert_int_equal(run->cut, run->partition == 0);
            if (!run->cut)
                continue;
            assert_int_equal(run->next, first + 2);
            assert_int_equal(run->why.code, rows[i].why);
            assert_string_equal(run->why.text, rows[i].text);
        }
    }
}

/* An output record that is too large becomes a letter, and only the letter can wait then. */
static void test_output_too_large(void **state)
{
    (void)state;
    rig.member.targets[SINK_OUTPUT].max_message_bytes = 1000;
    (void)rig_put_long(&rig, 0, 1000);
    (void)rig_put(&rig, 0, RIG_PASS);
    assert_int_equal(fill(), WEIR_OK);
    assert_int_equal(batch()->items[0].outcome.verdict, WEIR_REJECT);
    assert_int_equal(batch()->items[0].outcome.why.code, WEIR_CODE_TOO_LARGE);
    assert_int_equal(out(0)->topic, SINK_DEAD_LETTER);
    assert_int_equal(out(0)->value.len, batch()->items[0].in.record.value.len);
    assert_int_equal(out(1)->topic, SINK_OUTPUT);
    assert_false(batch()->runs[0].cut);
}

static void test_letter_too_large(void **state)
{
    (void)state;
    rig.member.targets[SINK_OUTPUT].max_message_bytes = 1000;
    rig.member.targets[SINK_DEAD_LETTER].max_message_bytes = 1000;
    (void)rig_put(&rig, 0, RIG_PASS);
    (void)rig_put_long(&rig, 0, 1000);
    (void)rig_put(&rig, 0, RIG_PASS);
    assert_int_equal(fill(), WEIR_OK);
    assert_true(batch()->runs[0].cut);
    assert_int_equal(batch()->runs[0].next, 1);
    assert_int_equal(batch()->runs[0].why.code, WEIR_ERR_LETTER_TOO_LARGE);
    assert_non_null(strstr(batch()->runs[0].why.text, "topic dlq takes records of up to 1000 bytes"));
    assert_non_null(strstr(batch()->runs[0].why.text, "max.message.bytes to 2048 "));
}

/* Weir's own headers give way before the partition has to wait, and only as far as they must. */
static void test_letter_is_shortened(void **state)
{
    (void)state;
    (void)rig_put(&rig, 0, RIG_BAD);
    twin_set_headers(rig_put(&rig, 0, RIG_BAD), with_own, 1);
    assert_int_equal(fill(), WEIR_OK);
    size_t size = rig.member.sink.ops->size_of(out(1));
    size_t whole = out(1)->n_headers;
    static const size_t less[] = {1, 40, 100};
    for (size_t i = 0; i < COUNT(less); i++) {
        rig.member.targets[SINK_DEAD_LETTER].max_message_bytes = size - less[i];
        assert_int_equal(rig.member.source.ops->seek(&rig.member.source,
                                                     &(struct position){0, rig.member.epoch, 0}, 1, &err),
                         WEIR_OK);
        assert_int_equal(fill(), WEIR_OK);
        assert_false(batch()->runs[0].cut);
        assert_true(rig.member.sink.ops->size_of(out(1)) <= size - less[i]);
        assert_true(out(1)->n_headers <= whole);
        assert_string_equal(out(1)->headers[0].name, "trace");
        assert_non_null(twin_header(out(1)->headers, out(1)->n_headers, "__weir.errors.offset"));
    }
}

static void test_letter_becomes_a_reference(void **state)
{
    (void)state;
    static const uint8_t long_key[2000];
    static const struct weir_header long_header = {"long", {long_key, sizeof long_key}};
    rig.spec.dead_letter.oversize = WEIR_OVERSIZE_REFERENCE;
    rig.member.targets[SINK_OUTPUT].max_message_bytes = 1000;
    rig.member.targets[SINK_DEAD_LETTER].max_message_bytes = 1000;
    (void)rig_put_long(&rig, 0, 1000);
    twin_set_headers(rig_put_long(&rig, 0, 1000), with_own, 1);
    twin_set_headers(rig_put_long(&rig, 0, 1000), &long_header, 1);
    assert_int_equal(fill(), WEIR_OK);
    assert_false(batch()->runs[0].cut);
    for (size_t i = 0; i < 3; i++) {
        assert_true(weir_bytes_starts(out(i)->value, "{\"topic\":"));
        assert_non_null(twin_header(out(i)->headers, out(i)->n_headers, ENVELOPE_REFERENCE_NAME));
        assert_true(rig.member.sink.ops->size_of(out(i)) <= 1000);
    }
    assert_string_equal(out(1)->headers[0].name, "trace");
    assert_null(twin_header(out(2)->headers, out(2)->n_headers, "long"));
    /* Where not even a reference fits, the partition waits. */
    rig.member.targets[SINK_DEAD_LETTER].max_message_bytes = 100;
    assert_int_equal(
        rig.member.source.ops->seek(&rig.member.source, &(struct position){0, rig.member.epoch, 0}, 1, &err),
        WEIR_OK);
    assert_int_equal(fill(), WEIR_OK);
    assert_true(batch()->runs[0].cut);
}

/* Both limits are what the topics take at most, not one less. */
static void test_exactly_the_limit(void **state)
{
    (void)state;
    (void)rig_put_long(&rig, 0, 500);
    assert_int_equal(fill(), WEIR_OK);
    size_t size = rig.member.sink.ops->size_of(out(0));
    for (size_t less = 0; less < 2; less++) {
        rig.member.targets[SINK_OUTPUT].max_message_bytes = size - less;
        assert_int_equal(rig.member.source.ops->seek(&rig.member.source,
                                                     &(struct position){0, rig.member.epoch, 0}, 1, &err),
                         WEIR_OK);
        assert_int_equal(fill(), WEIR_OK);
        assert_int_equal(batch()->items[0].outcome.verdict, less ? WEIR_REJECT : WEIR_PASS);
    }
}

/* Every allocation that fails is NO_MEMORY: never a cut, never a verdict. */
static void test_no_memory(void **state)
{
    (void)state;
    enum { HEADERS = 4000, RECORDS = 70 };
    static struct weir_header many[HEADERS];
    for (size_t i = 0; i < HEADERS; i++)
        many[i] = with_own[i % COUNT(with_own)];
    for (int i = 0; i < RECORDS; i++)
        twin_set_headers(rig_put(&rig, 0, i % 2 ? RIG_PASS : RIG_BAD), many, HEADERS);
    assert_int_equal(fill(), WEIR_OK);
    heap_release(&batch()->heap);
    heap_init(&batch()->heap);
    assert_int_equal(
        rig.member.source.ops->seek(&rig.member.source, &(struct position){0, rig.member.epoch, 0}, 1, &err),
        WEIR_OK);
    size_t n = 0;
    batch_release(batch(), &rig.member.source);
    assert_int_equal(rig.member.source.ops->poll(&rig.member.source, 1, batch()->cap, &batch()->heap,
                                                 batch()->landing, &n, &err),
                     WEIR_OK);
    assert_int_equal(batch_take(batch(), n, &err), WEIR_OK);
    assert_int_equal(job_process(batch(), rig.plans, WEIR_FORMAT_AUTO, WALL_MS, &err), WEIR_OK);
    alloc_fail_at(1);
    enum weir_err_code code = outbox_fill(&rig.loop.parts.outbox, batch(), WALL_MS, &err);
    assert_true(alloc_fail_off());
    assert_int_equal(code, WEIR_ERR_NO_MEMORY);
    assert_false(batch()->runs[0].cut);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_where_records_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_outputs_of_their_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_options, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_own_headers_are_stripped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_letters_replace_own_headers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_schema_id_in_letters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_header_that_names_the_schema, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_topic_that_cannot_take_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_output_too_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_letter_too_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_letter_is_shortened, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_letter_becomes_a_reference, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_exactly_the_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
