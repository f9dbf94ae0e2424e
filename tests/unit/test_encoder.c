#include "archive/encoder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "login_schema.h"

static enum weir_err_code open_text(const char *schema, struct encoder **out, struct weir_err *err)
{
    return encoder_open(weir_bytes_of(schema), out, err);
}

static void encodes_as_the_specification_says(void **state)
{
    (void)state;
    struct encoder *encoder = NULL;
    assert_int_equal(open_text("{\"type\":\"record\",\"name\":\"r\",\"fields\":["
                               "{\"name\":\"a\",\"type\":\"string\"},"
                               "{\"name\":\"n\",\"type\":[\"int\",\"null\"]},"
                               "{\"name\":\"b\",\"type\":[\"null\",\"string\"]}]}",
                               &encoder, NULL),
                     WEIR_OK);
    assert_int_equal(encoder_count(encoder), 3);
    assert_string_equal(encoder_name(encoder, 2), "b");
    assert_int_equal(encoder_kind(encoder, 0), ENCODER_TEXT);
    assert_int_equal(encoder_kind(encoder, 1), ENCODER_NULLABLE);
    assert_true(encoder_set_text(encoder, 0, "foo", 3));
    assert_true(encoder_set_text(encoder, 2, "\xff\0x", 3));

    uint8_t memory[64];
    struct weir_arena out;
    weir_arena_init(&out, memory, sizeof memory);
    size_t starts[3];
    assert_true(encoder_write(encoder, &out, starts));
    static const uint8_t expected[] = {6, 'f', 'o', 'o', 2, 2, 6, 0xff, 0, 'x'};
    assert_int_equal(out.used, sizeof expected);
    assert_memory_equal(memory, expected, sizeof expected);
    assert_int_equal(starts[0], 0);
    assert_int_equal(starts[2], 6);
    encoder_close(encoder);
}

static void appends_nothing_when_full(void **state)
{
    (void)state;
    struct encoder *encoder = NULL;
    assert_int_equal(open_text(LOGIN_SCHEMA, &encoder, NULL), WEIR_OK);
    assert_true(encoder_set_text(encoder, 0, "0123456789", 10));
    uint8_t memory[17];
    for (size_t cap = 0; cap < sizeof memory; cap++) {
        struct weir_arena out;
        weir_arena_init(&out, memory, cap);
        assert_false(encoder_write(encoder, &out, NULL));
        assert_int_equal(out.used, 0);
    }
    struct weir_arena out;
    weir_arena_init(&out, memory, sizeof memory);
    assert_true(encoder_write(encoder, &out, NULL));
    assert_int_equal(out.used, sizeof memory);
    encoder_close(encoder);
}

static void refuses_what_it_cannot_fill(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *says;
    } cases[] = {
        {"{", "libavro cannot read"},
        {"\"string\"", "not a record"},
        {"{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"n\",\"type\":\"long\"}]}", "'n'"},
        {"{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"n\",\"type\":[\"int\",\"long\"]}]}",
         "'n'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct encoder *encoder = NULL;
        struct weir_err err = {.code = WEIR_OK};
        assert_int_equal(open_text(cases[i].schema, &encoder, &err), WEIR_ERR_BAD_SCHEMA);
        assert_non_null(strstr(err.text, cases[i].says));
        assert_null(encoder);
    }
}

static void refuses_too_many_fields(void **state)
{
    (void)state;
    static char schema[8192];
    char *p = stpcpy(schema, "{\"type\":\"record\",\"name\":\"r\",\"fields\":[");
    for (int i = 0; i <= ENCODER_FIELDS_MAX; i++)
        p += sprintf(p, "%s{\"name\":\"f%d\",\"type\":\"string\"}", i ? "," : "", i);
    stpcpy(p, "]}");
    struct encoder *encoder = NULL;
    assert_int_equal(open_text(schema, &encoder, NULL), WEIR_ERR_BAD_SCHEMA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodes_as_the_specification_says),
        cmocka_unit_test(appends_nothing_when_full),
        cmocka_unit_test(refuses_what_it_cannot_fill),
        cmocka_unit_test(refuses_too_many_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
