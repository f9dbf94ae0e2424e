#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "avro/encode.h"
#include "avro/json.h"
#include "support/alloc_fail.h"
#include "support/given.h"

#define SLOTS_MAX 8

/* What a reading gave. All that it borrows lives until result_free. */
struct result {
    bool done;
    struct slot slots[SLOTS_MAX];
    struct weir_reason why;
    uint32_t unknown;
    struct weir_bytes in;
    struct weir_arena scratch;
};

static struct json_reader *reader_with(const struct weir_schema *schema, struct json_options options)
{
    struct json_reader *reader = NULL;
    struct weir_err err = {WEIR_OK, ""};
    if (json_reader_new(schema, &options, &reader, &err) != WEIR_OK)
        fail_msg("%s", err.text);
    return reader;
}

static struct json_reader *reader_of(const struct weir_schema *schema, enum weir_unknown unknown)
{
    return reader_with(schema, (struct json_options){.unknown = unknown});
}

static struct result read_within(const struct json_reader *reader, struct weir_bytes in, size_t cap)
{
    struct result r;
    memset(&r, 0xA5, sizeof r);
    r.in = given_copy(in);
    r.scratch = given_arena(cap);
    r.done = json_read(reader, r.in, &r.scratch, r.slots, &r.unknown, &r.why);
    assert_int_equal(r.scratch.cap, cap);
    return r;
}

/* Reads with the scratch that json_scratch names: that is never too little. */
static struct result read_text(const struct json_reader *reader, const char *text)
{
    struct weir_bytes in = weir_bytes_of(text);
    struct result r = read_within(reader, in, json_scratch(reader, in.len));
    assert_true(r.done || r.why.code != WEIR_CODE_TOO_LARGE);
    return r;
}

static void result_free(struct result *r)
{
    free((void *)r->in.data);
    given_arena_free(&r->scratch);
}

static void assert_bytes(struct weir_bytes a, struct weir_bytes b)
{
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, b.len);
}

/* --- values --- */

#define ARRAY(items) "{'type':'array','items':" items "}"
#define MAP(values)  "{'type':'map','values':" values "}"
#define FIXED        "{'type':'fixed','name':'x','size':2}"
#define LIST                                                                                                 \
    "{'type':'record','name':'l','fields':[" GIVEN_FIELD("v", "'int'") "," GIVEN_FIELD("n",                  \
                                                                                       "['null','l']") "]}"
#define RECORD_OF(name, fields) "{'type':'record','name':'" name "','fields':[" fields "]}"
#define S                                                                                                    \
    "{'type':'record','name':'s','fields':[{'name':'a','type':'int'},"                                       \
    "{'name':'b','type':'string','default':'x'}]}"

static const struct {
    const char *type, *value;
    enum slot_kind kind;
    struct weir_bytes raw;
} values[] = {
    {"'null'", "null", SLOT_NULL, GIVEN_NOTHING},
    {"'boolean'", "true", SLOT_BOOLEAN, GIVEN_BYTES(1)},
    {"'boolean'", "false", SLOT_BOOLEAN, GIVEN_BYTES(0)},
    {"'int'", "-2147483648", SLOT_INTEGER, GIVEN_BYTES(0xFF, 0xFF, 0xFF, 0xFF, 0x0F)},
    {"'int'", "1.0", SLOT_INTEGER, GIVEN_BYTES(2)},
    {"'long'", "1e3", SLOT_INTEGER, GIVEN_BYTES(0xD0, 0x0F)},
    {"'long'", "9223372036854775807", SLOT_INTEGER,
     GIVEN_BYTES(0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01)},
    {"'float'", "1.5", SLOT_REAL, GIVEN_BYTES(0, 0, 0xC0, 0x3F)},
    {"'float'", "0.1", SLOT_REAL, GIVEN_BYTES(0xCD, 0xCC, 0xCC, 0x3D)},
    {"'double'", "-2.5", SLOT_REAL, GIVEN_BYTES(0, 0, 0, 0, 0, 0, 4, 0xC0)},
    {"'double'", "7", SLOT_REAL, GIVEN_BYTES(0, 0, 0, 0, 0, 0, 0x1C, 0x40)},
    {"'string'", "\"\"", SLOT_TEXT, GIVEN_BYTES(0)},
    {"'string'", "\"a\\u0000b\"", SLOT_TEXT, GIVEN_BYTES(6, 'a', 0, 'b')},
    {"'string'", "\"a\303\244\"", SLOT_TEXT, GIVEN_BYTES(6, 'a', 0xC3, 0xA4)},
    {"'string'", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", SLOT_TEXT,
     GIVEN_BYTES(16, '"', '\\', '/', 8, 12, 10, 13, 9)},
    {"'string'", "\"\\u0041\\u00e4\\u20AC\\ud83d\\ude00!\"", SLOT_TEXT,
     GIVEN_BYTES(22, 'A', 0xC3, 0xA4, 0xE2, 0x82, 0xAC, 0xF0, 0x9F, 0x98, 0x80, '!')},
    {"'string'", "\"\\u007f\\uffff\\ud800\\udc00\\udbff\\udfff\"", SLOT_TEXT,
     GIVEN_BYTES(24, 0x7F, 0xEF, 0xBF, 0xBF, 0xF0, 0x90, 0x80, 0x80, 0xF4, 0x8F, 0xBF, 0xBF)},
    {"'bytes'", "\"\\u0000\\u00ff\303\277a\"", SLOT_BINARY, GIVEN_BYTES(8, 0, 0xFF, 0xFF, 'a')},
    {GIVEN_ENUM("'A','B'"), "\"B\"", SLOT_SYMBOL, GIVEN_BYTES(2)},
    {GIVEN_ENUM("'A','B'"), "\"\\u0042\"", SLOT_SYMBOL, GIVEN_BYTES(2)},
    {S, "{\"b\":\"yy\",\"a\":1}", SLOT_NESTED, GIVEN_BYTES(2, 4, 'y', 'y')},
    {S, "{\"a\":1}", SLOT_NESTED, GIVEN_BYTES(2, 2, 'x')},
    {S, "{ \"z\" : [1, {\"q\": null}], \"a\" : 1 }", SLOT_NESTED, GIVEN_BYTES(2, 2, 'x')},
    /* unions */
    {"['null','string']", "null", SLOT_NULL, GIVEN_BYTES(0)},
    {"['null','string']", "\"x\"", SLOT_TEXT, GIVEN_BYTES(2, 2, 'x')},
    {"['null','boolean']", "true", SLOT_BOOLEAN, GIVEN_BYTES(2, 1)},
    {"['int','long']", "2147483647", SLOT_INTEGER, GIVEN_BYTES(0, 0xFE, 0xFF, 0xFF, 0xFF, 0x0F)},
    {"['int','long']", "2147483648", SLOT_INTEGER, GIVEN_BYTES(2, 0x80, 0x80, 0x80, 0x80, 0x10)},
    {"['long','int']", "1", SLOT_INTEGER, GIVEN_BYTES(0, 2)},
    {"['double','int']", "1", SLOT_INTEGER, GIVEN_BYTES(2, 2)},
    {"['double','int']", "1.0", SLOT_REAL, GIVEN_BYTES(0, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F)},
    {"['float','double']", "1.5", SLOT_REAL, GIVEN_BYTES(2, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F)},
    {"['int','float']", "2147483648", SLOT_REAL, GIVEN_BYTES(2, 0, 0, 0, 0x4F)},
    {"['null','long']", "1e3", SLOT_INTEGER, GIVEN_BYTES(2, 0xD0, 0x0F)},
    {"['bytes','string']", "\"x\"", SLOT_TEXT, GIVEN_BYTES(2, 2, 'x')},
    {"[" GIVEN_ENUM("'A'") ",\"string\"]", "\"A\"", SLOT_TEXT, GIVEN_BYTES(2, 2, 'A')},
    {"['bytes'," GIVEN_ENUM("'A'") "]", "\"A\"", SLOT_SYMBOL, GIVEN_BYTES(2, 0)},
    {"['bytes'," GIVEN_ENUM("'A'") "]", "\"B\"", SLOT_BINARY, GIVEN_BYTES(0, 2, 'B')},
    {"[" GIVEN_ENUM("'A'") ",{\"type\":\"enum\",\"name\":\"e2\",\"symbols\":[\"B\"]}]", "\"B\"", SLOT_SYMBOL,
     GIVEN_BYTES(2, 0)},
    {"['null'," S "]", "{\"a\":1}", SLOT_NESTED, GIVEN_BYTES(2, 2, 2, 'x')},
    {"'float'", "\"NaN\"", SLOT_REAL, GIVEN_BYTES(0, 0, 0xC0, 0x7F)},
    {"'double'", "\"-Infinity\"", SLOT_REAL, GIVEN_BYTES(0, 0, 0, 0, 0, 0, 0xF0, 0xFF)},
    {"['null','double']", "\"Infinity\"", SLOT_REAL, GIVEN_BYTES(2, 0, 0, 0, 0, 0, 0, 0xF0, 0x7F)},
    {"['double','string']", "\"NaN\"", SLOT_TEXT, GIVEN_BYTES(2, 6, 'N', 'a', 'N')},
    {FIXED, "\"a\\u00ff\"", SLOT_BINARY, GIVEN_BYTES('a', 0xFF)},
    {"['bytes'," FIXED "]", "\"a\303\277\"", SLOT_BINARY, GIVEN_BYTES(2, 'a', 0xFF)},
    {"[" FIXED ",'bytes']", "\"abc\"", SLOT_BINARY, GIVEN_BYTES(2, 6, 'a', 'b', 'c')},
    {"[" FIXED "," GIVEN_ENUM("'AB'") "]", "\"AB\"", SLOT_SYMBOL, GIVEN_BYTES(2, 0)},
    /* arrays and maps */
    {ARRAY("'int'"), "[]", SLOT_NESTED, GIVEN_BYTES(0)},
    {ARRAY("'int'"), "[ 1 , -2 ]", SLOT_NESTED, GIVEN_BYTES(4, 2, 3, 0)},
    {ARRAY("'null'"), "[null,null]", SLOT_NESTED, GIVEN_BYTES(4, 0)},
    {ARRAY(ARRAY("'boolean'")), "[[],[true],[ ]]", SLOT_NESTED, GIVEN_BYTES(6, 0, 2, 1, 0, 0, 0)},
    {ARRAY(S), "[{\"a\":1},{\"b\":\"\",\"a\":2}]", SLOT_NESTED, GIVEN_BYTES(4, 2, 2, 'x', 4, 0, 0)},
    {ARRAY("['null','string']"), "[null,\"y\"]", SLOT_NESTED, GIVEN_BYTES(4, 0, 2, 2, 'y', 0)},
    {MAP("'int'"), "{}", SLOT_NESTED, GIVEN_BYTES(0)},
    {MAP("'int'"), "{ \"\\u00e4\" : 1 , \"\" :2}", SLOT_NESTED, GIVEN_BYTES(4, 4, 0xC3, 0xA4, 2, 0, 4, 0)},
    {MAP(MAP("'null'")), "{\"a\":{\"b\":null},\"b\":{}}", SLOT_NESTED,
     GIVEN_BYTES(4, 2, 'a', 2, 2, 'b', 0, 2, 'b', 0, 0)},
    {"['null'," ARRAY("'int'") "," MAP("'int'") "]", "[1]", SLOT_NESTED, GIVEN_BYTES(2, 2, 2, 0)},
    {"['null'," ARRAY("'int'") "," MAP("'int'") "]", "{\"int\":1}", SLOT_NESTED,
     GIVEN_BYTES(4, 2, 6, 'i', 'n', 't', 2, 0)},
    {LIST, "{\"n\":{\"n\":null,\"v\":2},\"v\":1}", SLOT_NESTED, GIVEN_BYTES(2, 2, 4, 0)},
};

