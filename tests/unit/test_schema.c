#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/alloc_fail.h"
#include "weir/schema.h"

static struct weir_schema *parse(const char *text)
{
    struct weir_schema *schema = NULL;
    struct weir_err err = {WEIR_OK, ""};
    if (weir_schema_parse(weir_bytes_of(text), &schema, &err) != WEIR_OK)
        fail_msg("%s: %s", text, err.text);
    return schema;
}

#define FIELD(rest) "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"f\"," rest "}]}"

/* The project's own test data: share/test/data/schema-tests.txt of Apache Avro. */
static const struct {
    const char *text, *canonical;
    int64_t fingerprint;
} published[] = {
    {"\"null\"", "\"null\"", 7195948357588979594},
    {"{\"type\":\"null\"}", "\"null\"", 7195948357588979594},
    {"\"boolean\"", "\"boolean\"", -6970731678124411036},
    {"{\"type\":\"int\"}", "\"int\"", 8247732601305521295},
    {"\"long\"", "\"long\"", -3434872931120570953},
    {"\"float\"", "\"float\"", 5583340709985441680},
    {"\"double\"", "\"double\"", -8181574048448539266},
    {"\"bytes\"", "\"bytes\"", 5746618253357095269},
    {"\"string\"", "\"string\"", -8142146995180207161},
    {"[  ]", "[]", -1241056759729112623},
    {"[ \"int\"  ]", "[\"int\"]", -5232228896498058493},
    {"[ \"int\" , {\"type\":\"boolean\"} ]", "[\"int\",\"boolean\"]", 5392556393470105090},
    {"{\"fields\":[], \"type\":\"record\", \"name\":\"foo\"}",
     "{\"name\":\"foo\",\"type\":\"record\",\"fields\":[]}", -4824392279771201922},
    {"{\"fields\":[], \"type\":\"record\", \"name\":\"foo\", \"namespace\":\"x.y\"}",
     "{\"name\":\"x.y.foo\",\"type\":\"record\",\"fields\":[]}", 5916914534497305771},
    {"{\"fields\":[], \"type\":\"record\", \"name\":\"a.b.foo\", \"namespace\":\"x.y\"}",
     "{\"name\":\"a.b.foo\",\"type\":\"record\",\"fields\":[]}", -4616218487480524110},
    {"{\"fields\":[], \"type\":\"record\", \"name\":\"foo\", \"doc\":\"foo\", \"aliases\":[\"foo\",\"bar\"]}",
     "{\"name\":\"foo\",\"type\":\"record\",\"fields\":[]}", -4824392279771201922},
    {"{\"fields\":[{\"type\":{\"type\":\"boolean\"}, \"name\":\"f1\"}], \"type\":\"record\", "
     "\"name\":\"foo\"}",
     "{\"name\":\"foo\",\"type\":\"record\",\"fields\":[{\"name\":\"f1\",\"type\":\"boolean\"}]}",
     7843277075252814651},
    {"{ \"fields\":[{\"type\":\"boolean\", \"aliases\":[], \"name\":\"f1\", \"default\":true},"
     "{\"order\":\"descending\",\"name\":\"f2\",\"doc\":\"Hello\",\"type\":\"int\"}],"
     "\"type\":\"record\", \"name\":\"foo\"}",
     "{\"name\":\"foo\",\"type\":\"record\",\"fields\":[{\"name\":\"f1\",\"type\":\"boolean\"},"
     "{\"name\":\"f2\",\"type\":\"int\"}]}",
     -4860222112080293046},
    {"{\"type\":\"enum\", \"name\":\"foo\", \"symbols\":[\"A1\"]}",
     "{\"name\":\"foo\",\"type\":\"enum\",\"symbols\":[\"A1\"]}", -6342190197741309591},
    {"{\"namespace\":\"x.y.z\", \"type\":\"enum\", \"name\":\"foo\", \"doc\":\"foo bar\", "
     "\"symbols\":[\"A1\", "
     "\"A2\"]}",
     "{\"name\":\"x.y.z.foo\",\"type\":\"enum\",\"symbols\":[\"A1\",\"A2\"]}", -4448647247586288245},
    {"{\"type\":\"fixed\", \"name\":\"foo\", \"size\":15}",
     "{\"name\":\"foo\",\"type\":\"fixed\",\"size\":15}", 1756455273707447556},
    {"{\"namespace\":\"x.y.z\", \"type\":\"fixed\", \"name\":\"foo\", \"doc\":\"foo bar\", \"size\":32}",
     "{\"name\":\"x.y.z.foo\",\"type\":\"fixed\",\"size\":32}", -3064184465700546786},
    {"{ \"items\":{\"type\":\"null\"}, \"type\":\"array\"}", "{\"type\":\"array\",\"items\":\"null\"}",
     -589620603366471059},
    {"{ \"values\":\"string\", \"type\":\"map\"}", "{\"type\":\"map\",\"values\":\"string\"}",
     -8732877298790414990},
    {"{\"name\":\"PigValue\",\"type\":\"record\", \"fields\":[{\"name\":\"value\", "
     "\"type\":[\"null\", \"int\", \"long\", \"PigValue\"]}]}",
     "{\"name\":\"PigValue\",\"type\":\"record\",\"fields\":[{\"name\":\"value\","
     "\"type\":[\"null\",\"int\",\"long\",\"PigValue\"]}]}",
     -1759257747318642341},
};

static void published_forms_and_fingerprints(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
        struct weir_schema *schema = parse(published[i].text);
        char *canonical = weir_schema_canonical(schema);
        assert_string_equal(canonical, published[i].canonical);
        assert_int_equal((int64_t)schema->fingerprint, published[i].fingerprint);
        assert_string_equal(schema->text, published[i].text);
        assert_int_equal(schema->text_len, strlen(published[i].text));
        free(canonical);
        weir_schema_free(schema);
    }
}

