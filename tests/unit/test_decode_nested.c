/* Values that hold others, as fields of a record: what becomes of them, or why they are rejected. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "avro/decode.h"
#include "support/given.h"

#define BASE      5
#define SLOTS_MAX 4

#define ARRAY(items)         "{'type':'array','items':" items "}"
#define MAP(values)          "{'type':'map','values':" values "}"
#define FIXED(name, size)    "{'type':'fixed','name':'" name "','size':" #size "}"
#define RECORD(name, fields) "{'type':'record','name':'" name "','fields':[" fields "]}"

/* A list of the specification, and one that has become something else. */
#define LIST RECORD("l", GIVEN_FIELD("v", "'long'") "," GIVEN_FIELD("next", "['null','l']"))
#define LIST_OTHERWISE                                                                                       \
    RECORD("l", GIVEN_FIELD("next", "['l','null']") "," GIVEN_DEFAULT("k", "'int'",                          \
                                                                      "7") "," GIVEN_FIELD("v", "'double'"))

/* A pair with a field of each pair of types, and what comes of a value: its bytes, or (out.data NULL) a
 * reason. */
static const struct {
    const char *writer, *reader; /* reader NULL: the writer */
    struct weir_bytes in, out;
    enum weir_code code;
    const char *field;
    int64_t at;
    const char *text;
} cases[] = {
#define GOOD(writer, reader, in, out)                                                                        \
    {                                                                                                        \
        writer, reader, in, out, WEIR_CODE_NONE, NULL, 0, NULL                                               \
    }
#define BAD(writer, reader, in, code, field, at, text)                                                       \
    {                                                                                                        \
        writer, reader, in, {NULL, 0}, WEIR_CODE_##code, field, at, text                                     \
    }
#define B(...) GIVEN_BYTES(__VA_ARGS__)
    /* fixed */
    GOOD(FIXED("x", 3), NULL, B(1, 2, 255), B(1, 2, 255)),
    GOOD(FIXED("x", 0), NULL, GIVEN_NOTHING, GIVEN_NOTHING),
    GOOD(FIXED("a.x", 1), FIXED("b.x", 1), B(9), B(9)),
    GOOD(FIXED("x", 1), "['null'," FIXED("x", 1) "]", B(9), B(2, 9)),
    BAD(FIXED("x", 3), NULL, B(1, 2), TRUNCATED, "f", 0, "3 bytes are needed, but 2 remain"),
    /* arrays */
    GOOD(ARRAY("'int'"), NULL, B(0), B(0)),
    GOOD(ARRAY("'int'"), NULL, B(4, 2, 4, 0), B(4, 2, 4, 0)),
    GOOD(ARRAY("'int'"), NULL, B(2, 2, 2, 4, 0), B(2, 2, 2, 4, 0)),
    GOOD(ARRAY("'int'"), NULL, B(3, 4, 2, 4, 0), B(3, 4, 2, 4, 0)),
    GOOD(ARRAY("'int'"), ARRAY("'long'"), B(3, 4, 2, 4, 0), B(3, 4, 2, 4, 0)),
    GOOD(ARRAY("'int'"), ARRAY("'float'"), B(3, 4, 2, 4, 2, 6, 0),
         B(4, 0, 0, 0x80, 0x3F, 0, 0, 0, 0x40, 2, 0, 0, 0x40, 0x40, 0)),
    GOOD(ARRAY("'float'"), NULL, B(2, 1, 2, 3, 4, 0), B(2, 1, 2, 3, 4, 0)),
    GOOD(ARRAY("'string'"), ARRAY("['null','string']"), B(4, 2, 'a', 0, 0), B(4, 2, 2, 'a', 2, 0, 0)),
    GOOD(ARRAY("'string'"), ARRAY("'bytes'"), B(2, 2, 'a', 0), B(2, 2, 'a', 0)),
    GOOD(ARRAY(ARRAY("'boolean'")), NULL, B(4, 2, 1, 0, 0, 0), B(4, 2, 1, 0, 0, 0)),
    GOOD("['null'," ARRAY("'int'") "]", ARRAY("'int'"), B(2, 2, 2, 0), B(2, 2, 0)),
    GOOD(ARRAY("'null'"), NULL, B(0x80, 0x80, 2, 0), B(0x80, 0x80, 2, 0)),
    GOOD(ARRAY("'null'"), NULL, B(3, 0, 0), B(3, 0, 0)),
    GOOD(ARRAY("'null'"), ARRAY("['int','null']"), B(4, 0), B(4, 2, 2, 0)),
    GOOD(ARRAY(RECORD("s", "")), ARRAY(RECORD("s", GIVEN_DEFAULT("d", "'int'", "3"))), B(4, 0),
         B(4, 6, 6, 0)),
    BAD(ARRAY("'int'"), NULL, GIVEN_NOTHING, TRUNCATED, "f", 0, "an integer ends"),
    BAD(ARRAY("'int'"), NULL, B(2, 2), TRUNCATED, "f", 2, "an integer ends"),
    BAD(ARRAY("'int'"), NULL, B(6, 2, 0), TRUNCATED, "f", 0, "a block of 3 items, but 2 bytes remain"),
    BAD(ARRAY("'double'"), NULL, B(4, 0, 0, 0, 0, 0, 0, 0, 0, 0), TRUNCATED, "f", 0, "2 items, but 9 bytes"),
    BAD(ARRAY("'int'"), NULL, B(0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0), BAD_LENGTH, "f",
        0, "a block of -9223372036854775808 items"),
    BAD(ARRAY("'int'"), NULL, B(0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0), TRUNCATED, "f",
        0, "a block of 9223372036854775807 items, but 1 bytes remain"),
    BAD(ARRAY("'int'"), NULL, B(1, 1, 2, 0), BAD_LENGTH, "f", 1, "length -1"),
    BAD(ARRAY("'int'"), NULL, B(1, 8, 2, 0), TRUNCATED, "f", 1, "length 4, but 2 bytes remain"),
    BAD(ARRAY("'int'"), NULL, B(1, 4, 2, 0), BAD_LENGTH, "f", 3, "ends -1 bytes from where it says"),
    BAD(ARRAY("'int'"), NULL, B(1, 2, 0x80, 1, 0), BAD_LENGTH, "f", 4, "ends 1 bytes from where it says"),
    BAD(ARRAY("'int'"), NULL, B(3, 2, 2, 2, 0), TRUNCATED, "f", 0, "a block of 2 items, but 1 bytes remain"),
    BAD(ARRAY("'boolean'"), NULL, B(2, 1, 6, 0, 1, 2, 0), BAD_BOOLEAN, "f[3]", 5, "a boolean of value 2"),
    BAD(ARRAY("'null'"), NULL, B(0x82, 0x80, 2, 0), TOO_LARGE, "f", 0, "16385 items without bytes"),
    BAD(ARRAY("'null'"), NULL, B(0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0), TOO_LARGE, "f",
        0, "9223372036854775807 items without bytes"),
    BAD(ARRAY("'null'"), NULL, B(0x80, 0x80, 2, 2, 0), TOO_LARGE, "f", 3, "1 items without bytes"),
    BAD(ARRAY(ARRAY("'boolean'")), NULL, B(4, 0, 4, 1, 9, 0, 0), BAD_BOOLEAN, "f[1][1]", 4, "value 9"),
    /* maps */
    GOOD(MAP("'int'"), NULL, B(0), B(0)),
    GOOD(MAP("'int'"), NULL, B(4, 2, 'k', 2, 0, 4, 0), B(4, 2, 'k', 2, 0, 4, 0)),
    GOOD(MAP("'int'"), NULL, B(1, 6, 2, 'k', 2, 0), B(1, 6, 2, 'k', 2, 0)),
    GOOD(MAP("'int'"), MAP("['null','int']"), B(1, 6, 2, 'k', 2, 0), B(2, 2, 'k', 2, 2, 0)),
    GOOD(MAP("'null'"), NULL, B(4, 2, 'k', 0, 0), B(4, 2, 'k', 0, 0)),
    GOOD(MAP(MAP("'string'")), NULL, B(2, 2, 'k', 2, 0, 2, 'v', 0, 0), B(2, 2, 'k', 2, 0, 2, 'v', 0, 0)),
    BAD(MAP("'null'"), NULL, B(4, 0, 0), TRUNCATED, "f", 3, "an integer ends"),
    BAD(MAP("'null'"), NULL, B(6, 0, 0), TRUNCATED, "f", 0, "a block of 3 items, but 2 bytes remain"),
    BAD(MAP("'int'"), NULL, B(2, 2, 0xFF, 2, 0), BAD_UTF8, "f[0]", 2, "is not UTF-8"),
    BAD(MAP("'int'"), MAP("'double'"), B(2, 2, 0xFF, 2, 0), BAD_UTF8, "f[0]", 2, "is not UTF-8"),
    /* unions of anything */
    GOOD("[" ARRAY("'int'") "," MAP("'int'") "]", "[" MAP("'long'") "," ARRAY("'double'") "]",
         B(2, 2, 0, 2, 0), B(0, 2, 0, 2, 0)),
    GOOD("[" RECORD("a.s", GIVEN_FIELD("x", "'int'")) "," RECORD("b.s", GIVEN_FIELD("x", "'int'")) "]",
         "['null'," RECORD("b.s", GIVEN_FIELD("x", "'int'")) "," RECORD("a.s", GIVEN_FIELD("x", "'int'")) "]",
         B(2, 8), B(2, 8)),
    GOOD("[" RECORD("a.s", GIVEN_FIELD("x", "'int'")) ",'null']",
         "['null'," RECORD("b.s", GIVEN_FIELD("x", "'int'")) "]", B(0, 8), B(2, 8)),
    GOOD("[" RECORD("s", GIVEN_FIELD("x", "'int'")) "," RECORD("t", GIVEN_FIELD("x", "'int'")) "]",
         RECORD("t", GIVEN_FIELD("x", "'int'")), B(2, 8), B(8)),
    BAD("[" RECORD("s", GIVEN_FIELD("x", "'int'")) "," RECORD("t", GIVEN_FIELD("x", "'int'")) "]",
        RECORD("t", GIVEN_FIELD("x", "'int'")), B(0, 8), BAD_UNION_BRANCH, "f", 0,
        "cannot read the writer's branch 0"),
    BAD("[" RECORD("s", GIVEN_FIELD("x", "'int'")) ",'null']",
        "[" RECORD("s", GIVEN_FIELD("x", "'string'")) ",'null']", B(0, 8), BAD_UNION_BRANCH, "f", 0,
        "cannot read the writer's branch 0"),
    /* records within */
    GOOD(
        RECORD("s", GIVEN_FIELD("a", "'int'") "," GIVEN_FIELD("b", "'string'") "," GIVEN_FIELD("c", "'int'")),
        RECORD("s", GIVEN_FIELD("a", "'int'") "," GIVEN_FIELD("c", "'int'")), B(2, 2, 'x', 4), B(2, 4)),
    GOOD(
        RECORD("s", GIVEN_FIELD("a", "'int'") "," GIVEN_FIELD("b", "'string'") "," GIVEN_FIELD("c", "'int'")),
        RECORD(
            "s",
            GIVEN_DEFAULT("d", "'int'", "1") "," GIVEN_FIELD("a", "'int'") "," GIVEN_DEFAULT("e", "'string'", "'e'") "," GIVEN_FIELD(
                "b",
                "'string'") "," GIVEN_FIELD("c",
                                            "'double'") "," GIVEN_DEFAULT("g", "'null'",
                                                                          "null") "," GIVEN_DEFAULT("h",
                                                                                                    "'int'",
                                                                                                    "2")),
        B(6, 2, 'x', 4), B(2, 6, 2, 'e', 2, 'x', 0, 0, 0, 0, 0, 0, 0, 0x40, 4)),
    GOOD(RECORD("s", GIVEN_FIELD("a", "'int'") "," GIVEN_FIELD("n", "'null'") "," GIVEN_FIELD("b", "'int'")),
         RECORD("s", GIVEN_FIELD("n", "'null'") "," GIVEN_FIELD("a", "'int'") "," GIVEN_FIELD("b", "'int'")),
         B(2, 4), B(2, 4)),
    GOOD(RECORD("s", GIVEN_FIELD("a", "'int'") "," GIVEN_FIELD("n", "'null'") "," GIVEN_FIELD(
                         "b", ARRAY("'int'"))),
         RECORD("s", GIVEN_FIELD("b", ARRAY("'float'")) "," GIVEN_FIELD("n", "'null'") "," GIVEN_DEFAULT(
                         "d", ARRAY("'int'"), "[1]") "," GIVEN_FIELD("a", "'int'")),
         B(8, 2, 4, 0), B(2, 0, 0, 0, 0x40, 0, 2, 2, 0, 8)),
    GOOD(RECORD("s", ""), RECORD("s", GIVEN_DEFAULT("d", "'int'", "1")), GIVEN_NOTHING, B(2)),
    GOOD(RECORD("s", GIVEN_FIELD("a", ARRAY("'int'"))), RECORD("s", ""), B(3, 4, 2, 2, 2, 4, 0),
         GIVEN_NOTHING),
    BAD(RECORD("s", GIVEN_FIELD("a", ARRAY("'int'"))), RECORD("s", ""), B(3, 8, 2, 2, 0), TRUNCATED, "f.a", 1,
        "length 4, but 3 bytes remain"),
    BAD(ARRAY(RECORD("s", GIVEN_FIELD("a", MAP(RECORD("t", GIVEN_FIELD("b", "'boolean'")))))), NULL,
        B(2, 4, 2, 'k', 1, 0, 5), BAD_BOOLEAN, "f[0].a[1].b", 6, "value 5"),
    BAD(RECORD("s", GIVEN_FIELD("a", "'int'") "," GIVEN_FIELD("b", "'boolean'")),
        RECORD("s", GIVEN_FIELD("b", "'boolean'") "," GIVEN_FIELD("a", "'double'")), B(2, 3), BAD_BOOLEAN,
        "f.b", 1, "value 3"),
    /* types that contain themselves */
    GOOD(LIST, NULL, B(2, 2, 4, 2, 6, 0), B(2, 2, 4, 2, 6, 0)),
    GOOD(LIST, LIST_OTHERWISE, B(2, 2, 4, 0),
         B(0, 2, 14, 0, 0, 0, 0, 0, 0, 0, 0x40, 14, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F)),
    BAD(LIST, NULL, B(2, 2, 4, 2, 6, 4), BAD_UNION_BRANCH, "f.next.next.next", 5, "branch 2 of 2"),
    BAD(LIST, LIST_OTHERWISE, B(2, 2, 4, 2, 6, 4), BAD_UNION_BRANCH, "f.next.next.next", 5, "branch 2 of 2"),
    BAD(LIST, NULL, B(2, 2, 4, 2, 0x80), TRUNCATED, "f.next.next.v", 4, "an integer ends"),
};

