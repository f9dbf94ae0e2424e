#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/alloc_fail.h"
#include "support/given.h"

static const char *const primitives[] = {"null",  "boolean", "int",   "long",
                                         "float", "double",  "bytes", "string"};
#define N_PRIMITIVES (sizeof primitives / sizeof primitives[0])

/* Row: writer, column: reader. '=' the bytes are the same, '+' promoted, '?' the value decides, '.' refused.
 */
static const char *const matrix[N_PRIMITIVES] = {
    "=.......", /* null */
    ".=......", /* boolean */
    "..==++..", /* int */
    "...=++..", /* long */
    "....=+..", /* float */
    ".....=..", /* double */
    "......=?", /* bytes */
    "......==", /* string */
};

static void every_pair_of_primitives(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_PRIMITIVES; i++) {
        for (size_t j = 0; j < N_PRIMITIVES; j++) {
            char writer[20], reader[20], message[80];
            snprintf(writer, sizeof writer, "'%s'", primitives[i]);
            snprintf(reader, sizeof reader, "'%s'", primitives[j]);
            struct weir_schema *from = given_schema(writer), *to = given_schema(reader);
            struct resolution *resolution = NULL;
            struct weir_err err = {WEIR_OK, "untouched"};
            enum weir_err_code code = resolve_new(from->root, to->root, &resolution, &err);
            if (matrix[i][j] == '.') {
                snprintf(message, sizeof message, "writer has %s, reader has %s", primitives[i],
                         primitives[j]);
                assert_int_equal(code, WEIR_ERR_INCOMPATIBLE);
                assert_int_equal(err.code, WEIR_ERR_INCOMPATIBLE);
                assert_string_equal(err.text, message);
                assert_null(resolution);
            } else {
                assert_int_equal(code, WEIR_OK);
                assert_string_equal(err.text, "untouched");
                assert_int_equal(resolve_is_copy(resolution), matrix[i][j] == '=');
            }
            resolve_free(resolution);
            weir_schema_free(from);
            weir_schema_free(to);
        }
    }
}

#define NAMED(type, name, rest) "{'type':'" type "','name':'" name "'," rest "}"

#define ARRAY(items) "{'type':'array','items':" items "}"
#define DECIMAL(precision, scale)                                                                            \
    "{'type':'bytes','logicalType':'decimal','precision':" #precision ",'scale':" #scale "}"
#define TREE(type)                                                                                           \
    NAMED("record", "t", "'fields':[" GIVEN_FIELD("k", ARRAY("'t'")) "," GIVEN_FIELD("v", type) "]")

static const struct {
    const char *writer, *reader, *message;
} refused[] = {
    {GIVEN_ONE("'string'"), GIVEN_ONE("'long'"), "f: writer has string, reader has long"},
    {GIVEN_ONE("['null','string']"), GIVEN_ONE("'long'"), "f: writer has union, reader has long"},
    {GIVEN_ONE("'string'"), GIVEN_ONE("['null','long']"), "f: writer has string, reader has union"},
    {GIVEN_ONE("['string','null']"), GIVEN_ONE("['boolean','long']"),
     "f: writer has union, reader has union"},
    {GIVEN_RECORD(""), GIVEN_ONE("'int'"), "f: the writer lacks it, and the reader has no default for it"},
    {NAMED("record", "a", "'fields':[]"), NAMED("record", "b.c", "'fields':[]"),
     "writer has record a, reader has record b.c"},
    {NAMED("enum", "a", "'symbols':[]"), NAMED("enum", "b", "'symbols':[]"),
     "writer has enum a, reader has enum b"},
    {GIVEN_ENUM(""), "'string'", "writer has enum e, reader has string"},
    {"'string'", GIVEN_ENUM("'A'"), "writer has string, reader has enum e"},
    {GIVEN_ONE(NAMED("record", "s", "'fields':[" GIVEN_FIELD("t", "'int'") "]")),
     GIVEN_ONE(NAMED("record", "s", "'fields':[" GIVEN_FIELD("t", "'boolean'") "]")),
     "f.t: writer has int, reader has boolean"},
    {GIVEN_ONE(NAMED("record", "s", "'fields':[]")),
     GIVEN_ONE(NAMED("record", "s", "'fields':[" GIVEN_FIELD("t", "'boolean'") "]")),
     "f.t: the writer lacks it"},
    {NAMED("fixed", "x", "'size':2"), NAMED("fixed", "x", "'size':3"),
     "writer has fixed x, reader has fixed x of another size"},
    {NAMED("fixed", "x", "'size':2"), "'bytes'", "writer has fixed x, reader has bytes"},
    {DECIMAL(4, 2), DECIMAL(4, 1), "writer has bytes, reader has bytes of another precision or scale"},
    {ARRAY("'int'"), ARRAY("'string'"), "[]: writer has int, reader has string"},
    {ARRAY("'int'"), "{'type':'map','values':'int'}", "writer has array, reader has map"},
    {GIVEN_ONE(
         ARRAY(NAMED("record", "s", "'fields':[" GIVEN_FIELD("t", "{'type':'map','values':'int'}") "]"))),
     GIVEN_ONE(
         ARRAY(NAMED("record", "s", "'fields':[" GIVEN_FIELD("t", "{'type':'map','values':'boolean'}") "]"))),
     "f[].t[]: writer has int, reader has boolean"},
    {TREE("'int'"), TREE("'boolean'"), "v: writer has int, reader has boolean"},
};