static void the_form_of_the_largest_fixed_is_whole(void **state)
{
    (void)state;
    struct weir_schema *schema = parse("{\"type\":\"fixed\",\"name\":\"n.foo\",\"size\":2147483647}");
    char *canonical = weir_schema_canonical(schema);
    assert_string_equal(canonical, "{\"name\":\"n.foo\",\"type\":\"fixed\",\"size\":2147483647}");
    free(canonical);
    weir_schema_free(schema);
}

/* A form is a schema itself, of the same form. */
static void named_types_are_written_once(void **state)
{
    (void)state;
    const char *text =
        "{\"type\":\"record\",\"name\":\"n.r\",\"fields\":["
        "{\"name\":\"a\",\"type\":[\"null\",{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"X\"]}]},"
        "{\"name\":\"b\",\"type\":\"e\"},"
        "{\"name\":\"c\",\"type\":{\"type\":\"record\",\"name\":\"m.s\",\"fields\":["
        "{\"name\":\"d\",\"type\":\"n.e\"}]}},{\"name\":\"g\",\"type\":\"m.s\"}]}";
    const char *expected =
        "{\"name\":\"n.r\",\"type\":\"record\",\"fields\":["
        "{\"name\":\"a\",\"type\":[\"null\",{\"name\":\"n.e\",\"type\":\"enum\",\"symbols\":[\"X\"]}]},"
        "{\"name\":\"b\",\"type\":\"n.e\"},"
        "{\"name\":\"c\",\"type\":{\"name\":\"m.s\",\"type\":\"record\",\"fields\":["
        "{\"name\":\"d\",\"type\":\"n.e\"}]}},{\"name\":\"g\",\"type\":\"m.s\"}]}";
    struct weir_schema *schema = parse(text);
    char *canonical = weir_schema_canonical(schema);
    assert_string_equal(canonical, expected);
    struct weir_schema *again = parse(canonical);
    assert_int_equal(schema->fingerprint, again->fingerprint);
    free(canonical);
    weir_schema_free(again);
    weir_schema_free(schema);
}

static const struct {
    const char *text, *message;
} refused[] = {
    {"", "schema: the text is empty"},
    {"{", "schema: not JSON: line 1"},
    {"{\"type\":\"int\",\"type\":\"int\"}", "a key stands twice"},
    {"7", "schema: a schema is a text, an object or an array"},
    {"\"strnig\"", "schema: unknown type 'strnig'"},
    {"\"int\\u0000\"", "schema: unknown type 'int?'"},
    {"\"\"", "schema: unknown type ''"},
    {"{}", "schema: 'type' is missing"},
    {"{\"type\":[\"int\"]}", "schema: 'type' is not a type's name"},
    {"{\"type\":\"array\"}", "schema: 'items' is missing"},
    {"{\"type\":\"array\",\"items\":\"x\"}", "schema.items: unknown type 'x'"},
    {"{\"type\":\"map\",\"items\":\"int\"}", "schema: 'values' is missing"},
    {"{\"type\":\"map\",\"values\":[\"null\",{\"type\":\"array\",\"items\":{}}]}",
     "schema.values[1].items: 'type' is missing"},
    {"[{\"type\":\"map\",\"values\":\"int\"},{\"type\":\"map\",\"values\":\"long\"}]",
     "schema[1]: the union has 'map' twice"},
    {"{\"type\":\"fixed\",\"name\":\"x\"}", "x: 'size' is missing"},
    {"{\"type\":\"fixed\",\"name\":\"x\",\"size\":-1}", "x: 'size' is not a number of bytes"},
    {"{\"type\":\"fixed\",\"name\":\"x\",\"size\":\"4\"}", "x: 'size' is not a number of bytes"},
    {"{\"type\":\"fixed\",\"name\":\"x\",\"size\":2147483648}", "x: 'size' is not a number of bytes"},
    {"{\"type\":\"fixed\",\"size\":4}", "schema: 'name' is missing"},
    {FIELD("\"type\":\"int\",\"order\":\"upward\""), "r.fields[0]: 'order' is not ascending"},
    {FIELD("\"type\":\"r\""), "a value of 'r' would contain itself without end"},
    {"{\"type\":\"record\",\"fields\":[]}", "schema: 'name' is missing"},
    {"{\"type\":\"record\",\"name\":7,\"fields\":[]}", "schema: 'name' is not a text"},
    {"{\"type\":\"record\",\"name\":\"1a\",\"fields\":[]}", "schema: '1a' is not a name"},
    {"{\"type\":\"record\",\"name\":\"a..b\",\"fields\":[]}", "schema: 'a..b' is not a name"},
    {"{\"type\":\"record\",\"name\":\"a.\",\"fields\":[]}", "schema: 'a.' is not a name"},
    {"{\"type\":\"record\",\"name\":\"a-b\",\"fields\":[]}", "schema: 'a-b' is not a name"},
    {"{\"type\":\"record\",\"name\":\"long\",\"fields\":[]}", "'long' is the name of a primitive type"},
    {"{\"type\":\"record\",\"name\":\"a.long\",\"fields\":[]}", "'long' is the name of a primitive type"},
    {"{\"type\":\"record\",\"name\":\"a\",\"namespace\":\"x y\",\"fields\":[]}", "'x y' is not a namespace"},
    {"{\"type\":\"record\",\"name\":\"a\",\"namespace\":1,\"fields\":[]}", "'namespace' is not a text"},
    {"{\"type\":\"record\",\"name\":\"a\"}", "a: 'fields' is not an array"},
    {"{\"type\":\"record\",\"name\":\"a\",\"fields\":[7]}", "a.fields[0]: a field must be an object"},
    {"{\"type\":\"record\",\"name\":\"a\",\"fields\":[{}]}", "a.fields[0]: a field needs a name"},
    {"{\"type\":\"record\",\"name\":\"a\",\"fields\":[{\"name\":\"x.y\",\"type\":\"int\"}]}",
     "a.fields[0]: 'x.y' is not a name"},
    {"{\"type\":\"record\",\"name\":\"a\",\"fields\":[{\"name\":\"x\"}]}", "a.fields[0]: 'type' is missing"},
    {"{\"type\":\"record\",\"name\":\"a\",\"fields\":[{\"name\":\"x\",\"type\":\"int\"},"
     "{\"name\":\"x\",\"type\":\"int\"}]}",
     "a.fields[1]: field 'x' stands twice"},
    {"{\"type\":\"record\",\"name\":\"a\",\"aliases\":7,\"fields\":[]}", "'aliases' is not an array"},
    {"{\"type\":\"record\",\"name\":\"a\",\"aliases\":[\"b\",7],\"fields\":[]}",
     "schema.aliases[1]: an alias is not a text"},
    {FIELD("\"type\":\"int\",\"aliases\":[\"a\\u0000b\"]"), "r.fields[0].aliases[0]: an alias is not a text"},
    {FIELD("\"type\":\"strnig\""), "r.fields[0].type: unknown type 'strnig'"},
    {FIELD("\"type\":[\"null\",[\"int\"]]"), "r.fields[0].type[1]: a union directly in a union"},
    {FIELD("\"type\":[\"int\",\"null\",\"int\"]"), "r.fields[0].type[2]: the union has 'int' twice"},
    {FIELD("\"type\":[\"long\",{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}]"),
     "the union has 'long' twice"},
    {FIELD("\"type\":[{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[]},\"e\"]"), "the union has 'e' twice"},
    {"[{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[]},{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[]}]",
     "schema[1]: 'e' is defined twice"},
    {"{\"type\":\"enum\",\"name\":\"e\"}", "e: 'symbols' is not an array"},
    {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"B\",\"A\"]}",
     "e.symbols[2]: symbol 'A' stands twice"},
    {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",1]}", "e.symbols[1]: '' is not a name"},
    {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A B\"]}", "e.symbols[0]: 'A B' is not a name"},
    {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\"],\"default\":\"B\"}",
     "e: the default 'B' is none"},
    {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\"],\"default\":\"A\\u0000\"}",
     "e: the default 'A?' is none"},
    {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\"],\"default\":0}", "e: the default '' is none"},
};

