#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "avro/match.h"
#include "support/given.h"

#define NAMED(type, name, rest) "{'type':'" type "','name':'" name "'" rest "}"
#define FIXED(name, size)       NAMED("fixed", name, ",'size':" #size)
#define DECIMAL(precision, scale)                                                                            \
    "{'type':'bytes','logicalType':'decimal','precision':" #precision ",'scale':" #scale "}"

static const struct {
    const char *writer, *reader;
    bool match;
} types[] = {
    {"'int'", "'long'", true},
    {"'long'", "'int'", false},
    {"'string'", "'bytes'", true},
    {"{'type':'array','items':'int'}", "{'type':'array','items':'string'}", true},
    {"{'type':'array','items':'int'}", "{'type':'map','values':'int'}", false},
    {FIXED("x", 2), FIXED("x", 2), true},
    {FIXED("x", 2), FIXED("x", 3), false},
    {FIXED("x", 2), FIXED("y", 2), false},
    {FIXED("a.x", 2), FIXED("b.x", 2), true},
    {FIXED("a.x", 2), NAMED("fixed", "b.y", ",'size':2,'aliases':['a.x']"), true},
    {FIXED("a.x", 2), NAMED("fixed", "b.y", ",'size':2,'aliases':['x']"), false},
    {FIXED("b.x", 2), NAMED("fixed", "b.y", ",'size':2,'aliases':['x']"), true},
    {FIXED("x", 2), "'bytes'", false},
    {NAMED("enum", "e", ",'symbols':['A']"), NAMED("enum", "e", ",'symbols':['B']"), true},
    {NAMED("enum", "e", ",'symbols':['A']"), NAMED("record", "e", ",'fields':[]"), false},
    {DECIMAL(4, 2), DECIMAL(4, 2), true},
    {DECIMAL(4, 2), DECIMAL(5, 2), false},
    {DECIMAL(4, 2), DECIMAL(4, 1), false},
    {DECIMAL(4, 2), "'bytes'", true},
    {"'bytes'", DECIMAL(4, 2), true},
    {"{'type':'long','logicalType':'timestamp-millis'}", "{'type':'long','logicalType':'timestamp-micros'}",
     true},
};

static void types_match_by_what_is_at_their_top(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct weir_schema *writer = given_schema(types[i].writer), *reader = given_schema(types[i].reader);
        if (match_types(writer->root, reader->root) != types[i].match)
            fail_msg("%s -> %s", types[i].writer, types[i].reader);
        weir_schema_free(writer);
        weir_schema_free(reader);
    }
}

static const struct {
    const char *writer, *reader;
    int32_t branch;
} branches[] = {
    {"'int'", "['null','int']", 1},
    {"'int'", "['double','int']", 1},
    {"'int'", "['double','float','long']", 0},
    {"'string'", "['bytes','string']", 1},
    {"'string'", "['null','bytes']", 1},
    {"'string'", "['null']", -1},
    {"'string'", "[]", -1},
    {FIXED("a.x", 1), "['bytes'," FIXED("b.x", 1) "," FIXED("a.x", 1) "]", 2},
    {FIXED("a.x", 1), "['bytes'," FIXED("b.x", 1) "," FIXED("c.x", 1) "]", 1},
    {FIXED("a.x", 1), "['bytes'," FIXED("a.x", 2) "," FIXED("c.x", 1) "]", 2},
    {"{'type':'map','values':'int'}", "[{'type':'array','items':'int'},{'type':'map','values':'string'}]", 1},
};

static void branches_are_chosen(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof branches / sizeof branches[0]; i++) {
        struct weir_schema *writer = given_schema(branches[i].writer),
                           *reader = given_schema(branches[i].reader);
        if (match_branch(writer->root, reader->root) != branches[i].branch)
            fail_msg("%s -> %s", branches[i].writer, branches[i].reader);
        weir_schema_free(writer);
        weir_schema_free(reader);
    }
}

static void symbols_are_found_by_name(void **state)
{
    (void)state;
    struct weir_schema *writer = given_schema(GIVEN_ENUM("'A','B','C'")),
                       *reader = given_schema("{'type':'enum','name':'e','symbols':['A','C'],'default':'C'}"),
                       *strict = given_schema(GIVEN_ENUM("'C'"));
    size_t work = 0;
    assert_int_equal(match_symbol(writer->root, 0, reader->root, &work), 0);
    assert_int_equal(work, 1);
    assert_int_equal(match_symbol(writer->root, 1, reader->root, &work), 1);
    assert_int_equal(match_symbol(writer->root, 2, reader->root, &work), 1);
    assert_int_equal(match_symbol(writer->root, 0, strict->root, &work), -1);
    assert_int_equal(match_symbol(writer->root, 2, strict->root, &work), 0);
    weir_schema_free(writer);
    weir_schema_free(reader);
    weir_schema_free(strict);
}

static void fields_are_found_by_name_then_alias(void **state)
{
    (void)state;
    struct weir_schema *writer = given_schema(GIVEN_RECORD(GIVEN_FIELD("a", "'int'") "," GIVEN_FIELD(
                           "b", "'int'") "," GIVEN_FIELD("c", "'int'"))),
                       *reader = given_schema(GIVEN_RECORD("{'name':'x','type':'int','aliases':['b','c']},"
                                                           "{'name':'b','type':'int'},"
                                                           "{'name':'y','type':'int','aliases':['c']}"));
    int32_t reads[3];
    bool found[3];
    match_fields(writer->root, reader->root, reads, found);
    assert_int_equal(reads[0], -1);
    assert_int_equal(reads[1], 1);
    assert_int_equal(reads[2], 0);
    assert_true(found[0] && found[1] && !found[2]);
    weir_schema_free(writer);
    weir_schema_free(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_match_by_what_is_at_their_top),
        cmocka_unit_test(branches_are_chosen),
        cmocka_unit_test(symbols_are_found_by_name),
        cmocka_unit_test(fields_are_found_by_name_then_alias),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
