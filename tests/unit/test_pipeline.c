#include "weir/pipeline.h"

#include "support/core.h"

#define NOW  INT64_C(1694479552123)
#define ROOM 65536

#define READER                                                                                               \
    "{\"name\":\"user\",\"type\":\"string\"},"                                                               \
    "{\"name\":\"ip\",\"type\":\"string\",\"default\":\"unknown\"},"                                         \
    "{\"name\":\"locale\",\"type\":[\"null\",\"string\"],\"default\":null},"                                 \
    "{\"name\":\"n\",\"type\":\"long\",\"default\":0}"
#define OUTPUT                                                                                               \
    READER ",{\"name\":\"at\",\"type\":\"long\"},{\"name\":\"offset\",\"type\":\"long\"},"                   \
           "{\"name\":\"ratio\",\"type\":\"double\"}"
#define WRITER                                                                                               \
    "{\"name\":\"n\",\"type\":\"int\"},{\"name\":\"user\",\"type\":\"string\"},"                             \
    "{\"name\":\"gone\",\"type\":\"boolean\"},{\"name\":\"ip\",\"type\":\"string\"}"

static const struct weir_scalar format_ip = SCALAR("ip");
static const struct weir_scalar locales[] = {SCALAR("RU"), SCALAR("BY")};
static const struct weir_scalar five = SCALAR("5"), ten = SCALAR("10");
static const struct weir_test is_ip = {WEIR_TEST_FORMAT, &format_ip, 1};
static const struct weir_test is_there = {WEIR_TEST_IN, locales, 2};
static const struct weir_test five_to_ten[] = {{WEIR_TEST_MIN, &five, 1}, {WEIR_TEST_MAX, &ten, 1}};

static const struct weir_rule_spec drop_when[] = {{.field = "locale", .tests = &is_there, .n_tests = 1},
                                                  {.field = "n", .tests = five_to_ten, .n_tests = 2}};
static const struct weir_rule_spec check[] = {{.field = "ip", .tests = &is_ip, .n_tests = 1}};
static const struct weir_set_spec set[] = {{.field = "at", .kind = WEIR_SET_NOW, .arg = "millis"},
                                           {.field = "offset", .kind = WEIR_SET_SOURCE, .arg = "offset"},
                                           {.field = "ratio", .kind = WEIR_SET_COPY, .arg = "n"}};

static const struct weir_pipeline_spec usual = {.pipeline = "p",
                                                .input_topic = "t",
                                                .partition_field = "user",
                                                .output_format = WEIR_FORMAT_AVRO,
                                                .drop_when = drop_when,
                                                .n_drop_when = 2,
                                                .check = check,
                                                .n_check = 1,
                                                .set = set,
                                                .n_set = 3};

/* A pipeline with both its plans. */
struct bench {
    struct weir_schema *writer, *reader, *output;
    struct weir_plan *avro, *plain;
    uint8_t memory[ROOM];
    struct weir_arena scratch;
    struct weir_outcome out;
};

static struct weir_plan *compile(const struct bench *b, const struct weir_pipeline_spec *spec, bool avro)
{
    struct weir_plan *plan = NULL;
    struct weir_err err;
    const struct weir_plan_request request = {.spec = spec,
                                              .writer = avro ? b->writer : NULL,
                                              .reader = b->reader,
                                              .output = b->output,
                                              .output_id = 0x01020304};
    if (weir_plan_new(&request, &plan, &err) != WEIR_OK)
        fail_msg("%s", err.text);
    return plan;
}

static struct bench *bench_new(const struct weir_pipeline_spec *spec)
{
    struct bench *b = calloc(1, sizeof *b);
    b->writer = support_record("r", WRITER);
    b->reader = support_record("r", READER);
    b->output = support_record("o", OUTPUT);
    b->avro = compile(b, spec, true);
    b->plain = compile(b, spec, false);
    return b;
}

static void bench_free(struct bench *b)
{
    weir_plan_free(b->avro);
    weir_plan_free(b->plain);
    weir_schema_free(b->writer);
    weir_schema_free(b->reader);
    weir_schema_free(b->output);
    free(b);
}