static void wrong_schemas_are_refused_with_their_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct weir_schema *schema = NULL;
        struct weir_err err = {WEIR_OK, ""};
        assert_int_equal(weir_schema_parse(weir_bytes_of(refused[i].text), &schema, &err),
                         WEIR_ERR_BAD_SCHEMA);
        assert_int_equal(err.code, WEIR_ERR_BAD_SCHEMA);
        assert_null(schema);
        if (!strstr(err.text, refused[i].message))
            fail_msg("%s: '%s' lacks '%s'", refused[i].text, err.text, refused[i].message);
        assert_int_equal(weir_schema_parse(weir_bytes_of(refused[i].text), &schema, NULL),
                         WEIR_ERR_BAD_SCHEMA);
    }
}

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

/* A default and its encoding; no bytes at all: refused. */
static const struct {
    const char *type, *value;
    const uint8_t *bytes;
    size_t len;
} defaults[] = {
    {"\"boolean\"", "true", BYTES(1)},
    {"\"boolean\"", "false", BYTES(0)},
    {"\"boolean\"", "\"true\"", NULL, 0},
    {"\"int\"", "-1", BYTES(1)},
    {"\"int\"", "2147483647", BYTES(0xFE, 0xFF, 0xFF, 0xFF, 0x0F)},
    {"\"int\"", "-2147483648", BYTES(0xFF, 0xFF, 0xFF, 0xFF, 0x0F)},
    {"\"int\"", "2147483648", NULL, 0},
    {"\"int\"", "-2147483649", NULL, 0},
    {"\"int\"", "1.0", NULL, 0},
    {"\"int\"", "\"1\"", NULL, 0},
    {"\"int\"", "null", NULL, 0},
    {"\"long\"", "9223372036854775807", BYTES(0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01)},
    {"\"long\"", "-9223372036854775808", BYTES(0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01)},
    {"\"float\"", "1.5", BYTES(0, 0, 0xC0, 0x3F)},
    {"\"float\"", "2", BYTES(0, 0, 0, 0x40)},
    {"\"float\"", "1e39", NULL, 0},
    {"\"float\"", "\"1\"", NULL, 0},
    {"\"double\"", "-2.5", BYTES(0, 0, 0, 0, 0, 0, 4, 0xC0)},
    {"\"string\"", "\"a\\u0000\\u20ac\"", BYTES(10, 'a', 0, 0xE2, 0x82, 0xAC)},
    {"\"string\"", "\"\"", BYTES(0)},
    {"\"string\"", "1", NULL, 0},
    {"\"bytes\"", "\"\\u0000\\u007f\\u0080\\u00bf\\u00c0\\u00ff\"",
     BYTES(12, 0, 0x7F, 0x80, 0xBF, 0xC0, 0xFF)},
    {"\"bytes\"", "\"\\u0100\"", NULL, 0},
    {"\"bytes\"", "\"\\u20ac\"", NULL, 0},
    {"\"bytes\"", "[]", NULL, 0},
    {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"B\"]}", "\"B\"", BYTES(2)},
    {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"B\"]}", "\"C\"", NULL, 0},
    {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"B\"]}", "\"B\\u0000\"", NULL, 0},
    {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"B\"]}", "1", NULL, 0},
    {"[\"null\",\"string\"]", "null", BYTES(0)},
    {"[\"null\",\"string\"]", "\"x\"", BYTES(2, 2, 'x')},
    {"[\"int\",\"long\"]", "2147483648", BYTES(2, 0x80, 0x80, 0x80, 0x80, 0x10)},
    {"[\"null\",\"string\"]", "7", NULL, 0},
    {"[]", "null", NULL, 0},
    {"{\"type\":\"record\",\"name\":\"s\",\"fields\":[{\"name\":\"a\",\"type\":\"int\",\"default\":3},"
     "{\"name\":\"b\",\"type\":\"boolean\"}]}",
     "{\"b\":true}", BYTES(6, 1)},
    {"{\"type\":\"record\",\"name\":\"s\",\"fields\":[{\"name\":\"a\",\"type\":\"int\",\"default\":3},"
     "{\"name\":\"b\",\"type\":\"boolean\"}]}",
     "{\"a\":1}", NULL, 0},
    {"{\"type\":\"record\",\"name\":\"s\",\"fields\":[]}", "[]", NULL, 0},
    {"{\"type\":\"fixed\",\"name\":\"x\",\"size\":2}", "\"a\\u00ff\"", BYTES('a', 0xFF)},
    {"{\"type\":\"fixed\",\"name\":\"x\",\"size\":2}", "\"a\"", NULL, 0},
    {"{\"type\":\"fixed\",\"name\":\"x\",\"size\":2}", "\"abc\"", NULL, 0},
    {"{\"type\":\"array\",\"items\":\"int\"}", "[]", BYTES(0)},
    {"{\"type\":\"array\",\"items\":\"int\"}", "[1,-1]", BYTES(4, 2, 1, 0)},
    {"{\"type\":\"array\",\"items\":\"int\"}", "[1,\"2\"]", NULL, 0},
    {"{\"type\":\"array\",\"items\":\"int\"}", "{}", NULL, 0},
    {"{\"type\":\"map\",\"values\":\"boolean\"}", "{}", BYTES(0)},
    {"{\"type\":\"map\",\"values\":\"boolean\"}", "{\"k\":true,\"\":false}", BYTES(4, 2, 'k', 1, 0, 0, 0)},
    {"{\"type\":\"map\",\"values\":\"boolean\"}", "{\"k\":1}", NULL, 0},
    {"{\"type\":\"map\",\"values\":\"boolean\"}", "[]", NULL, 0},
    {"[\"null\",{\"type\":\"array\",\"items\":[\"int\",\"r\"]}]", "[[1]]", NULL, 0},
    {"[\"null\",{\"type\":\"array\",\"items\":[\"int\",\"r\"]}]", "[1,{\"f\":null}]",
     BYTES(2, 4, 0, 2, 2, 0, 0)},
};

