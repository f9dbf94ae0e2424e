#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "avro/decode.h"
#include "avro/encode.h"
#include "support/given.h"

#define BASE      5
#define SLOTS_MAX 8

/* What a decoding gave. All that it borrows lives until result_free. */
struct result {
    bool done;
    struct slot slots[SLOTS_MAX];
    struct weir_reason why;
    struct weir_bytes in;
    struct weir_arena scratch;
};

/* Runs decode_record with just so much scratch. */
static struct result decode_within(const struct given_pair *pair, struct weir_bytes in, size_t cap)
{
    struct result r;
    memset(&r, 0xA5, sizeof r);
    r.in = given_copy(in);
    r.scratch = given_arena(cap);
    r.done = decode_record(pair->resolution, r.in, BASE, &r.scratch, r.slots, &r.why);
    assert_int_equal(r.scratch.cap, cap);
    return r;
}

/* Runs decode_record with the scratch that resolve_scratch names: that is never too little. */
static struct result decode(const struct given_pair *pair, struct weir_bytes in)
{
    struct result r = decode_within(pair, in, resolve_scratch(pair->resolution, in.len));
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

/* --- one field of every type --- */

static const struct {
    const char *writer, *reader;
    struct weir_bytes in;
    enum slot_kind kind;
    int64_t i; /* v.i */
    double d;  /* v.d */
    const char *text;
    struct weir_bytes raw;
} values[] = {
    {"'null'", "'null'", GIVEN_NOTHING, SLOT_NULL, 0, 0, NULL, GIVEN_NOTHING},
    {"'boolean'", "'boolean'", GIVEN_BYTES(1), SLOT_BOOLEAN, 1, 0, NULL, GIVEN_BYTES(1)},
    {"'boolean'", "'boolean'", GIVEN_BYTES(0), SLOT_BOOLEAN, 0, 0, NULL, GIVEN_BYTES(0)},
    {"'int'", "'int'", GIVEN_BYTES(0xFE, 0xFF, 0xFF, 0xFF, 0x0F), SLOT_INTEGER, INT32_MAX, 0, NULL,
     GIVEN_BYTES(0xFE, 0xFF, 0xFF, 0xFF, 0x0F)},
    {"'int'", "'int'", GIVEN_BYTES(0xFF, 0xFF, 0xFF, 0xFF, 0x0F), SLOT_INTEGER, INT32_MIN, 0, NULL,
     GIVEN_BYTES(0xFF, 0xFF, 0xFF, 0xFF, 0x0F)},
    {"'int'", "'long'", GIVEN_BYTES(0x80, 0x01), SLOT_INTEGER, 64, 0, NULL, GIVEN_BYTES(0x80, 0x01)},
    /* More bytes than needed are legal, and kept. */
    {"'int'", "'int'", GIVEN_BYTES(0x80, 0x80, 0x80, 0x80, 0x00), SLOT_INTEGER, 0, 0, NULL,
     GIVEN_BYTES(0x80, 0x80, 0x80, 0x80, 0x00)},
    {"'int'", "'float'", GIVEN_BYTES(0x03), SLOT_REAL, 0, -2, NULL, GIVEN_BYTES(0, 0, 0, 0xC0)},
    {"'int'", "'double'", GIVEN_BYTES(0x03), SLOT_REAL, 0, -2, NULL, GIVEN_BYTES(0, 0, 0, 0, 0, 0, 0, 0xC0)},
    {"'long'", "'long'", GIVEN_BYTES(0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01),
     SLOT_INTEGER, INT64_MAX, 0, NULL,
     GIVEN_BYTES(0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01)},
    {"'long'", "'long'", GIVEN_BYTES(0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01),
     SLOT_INTEGER, INT64_MIN, 0, NULL,
     GIVEN_BYTES(0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01)},
    {"'long'", "'float'", GIVEN_BYTES(0x04), SLOT_REAL, 0, 2, NULL, GIVEN_BYTES(0, 0, 0, 0x40)},
    {"'long'", "'double'", GIVEN_BYTES(0x04), SLOT_REAL, 0, 2, NULL, GIVEN_BYTES(0, 0, 0, 0, 0, 0, 0, 0x40)},
    {"'float'", "'float'", GIVEN_BYTES(0, 0, 0xC0, 0x3F), SLOT_REAL, 0, 1.5, NULL,
     GIVEN_BYTES(0, 0, 0xC0, 0x3F)},
    {"'float'", "'double'", GIVEN_BYTES(0, 0, 0xC0, 0x3F), SLOT_REAL, 0, 1.5, NULL,
     GIVEN_BYTES(0, 0, 0, 0, 0, 0, 0xF8, 0x3F)},
    {"'double'", "'double'", GIVEN_BYTES(0, 0, 0, 0, 0, 0, 0xF8, 0x3F), SLOT_REAL, 0, 1.5, NULL,
     GIVEN_BYTES(0, 0, 0, 0, 0, 0, 0xF8, 0x3F)},
    {"'string'", "'string'", GIVEN_BYTES(6, 'a', 0xC3, 0xA4), SLOT_TEXT, 0, 0, "a\303\244",
     GIVEN_BYTES(6, 'a', 0xC3, 0xA4)},
    {"'string'", "'string'", GIVEN_BYTES(0), SLOT_TEXT, 0, 0, "", GIVEN_BYTES(0)},
    {"'string'", "'bytes'", GIVEN_BYTES(2, 'a'), SLOT_BINARY, 0, 0, "a", GIVEN_BYTES(2, 'a')},
    {"'bytes'", "'bytes'", GIVEN_BYTES(4, 0xFF, 'a'), SLOT_BINARY, 0, 0, "\377a", GIVEN_BYTES(4, 0xFF, 'a')},
    {"'bytes'", "'string'", GIVEN_BYTES(2, 'a'), SLOT_TEXT, 0, 0, "a", GIVEN_BYTES(2, 'a')},
    {GIVEN_ENUM("'A','B'"), GIVEN_ENUM("'A','B','C'"), GIVEN_BYTES(2), SLOT_SYMBOL, 1, 0, NULL,
     GIVEN_BYTES(2)},
    {GIVEN_ENUM("'A','B'"), GIVEN_ENUM("'C','B','A'"), GIVEN_BYTES(0), SLOT_SYMBOL, 2, 0, NULL,
     GIVEN_BYTES(4)},
    {GIVEN_ENUM("'A','B'"), "{'type':'enum','name':'e','symbols':['B','U'],'default':'U'}", GIVEN_BYTES(0),
     SLOT_SYMBOL, 1, 0, NULL, GIVEN_BYTES(2)},
    {"['null','string']", "['null','string']", GIVEN_BYTES(0), SLOT_NULL, 0, 0, NULL, GIVEN_BYTES(0)},
    {"['null','string']", "['null','string']", GIVEN_BYTES(2, 2, 'a'), SLOT_TEXT, 0, 0, "a",
     GIVEN_BYTES(2, 2, 'a')},
    {"['null','string']", "['string','null']", GIVEN_BYTES(2, 2, 'a'), SLOT_TEXT, 0, 0, "a",
     GIVEN_BYTES(0, 2, 'a')},
    {"['null','string']", "['string','null']", GIVEN_BYTES(0), SLOT_NULL, 0, 0, NULL, GIVEN_BYTES(2)},
    {"['null','string']", "'string'", GIVEN_BYTES(2, 2, 'a'), SLOT_TEXT, 0, 0, "a", GIVEN_BYTES(2, 'a')},
    {"['int','string']", "['string','double']", GIVEN_BYTES(0, 4), SLOT_REAL, 0, 2, NULL,
     GIVEN_BYTES(2, 0, 0, 0, 0, 0, 0, 0, 0x40)},
    {"'string'", "['null','string']", GIVEN_BYTES(2, 'a'), SLOT_TEXT, 0, 0, "a", GIVEN_BYTES(2, 2, 'a')},
    {"'int'", "['null','long']", GIVEN_BYTES(2), SLOT_INTEGER, 1, 0, NULL, GIVEN_BYTES(2, 2)},
    {GIVEN_ENUM("'A','B'"), "['null'," GIVEN_ENUM("'B','A'") "]", GIVEN_BYTES(2), SLOT_SYMBOL, 0, 0, NULL,
     GIVEN_BYTES(2, 0)},
    /* A string stays a string though bytes stand first. */
    {"['bytes','string']", "['bytes','string']", GIVEN_BYTES(2, 2, 'a'), SLOT_TEXT, 0, 0, "a",
     GIVEN_BYTES(2, 2, 'a')},
    {"'int'", "['double','int']", GIVEN_BYTES(2), SLOT_INTEGER, 1, 0, NULL, GIVEN_BYTES(2, 2)},
};

static void values_of_every_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char writer[400], reader[400];
        snprintf(writer, sizeof writer, GIVEN_ONE("%s"), values[i].writer);
        snprintf(reader, sizeof reader, GIVEN_ONE("%s"), values[i].reader);
        struct given_pair pair = given_pair(writer, reader);
        struct result r = decode(&pair, values[i].in);
        const struct slot *slot = &r.slots[0];
        if (!r.done)
            fail_msg("%zu: %.*s", i, (int)r.why.text.len, (const char *)r.why.text.data);
        assert_int_equal(slot->kind, values[i].kind);
        assert_int_equal(slot->at, BASE);
        assert_false(slot->defaulted);
        assert_bytes(slot->raw, values[i].raw);
        if (values[i].kind == SLOT_REAL)
            assert_true(slot->v.d == values[i].d);
        else if (values[i].text)
            assert_true(weir_bytes_equal(slot->v.text, weir_bytes_of(values[i].text)));
        else if (values[i].kind != SLOT_NULL)
            assert_int_equal(slot->v.i, values[i].i);
        result_free(&r);
        given_pair_free(&pair);
    }
}

