#include "weir/pipeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define VALUE(text)                                                                                          \
    {                                                                                                        \
        (const uint8_t *)(text), sizeof(text) - 1                                                            \
    }

struct row {
    const char *what;
    struct weir_bytes value;
    enum weir_wire_kind automatic, avro, json;
    uint32_t schema_id;
};

static const struct row table[] = {
    {"null", {NULL, 0}, WEIR_WIRE_TOMBSTONE, WEIR_WIRE_TOMBSTONE, WEIR_WIRE_TOMBSTONE, 0},
    {"no bytes", VALUE(""), WEIR_WIRE_EMPTY, WEIR_WIRE_EMPTY, WEIR_WIRE_EMPTY, 0},
    {"id 1", VALUE("\0\0\0\0\1x"), WEIR_WIRE_AVRO, WEIR_WIRE_AVRO, WEIR_WIRE_JSON, 1},
    {"nothing after the id", VALUE("\0\1\2\3\4"), WEIR_WIRE_AVRO, WEIR_WIRE_AVRO, WEIR_WIRE_JSON, 0x01020304},
    {"the highest bit", VALUE("\0\377\0\0\2"), WEIR_WIRE_AVRO, WEIR_WIRE_AVRO, WEIR_WIRE_JSON, 0xff000002},
    {"half an id", VALUE("\0\0\0\1"), WEIR_WIRE_UNKNOWN, WEIR_WIRE_UNKNOWN, WEIR_WIRE_JSON, 0},
    {"half a GUID",
     VALUE("\1"
           "0123456789abcde"),
     WEIR_WIRE_UNKNOWN, WEIR_WIRE_UNKNOWN, WEIR_WIRE_JSON, 0},
    {"another magic byte",
     VALUE("\2\0\0\0\1"
           "0123456789abcdef"),
     WEIR_WIRE_UNKNOWN, WEIR_WIRE_UNKNOWN, WEIR_WIRE_JSON, 0},
    {"an object", VALUE("{}"), WEIR_WIRE_JSON, WEIR_WIRE_UNKNOWN, WEIR_WIRE_JSON, 0},
    {"an object after spaces", VALUE(" \t\r\n{}"), WEIR_WIRE_JSON, WEIR_WIRE_UNKNOWN, WEIR_WIRE_JSON, 0},
    {"a form feed is no space", VALUE("\f{}"), WEIR_WIRE_UNKNOWN, WEIR_WIRE_UNKNOWN, WEIR_WIRE_JSON, 0},
    {"spaces alone", VALUE("  "), WEIR_WIRE_UNKNOWN, WEIR_WIRE_UNKNOWN, WEIR_WIRE_JSON, 0},
    {"an array", VALUE("[1]"), WEIR_WIRE_UNKNOWN, WEIR_WIRE_UNKNOWN, WEIR_WIRE_JSON, 0},
    {"text", VALUE("hello"), WEIR_WIRE_UNKNOWN, WEIR_WIRE_UNKNOWN, WEIR_WIRE_JSON, 0},
};

static void check_kind(const struct row *row, enum weir_format format, enum weir_wire_kind expected)
{
    const struct weir_record record = {.value = row->value};
    struct weir_wire wire = weir_wire_read(format, &record);
    if (wire.kind != expected)
        fail_msg("%s, format %d: kind %d, not %d", row->what, (int)format, (int)wire.kind, (int)expected);
    bool avro = expected == WEIR_WIRE_AVRO;
    assert_int_equal(wire.prefix, avro ? WEIR_WIRE_PREFIX : 0);
    assert_int_equal(wire.key.id, avro ? row->schema_id : 0);
    assert_false(wire.key.by_guid);
}

static void each_value_in_each_format(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        check_kind(&table[i], WEIR_FORMAT_AUTO, table[i].automatic);
        check_kind(&table[i], WEIR_FORMAT_AVRO, table[i].avro);
        check_kind(&table[i], WEIR_FORMAT_JSON, table[i].json);
    }
}

#define GUID "\x6d\xa3\x36\xd8\xf1\xd3\x0f\x98\x4c\x47\xd0\x3e\xe8\xa1\x4a\x12"

static void a_guid_before_the_payload(void **state)
{
    static const enum weir_format formats[] = {WEIR_FORMAT_AUTO, WEIR_FORMAT_AVRO};
    const struct weir_record record = {.value = VALUE("\1" GUID "x")};
    (void)state;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct weir_wire wire = weir_wire_read(formats[i], &record);
        assert_int_equal(wire.kind, WEIR_WIRE_AVRO);
        assert_int_equal(wire.prefix, WEIR_WIRE_GUID_PREFIX);
        assert_true(wire.key.by_guid);
        assert_memory_equal(wire.key.guid, GUID, WEIR_GUID_SIZE);
    }
}

struct header_row {
    const char *what;
    struct weir_header headers[3];
    struct weir_bytes value;
    enum weir_wire_kind kind;
    uint32_t id;
    bool by_guid;
    size_t prefix;
};

#define NAMED(bytes)                                                                                         \
    {                                                                                                        \
        WEIR_WIRE_HEADER, VALUE(bytes)                                                                       \
    }
