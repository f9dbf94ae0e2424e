#include "registry/registrar.h"

#include "support/canned.h"
#include "support/core.h"

#define FIND     "POST /subjects/in"
#define JUDGE    "POST /compatibility/subjects/in/versions?verbose=true"
#define REGISTER "POST /subjects/in/versions"
#define LEVEL    "/config/in?defaultToGlobal=true"

struct bench {
    struct canned *canned;
    struct client *client;
    struct weir_schema *schema;
};

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    struct weir_err err;
    bench->canned = canned_start();
    const struct http_options options = {
        .urls = canned_url(bench->canned), .connect_timeout_ms = 1000, .timeout_ms = 5000};
    bench->schema = support_record("one", "{\"name\":\"a\",\"type\":\"long\",\"doc\":\"\\u00e4 \\\" \\n\"}");
    *state = bench;
    return client_new(&options, &bench->client, &err) == WEIR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    weir_schema_free(bench->schema);
    client_free(bench->client);
    canned_stop(bench->canned);
    free(bench);
    return 0;
}

static void test_a_registry_is_reached(void **state)
{
    struct bench *bench = *state;
    struct weir_err err;
    assert_int_equal(registrar_reach(bench->client, &err), WEIR_ERR_REGISTRY_DOWN);
    support_expect_text("404", err.text, "status 404 to /subjects: check its URL");
    canned_set(bench->canned, "/subjects", 401, CANNED_DENIED);
    assert_int_equal(registrar_reach(bench->client, &err), WEIR_ERR_REGISTRY_DOWN);
    support_expect_text("401", err.text, "check its credentials: Unauthorized");
    canned_set(bench->canned, "/subjects", 200, "[]");
    assert_int_equal(registrar_reach(bench->client, &err), WEIR_OK);
}

static void test_a_schema_is_found_or_not(void **state)
{
    struct bench *bench = *state;
    struct answer_place place;
    struct weir_err err;
    canned_set(bench->canned, FIND, 200, "{\"subject\":\"in\",\"version\":3,\"id\":17,\"schema\":\"{}\"}");
    assert_int_equal(registrar_find(bench->client, "in", bench->schema, &place, &err), WEIR_OK);
    assert_int_equal(place.id, 17);
    assert_int_equal(place.version, 3);
    support_expect_text("the schema's text is one JSON string", canned_request(bench->canned),
                        "\r\n\r\n{\"schema\":\"{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"one\\\"");
    support_expect_text("escapes are escaped once more", canned_request(bench->canned), "\\\\u00e4");
    canned_set(bench->canned, FIND, 404, CANNED_NO_SUBJECT);
    assert_int_equal(registrar_find(bench->client, "in", bench->schema, &place, &err), WEIR_ERR_NOT_FOUND);
    canned_set(bench->canned, FIND, 404, CANNED_NO_SCHEMA);
    assert_int_equal(registrar_find(bench->client, "in", bench->schema, &place, &err), WEIR_ERR_NOT_FOUND);
    canned_set(bench->canned, FIND, 422, "{\"error_code\":42201,\"message\":\"Invalid schema\"}");
    assert_int_equal(registrar_find(bench->client, "in", bench->schema, &place, &err), WEIR_ERR_NOT_FOUND);
    canned_set(bench->canned, FIND, 404, CANNED_PAGE);
    assert_int_equal(registrar_find(bench->client, "in", bench->schema, &place, &err),
                     WEIR_ERR_REGISTRY_DOWN);
    canned_set(bench->canned, FIND, 200, CANNED_PAGE);
    assert_int_equal(registrar_find(bench->client, "in", bench->schema, &place, &err),
                     WEIR_ERR_REGISTRY_DOWN);
}

static void test_what_a_registry_thinks_of_a_schema(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum weir_err_code code;
        bool compatible;
        const char *why;
    } cases[] = {
        {200, "{\"is_compatible\":true}", WEIR_OK, true, ""},
        {200, "{\"is_compatible\":false}", WEIR_OK, false, ""},
        {200, "{\"is_compatible\":false,\"messages\":[\"{type: 'x',\\n y}\",\"{level}\"]}", WEIR_OK, false,
         "{type: 'x',  y}; {level}"},
        {404, CANNED_NO_SUBJECT, WEIR_OK, true, ""},
        {404, CANNED_NO_VERSION, WEIR_OK, true, ""},
        {422, "{\"error_code\":42201,\"message\":\"Invalid schema\"}", WEIR_OK, false, "Invalid schema"},
        {404, CANNED_PAGE, WEIR_ERR_REGISTRY_DOWN, false, ""},
        {200, "[]", WEIR_ERR_REGISTRY_DOWN, false, ""},
        {403, CANNED_DENIED, WEIR_ERR_REGISTRY_DOWN, false, ""},
    };
    struct bench *bench = *state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct registrar_opinion opinion;
        struct weir_err err;
        canned_set(bench->canned, JUDGE, cases[i].status, cases[i].body);
        assert_int_equal(registrar_judge(bench->client, "in", bench->schema, &opinion, &err), cases[i].code);
        if (cases[i].code != WEIR_OK)
            continue;
        assert_int_equal(opinion.compatible, cases[i].compatible);
        assert_string_equal(opinion.why, cases[i].why);
    }
}

