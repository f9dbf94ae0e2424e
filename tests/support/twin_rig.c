#include "support/twin_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Steps without time passing that are still no spin: a batch may be gathered, cut and held. */
#define STILL_MAX 200

const char rig_reader_text[] =
    "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"v\",\"type\":\"string\",\"default\":\"\"}]}";
const char rig_misfit_text[] =
    "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"v\",\"type\":\"long\"}]}";

static const struct weir_scalar drop_args[] = {{.text = "drop"}};
static const struct weir_scalar bad_args[] = {{.text = "bad"}};
static const struct weir_test drop_tests[] = {{WEIR_TEST_IN, drop_args, 1}};
static const struct weir_test bad_tests[] = {{WEIR_TEST_NOT_IN, bad_args, 1}};
static const struct weir_rule_spec drop_rules[] = {{.field = "v", .tests = drop_tests, .n_tests = 1}};
static const struct weir_rule_spec bad_rules[] = {{.field = "v", .tests = bad_tests, .n_tests = 1}};

static struct weir_schema *parse(const char *text)
{
    struct weir_schema *schema = NULL;
    struct weir_err err = {0};
    if (weir_schema_parse(weir_bytes_of(text), &schema, &err) != WEIR_OK)
        fail_msg("%s", err.text);
    return schema;
}

void rig_fill_spec(struct weir_spec *spec, const struct rig_options *options)
{
    *spec = (struct weir_spec){0};
    spec->core = (struct weir_pipeline_spec){.pipeline = "rig",
                                             .input_topic = "in",
                                             .input_format = WEIR_FORMAT_AUTO,
                                             .tombstone = WEIR_TOMBSTONE_REJECT,
                                             .output_format = WEIR_FORMAT_JSON,
                                             .drop_when = drop_rules,
                                             .n_drop_when = COUNT(drop_rules),
                                             .check = bad_rules,
                                             .n_check = COUNT(bad_rules)};
    spec->output.topic = "out";
    spec->output.timestamp = WEIR_TIMESTAMP_SOURCE;
    spec->dead_letter.topic = "dlq";
    spec->dead_letter.partition = WEIR_PARTITION_SOURCE;
    spec->transaction.interval_ms = 100;
    spec->transaction.max_records = options->max_records ? options->max_records : 1000;
    spec->breaker.on = options->breaker_ratio ? WEIR_ON : WEIR_OFF;
    spec->breaker.ratio = options->breaker_ratio;
    spec->breaker.min_records = options->breaker_records;
    spec->breaker.max_hold_ms = options->breaker_hold_ms;
    spec->journal.on = options->journal ? WEIR_ON : WEIR_OFF;
    spec->journal.topic = "journal";
    spec->input.schema.subject = "in-value";
    spec->output.schema.subject = "out-value";
    spec->transaction.max_bytes = options->max_bytes ? options->max_bytes : 1 << 20;
}

static void make_loop(struct rig *rig)
{
    rig->member.stopping = &rig->control.stop;
    rig->member.stop_ms = LOOP_STOP_CALL_MS;
    struct loop_parts parts = {.spec = &rig->spec,
                               .source = &rig->member.source,
                               .sink = &rig->member.sink,
                               .timer = &rig->member.timer,
                               .plans = rig->plans,
                               .outbox = {&rig->spec, &rig->member.sink, "0", 1},
                               .trouble = &rig->trouble,
                               .config_text = rig->config_text ? rig->config_text : "pipeline: rig\n",
                               .counters = &rig->counters,
                               .control = &rig->control};
    assert_int_equal(loop_init(&rig->loop, &parts, &rig->err), WEIR_OK);
}

static struct edition *make_edition(struct rig *rig, int64_t version)
{
    const struct schemas_version only = {.schema = rig->reader, .id = 1, .version = version};
    struct edition *edition = NULL;
    if (edition_new(&rig->spec.core, &only, &only, &edition, &rig->err) != WEIR_OK)
        fail_msg("%s", rig->err.text);
    return edition;
}

void rig_use_version(struct rig *rig, int64_t version)
{
    editions_put(rig->editions, make_edition(rig, version));
}

static void make_plans(struct rig *rig)
{
    if (editions_new(make_edition(rig, 1), rig->follows ? 0 : EDITIONS_FIXED, &rig->editions, &rig->err) !=
            WEIR_OK ||
        plans_new(rig->editions, &rig->member.schemas, rig->deadline_ms, &rig->plans, &rig->err) != WEIR_OK)
        fail_msg("%s", rig->err.text);
}

void rig_init(struct rig *rig, struct rig_options options)
{
    memset(rig, 0, sizeof *rig);
    twin_log_clear();
    trouble_init(&rig->trouble, 0);
    twin_world_init(&rig->world, options.partitions, options.seed);
    twin_member_init(&rig->member, &rig->world);
    twin_assign_all(&rig->world, rig->member.index);
    rig_fill_spec(&rig->spec, &options);
    rig->reader = parse(rig_reader_text);
    rig->misfit = parse(rig_misfit_text);
    twin_add_schema(&rig->world, RIG_ID, rig->reader);
    twin_add_schema(&rig->world, RIG_MISFIT, rig->misfit);
    rig->follows = options.follows;
    rig->world.has_journal = options.journal;
    rig->deadline_ms = options.deadline_ms ? options.deadline_ms : RIG_DEADLINE;
    make_plans(rig);
    make_loop(rig);
}

void rig_check(const struct rig *rig)
{
    if (!rig->world.damage[0])
        return;
    twin_log_show();
    fail_msg("%s", rig->world.damage);
}