static void values_become_avro(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char text[600];
        snprintf(text, sizeof text, GIVEN_ONE("%s"), values[i].type);
        struct weir_schema *schema = given_schema(text);
        struct json_reader *reader = reader_of(schema, WEIR_UNKNOWN_IGNORE);
        snprintf(text, sizeof text, " {\"f\": %s }\r\n", values[i].value);
        struct result r = read_text(reader, text);
        if (!r.done)
            fail_msg("%s: %.*s", text, (int)r.why.text.len, (const char *)r.why.text.data);
        assert_int_equal(r.slots[0].kind, values[i].kind);
        assert_int_equal(r.slots[0].at, 7);
        assert_false(r.slots[0].defaulted);
        assert_non_null(r.slots[0].raw.data);
        if (r.slots[0].raw.len != values[i].raw.len)
            fail_msg("%s", text);
        assert_bytes(r.slots[0].raw, values[i].raw);
        result_free(&r);
        json_reader_free(reader);
        weir_schema_free(schema);
    }
}

/* --- unions --- */

#define CIRCLE  RECORD_OF("n.circle", GIVEN_FIELD("r", "'int'") "," GIVEN_DEFAULT("c", "'string'", "''"))
#define SQUARE  RECORD_OF("n.square", GIVEN_FIELD("a", "'int'") "," GIVEN_DEFAULT("c", "'string'", "''"))
#define LABEL   RECORD_OF("n.label", GIVEN_FIELD("a", "'string'"))
#define SHAPES  "['null'," CIRCLE "," SQUARE "," LABEL "]"
#define HOLDING RECORD_OF("n.h", GIVEN_FIELD("s", "[" CIRCLE "," LABEL "]"))
#define TAGGED  RECORD_OF("n.t", GIVEN_FIELD("string", "'int'"))

static const struct {
    const char *type, *value;
    enum weir_unions unions;
    struct weir_bytes raw; /* NULL: it is of no branch */
} chosen[] = {
    /* the record that takes the object whole */
    {SHAPES, "{\"r\":1}", WEIR_UNIONS_PLAIN, GIVEN_BYTES(2, 2, 0)},
    {SHAPES, "{\"c\":\"x\",\"a\":1}", WEIR_UNIONS_PLAIN, GIVEN_BYTES(4, 2, 2, 'x')},
    {SHAPES, "{\"a\":\"x\"}", WEIR_UNIONS_PLAIN, GIVEN_BYTES(6, 2, 'x')},
    /* or with members that it has not */
    {SHAPES, "{\"z\":[],\"a\":1}", WEIR_UNIONS_PLAIN, GIVEN_BYTES(4, 2, 0)},
    {SHAPES, "{\"z\":0}", WEIR_UNIONS_PLAIN, GIVEN_NOTHING},
    {"[" MAP("'int'") "," SQUARE "]", "{\"a\":1}", WEIR_UNIONS_PLAIN, GIVEN_BYTES(2, 2, 0)},
    {"[" SQUARE "," MAP("'int'") "]", "{\"z\":1,\"a\":1}", WEIR_UNIONS_PLAIN,
     GIVEN_BYTES(2, 4, 2, 'z', 2, 2, 'a', 2, 0)},
    {"[" SQUARE "," MAP("'int'") "]", "{\"z\":\"\",\"a\":1}", WEIR_UNIONS_PLAIN, GIVEN_BYTES(0, 2, 0)},
    /* a union within */
    {"[" HOLDING "," MAP("'n.label'") "]", "{\"s\":{\"a\":\"x\"}}", WEIR_UNIONS_PLAIN,
     GIVEN_BYTES(0, 2, 2, 'x')},
    /* tags */
    {"['null','string']", "{\"string\":\"x\"}", WEIR_UNIONS_AUTO, GIVEN_BYTES(2, 2, 'x')},
    {"['null','string']", "{ \"str\\u0069ng\" : \"x\" }", WEIR_UNIONS_TAGGED, GIVEN_BYTES(2, 2, 'x')},
    {"['null','string']", "{\"string\":\"x\"}", WEIR_UNIONS_PLAIN, GIVEN_NOTHING},
    {"['null','string']", "\"x\"", WEIR_UNIONS_TAGGED, GIVEN_NOTHING},
    {"['null','string']", "null", WEIR_UNIONS_TAGGED, GIVEN_BYTES(0)},
    {"['null','string']", "{\"null\":null}", WEIR_UNIONS_TAGGED, GIVEN_NOTHING},
    {"['int','long']", "{\"long\":1}", WEIR_UNIONS_AUTO, GIVEN_BYTES(2, 2)},
    {"['bytes'," FIXED "]", "{\"bytes\":\"ab\"}", WEIR_UNIONS_AUTO, GIVEN_BYTES(0, 4, 'a', 'b')},
    {SHAPES, "{\"n.square\":{\"a\":1}}", WEIR_UNIONS_AUTO, GIVEN_BYTES(4, 2, 0)},
    {SHAPES, "{\"square\":{\"a\":1}}", WEIR_UNIONS_AUTO, GIVEN_NOTHING},
    {SHAPES, "{\"n.square\":{\"a\":1},\"z\":1}", WEIR_UNIONS_AUTO, GIVEN_NOTHING},
    {SHAPES, "{\"a\":1}", WEIR_UNIONS_TAGGED, GIVEN_NOTHING},
    {"['string'," ARRAY("'string'") "]", "{\"array\":[\"x\"]}", WEIR_UNIONS_AUTO,
     GIVEN_BYTES(2, 2, 2, 'x', 0)},
    /* what is a tag may be a plain value */
    {"['string'," MAP("'string'") "]", "{\"string\":\"x\"}", WEIR_UNIONS_AUTO,
     GIVEN_BYTES(2, 2, 12, 's', 't', 'r', 'i', 'n', 'g', 2, 'x', 0)},
    {"['string'," MAP("'string'") "]", "{\"string\":\"x\"}", WEIR_UNIONS_TAGGED, GIVEN_BYTES(0, 2, 'x')},
    {"['string'," MAP("'string'") "]", "{\"map\":{\"x\":\"\"}}", WEIR_UNIONS_TAGGED,
     GIVEN_BYTES(2, 2, 2, 'x', 0, 0)},
    {"['string'," TAGGED "]", "{\"string\":1}", WEIR_UNIONS_AUTO, GIVEN_BYTES(2, 2)},
    {"['string'," TAGGED "]", "{\"string\":\"x\"}", WEIR_UNIONS_TAGGED, GIVEN_BYTES(0, 2, 'x')},
};