static void defaults_are_checked_and_encoded(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++) {
        char text[600];
        snprintf(text, sizeof text, FIELD("\"type\":%s,\"default\":%s"), defaults[i].type, defaults[i].value);
        if (!defaults[i].bytes) {
            struct weir_schema *none = NULL;
            struct weir_err err;
            assert_int_equal(weir_schema_parse(weir_bytes_of(text), &none, &err), WEIR_ERR_BAD_SCHEMA);
            assert_non_null(strstr(err.text, "r.fields[0].default: the default is not a value of type "));
            continue;
        }
        struct weir_schema *schema = parse(text);
        const struct weir_field *field = &schema->root->fields[0];
        assert_true(field->has_default);
        assert_int_equal(field->default_value.len, defaults[i].len);
        assert_memory_equal(field->default_value.data, defaults[i].bytes, defaults[i].len);
        weir_schema_free(schema);
    }
}

static void null_default_has_no_bytes_but_is_one(void **state)
{
    (void)state;
    struct weir_schema *schema = parse(FIELD("\"type\":\"null\",\"default\":null"));
    assert_true(schema->root->fields[0].has_default);
    assert_non_null(schema->root->fields[0].default_value.data);
    assert_int_equal(schema->root->fields[0].default_value.len, 0);
    weir_schema_free(schema);
}

static void names_aliases_docs_and_logical_types(void **state)
{
    (void)state;
    struct weir_schema *schema = parse(
        "{\"type\":\"record\",\"name\":\"login\",\"namespace\":\"a.b\",\"aliases\":[\"old\",\"c.older\"],"
        "\"fields\":[{\"name\":\"t\",\"doc\":\"When.\",\"aliases\":[\"ts\",\"time\"],\"type\":"
        "{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}},"
        "{\"name\":\"u\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}},"
        "{\"name\":\"v\",\"type\":{\"type\":\"string\",\"logicalType\":\"timestamp-micros\"}},"
        "{\"name\":\"w\",\"type\":{\"type\":\"long\",\"logicalType\":\"time-micros\"}},"
        "{\"name\":\"x\",\"type\":{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"B\"],\"default\":"
        "\"B\"}},"
        "{\"name\":\"y\",\"type\":{\"type\":\"e\"}}]}");
    const struct weir_node *root = schema->root;
    assert_string_equal(root->name, "a.b.login");
    assert_int_equal(root->n_aliases, 2);
    assert_string_equal(root->aliases[0], "a.b.old");
    assert_string_equal(root->aliases[1], "c.older");
    assert_string_equal(root->fields[0].doc, "When.");
    assert_null(root->fields[1].doc);
    assert_int_equal(root->fields[0].n_aliases, 2);
    assert_string_equal(root->fields[0].aliases[1], "time");
    assert_int_equal(root->fields[0].type->logical, WEIR_LOGICAL_TIMESTAMP_MILLIS);
    assert_int_equal(root->fields[1].type->logical, WEIR_LOGICAL_TIMESTAMP_MICROS);
    assert_int_equal(root->fields[2].type->logical, WEIR_LOGICAL_NONE);
    assert_int_equal(root->fields[3].type->logical, WEIR_LOGICAL_TIME_MICROS);
    assert_string_equal(root->fields[4].type->name, "a.b.e");
    assert_int_equal(root->fields[4].type->default_symbol, 1);
    assert_ptr_equal(root->fields[4].type, root->fields[5].type);
    assert_int_equal(weir_schema_field(root, "v"), 2);
    assert_int_equal(weir_schema_field(root, "ts"), -1);
    assert_string_equal(weir_type_name(root->type), "record");
    weir_schema_free(schema);
    weir_schema_free(NULL);
}