#define OTHER                                                                                                \
    {                                                                                                        \
        "__key_schema_id", VALUE("\0\0\0\0\6")                                                               \
    }
#define NULL_NAMED                                                                                           \
    {                                                                                                        \
        WEIR_WIRE_HEADER,                                                                                    \
        {                                                                                                    \
            NULL, 0                                                                                          \
        }                                                                                                    \
    }

static const struct header_row header_table[] = {
    {"a number", {NAMED("\0\0\0\0\7"), OTHER, OTHER}, VALUE("x"), WEIR_WIRE_AVRO, 7, false, 0},
    {"a GUID", {OTHER, NAMED("\1" GUID), OTHER}, VALUE("x"), WEIR_WIRE_AVRO, 0, true, 0},
    {"the last one",
     {NAMED("\0\0\0\0\7"), NAMED("\0\0\0\0\10"), OTHER},
     VALUE("x"),
     WEIR_WIRE_AVRO,
     8,
     false,
     0},
    {"the payload is not looked at",
     {NAMED("\0\0\0\0\7"), OTHER, OTHER},
     VALUE("\0\0\0\0\5"),
     WEIR_WIRE_AVRO,
     7,
     false,
     0},
    {"nor is it when it looks like JSON",
     {NAMED("\0\0\0\0\7"), OTHER, OTHER},
     VALUE("{}"),
     WEIR_WIRE_AVRO,
     7,
     false,
     0},
    {"an empty payload", {NAMED("\0\0\0\0\7"), OTHER, OTHER}, VALUE(""), WEIR_WIRE_AVRO, 7, false, 0},
    {"a tombstone", {NAMED("\0\0\0\0\7"), OTHER, OTHER}, {NULL, 0}, WEIR_WIRE_TOMBSTONE, 0, false, 0},
    {"null", {NAMED("\0\0\0\0\7"), NULL_NAMED, OTHER}, VALUE("\0\0\0\0\5x"), WEIR_WIRE_AVRO, 5, false, 5},
    {"nothing", {NAMED(""), OTHER, OTHER}, VALUE("\0\0\0\0\5x"), WEIR_WIRE_BAD_HEADER, 0, false, 0},
    {"half a number", {NAMED("\0\0\0\7"), OTHER, OTHER}, VALUE("x"), WEIR_WIRE_BAD_HEADER, 0, false, 0},
    {"another magic byte", {NAMED("7"), OTHER, OTHER}, VALUE("{}"), WEIR_WIRE_BAD_HEADER, 0, false, 0},
    {"the key's", {OTHER, OTHER, OTHER}, VALUE("{}"), WEIR_WIRE_JSON, 0, false, 0},
};

static void the_schema_in_a_header(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof header_table / sizeof header_table[0]; i++) {
        const struct header_row *row = &header_table[i];
        const struct weir_record record = {.value = row->value, .headers = row->headers, .n_headers = 3};
        struct weir_wire wire = weir_wire_read(WEIR_FORMAT_AUTO, &record);
        if (wire.kind != row->kind || wire.key.id != row->id || wire.key.by_guid != row->by_guid ||
            wire.prefix != row->prefix)
            fail_msg("%s: kind %d, id %u, prefix %zu", row->what, (int)wire.kind, wire.key.id, wire.prefix);
        if (row->value.len > 0)
            assert_int_equal(weir_wire_read(WEIR_FORMAT_JSON, &record).kind, WEIR_WIRE_JSON);
    }
}

static void keys_as_text(void **state)
{
    char text[WEIR_SCHEMA_KEY_TEXT];
    struct weir_schema_key key = {.id = UINT32_MAX};
    (void)state;
    assert_string_equal(weir_schema_key_print(&key, text), "4294967295");
    key = (struct weir_schema_key){.by_guid = true, .guid = GUID};
    assert_string_equal(weir_schema_key_print(&key, text), "6da336d8-f1d3-0f98-4c47-d03ee8a14a12");
    assert_int_equal(strlen(text) + 1, WEIR_SCHEMA_KEY_TEXT);
}

static void keys_are_equal_by_what_counts(void **state)
{
    const struct weir_schema_key seven = {.id = 7}, eight = {.id = 8}, none = {.id = 0};
    const struct weir_schema_key guid = {.by_guid = true, .guid = GUID}, nil = {.by_guid = true};
    (void)state;
    assert_true(weir_schema_key_equal(&seven, &(struct weir_schema_key){.id = 7}));
    assert_true(weir_schema_key_equal(&guid, &(struct weir_schema_key){.by_guid = true, .guid = GUID}));
    assert_false(weir_schema_key_equal(&seven, &eight));
    assert_false(weir_schema_key_equal(&guid, &nil));
    assert_false(weir_schema_key_equal(&none, &nil));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_value_in_each_format),     cmocka_unit_test(a_guid_before_the_payload),
        cmocka_unit_test(the_schema_in_a_header),        cmocka_unit_test(keys_as_text),
        cmocka_unit_test(keys_are_equal_by_what_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
