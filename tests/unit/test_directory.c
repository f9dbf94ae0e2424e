#include "registry/directory.h"

#include "support/alloc_fail.h"
#include "support/core.h"
#include "support/folder.h"

#define ONE "{\"type\":\"record\",\"name\":\"one\",\"fields\":[{\"name\":\"a\",\"type\":\"string\"}]}"
#define TWO "{\"type\":\"record\",\"name\":\"two\",\"fields\":[{\"name\":\"a\",\"type\":\"string\"}]}"
#define ALIKE                                                                                                \
    "{\"type\":\"record\",\"name\":\"one\",\"doc\":\"d\",\"fields\":[{\"name\":\"a\",\"type\":\"string\","   \
    "\"default\":\"x\"}]}"

static struct directory *open_folder(const struct folder *folder)
{
    struct directory *directory = NULL;
    struct weir_err err;
    if (directory_open(folder->root, &directory, &err) != WEIR_OK)
        fail_msg("%s", err.text);
    return directory;
}

static void expect_version(const struct directory *directory, int64_t wanted, int64_t version,
                           const char *part)
{
    const struct weir_schema *schema;
    uint32_t id;
    int64_t got;
    struct weir_err err;
    assert_int_equal(directory_subject(directory, "s", wanted, &schema, &id, &got, &err), WEIR_OK);
    assert_int_equal(got, version);
    support_expect_text("schema", schema->text, part);
    assert_int_equal(id, directory_id(schema));
    assert_non_null(directory_by_key(directory, ID(id)));
}

/* Versions count as numbers, so v10 comes after v9. */
static void subjects_have_versions(void **state)
{
    struct folder *folder = *state;
    folder_put(folder, "s/v2.avsc", ONE);
    folder_put(folder, "s/v10.avsc", TWO);
    folder_put(folder, "s/v9.avsc", ALIKE);
    folder_put(folder, "a subject/v1.avsc", ONE);
    struct directory *directory = open_folder(folder);
    expect_version(directory, WEIR_VERSION_LATEST, 10, "two");
    expect_version(directory, 2, 2, "one");
    expect_version(directory, 9, 9, "default");
    assert_string_equal(directory_subject_name(directory, 0), "a subject");
    assert_string_equal(directory_subject_name(directory, 1), "s");
    assert_null(directory_subject_name(directory, 2));
    directory_close(directory);
}

/* The same bytes on the wire have the same id, whatever the docs and defaults. */
static void ids_come_from_the_canonical_form(void **state)
{
    struct folder *folder = *state;
    folder_put(folder, "a/v1.avsc", ONE);
    folder_put(folder, "b/v1.avsc", ALIKE);
    folder_put(folder, "c/v1.avsc", TWO);
    struct directory *directory = open_folder(folder);
    const struct weir_schema *schemas[3];
    uint32_t ids[3];
    int64_t version;
    struct weir_err err;
    for (size_t i = 0; i < 3; i++) {
        const char *name = directory_subject_name(directory, i);
        assert_int_equal(directory_subject(directory, name, 1, &schemas[i], &ids[i], &version, &err),
                         WEIR_OK);
        assert_true(ids[i] > 0 && ids[i] <= INT32_MAX);
        assert_int_equal(ids[i], schemas[i]->fingerprint & INT32_MAX);
    }
    assert_int_equal(ids[0], ids[1]);
    assert_int_not_equal(ids[0], ids[2]);
    assert_ptr_not_equal(schemas[0], schemas[1]);
    assert_ptr_equal(directory_by_key(directory, ID(ids[2])), schemas[2]);
    assert_null(directory_by_key(directory, ID(ids[2] + 1)));
    directory_close(directory);
}

static void what_is_no_schema_is_passed_over(void **state)
{
    struct folder *folder = *state;
    folder_put(folder, "README.md", "text");
    folder_put(folder, "..data/v1.avsc", "not JSON");
    folder_put(folder, "empty/notes.txt", "text");
    folder_put(folder, "s/v1.avsc", ONE);
    folder_put(folder, "s/.v2.avsc.swp", "not JSON");
    folder_put(folder, "s/v2.json", "not JSON");
    struct directory *directory = open_folder(folder);
    assert_string_equal(directory_subject_name(directory, 0), "s");
    assert_null(directory_subject_name(directory, 1));
    directory_close(directory);
}