struct run {
    struct given_pair pair;
    struct weir_bytes in;
    struct weir_arena scratch;
    struct slot slots[SLOTS_MAX];
    struct weir_reason why;
    bool done;
};

static struct run run_new(const char *writer_type, const char *reader_type, struct weir_bytes in)
{
    char writer[1000], reader[1000];
    snprintf(writer, sizeof writer, GIVEN_ONE("%s"), writer_type);
    snprintf(reader, sizeof reader, GIVEN_ONE("%s"), reader_type ? reader_type : writer_type);
    struct run run = {.pair = given_pair(writer, reader), .in = given_copy(in)};
    run.scratch = given_arena(resolve_scratch(run.pair.resolution, in.len));
    run.done = decode_record(run.pair.resolution, run.in, BASE, &run.scratch, run.slots, &run.why);
    return run;
}

static void run_free(struct run *run)
{
    free((void *)(uintptr_t)run->in.data);
    given_arena_free(&run->scratch);
    given_pair_free(&run->pair);
}

static void assert_bytes(size_t i, struct weir_bytes got, struct weir_bytes expected)
{
    if (got.len == expected.len && memcmp(got.data, expected.data, got.len) == 0)
        return;
    for (size_t j = 0; j < got.len; j++)
        print_error("%02x ", got.data[j]);
    fail_msg("case %zu: %zu bytes", i, got.len);
}

