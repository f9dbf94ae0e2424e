#include "core/plan.h"

#include "support/alloc_fail.h"
#include "support/core.h"

#define STRING(name)          "{\"name\":\"" name "\",\"type\":\"string\"}"
#define LONG(name)            "{\"name\":\"" name "\",\"type\":\"long\"}"
#define DEFAULTED(name, text) "{\"name\":\"" name "\",\"type\":\"string\",\"default\":\"" text "\"}"

/* A spec, its schemas and what came of compiling them. */
struct made {
    struct weir_schema *writer, *reader, *output;
    struct weir_plan *plan;
    enum weir_err_code code;
    struct weir_err err;
};

static struct made make(const struct weir_pipeline_spec *spec, const char *writer, const char *reader,
                        const char *output)
{
    struct made made = {0};
    made.writer = writer ? support_record("r", writer) : NULL;
    made.reader = support_record("r", reader);
    made.output = support_record("o", output);
    const struct weir_plan_request request = {
        .spec = spec, .writer = made.writer, .reader = made.reader, .output = made.output, .output_id = 7};
    made.code = weir_plan_new(&request, &made.plan, &made.err);
    return made;
}

static void release(struct made *made)
{
    weir_plan_free(made->plan);
    weir_schema_free(made->writer);
    weir_schema_free(made->reader);
    weir_schema_free(made->output);
}

static void expect_failure(const struct weir_pipeline_spec *spec, const char *writer, const char *reader,
                           const char *output, enum weir_err_code code, const char *says)
{
    struct made made = make(spec, writer, reader, output);
    assert_null(made.plan);
    if (made.code != code)
        fail_msg("%s instead of %s", weir_err_name(made.code), weir_err_name(code));
    support_expect_text("plan", made.err.text, says);
    release(&made);
}

/* Neighbours that are the same for every record are one step. */
static void constants_are_merged(void **state)
{
    (void)state;
    const struct weir_set_spec set[] = {{.field = "c", .kind = WEIR_SET_CONSTANT, .value = SCALAR("1")},
                                        {.field = "d", .kind = WEIR_SET_SOURCE, .arg = "topic"}};
    const struct weir_pipeline_spec spec = {.input_topic = "t", .set = set, .n_set = 2};
    struct made made =
        make(&spec, NULL, STRING("a"),
             DEFAULTED("x", "X") "," DEFAULTED("y", "Y") "," STRING("a") "," LONG("c") "," STRING("d"));
    assert_int_equal(made.code, WEIR_OK);
    assert_int_equal(made.plan->n_steps, 3);
    support_expect_hex("before", made.plan->steps[0].bytes, "02580259");
    assert_int_equal(made.plan->steps[1].kind, STEP_COPY);
    support_expect_hex("after", made.plan->steps[2].bytes, "020274");
    release(&made);
}

static void an_output_field_finds_its_source(void **state)
{
    (void)state;
    const struct weir_set_spec set[] = {{.field = "both", .kind = WEIR_SET_COPY, .arg = "a"}};
    const struct weir_pipeline_spec spec = {.input_topic = "t", .set = set, .n_set = 1};
    struct made made =
        make(&spec, NULL, STRING("a") "," STRING("old") "," STRING("both") "," LONG("n"),
             STRING("both") ",{\"name\":\"new\",\"type\":\"string\",\"aliases\":[\"older\",\"old\"]},"
                            "{\"name\":\"n\",\"type\":\"double\"}," DEFAULTED("more", "-"));
    assert_int_equal(made.code, WEIR_OK);
    const struct step *steps = made.plan->steps;
    assert_int_equal(made.plan->n_steps, 4);
    assert_true(steps[0].kind == STEP_COPY && steps[0].slot == 0);
    assert_string_equal(steps[0].rule, "set.both");
    assert_true(steps[1].kind == STEP_COPY && steps[1].slot == 1);
    assert_null(steps[1].rule);
    assert_true(steps[2].kind == STEP_REWRITE && steps[2].slot == 3);
    assert_true(steps[3].kind == STEP_BYTES);
    release(&made);
}

