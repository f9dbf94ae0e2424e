#include "cmd/bare.h"

#include "support/alloc_fail.h"
#include "support/folder.h"

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"r\",\"fields\":[" fields "]}"
#define WRITER         RECORD("{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"b\",\"type\":[\"null\",\"string\"]}")
#define READER         RECORD("{\"name\":\"b\",\"type\":[\"string\",\"null\"]},{\"name\":\"a\",\"type\":\"long\"}")
#define OUTPUT         RECORD("{\"name\":\"a\",\"type\":\"double\"},{\"name\":\"c\",\"type\":\"int\",\"default\":7}")

/* A folder with the three, and a text that is no schema. */
static void put_files(struct folder *folder, char paths[4][256])
{
    static const char *const names[] = {"s/w.avsc", "s/r.avsc", "s/o.avsc", "s/bad.avsc"};
    static const char *const texts[] = {WRITER, READER, OUTPUT, "{\"type\":\"nothing\"}"};
    for (size_t i = 0; i < 4; i++) {
        folder_put(folder, names[i], texts[i]);
        (void)snprintf(paths[i], 256, "%s/%s", folder->root, names[i]);
    }
}

static void expect_line(struct bare *bare, struct weir_bytes value, bool is_json, const char *part)
{
    struct weir_bytes line;
    struct weir_err err = {WEIR_OK, ""};
    assert_int_equal(bare_run(bare, value, is_json, &line, &err), WEIR_OK);
    char text[1024];
    (void)snprintf(text, sizeof text, "%.*s", (int)line.len, (const char *)line.data);
    support_expect_text("line", text, part);
}

static void values_go_from_writer_to_output(void **state)
{
    struct folder *folder = *state;
    char paths[4][256];
    put_files(folder, paths);
    struct bare *bare = NULL;
    struct weir_err err = {WEIR_OK, ""};
    assert_int_equal(bare_new(&(struct bare_files){paths[0], paths[1], NULL, WEIR_UNIONS_AUTO}, &bare, &err),
                     WEIR_OK);
    expect_line(bare, (struct weir_bytes){(const uint8_t *)"\x0a\x02\x02x", 4}, false,
                "\"output\":{\"b\":\"x\",\"a\":5},\"output_hex\":\"0002780a\"}");
    expect_line(bare, weir_bytes_of("{\"b\":null,\"a\":5}"), true, "\"output_hex\":\"020a\"}");
    expect_line(bare, (struct weir_bytes){(const uint8_t *)"\x0a\x04", 2}, false,
                "\"verdict\":\"REJECT\",\"code\":\"bad_union_branch\"");
    expect_line(bare, (struct weir_bytes){(const uint8_t *)"\x0a\x02\x04x", 4}, false,
                "\"field\":\"b\",\"byte_offset\":2,");
    expect_line(bare, weir_bytes_of("{\"b\":1,\"a\":5}"), true, "\"field\":\"b\",\"byte_offset\":5,");
    bare_free(bare);
    assert_int_equal(
        bare_new(&(struct bare_files){paths[0], paths[1], paths[2], WEIR_UNIONS_AUTO}, &bare, &err), WEIR_OK);
    expect_line(bare, (struct weir_bytes){(const uint8_t *)"\x0a\x00", 2}, false,
                "\"output\":{\"a\":5.0,\"c\":7}");
    bare_free(bare);
    assert_int_equal(bare_new(&(struct bare_files){NULL, paths[1], NULL, WEIR_UNIONS_TAGGED}, &bare, &err),
                     WEIR_OK);
    expect_line(bare, weir_bytes_of("{\"b\":{\"string\":\"\"},\"a\":1}"), true, "\"output_hex\":\"000002\"}");
    expect_line(bare, weir_bytes_of("{\"b\":\"\",\"a\":1}"), true, "\"code\":\"wrong_type\"");
    bare_free(bare);
    assert_int_equal(bare_new(&(struct bare_files){NULL, paths[1], NULL, WEIR_UNIONS_AUTO}, &bare, &err),
                     WEIR_OK);
    expect_line(bare, (struct weir_bytes){(const uint8_t *)"\x02\x08", 2}, false,
                "\"output\":{\"b\":null,\"a\":4}");
    bare_free(bare);
}

static void what_cannot_be_tried_is_told(void **state)
{
    struct folder *folder = *state;
    char paths[4][256];
    put_files(folder, paths);
    const struct {
        struct bare_files files;
        enum weir_err_code code;
        const char *part;
    } cases[] = {
        {{NULL, "/nowhere/r.avsc", NULL, WEIR_UNIONS_AUTO}, WEIR_ERR_NOT_FOUND, "/nowhere/r.avsc: "},
        {{NULL, folder->root, NULL, WEIR_UNIONS_AUTO}, WEIR_ERR_IO, folder->root},
        {{paths[3], paths[1], NULL, WEIR_UNIONS_AUTO}, WEIR_ERR_BAD_SCHEMA, "bad.avsc: schema: "},
        {{paths[2], paths[1], NULL, WEIR_UNIONS_AUTO}, WEIR_ERR_INCOMPATIBLE, "writer to reader: "},
        {{paths[0], paths[2], paths[1], WEIR_UNIONS_AUTO}, WEIR_ERR_INCOMPATIBLE, "reader to output: "},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bare *bare = NULL;
        struct weir_err err = {WEIR_OK, ""};
        assert_int_equal(bare_new(&cases[i].files, &bare, &err), cases[i].code);
        support_expect_text("error", err.text, cases[i].part);
        assert_null(bare);
    }
    bare_free(NULL);
}

static void every_failed_allocation_is_met(void **state)
{
    struct folder *folder = *state;
    char paths[4][256];
    put_files(folder, paths);
    bool more = true;
    for (long n = 1; more; n++) {
        struct bare *bare = NULL;
        struct weir_err err = {WEIR_OK, ""};
        struct weir_bytes line;
        alloc_fail_at(n);
        enum weir_err_code code =
            bare_new(&(struct bare_files){paths[0], paths[1], paths[2], WEIR_UNIONS_AUTO}, &bare, &err);
        if (code == WEIR_OK)
            code = bare_run(bare, weir_bytes_of("{\"b\":null,\"a\":5}"), true, &line, &err);
        more = alloc_fail_off();
        assert_int_equal(code, more ? WEIR_ERR_NO_MEMORY : WEIR_OK);
        assert_true(more || n > 20);
        bare_free(bare);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_go_from_writer_to_output, folder_set_up, folder_tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_tried_is_told, folder_set_up, folder_tear_down),
        cmocka_unit_test_setup_teardown(every_failed_allocation_is_met, folder_set_up, folder_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