static void values_become_the_readers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (!cases[i].out.data)
            continue;
        struct run run = run_new(cases[i].writer, cases[i].reader, cases[i].in);
        if (!run.done)
            fail_msg("case %zu: %.*s at %s", i, (int)run.why.text.len, (const char *)run.why.text.data,
                     run.why.field);
        assert_bytes(i, run.slots[0].raw, cases[i].out);
        run_free(&run);
    }
}

static void what_is_wrong_is_told_with_its_path(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (cases[i].out.data)
            continue;
        struct run run = run_new(cases[i].writer, cases[i].reader, cases[i].in);
        assert_false(run.done);
        given_reason(&run.why, cases[i].code, cases[i].field, BASE + cases[i].at, cases[i].text);
        run_free(&run);
    }
}

/* Each value of each case, and what it becomes, in the other door. */
static void whole_values_are_rewritten_alike(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *reader_type = cases[i].reader ? cases[i].reader : cases[i].writer;
        struct given_pair pair = given_pair(cases[i].writer, reader_type);
        struct weir_bytes in = given_copy(cases[i].in);
        struct weir_arena out = given_arena(resolve_scratch(pair.resolution, in.len));
        struct weir_reason why = {.code = WEIR_CODE_NONE};
        bool done = decode_rewrite(pair.resolution, in, &out, &why);
        assert_int_equal(done, cases[i].out.data != NULL);
        assert_int_equal(why.code, cases[i].code);
        if (done)
            assert_bytes(i, (struct weir_bytes){out.base, out.used}, cases[i].out);
        else
            assert_int_equal(out.used, 0);
        given_arena_free(&out);
        free((void *)(uintptr_t)in.data);
        given_pair_free(&pair);
    }
}