/* --- what is wrong with bytes --- */

#define LONG_MAX_PLUS 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80

static const struct {
    const char *writer, *reader; /* reader NULL: the writer */
    struct weir_bytes in;
    enum weir_code code;
    int64_t at; /* in the payload */
    const char *text;
} malformed[] = {
    {"'int'", NULL, GIVEN_NOTHING, WEIR_CODE_TRUNCATED, 0, "an integer ends after 0 bytes"},
    {"'int'", NULL, GIVEN_BYTES(0x80), WEIR_CODE_TRUNCATED, 0, "an integer ends after 1 bytes"},
    {"'int'", NULL, GIVEN_BYTES(0x80, 0x80, 0x80, 0x80, 0x10), WEIR_CODE_OUT_OF_RANGE, 0,
     "2147483648 is not an int"},
    {"'int'", NULL, GIVEN_BYTES(0x81, 0x80, 0x80, 0x80, 0x10), WEIR_CODE_OUT_OF_RANGE, 0,
     "-2147483649 is not an int"},
    {"'int'", NULL, GIVEN_BYTES(0x82, 0x80, 0x80, 0x80, 0x80, 0x00), WEIR_CODE_BAD_LENGTH, 0,
     "an int of 6 bytes"},
    {"'int'", "'double'", GIVEN_BYTES(0x80, 0x80, 0x80, 0x80, 0x10), WEIR_CODE_OUT_OF_RANGE, 0,
     "is not an int"},
    {"'long'", NULL, GIVEN_BYTES(LONG_MAX_PLUS), WEIR_CODE_TRUNCATED, 0, "an integer ends after 9 bytes"},
    {"'long'", NULL, GIVEN_BYTES(LONG_MAX_PLUS, 0x02), WEIR_CODE_OUT_OF_RANGE, 0,
     "an integer of more than 64 bits"},
    {"'long'", NULL, GIVEN_BYTES(LONG_MAX_PLUS, 0x80), WEIR_CODE_BAD_LENGTH, 0, "more than 10 bytes"},
    {"'long'", NULL, GIVEN_BYTES(LONG_MAX_PLUS, 0x81, 0x00), WEIR_CODE_BAD_LENGTH, 0, "more than 10 bytes"},
    {"'float'", NULL, GIVEN_BYTES(1, 2, 3), WEIR_CODE_TRUNCATED, 0, "4 bytes are needed, but 3 remain"},
    {"'double'", NULL, GIVEN_BYTES(1, 2, 3), WEIR_CODE_TRUNCATED, 0, "8 bytes are needed, but 3 remain"},
    {"'boolean'", NULL, GIVEN_NOTHING, WEIR_CODE_TRUNCATED, 0, "1 bytes are needed, but 0 remain"},
    {"'boolean'", NULL, GIVEN_BYTES(2), WEIR_CODE_BAD_BOOLEAN, 0, "a boolean of value 2"},
    {"'boolean'", NULL, GIVEN_BYTES(0xFF), WEIR_CODE_BAD_BOOLEAN, 0, "a boolean of value 255"},
    {"'string'", NULL, GIVEN_BYTES(8, 'a', 'b', 'c'), WEIR_CODE_TRUNCATED, 0, "length 4, but 3 bytes remain"},
    {"'string'", NULL, GIVEN_BYTES(LONG_MAX_PLUS, 0x01, 'a', 'b', 'c'), WEIR_CODE_TRUNCATED, 0,
     "length 4611686018427387904, but 3 bytes remain"},
    {"'string'", NULL, GIVEN_BYTES(1), WEIR_CODE_BAD_LENGTH, 0, "length -1"},
    {"'bytes'", NULL, GIVEN_BYTES(0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01),
     WEIR_CODE_BAD_LENGTH, 0, "length -9223372036854775808"},
    {"'string'", NULL, GIVEN_BYTES(LONG_MAX_PLUS, 0x02), WEIR_CODE_OUT_OF_RANGE, 0, "more than 64 bits"},
    {"'string'", NULL, GIVEN_BYTES(6, 'a', 0xFF, 'b'), WEIR_CODE_BAD_UTF8, 2,
     "byte 1 of a text of 3 bytes is not UTF-8"},
    {"'string'", NULL, GIVEN_BYTES(2, 0xC3), WEIR_CODE_BAD_UTF8, 1, "byte 0 of a text of 1 bytes"},
    {"'string'", NULL, GIVEN_BYTES(6, 0xED, 0xA0, 0x80), WEIR_CODE_BAD_UTF8, 1, "is not UTF-8"},
    {"'string'", NULL, GIVEN_BYTES(24, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 0x80),
     WEIR_CODE_BAD_UTF8, 12, "byte 11 of a text of 12 bytes"},
    {"'string'", "'bytes'", GIVEN_BYTES(2, 0xFF), WEIR_CODE_BAD_UTF8, 1, "is not UTF-8"},
    {"'bytes'", "'string'", GIVEN_BYTES(2, 0xFF), WEIR_CODE_BAD_UTF8, 1, "is not UTF-8"},
    {GIVEN_ENUM("'A','B'"), NULL, GIVEN_BYTES(4), WEIR_CODE_BAD_ENUM, 0, "symbol 2 of 2"},
    {GIVEN_ENUM("'A','B'"), NULL, GIVEN_BYTES(1), WEIR_CODE_BAD_ENUM, 0, "symbol -1 of 2"},
    {GIVEN_ENUM("'A','B'"), NULL, GIVEN_BYTES(0x80, 0x80, 0x80, 0x80, 0x20), WEIR_CODE_OUT_OF_RANGE, 0,
     "4294967296 is not an int"},
    {GIVEN_ENUM("'A','B'"), GIVEN_ENUM("'A'"), GIVEN_BYTES(2), WEIR_CODE_BAD_ENUM, 0,
     "the reader has no symbol for the writer's symbol 1"},
    {GIVEN_ENUM(""), NULL, GIVEN_BYTES(0), WEIR_CODE_BAD_ENUM, 0, "symbol 0 of 0"},
    {"['null','int']", NULL, GIVEN_BYTES(4), WEIR_CODE_BAD_UNION_BRANCH, 0, "branch 2 of 2"},
    {"['null','int']", NULL, GIVEN_BYTES(1), WEIR_CODE_BAD_UNION_BRANCH, 0, "branch -1 of 2"},
    {"['null','int']", NULL, GIVEN_BYTES(2), WEIR_CODE_TRUNCATED, 1, "ends after 0 bytes"},
    {"[]", NULL, GIVEN_BYTES(0), WEIR_CODE_BAD_UNION_BRANCH, 0, "branch 0 of 0"},
    {"['null','string']", "'string'", GIVEN_BYTES(0), WEIR_CODE_BAD_UNION_BRANCH, 0,
     "the reader cannot read the writer's branch 0"},
    {"['null','string']", "['null','int']", GIVEN_BYTES(2, 2, 'a'), WEIR_CODE_BAD_UNION_BRANCH, 0,
     "the reader cannot read the writer's branch 1"},
};

