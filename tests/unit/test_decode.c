#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "avro/decode.h"
#include "avro/encode.h"

#define BYTES(...)                                                                                           \
    {                                                                                                        \
        (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})                               \
    }
#define NO_BYTES                                                                                             \
    {                                                                                                        \
        (const uint8_t *)"", 0                                                                               \
    }

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"r\",\"fields\":[" fields "]}"
#define ONE(type)      RECORD("{\"name\":\"f\",\"type\":" type "}")
#define ENUM(symbols)  "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[" symbols "]}"
#define BASE           5
#define SLOTS_MAX      8

struct pair {
    struct weir_schema *writer, *reader;
    struct resolution *resolution;
};

static struct weir_schema *parse(const char *text)
{
    struct weir_schema *schema = NULL;
    struct weir_err err = {WEIR_OK, ""};
    if (weir_schema_parse(weir_bytes_of(text), &schema, &err) != WEIR_OK)
        fail_msg("%s: %s", text, err.text);
    return schema;
}

static struct pair pair_new(const char *writer, const char *reader)
{
    struct pair pair = {parse(writer), parse(reader), NULL};
    struct weir_err err = {WEIR_OK, ""};
    if (resolve_new(pair.writer->root, pair.reader->root, &pair.resolution, &err) != WEIR_OK)
        fail_msg("%s -> %s: %s", writer, reader, err.text);
    return pair;
}

static void pair_free(struct pair *pair)
{
    resolve_free(pair->resolution);
    weir_schema_free(pair->writer);
    weir_schema_free(pair->reader);
}

/*
 * Runs decode_record on a copy of the input in memory of just its size, and in just the scratch that
 * resolve_scratch names, so that the sanitizers see every byte too far. The copies live until the next call.
 */