/* Declarations with a logical type, and which of them are valid. */
static const struct {
    const char *type;
    enum weir_logical logical;
    int64_t precision, scale;
} logicals[] = {
#define LOGICAL(type, name, rest) "{\"type\":\"" type "\",\"logicalType\":\"" name "\"" rest "}"
#define FIXED(size, name, rest)   LOGICAL("fixed", name, ",\"name\":\"x\",\"size\":" #size rest)
    {LOGICAL("bytes", "decimal", ",\"precision\":4,\"scale\":2"), WEIR_LOGICAL_DECIMAL, 4, 2},
    {LOGICAL("bytes", "decimal", ",\"precision\":4"), WEIR_LOGICAL_DECIMAL, 4, 0},
    {LOGICAL("bytes", "decimal", ",\"precision\":4,\"scale\":4"), WEIR_LOGICAL_DECIMAL, 4, 4},
    {LOGICAL("bytes", "decimal", ",\"precision\":4,\"scale\":5"), WEIR_LOGICAL_NONE, 0, 0},
    {LOGICAL("bytes", "decimal", ",\"precision\":4,\"scale\":-1"), WEIR_LOGICAL_NONE, 0, 0},
    {LOGICAL("bytes", "decimal", ",\"precision\":0"), WEIR_LOGICAL_NONE, 0, 0},
    {LOGICAL("bytes", "decimal", ",\"precision\":\"4\""), WEIR_LOGICAL_NONE, 0, 0},
    {LOGICAL("bytes", "decimal", ""), WEIR_LOGICAL_NONE, 0, 0},
    {LOGICAL("string", "decimal", ",\"precision\":4"), WEIR_LOGICAL_NONE, 0, 0},
    {FIXED(1, "decimal", ",\"precision\":2"), WEIR_LOGICAL_DECIMAL, 2, 0},
    {FIXED(1, "decimal", ",\"precision\":3"), WEIR_LOGICAL_NONE, 0, 0},
    {FIXED(8, "decimal", ",\"precision\":18,\"scale\":18"), WEIR_LOGICAL_DECIMAL, 18, 18},
    {FIXED(8, "decimal", ",\"precision\":19"), WEIR_LOGICAL_NONE, 0, 0},
    {FIXED(16, "decimal", ",\"precision\":38"), WEIR_LOGICAL_DECIMAL, 38, 0},
    {FIXED(16, "decimal", ",\"precision\":39"), WEIR_LOGICAL_NONE, 0, 0},
    {FIXED(0, "decimal", ",\"precision\":1"), WEIR_LOGICAL_NONE, 0, 0},
    {LOGICAL("bytes", "big-decimal", ""), WEIR_LOGICAL_BIG_DECIMAL, 0, 0},
    {LOGICAL("string", "uuid", ""), WEIR_LOGICAL_UUID, 0, 0},
    {LOGICAL("bytes", "uuid", ""), WEIR_LOGICAL_NONE, 0, 0},
    {FIXED(16, "uuid", ""), WEIR_LOGICAL_UUID, 0, 0},
    {FIXED(15, "uuid", ""), WEIR_LOGICAL_NONE, 0, 0},
    {LOGICAL("int", "date", ""), WEIR_LOGICAL_DATE, 0, 0},
    {LOGICAL("long", "date", ""), WEIR_LOGICAL_NONE, 0, 0},
    {LOGICAL("int", "time-millis", ""), WEIR_LOGICAL_TIME_MILLIS, 0, 0},
    {LOGICAL("long", "time-micros", ""), WEIR_LOGICAL_TIME_MICROS, 0, 0},
    {LOGICAL("int", "time-micros", ""), WEIR_LOGICAL_NONE, 0, 0},
    {LOGICAL("long", "timestamp-millis", ""), WEIR_LOGICAL_TIMESTAMP_MILLIS, 0, 0},
    {LOGICAL("long", "timestamp-micros", ""), WEIR_LOGICAL_TIMESTAMP_MICROS, 0, 0},
    {LOGICAL("long", "timestamp-nanos", ""), WEIR_LOGICAL_TIMESTAMP_NANOS, 0, 0},
    {LOGICAL("long", "local-timestamp-millis", ""), WEIR_LOGICAL_LOCAL_TIMESTAMP_MILLIS, 0, 0},
    {LOGICAL("long", "local-timestamp-micros", ""), WEIR_LOGICAL_LOCAL_TIMESTAMP_MICROS, 0, 0},
    {LOGICAL("long", "local-timestamp-nanos", ""), WEIR_LOGICAL_LOCAL_TIMESTAMP_NANOS, 0, 0},
    {FIXED(12, "duration", ""), WEIR_LOGICAL_DURATION, 0, 0},
    {FIXED(11, "duration", ""), WEIR_LOGICAL_NONE, 0, 0},
    {LOGICAL("long", "fortnight", ""), WEIR_LOGICAL_NONE, 0, 0},
    {"{\"type\":\"long\",\"logicalType\":7}", WEIR_LOGICAL_NONE, 0, 0},
};

static void logical_types_are_known_or_ignored(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof logicals / sizeof logicals[0]; i++) {
        struct weir_schema *schema = parse(logicals[i].type);
        if (schema->root->logical != logicals[i].logical)
            fail_msg("%s: %d", logicals[i].type, (int)schema->root->logical);
        if (logicals[i].logical == WEIR_LOGICAL_DECIMAL) {
            assert_int_equal(schema->root->precision, logicals[i].precision);
            assert_int_equal(schema->root->scale, logicals[i].scale);
        }
        weir_schema_free(schema);
    }
}

/* Any text is an alias, also one that could be no name. */
static void aliases_may_be_any_text(void **state)
{
    (void)state;
    struct weir_schema *schema = parse(
        "{\"type\":\"record\",\"name\":\"n.r\",\"aliases\":[\"a-b\",\"m.1\"],\"fields\":[{\"name\":\"f\","
        "\"type\":\"int\",\"aliases\":[\"f.g\",\"1st\"]}]}");
    assert_string_equal(schema->root->aliases[0], "n.a-b");
    assert_string_equal(schema->root->aliases[1], "m.1");
    assert_string_equal(schema->root->fields[0].aliases[0], "f.g");
    assert_string_equal(schema->root->fields[0].aliases[1], "1st");
    weir_schema_free(schema);
}

