#include "core/rule.h"

#include <math.h>

#include "support/core.h"

#define ARGS_MAX 4

struct row {
    const char *type; /* of the field, JSON */
    enum weir_test_kind kind;
    struct weir_scalar args[ARGS_MAX];
    struct slot value;
    bool holds;
};

static const char *const string_type = "\"string\"";
static const char *const color =
    "{\"type\":\"enum\",\"name\":\"color\",\"symbols\":[\"RED\",\"NO\",\"BLUE\"]}";

static size_t count_args(const struct weir_scalar *args)
{
    size_t n = 0;
    while (n < ARGS_MAX && args[n].text)
        n++;
    return n;
}

/* Compiles one test on field f of that type. */
static enum weir_err_code compile(const char *type, const struct weir_test *test, size_t n_tests,
                                  struct region *region, struct rule *rule, struct weir_schema **schema,
                                  struct weir_err *err)
{
    char field[1024];
    (void)snprintf(field, sizeof field, "{\"name\":\"first\",\"type\":\"int\"},{\"name\":\"f\",\"type\":%s}",
                   type);
    *schema = support_record("r", field);
    struct weir_rule_spec spec = {.field = "f", .tests = test, .n_tests = n_tests, .at = {3, 5}};
    return rule_compile(&spec, "check[2]", (*schema)->root, region, rule, err);
}

static void check_row(const struct row *row, size_t number)
{
    struct region region = {0};
    struct rule rule;
    struct weir_schema *schema;
    struct weir_err err;
    struct weir_test test = {row->kind, row->args, count_args(row->args)};
    if (compile(row->type, &test, 1, &region, &rule, &schema, &err) != WEIR_OK)
        fail_msg("row %zu: %s", number, err.text);
    assert_int_equal(rule.slot, 1);
    struct slot slots[2] = {SLOT_OF_NULL, row->value};
    if ((rule_first_failing(&rule, slots) == NULL) != row->holds)
        fail_msg("row %zu: should%s hold", number, row->holds ? "" : " not");
    region_release(&region);
    weir_schema_free(schema);
}