/* Runs a value through the plan that its first byte asks for, with as much scratch as room says. */
static const struct weir_outcome *process(struct bench *b, struct weir_bytes value, size_t room)
{
    const struct weir_record record = {.value = value, .partition = 2, .offset = 1000, .timestamp_ms = 1};
    const struct weir_plan *plan = value.len > 0 && value.data[0] == 0 ? b->avro : b->plain;
    weir_arena_init(&b->scratch, b->memory, room);
    weir_pipeline_process(plan, &record, NOW, &b->scratch, &b->out);
    return &b->out;
}

static const struct weir_outcome *process_text(struct bench *b, const char *value)
{
    return process(b, weir_bytes_of(value), ROOM);
}

#define BYTES(text) ((struct weir_bytes){(const uint8_t *)(text), sizeof(text) - 1})

static void expect_reject(const struct weir_outcome *out, enum weir_code code, const char *field,
                          int64_t offset, const char *rule)
{
    assert_int_equal(out->verdict, WEIR_REJECT);
    if (out->why.code != code)
        fail_msg("%s instead of %s", weir_code_name(out->why.code), weir_code_name(code));
    if (field)
        assert_string_equal(out->why.field, field);
    else
        assert_null(out->why.field);
    assert_int_equal(out->why.byte_offset, offset);
    if (rule)
        assert_string_equal(out->why.rule, rule);
    else
        assert_null(out->why.rule);
    assert_true(out->why.text.len > 0 && out->why.text.len <= WEIR_REASON_TEXT_MAX);
    assert_null(out->value.data);
    assert_null(out->route_key.data);
}

static void avro_goes_through(void **state)
{
    (void)state;
    struct bench *b = bench_new(&usual);
    const struct weir_outcome *out = process(b,
                                             BYTES("\0\0\0\0\1\x06\x06"
                                                   "bob"
                                                   "\1"
                                                   "\x06::1"),
                                             ROOM);
    assert_int_equal(out->verdict, WEIR_PASS);
    support_expect_hex("value", out->value,
                       "0001020304"
                       "06626f62"
                       "063a3a31"
                       "00"
                       "06"
                       "f6b9d0edd062"
                       "d00f"
                       "0000000000000840");
    assert_true(weir_bytes_equal(out->route_key, weir_bytes_of("bob")));
    assert_int_equal(out->defaulted, 1u << 2);
    assert_int_equal(out->why.code, WEIR_CODE_NONE);
    bench_free(b);
}

static void json_goes_through(void **state)
{
    (void)state;
    struct bench *b = bench_new(&usual);
    const struct weir_outcome *out = process_text(b, " {\"user\":\"b\\u006fb\", \"locale\":\"DE\"}");
    assert_int_equal(out->verdict, WEIR_PASS);
    support_expect_hex("value", out->value,
                       "0001020304"
                       "06626f62"
                       "0e756e6b6e6f776e"
                       "02044445"
                       "00"
                       "f6b9d0edd062"
                       "d00f"
                       "0000000000000000");
    assert_true(weir_bytes_equal(out->route_key, weir_bytes_of("bob")));
    assert_int_equal(out->defaulted, 1u << 1 | 1u << 3);
    bench_free(b);
}

static void json_comes_out(void **state)
{
    (void)state;
    struct weir_pipeline_spec spec = usual;
    spec.output_format = WEIR_FORMAT_JSON;
    struct bench *b = bench_new(&spec);
    const struct weir_outcome *out = process_text(b, "{\"user\":\"b\\u0001b\",\"n\":2}");
    const char *expected = "{\"user\":\"b\\u0001b\",\"ip\":\"unknown\",\"locale\":null,\"n\":2,"
                           "\"at\":1694479552123,\"offset\":1000,\"ratio\":2.0}";
    assert_int_equal(out->verdict, WEIR_PASS);
    if (!weir_bytes_equal(out->value, weir_bytes_of(expected)))
        fail_msg("%.*s", (int)out->value.len, (const char *)out->value.data);
    bench_free(b);
}

