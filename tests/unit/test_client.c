#include "registry/client.h"

#include "support/canned.h"
#include "support/core.h"

#define STRING "{\"schema\":\"\\\"string\\\"\"}"

static struct client *open_client(struct canned *canned)
{
    const struct http_options options = {
        .urls = canned_url(canned), .connect_timeout_ms = 1000, .timeout_ms = 5000};
    struct client *client = NULL;
    struct weir_err err;
    assert_int_equal(client_new(&options, &client, &err), WEIR_OK);
    return client;
}

static void test_a_schema_by_id(void **state)
{
    struct canned *canned = *state;
    struct client *client = open_client(canned);
    struct answer_schema said;
    struct weir_err err;
    canned_set(canned, "/schemas/ids/4294967295", 200, STRING);
    assert_int_equal(client_by_key(client, ID(UINT32_MAX), &said, &err), WEIR_OK);
    weir_schema_free(said.schema);
    client_free(client);
}

/* Registries that know no GUIDs answer to such a question as to any path that they do not know. */
static void test_a_schema_by_guid(void **state)
{
    static const char path[] = "/schemas/guids/6da336d8-f1d3-0f98-4c47-d03ee8a14a12";
    static const struct weir_schema_key key = {
        .by_guid = true, .guid = "\x6d\xa3\x36\xd8\xf1\xd3\x0f\x98\x4c\x47\xd0\x3e\xe8\xa1\x4a\x12"};
    struct canned *canned = *state;
    struct client *client = open_client(canned);
    struct answer_schema said;
    struct weir_err err;
    canned_set(canned, path, 200, STRING);
    assert_int_equal(client_by_key(client, &key, &said, &err), WEIR_OK);
    weir_schema_free(said.schema);
    canned_set(canned, path, 404, CANNED_NO_SCHEMA);
    assert_int_equal(client_by_key(client, &key, &said, &err), WEIR_ERR_NOT_FOUND);
    canned_set(canned, path, 404, "");
    assert_int_equal(client_by_key(client, &key, &said, &err), WEIR_ERR_REGISTRY_DOWN);
    support_expect_text("no GUIDs", err.text, "knows no GUIDs");
    client_free(client);
}

/* Only the registry's own word counts as "there is none". */
static void test_what_else_an_id_may_get(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum weir_err_code code;
        const char *text;
    } cases[] = {
        {404, CANNED_NO_SCHEMA, WEIR_ERR_NOT_FOUND, "no such id"},
        {404, CANNED_NO_SUBJECT, WEIR_ERR_REGISTRY_DOWN, "404"},
        {404, CANNED_PAGE, WEIR_ERR_REGISTRY_DOWN, "status 404 to /schemas/ids/7: check registry.url"},
        {404, "{\"message\":\"HTTP 404 Not Found\"}", WEIR_ERR_REGISTRY_DOWN, "404"},
        {403, CANNED_NO_SCHEMA, WEIR_ERR_REGISTRY_DOWN, "403 to /schemas/ids/7: check its credentials"},
        {401, CANNED_DENIED, WEIR_ERR_REGISTRY_DOWN, "401"},
        {422, CANNED_NO_SCHEMA, WEIR_ERR_REGISTRY_DOWN, "422"},
        {500, CANNED_ERROR, WEIR_ERR_REGISTRY_DOWN, "500"},
        {204, "", WEIR_ERR_REGISTRY_DOWN, "204"},
        {200, "<html>Please log in</html>", WEIR_ERR_REGISTRY_DOWN, "not one of a schema registry"},
        {200, "{\"schema\":\"{}\",\"schemaType\":\"JSON\"}", WEIR_ERR_BAD_SCHEMA, "of type JSON"},
        {CANNED_CLOSE, "", WEIR_ERR_REGISTRY_DOWN, "http://127.0.0.1:"},
    };
    struct canned *canned = *state;
    struct client *client = open_client(canned);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct answer_schema said;
        struct weir_err err = {0};
        canned_set(canned, "/schemas/ids/7", cases[i].status, cases[i].body);
        assert_int_equal(client_by_key(client, ID(7), &said, &err), cases[i].code);
        assert_int_equal(err.code, cases[i].code);
        support_expect_text(cases[i].body, err.text, cases[i].text);
    }
    client_free(client);
}

static void test_versions_of_a_subject(void **state)
{
    struct canned *canned = *state;
    struct client *client = open_client(canned);
    struct answer_schema said;
    struct weir_err err;
    const struct weir_subject_spec latest = {.subject = "a/b", .version = WEIR_VERSION_LATEST};
    const struct weir_subject_spec third = {.subject = "a/b", .version = 3};
    canned_set(canned, "/subjects/a%2Fb/versions/latest", 200,
               "{\"subject\":\"a/b\",\"version\":4,\"id\":9,\"schema\":\"\\\"string\\\"\"}");
    canned_set(canned, "/subjects/a%2Fb/versions/3", 200,
               "{\"subject\":\"a/b\",\"version\":3,\"id\":5,\"schema\":\"\\\"string\\\"\"}");
    assert_int_equal(client_subject(client, &latest, &said, &err), WEIR_OK);
    assert_int_equal(said.id, 9);
    assert_int_equal(said.version, 4);
    weir_schema_free(said.schema);
    assert_int_equal(client_subject(client, &third, &said, &err), WEIR_OK);
    assert_int_equal(said.id, 5);
    weir_schema_free(said.schema);
    client_free(client);
}

static void test_subjects_that_are_not_there(void **state)
{
    struct canned *canned = *state;
    struct client *client = open_client(canned);
    struct answer_schema said;
    struct weir_err err;
    const struct weir_subject_spec in = {.subject = "in", .version = 7};
    canned_set(canned, "/subjects/in/versions/7", 404, CANNED_NO_SUBJECT);
    assert_int_equal(client_subject(client, &in, &said, &err), WEIR_ERR_NOT_FOUND);
    assert_string_equal(err.text, "subject 'in', version 7: the schema registry has no such subject");
    canned_set(canned, "/subjects/in/versions/7", 404, CANNED_NO_VERSION);
    assert_int_equal(client_subject(client, &in, &said, &err), WEIR_ERR_NOT_FOUND);
    assert_string_equal(err.text, "subject 'in', version 7: the subject has no such version");
    canned_set(canned, "/subjects/in/versions/7", 200, STRING);
    assert_int_equal(client_subject(client, &in, &said, &err), WEIR_ERR_REGISTRY_DOWN);
    canned_set(canned, "/subjects/in/versions/7", 404, CANNED_PAGE);
    assert_int_equal(client_subject(client, &in, &said, &err), WEIR_ERR_REGISTRY_DOWN);
    client_free(client);
}

static int set_up(void **state)
{
    *state = canned_start();
    return 0;
}

static int tear_down(void **state)
{
    canned_stop(*state);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_schema_by_id),
        TEST(test_a_schema_by_guid),
        TEST(test_what_else_an_id_may_get),
        TEST(test_versions_of_a_subject),
        TEST(test_subjects_that_are_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