static void branches_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof chosen / sizeof chosen[0]; i++) {
        struct weir_schema *schema = given_schema(chosen[i].type);
        struct json_reader *reader = reader_with(schema, (struct json_options){.unions = chosen[i].unions});
        struct weir_bytes in = given_copy(weir_bytes_of(chosen[i].value)), avro = WEIR_NO_BYTES;
        struct weir_arena out = given_arena(json_scratch(reader, in.len));
        struct weir_reason why;
        bool done = json_read_value(reader, in, &out, &avro, &why);
        if (done != (chosen[i].raw.len > 0) || (done && !weir_bytes_equal(avro, chosen[i].raw)))
            fail_msg("%s: %s", chosen[i].type, chosen[i].value);
        assert_true(done || (why.code != WEIR_CODE_TOO_LARGE && why.text.len > 0));
        assert_int_equal(out.cap, json_scratch(reader, in.len));
        free((void *)in.data);
        given_arena_free(&out);
        json_reader_free(reader);
        weir_schema_free(schema);
    }
}

/* When no branch takes it, the reason is that of the branch that came farthest. */
static void the_nearest_branch_says_why(void **state)
{
    (void)state;
    struct weir_schema *schema = given_schema(GIVEN_ONE(SHAPES));
    struct json_reader *reader = reader_of(schema, WEIR_UNKNOWN_IGNORE);
    struct result r = read_text(reader, "{\"f\":{\"a\":1,\"c\":2}}");
    assert_false(r.done);
    given_reason(&r.why, WEIR_CODE_WRONG_TYPE, "f.c", 16, "a number is no string");
    result_free(&r);
    json_reader_free(reader);
    weir_schema_free(schema);
}

/* Each object fits two records until the last value is seen: trying all would never end. */
static void tries_are_bounded(void **state)
{
    (void)state;
    struct weir_schema *schema = given_schema("[" RECORD_OF(
        "p",
        GIVEN_FIELD("x", "['p'," RECORD_OF("q", GIVEN_FIELD("x", "['p','q','int']")) ",'int']")) ",'q']");
    struct json_reader *reader = reader_of(schema, WEIR_UNKNOWN_IGNORE);
    char text[6 * 60 + 8] = "";
    for (int i = 0; i < 60; i++)
        memcpy(text + 5 * i, "{\"x\":", 5);
    memcpy(text + 300, "true", 4);
    memset(text + 304, '}', 60);
    struct weir_bytes in = weir_bytes_of(text), avro;
    struct weir_arena out = given_arena(json_scratch(reader, in.len));
    struct weir_reason why;
    assert_false(json_read_value(reader, in, &out, &avro, &why));
    given_reason(&why, WEIR_CODE_WRONG_TYPE, NULL, 0, "tried too often");
    given_arena_free(&out);
    json_reader_free(reader);
    weir_schema_free(schema);
}

static void texts_are_numbers_where_they_may(void **state)
{
    (void)state;
    static const struct {
        const char *type, *value;
        bool done;
    } texts[] = {
        {"'int'", "\"7\"", true},           {"'long'", "\"-1e3\"", true},
        {"'double'", "\"0.5\"", true},      {"'float'", "\"1\"", true},
        {"'int'", "\"7 \"", false},         {"'int'", "\"\"", false},
        {"'int'", "\"1.5\"", false},        {"'int'", "\"x\"", false},
        {"'boolean'", "\"1\"", false},      {"['null','int']", "\"7\"", true},
        {"['null','int']", "\"x\"", false}, {"['int','double']", "\"1.5\"", true},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct weir_schema *schema = given_schema(texts[i].type);
        struct weir_bytes in = weir_bytes_of(texts[i].value), avro;
        for (int allowed = 0; allowed <= 1; allowed++) {
            struct json_reader *reader =
                reader_with(schema, (struct json_options){.numbers = (enum weir_numbers)allowed});
            struct weir_arena out = given_arena(json_scratch(reader, in.len));
            struct weir_reason why;
            if (json_read_value(reader, in, &out, &avro, &why) != (allowed && texts[i].done))
                fail_msg("%s: %s", texts[i].type, texts[i].value);
            given_arena_free(&out);
            json_reader_free(reader);
        }
        weir_schema_free(schema);
    }
}

static void slots_hold_the_values(void **state)
{
    (void)state;
    struct weir_schema *schema = given_schema(
        "{'type':'record','name':'r','fields':["
        "{'name':'i','type':'long'},"
        "{'name':'d','type':'float'},"
        "{'name':'t','type':['null','string']},"
        "{'name':'b','type':'bytes'},"
        "{'name':'e','type':" GIVEN_ENUM("'A','B'") "},"
                                                    "{'name':'m','type':'string','default':'unknown'}]}");
    struct json_reader *reader = reader_of(schema, WEIR_UNKNOWN_REJECT);
    struct result r = read_text(reader, "{\"e\":\"B\",\"b\":\"\\u00ff\",\"t\":\"x\\ny\",\"d\":0.5,\"i\":-7}");
    assert_true(r.done);
    assert_int_equal(r.slots[0].v.i, -7);
    assert_true(r.slots[1].v.d == 0.5);
    assert_true(weir_bytes_equal(r.slots[2].v.text, weir_bytes_of("x\ny")));
    assert_true(weir_bytes_equal(r.slots[3].v.text, weir_bytes_of("\377")));
    assert_int_equal(r.slots[4].v.i, 1);
    assert_true(r.slots[5].defaulted);
    assert_true(weir_bytes_equal(r.slots[5].v.text, weir_bytes_of("unknown")));
    assert_bytes(r.slots[5].raw, schema->root->fields[5].default_value);
    result_free(&r);
    json_reader_free(reader);
    weir_schema_free(schema);
}

/* --- what is wrong --- */

#define ALIASED                                                                                              \
    "{'type':'record','name':'r','fields':["                                                                 \
    "{'name':'f','type':'int','default':1,'aliases':['g','h']},"                                             \
    "{'name':'s','type':" S ",'default':{'a':1}}]}"