static void malformed_values_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        const char *to = malformed[i].reader ? malformed[i].reader : malformed[i].writer;
        char writer[400], reader[400];
        snprintf(writer, sizeof writer, GIVEN_ONE("%s"), malformed[i].writer);
        snprintf(reader, sizeof reader, GIVEN_ONE("%s"), to);
        struct given_pair pair = given_pair(writer, reader);
        struct result r = decode(&pair, malformed[i].in);
        assert_false(r.done);
        given_reason(&r.why, malformed[i].code, "f", BASE + malformed[i].at, malformed[i].text);
        result_free(&r);
        given_pair_free(&pair);
    }
}

static void trailing_bytes_are_told(void **state)
{
    (void)state;
    struct given_pair pair = given_pair(GIVEN_ONE("'int'"), GIVEN_ONE("'int'"));
    struct result r = decode(&pair, (struct weir_bytes)GIVEN_BYTES(2, 0, 0));
    assert_false(r.done);
    given_reason(&r.why, WEIR_CODE_TRAILING_BYTES, NULL, BASE + 1, "2 bytes after the last field");
    result_free(&r);
    given_pair_free(&pair);
}

/* Texts of every length around the sizes of words, each with a bad byte at every place. */
static void bad_utf8_is_found_wherever_it_is(void **state)
{
    (void)state;
    struct given_pair pair = given_pair(GIVEN_ONE("'string'"), GIVEN_ONE("'string'"));
    for (size_t len = 0; len < 40; len++) {
        uint8_t in[41];
        memset(in, 'x', sizeof in);
        in[0] = (uint8_t)(2 * len);
        struct result r = decode(&pair, (struct weir_bytes){in, len + 1});
        assert_true(r.done);
        assert_int_equal(r.slots[0].v.text.len, len);
        result_free(&r);
        for (size_t bad = 1; bad <= len; bad++) {
            in[bad] = 0x80;
            r = decode(&pair, (struct weir_bytes){in, len + 1});
            assert_false(r.done);
            given_reason(&r.why, WEIR_CODE_BAD_UTF8, "f", (int64_t)(BASE + bad), "is not UTF-8");
            result_free(&r);
            in[bad] = 'x';
        }
    }
    given_pair_free(&pair);
}