static void schemas_that_do_not_fit(void **state)
{
    (void)state;
    const struct weir_pipeline_spec spec = {.input_topic = "t"};
    expect_failure(&spec, NULL, STRING("a"), STRING("a") "," STRING("b"), WEIR_ERR_INCOMPATIBLE,
                   "output field 'b': the input has no such field");
    expect_failure(&spec, NULL, STRING("a"), LONG("a"), WEIR_ERR_INCOMPATIBLE, "output field 'a': ");
    expect_failure(&spec, LONG("a"), STRING("a"), STRING("a"), WEIR_ERR_INCOMPATIBLE, "a: ");
    expect_failure(&spec, STRING("b"), STRING("a"), STRING("a"), WEIR_ERR_INCOMPATIBLE, "a");
}

static void only_records_have_plans(void **state)
{
    (void)state;
    const struct weir_pipeline_spec spec = {.input_topic = "t"};
    struct weir_schema *text = support_schema("\"string\""), *record = support_record("r", STRING("a"));
    const struct weir_plan_request requests[] = {
        {.spec = &spec, .reader = text, .output = record},
        {.spec = &spec, .reader = record, .output = text},
        {.spec = &spec, .writer = text, .reader = record, .output = record}};
    const char *const says[] = {"the input's schema is a string", "the output's schema is a string",
                                "the writer's schema is a string"};
    for (size_t i = 0; i < COUNT(requests); i++) {
        struct weir_plan *plan = NULL;
        struct weir_err err;
        assert_int_equal(weir_plan_new(&requests[i], &plan, &err), WEIR_ERR_INCOMPATIBLE);
        support_expect_text("plan", err.text, says[i]);
    }
    weir_schema_free(text);
    weir_schema_free(record);
}

static void rules_that_do_not_fit(void **state)
{
    (void)state;
    const struct weir_scalar number = SCALAR("x"), ip = SCALAR("ip");
    const struct weir_test in = {WEIR_TEST_IN, &number, 1}, format = {WEIR_TEST_FORMAT, &ip, 1};
    const struct weir_rule_spec good = {.field = "a", .tests = &format, .n_tests = 1};
    const struct weir_rule_spec drop[] = {good, {.field = "n", .tests = &in, .n_tests = 1, .at = {5, 3}}};
    const struct weir_rule_spec check[] = {
        good, good, {.field = "nn", .tests = &in, .n_tests = 1, .at = {9, 5}}};
    const char *const fields = STRING("a") "," LONG("n");
    struct weir_pipeline_spec spec = {.input_topic = "t", .drop_when = drop, .n_drop_when = 2};
    expect_failure(&spec, NULL, fields, fields, WEIR_ERR_CONFIG, "line 7, column 9: drop_when[1]: 'x'");
    spec = (struct weir_pipeline_spec){.input_topic = "t", .check = check, .n_check = 3};
    expect_failure(&spec, NULL, fields, fields, WEIR_ERR_CONFIG,
                   "line 9, column 5: check[2]: r has no field 'nn'; did you mean 'n'?");
}

static void sets_that_do_not_fit(void **state)
{
    (void)state;
    const struct weir_set_spec unknown = {
        .field = "bb", .kind = WEIR_SET_CONSTANT, .value = SCALAR("1"), .at = {8, 3}};
    const struct weir_set_spec twice[] = {
        {.field = "a", .kind = WEIR_SET_CONSTANT, .value = SCALAR("1"), .at = {8, 3}},
        {.field = "a", .kind = WEIR_SET_CONSTANT, .value = SCALAR("2"), .at = {9, 3}}};
    struct weir_pipeline_spec spec = {.input_topic = "t", .set = &unknown, .n_set = 1};
    expect_failure(&spec, NULL, STRING("a"), STRING("a") "," LONG("b"), WEIR_ERR_CONFIG,
                   "line 8, column 3: set: o has no field 'bb'; did you mean 'b'?");
    spec = (struct weir_pipeline_spec){.input_topic = "t", .set = twice, .n_set = 2};
    expect_failure(&spec, NULL, STRING("a"), STRING("a"), WEIR_ERR_CONFIG,
                   "line 9, column 3: set.a: set twice");
}

