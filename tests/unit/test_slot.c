#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "avro/slot.h"
#include "support/given.h"

static const struct {
    const char *type, *value;
    enum slot_kind kind;
    int64_t i;
    double d;
    const char *text;
} defaults[] = {
    {"'null'", "null", SLOT_NULL, 0, 0, NULL},
    {"'boolean'", "true", SLOT_BOOLEAN, 1, 0, NULL},
    {"'int'", "-7", SLOT_INTEGER, -7, 0, NULL},
    {"'long'", "9223372036854775807", SLOT_INTEGER, INT64_MAX, 0, NULL},
    {"'float'", "1.5", SLOT_REAL, 0, 1.5, NULL},
    {"'double'", "-2.5", SLOT_REAL, 0, -2.5, NULL},
    {"'string'", "'unknown'", SLOT_TEXT, 0, 0, "unknown"},
    {"'bytes'", "'\\u00ff'", SLOT_BINARY, 0, 0, "\377"},
    {GIVEN_ENUM("'A','B'"), "'B'", SLOT_SYMBOL, 1, 0, NULL},
    {"['null','string']", "null", SLOT_NULL, 0, 0, NULL},
    {"['null','string']", "'x'", SLOT_TEXT, 0, 0, "x"},
    {"{'type':'record','name':'s','fields':[]}", "{}", SLOT_NESTED, 0, 0, NULL},
};

static void defaults_are_ready_to_be_used(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++) {
        char text[400];
        snprintf(text, sizeof text, GIVEN_RECORD(GIVEN_DEFAULT("f", "%s", "%s")), defaults[i].type,
                 defaults[i].value);
        struct weir_schema *schema = given_schema(text);
        struct slot slot;
        memset(&slot, 0xA5, sizeof slot);
        slot_default(&slot, &schema->root->fields[0]);
        assert_true(slot.defaulted);
        assert_int_equal(slot.at, 0);
        assert_int_equal(slot.kind, defaults[i].kind);
        assert_true(weir_bytes_equal(slot.raw, schema->root->fields[0].default_value));
        if (slot.kind == SLOT_REAL)
            assert_true(slot.v.d == defaults[i].d);
        else if (defaults[i].text)
            assert_true(weir_bytes_equal(slot.v.text, weir_bytes_of(defaults[i].text)));
        else if (slot.kind != SLOT_NULL && slot.kind != SLOT_NESTED)
            assert_int_equal(slot.v.i, defaults[i].i);
        weir_schema_free(schema);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_ready_to_be_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
