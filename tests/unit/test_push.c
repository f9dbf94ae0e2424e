#include "registry/push.h"

#include <inttypes.h>

#include "support/canned.h"
#include "support/core.h"
#include "support/folder.h"

#define SCHEMA(name) "{\"type\":\"record\",\"name\":\"" name "\",\"fields\":[]}"

/* A registry, a client of it, and what was reported, a line a schema. */
struct bench {
    struct canned *canned;
    struct client *client;
    char said[1024];
};

static void bench_init(struct bench *bench)
{
    *bench = (struct bench){.canned = canned_start()};
    const struct http_options options = {
        .urls = canned_url(bench->canned), .connect_timeout_ms = 1000, .timeout_ms = 5000};
    struct weir_err err;
    assert_int_equal(client_new(&options, &bench->client, &err), WEIR_OK);
}

static void bench_release(struct bench *bench)
{
    client_free(bench->client);
    canned_stop(bench->canned);
}

static void note(void *context, const struct push_row *row)
{
    struct bench *bench = context;
    size_t len = strlen(bench->said);
    (void)snprintf(bench->said + len, sizeof bench->said - len,
                   "%s v%" PRId64 " %s %" PRIu32 " %" PRId64 " %s\n", row->subject, row->file,
                   push_outcome_name(row->outcome), row->place.id, row->place.version, row->why);
}

static enum weir_err_code push_it(struct bench *bench, const struct folder *folder, struct push *push,
                                  struct weir_err *err)
{
    struct directory *directory = NULL;
    if (directory_open(folder->root, &directory, err) != WEIR_OK)
        fail_msg("%s", err->text);
    *push = (struct push){.client = bench->client, .directory = directory, .report = note, .context = bench};
    enum weir_err_code code = push_folder(push, err);
    directory_close(directory);
    return code;
}

static void test_each_version_by_rising_number(void **state)
{
    struct folder *folder = *state;
    struct bench bench;
    struct push push;
    struct weir_err err;
    bench_init(&bench);
    folder_put(folder, "a/v2.avsc", SCHEMA("two"));
    folder_put(folder, "a/v10.avsc", SCHEMA("ten"));
    folder_put(folder, "b/v1.avsc", SCHEMA("one"));
    canned_set(bench.canned, "POST /subjects/a", 200, "{\"id\":5,\"version\":1}");
    canned_set(bench.canned, "POST /subjects/b", 404, CANNED_NO_SUBJECT);
    canned_set(bench.canned, "POST /compatibility/subjects/b/versions?verbose=true", 404, CANNED_NO_SUBJECT);
    canned_set(bench.canned, "POST /subjects/b/versions", 200, "{\"id\":6,\"version\":1}");
    assert_int_equal(push_it(&bench, folder, &push, &err), WEIR_OK);
    assert_string_equal(bench.said, "a v2 present 5 1 \na v10 present 5 1 \nb v1 registered 6 1 \n");
    assert_int_equal(push.counts[PUSH_PRESENT], 2);
    assert_int_equal(push.counts[PUSH_REGISTERED], 1);
    assert_int_equal(canned_hits(bench.canned, "POST /subjects/a/versions"), 0);
    bench_release(&bench);
}

/* Whether the registry says so beforehand or only when it is to be registered; other subjects go on. */
static void test_what_is_refused_ends_its_subject(void **state)
{
    struct folder *folder = *state;
    struct bench bench;
    struct push push;
    struct weir_err err;
    bench_init(&bench);
    folder_put(folder, "a/v1.avsc", SCHEMA("one"));
    folder_put(folder, "a/v2.avsc", SCHEMA("two"));
    folder_put(folder, "b/v1.avsc", SCHEMA("one"));
    canned_set(bench.canned, "POST /subjects/a", 404, CANNED_NO_SCHEMA);
    canned_set(bench.canned, "POST /compatibility/subjects/a/versions?verbose=true", 200,
               "{\"is_compatible\":false,\"messages\":[\"names differ\"]}");
    canned_set(bench.canned, "/config/a?defaultToGlobal=true", 200, "{\"compatibilityLevel\":\"FULL\"}");
    canned_set(bench.canned, "POST /subjects/b", 404, CANNED_NO_SCHEMA);
    canned_set(bench.canned, "POST /compatibility/subjects/b/versions?verbose=true", 200,
               "{\"is_compatible\":true}");
    canned_set(bench.canned, "POST /subjects/b/versions", 409, "{\"error_code\":409,\"message\":\"no\"}");
    assert_int_equal(push_it(&bench, folder, &push, &err), WEIR_OK);
    assert_string_equal(bench.said,
                        "a v1 refused 0 0 not compatible under FULL: names differ\n"
                        "a v2 skipped 0 0 \n"
                        "b v1 refused 0 0 not compatible: the registry refuses it with status 409: "
                        "no\n");
    assert_int_equal(canned_hits(bench.canned, "POST /subjects/a/versions"), 0);
    assert_int_equal(push.counts[PUSH_REFUSED], 2);
    assert_int_equal(push.counts[PUSH_SKIPPED], 1);
    bench_release(&bench);
}

static void test_a_registry_that_is_no_help_ends_it(void **state)
{
    struct folder *folder = *state;
    struct bench bench;
    struct push push;
    struct weir_err err;
    bench_init(&bench);
    folder_put(folder, "a/v1.avsc", SCHEMA("one"));
    folder_put(folder, "b/v1.avsc", SCHEMA("one"));
    assert_int_equal(push_it(&bench, folder, &push, &err), WEIR_ERR_REGISTRY_DOWN);
    support_expect_text("404", err.text, "status 404 to /subjects/a");
    assert_string_equal(bench.said, "");
    assert_int_equal(canned_hits(bench.canned, "POST /subjects/b"), 0);
    bench_release(&bench);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_set_up, folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_version_by_rising_number),
        TEST(test_what_is_refused_ends_its_subject),
        TEST(test_a_registry_that_is_no_help_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