static const struct {
    const char *schema, *text;
    enum weir_code code;
    const char *field;
    int64_t at;
    const char *part;
} malformed[] = {
    /* no object */
    {ALIASED, "", WEIR_CODE_NOT_JSON, NULL, 0, "the text ends where object should be"},
    {ALIASED, " ", WEIR_CODE_NOT_JSON, NULL, 1, "the text ends"},
    {ALIASED, "[]", WEIR_CODE_NOT_JSON, NULL, 0, "no object where one should be"},
    {ALIASED, "7", WEIR_CODE_NOT_JSON, NULL, 0, "no object"},
    {ALIASED, "\357\273\277{}", WEIR_CODE_NOT_JSON, NULL, 0, "no object"},
    {ALIASED, "{", WEIR_CODE_NOT_JSON, NULL, 1, "the text ends where name should be"},
    {ALIASED, "{,}", WEIR_CODE_NOT_JSON, NULL, 1, "no name where one should be"},
    {ALIASED, "{f:1}", WEIR_CODE_NOT_JSON, NULL, 1, "no name"},
    {ALIASED, "{\"f\"}", WEIR_CODE_NOT_JSON, NULL, 4, "no colon"},
    {ALIASED, "{\"f\"", WEIR_CODE_NOT_JSON, NULL, 4, "ends where colon"},
    {ALIASED, "{\"f\":", WEIR_CODE_NOT_JSON, "f", 5, "ends where value"},
    {ALIASED, "{\"f\":1", WEIR_CODE_NOT_JSON, NULL, 6, "ends where comma or brace"},
    {ALIASED, "{\"f\":1]", WEIR_CODE_NOT_JSON, NULL, 6, "no comma or brace"},
    {ALIASED, "{\"f\":1,}", WEIR_CODE_NOT_JSON, NULL, 7, "no name"},
    {ALIASED, "{\"f\":1 \"s\":{}}", WEIR_CODE_NOT_JSON, NULL, 7, "no comma"},
    {ALIASED, "{\"f\":01}", WEIR_CODE_NOT_JSON, "f", 5, "no value"},
    {ALIASED, "{\"f\":NaN}", WEIR_CODE_NOT_JSON, "f", 5, "no value"},
    {ALIASED, "{\"f\":Infinity}", WEIR_CODE_NOT_JSON, "f", 5, "no value"},
    {ALIASED, "{\"f\":-}", WEIR_CODE_NOT_JSON, "f", 5, "no value"},
    {ALIASED, "{\"f", WEIR_CODE_NOT_JSON, NULL, 1, "a text does not end"},
    {ALIASED, "{\"f\\", WEIR_CODE_NOT_JSON, NULL, 1, "a text does not end"},
    {ALIASED, "{\"f\\\"", WEIR_CODE_NOT_JSON, NULL, 1, "a text does not end"},
    {ALIASED, "{\"f\n\":1}", WEIR_CODE_NOT_JSON, NULL, 3, "the control character 10"},
    {ALIASED, "{\"\\x\":1}", WEIR_CODE_NOT_JSON, NULL, 2, "an escape that JSON has not"},
    {ALIASED, "{} {}", WEIR_CODE_TRAILING_BYTES, NULL, 3, "2 bytes after the object"},
    {ALIASED, "{}x", WEIR_CODE_TRAILING_BYTES, NULL, 2, "1 bytes after"},
    /* names */
    {ALIASED, "{\"f\":1,\"f\":1}", WEIR_CODE_DUPLICATE_FIELD, "f", 11, "the field stands twice"},
    {ALIASED, "{\"g\":1,\"h\":1}", WEIR_CODE_DUPLICATE_FIELD, "f", 11, "the field stands twice"},
    {ALIASED, "{\"f\":1,\"\\u0066\":1}", WEIR_CODE_DUPLICATE_FIELD, "f", 16, "the field stands twice"},
    {ALIASED, "{\"s\":{\"a\":1,\"a\":2}}", WEIR_CODE_DUPLICATE_FIELD, "s.a", 16, "the field stands twice"},
    {ALIASED, "{\"s\":{\"b\":\"\"}}", WEIR_CODE_MISSING_FIELD, "s.a", -1, "the field is missing"},
    {GIVEN_ONE("'int'"), "{}", WEIR_CODE_MISSING_FIELD, "f", -1, "the field is missing"},
    {ALIASED, "{\"\377\":1}", WEIR_CODE_BAD_UTF8, NULL, 2, "byte 0 of a text of 1 bytes is not UTF-8"},
    {ALIASED, "{\"\\ud800\":1}", WEIR_CODE_BAD_UTF8, NULL, 2, "half of a pair"},
    /* types */
    {GIVEN_ONE("'null'"), "{\"f\":0}", WEIR_CODE_WRONG_TYPE, "f", 5, "a number is no null"},
    {GIVEN_ONE("'int'"), "{\"f\": null}", WEIR_CODE_WRONG_TYPE, "f", 6, "null is no int"},
    {GIVEN_ONE("'int'"), "{\"f\":\"1\"}", WEIR_CODE_WRONG_TYPE, "f", 5, "a text is no int"},
    {GIVEN_ONE("'boolean'"), "{\"f\":1}", WEIR_CODE_WRONG_TYPE, "f", 5, "a number is no boolean"},
    {GIVEN_ONE("'string'"), "{\"f\":true}", WEIR_CODE_WRONG_TYPE, "f", 5, "a boolean is no string"},
    {GIVEN_ONE("'string'"), "{\"f\":[]}", WEIR_CODE_WRONG_TYPE, "f", 5, "an array is no string"},
    {GIVEN_ONE("'string'"), "{\"f\":{}}", WEIR_CODE_WRONG_TYPE, "f", 5, "an object is no string"},
    {GIVEN_ONE(S), "{\"f\":\"\"}", WEIR_CODE_WRONG_TYPE, "f", 5, "a text is no record"},
    {GIVEN_ONE(S), "{\"f\":{\"a\":\"\"}}", WEIR_CODE_WRONG_TYPE, "f.a", 10, "a text is no int"},
    {GIVEN_ONE("['null','string']"), "{\"f\":1}", WEIR_CODE_WRONG_TYPE, "f", 5, "a number is of no branch"},
    {GIVEN_ONE("['null','string']"), "{\"f\":[]}", WEIR_CODE_WRONG_TYPE, "f", 5, "an array is of no branch"},
    {GIVEN_ONE("['int','string']"), "{\"f\":null}", WEIR_CODE_WRONG_TYPE, "f", 5, "null is of no branch"},
    {GIVEN_ONE("[]"), "{\"f\":null}", WEIR_CODE_WRONG_TYPE, "f", 5, "null is of no branch"},
    {GIVEN_ONE("['null']"), "{\"f\":}", WEIR_CODE_NOT_JSON, "f", 5, "no value"},
    {GIVEN_ONE("['null']"), "{\"f\":nul}", WEIR_CODE_NOT_JSON, "f", 5, "no value"},
    {GIVEN_ONE("'boolean'"), "{\"f\":tru}", WEIR_CODE_NOT_JSON, "f", 5, "no value"},
    {GIVEN_ONE("'boolean'"), "{\"f\":truex}", WEIR_CODE_NOT_JSON, NULL, 9, "no comma"},
    {GIVEN_ONE(GIVEN_ENUM("'A'")), "{\"f\":\"B\"}", WEIR_CODE_BAD_ENUM, "f", 5, "no symbol of e"},
    {GIVEN_ONE(GIVEN_ENUM("'A'")), "{\"f\":\"A\\u0000\"}", WEIR_CODE_BAD_ENUM, "f", 5, "no symbol of e"},
    {GIVEN_ONE("['null'," GIVEN_ENUM("'A'") "]"), "{\"f\":\"B\"}", WEIR_CODE_BAD_ENUM, "f", 5, "no symbol"},
    /* numbers */
    {GIVEN_ONE("'int'"), "{\"f\":2147483648}", WEIR_CODE_OUT_OF_RANGE, "f", 5,
     "2147483648 is out of the range of int"},
    {GIVEN_ONE("'int'"), "{\"f\":1.5}", WEIR_CODE_OUT_OF_RANGE, "f", 5, "1.5 is no int"},
    {GIVEN_ONE("'long'"), "{\"f\":9223372036854775808}", WEIR_CODE_OUT_OF_RANGE, "f", 5,
     "out of the range of long"},
    {GIVEN_ONE("'float'"), "{\"f\":1e39}", WEIR_CODE_OUT_OF_RANGE, "f", 5,
     "1e39 is out of the range of float"},
    {GIVEN_ONE("'double'"), "{\"f\":1e400}", WEIR_CODE_OUT_OF_RANGE, "f", 5,
     "1e400 is out of the range of double"},
    {GIVEN_ONE("'double'"), "{\"f\":1e-400}", WEIR_CODE_OUT_OF_RANGE, "f", 5, "out of the range of double"},
    {GIVEN_ONE("'long'"), "{\"f\":11111111112222222222333333333344444444445555}", WEIR_CODE_OUT_OF_RANGE, "f",
     5, "1111111111222222222233333333334444444444... is out of the range"},
    {GIVEN_ONE("['null','int']"), "{\"f\":2147483648}", WEIR_CODE_OUT_OF_RANGE, "f", 5,
     "out of the range of int"},
    {GIVEN_ONE("['int','long']"), "{\"f\":1.5}", WEIR_CODE_OUT_OF_RANGE, "f", 5, "1.5 is no long"},
    {GIVEN_ONE("['int','double']"), "{\"f\":1e999}", WEIR_CODE_OUT_OF_RANGE, "f", 5,
     "out of the range of double"},
    {GIVEN_ONE("['int','double']"), "{\"f\":1x}", WEIR_CODE_NOT_JSON, NULL, 6, "no comma"},
    {GIVEN_ONE("['int','double']"), "{\"f\":-x}", WEIR_CODE_NOT_JSON, "f", 5, "no value"},
    /* texts */
    {GIVEN_ONE("'string'"), "{\"f\":\"a\377\"}", WEIR_CODE_BAD_UTF8, "f", 7, "byte 1 of a text of 2 bytes"},
    {GIVEN_ONE("'string'"), "{\"f\":\"\\ud83d\"}", WEIR_CODE_BAD_UTF8, "f", 6, "half of a pair"},
    {GIVEN_ONE("'string'"), "{\"f\":\"\\ud83dx\"}", WEIR_CODE_BAD_UTF8, "f", 6, "half of a pair"},
    {GIVEN_ONE("'string'"), "{\"f\":\"\\ud83d\\n\"}", WEIR_CODE_BAD_UTF8, "f", 6, "half of a pair"},
    {GIVEN_ONE("'string'"), "{\"f\":\"\\ud83d\\ud83d\"}", WEIR_CODE_BAD_UTF8, "f", 6, "half of a pair"},
    {GIVEN_ONE("'string'"), "{\"f\":\"\\ude00\\ud83d\"}", WEIR_CODE_BAD_UTF8, "f", 6, "half of a pair"},
    {GIVEN_ONE("'string'"), "{\"f\":\"\\ud83d\\ude0\"}", WEIR_CODE_NOT_JSON, "f", 6,
     "an escape that JSON has not"},
    {GIVEN_ONE("'string'"), "{\"f\":\"\\u12g4\"}", WEIR_CODE_NOT_JSON, "f", 6, "an escape"},
    {GIVEN_ONE("'string'"), "{\"f\":\"\\u12\"}", WEIR_CODE_NOT_JSON, "f", 6, "an escape"},
    {GIVEN_ONE("'string'"), "{\"f\":\"\\x\"}", WEIR_CODE_NOT_JSON, "f", 6, "an escape"},
    {GIVEN_ONE("'string'"), "{\"f\":\"\t\"}", WEIR_CODE_NOT_JSON, "f", 6, "the control character 9"},
    {GIVEN_ONE("'bytes'"), "{\"f\":\"a\\u0100\"}", WEIR_CODE_OUT_OF_RANGE, "f", 7, "U+0100 is not a byte"},
    {GIVEN_ONE("'bytes'"), "{\"f\":\"\342\202\254\"}", WEIR_CODE_OUT_OF_RANGE, "f", 6,
     "U+20AC is not a byte"},
    {GIVEN_ONE(FIXED), "{\"f\":\"a\"}", WEIR_CODE_BAD_LENGTH, "f", 5, "1 bytes where x has 2"},
    {GIVEN_ONE(FIXED), "{\"f\":\"\\u0100a\"}", WEIR_CODE_OUT_OF_RANGE, "f", 6, "U+0100 is not a byte"},
    {GIVEN_ONE("['null'," FIXED "]"), "{\"f\":\"abc\"}", WEIR_CODE_BAD_LENGTH, "f", 5, "3 bytes where"},
    {GIVEN_ONE("'double'"), "{\"f\":\"nan\"}", WEIR_CODE_WRONG_TYPE, "f", 5, "a text is no double"},
    /* arrays and maps */
    {GIVEN_ONE(ARRAY("'int'")), "{\"f\":{}}", WEIR_CODE_WRONG_TYPE, "f", 5, "an object is no array"},
    {GIVEN_ONE(ARRAY("'int'")), "{\"f\":[1,]}", WEIR_CODE_NOT_JSON, "f[1]", 8, "no value"},
    {GIVEN_ONE(ARRAY("'int'")), "{\"f\":[1 2]}", WEIR_CODE_NOT_JSON, "f", 8, "no comma or bracket"},
    {GIVEN_ONE(ARRAY("'int'")), "{\"f\":[1,\"\"]}", WEIR_CODE_WRONG_TYPE, "f[1]", 8, "a text is no int"},
    {GIVEN_ONE(ARRAY(ARRAY("'int'"))), "{\"f\":[[],[1,x]]}", WEIR_CODE_NOT_JSON, "f[1][1]", 12, "no value"},
    {GIVEN_ONE(ARRAY(S)), "{\"f\":[{}]}", WEIR_CODE_MISSING_FIELD, "f[0].a", -1, "the field is missing"},
    {GIVEN_ONE(MAP("'int'")), "{\"f\":[]}", WEIR_CODE_WRONG_TYPE, "f", 5, "an array is no map"},
    {GIVEN_ONE(MAP("'int'")), "{\"f\":{\"a\":1,}}", WEIR_CODE_NOT_JSON, "f[1]", 12, "no name"},
    {GIVEN_ONE(MAP("'int'")), "{\"f\":{\"a\" 1}}", WEIR_CODE_NOT_JSON, "f[0]", 10, "no colon"},
    {GIVEN_ONE(MAP("'int'")), "{\"f\":{\"a\":null}}", WEIR_CODE_WRONG_TYPE, "f[0]", 10, "null is no int"},
    {GIVEN_ONE(MAP("'int'")), "{\"f\":{\"a\":1]}", WEIR_CODE_NOT_JSON, "f", 11, "no comma or brace"},
    {GIVEN_ONE(MAP("'int'")), "{\"f\":{\"a\":1,\"b\":2,\"\\u0061\":3}}", WEIR_CODE_DUPLICATE_FIELD, "f", 18,
     "the key stands twice"},
    /* fields that the schema has not */
    {ALIASED, "{\"x\":01}", WEIR_CODE_NOT_JSON, NULL, 5, "no value"},
    {ALIASED, "{\"x\":}", WEIR_CODE_NOT_JSON, NULL, 5, "no value"},
    {ALIASED, "{\"x\":", WEIR_CODE_NOT_JSON, NULL, 5, "ends where value"},
    {ALIASED, "{\"x\":[1 2]}", WEIR_CODE_NOT_JSON, NULL, 8, "no comma or bracket"},
    {ALIASED, "{\"x\":[1,]}", WEIR_CODE_NOT_JSON, NULL, 8, "no value"},
    {ALIASED, "{\"x\":{\"a\":1 2}}", WEIR_CODE_NOT_JSON, NULL, 12, "no comma or brace"},
    {ALIASED, "{\"x\":{1:1}}", WEIR_CODE_NOT_JSON, NULL, 6, "no name"},
    {ALIASED, "{\"x\":{\"a\" 1}}", WEIR_CODE_NOT_JSON, NULL, 10, "no colon"},
    {ALIASED, "{\"x\":falsy}", WEIR_CODE_NOT_JSON, NULL, 5, "no value"},
    {ALIASED, "{\"x\":\"\\q\"}", WEIR_CODE_NOT_JSON, NULL, 6, "an escape"},
    {ALIASED, "{\"x\":\"\377\"}", WEIR_CODE_BAD_UTF8, NULL, 6, "is not UTF-8"},
    {ALIASED, "{\"x\":[\"\\udc00\"]}", WEIR_CODE_BAD_UTF8, NULL, 7, "half of a pair"},
};