static bool survives(const struct given_pair *pair, const uint8_t *in, size_t len)
{
    struct weir_bytes copy = given_copy((struct weir_bytes){in, len});
    struct weir_arena scratch = given_arena(resolve_scratch(pair->resolution, len));
    struct slot slots[SLOTS_MAX];
    struct weir_reason why = {.code = WEIR_CODE_NONE};
    bool done = decode_record(pair->resolution, copy, BASE, &scratch, slots, &why);
    assert_true(done || (why.code != WEIR_CODE_NONE && why.text.len > 0));
    given_arena_free(&scratch);
    free((void *)(uintptr_t)copy.data);
    return done;
}

/* Whatever is cut off at the end, or changed in one byte: a verdict, and never a byte too far. */
static void any_damage_is_survived(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char writer[1000], reader[1000];
        uint8_t in[32];
        size_t len = cases[i].in.len;
        snprintf(writer, sizeof writer, GIVEN_ONE("%s"), cases[i].writer);
        snprintf(reader, sizeof reader, GIVEN_ONE("%s"), cases[i].reader ? cases[i].reader : cases[i].writer);
        struct given_pair pair = given_pair(writer, reader);
        memcpy(in, cases[i].in.data, len);
        for (size_t cut = 0; cut < len; cut++)
            assert_false(survives(&pair, in, cut));
        for (size_t at = 0; at < len; at++) {
            for (int value = 0; value < 256; value++) {
                in[at] = (uint8_t)value;
                (void)survives(&pair, in, len);
            }
            in[at] = cases[i].in.data[at];
        }
        given_pair_free(&pair);
    }
}