static void each_test_of_the_table(void **state)
{
    (void)state;
    const struct row table[] = {
        {string_type, WEIR_TEST_IN, {SCALAR("RU"), SCALAR("US")}, SLOT_OF_TEXT("US"), true},
        {string_type, WEIR_TEST_IN, {SCALAR("RU"), SCALAR("US")}, SLOT_OF_TEXT("us"), false},
        {string_type, WEIR_TEST_IN, {SCALAR("RU"), SCALAR("US")}, SLOT_OF_TEXT("USA"), false},
        {string_type, WEIR_TEST_IN, {SCALAR("RU"), SCALAR("")}, SLOT_OF_TEXT(""), true},
        {string_type, WEIR_TEST_IN, {SCALAR("NO")}, SLOT_OF_TEXT("NO"), true},
        {string_type, WEIR_TEST_IN, {SCALAR("1.0")}, SLOT_OF_TEXT("1"), false},
        {string_type, WEIR_TEST_IN, {SCALAR("null")}, SLOT_OF_TEXT("null"), true},
        {string_type, WEIR_TEST_NOT_IN, {SCALAR("RU"), SCALAR("US")}, SLOT_OF_TEXT("DE"), true},
        {string_type, WEIR_TEST_NOT_IN, {SCALAR("RU"), SCALAR("US")}, SLOT_OF_TEXT("RU"), false},
        {"\"long\"", WEIR_TEST_IN, {SCALAR("3"), SCALAR("-1"), SCALAR("2")}, SLOT_OF_INTEGER(-1), true},
        {"\"long\"", WEIR_TEST_IN, {SCALAR("3"), SCALAR("-1"), SCALAR("2")}, SLOT_OF_INTEGER(1), false},
        {"\"double\"", WEIR_TEST_IN, {SCALAR("0.5"), SCALAR("2")}, SLOT_OF_REAL(2.0), true},
        {"\"double\"", WEIR_TEST_IN, {SCALAR("0.5"), SCALAR("0")}, SLOT_OF_REAL(-0.0), true},
        {"\"double\"", WEIR_TEST_IN, {SCALAR("0.5"), SCALAR("2")}, SLOT_OF_REAL(NAN), false},
        {"\"double\"", WEIR_TEST_NOT_IN, {SCALAR("0.5"), SCALAR("2")}, SLOT_OF_REAL(NAN), true},
        {"\"float\"", WEIR_TEST_IN, {SCALAR("0.1")}, SLOT_OF_REAL((double)0.1f), true},
        {"\"boolean\"", WEIR_TEST_IN, {SCALAR("true")}, SLOT_OF_BOOLEAN(1), true},
        {"\"boolean\"", WEIR_TEST_IN, {SCALAR("true")}, SLOT_OF_BOOLEAN(0), false},
        {"\"bytes\"", WEIR_TEST_IN, {SCALAR("ab")}, SLOT_OF_BINARY("ab"), true},
        {color, WEIR_TEST_IN, {SCALAR("NO"), SCALAR("BLUE")}, SLOT_OF_SYMBOL(1), true},
        {color, WEIR_TEST_IN, {SCALAR("NO"), SCALAR("BLUE")}, SLOT_OF_SYMBOL(0), false},
        {"[\"null\",\"string\"]", WEIR_TEST_IN, {SCALAR("null")}, SLOT_OF_NULL, true},
        {"[\"null\",\"string\"]", WEIR_TEST_IN, {SCALAR("null")}, SLOT_OF_TEXT("null"), false},
        {"[\"string\",\"null\"]", WEIR_TEST_IN, {SCALAR("null")}, SLOT_OF_TEXT("null"), false},
        {"[\"null\",\"string\"]", WEIR_TEST_IN, {SCALAR_QUOTED("null")}, SLOT_OF_TEXT("null"), true},
        {"[\"null\",\"string\"]", WEIR_TEST_IN, {SCALAR_QUOTED("null")}, SLOT_OF_NULL, false},
        {"[\"null\",\"string\"]", WEIR_TEST_NOT_IN, {SCALAR("US")}, SLOT_OF_NULL, true},
        {"[\"string\",\"long\"]", WEIR_TEST_IN, {SCALAR("5")}, SLOT_OF_TEXT("5"), true},
        {"[\"string\",\"long\"]", WEIR_TEST_IN, {SCALAR("5")}, SLOT_OF_INTEGER(5), true},
        {"[\"string\",\"long\"]", WEIR_TEST_IN, {SCALAR("x")}, SLOT_OF_INTEGER(5), false},
        {"\"int\"", WEIR_TEST_MIN, {SCALAR("5")}, SLOT_OF_INTEGER(5), true},
        {"\"int\"", WEIR_TEST_MIN, {SCALAR("5")}, SLOT_OF_INTEGER(4), false},
        {"\"long\"", WEIR_TEST_MAX, {SCALAR("-5")}, SLOT_OF_INTEGER(-5), true},
        {"\"long\"", WEIR_TEST_MAX, {SCALAR("-5")}, SLOT_OF_INTEGER(-4), false},
        {"\"long\"", WEIR_TEST_MIN, {SCALAR("9223372036854775807")}, SLOT_OF_INTEGER(INT64_MAX - 1), false},
        {"\"double\"", WEIR_TEST_MIN, {SCALAR("0.5")}, SLOT_OF_REAL(0.5), true},
        {"\"double\"", WEIR_TEST_MIN, {SCALAR("0.5")}, SLOT_OF_REAL(0.49), false},
        {"\"double\"", WEIR_TEST_MIN, {SCALAR("0.5")}, SLOT_OF_REAL(NAN), false},
        {"\"double\"", WEIR_TEST_MAX, {SCALAR("0.5")}, SLOT_OF_REAL(NAN), false},
        {"\"double\"", WEIR_TEST_MAX, {SCALAR("0.5")}, SLOT_OF_REAL((double)-INFINITY), true},
        {"[\"null\",\"long\"]", WEIR_TEST_MIN, {SCALAR("5")}, SLOT_OF_INTEGER(6), true},
        {"[\"null\",\"long\"]", WEIR_TEST_MIN, {SCALAR("5")}, SLOT_OF_NULL, false},
        {"[\"string\",\"long\"]", WEIR_TEST_MIN, {SCALAR("5")}, SLOT_OF_TEXT("7"), false},
        {"[\"int\",\"double\"]", WEIR_TEST_MIN, {SCALAR("5")}, SLOT_OF_REAL(5.5), true},
        {"[\"int\",\"double\"]", WEIR_TEST_MIN, {SCALAR("5")}, SLOT_OF_INTEGER(4), false},
        {string_type, WEIR_TEST_MIN_LENGTH, {SCALAR("3")}, SLOT_OF_TEXT("abc"), true},
        {string_type, WEIR_TEST_MIN_LENGTH, {SCALAR("3")}, SLOT_OF_TEXT("ab"), false},
        {string_type, WEIR_TEST_MIN_LENGTH, {SCALAR("3")}, SLOT_OF_TEXT("\xc3\xa4\xf0\x9f\x98\x80"), false},
        {string_type, WEIR_TEST_MAX_LENGTH, {SCALAR("2")}, SLOT_OF_TEXT("\xc3\xa4\xf0\x9f\x98\x80"), true},
        {string_type, WEIR_TEST_MAX_LENGTH, {SCALAR("2")}, SLOT_OF_TEXT("abc"), false},
        {string_type, WEIR_TEST_MAX_LENGTH, {SCALAR("0")}, SLOT_OF_TEXT(""), true},
        {"[\"null\",\"string\"]", WEIR_TEST_MAX_LENGTH, {SCALAR("2")}, SLOT_OF_NULL, false},
        {string_type, WEIR_TEST_FORMAT, {SCALAR("ip")}, SLOT_OF_TEXT("199.172.111.135"), true},
        {string_type, WEIR_TEST_FORMAT, {SCALAR("ip")}, SLOT_OF_TEXT("::1"), true},
        {string_type, WEIR_TEST_FORMAT, {SCALAR("ipv4")}, SLOT_OF_TEXT("::1"), false},
        {string_type, WEIR_TEST_FORMAT, {SCALAR("ipv6")}, SLOT_OF_TEXT("::1"), true},
        {string_type, WEIR_TEST_FORMAT, {SCALAR("integer")}, SLOT_OF_TEXT("12x"), false},
        {string_type, WEIR_TEST_FORMAT, {SCALAR("uuid")}, SLOT_OF_TEXT("593-47-5928"), false},
        {"[\"long\",\"string\"]", WEIR_TEST_FORMAT, {SCALAR("integer")}, SLOT_OF_INTEGER(5), false},
    };
    for (size_t i = 0; i < COUNT(table); i++)
        check_row(&table[i], i);
}