static void a_null_namespace_is_the_enclosing_one(void **state)
{
    (void)state;
    struct weir_schema *schema =
        parse("{\"type\":\"record\",\"name\":\"a\",\"namespace\":\"x\",\"fields\":[{\"name\":\"f\",\"type\":"
              "{\"type\":\"fixed\",\"name\":\"b\",\"namespace\":null,\"size\":1}}]}");
    assert_string_equal(schema->root->fields[0].type->name, "x.b");
    weir_schema_free(schema);
}

static void simple_names_mean_the_namespace_then_none(void **state)
{
    (void)state;
    struct weir_schema *schema = parse(
        "[{\"type\":\"fixed\",\"name\":\"x\",\"size\":1},{\"type\":\"record\",\"name\":\"n.r\",\"fields\":["
        "{\"name\":\"a\",\"type\":\"x\"},"
        "{\"name\":\"b\",\"type\":{\"type\":\"fixed\",\"name\":\"x\",\"size\":2}},"
        "{\"name\":\"c\",\"type\":\"x\"}]}]");
    const struct weir_field *fields = schema->root->branches[1]->fields;
    assert_string_equal(fields[0].type->name, "x");
    assert_string_equal(fields[1].type->name, "n.x");
    assert_ptr_equal(fields[1].type, fields[2].type);
    weir_schema_free(schema);
}

/* The fewest bytes of a value. */
static const struct {
    const char *type;
    size_t least;
} widths[] = {
    {"\"null\"", 0},
    {"\"boolean\"", 1},
    {"\"long\"", 1},
    {"\"float\"", 4},
    {"\"double\"", 8},
    {"\"string\"", 1},
    {"[]", 1},
    {"{\"type\":\"array\",\"items\":\"null\"}", 1},
    {"{\"type\":\"fixed\",\"name\":\"x\",\"size\":0}", 0},
    {"{\"type\":\"fixed\",\"name\":\"x\",\"size\":20}", 20},
    {"{\"type\":\"record\",\"name\":\"s\",\"fields\":[]}", 0},
    {"{\"type\":\"record\",\"name\":\"s\",\"fields\":[{\"name\":\"a\",\"type\":\"null\"},{\"name\":\"b\","
     "\"type\":"
     "{\"type\":\"record\",\"name\":\"t\",\"fields\":[{\"name\":\"c\",\"type\":\"double\"},{\"name\":\"d\","
     "\"type\":{\"type\":\"array\",\"items\":\"s\"}}]}},{\"name\":\"e\",\"type\":\"t\"}]}",
     18},
};

static void the_fewest_bytes_are_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        struct weir_schema *schema = parse(widths[i].type);
        if (schema->root->least != widths[i].least)
            fail_msg("%s: %zu", widths[i].type, schema->root->least);
        weir_schema_free(schema);
    }
}

/* r within s, s within r, and neither ends; a union on the way there does not help a field beside it. */
static void types_without_end_are_refused(void **state)
{
    (void)state;
    struct weir_schema *schema = NULL;
    struct weir_err err;
    const char *text =
        "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\",\"type\":[\"null\",{\"type\":"
        "\"record\","
        "\"name\":\"s\",\"fields\":[{\"name\":\"g\",\"type\":\"r\"}]}]},{\"name\":\"b\",\"type\":\"s\"}]}";
    assert_int_equal(weir_schema_parse(weir_bytes_of(text), &schema, &err), WEIR_ERR_BAD_SCHEMA);
    assert_non_null(strstr(err.text, "would contain itself without end"));
}

/* A default may leave out a field whose own default comes later, but none may need itself. */
static void defaults_of_recursive_records(void **state)
{
    (void)state;
#define TREE(a, b)                                                                                           \
    "{\"type\":\"record\",\"name\":\"r\",\"fields\":["                                                       \
    "{\"name\":\"a\",\"type\":{\"type\":\"array\",\"items\":\"r\"},\"default\":" a "},"                      \
    "{\"name\":\"b\",\"type\":{\"type\":\"map\",\"values\":\"r\"},\"default\":" b "},"                       \
    "{\"name\":\"c\",\"type\":\"int\",\"default\":3}]}"
    struct weir_schema *schema = parse(TREE("[{\"a\":[]}]", "{\"k\":{\"a\":[],\"b\":{}}}"));
    static const uint8_t a[] = {2, 0, 2, 2, 'k', 0, 0, 6, 0, 6, 0};
    assert_int_equal(schema->root->fields[0].default_value.len, sizeof a);
    assert_memory_equal(schema->root->fields[0].default_value.data, a, sizeof a);
    weir_schema_free(schema);
    struct weir_err err;
    assert_int_equal(weir_schema_parse(weir_bytes_of(TREE("[{}]", "{}")), &schema, &err),
                     WEIR_ERR_BAD_SCHEMA);
    assert_non_null(strstr(err.text, "r.fields[0].default: the default takes itself as a default"));
    assert_int_equal(
        weir_schema_parse(weir_bytes_of(TREE("[{\"a\":[]}]", "{\"k\":{\"b\":{}}}")), &schema, &err),
        WEIR_ERR_BAD_SCHEMA);
    assert_non_null(strstr(err.text, "takes itself as a default"));
}

/* --- references --- */

#define STREET "{\"type\":\"record\",\"name\":\"geo.street\",\"fields\":[{\"name\":\"n\",\"type\":\"int\"}]}"
#define TOWN                                                                                                 \
    "{\"type\":\"record\",\"name\":\"geo.town\",\"fields\":[{\"name\":\"s\",\"type\":\"street\","            \
    "\"default\":"                                                                                           \
    "{\"n\":1}}]}"
