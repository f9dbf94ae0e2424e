/*
 * What a generated record expects of the shipped configuration is what the core makes of it: the generator
 * and the core were written apart, and each is the other's judge.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "config/config.h"
#include "generate/mix.h"
#include "login_schema.h"
#include "registry/directory.h"
#include "weir/pipeline.h"

#define RECORDS 20000
#define NOW_MS  INT64_C(1700000000000)
#define OLD_ID  77
#define SCRATCH ((size_t)1024 * 1024)

/* A pipeline as it is shipped, with an older writer's schema beside the one of the folder. */
struct fixture {
    struct weir_spec *spec;
    struct directory *directory;
    const struct weir_schema *reader, *output;
    struct weir_schema *old;
    uint32_t reader_id, output_id;
    struct pack *packs[2];
    struct weir_plan *plain, *current, *older; /* of no writer, of the reader's schema, of the old one */
    uint8_t scratch[SCRATCH];
};

static void must(enum weir_err_code code, const struct weir_err *err)
{
    if (code != WEIR_OK)
        fail_msg("%s", err->text);
}

static struct weir_plan *make_plan(const struct fixture *f, const struct weir_pipeline_spec *spec,
                                   const struct weir_schema *writer)
{
    struct weir_plan *plan = NULL;
    struct weir_err err;
    const struct weir_plan_request request = {.spec = spec,
                                              .writer = writer,
                                              .reader = f->reader,
                                              .output = f->output,
                                              .output_id = f->output_id,
                                              .reader_version = 1};
    must(weir_plan_new(&request, &plan, &err), &err);
    return plan;
}

static void make_plans(struct fixture *f, const struct weir_pipeline_spec *spec)
{
    f->plain = make_plan(f, spec, NULL);
    f->current = make_plan(f, spec, f->reader);
    f->older = make_plan(f, spec, f->old);
}

static void free_plans(struct fixture *f)
{
    weir_plan_free(f->plain);
    weir_plan_free(f->current);
    weir_plan_free(f->older);
}

static struct weir_bytes text_of(const struct weir_schema *schema)
{
    return (struct weir_bytes){(const uint8_t *)schema->text, schema->text_len};
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct weir_err err;
    int64_t version;
    *state = f;
    must(config_load(WEIR_ROOT "/config/user-login.yaml", &f->spec, &err), &err);
    must(directory_open(WEIR_ROOT "/schemas", &f->directory, &err), &err);
    must(directory_subject(f->directory, f->spec->input.schema.subject, 0, &f->reader, &f->reader_id,
                           &version, &err),
         &err);
    must(directory_subject(f->directory, f->spec->output.schema.subject, 0, &f->output, &f->output_id,
                           &version, &err),
         &err);
    must(weir_schema_parse(weir_bytes_of(LOGIN_SCHEMA_OLD), &f->old, &err), &err);
    must(pack_open(text_of(f->reader), f->reader_id, &f->packs[0], &err), &err);
    must(pack_open(text_of(f->old), OLD_ID, &f->packs[1], &err), &err);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    pack_close(f->packs[0]);
    pack_close(f->packs[1]);
    weir_schema_free(f->old);
    directory_close(f->directory);
    config_free(f->spec);
    free(f);
    return 0;
}

/* The plan of the record's writer; NULL when nobody knows its id. */
static const struct weir_plan *plan_of(const struct fixture *f, const struct weir_record *record)
{
    struct weir_wire wire = weir_wire_read(f->spec->core.input_format, record);
    if (wire.kind != WEIR_WIRE_AVRO)
        return f->plain;
    if (wire.key.id == OLD_ID)
        return f->older;
    return wire.key.id == f->reader_id ? f->current : NULL;
}

static void process(struct fixture *f, const struct mix_record *generated, uint64_t i,
                    struct weir_outcome *outcome)
{
    const struct weir_record record = {.key = generated->key,
                                       .value = generated->value,
                                       .headers = generated->headers,
                                       .n_headers = generated->n_headers,
                                       .offset = (int64_t)i,
                                       .timestamp_ms = NOW_MS};
    struct weir_arena scratch;
    weir_arena_init(&scratch, f->scratch, sizeof f->scratch);
    const struct weir_plan *plan = plan_of(f, &record);
    if (plan)
        weir_pipeline_process(plan, &record, NOW_MS, &scratch, outcome);
    else
        weir_pipeline_reject(outcome, WEIR_CODE_UNKNOWN_SCHEMA, &scratch, "the id is not known");
}

static void check_load(struct fixture *f, const struct mix *mix)
{
    static uint8_t memory[MIX_ROOM];
    for (uint64_t i = 0; i < RECORDS; i++) {
        struct weir_arena out;
        struct mix_record record;
        struct weir_outcome outcome;
        weir_arena_init(&out, memory, sizeof memory);
        assert_int_equal(mix_make(mix, i, NOW_MS, &out, &record, NULL), WEIR_OK);
        process(f, &record, i, &outcome);
        if (outcome.verdict != record.verdict || outcome.why.code != record.code)
            fail_msg("seed %d, record %d: %s %s (%.*s), where %s was expected; value %.*s", (int)mix->seed,
                     (int)i, weir_verdict_name(outcome.verdict), weir_code_name(outcome.why.code),
                     (int)outcome.why.text.len, (const char *)outcome.why.text.data,
                     mix_expectation(record.verdict, record.code), (int)record.value.len,
                     (const char *)record.value.data);
    }
}

static struct mix mix_of(struct fixture *f)
{
    return (struct mix){.packs = f->packs,
                        .n_packs = 2,
                        .users = 1000,
                        .start_s = 1694479551,
                        .malformed = 0.4,
                        .missing = 0.3,
                        .tombstones = 0.05,
                        .unknown_ids = 0.05,
                        .headers = 0.1,
                        .expect = true};
}

static void the_shipped_pipeline_does_what_is_expected(void **state)
{
    struct fixture *f = *state;
    struct mix mix = mix_of(f);
    make_plans(f, &f->spec->core);
    for (mix.seed = 1; mix.seed <= 3; mix.seed++)
        check_load(f, &mix);
    free_plans(f);
}

static void so_does_one_that_drops_a_locale(void **state)
{
    struct fixture *f = *state;
    struct mix mix = mix_of(f);
    struct weir_pipeline_spec spec = f->spec->core;
    const struct weir_scalar locale = {.text = "RU"};
    const struct weir_test test = {.kind = WEIR_TEST_IN, .args = &locale, .n_args = 1};
    const struct weir_rule_spec rule = {.field = "locale", .tests = &test, .n_tests = 1};
    spec.drop_when = &rule;
    spec.n_drop_when = 1;
    mix.drop_locale = "RU";
    make_plans(f, &spec);
    check_load(f, &mix);
    free_plans(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_pipeline_does_what_is_expected),
        cmocka_unit_test(so_does_one_that_drops_a_locale),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