struct refusal {
    const char *type;
    enum weir_test_kind kind;
    struct weir_scalar args[ARGS_MAX];
    const char *says;
};

static void what_does_not_fit_the_field_is_refused(void **state)
{
    (void)state;
    const struct refusal table[] = {
        {"\"long\"", WEIR_TEST_IN, {SCALAR("1"), SCALAR("abc")}, "line 7, column 9: check[2]: 'abc'"},
        {"\"int\"", WEIR_TEST_MIN, {SCALAR("3000000000")}, "line 7, column 9: check[2]: '3000000000'"},
        {"\"long\"", WEIR_TEST_MIN, {SCALAR("1.5")}, "'1.5'"},
        {color, WEIR_TEST_IN, {SCALAR("GREEN")}, "'GREEN'"},
        {string_type, WEIR_TEST_IN, {{0}}, "line 3, column 5: check[2]: an empty list"},
        {string_type, WEIR_TEST_MIN, {SCALAR("1")}, "min and max need a number, and the field is a string"},
        {string_type, WEIR_TEST_FORMAT, {SCALAR("email")}, "no format 'email'"},
        {string_type, WEIR_TEST_MIN_LENGTH, {SCALAR("-1")}, "'-1' is not a length"},
        {string_type, WEIR_TEST_MAX_LENGTH, {SCALAR("x")}, "'x' is not a length"},
        {"\"long\"", WEIR_TEST_MAX_LENGTH, {SCALAR("5")}, "a length needs a text"},
        {"\"long\"", WEIR_TEST_FORMAT, {SCALAR("ip")}, "a format needs a text"},
        {"\"long\"", WEIR_TEST_MIN, {SCALAR("5"), SCALAR("6")}, "2 values instead of one"},
        {"{\"type\":\"record\",\"name\":\"n\",\"fields\":[]}",
         WEIR_TEST_IN,
         {SCALAR("x")},
         "a record cannot"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        struct region region = {0};
        struct rule rule;
        struct weir_schema *schema;
        struct weir_err err = {0};
        struct weir_test test = {table[i].kind, table[i].args, count_args(table[i].args)};
        assert_int_equal(compile(table[i].type, &test, 1, &region, &rule, &schema, &err), WEIR_ERR_CONFIG);
        support_expect_text("refusal", err.text, table[i].says);
        region_release(&region);
        weir_schema_free(schema);
    }
}

static void a_rule_without_test_is_refused(void **state)
{
    (void)state;
    struct region region = {0};
    struct rule rule;
    struct weir_schema *schema;
    struct weir_err err = {0};
    assert_int_equal(compile(string_type, NULL, 0, &region, &rule, &schema, &err), WEIR_ERR_CONFIG);
    assert_string_equal(err.text, "line 3, column 5: check[2]: no test for field 'f'");
    region_release(&region);
    weir_schema_free(schema);
}

static void an_unknown_field_is_named_with_the_nearest(void **state)
{
    (void)state;
    struct region region = {0};
    struct rule rule;
    struct weir_err err = {0};
    struct weir_schema *schema = support_record("login", "{\"name\":\"locale\",\"type\":\"string\"}");
    struct weir_scalar arg = SCALAR("RU");
    struct weir_test test = {WEIR_TEST_IN, &arg, 1};
    struct weir_rule_spec spec = {.field = "lokale", .tests = &test, .n_tests = 1, .at = {3, 5}};
    assert_int_equal(rule_compile(&spec, "drop_when[0]", schema->root, &region, &rule, &err),
                     WEIR_ERR_CONFIG);
    assert_string_equal(
        err.text, "line 3, column 5: drop_when[0]: login has no field 'lokale'; did you mean 'locale'?");
    region_release(&region);
    weir_schema_free(schema);
}

/* All tests of a rule together; the first that does not hold is the one complained about. */
static void tests_of_one_rule_are_all_needed(void **state)
{
    (void)state;
    struct region region = {0};
    struct rule rule;
    struct weir_schema *schema;
    struct weir_err err;
    struct weir_scalar low = SCALAR("3"), high = SCALAR("5"), format = SCALAR("integer");
    const struct weir_test tests[] = {
        {WEIR_TEST_MIN_LENGTH, &low, 1}, {WEIR_TEST_MAX_LENGTH, &high, 1}, {WEIR_TEST_FORMAT, &format, 1}};
    assert_int_equal(compile(string_type, tests, 3, &region, &rule, &schema, &err), WEIR_OK);
    struct slot slots[2] = {SLOT_OF_NULL, SLOT_OF_TEXT("1234")};
    assert_null(rule_first_failing(&rule, slots));
    slots[1] = (struct slot)SLOT_OF_TEXT("12");
    assert_string_equal(rule_first_failing(&rule, slots)->complaint,
                        "is not a text of at least 3 characters");
    slots[1] = (struct slot)SLOT_OF_TEXT("1234567");
    assert_string_equal(rule_first_failing(&rule, slots)->complaint, "is not a text of at most 5 characters");
    slots[1] = (struct slot)SLOT_OF_TEXT("12a");
    assert_string_equal(rule_first_failing(&rule, slots)->complaint, "is not of the format integer");
    region_release(&region);
    weir_schema_free(schema);
}

#define LONG_LIST 500

static void a_long_list_is_found_in(void **state)
{
    (void)state;
    static char texts[LONG_LIST][16];
    static struct weir_scalar args[LONG_LIST];
    for (size_t i = 0; i < LONG_LIST; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "10.0.%zu.%zu", (i * 7) % 256, (i * 13) % 256);
        args[i] = (struct weir_scalar){.text = texts[i]};
    }
    struct region region = {0};
    struct rule rule;
    struct weir_schema *schema;
    struct weir_err err;
    struct weir_test test = {WEIR_TEST_IN, args, LONG_LIST};
    assert_int_equal(compile(string_type, &test, 1, &region, &rule, &schema, &err), WEIR_OK);
    for (size_t i = 0; i < LONG_LIST; i++) {
        struct slot slots[2] = {SLOT_OF_NULL, {.kind = SLOT_TEXT, .v.text = weir_bytes_of(texts[i])}};
        assert_null(rule_first_failing(&rule, slots));
    }
    struct slot slots[2] = {SLOT_OF_NULL, SLOT_OF_TEXT("10.0.0.1")};
    assert_non_null(rule_first_failing(&rule, slots));
    region_release(&region);
    weir_schema_free(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_test_of_the_table),
        cmocka_unit_test(what_does_not_fit_the_field_is_refused),
        cmocka_unit_test(a_rule_without_test_is_refused),
        cmocka_unit_test(an_unknown_field_is_named_with_the_nearest),
        cmocka_unit_test(tests_of_one_rule_are_all_needed),
        cmocka_unit_test(a_long_list_is_found_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