static void fields_that_cannot_decide_a_partition(void **state)
{
    (void)state;
    struct weir_pipeline_spec spec = {.input_topic = "t", .partition_field = "usr"};
    expect_failure(&spec, NULL, STRING("user"), STRING("user"), WEIR_ERR_CONFIG, "did you mean 'user'?");
    const char *const two_enums = "[{\"type\":\"enum\",\"name\":\"a\",\"symbols\":[\"A\"]},"
                                  "{\"type\":\"enum\",\"name\":\"b\",\"symbols\":[\"B\"]}]";
    const char *const bad[] = {"\"double\"", "\"boolean\"", "[\"string\",\"float\"]", two_enums};
    spec.partition_field = "f";
    for (size_t i = 0; i < COUNT(bad); i++) {
        char field[256];
        (void)snprintf(field, sizeof field, "{\"name\":\"f\",\"type\":%s}", bad[i]);
        expect_failure(&spec, NULL, field, DEFAULTED("x", ""), WEIR_ERR_CONFIG,
                       "a text, a whole number or an enum");
    }
}

/* A plan that uses all there is, so that failing each of its allocations shows every way out. */
static void memory_may_fail_anywhere(void **state)
{
    (void)state;
    const struct weir_scalar ip = SCALAR("ip"), list[] = {SCALAR("RU"), SCALAR("US")}, one = SCALAR("1");
    const struct weir_test tests[] = {
        {WEIR_TEST_FORMAT, &ip, 1}, {WEIR_TEST_NOT_IN, list, 2}, {WEIR_TEST_MIN_LENGTH, &one, 1}};
    const struct weir_test bound = {WEIR_TEST_MIN, &one, 1};
    const struct weir_rule_spec rules[] = {{.field = "s", .tests = tests, .n_tests = 3},
                                           {.field = "n", .tests = &bound, .n_tests = 1}};
    const struct weir_set_spec set[] = {{.field = "b", .kind = WEIR_SET_COPY, .arg = "n"},
                                        {.field = "c", .kind = WEIR_SET_CONSTANT, .value = SCALAR("1")},
                                        {.field = "d", .kind = WEIR_SET_SOURCE, .arg = "topic"},
                                        {.field = "e", .kind = WEIR_SET_NOW, .arg = "millis"},
                                        {.field = "g", .kind = WEIR_SET_UPPER, .arg = "s"}};
    const struct weir_pipeline_spec spec = {.input_topic = "t",
                                            .drop_when = rules,
                                            .n_drop_when = 2,
                                            .check = rules,
                                            .n_check = 2,
                                            .set = set,
                                            .n_set = 5,
                                            .partition_field = "s"};
    struct weir_schema *reader = support_record("r", STRING("s") "," LONG("n"));
    struct weir_schema *output = support_record(
        "o", "{\"name\":\"b\",\"type\":[\"null\",\"double\"]}," LONG("c") "," STRING(
                 "d") ",{\"name\":\"e\",\"type\":[\"null\",\"long\"]}," STRING("g") "," STRING("s"));
    const struct weir_plan_request requests[] = {
        {.spec = &spec, .reader = reader, .output = output},
        {.spec = &spec, .writer = reader, .reader = reader, .output = output}};
    for (size_t i = 0; i < COUNT(requests); i++) {
        bool failed = true;
        for (long n = 1; failed; n++) {
            struct weir_plan *plan = NULL;
            struct weir_err err = {0};
            alloc_fail_at(n);
            enum weir_err_code code = weir_plan_new(&requests[i], &plan, &err);
            failed = alloc_fail_off();
            if (code != (failed ? WEIR_ERR_NO_MEMORY : WEIR_OK))
                fail_msg("allocation %ld: %s", n, err.text);
            weir_plan_free(plan);
        }
    }
    weir_schema_free(reader);
    weir_schema_free(output);
}

static void nothing_is_freed_of_no_plan(void **state)
{
    (void)state;
    weir_plan_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants_are_merged),
        cmocka_unit_test(an_output_field_finds_its_source),
        cmocka_unit_test(schemas_that_do_not_fit),
        cmocka_unit_test(only_records_have_plans),
        cmocka_unit_test(rules_that_do_not_fit),
        cmocka_unit_test(sets_that_do_not_fit),
        cmocka_unit_test(fields_that_cannot_decide_a_partition),
        cmocka_unit_test(memory_may_fail_anywhere),
        cmocka_unit_test(nothing_is_freed_of_no_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