/* n items of a list, each within the one before. */
static struct weir_bytes list_of(size_t n, uint8_t *in)
{
    for (size_t i = 0; i < n; i++) {
        in[2 * i] = 2;
        in[2 * i + 1] = i + 1 < n ? 2 : 0;
    }
    return (struct weir_bytes){in, 2 * n};
}

static void depth_is_bounded(void **state)
{
    (void)state;
    static uint8_t in[2 * WEIR_VALUE_DEPTH_MAX];
    static const char *const readers[] = {LIST, LIST_OTHERWISE, RECORD("l", "")};
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        /* The outermost record is a level too. */
        struct run run = run_new(LIST, readers[i], list_of(WEIR_VALUE_DEPTH_MAX - 1, in));
        assert_true(run.done);
        run_free(&run);
        run = run_new(LIST, readers[i], list_of(WEIR_VALUE_DEPTH_MAX, in));
        assert_false(run.done);
        assert_int_equal(run.why.code, WEIR_CODE_TOO_DEEP);
        assert_int_equal(run.why.byte_offset, BASE + 2 * (WEIR_VALUE_DEPTH_MAX - 1));
        assert_memory_equal(run.why.field, "...", 3);
        assert_non_null(strstr(run.why.field, ".next.next.next"));
        run_free(&run);
    }
}