static void test_a_schema_is_registered_or_refused(void **state)
{
    struct bench *bench = *state;
    struct answer_place place;
    struct weir_err err;
    canned_set(bench->canned, REGISTER, 200, "{\"id\":17}");
    assert_int_equal(registrar_register(bench->client, "in", bench->schema, &place, &err), WEIR_OK);
    assert_int_equal(place.id, 17);
    assert_int_equal(place.version, 0);
    canned_set(bench->canned, REGISTER, 409, "{\"error_code\":40901,\"message\":\"not compatible\"}");
    assert_int_equal(registrar_register(bench->client, "in", bench->schema, &place, &err),
                     WEIR_ERR_INCOMPATIBLE);
    support_expect_text("409", err.text, "refuses it with status 409: not compatible");
    canned_set(bench->canned, REGISTER, 401, CANNED_DENIED);
    assert_int_equal(registrar_register(bench->client, "in", bench->schema, &place, &err),
                     WEIR_ERR_REGISTRY_DOWN);
}

static void test_the_level_of_a_subject(void **state)
{
    struct bench *bench = *state;
    char level[ANSWER_TEXT_MAX];
    struct weir_err err;
    canned_set(bench->canned, LEVEL, 200, "{\"compatibilityLevel\":\"FULL_TRANSITIVE\"}");
    assert_int_equal(registrar_level(bench->client, "in", level, &err), WEIR_OK);
    assert_string_equal(level, "FULL_TRANSITIVE");
    canned_set(bench->canned, LEVEL, 404, CANNED_NO_SUBJECT);
    canned_set(bench->canned, "/config", 200, "{\"compatibilityLevel\":\"BACKWARD\"}");
    assert_int_equal(registrar_level(bench->client, "in", level, &err), WEIR_OK);
    assert_string_equal(level, "BACKWARD");
    canned_set(bench->canned, "/config", 200, "{}");
    assert_int_equal(registrar_level(bench->client, "in", level, &err), WEIR_ERR_REGISTRY_DOWN);
}

/* The other way round would get on: a string cannot be read as a long, nor a long as a string. */
static void test_weir_says_itself_what_does_not_get_on(void **state)
{
    struct bench *bench = *state;
    char why[ANSWER_TEXT_MAX];
    registrar_explain(bench->client, "in", bench->schema, "BACKWARD", why);
    assert_string_equal(why, "");
    canned_set(bench->canned, "/subjects/in/versions/latest", 200,
               "{\"version\":3,\"id\":1,\"schema\":\"{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"one\\\","
               "\\\"fields\\\":[{\\\"name\\\":\\\"a\\\",\\\"type\\\":\\\"int\\\"}]}\"}");
    registrar_explain(bench->client, "in", bench->schema, "BACKWARD_TRANSITIVE", why);
    assert_string_equal(why, "");
    registrar_explain(bench->client, "in", bench->schema, "FULL", why);
    assert_string_equal(why, "version 3 cannot read it: a: writer has long, reader has int");
    registrar_explain(bench->client, "in", bench->schema, "NONE", why);
    assert_string_equal(why, "");
}

static void test_names_with_other_letters_are_escaped(void **state)
{
    struct bench *bench = *state;
    struct answer_place place;
    struct weir_err err;
    char name[2000];
    memset(name, '/', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    canned_set(bench->canned, "POST /subjects/a%2Fb%3Fc/versions", 200, "{\"id\":1,\"version\":2}");
    assert_int_equal(registrar_register(bench->client, "a/b?c", bench->schema, &place, &err), WEIR_OK);
    assert_int_equal(place.version, 2);
    assert_int_equal(registrar_register(bench->client, name, bench->schema, &place, &err), WEIR_ERR_CONFIG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_registry_is_reached),
        TEST(test_a_schema_is_found_or_not),
        TEST(test_what_a_registry_thinks_of_a_schema),
        TEST(test_a_schema_is_registered_or_refused),
        TEST(test_the_level_of_a_subject),
        TEST(test_weir_says_itself_what_does_not_get_on),
        TEST(test_names_with_other_letters_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
