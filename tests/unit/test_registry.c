#include "registry/registry.h"

#include "support/canned.h"
#include "support/core.h"
#include "support/folder.h"

#define ONE       "{\"type\":\"record\",\"name\":\"one\",\"fields\":[{\"name\":\"a\",\"type\":\"string\"}]}"
#define ONE_QUOTE "{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"one\\\",\\\"fields\\\":[]}"

static int64_t now(struct timer *timer)
{
    (void)timer;
    return 1000;
}

static const struct timer_ops ops = {.monotonic_ms = now};
static const struct weir_subject_spec in = {.subject = "in", .version = WEIR_VERSION_LATEST};

/* The same questions to a folder and to a server. */
static void ask_both_ways(struct registry *registry)
{
    struct schemas_version found;
    const struct weir_schema *schema = NULL;
    struct schemas *door = NULL;
    struct weir_err err = {0};
    if (registry_subject(registry, &in, &found, &err) != WEIR_OK)
        fail_msg("%s", err.text);
    assert_string_equal(found.schema->root->name, "one");
    assert_int_equal(found.version, 1);
    assert_int_equal(registry_by_key(registry, ID(found.id), &schema, &err), WEIR_OK);
    assert_ptr_equal(schema, found.schema);
    assert_int_equal(registry_by_key(registry, ID(found.id + 1), &schema, &err), WEIR_ERR_NOT_FOUND);
    assert_int_equal(registry_schemas(registry, &door, &err), WEIR_OK);
    assert_int_equal(door->ops->by_key(door, ID(found.id), &schema, &err), WEIR_OK);
    assert_ptr_equal(schema, found.schema);
    struct schemas *again = NULL;
    assert_int_equal(registry_schemas(registry, &again, &err), WEIR_OK);
    assert_ptr_equal(door, again);
}

static void test_a_folder(void **state)
{
    struct folder *folder = *state;
    struct timer timer = {&ops};
    struct registry *registry = NULL;
    struct weir_err err;
    folder_put(folder, "in/v1.avsc", ONE);
    const struct weir_spec spec = {.registry = {.dir = folder->root}};
    const struct registry_options options = {.spec = &spec, .timer = &timer};
    assert_int_equal(registry_open(&options, &registry, &err), WEIR_OK);
    ask_both_ways(registry);
    registry_close(registry);
}

static void test_a_server(void **state)
{
    (void)state;
    struct canned *canned = canned_start();
    struct registry *registry = NULL;
    struct weir_err err;
    canned_set(canned, "/subjects/in/versions/latest", 200,
               "{\"subject\":\"in\",\"version\":1,\"id\":3,\"schema\":\"" ONE_QUOTE "\"}");
    canned_set(canned, "/schemas/ids/4", 404, CANNED_NO_SCHEMA);
    const struct weir_spec spec = {.registry = {.url = canned_url(canned),
                                                .connect_timeout_ms = 1000,
                                                .timeout_ms = 5000,
                                                .poll_ms = 60000},
                                   .input.schema = in};
    const struct registry_options options = {.spec = &spec};
    assert_int_equal(registry_open(&options, &registry, &err), WEIR_OK);
    ask_both_ways(registry);
    registry_close(registry);
    canned_stop(canned);
}

/* A folder that is named beside stands in for the server. */
static void test_a_folder_in_place_of_a_server(void **state)
{
    struct folder *folder = *state;
    struct registry *registry = NULL;
    struct schemas_version found;
    struct weir_err err;
    folder_put(folder, "in/v1.avsc", ONE);
    const struct weir_spec spec = {.registry = {.url = "http://127.0.0.1:1"}};
    const struct registry_options options = {.spec = &spec, .dir = folder->root};
    assert_int_equal(registry_open(&options, &registry, &err), WEIR_OK);
    assert_int_equal(registry_subject(registry, &in, &found, &err), WEIR_OK);
    registry_close(registry);
    const struct registry_options nowhere = {.spec = &spec, .dir = "/tmp/weir-test-no-such-folder"};
    assert_int_equal(registry_open(&nowhere, &registry, &err), WEIR_ERR_NOT_FOUND);
    registry_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_folder, folder_set_up, folder_tear_down),
        cmocka_unit_test(test_a_server),
        cmocka_unit_test_setup_teardown(test_a_folder_in_place_of_a_server, folder_set_up, folder_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