/* A check passes over what took its default or is null; drop_when looks at every value. */
static void rules_decide(void **state)
{
    (void)state;
    struct bench *b = bench_new(&usual);
    expect_reject(process_text(b, "{\"user\":\"u\",\"ip\":\"here\"}"), WEIR_CODE_RULE_FAILED, "ip", 17,
                  "check[0]");
    assert_true(weir_bytes_equal(b->out.why.text, weir_bytes_of("ip is not of the format ip")));
    assert_int_equal(process_text(b, "{\"user\":\"u\"}")->verdict, WEIR_PASS);
    assert_int_equal(process_text(b, "{\"user\":\"u\",\"ip\":\"unknown\"}")->verdict, WEIR_REJECT);

    const struct weir_outcome *out = process_text(b, "{\"user\":\"u\",\"locale\":\"BY\",\"ip\":\"here\"}");
    assert_int_equal(out->verdict, WEIR_DROP);
    assert_string_equal(out->why.rule, "drop_when[0]");
    assert_string_equal(out->why.field, "locale");
    assert_int_equal(out->why.code, WEIR_CODE_NONE);
    assert_null(out->value.data);
    assert_string_equal(process_text(b, "{\"user\":\"u\",\"n\":7}")->why.rule, "drop_when[1]");
    assert_int_equal(process_text(b, "{\"user\":\"u\",\"n\":4}")->verdict, WEIR_PASS);
    assert_int_equal(process_text(b, "{\"user\":\"u\",\"n\":11}")->verdict, WEIR_PASS);
    bench_free(b);
}

static void drop_when_sees_defaults(void **state)
{
    (void)state;
    const struct weir_scalar zero = SCALAR("0");
    const struct weir_test is_zero = {WEIR_TEST_IN, &zero, 1};
    const struct weir_rule_spec rule = {.field = "n", .tests = &is_zero, .n_tests = 1};
    struct weir_pipeline_spec spec = usual;
    spec.drop_when = &rule;
    spec.n_drop_when = 1;
    struct bench *b = bench_new(&spec);
    assert_int_equal(process_text(b, "{\"user\":\"u\"}")->verdict, WEIR_DROP);
    assert_int_equal(b->out.defaulted, 1u << 1 | 1u << 2 | 1u << 3);
    bench_free(b);
}

static void tombstones_in_each_mode(void **state)
{
    (void)state;
    struct weir_pipeline_spec spec = usual;
    static const enum weir_tombstone modes[] = {WEIR_TOMBSTONE_REJECT, WEIR_TOMBSTONE_PASS,
                                                WEIR_TOMBSTONE_DROP};
    static const enum weir_verdict verdicts[] = {WEIR_REJECT, WEIR_PASS, WEIR_DROP};
    for (size_t i = 0; i < COUNT(modes); i++) {
        spec.tombstone = modes[i];
        struct bench *b = bench_new(&spec);
        const struct weir_outcome *out = process(b, WEIR_NO_BYTES, ROOM);
        assert_int_equal(out->verdict, verdicts[i]);
        assert_null(out->value.data);
        assert_null(out->route_key.data);
        if (verdicts[i] == WEIR_REJECT)
            expect_reject(out, WEIR_CODE_EMPTY_VALUE, NULL, -1, NULL);
        else if (verdicts[i] == WEIR_DROP)
            assert_string_equal(out->why.rule, "input.tombstone");
        bench_free(b);
    }
}

static void values_that_are_no_record(void **state)
{
    (void)state;
    struct bench *b = bench_new(&usual);
    expect_reject(process_text(b, ""), WEIR_CODE_EMPTY_VALUE, NULL, 0, NULL);
    expect_reject(process_text(b, "hello"), WEIR_CODE_BAD_MAGIC, NULL, 0, NULL);
    expect_reject(process_text(b, "{\"ip\":\"::1\"}"), WEIR_CODE_MISSING_FIELD, "user", -1, NULL);
    expect_reject(process(b,
                          BYTES("\0\0\0\0\1\x06\x06"
                                "bob"
                                "\2"
                                "\x06::1"),
                          ROOM),
                  WEIR_CODE_BAD_BOOLEAN, "gone", 10, NULL);
    expect_reject(process(b,
                          BYTES("\0\0\0\0\1\x06\x06"
                                "bob"
                                "\1"
                                "\x08::1"),
                          ROOM),
                  WEIR_CODE_TRUNCATED, "ip", 11, NULL);
    bench_free(b);
}

