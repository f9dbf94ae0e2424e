#include "core/mapping.h"

#include "support/core.h"

/* What was told, a line a field. */
struct told {
    char text[4096];
};

static void note(void *context, const struct mapping_row *row)
{
    struct told *told = context;
    size_t len = strlen(told->text);
    (void)snprintf(told->text + len, sizeof told->text - len, "%s %s < %s %s %s\n",
                   row->part == MAPPING_READ ? "read" : "write", row->to ? row->to : "-",
                   row->from ? row->from : "-", mapping_how_name(row->how), row->detail);
}

static void expect(const char *writer, const char *reader, const char *output,
                   const struct weir_pipeline_spec *spec, const char *expected)
{
    struct told told = {""};
    const struct mapping_visitor visitor = {note, &told};
    struct weir_schema *from = writer ? support_record("one", writer) : NULL;
    struct weir_schema *middle = support_record("one", reader);
    struct weir_schema *to = output ? support_record("two", output) : NULL;
    struct weir_err err = {0};
    if (mapping_tell(from, middle, to, spec, &visitor, &err) != WEIR_OK)
        fail_msg("%s", err.text);
    assert_string_equal(told.text, expected);
    weir_schema_free(from);
    weir_schema_free(middle);
    weir_schema_free(to);
}

static void test_writer_to_reader(void **state)
{
    (void)state;
    expect("{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"old\",\"type\":\"string\"},"
           "{\"name\":\"x\",\"type\":\"null\"},{\"name\":\"bad\",\"type\":\"string\"}",
           "{\"name\":\"a\",\"type\":\"long\"},{\"name\":\"new\",\"type\":\"string\",\"aliases\":[\"old\"]},"
           "{\"name\":\"d\",\"type\":\"string\",\"default\":\"\\\"q\\\"\"},{\"name\":\"m\",\"type\":\"int\"},"
           "{\"name\":\"bad\",\"type\":\"long\"}",
           NULL, NULL,
           "read a < a same \n"
           "read new < old same \n"
           "read d < - default \"\\\"q\\\"\"\n"
           "read m < - refused there is no such field, and it has no default\n"
           "read bad < bad refused writer has string, reader has long\n"
           "read - < x skipped \n");
}

static void test_reader_to_output_with_set(void **state)
{
    static const struct weir_set_spec sets[] = {
        {.field = "at", .kind = WEIR_SET_EPOCH_SECONDS, .arg = "time"},
        {.field = "done", .kind = WEIR_SET_CONSTANT, .value = SCALAR("true")},
        {.field = "text", .kind = WEIR_SET_CONSTANT, .value = SCALAR_QUOTED("true")},
        {.field = "when", .kind = WEIR_SET_NOW, .arg = "millis"},
    };
    static const struct weir_pipeline_spec spec = {.set = sets, .n_set = COUNT(sets)};
    (void)state;
    expect(NULL,
           "{\"name\":\"a\",\"type\":\"string\"},{\"name\":\"time\",\"type\":\"string\"},"
           "{\"name\":\"at\",\"type\":\"string\"}",
           "{\"name\":\"a\",\"type\":[\"null\",\"string\"]},{\"name\":\"at\",\"type\":\"long\"},"
           "{\"name\":\"done\",\"type\":\"boolean\"},{\"name\":\"text\",\"type\":\"string\"},"
           "{\"name\":\"when\",\"type\":\"long\"}",
           &spec,
           "write a < a converted \n"
           "write at < - set epoch_seconds: time\n"
           "write done < - set true\n"
           "write text < - set \"true\"\n"
           "write when < - set now: millis\n"
           "write - < at skipped \n");
}

static void test_records_in_records(void **state)
{
    (void)state;
    expect("{\"name\":\"u\",\"type\":{\"type\":\"record\",\"name\":\"n\",\"fields\":["
           "{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"b\",\"type\":\"int\"}]}}",
           "{\"name\":\"u\",\"type\":{\"type\":\"record\",\"name\":\"n\",\"fields\":["
           "{\"name\":\"a\",\"type\":\"double\"},{\"name\":\"c\",\"type\":\"int\",\"default\":7}]}}",
           NULL, NULL,
           "read u < u converted \n"
           "read u.a < u.a converted \n"
           "read u.c < - default 7\n"
           "read - < u.b skipped \n");
}

static void test_types_in_words(void **state)
{
    struct weir_schema *schema = support_record(
        "n.one", "{\"name\":\"a\",\"type\":[\"null\",{\"type\":\"long\",\"logicalType\":"
                 "\"timestamp-millis\"},{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\"]}]}");
    char text[MAPPING_TEXT_MAX];
    (void)state;
    mapping_type(schema->root->fields[0].type, text);
    assert_string_equal(text, "null | long (timestamp-millis) | enum n.e");
    mapping_type(schema->root, text);
    assert_string_equal(text, "record n.one");
    weir_schema_free(schema);
    schema = support_schema("{\"type\":\"array\",\"items\":[\"null\",{\"type\":\"map\",\"values\":{\"type\":"
                            "\"int\",\"logicalType\":\"date\"}}]}");
    mapping_type(schema->root, text);
    assert_string_equal(text, "array of (null | map of int (date))");
    weir_schema_free(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writer_to_reader),
        cmocka_unit_test(test_reader_to_output_with_set),
        cmocka_unit_test(test_records_in_records),
        cmocka_unit_test(test_types_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