static void malformed_texts_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        struct weir_schema *schema = given_schema(malformed[i].schema);
        struct json_reader *reader = reader_of(schema, WEIR_UNKNOWN_IGNORE);
        struct result r = read_text(reader, malformed[i].text);
        if (r.done)
            fail_msg("%s", malformed[i].text);
        given_reason(&r.why, malformed[i].code, malformed[i].field, malformed[i].at, malformed[i].part);
        result_free(&r);
        json_reader_free(reader);
        weir_schema_free(schema);
    }
}

/* What was passed over in a branch that does not take the value in the end is none of the record's. */
static void unknown_fields_of_the_branch_that_takes_it_are_counted(void **state)
{
    (void)state;
    struct weir_schema *schema =
        given_schema("{'type':'record','name':'r','fields':[{'name':'u','type':["
                     "{'type':'record','name':'a','fields':[{'name':'x','type':'int'}]},"
                     "{'type':'record','name':'b','fields':[{'name':'y','type':'int'}]}]}]}");
    struct json_reader *reader = reader_of(schema, WEIR_UNKNOWN_COUNT);
    struct result r = read_text(reader, "{\"u\":{\"y\":1,\"z\":2}}");
    assert_true(r.done);
    assert_int_equal(r.unknown, 1);
    result_free(&r);
    r = read_text(reader, "[]");
    assert_false(r.done);
    assert_int_equal(r.unknown, 0);
    result_free(&r);
    json_reader_free(reader);
    weir_schema_free(schema);
}