/* An item of one byte becomes one of two hundred: a few may, many may not. */
static void growth_is_bounded(void **state)
{
    (void)state;
    static const char *const from = ARRAY(RECORD("s", GIVEN_FIELD("a", "'boolean'")));
    char to[400];
    uint8_t in[100] = {2, 1, 0};
    snprintf(to, sizeof to,
             ARRAY(RECORD("s", GIVEN_FIELD("a", "'boolean'") "," GIVEN_DEFAULT("d", "'string'", "'%0200d'"))),
             0);
    struct run run = run_new(from, to, (struct weir_bytes){in, 3});
    size_t room = resolve_scratch(run.pair.resolution, 100) - resolve_scratch(run.pair.resolution, 0);
    assert_int_equal(room, 100 * RESOLVE_FACTOR_MAX);
    assert_true(run.done);
    run_free(&run);
    memset(in + 1, 1, sizeof in - 1);
    in[0] = 0xC0;
    in[1] = 1;
    in[98] = in[99] = 0;
    run = run_new(from, to, (struct weir_bytes){in, 99});
    assert_false(run.done);
    assert_int_equal(run.why.code, WEIR_CODE_TOO_LARGE);
    run_free(&run);
}

/* 2^40 fields without bytes, and one that has some. */
static void fields_without_bytes_cost_nothing(void **state)
{
    (void)state;
    char type[8000];
    int len = snprintf(type, sizeof type,
                       "{'type':'record','name':'r','fields':[{'name':'u','type':["
                       "{'type':'record','name':'r0','fields':[]}");
    for (int i = 1; i <= 40; i++)
        len += snprintf(
            type + len, sizeof type - (size_t)len,
            ",{'type':'record','name':'r%d','fields':[{'name':'a','type':'r%d'},{'name':'b','type':'r%d'}]}",
            i, i - 1, i - 1);
    snprintf(type + len, sizeof type - (size_t)len,
             "]},{'name':'f','type':'r40'},{'name':'g','type':'int'}]}");
    struct given_pair pair = given_pair(type, type);
    struct weir_arena scratch = given_arena(resolve_scratch(pair.resolution, 3));
    struct slot slots[SLOTS_MAX];
    struct weir_reason why;
    assert_true(
        decode_record(pair.resolution, (struct weir_bytes)GIVEN_BYTES(80, 2), BASE, &scratch, slots, &why));
    assert_int_equal(slots[1].kind, SLOT_NESTED);
    assert_int_equal(slots[1].raw.len, 0);
    assert_int_equal(slots[2].v.i, 1);
    given_arena_free(&scratch);
    given_pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_become_the_readers),
        cmocka_unit_test(what_is_wrong_is_told_with_its_path),
        cmocka_unit_test(whole_values_are_rewritten_alike),
        cmocka_unit_test(any_damage_is_survived),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(growth_is_bounded),
        cmocka_unit_test(fields_without_bytes_cost_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