static void a_transformation_that_cannot_be_done(void **state)
{
    (void)state;
    const struct weir_set_spec seconds[] = {
        {.field = "at", .kind = WEIR_SET_EPOCH_SECONDS, .arg = "user"},
        {.field = "offset", .kind = WEIR_SET_SOURCE, .arg = "offset"},
        {.field = "ratio", .kind = WEIR_SET_CONSTANT, .value = SCALAR("0.5")}};
    struct weir_pipeline_spec spec = usual;
    spec.set = seconds;
    struct bench *b = bench_new(&spec);
    assert_int_equal(process_text(b, "{\"user\":\"12\"}")->verdict, WEIR_PASS);
    expect_reject(process_text(b, "{\"user\":\"12 \"}"), WEIR_CODE_TRANSFORM_FAILED, "user", 8, "set.at");
    bench_free(b);
}

static void the_partition_field_as_text(void **state)
{
    (void)state;
    struct weir_pipeline_spec spec = usual;
    spec.partition_field = "n";
    struct bench *b = bench_new(&spec);
    (void)process_text(b, "{\"user\":\"u\",\"n\":-9223372036854775808}");
    assert_true(weir_bytes_equal(b->out.route_key, weir_bytes_of("-9223372036854775808")));
    bench_free(b);
    spec.partition_field = "locale";
    b = bench_new(&spec);
    (void)process_text(b, "{\"user\":\"u\",\"locale\":\"\"}");
    assert_true(b->out.route_key.data && b->out.route_key.len == 0);
    (void)process_text(b, "{\"user\":\"u\",\"locale\":null}");
    assert_null(b->out.route_key.data);
    bench_free(b);
}

/* Longest of the values below. */
#define VALUES 8

static const struct weir_bytes values[VALUES] = {
    {(const uint8_t *)"\0\0\0\0\1\x06\x06"
                      "bob"
                      "\1"
                      "\x06::1",
     15},
    {(const uint8_t *)"\0\0\0\0\1\x06\x06"
                      "bob"
                      "\2"
                      "\x06::1",
     15},
    {(const uint8_t *)"\0\0\0\0\1\x06\x06"
                      "bob"
                      "\1"
                      "\x06"
                      "abc",
     15},
    {(const uint8_t *)"{\"user\":\"b\\u006fb\",\"locale\":\"\\u0001\",\"n\":3}", 41},
    {(const uint8_t *)"{\"user\":\"u\",\"ip\":\"no address\"}", 30},
    {(const uint8_t *)"{\"user\":\"u\",\"locale\":\"RU\"}", 26},
    {(const uint8_t *)"hello", 5},
    {NULL, 0},
};

static void expect_same(const struct weir_outcome *a, const struct weir_outcome *b)
{
    assert_int_equal(a->verdict, b->verdict);
    assert_int_equal(a->why.code, b->why.code);
    assert_int_equal(a->why.byte_offset, b->why.byte_offset);
    assert_ptr_equal(a->why.field, b->why.field);
    assert_ptr_equal(a->why.rule, b->why.rule);
    assert_true(weir_bytes_equal(a->value, b->value));
    assert_true(weir_bytes_equal(a->route_key, b->route_key));
    assert_int_equal(a->defaulted, b->defaulted);
}

/*
 * With what weir_pipeline_scratch says, or more, the outcome is the same and all of it lies in the scratch or
 * the record; with less it is the same or too_large. Memory behind the scratch is not there at all, so that
 * the sanitizers see the first byte too many.
 */
static void shrink_scratch(const struct weir_pipeline_spec *spec)
{
    struct bench *b = bench_new(spec), *small = bench_new(spec);
    for (size_t i = 0; i < VALUES; i++) {
        const struct weir_outcome *whole = process(b, values[i], ROOM);
        const struct weir_plan *plan = values[i].data && values[i].data[0] == 0 ? small->avro : small->plain;
        size_t need = weir_pipeline_scratch(plan, values[i].len);
        assert_true(need < ROOM);
        for (size_t room = 0; room <= need + 1; room++) {
            uint8_t *memory = malloc(room);
            const struct weir_record record = {.value = values[i], .partition = 2, .offset = 1000};
            struct weir_outcome out;
            weir_arena_init(&small->scratch, memory, room);
            weir_pipeline_process(plan, &record, NOW, &small->scratch, &out);
            if (room < need && out.why.code == WEIR_CODE_TOO_LARGE) {
                assert_int_equal(out.verdict, WEIR_REJECT);
            } else {
                assert_int_equal(out.verdict, whole->verdict);
                assert_int_equal(out.why.code, whole->why.code);
                assert_int_equal(out.why.byte_offset, whole->why.byte_offset);
                assert_true(weir_bytes_equal(out.value, whole->value));
                assert_true(weir_bytes_equal(out.route_key, whole->route_key));
            }
            free(memory);
        }
    }
    bench_free(b);
    bench_free(small);
}