/* --- records --- */

#define WRITER                                                                                               \
    "{'type':'record','name':'r','fields':["                                                                 \
    "{'name':'a','type':'string'},"                                                                          \
    "{'name':'n','type':'int'},"                                                                             \
    "{'name':'s','type':{'type':'record','name':'s','fields':["                                              \
    "  {'name':'b','type':'bytes'},"                                                                         \
    "  {'name':'x','type':'int'},"                                                                           \
    "  {'name':'y','type':'string'}]}},"                                                                     \
    "{'name':'old','type':['null','string']}]}"
#define READER                                                                                               \
    "{'type':'record','name':'r','fields':["                                                                 \
    "{'name':'new','type':['string','null'],'aliases':['older','old']},"                                     \
    "{'name':'s','type':{'type':'record','name':'s','fields':["                                              \
    "  {'name':'y','type':['null','string']},"                                                               \
    "  {'name':'z','type':'int','default':-1},"                                                              \
    "  {'name':'x','type':'double'}]}},"                                                                     \
    "{'name':'d','type':'string','default':'unknown'},"                                                      \
    "{'name':'n','type':'long'}]}"

static const uint8_t record_in[] = {2, 'a', 4, /* s */ 2, 0xFF, 6, 2, 'y', /* old */ 2, 4, 'o', 'k'};

