#include "registry/answer.h"

#include "support/core.h"

/* As docs.confluent.io and the source of Confluent's registry have them; newer ones say more than older ones.
 */
static void test_answers_that_count(void **state)
{
    static const struct {
        const char *body;
        uint32_t id;
        int64_t version;
        bool has_rules;
    } cases[] = {
        {"{\"schema\":\"\\\"string\\\"\"}", 0, 0, false},
        {"{\"schema\":\"\\\"string\\\"\",\"schemaType\":\"AVRO\",\"references\":[],\"maxId\":9}", 0, 0,
         false},
        {"{\"subject\":\"in\",\"version\":3,\"id\":17,\"schema\":\"\\\"string\\\"\"}", 17, 3, false},
        {"{\"subject\":\"in\",\"version\":3,\"id\":17,\"guid\":\"3b1-\",\"schemaType\":null,"
         "\"schema\":\"\\\"string\\\"\",\"metadata\":{},\"ruleSet\":null,\"ts\":1,\"deleted\":false}",
         17, 3, false},
        {"{\"schema\":\"\\\"string\\\"\",\"ruleSet\":{\"migrationRules\":[],\"domainRules\":[{\"name\":\"r\"}"
         "]}}",
         0, 0, true},
        {"{\"schema\":\"\\\"string\\\"\",\"ruleSet\":{\"migrationRules\":[],\"domainRules\":[]}}", 0, 0,
         false},
        {"{\"schema\":\"\\\"string\\\"\",\"id\":2147483648,\"version\":-1}", 0, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct answer_schema read;
        struct weir_err err = {0};
        if (answer_read(weir_bytes_of(cases[i].body), &read, &err) != WEIR_OK)
            fail_msg("%s: %s", cases[i].body, err.text);
        assert_int_equal(read.schema->root->type, WEIR_TYPE_STRING);
        assert_int_equal(read.id, cases[i].id);
        assert_int_equal(read.version, cases[i].version);
        assert_int_equal(read.has_rules, cases[i].has_rules);
        weir_schema_free(read.schema);
    }
}

/* What is no answer says nothing about the schema: a reason to wait, never to reject. */
static void test_answers_that_do_not(void **state)
{
    static const struct {
        const char *body;
        enum weir_err_code code;
    } cases[] = {
        {"", WEIR_ERR_REGISTRY_DOWN},
        {"<html>Please log in</html>", WEIR_ERR_REGISTRY_DOWN},
        {"{\"schema\":\"\\\"stri", WEIR_ERR_REGISTRY_DOWN},
        {"[]", WEIR_ERR_REGISTRY_DOWN},
        {"{}", WEIR_ERR_REGISTRY_DOWN},
        {"{\"schema\":5}", WEIR_ERR_REGISTRY_DOWN},
        {"{\"schema\":\"\\\"string\\\"\",\"schemaType\":1}", WEIR_ERR_REGISTRY_DOWN},
        {"{\"schema\":\"\\\"strnig\\\"\"}", WEIR_ERR_BAD_SCHEMA},
        {"{\"schema\":\"{}\",\"schemaType\":\"JSON\"}", WEIR_ERR_BAD_SCHEMA},
        {"{\"schema\":\"syntax = 3\",\"schemaType\":\"PROTOBUF\"}", WEIR_ERR_BAD_SCHEMA},
        {"{\"schema\":\"\\\"string\\\"\",\"references\":[{\"name\":\"a.B\",\"subject\":\"b\",\"version\":1}]"
         "}",
         WEIR_ERR_BAD_SCHEMA},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct answer_schema read = {0};
        struct weir_err err = {0};
        if (answer_read(weir_bytes_of(cases[i].body), &read, &err) != cases[i].code)
            fail_msg("%s: %s", cases[i].body, err.text);
        assert_null(read.schema);
    }
    struct answer_schema read;
    struct weir_err err;
    assert_int_equal(answer_read(WEIR_NO_BYTES, &read, &err), WEIR_ERR_REGISTRY_DOWN);
}

static void test_error_codes(void **state)
{
    (void)state;
    assert_int_equal(answer_error(weir_bytes_of("{\"error_code\":40403,\"message\":\"Schema not found\"}")),
                     ANSWER_NO_SCHEMA);
    assert_int_equal(answer_error(weir_bytes_of("{\"message\":\"HTTP 404 Not Found\"}")), 0);
    assert_int_equal(answer_error(weir_bytes_of("<html>")), 0);
    assert_int_equal(answer_error(weir_bytes_of("{\"error_code\":\"40403\"}")), 0);
    assert_int_equal(answer_error(WEIR_NO_BYTES), 0);
}

static void test_the_same_json(void **state)
{
    (void)state;
    struct weir_schema *a = support_schema("{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"B\"]}");
    struct weir_schema *b =
        support_schema("{ \"name\":\"e\", \"type\":\"enum\",\"symbols\":[\"A\", \"B\"] }");
    struct weir_schema *c = support_schema("{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"B\",\"A\"]}");
    assert_true(answer_same(a, a));
    assert_true(answer_same(a, b));
    assert_false(answer_same(a, c));
    weir_schema_free(a);
    weir_schema_free(b);
    weir_schema_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_that_count),
        cmocka_unit_test(test_answers_that_do_not),
        cmocka_unit_test(test_error_codes),
        cmocka_unit_test(test_the_same_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
