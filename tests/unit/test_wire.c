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
    {"wire format V1", VALUE("\1\0\0\0\1x"), WEIR_WIRE_UNKNOWN, WEIR_WIRE_UNKNOWN, WEIR_WIRE_JSON, 0},
    {"an object", VALUE("{}"), WEIR_WIRE_JSON, WEIR_WIRE_UNKNOWN, WEIR_WIRE_JSON, 0},
    {"an object after spaces", VALUE(" \t\r\n{}"), WEIR_WIRE_JSON, WEIR_WIRE_UNKNOWN, WEIR_WIRE_JSON, 0},
    {"a form feed is no space", VALUE("\f{}"), WEIR_WIRE_UNKNOWN, WEIR_WIRE_UNKNOWN, WEIR_WIRE_JSON, 0},
    {"spaces alone", VALUE("  "), WEIR_WIRE_UNKNOWN, WEIR_WIRE_UNKNOWN, WEIR_WIRE_JSON, 0},
    {"an array", VALUE("[1]"), WEIR_WIRE_UNKNOWN, WEIR_WIRE_UNKNOWN, WEIR_WIRE_JSON, 0},
    {"text", VALUE("hello"), WEIR_WIRE_UNKNOWN, WEIR_WIRE_UNKNOWN, WEIR_WIRE_JSON, 0},
};

static void check_kind(const struct row *row, enum weir_format format, enum weir_wire_kind expected)
{
    struct weir_wire wire = weir_wire_read(format, row->value);
    if (wire.kind != expected)
        fail_msg("%s, format %d: kind %d, not %d", row->what, (int)format, (int)wire.kind, (int)expected);
    bool avro = expected == WEIR_WIRE_AVRO;
    assert_int_equal(wire.prefix, avro ? WEIR_WIRE_PREFIX : 0);
    assert_int_equal(wire.schema_id, avro ? row->schema_id : 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_value_in_each_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