static void fields_are_matched_dropped_reordered_and_defaulted(void **state)
{
    (void)state;
    struct given_pair pair = given_pair(WRITER, READER);
    struct result r = decode(&pair, (struct weir_bytes){record_in, sizeof record_in});
    assert_true(r.done);
    assert_bytes(r.slots[0].raw, (struct weir_bytes)GIVEN_BYTES(0, 4, 'o', 'k'));
    assert_int_equal(r.slots[0].kind, SLOT_TEXT);
    assert_int_equal(r.slots[0].at, BASE + 8);
    assert_bytes(r.slots[1].raw, (struct weir_bytes)GIVEN_BYTES(2, 2, 'y', 1, 0, 0, 0, 0, 0, 0, 8, 0x40));
    assert_int_equal(r.slots[1].kind, SLOT_NESTED);
    assert_int_equal(r.slots[1].at, BASE + 3);
    assert_true(r.slots[2].defaulted);
    assert_true(weir_bytes_equal(r.slots[2].v.text, weir_bytes_of("unknown")));
    assert_bytes(r.slots[3].raw, (struct weir_bytes)GIVEN_BYTES(4));
    assert_ptr_equal(r.slots[3].raw.data, r.in.data + 2);
    assert_false(r.slots[3].defaulted);
    result_free(&r);
    given_pair_free(&pair);
}