static void unknown_fields_are_skipped_or_rejected(void **state)
{
    (void)state;
    static const char text[] =
        "{\"x\":[true,false,null,-1.5e3,\"\\u00e4\\n\",{\"y\":{},\"z\":[]}],\"h\":5,\"F\":1}";
    struct weir_schema *schema = given_schema(ALIASED);
    struct json_reader *lenient = reader_of(schema, WEIR_UNKNOWN_IGNORE);
    struct json_reader *strict = reader_of(schema, WEIR_UNKNOWN_REJECT);
    struct result r = read_text(lenient, text);
    assert_true(r.done);
    assert_int_equal(r.slots[0].v.i, 5);
    assert_int_equal(r.unknown, 2);
    result_free(&r);
    r = read_text(lenient, "{\"s\":{\"a\":1,\"q\":2,\"r\":{\"t\":3}}}");
    assert_true(r.done);
    assert_int_equal(r.unknown, 2);
    result_free(&r);
    r = read_text(strict, text);
    assert_false(r.done);
    given_reason(&r.why, WEIR_CODE_UNKNOWN_FIELD, NULL, 1, "the schema has no such field");
    result_free(&r);
    r = read_text(strict, "{\"s\":{\"a\":1,\"q\":2}}");
    assert_false(r.done);
    given_reason(&r.why, WEIR_CODE_UNKNOWN_FIELD, "s", 12, "the schema has no such field");
    result_free(&r);
    json_reader_free(lenient);
    json_reader_free(strict);
    weir_schema_free(schema);
}

static void depth_is_bounded(void **state)
{
    (void)state;
    struct weir_schema *schema = given_schema(ALIASED);
    struct json_reader *reader = reader_of(schema, WEIR_UNKNOWN_IGNORE);
    for (int depth = JSON_DEPTH_MAX - 2; depth < JSON_DEPTH_MAX + 2; depth++) {
        char text[400] = "{\"x\":";
        memset(text + 5, '[', (size_t)depth);
        memset(text + 5 + depth, ']', (size_t)depth);
        text[5 + 2 * depth] = '}';
        struct result r = read_text(reader, text);
        /* The object itself is one level. */
        assert_int_equal(r.done, depth < JSON_DEPTH_MAX);
        if (!r.done)
            given_reason(&r.why, WEIR_CODE_TOO_DEEP, NULL, 5 + JSON_DEPTH_MAX - 1, "nested deeper than 64");
        result_free(&r);
    }
    json_reader_free(reader);
    weir_schema_free(schema);
}

#define EVERYTHING                                                                                           \
    "{'type':'record','name':'r','fields':["                                                                 \
    "{'name':'i','type':'long'},"                                                                            \
    "{'name':'s','type':" S "},"                                                                             \
    "{'name':'u','type':['null','string']},"                                                                 \
    "{'name':'d','type':'double'},"                                                                          \
    "{'name':'p','type':" MAP("[" CIRCLE "," LABEL                                                           \
                              "," ARRAY(LIST) "]") ",'default':{}},"                                         \
                                                   "{'name':'m','type':'string','default':'?'}]}"
#define EVERYTHING_TEXT                                                                                      \
    "{\"u\":\"\\u00e4b\",\"x\\n\":{\"q\":[1]},\"s\":{\"b\":\"in\",\"a\":-5},\"d\":1.5,\"i\":70000,\"p\":{"   \
    "\"k\":{\"a\":\"l\"},\"l\":[{\"n\":{\"n\":null,\"v\":1},\"v\":2}],\"m\":{\"r\":1}}}"

static void a_short_scratch_is_too_large(void **state)
{
    (void)state;
    struct weir_schema *schema = given_schema(EVERYTHING);
    struct json_reader *reader = reader_of(schema, WEIR_UNKNOWN_IGNORE);
    struct weir_bytes text = weir_bytes_of(EVERYTHING_TEXT);
    bool enough = false;
    size_t cap = 0;
    for (; !enough; cap++) {
        struct result r = read_within(reader, text, cap);
        enough = r.done;
        if (!enough)
            assert_int_equal(r.why.code, WEIR_CODE_TOO_LARGE);
        result_free(&r);
    }
    assert_true(cap > 1 && cap <= json_scratch(reader, text.len));
    json_reader_free(reader);
    weir_schema_free(schema);
}

static void every_truncation_and_change_is_survived(void **state)
{
    (void)state;
    struct weir_schema *schema = given_schema(EVERYTHING);
    struct json_reader *reader = reader_of(schema, WEIR_UNKNOWN_IGNORE);
    char text[] = EVERYTHING_TEXT;
    size_t len = strlen(text);
    for (size_t n = 0; n < len; n++) {
        struct result r =
            read_within(reader, (struct weir_bytes){(uint8_t *)text, n}, json_scratch(reader, n));
        assert_false(r.done);
        assert_int_equal(r.why.code, WEIR_CODE_NOT_JSON);
        result_free(&r);
    }
    for (size_t i = 0; i < len; i++) {
        for (int value = 1; value < 256; value++) {
            char kept = text[i];
            text[i] = (char)value;
            struct result r = read_text(reader, text);
            if (!r.done)
                assert_true(r.why.code != WEIR_CODE_NONE && r.why.text.len > 0);
            result_free(&r);
            text[i] = kept;
        }
    }
    json_reader_free(reader);
    weir_schema_free(schema);
}

/* --- the reader itself --- */