static void what_cannot_be_read_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct weir_schema *writer = given_schema(refused[i].writer),
                           *reader = given_schema(refused[i].reader);
        struct resolution *resolution = NULL;
        struct weir_err err = {WEIR_OK, ""};
        assert_int_equal(resolve_new(writer->root, reader->root, &resolution, &err), WEIR_ERR_INCOMPATIBLE);
        if (!strstr(err.text, refused[i].message))
            fail_msg("'%s' lacks '%s'", err.text, refused[i].message);
        assert_int_equal(resolve_new(writer->root, reader->root, &resolution, NULL), WEIR_ERR_INCOMPATIBLE);
        weir_schema_free(writer);
        weir_schema_free(reader);
    }
}

static const struct {
    const char *writer, *reader;
    bool is_copy;
} resolved[] = {
    {GIVEN_ONE("'int'"), GIVEN_ONE("'int'"), true},
    {GIVEN_ONE("'int'"), GIVEN_ONE("'long'"), true},
    {GIVEN_ONE("'int'"), GIVEN_ONE("'double'"), false},
    /* A name counts without its namespace; an alias counts with it. */
    {NAMED("record", "a.r", "'fields':[]"), NAMED("record", "b.r", "'fields':[]"), true},
    {NAMED("record", "a.r", "'fields':[]"), NAMED("record", "b.s", "'aliases':['a.r'],'fields':[]"), true},
    {GIVEN_RECORD(GIVEN_FIELD("a", "'int'") "," GIVEN_FIELD("b", "'int'")),
     GIVEN_RECORD(GIVEN_FIELD("b", "'int'") "," GIVEN_FIELD("a", "'int'")), false},
    {GIVEN_RECORD(GIVEN_FIELD("a", "'int'") "," GIVEN_FIELD("b", "'int'")),
     GIVEN_RECORD(GIVEN_FIELD("a", "'int'")), false},
    {GIVEN_RECORD(GIVEN_FIELD("a", "'int'")),
     GIVEN_RECORD(GIVEN_FIELD("a", "'int'") "," GIVEN_DEFAULT("b", "'int'", "7")), false},
    {GIVEN_RECORD(GIVEN_FIELD("old", "'int'")),
     GIVEN_RECORD("{'name':'new','type':'int','aliases':['older','old']}"), true},
    {GIVEN_ENUM("'A','B'"), GIVEN_ENUM("'A','B','C'"), true},
    {GIVEN_ENUM("'A','B'"), GIVEN_ENUM("'B','A'"), false},
    /* The bytes would be the same, but not every value may pass. */
    {GIVEN_ENUM("'A','B'"), GIVEN_ENUM("'A'"), false},
    {TREE("'int'"), TREE("'int'"), true},
    {TREE("'int'"), TREE("'long'"), true},
    {TREE("'int'"), TREE("'float'"), false},
    {TREE("['null','int']"), TREE("['null','string']"), false},
    {ARRAY("'string'"), ARRAY("'bytes'"), true},
    {ARRAY("'bytes'"), ARRAY("'string'"), false},
    {"{'type':'map','values':['null','int']}", "{'type':'map','values':['null','int']}", true},
    {NAMED("fixed", "x", "'size':2"), NAMED("fixed", "x", "'size':2"), true},
    {"['null','string']", "['null','string']", true},
    {"['null','string']", "['null','string','int']", true},
    {"['null','int']", "['null','long']", true},
    {"['null','string']", "['string','null']", false},
    {"['null','string']", "['null']", false},
    {"['null','string']", "'null'", false},
    {"'null'", "['null','string']", false},
    {"['bytes','string']", "['bytes','string']", true},
    {"['int','double']", "['double','int']", false},
    {"[]", "'int'", true},
};

static void copies_are_told_from_the_rest(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof resolved / sizeof resolved[0]; i++) {
        struct given_pair pair = given_pair(resolved[i].writer, resolved[i].reader);
        if (resolve_is_copy(pair.resolution) != resolved[i].is_copy)
            fail_msg("%s -> %s", resolved[i].writer, resolved[i].reader);
        assert_true(resolve_scratch(pair.resolution, 10) > 10 + WEIR_REASON_TEXT_MAX);
        given_pair_free(&pair);
    }
    resolve_free(NULL);
}