/* Of what is dropped lengths and indexes are checked, but not texts; and the path of the field is named. */
static void reasons_name_the_innermost_field(void **state)
{
    (void)state;
    struct given_pair pair = given_pair(WRITER, READER);
    uint8_t in[sizeof record_in];
    memcpy(in, record_in, sizeof in);
    in[1] = 0xFF;
    struct result r = decode(&pair, (struct weir_bytes){in, sizeof in});
    assert_true(r.done);
    result_free(&r);
    memcpy(in, record_in, sizeof in);
    in[0] = 1;
    r = decode(&pair, (struct weir_bytes){in, sizeof in});
    given_reason(&r.why, WEIR_CODE_BAD_LENGTH, "a", BASE, "length -1");
    result_free(&r);
    memcpy(in, record_in, sizeof in);
    in[7] = 0xFF;
    r = decode(&pair, (struct weir_bytes){in, sizeof in});
    given_reason(&r.why, WEIR_CODE_BAD_UTF8, "s.y", BASE + 7, "is not UTF-8");
    result_free(&r);
    memcpy(in, record_in, sizeof in);
    in[3] = 1;
    r = decode(&pair, (struct weir_bytes){in, sizeof in});
    given_reason(&r.why, WEIR_CODE_BAD_LENGTH, "s.b", BASE + 3, "length -1");
    result_free(&r);
    memcpy(in, record_in, sizeof in);
    in[8] = 6;
    r = decode(&pair, (struct weir_bytes){in, sizeof in});
    given_reason(&r.why, WEIR_CODE_BAD_UNION_BRANCH, "new", BASE + 8, "branch 3 of 2");
    result_free(&r);
    given_pair_free(&pair);
}

static void every_truncation_is_found(void **state)
{
    (void)state;
    struct given_pair pair = given_pair(WRITER, READER);
    for (size_t len = 0; len < sizeof record_in; len++) {
        struct result r = decode(&pair, (struct weir_bytes){record_in, len});
        assert_false(r.done);
        assert_int_equal(r.why.code, WEIR_CODE_TRUNCATED);
        assert_true(r.why.byte_offset >= BASE && r.why.byte_offset <= BASE + (int64_t)len);
        assert_non_null(r.why.field);
        result_free(&r);
    }
    given_pair_free(&pair);
}

static void a_short_scratch_is_too_large(void **state)
{
    (void)state;
    struct given_pair pair = given_pair(WRITER, READER);
    bool enough = false;
    size_t cap = 0;
    for (; !enough; cap++) {
        struct result r = decode_within(&pair, (struct weir_bytes){record_in, sizeof record_in}, cap);
        enough = r.done;
        if (!enough) {
            assert_int_equal(r.why.code, WEIR_CODE_TOO_LARGE);
            assert_true(r.why.text.len == 0 || r.why.text.data);
        }
        result_free(&r);
    }
    assert_true(cap > 1 && cap <= resolve_scratch(pair.resolution, sizeof record_in));
    given_pair_free(&pair);
}

/* Two reader fields may not read the same writer field. */
static void a_name_goes_before_an_alias(void **state)
{
    (void)state;
    struct given_pair pair = given_pair(
        GIVEN_ONE("'int'"),
        GIVEN_RECORD("{'name':'g','type':'int','default':9,'aliases':['f']}," GIVEN_FIELD("f", "'int'")));
    struct result r = decode(&pair, (struct weir_bytes)GIVEN_BYTES(2));
    assert_true(r.done);
    assert_true(r.slots[0].defaulted);
    assert_int_equal(r.slots[0].v.i, 9);
    assert_int_equal(r.slots[1].v.i, 1);
    result_free(&r);
    given_pair_free(&pair);
}