/* Among many keys one that stands twice is found, wherever it is. */
static void a_key_that_stands_twice_is_found(void **state)
{
    (void)state;
    struct weir_schema *schema = given_schema(MAP("'int'"));
    struct json_reader *reader = reader_of(schema, WEIR_UNKNOWN_IGNORE);
    uint64_t seed = 1;
    for (int round = 0; round < 300; round++) {
        char text[3000];
        int n = 2 + (int)(given_random(&seed) % 150), len = 0, at[152];
        int again = round % 3 == 0 ? 0 : 1 + (int)(given_random(&seed) % (unsigned)(n - 1));
        for (int i = 0; i < n; i++) {
            at[i] = len + 1;
            int key = i == again && again > 0 ? (int)(given_random(&seed) % (unsigned)again) : i;
            len += snprintf(text + len, sizeof text - (size_t)len, "%c\"%x\":1", i ? ',' : '{', key * 7);
        }
        snprintf(text + len, sizeof text - (size_t)len, "}");
        struct weir_bytes in = weir_bytes_of(text), avro;
        struct weir_arena out = given_arena(json_scratch(reader, in.len));
        struct weir_reason why;
        assert_int_equal(json_read_value(reader, in, &out, &avro, &why), again == 0);
        if (again)
            given_reason(&why, WEIR_CODE_DUPLICATE_FIELD, NULL, at[again], "the key stands twice");
        given_arena_free(&out);
    }
    json_reader_free(reader);
    weir_schema_free(schema);
}

/* Values of any type, as deep as binary ones. */
static void values_nest_as_in_binary(void **state)
{
    (void)state;
    struct weir_schema *schema = given_schema(LIST);
    struct json_reader *reader = reader_of(schema, WEIR_UNKNOWN_REJECT);
    for (int depth = WEIR_VALUE_DEPTH_MAX - 1; depth <= WEIR_VALUE_DEPTH_MAX + 1; depth++) {
        static char text[(WEIR_VALUE_DEPTH_MAX + 2) * 12];
        int len = 0;
        for (int i = 1; i < depth; i++)
            len += snprintf(text + len, sizeof text - (size_t)len, "{\"v\":1,\"n\":");
        len += snprintf(text + len, sizeof text - (size_t)len, "{\"v\":1,\"n\":null");
        memset(text + len, '}', (size_t)depth);
        struct weir_bytes in = {(uint8_t *)text, (size_t)(len + depth)}, avro;
        struct weir_arena out = given_arena(json_scratch(reader, in.len));
        struct weir_reason why;
        bool done = json_read_value(reader, in, &out, &avro, &why);
        assert_int_equal(done, depth <= WEIR_VALUE_DEPTH_MAX);
        if (!done)
            assert_int_equal(why.code, WEIR_CODE_TOO_DEEP);
        given_arena_free(&out);
    }
    json_reader_free(reader);
    weir_schema_free(schema);
}

static void items_without_bytes_are_bounded(void **state)
{
    (void)state;
    struct weir_schema *schema = given_schema(ARRAY("'null'"));
    struct json_reader *reader = reader_of(schema, WEIR_UNKNOWN_REJECT);
    static char text[(RESOLVE_EMPTY_MAX + 1) * 5 + 1];
    for (size_t n = RESOLVE_EMPTY_MAX; n <= RESOLVE_EMPTY_MAX + 1; n++) {
        for (size_t i = 0; i < n; i++)
            memcpy(text + 5 * i, i ? ",null" : "[null", 5);
        text[5 * n] = ']';
        struct weir_bytes in = {(uint8_t *)text, 5 * n + 1}, avro;
        struct weir_arena out = given_arena(json_scratch(reader, in.len));
        struct weir_reason why;
        assert_int_equal(json_read_value(reader, in, &out, &avro, &why), n == RESOLVE_EMPTY_MAX);
        if (n > RESOLVE_EMPTY_MAX)
            given_reason(&why, WEIR_CODE_TOO_LARGE, "[16384]", (int64_t)in.len - 1, "items without bytes");
        given_arena_free(&out);
    }
    json_reader_free(reader);
    weir_schema_free(schema);
}

/* Many names, so that some share a place in the table. */
static void every_name_and_alias_is_found(void **state)
{
    (void)state;
    char text[8000];
    int len = snprintf(text, sizeof text, "{\"type\":\"record\",\"name\":\"r\",\"fields\":[");
    for (int i = 0; i < SLOTS_MAX; i++) {
        len += snprintf(text + len, sizeof text - (size_t)len,
                        "%s{\"name\":\"n%d\",\"type\":\"int\",\"default\":-1,\"aliases\":[\"n%d\"",
                        i ? "," : "", i, (i + 1) % SLOTS_MAX);
        for (int j = 0; j < 20; j++)
            len += snprintf(text + len, sizeof text - (size_t)len, ",\"a%d_%d\"", i, j);
        len += snprintf(text + len, sizeof text - (size_t)len, "]}");
    }
    snprintf(text + len, sizeof text - (size_t)len, "]}");
    struct weir_schema *schema = given_schema(text);
    struct json_reader *reader = reader_of(schema, WEIR_UNKNOWN_REJECT);
    for (int i = 0; i < SLOTS_MAX; i++) {
        for (int j = -1; j < 20; j++) {
            if (j < 0)
                snprintf(text, sizeof text, "{\"n%d\":7}", i);
            else
                snprintf(text, sizeof text, "{\"a%d_%d\":7}", i, j);
            struct result r = read_text(reader, text);
            assert_true(r.done);
            for (int k = 0; k < SLOTS_MAX; k++)
                assert_int_equal(r.slots[k].v.i, k == i ? 7 : -1);
            result_free(&r);
        }
    }
    json_reader_free(reader);
    weir_schema_free(schema);
}

static void every_failed_allocation_is_met(void **state)
{
    (void)state;
    char text[9000];
    int len = snprintf(text, sizeof text, "{\"type\":\"record\",\"name\":\"r\",\"fields\":[");
    for (int i = 0; i < 40; i++)
        len += snprintf(
            text + len, sizeof text - (size_t)len,
            "%s{\"name\":\"f%d\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"r%d\",\"fields\":["
            "{\"name\":\"g\",\"type\":{\"type\":\"array\",\"items\":\"int\"},\"aliases\":[\"h\"]}]}],"
            "\"default\":null}",
            i ? "," : "", i, i);
    snprintf(text + len, sizeof text - (size_t)len, "]}");
    struct weir_schema *schema = given_schema(text);
    const struct json_options options = {.unknown = WEIR_UNKNOWN_IGNORE};
    bool more = true;
    for (long n = 1; more; n++) {
        struct json_reader *reader = NULL;
        struct weir_err err = {WEIR_OK, ""};
        alloc_fail_at(n);
        enum weir_err_code code = json_reader_new(schema, &options, &reader, &err);
        more = alloc_fail_off();
        assert_int_equal(code, more ? WEIR_ERR_NO_MEMORY : WEIR_OK);
        assert_int_equal(err.code, code);
        assert_true(more || n > 4);
        json_reader_free(reader);
    }
    weir_schema_free(schema);
}

/* --- writing --- */