/* --- values that hold others --- */

#define FIELDS(type) "{\"name\":\"a\",\"type\":" type "}"
#define ITEMS(type)  "{\"type\":\"array\",\"items\":" type "}"

/* A plan from one type of a field to another. */
static struct weir_plan *nested_plan(struct weir_schema *schemas[3], enum weir_format output)
{
    static const struct weir_pipeline_spec to_avro = {.input_format = WEIR_FORMAT_AVRO,
                                                      .output_format = WEIR_FORMAT_AVRO},
                                           to_json = {.input_format = WEIR_FORMAT_AVRO,
                                                      .output_format = WEIR_FORMAT_JSON};
    const struct weir_plan_request request = {.spec = output == WEIR_FORMAT_JSON ? &to_json : &to_avro,
                                              .writer = schemas[0],
                                              .reader = schemas[1],
                                              .output = schemas[2],
                                              .output_id = 1};
    struct weir_plan *plan = NULL;
    struct weir_err err;
    if (weir_plan_new(&request, &plan, &err) != WEIR_OK)
        fail_msg("%s", err.text);
    return plan;
}

/* Whatever room there is behind what was asked for, the outcome is the same. */
static void nested_outcome(const struct weir_plan *plan, struct weir_bytes value, const char *expected,
                           const char *field)
{
    size_t need = weir_pipeline_scratch(plan, value.len);
    for (size_t more = 0; more < 2; more++) {
        uint8_t *memory = malloc(need + 1000 * more);
        const struct weir_record record = {.value = value, .timestamp_ms = -1};
        struct weir_arena scratch;
        struct weir_outcome out;
        weir_arena_init(&scratch, memory, need + 1000 * more);
        weir_pipeline_process(plan, &record, NOW, &scratch, &out);
        if (expected) {
            assert_int_equal(out.verdict, WEIR_PASS);
            if (!weir_bytes_equal(out.value, weir_bytes_of(expected)))
                fail_msg("%.*s", (int)out.value.len, (const char *)out.value.data);
        } else {
            assert_int_equal(out.verdict, WEIR_REJECT);
            assert_string_equal(out.why.field, field);
            /* It is among what the outcome keeps. */
            const uint8_t *kept = (const uint8_t *)out.why.field;
            assert_true(kept >= memory && kept + strlen(field) < memory + scratch.used);
        }
        free(memory);
    }
}

static void nested_values_go_through(void **state)
{
    (void)state;
    struct weir_schema *schemas[3] = {
        support_record("r", FIELDS(ITEMS("{\"type\":\"map\",\"values\":\"boolean\"}"))),
        support_record("r", FIELDS(ITEMS("{\"type\":\"map\",\"values\":[\"null\",\"boolean\"]}"))),
        support_record(
            "r", FIELDS("[\"null\"," ITEMS("{\"type\":\"map\",\"values\":[\"boolean\",\"null\"]}") "]"))};
    struct weir_plan *json = nested_plan(schemas, WEIR_FORMAT_JSON),
                     *avro = nested_plan(schemas, WEIR_FORMAT_AVRO);
    nested_outcome(json, BYTES("\0\0\0\0\7\4\2\2k\1\0\0\0"), "{\"a\":[{\"k\":true},{}]}", NULL);
    nested_outcome(json, BYTES("\0\0\0\0\7\4\0\2\2k\2\0\0"), NULL, "a[1][0]");
    nested_outcome(avro, BYTES("\0\0\0\0\7\4\0\2\2k\2\0\0"), NULL, "a[1][0]");
    weir_plan_free(json);
    weir_plan_free(avro);
    for (size_t i = 0; i < 3; i++)
        weir_schema_free(schemas[i]);
}

