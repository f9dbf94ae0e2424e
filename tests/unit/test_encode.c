#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "avro/encode.h"
#include "support/given.h"

static const struct {
    int64_t value;
    struct weir_bytes bytes;
} longs[] = {
    {0, GIVEN_BYTES(0x00)},
    {-1, GIVEN_BYTES(0x01)},
    {1, GIVEN_BYTES(0x02)},
    {-64, GIVEN_BYTES(0x7F)},
    {64, GIVEN_BYTES(0x80, 0x01)},
    {-65, GIVEN_BYTES(0x81, 0x01)},
    {8191, GIVEN_BYTES(0xFE, 0x7F)},
    {8192, GIVEN_BYTES(0x80, 0x80, 0x01)},
    {INT32_MAX, GIVEN_BYTES(0xFE, 0xFF, 0xFF, 0xFF, 0x0F)},
    {INT32_MIN, GIVEN_BYTES(0xFF, 0xFF, 0xFF, 0xFF, 0x0F)},
    {INT64_MAX, GIVEN_BYTES(0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01)},
    {INT64_MIN, GIVEN_BYTES(0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01)},
};

static void longs_at_every_boundary(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof longs / sizeof longs[0]; i++) {
        struct weir_arena arena = given_arena(longs[i].bytes.len);
        assert_true(encode_long(&arena, longs[i].value));
        assert_int_equal(arena.used, longs[i].bytes.len);
        assert_memory_equal(arena.base, longs[i].bytes.data, longs[i].bytes.len);
        assert_false(encode_long(&arena, 0));
        given_arena_free(&arena);
    }
}

static void each_appends_without_gap(void **state)
{
    (void)state;
    static const uint8_t expected[] = {1, 0, 0, 0xC0, 0x3F, 0, 0, 0, 0, 0, 0, 4, 0xC0, 4, 'h', 'i', 0xFF, 0};
    struct weir_arena arena = given_arena(sizeof expected);
    assert_true(encode_boolean(&arena, true));
    assert_true(encode_float(&arena, 1.5F));
    assert_true(encode_double(&arena, -2.5));
    assert_true(encode_text(&arena, weir_bytes_of("hi")));
    assert_true(encode_raw(&arena, (struct weir_bytes)GIVEN_BYTES(0xFF)));
    assert_true(encode_text(&arena, weir_bytes_of("")));
    assert_int_equal(arena.used, sizeof expected);
    assert_memory_equal(arena.base, expected, sizeof expected);
    given_arena_free(&arena);
}

static void a_full_arena_takes_nothing(void **state)
{
    (void)state;
    struct weir_arena arena = given_arena(3);
    assert_false(encode_float(&arena, 1));
    assert_false(encode_double(&arena, 1));
    assert_false(encode_text(&arena, weir_bytes_of("abc")));
    assert_false(encode_raw(&arena, weir_bytes_of("abcd")));
    assert_int_equal(arena.used, 0);
    assert_true(encode_text(&arena, weir_bytes_of("ab")));
    assert_false(encode_boolean(&arena, true));
    assert_true(encode_raw(&arena, weir_bytes_of("")));
    given_arena_free(&arena);
}