/* Whatever single byte is changed: a verdict or other slots, and never a byte too far. */
static void any_change_of_a_byte_is_survived(void **state)
{
    (void)state;
    struct given_pair pair = given_pair(WRITER, READER);
    for (size_t i = 0; i < sizeof record_in; i++) {
        for (int value = 0; value < 256; value++) {
            uint8_t in[sizeof record_in];
            memcpy(in, record_in, sizeof in);
            in[i] = (uint8_t)value;
            struct result r = decode(&pair, (struct weir_bytes){in, sizeof in});
            if (!r.done)
                assert_true(r.why.code != WEIR_CODE_NONE && r.why.text.len > 0);
            result_free(&r);
        }
    }
    given_pair_free(&pair);
}

/* --- decode_rewrite --- */

static void values_are_rewritten(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct given_pair pair = given_pair(values[i].writer, values[i].reader);
        struct weir_bytes in = given_copy(values[i].in);
        struct weir_arena out = given_arena(resolve_scratch(pair.resolution, in.len) + 1);
        struct weir_reason why;
        assert_non_null(weir_arena_alloc(&out, 1, 1));
        assert_true(decode_rewrite(pair.resolution, in, &out, &why));
        assert_bytes((struct weir_bytes){out.base + 1, out.used - 1}, values[i].raw);
        given_arena_free(&out);
        free((void *)in.data);
        given_pair_free(&pair);
    }
}

static void what_cannot_be_rewritten_adds_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        struct given_pair pair =
            given_pair(malformed[i].writer, malformed[i].reader ? malformed[i].reader : malformed[i].writer);
        struct weir_bytes in = given_copy(malformed[i].in);
        struct weir_arena out = given_arena(resolve_scratch(pair.resolution, in.len));
        struct weir_reason why;
        assert_false(decode_rewrite(pair.resolution, in, &out, &why));
        given_reason(&why, malformed[i].code, NULL, malformed[i].at, "the output's type");
        assert_int_equal(out.used, 0);
        given_arena_free(&out);
        free((void *)in.data);
        given_pair_free(&pair);
    }
    struct given_pair pair = given_pair("'int'", "'double'");
    struct weir_arena out = given_arena(7);
    struct weir_reason why;
    assert_false(decode_rewrite(pair.resolution, (struct weir_bytes)GIVEN_BYTES(2), &out, &why));
    assert_int_equal(why.code, WEIR_CODE_TOO_LARGE);
    out.cap = 0;
    assert_false(decode_rewrite(pair.resolution, (struct weir_bytes)GIVEN_BYTES(2, 2), &out, &why));
    assert_int_equal(out.used, 0);
    given_arena_free(&out);
    given_pair_free(&pair);
}

static void a_whole_record_is_rewritten(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0, 4, 'o',  'k', 2,   2,   'y', 1,   0,   0,   0,   0, 0,
                                       0, 8, 0x40, 14,  'u', 'n', 'k', 'n', 'o', 'w', 'n', 4};
    struct given_pair pair = given_pair(WRITER, READER);
    struct weir_arena out = given_arena(resolve_scratch(pair.resolution, sizeof record_in));
    struct weir_reason why;
    assert_true(
        decode_rewrite(pair.resolution, (struct weir_bytes){record_in, sizeof record_in}, &out, &why));
    assert_bytes((struct weir_bytes){out.base, out.used}, (struct weir_bytes){expected, sizeof expected});
    given_arena_free(&out);
    given_pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_every_type),
        cmocka_unit_test(malformed_values_are_told),
        cmocka_unit_test(trailing_bytes_are_told),
        cmocka_unit_test(bad_utf8_is_found_wherever_it_is),
        cmocka_unit_test(fields_are_matched_dropped_reordered_and_defaulted),
        cmocka_unit_test(reasons_name_the_innermost_field),
        cmocka_unit_test(every_truncation_is_found),
        cmocka_unit_test(a_short_scratch_is_too_large),
        cmocka_unit_test(a_name_goes_before_an_alias),
        cmocka_unit_test(any_change_of_a_byte_is_survived),
        cmocka_unit_test(values_are_rewritten),
        cmocka_unit_test(what_cannot_be_rewritten_adds_nothing),
        cmocka_unit_test(a_whole_record_is_rewritten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