/* A ring of n records, each of so many numbers and the next record, or none. */
static struct weir_schema *ring(int n, int numbers, bool is_reader)
{
    const size_t cap = 200000;
    char *text = malloc(cap);
    int len = 0;
    assert_non_null(text);
    for (int i = 0; i < n; i++) {
        len += snprintf(text + len, cap - (size_t)len, "{'type':'record','name':'n%d.r','fields':[", i);
        for (int j = 0; j < numbers; j++)
            len += snprintf(text + len, cap - (size_t)len, "{'name':'f%d','type':'%s','default':1},", j,
                            is_reader ? "long" : "int");
        len += snprintf(text + len, cap - (size_t)len, "{'name':'next','type':['null',");
    }
    len += snprintf(text + len, cap - (size_t)len, "'n0.r'");
    for (int i = 0; i < n; i++)
        len += snprintf(text + len, cap - (size_t)len, "]}]}");
    struct weir_schema *schema = given_schema(text);
    free(text);
    return schema;
}

/* Two rings meet in as many pairs as the least common multiple of their lengths. */
static void pairs_that_meet_again_are_not_resolved_again(void **state)
{
    (void)state;
    struct weir_schema *from = ring(28, 1, false), *to = ring(29, 1, true);
    struct resolution *resolution = NULL;
    struct weir_err err;
    assert_int_equal(resolve_new(from->root, to->root, &resolution, &err), WEIR_OK);
    /* The record, its number, the union, null. */
    assert_int_equal(resolve_size(resolution), 28 * 29 * 4);
    assert_true(resolve_is_copy(resolution));
    resolve_free(resolution);
    weir_schema_free(from);
    weir_schema_free(to);
}

static void steps_are_bounded(void **state)
{
    (void)state;
    struct weir_schema *from = ring(28, 100, false), *to = ring(29, 100, true);
    struct resolution *resolution = NULL;
    struct weir_err err = {WEIR_OK, ""};
    assert_int_equal(resolve_new(from->root, to->root, &resolution, &err), WEIR_ERR_INCOMPATIBLE);
    assert_non_null(strstr(err.text, "takes more than 65536 steps"));
    weir_schema_free(from);
    weir_schema_free(to);
}

static void every_failed_allocation_is_met_in_rings(void **state)
{
    (void)state;
    struct weir_schema *from = ring(7, 9, false), *to = ring(8, 10, true);
    bool more = true;
    for (long n = 1; more; n++) {
        struct resolution *resolution = NULL;
        struct weir_err err = {WEIR_OK, ""};
        alloc_fail_at(n);
        enum weir_err_code code = resolve_new(from->root, to->root, &resolution, &err);
        more = alloc_fail_off();
        assert_int_equal(code, more ? WEIR_ERR_NO_MEMORY : WEIR_OK);
        resolve_free(resolution);
    }
    weir_schema_free(from);
    weir_schema_free(to);
}

static void every_failed_allocation_is_met(void **state)
{
    (void)state;
    char writer[8000], reader[16000];
    int from_len = snprintf(writer, sizeof writer, "{'type':'record','name':'r','fields':[");
    int to_len = snprintf(reader, sizeof reader, "{'type':'record','name':'r','fields':[");
    for (int i = 0; i < 30; i++) {
        from_len += snprintf(writer + from_len, sizeof writer - (size_t)from_len,
                             "%s{'name':'f%d','type':['null',{'type':'enum','name':'e%d',"
                             "'symbols':['A','B']}]}",
                             i ? "," : "", i, i);
        to_len += snprintf(reader + to_len, sizeof reader - (size_t)to_len,
                           "%s{'name':'d%d','type':'int','default':1},{'name':'f%d','type':[{'type':"
                           "'enum','name':'e%d','symbols':['B','A']},'int']}",
                           i ? "," : "", i, i, i);
    }
    snprintf(writer + from_len, sizeof writer - (size_t)from_len, "]}");
    snprintf(reader + to_len, sizeof reader - (size_t)to_len, "]}");
    struct weir_schema *from = given_schema(writer), *to = given_schema(reader);
    bool more = true;
    for (long n = 1; more; n++) {
        struct resolution *resolution = NULL;
        struct weir_err err = {WEIR_OK, ""};
        alloc_fail_at(n);
        enum weir_err_code code = resolve_new(from->root, to->root, &resolution, &err);
        more = alloc_fail_off();
        assert_int_equal(code, more ? WEIR_ERR_NO_MEMORY : WEIR_OK);
        assert_int_equal(err.code, code);
        assert_true(more || n > 4);
        resolve_free(resolution);
    }
    weir_schema_free(from);
    weir_schema_free(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_of_primitives),
        cmocka_unit_test(what_cannot_be_read_is_refused),
        cmocka_unit_test(copies_are_told_from_the_rest),
        cmocka_unit_test(pairs_that_meet_again_are_not_resolved_again),
        cmocka_unit_test(steps_are_bounded),
        cmocka_unit_test(every_failed_allocation_is_met),
        cmocka_unit_test(every_failed_allocation_is_met_in_rings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