static const struct {
    const char *type;
    struct weir_bytes avro;
    const char *text; /* NULL: it is no value of the type */
} written[] = {
    {"'null'", GIVEN_NOTHING, "null"},
    {"'boolean'", GIVEN_BYTES(1), "true"},
    {"'boolean'", GIVEN_BYTES(0), "false"},
    {"'int'", GIVEN_BYTES(0xFF, 0xFF, 0xFF, 0xFF, 0x0F), "-2147483648"},
    {"'long'", GIVEN_BYTES(0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01),
     "-9223372036854775808"},
    {"'float'", GIVEN_BYTES(0xCD, 0xCC, 0xCC, 0x3D), "0.1"},
    {"'float'", GIVEN_BYTES(0, 0, 0xC0, 0x7F), "\"NaN\""},
    {"'double'", GIVEN_BYTES(0, 0, 0, 0, 0, 0, 4, 0xC0), "-2.5"},
    {"'double'", GIVEN_BYTES(0, 0, 0, 0, 0, 0, 0xF0, 0x7F), "\"Infinity\""},
    {"'double'", GIVEN_BYTES(0, 0, 0, 0, 0, 0, 0xF0, 0xFF), "\"-Infinity\""},
    {"'string'", GIVEN_BYTES(10, 'a', '"', '\\', '\n', 1), "\"a\\\"\\\\\\n\\u0001\""},
    {"'string'", GIVEN_BYTES(8, 0xC3, 0xA4, 0x7F, '/'), "\"\303\244\177/\""},
    {"'bytes'", GIVEN_BYTES(10, 0, 0x22, 0x7F, 0x80, 0xFF), "\"\\u0000\\\"\177\302\200\303\277\""},
    {GIVEN_ENUM("'A','B'"), GIVEN_BYTES(2), "\"B\""},
    {"['null','string']", GIVEN_BYTES(0), "null"},
    {"['null','string']", GIVEN_BYTES(2, 2, 'x'), "\"x\""},
    {GIVEN_RECORD(""), GIVEN_NOTHING, "{}"},
    {GIVEN_RECORD(GIVEN_FIELD("a", S) "," GIVEN_FIELD("b", "['null','int']")), GIVEN_BYTES(2, 2, 'x', 0),
     "{\"a\":{\"a\":1,\"b\":\"x\"},\"b\":null}"},
    {FIXED, GIVEN_BYTES('a', 0xFF), "\"a\303\277\""},
    {ARRAY("'int'"), GIVEN_BYTES(0), "[]"},
    {ARRAY("'int'"), GIVEN_BYTES(2, 2, 3, 4, 3, 4, 0), "[1,-2,2]"},
    {ARRAY("'null'"), GIVEN_BYTES(6, 0), "[null,null,null]"},
    {ARRAY(ARRAY("'boolean'")), GIVEN_BYTES(4, 0, 2, 1, 0, 0), "[[],[true]]"},
    {MAP("'int'"), GIVEN_BYTES(0), "{}"},
    {MAP("'int'"), GIVEN_BYTES(4, 2, 'a', 2, 2, '"', 4, 1, 4, 0, 8, 0), "{\"a\":1,\"\\\"\":2,\"\":4}"},
    {LIST, GIVEN_BYTES(2, 2, 4, 0), "{\"v\":1,\"n\":{\"v\":2,\"n\":null}}"},
    {ARRAY("['null','string']"), GIVEN_BYTES(4, 0, 2, 2, 'x', 0), "[null,\"x\"]"},
    {FIXED, GIVEN_BYTES(1), NULL},
    {ARRAY("'int'"), GIVEN_NOTHING, NULL},
    {ARRAY("'int'"), GIVEN_BYTES(4, 2, 0), NULL},
    {ARRAY("'int'"), GIVEN_BYTES(2, 2), NULL},
    {MAP("'int'"), GIVEN_BYTES(2, 4, 'a', 2, 0), NULL},
    {"'int'", GIVEN_NOTHING, NULL},
    {"'int'", GIVEN_BYTES(2, 2), NULL},
    {"'boolean'", GIVEN_NOTHING, NULL},
    {"'double'", GIVEN_BYTES(1), NULL},
    {"'string'", GIVEN_BYTES(2), NULL},
    {"'bytes'", GIVEN_BYTES(1), NULL},
    {GIVEN_ENUM("'A','B'"), GIVEN_BYTES(4), NULL},
    {"['null']", GIVEN_BYTES(1), NULL},
};

static void avro_becomes_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof written / sizeof written[0]; i++) {
        struct weir_schema *schema = given_schema(written[i].type);
        struct weir_bytes avro = given_copy(written[i].avro), text;
        size_t len = written[i].text ? strlen(written[i].text) : 100;
        struct weir_arena out = given_arena(len);
        struct json_room room;
        assert_true(json_room(schema, &room));
        assert_true(!written[i].text || len <= room.fixed + room.factor * avro.len);
        assert_int_equal(json_write(schema->root, avro, &out, &text), written[i].text != NULL);
        assert_int_equal(out.used, written[i].text ? len : 0);
        if (written[i].text)
            assert_true(weir_bytes_equal(text, weir_bytes_of(written[i].text)));
        for (size_t cap = 0; written[i].text && cap < len; cap++) {
            out.used = 0;
            out.cap = cap;
            assert_false(json_write(schema->root, avro, &out, &text));
            assert_int_equal(out.used, 0);
        }
        given_arena_free(&out);
        free((void *)avro.data);
        weir_schema_free(schema);
    }
}

/* As long as it can be: the bound is met by names that stand again and again, and by a type that contains
 * itself. */
static void how_long_json_can_be(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        size_t factor;
    } rooms[] = {
        {"'string'", 6},
        {GIVEN_RECORD(GIVEN_FIELD("a_name_that_is_long", "'int'")), 6},
        {ARRAY(GIVEN_RECORD(GIVEN_FIELD("name", "'double'"))), 9},
        {ARRAY(GIVEN_RECORD(GIVEN_FIELD("a_name_that_is_long", "'boolean'"))), JSON_FACTOR_MAX},
        {LIST, JSON_FACTOR_MAX},
        {MAP(LIST), JSON_FACTOR_MAX},
    };
    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        struct weir_schema *schema = given_schema(rooms[i].type);
        struct json_room room;
        assert_true(json_room(schema, &room));
        if (room.factor != rooms[i].factor)
            fail_msg("%s: %zu", rooms[i].type, room.factor);
        alloc_fail_at(1);
        assert_false(json_room(schema, &room));
        assert_true(alloc_fail_off());
        alloc_fail_at(2);
        assert_false(json_room(schema, &room));
        assert_true(alloc_fail_off());
        weir_schema_free(schema);
    }
}

static void bad_utf8_is_written_as_its_replacement(void **state)
{
    (void)state;
    struct weir_arena out = given_arena(64);
    assert_true(json_write_text(&out, weir_bytes_of("a\377\377b\303")));
    assert_true(weir_bytes_equal((struct weir_bytes){out.base, out.used},
                                 weir_bytes_of("\"a\\ufffd\\ufffdb\\ufffd\"")));
    out.used = 0;
    out.cap = 24;
    assert_false(json_write_text(&out, weir_bytes_of("a\377\377b\303\"\"")));
    assert_int_equal(out.used, 0);
    given_arena_free(&out);
}

/* What was written from a record reads back as the same bytes. */
static void what_is_written_reads_back(void **state)
{
    (void)state;
    struct weir_schema *schema = given_schema(EVERYTHING);
    struct json_reader *reader = reader_of(schema, WEIR_UNKNOWN_REJECT);
    static const uint8_t avro[] = {0xE0, 0xC5, 8, 9, 4,    'i', 'n', 2,   6, 0xC3, 0xA4, '\"', 1, 2,  3,
                                   4,    5,    6, 7, 0x40, 2,   2,   'k', 2, 2,    'x',  0,    2, 'm'};
    struct weir_arena out = given_arena(300);
    struct weir_bytes text;
    assert_true(json_write(schema->root, (struct weir_bytes){avro, sizeof avro}, &out, &text));
    struct result r = read_within(reader, text, json_scratch(reader, text.len));
    assert_true(r.done);
    struct weir_arena again = given_arena(sizeof avro);
    for (size_t i = 0; i < schema->root->n; i++)
        assert_true(encode_raw(&again, r.slots[i].raw));
    assert_bytes((struct weir_bytes){again.base, again.used}, (struct weir_bytes){avro, sizeof avro});
    given_arena_free(&again);
    result_free(&r);
    given_arena_free(&out);
    json_reader_free(reader);
    weir_schema_free(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_become_avro),
        cmocka_unit_test(branches_are_found),
        cmocka_unit_test(the_nearest_branch_says_why),
        cmocka_unit_test(tries_are_bounded),
        cmocka_unit_test(texts_are_numbers_where_they_may),
        cmocka_unit_test(slots_hold_the_values),
        cmocka_unit_test(malformed_texts_are_told),
        cmocka_unit_test(unknown_fields_of_the_branch_that_takes_it_are_counted),
        cmocka_unit_test(unknown_fields_are_skipped_or_rejected),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(a_short_scratch_is_too_large),
        cmocka_unit_test(every_truncation_and_change_is_survived),
        cmocka_unit_test(a_key_that_stands_twice_is_found),
        cmocka_unit_test(values_nest_as_in_binary),
        cmocka_unit_test(items_without_bytes_are_bounded),
        cmocka_unit_test(every_name_and_alias_is_found),
        cmocka_unit_test(every_failed_allocation_is_met),
        cmocka_unit_test(avro_becomes_json),
        cmocka_unit_test(how_long_json_can_be),
        cmocka_unit_test(bad_utf8_is_written_as_its_replacement),
        cmocka_unit_test(what_is_written_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
