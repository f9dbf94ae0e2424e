#include "archive/packer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <avro.h>

static char path[64], part[72];
static struct weir_err err;

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/weir-test-packer-%ld.avro", (long)getpid());
    (void)snprintf(part, sizeof part, "%s.part", path);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(path);
    (void)unlink(part);
    return 0;
}

static struct packer *open_packer(void)
{
    struct packer *packer = NULL;
    assert_int_equal(packer_open(path, &packer, &err), WEIR_OK);
    return packer;
}

/* libavro-c reads what it wrote: the file's own schema, and each field as it was given. */
static void other_tools_can_read_it(void **state)
{
    (void)state;
    const struct weir_header headers[] = {{"a", weir_bytes_of("1")}, {"none", WEIR_NO_BYTES}};
    const struct weir_record record = {
        .value = weir_bytes_of("bad"), .headers = headers, .n_headers = 2, .timestamp_ms = 77};
    const struct packer_letter letter = {.record = &record,
                                         .topic = weir_bytes_of("logins"),
                                         .code = weir_bytes_of("bad\xff"),
                                         .partition = 3,
                                         .offset = INT64_MAX};
    struct packer *packer = open_packer();
    assert_int_equal(packer_add(packer, &letter, &err), WEIR_OK);
    assert_int_equal(packer_close(packer, true, &err), WEIR_OK);
    assert_int_equal(access(part, F_OK), -1);

    avro_file_reader_t reader;
    assert_int_equal(avro_file_reader(path, &reader), 0);
    avro_schema_t schema = avro_file_reader_get_writer_schema(reader);
    avro_value_iface_t *class = avro_generic_class_from_schema(schema);
    avro_value_t value;
    char *json = NULL;
    assert_int_equal(avro_generic_value_new(class, &value), 0);
    assert_int_equal(avro_file_reader_read_value(reader, &value), 0);
    assert_int_equal(avro_value_to_json(&value, 1, &json), 0);
    assert_string_equal(
        json, "{\"topic\": \"logins\", \"partition\": 3, \"offset\": 9223372036854775807, "
              "\"code\": {\"string\": \"bad?\"}, \"field\": null, \"message\": null, \"state\": "
              "null, \"attempts\": 0, \"failed\": 0, \"timestamp\": 77, \"key\": null, \"value\": "
              "{\"bytes\": \"bad\"}, \"headers\": [{\"name\": \"a\", \"value\": {\"bytes\": \"1\"}}, "
              "{\"name\": \"none\", \"value\": null}]}");
    free(json);
    avro_value_decref(&value);
    avro_value_iface_decref(class);
    avro_schema_decref(schema);
    avro_file_reader_close(reader);
}

static void what_is_there_is_not_written_over(void **state)
{
    (void)state;
    struct packer *packer = open_packer();
    assert_int_equal(packer_close(packer, true, &err), WEIR_OK);
    assert_int_equal(packer_open(path, &packer, &err), WEIR_ERR_IO);
    assert_non_null(strstr(err.text, "already there"));
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(packer_open("/no/such/folder/file", &packer, &err), WEIR_ERR_IO);
}

static void what_is_given_up_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(packer_close(open_packer(), false, &err), WEIR_OK);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(access(part, F_OK), -1);
    assert_int_equal(packer_close(NULL, true, &err), WEIR_OK);
}

static void what_cannot_be_said_is_refused(void **state)
{
    (void)state;
    const struct weir_header header = {"na\xffme", WEIR_NO_BYTES};
    const struct weir_record record = {.headers = &header, .n_headers = 1};
    const struct packer_letter letter = {.record = &record, .topic = weir_bytes_of("t")};
    struct packer *packer = open_packer();
    assert_int_equal(packer_add(packer, &letter, &err), WEIR_ERR_INCOMPATIBLE);
    assert_int_equal(packer_close(packer, true, &err), WEIR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(other_tools_can_read_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_there_is_not_written_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_given_up_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_said_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