void rig_release(struct rig *rig)
{
    twin_close_sink(&rig->member);
    loop_release(&rig->loop);
    plans_free(rig->plans);
    editions_free(rig->editions);
    twin_member_release(&rig->member);
    trouble_release(&rig->trouble);
    rig_check(rig);
    twin_world_release(&rig->world);
    weir_schema_free(rig->reader);
    weir_schema_free(rig->misfit);
}

void rig_restart(struct rig *rig)
{
    twin_close_sink(&rig->member);
    loop_release(&rig->loop);
    plans_free(rig->plans);
    editions_free(rig->editions);
    twin_member_restart(&rig->member);
    rig_check(rig);
    atomic_store(&rig->control.stop, 0);
    trouble_release(&rig->trouble);
    trouble_init(&rig->trouble, 0);
    make_plans(rig);
    make_loop(rig);
}

/* --- records --- */

static struct twin_input *put_text(struct twin_world *world, int32_t partition, const char *text)
{
    return twin_produce(world, partition, weir_bytes_of(text));
}

static struct twin_input *expect(struct twin_input *input, enum weir_verdict verdict, enum weir_code code)
{
    input->expect = verdict;
    input->code = code;
    return input;
}

struct twin_input *rig_produce_avro(struct twin_world *world, int32_t partition, uint32_t id,
                                    const char *text)
{
    uint8_t bytes[64] = {0, (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};
    size_t len = strlen(text);
    assert_true(len < sizeof bytes - WEIR_WIRE_PREFIX - 1);
    bytes[WEIR_WIRE_PREFIX] = (uint8_t)(len * 2);
    memcpy(bytes + WEIR_WIRE_PREFIX + 1, text, len);
    return twin_produce(world, partition, (struct weir_bytes){bytes, WEIR_WIRE_PREFIX + 1 + len});
}

struct twin_input *rig_produce(struct twin_world *world, int32_t partition, enum rig_kind kind)
{
    switch (kind) {
    case RIG_DROP: return expect(put_text(world, partition, "{\"v\":\"drop\"}"), WEIR_DROP, WEIR_CODE_NONE);
    case RIG_BAD:
        return expect(put_text(world, partition, "{\"v\":\"bad\"}"), WEIR_REJECT, WEIR_CODE_RULE_FAILED);
    case RIG_RUBBISH: return expect(put_text(world, partition, "rubbish"), WEIR_REJECT, WEIR_CODE_BAD_MAGIC);
    case RIG_AVRO: return rig_produce_avro(world, partition, RIG_ID, "fine");
    case RIG_AVRO_BAD:
        return expect(rig_produce_avro(world, partition, RIG_ID, "bad"), WEIR_REJECT, WEIR_CODE_RULE_FAILED);
    case RIG_TOMBSTONE:
        return expect(twin_produce(world, partition, WEIR_NO_BYTES), WEIR_REJECT, WEIR_CODE_EMPTY_VALUE);
    default: return put_text(world, partition, "{\"v\":\"fine\"}");
    }
}

struct twin_input *rig_produce_long(struct twin_world *world, int32_t partition, size_t length)
{
    static const char before[] = "{\"v\":\"";
    static const char after[] = "\"}";
    char *text = malloc(length + sizeof before + sizeof after);
    assert_non_null(text);
    memcpy(text, before, sizeof before - 1);
    memset(text + sizeof before - 1, 'x', length);
    memcpy(text + sizeof before - 1 + length, after, sizeof after);
    struct twin_input *input = put_text(world, partition, text);
    free(text);
    return input;
}

struct twin_input *rig_put(struct rig *rig, int32_t partition, enum rig_kind kind)
{
    return rig_produce(&rig->world, partition, kind);
}

struct twin_input *rig_put_avro(struct rig *rig, int32_t partition, uint32_t id, const char *text)
{
    return rig_produce_avro(&rig->world, partition, id, text);
}

struct twin_input *rig_put_long(struct rig *rig, int32_t partition, size_t length)
{
    return rig_produce_long(&rig->world, partition, length);
}

void rig_put_mix(struct rig *rig, size_t n)
{
    for (int32_t p = 0; p < rig->world.n_partitions; p++)
        for (size_t i = 0; i < n; i++)
            (void)rig_put(rig, p, (enum rig_kind)(i % RIG_KINDS));
}

/* --- running --- */

enum weir_err_code rig_step(struct rig *rig)
{
    int64_t before = rig->world.now_ms;
    enum weir_err_code code = loop_step(&rig->loop, &rig->err);
    rig_check(rig);
    rig->still = rig->world.now_ms == before ? rig->still + 1 : 0;
    if (rig->still > STILL_MAX) {
        twin_log_show();
        fail_msg("the loop spins: %d steps and no time has passed", STILL_MAX);
    }
    return code;
}

enum weir_err_code rig_run(struct rig *rig, int64_t ms)
{
    int64_t until = rig->world.now_ms + ms;
    enum weir_err_code code = WEIR_OK;
    while (code == WEIR_OK && rig->world.now_ms < until)
        code = rig_step(rig);
    return code;
}

static bool at_rest(struct rig *rig)
{
    return rig->loop.state == LOOP_RUNNING && twin_all_done(&rig->world, false);
}

void rig_finish(struct rig *rig, int64_t ms)
{
    int64_t until = rig->world.now_ms + ms;
    while (!at_rest(rig) && rig->world.now_ms < until)
        if (rig_step(rig) != WEIR_OK)
            fail_msg("%s: %s", weir_err_name(rig->err.code), rig->err.text);
    (void)twin_all_done(&rig->world, true);
    rig_check(rig);
    if (rig->loop.state != LOOP_RUNNING)
        fail_msg("the loop does not run again");
}

struct twin_fault rig_fault(enum weir_err_code code, enum twin_fate fate)
{
    return (struct twin_fault){.code = code, .fate = fate};
}