static bool decode(const struct pair *pair, struct weir_bytes in, struct slot *slots, struct weir_reason *why)
{
    static uint8_t *copy, *memory;
    free(copy);
    free(memory);
    size_t cap = resolve_scratch(pair->resolution, in.len);
    copy = malloc(in.len ? in.len : 1);
    memory = malloc(cap);
    memcpy(copy, in.data, in.len);
    struct weir_arena scratch;
    weir_arena_init(&scratch, memory, cap);
    memset(slots, 0xA5, SLOTS_MAX * sizeof *slots);
    memset(why, 0xA5, sizeof *why);
    bool done =
        decode_record(pair->resolution, (struct weir_bytes){copy, in.len}, BASE, &scratch, slots, why);
    assert_int_equal(scratch.cap, cap);
    if (!in.len || !done) {
        free(copy);
        copy = NULL;
    }
    return done;
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
    {"\"null\"", "\"null\"", NO_BYTES, SLOT_NULL, 0, 0, NULL, NO_BYTES},
    {"\"boolean\"", "\"boolean\"", BYTES(1), SLOT_BOOLEAN, 1, 0, NULL, BYTES(1)},
    {"\"boolean\"", "\"boolean\"", BYTES(0), SLOT_BOOLEAN, 0, 0, NULL, BYTES(0)},
    {"\"int\"", "\"int\"", BYTES(0xFE, 0xFF, 0xFF, 0xFF, 0x0F), SLOT_INTEGER, INT32_MAX, 0, NULL,
     BYTES(0xFE, 0xFF, 0xFF, 0xFF, 0x0F)},
    {"\"int\"", "\"int\"", BYTES(0xFF, 0xFF, 0xFF, 0xFF, 0x0F), SLOT_INTEGER, INT32_MIN, 0, NULL,
     BYTES(0xFF, 0xFF, 0xFF, 0xFF, 0x0F)},
    {"\"int\"", "\"long\"", BYTES(0x80, 0x01), SLOT_INTEGER, 64, 0, NULL, BYTES(0x80, 0x01)},
    /* More bytes than needed are legal, and kept. */
    {"\"int\"", "\"int\"", BYTES(0x80, 0x80, 0x80, 0x80, 0x00), SLOT_INTEGER, 0, 0, NULL,
     BYTES(0x80, 0x80, 0x80, 0x80, 0x00)},
    {"\"int\"", "\"float\"", BYTES(0x03), SLOT_REAL, 0, -2, NULL, BYTES(0, 0, 0, 0xC0)},
    {"\"int\"", "\"double\"", BYTES(0x03), SLOT_REAL, 0, -2, NULL, BYTES(0, 0, 0, 0, 0, 0, 0, 0xC0)},
    {"\"long\"", "\"long\"", BYTES(0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01), SLOT_INTEGER,
     INT64_MAX, 0, NULL, BYTES(0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01)},
    {"\"long\"", "\"long\"", BYTES(0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01), SLOT_INTEGER,
     INT64_MIN, 0, NULL, BYTES(0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01)},
    {"\"long\"", "\"float\"", BYTES(0x04), SLOT_REAL, 0, 2, NULL, BYTES(0, 0, 0, 0x40)},
    {"\"long\"", "\"double\"", BYTES(0x04), SLOT_REAL, 0, 2, NULL, BYTES(0, 0, 0, 0, 0, 0, 0, 0x40)},
    {"\"float\"", "\"float\"", BYTES(0, 0, 0xC0, 0x3F), SLOT_REAL, 0, 1.5, NULL, BYTES(0, 0, 0xC0, 0x3F)},
    {"\"float\"", "\"double\"", BYTES(0, 0, 0xC0, 0x3F), SLOT_REAL, 0, 1.5, NULL,
     BYTES(0, 0, 0, 0, 0, 0, 0xF8, 0x3F)},
    {"\"double\"", "\"double\"", BYTES(0, 0, 0, 0, 0, 0, 0xF8, 0x3F), SLOT_REAL, 0, 1.5, NULL,
     BYTES(0, 0, 0, 0, 0, 0, 0xF8, 0x3F)},
    {"\"string\"", "\"string\"", BYTES(6, 'a', 0xC3, 0xA4), SLOT_TEXT, 0, 0, "a\303\244",
     BYTES(6, 'a', 0xC3, 0xA4)},
    {"\"string\"", "\"string\"", BYTES(0), SLOT_TEXT, 0, 0, "", BYTES(0)},
    {"\"string\"", "\"bytes\"", BYTES(2, 'a'), SLOT_BINARY, 0, 0, "a", BYTES(2, 'a')},
    {"\"bytes\"", "\"bytes\"", BYTES(4, 0xFF, 'a'), SLOT_BINARY, 0, 0, "\377a", BYTES(4, 0xFF, 'a')},
    {"\"bytes\"", "\"string\"", BYTES(2, 'a'), SLOT_TEXT, 0, 0, "a", BYTES(2, 'a')},
    {ENUM("\"A\",\"B\""), ENUM("\"A\",\"B\",\"C\""), BYTES(2), SLOT_SYMBOL, 1, 0, NULL, BYTES(2)},
    {ENUM("\"A\",\"B\""), ENUM("\"C\",\"B\",\"A\""), BYTES(0), SLOT_SYMBOL, 2, 0, NULL, BYTES(4)},
    {ENUM("\"A\",\"B\""), "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"B\",\"U\"],\"default\":\"U\"}",
     BYTES(0), SLOT_SYMBOL, 1, 0, NULL, BYTES(2)},
    {"[\"null\",\"string\"]", "[\"null\",\"string\"]", BYTES(0), SLOT_NULL, 0, 0, NULL, BYTES(0)},
    {"[\"null\",\"string\"]", "[\"null\",\"string\"]", BYTES(2, 2, 'a'), SLOT_TEXT, 0, 0, "a",
     BYTES(2, 2, 'a')},
    {"[\"null\",\"string\"]", "[\"string\",\"null\"]", BYTES(2, 2, 'a'), SLOT_TEXT, 0, 0, "a",
     BYTES(0, 2, 'a')},
    {"[\"null\",\"string\"]", "[\"string\",\"null\"]", BYTES(0), SLOT_NULL, 0, 0, NULL, BYTES(2)},
    {"[\"null\",\"string\"]", "\"string\"", BYTES(2, 2, 'a'), SLOT_TEXT, 0, 0, "a", BYTES(2, 'a')},
    {"[\"int\",\"string\"]", "[\"string\",\"double\"]", BYTES(0, 4), SLOT_REAL, 0, 2, NULL,
     BYTES(2, 0, 0, 0, 0, 0, 0, 0, 0x40)},
    {"\"string\"", "[\"null\",\"string\"]", BYTES(2, 'a'), SLOT_TEXT, 0, 0, "a", BYTES(2, 2, 'a')},
    {"\"int\"", "[\"null\",\"long\"]", BYTES(2), SLOT_INTEGER, 1, 0, NULL, BYTES(2, 2)},
    {ENUM("\"A\",\"B\""), "[\"null\"," ENUM("\"B\",\"A\"") "]", BYTES(2), SLOT_SYMBOL, 0, 0, NULL,
     BYTES(2, 0)},
    /* A string stays a string though bytes stand first. */
    {"[\"bytes\",\"string\"]", "[\"bytes\",\"string\"]", BYTES(2, 2, 'a'), SLOT_TEXT, 0, 0, "a",
     BYTES(2, 2, 'a')},
    {"\"int\"", "[\"double\",\"int\"]", BYTES(2), SLOT_INTEGER, 1, 0, NULL, BYTES(2, 2)},
};

static void values_of_every_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char writer[400], reader[400];
        snprintf(writer, sizeof writer, ONE("%s"), values[i].writer);
        snprintf(reader, sizeof reader, ONE("%s"), values[i].reader);
        struct pair pair = pair_new(writer, reader);
        struct slot slots[SLOTS_MAX];
        struct weir_reason why;
        if (!decode(&pair, values[i].in, slots, &why))
            fail_msg("%zu: %.*s", i, (int)why.text.len, (const char *)why.text.data);
        assert_int_equal(slots[0].kind, values[i].kind);
        assert_int_equal(slots[0].at, BASE);
        assert_false(slots[0].defaulted);
        assert_int_equal(slots[0].raw.len, values[i].raw.len);
        assert_memory_equal(slots[0].raw.data, values[i].raw.data, values[i].raw.len);
        if (values[i].kind == SLOT_REAL)
            assert_true(slots[0].v.d == values[i].d);
        else if (values[i].text)
            assert_true(weir_bytes_equal(slots[0].v.text, weir_bytes_of(values[i].text)));
        else if (values[i].kind != SLOT_NULL)
            assert_int_equal(slots[0].v.i, values[i].i);
        pair_free(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_every_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