/* A configuration's scalar; no bytes: refused with a message. */
static const struct {
    const char *type, *text;
    bool quoted;
    struct weir_bytes bytes;
    const char *message;
} scalars[] = {
    {"'null'", "null", false, GIVEN_NOTHING, NULL},
    {"'null'", "null", true, {NULL, 0}, "\"null\" is not a value of type null"},
    {"'boolean'", "true", false, GIVEN_BYTES(1), NULL},
    {"'boolean'", "false", false, GIVEN_BYTES(0), NULL},
    {"'boolean'", "yes", false, {NULL, 0}, "'yes' is not a value of type boolean"},
    {"'boolean'", "true", true, {NULL, 0}, "\"true\" is not a value of type boolean"},
    {"'int'", "-2147483648", false, GIVEN_BYTES(0xFF, 0xFF, 0xFF, 0xFF, 0x0F), NULL},
    {"'int'", "2147483648", false, {NULL, 0}, "'2147483648' is not in the range of int"},
    {"'int'", "7", true, {NULL, 0}, "\"7\" is not a value of type int"},
    {"'int'", "1.5", false, {NULL, 0}, "'1.5' is not a value of type int"},
    {"'int'", "", false, {NULL, 0}, "'' is not a value of type int"},
    {"'int'", "7x", false, {NULL, 0}, "'7x' is not a value of type int"},
    {"'int'", "+7", false, {NULL, 0}, "'+7' is not a value of type int"},
    {"'long'", "1e3", false, GIVEN_BYTES(0xD0, 0x0F), NULL},
    {"'long'", "9223372036854775808", false, {NULL, 0}, "is not in the range of long"},
    {"'long'", "abc", false, {NULL, 0}, "'abc' is not a value of type long"},
    {"'float'", "1.5", false, GIVEN_BYTES(0, 0, 0xC0, 0x3F), NULL},
    {"'float'", "1e39", false, {NULL, 0}, "'1e39' is not in the range of float"},
    {"'double'", "-2.5", false, GIVEN_BYTES(0, 0, 0, 0, 0, 0, 4, 0xC0), NULL},
    {"'double'", "1e400", false, {NULL, 0}, "'1e400' is not in the range of double"},
    {"'double'", "nan", false, {NULL, 0}, "'nan' is not a value of type double"},
    {"'string'", "NO", false, GIVEN_BYTES(4, 'N', 'O'), NULL},
    {"'string'", "7", false, GIVEN_BYTES(2, '7'), NULL},
    {"'string'", "\377", false, {NULL, 0}, "is not a value of type string"},
    {"'bytes'", "\377", false, GIVEN_BYTES(2, 0xFF), NULL},
    {GIVEN_ENUM("'A','B'"), "B", false, GIVEN_BYTES(2), NULL},
    {GIVEN_ENUM("'A','B'"), "C", false, {NULL, 0}, "'C' is not a value of type enum e"},
    {"['string','null']", "null", false, GIVEN_BYTES(2), NULL},
    {"['null','string']", "null", true, GIVEN_BYTES(2, 8, 'n', 'u', 'l', 'l'), NULL},
    {"['int','string']", "null", false, GIVEN_BYTES(2, 8, 'n', 'u', 'l', 'l'), NULL},
    {"['null','int','long']", "2147483648", false, GIVEN_BYTES(4, 0x80, 0x80, 0x80, 0x80, 0x10), NULL},
    {"['null','int']", "x", false, {NULL, 0}, "'x' is not a value of type union"},
    {GIVEN_RECORD(""), "x", false, {NULL, 0}, "'x' is not a value of type record r"},
};

static void scalars_of_a_configuration(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scalars / sizeof scalars[0]; i++) {
        struct weir_schema *schema = given_schema(scalars[i].type);
        struct weir_arena arena = given_arena(64);
        struct weir_err err = {WEIR_OK, ""};
        enum weir_err_code code =
            encode_scalar(schema->root, scalars[i].text, scalars[i].quoted, &arena, &err);
        assert_int_equal(code, scalars[i].message ? WEIR_ERR_CONFIG : WEIR_OK);
        assert_int_equal(arena.used, scalars[i].bytes.len);
        if (scalars[i].message && !strstr(err.text, scalars[i].message))
            fail_msg("'%s' lacks '%s'", err.text, scalars[i].message);
        if (!scalars[i].message)
            assert_memory_equal(arena.base, scalars[i].bytes.data, scalars[i].bytes.len);
        /* With a byte less room there is a message, and nothing is left behind. */
        if (scalars[i].bytes.len > 0) {
            arena.cap = scalars[i].bytes.len - 1;
            arena.used = 0;
            assert_int_equal(encode_scalar(schema->root, scalars[i].text, scalars[i].quoted, &arena, &err),
                             WEIR_ERR_CONFIG);
            assert_non_null(strstr(err.text, "is too long"));
            assert_int_equal(arena.used, 0);
        }
        given_arena_free(&arena);
        weir_schema_free(schema);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(longs_at_every_boundary),
        cmocka_unit_test(each_appends_without_gap),
        cmocka_unit_test(a_full_arena_takes_nothing),
        cmocka_unit_test(scalars_of_a_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
