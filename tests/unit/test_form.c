#include "audit/form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct sip_key key = {3, 4};
static struct weir_err err;
static struct weir_schema *schema;
static struct form *form;

static const struct weir_set_spec set[] = {
    {.field = "at", .kind = WEIR_SET_NOW, .arg = "millis"},
    {.field = "p", .kind = WEIR_SET_SOURCE, .arg = "partition"},
    {.field = "o", .kind = WEIR_SET_SOURCE, .arg = "offset"},
};

static void make(enum weir_format format, size_t n_set)
{
    static const char text[] =
        "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"s\",\"type\":\"string\"},"
        "{\"name\":\"at\",\"type\":\"long\"},{\"name\":\"p\",\"type\":\"int\"},"
        "{\"name\":\"o\",\"type\":[\"null\",\"long\"]}]}";
    const struct weir_pipeline_spec spec = {.output_format = format, .set = set, .n_set = n_set};
    assert_int_equal(weir_schema_parse(weir_bytes_of(text), &schema, &err), WEIR_OK);
    assert_int_equal(form_new(&spec, schema, &form, &err), WEIR_OK);
}

static int tear_down(void **state)
{
    (void)state;
    form_free(form);
    weir_schema_free(schema);
    return 0;
}

static struct form_reading read_bytes(struct weir_bytes value)
{
    struct form_reading reading;
    assert_int_equal(form_read(form, &key, value, &reading, &err), WEIR_OK);
    return reading;
}

static struct form_reading read_text(const char *text)
{
    return read_bytes(weir_bytes_of(text));
}

#define AVRO(...)                                                                                            \
    (struct weir_bytes)                                                                                      \
    {                                                                                                        \
        (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})                               \
    }

/* "a", then the time, partition 2, offset 5. */
static void avro_is_read_but_for_the_time(void **state)
{
    (void)state;
    make(WEIR_FORMAT_AVRO, 3);
    assert_true(form_has_place(form));
    struct form_reading one = read_bytes(AVRO(0, 0, 0, 0, 1, 2, 'a', 20, 4, 2, 10));
    assert_true(one.placed && one.partition == 2 && one.offset == 5);
    /* A later time of another length. */
    assert_true(read_bytes(AVRO(0, 0, 0, 0, 1, 2, 'a', 0x80, 1, 4, 2, 10)).digest == one.digest);
    assert_true(read_bytes(AVRO(0, 0, 0, 0, 1, 2, 'b', 20, 4, 2, 10)).digest != one.digest);
    assert_true(read_bytes(AVRO(0, 0, 0, 0, 2, 2, 'a', 20, 4, 2, 10)).digest != one.digest);
}

static void what_is_no_value_has_no_place(void **state)
{
    (void)state;
    make(WEIR_FORMAT_AVRO, 3);
    assert_false(read_bytes(WEIR_NO_BYTES).placed);
    assert_false(read_bytes(AVRO(0)).placed);
    assert_false(read_bytes(AVRO(0, 0, 0, 0, 1, 2, 'a', 20, 4, 2)).placed);
    assert_false(read_bytes(AVRO(0, 0, 0, 0, 1, 2, 'a', 20, 4, 2, 10, 0)).placed);
    /* Null is no offset, -1 no partition. */
    assert_false(read_bytes(AVRO(0, 0, 0, 0, 1, 2, 'a', 20, 4, 0)).placed);
    assert_false(read_bytes(AVRO(0, 0, 0, 0, 1, 2, 'a', 20, 1, 2, 10)).placed);
    /* Yet each has its own digest. */
    assert_true(read_bytes(AVRO(0)).digest != read_bytes(AVRO(1)).digest);
}

static void json_is_read_but_for_the_time(void **state)
{
    (void)state;
    make(WEIR_FORMAT_JSON, 3);
    struct form_reading one = read_text("{\"s\":\"10\",\"at\":10,\"p\":2,\"o\":5}");
    assert_true(one.placed && one.partition == 2 && one.offset == 5);
    assert_true(read_text("{\"s\":\"10\",\"at\":1794479551000,\"p\":2,\"o\":5}").digest == one.digest);
    assert_true(read_text("{\"s\":\"11\",\"at\":10,\"p\":2,\"o\":5}").digest != one.digest);
    assert_true(read_text("{\"s\":\"10\",\"at\":10,\"p\":2, \"o\":5}").digest != one.digest);
    assert_false(read_text("{\"s\":\"10\",\"at\":10,\"p\":2,\"o\":5").placed);
}

static void without_both_fields_there_is_no_place(void **state)
{
    (void)state;
    make(WEIR_FORMAT_AVRO, 2);
    assert_false(form_has_place(form));
    assert_false(read_bytes(AVRO(0, 0, 0, 0, 1, 2, 'a', 20, 4, 2, 10)).placed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(avro_is_read_but_for_the_time, tear_down),
        cmocka_unit_test_teardown(what_is_no_value_has_no_place, tear_down),
        cmocka_unit_test_teardown(json_is_read_but_for_the_time, tear_down),
        cmocka_unit_test_teardown(without_both_fields_there_is_no_place, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