#define PERSON                                                                                               \
    "{\"type\":\"record\",\"name\":\"person\",\"fields\":[{\"name\":\"home\",\"type\":\"geo.town\","         \
    "\"default\":{}},{\"name\":\"work\",\"type\":[\"null\",\"geo.town\"]}]}"

static enum weir_err_code parse_with(const char *text, const char *const *texts, size_t n,
                                     struct weir_schema **schema, struct weir_err *err)
{
    static const char *const names[] = {"first", "second", "third", NULL};
    struct weir_schema_reference references[4];
    for (size_t i = 0; i < n; i++)
        references[i] = (struct weir_schema_reference){names[i], weir_bytes_of(texts[i])};
    return weir_schema_parse_with(weir_bytes_of(text), references, n, schema, err);
}

static void references_are_read_first(void **state)
{
    (void)state;
    struct weir_schema *schema = NULL;
    struct weir_err err = {WEIR_OK, ""};
    const char *const texts[] = {STREET, TOWN, STREET};
    assert_int_equal(parse_with(PERSON, texts, 3, &schema, &err), WEIR_OK);
    char *canonical = weir_schema_canonical(schema);
    assert_string_equal(
        canonical,
        "{\"name\":\"person\",\"type\":\"record\",\"fields\":[{\"name\":\"home\",\"type\":"
        "{\"name\":\"geo.town\",\"type\":\"record\",\"fields\":[{\"name\":\"s\",\"type\":"
        "{\"name\":\"geo.street\",\"type\":\"record\",\"fields\":[{\"name\":\"n\",\"type\":\"int\"}]}"
        "}]}},{\"name\":\"work\",\"type\":[\"null\",\"geo.town\"]}]}");
    assert_string_equal(schema->text, PERSON);
    assert_int_equal(schema->n_named, 3);
    assert_int_equal(schema->root->fields[0].default_value.len, 1);
    assert_int_equal(schema->root->fields[0].default_value.data[0], 2);
    struct weir_schema *whole = parse(canonical);
    assert_int_equal(whole->fingerprint, schema->fingerprint);
    free(canonical);
    weir_schema_free(whole);
    weir_schema_free(schema);
}

static void bad_references_are_told_by_name(void **state)
{
    (void)state;
    struct weir_schema *schema = NULL;
    struct weir_err err = {WEIR_OK, ""};
    const char *const late[] = {TOWN, STREET}, *const twice[] = {STREET, STREET " "},
                      *const broken[] = {STREET, "{", TOWN, ""};
    assert_int_equal(parse_with(PERSON, late, 2, &schema, &err), WEIR_ERR_BAD_SCHEMA);
    assert_string_equal(err.text, "first.fields[0].type: unknown type 'street'");
    assert_int_equal(parse_with(PERSON, twice, 2, &schema, &err), WEIR_ERR_BAD_SCHEMA);
    assert_string_equal(err.text, "second: 'geo.street' is defined twice");
    assert_int_equal(parse_with(PERSON, broken, 2, &schema, &err), WEIR_ERR_BAD_SCHEMA);
    assert_non_null(strstr(err.text, "second: not JSON"));
    assert_int_equal(parse_with(PERSON, broken + 3, 1, &schema, &err), WEIR_ERR_BAD_SCHEMA);
    assert_string_equal(err.text, "first: the text is empty");
    assert_int_equal(parse_with(PERSON, broken, 1, &schema, &err), WEIR_ERR_BAD_SCHEMA);
    assert_string_equal(err.text, "person.fields[0].type: unknown type 'geo.town'");
    static struct weir_schema_reference many[WEIR_SCHEMA_REFERENCES_MAX + 1];
    assert_int_equal(
        weir_schema_parse_with(weir_bytes_of(PERSON), many, WEIR_SCHEMA_REFERENCES_MAX + 1, &schema, &err),
        WEIR_ERR_BAD_SCHEMA);
    assert_string_equal(err.text, "schema: 257 references, at most 256 are allowed");
    many[0].text = (struct weir_bytes){(const uint8_t *)PERSON, WEIR_SCHEMA_TEXT_MAX - 1};
    assert_int_equal(weir_schema_parse_with(weir_bytes_of(PERSON), many, 1, &schema, &err),
                     WEIR_ERR_BAD_SCHEMA);
    assert_non_null(strstr(err.text, "have more than 1048576 bytes"));
}

/* n records, each of two fields of the record before it: 2^n fields when written out. */
static char *doubling(int n)
{
    static char text[16384];
    int len = snprintf(text, sizeof text, "[{\"type\":\"record\",\"name\":\"r0\",\"fields\":[]}");
    for (int i = 1; i <= n; i++)
        len +=
            snprintf(text + len, sizeof text - (size_t)len,
                     ",{\"type\":\"record\",\"name\":\"r%d\",\"fields\":[{\"name\":\"a\",\"type\":\"r%d\"},"
                     "{\"name\":\"b\",\"type\":\"r%d\"}]}",
                     i, i - 1, i - 1);
    snprintf(text + len, sizeof text - (size_t)len, "]");
    return text;
}

static void expect_refused(const char *text, const char *message)
{
    struct weir_schema *schema = NULL;
    struct weir_err err = {WEIR_OK, ""};
    assert_int_equal(weir_schema_parse(weir_bytes_of(text), &schema, &err), WEIR_ERR_BAD_SCHEMA);
    if (!strstr(err.text, message))
        fail_msg("'%s' lacks '%s'", err.text, message);
}

static void types_are_counted_once_however_often_they_are_used(void **state)
{
    (void)state;
    weir_schema_free(parse(doubling(60)));
}