static void what_is_wrong_is_said_with_its_file(void **state)
{
    struct folder *folder = *state;
    static const char *const bad[][3] = {
        {"s/v1.avsc", "{\"type\":\"strnig\"}", "s/v1.avsc: "},
        {"s/v1.avsc",
         "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\",\"type\":\"strnig\"}]}", "strnig"},
        {"s/v1.avsc", "", "s/v1.avsc: "},
        {"s/1.avsc", ONE, "s/1.avsc: schemas are named v1.avsc"},
        {"s/v01.avsc", ONE, "s/v01.avsc: schemas are named v1.avsc"},
        {"s/v0.avsc", ONE, "schemas are named v1.avsc"},
        {"s/v.avsc", ONE, "schemas are named v1.avsc"},
        {"s/v1x.avsc", ONE, "schemas are named v1.avsc"},
        {"s/v99999999999999999999.avsc", ONE, "schemas are named v1.avsc"},
        {"s/.avsc", ONE, NULL},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct directory *directory = NULL;
        struct weir_err err = {0};
        folder_put(folder, bad[i][0], bad[i][1]);
        enum weir_err_code code = directory_open(folder->root, &directory, &err);
        assert_int_equal(code, bad[i][2] ? WEIR_ERR_BAD_SCHEMA : WEIR_OK);
        if (bad[i][2])
            support_expect_text(bad[i][0], err.text, bad[i][2]);
        directory_close(directory);
        assert_int_equal(remove(folder->paths[--folder->n]), 0);
    }
}

static void a_file_too_large_is_refused(void **state)
{
    struct folder *folder = *state;
    char *text = malloc(WEIR_SCHEMA_TEXT_MAX + 1);
    memset(text, ' ', WEIR_SCHEMA_TEXT_MAX + 1);
    memcpy(text, ONE, sizeof ONE - 1);
    folder_put_bytes(folder, "s/v1.avsc", text, WEIR_SCHEMA_TEXT_MAX);
    directory_close(open_folder(folder));
    folder_put_bytes(folder, "s/v2.avsc", text, WEIR_SCHEMA_TEXT_MAX + 1);
    struct directory *directory = NULL;
    struct weir_err err = {0};
    assert_int_equal(directory_open(folder->root, &directory, &err), WEIR_ERR_BAD_SCHEMA);
    support_expect_text("large", err.text, "v2.avsc: larger than 1048576 bytes");
    free(text);
}

static void what_is_not_there_is_said(void **state)
{
    struct folder *folder = *state;
    folder_put(folder, "user-login-value/v3.avsc", ONE);
    struct directory *directory = open_folder(folder);
    const struct weir_schema *schema;
    uint32_t id;
    int64_t version;
    struct weir_err err;
    static const struct {
        const char *subject;
        int64_t version;
        const char *says;
    } table[] = {
        {"user-logins-value", 0, "no subject 'user-logins-value'; did you mean 'user-login-value'?"},
        {"orders", 0, "no subject 'orders' among 1"},
        {"user-login-value", 2, "subject 'user-login-value' has no version 2; the latest is 3"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        assert_int_equal(
            directory_subject(directory, table[i].subject, table[i].version, &schema, &id, &version, &err),
            WEIR_ERR_NOT_FOUND);
        assert_string_equal(err.text, table[i].says);
    }
    directory_close(directory);
    assert_int_equal(directory_open("/tmp/weir-test-no-such-folder", &directory, &err), WEIR_ERR_NOT_FOUND);
    directory_close(NULL);
}

static void memory_may_fail_anywhere(void **state)
{
    struct folder *folder = *state;
    folder_put(folder, "a/v1.avsc", ONE);
    folder_put(folder, "b/v1.avsc", ALIKE);
    folder_put(folder, "b/v2.avsc", TWO);
    bool failed = true;
    for (long n = 1; failed; n++) {
        struct directory *directory = NULL;
        struct weir_err err = {0};
        alloc_fail_at(n);
        enum weir_err_code code = directory_open(folder->root, &directory, &err);
        failed = alloc_fail_off();
        if (code != (failed ? WEIR_ERR_NO_MEMORY : WEIR_OK))
            fail_msg("allocation %ld: %s", n, err.text);
        directory_close(directory);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_set_up, folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(subjects_have_versions),           TEST(ids_come_from_the_canonical_form),
        TEST(what_is_no_schema_is_passed_over), TEST(what_is_wrong_is_said_with_its_file),
        TEST(a_file_too_large_is_refused),      TEST(what_is_not_there_is_said),
        TEST(memory_may_fail_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