static void scratch_of_every_size(void **state)
{
    (void)state;
    struct weir_pipeline_spec spec = usual;
    shrink_scratch(&spec);
    spec.output_format = WEIR_FORMAT_JSON;
    shrink_scratch(&spec);
}

/* What earlier records of a batch left in the arena stays, wherever the arena stands. */
static void a_batch_shares_one_arena(void **state)
{
    (void)state;
    struct bench *b = bench_new(&usual), *alone = bench_new(&usual);
    struct weir_outcome outcomes[VALUES];
    weir_arena_init(&b->scratch, b->memory, ROOM);
    for (size_t i = 0; i < VALUES; i++) {
        const struct weir_record record = {.value = values[i], .offset = 1000};
        weir_pipeline_process(values[i].data && values[i].data[0] == 0 ? b->avro : b->plain, &record, NOW,
                              &b->scratch, &outcomes[i]);
    }
    for (size_t i = 0; i < VALUES; i++) {
        const struct weir_outcome *expected = process(alone, values[i], ROOM);
        assert_int_equal(outcomes[i].verdict, expected->verdict);
        assert_true(weir_bytes_equal(outcomes[i].value, expected->value));
        assert_true(weir_bytes_equal(outcomes[i].route_key, expected->route_key));
        assert_true(weir_bytes_equal(outcomes[i].why.text, expected->why.text));
    }
    bench_free(b);
    bench_free(alone);
}

static void the_same_again_gives_the_same(void **state)
{
    (void)state;
    struct bench *b = bench_new(&usual);
    for (size_t i = 0; i < VALUES; i++) {
        static uint8_t kept[ROOM];
        struct weir_outcome first = *process(b, values[i], ROOM);
        memcpy(kept, b->memory, ROOM);
        memset(b->memory, 0xa5, ROOM);
        const struct weir_outcome *second = process(b, values[i], ROOM);
        /* The first outcome's bytes are those of the copy now. */
        first.value.data = first.value.data ? kept + (first.value.data - b->memory) : NULL;
        first.route_key.data = first.route_key.data ? kept + (first.route_key.data - b->memory) : NULL;
        expect_same(&first, second);
    }
    bench_free(b);
}

static void the_engine_rejects_too(void **state)
{
    (void)state;
    struct weir_outcome out;
    uint8_t memory[WEIR_REASON_TEXT_MAX];
    char long_text[2 * WEIR_REASON_TEXT_MAX];
    struct weir_arena scratch;
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    weir_arena_init(&scratch, memory, sizeof memory);
    weir_pipeline_reject(&out, WEIR_CODE_UNKNOWN_SCHEMA, &scratch, "no schema has the id %d", 7);
    expect_reject(&out, WEIR_CODE_UNKNOWN_SCHEMA, NULL, -1, NULL);
    assert_true(weir_bytes_equal(out.why.text, weir_bytes_of("no schema has the id 7")));
    weir_arena_init(&scratch, memory, sizeof memory);
    weir_pipeline_reject(&out, WEIR_CODE_SCHEMA_MISMATCH, &scratch, "%s", long_text);
    assert_int_equal(out.why.text.len, WEIR_REASON_TEXT_MAX);
    weir_arena_init(&scratch, memory, 0);
    weir_pipeline_reject(&out, WEIR_CODE_TOO_LARGE, &scratch, "text");
    assert_int_equal(out.verdict, WEIR_REJECT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(avro_goes_through),
        cmocka_unit_test(json_goes_through),
        cmocka_unit_test(json_comes_out),
        cmocka_unit_test(rules_decide),
        cmocka_unit_test(drop_when_sees_defaults),
        cmocka_unit_test(tombstones_in_each_mode),
        cmocka_unit_test(values_that_are_no_record),
        cmocka_unit_test(a_transformation_that_cannot_be_done),
        cmocka_unit_test(the_partition_field_as_text),
        cmocka_unit_test(nested_values_go_through),
        cmocka_unit_test(scratch_of_every_size),
        cmocka_unit_test(a_batch_shares_one_arena),
        cmocka_unit_test(the_same_again_gives_the_same),
        cmocka_unit_test(the_engine_rejects_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