/* n records, each inside the next. */
static char *nested(int n)
{
    static char text[16384];
    int len = 0;
    for (int i = 0; i < n; i++)
        len += snprintf(text + len, sizeof text - (size_t)len,
                        "{\"type\":\"record\",\"name\":\"r%d\",\"fields\":[{\"name\":\"f\",\"type\":", i);
    len += snprintf(text + len, sizeof text - (size_t)len, "\"int\"");
    for (int i = 0; i < n; i++)
        len += snprintf(text + len, sizeof text - (size_t)len, "}]}");
    return text;
}

/* n records that nest by reference: each uses the one before. */
static char *chained(int n)
{
    static char text[16384];
    int len = snprintf(text, sizeof text, "[{\"type\":\"record\",\"name\":\"r0\",\"fields\":[]}");
    for (int i = 1; i <= n; i++)
        len +=
            snprintf(text + len, sizeof text - (size_t)len,
                     ",{\"type\":\"record\",\"name\":\"r%d\",\"fields\":[{\"name\":\"a\",\"type\":\"r%d\"}]}",
                     i, i - 1);
    snprintf(text + len, sizeof text - (size_t)len, "]");
    return text;
}

static void depth_is_bounded(void **state)
{
    (void)state;
    weir_schema_free(parse(nested(WEIR_SCHEMA_DEPTH_MAX - 1)));
    expect_refused(nested(WEIR_SCHEMA_DEPTH_MAX), "nested deeper than 64");
    weir_schema_free(parse(chained(WEIR_SCHEMA_DEPTH_MAX - 2)));
    expect_refused(chained(WEIR_SCHEMA_DEPTH_MAX - 1), "nested deeper than 64");
}

static void sizes_are_bounded(void **state)
{
    (void)state;
    size_t cap = WEIR_SCHEMA_TEXT_MAX + 2;
    char *text = calloc(1, cap);
    memset(text, ' ', cap - 1);
    memcpy(text, "\"int\"", 5);
    expect_refused(text, "at most 1048576 are allowed");
    text[WEIR_SCHEMA_TEXT_MAX] = '\0';
    weir_schema_free(parse(text));

    int len = snprintf(text, cap, "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"s\"");
    for (int i = 0; i < WEIR_SCHEMA_FIELDS_MAX; i++)
        len += snprintf(text + len, cap - (size_t)len, ",\"s%d\"", i);
    snprintf(text + len, cap - (size_t)len, "]}");
    expect_refused(text, "4097 symbols, at most 4096 are allowed");

    len = snprintf(text, cap,
                   "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"f\",\"type\":\"string\","
                   "\"default\":\"");
    memset(text + len, 'x', 65536);
    snprintf(text + len + 65536, cap - (size_t)len - 65536, "\"}]}");
    expect_refused(text, "r.fields[0].default: the defaults take more than 65536 bytes together");
    free(text);
}

static void every_failed_allocation_is_met_with_references(void **state)
{
    (void)state;
    const char *const texts[] = {STREET, TOWN};
    bool more = true;
    for (long n = 1; more; n++) {
        struct weir_schema *schema = NULL;
        struct weir_err err = {WEIR_OK, ""};
        alloc_fail_at(n);
        enum weir_err_code code = parse_with(PERSON, texts, 2, &schema, &err);
        more = alloc_fail_off();
        assert_int_equal(code, more ? WEIR_ERR_NO_MEMORY : WEIR_OK);
        weir_schema_free(schema);
    }
}

static void every_failed_allocation_is_met(void **state)
{
    (void)state;
    /* Long enough for several chunks of memory. */
    char text[9000];
    int len =
        snprintf(text, sizeof text, "{\"type\":\"record\",\"name\":\"a.r\",\"aliases\":[\"o\"],\"fields\":[");
    for (int i = 0; i < 60; i++)
        len += snprintf(text + len, sizeof text - (size_t)len,
                        "%s{\"name\":\"f%d\",\"doc\":\"d\",\"aliases\":[\"g%d\"],\"type\":[\"null\","
                        "{\"type\":\"enum\",\"name\":\"e%d\",\"symbols\":[\"A\",\"B\"]}],\"default\":null}",
                        i ? "," : "", i, i, i);
    snprintf(text + len, sizeof text - (size_t)len, "]}");
    bool more = true;
    for (long n = 1; more; n++) {
        struct weir_schema *schema = NULL;
        struct weir_err err = {WEIR_OK, ""};
        alloc_fail_at(n);
        enum weir_err_code code = weir_schema_parse(weir_bytes_of(text), &schema, &err);
        more = alloc_fail_off();
        assert_int_equal(code, more ? WEIR_ERR_NO_MEMORY : WEIR_OK);
        assert_int_equal(err.code, code);
        assert_true(more || n > 4);
        weir_schema_free(schema);
    }
    struct weir_schema *schema = parse(text);
    alloc_fail_at(1);
    assert_null(weir_schema_canonical(schema));
    assert_true(alloc_fail_off());
    weir_schema_free(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_forms_and_fingerprints),
        cmocka_unit_test(the_form_of_the_largest_fixed_is_whole),
        cmocka_unit_test(named_types_are_written_once),
        cmocka_unit_test(wrong_schemas_are_refused_with_their_place),
        cmocka_unit_test(defaults_are_checked_and_encoded),
        cmocka_unit_test(null_default_has_no_bytes_but_is_one),
        cmocka_unit_test(names_aliases_docs_and_logical_types),
        cmocka_unit_test(types_are_counted_once_however_often_they_are_used),
        cmocka_unit_test(logical_types_are_known_or_ignored),
        cmocka_unit_test(aliases_may_be_any_text),
        cmocka_unit_test(a_null_namespace_is_the_enclosing_one),
        cmocka_unit_test(simple_names_mean_the_namespace_then_none),
        cmocka_unit_test(the_fewest_bytes_are_known),
        cmocka_unit_test(types_without_end_are_refused),
        cmocka_unit_test(defaults_of_recursive_records),
        cmocka_unit_test(references_are_read_first),
        cmocka_unit_test(bad_references_are_told_by_name),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(every_failed_allocation_is_met),
        cmocka_unit_test(every_failed_allocation_is_met_with_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
