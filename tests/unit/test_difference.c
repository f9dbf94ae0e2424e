#include "core/difference.h"

#include "support/core.h"

#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"
#define TEXT              "\"string\""
#define ENUM(symbols)     "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[" symbols "]}"

static void test_what_is_said(void **state)
{
    static const struct {
        const char *before, *after, *said;
    } rows[] = {
        {FIELD("a", TEXT), FIELD("a", TEXT), "the same fields"},
        {FIELD("a", TEXT), FIELD("a", TEXT) "," FIELD("b", "\"long\""), "+ b (long)"},
        {FIELD("a", TEXT) "," FIELD("b", TEXT), FIELD("a", TEXT), "- b"},
        {FIELD("a", "\"int\""), FIELD("a", "\"long\""), "a: int -> long"},
        {FIELD("a", TEXT), FIELD("a", "[\"null\",\"string\"]"), "a: string -> null|string"},
        {FIELD("a", TEXT), "{\"name\":\"b\",\"type\":\"string\",\"aliases\":[\"x\",\"a\"]}", "a -> b"},
        {FIELD("a", TEXT), FIELD("b", TEXT), "+ b (string), - a"},
        {FIELD("a", TEXT), "{\"name\":\"a\",\"type\":\"string\",\"default\":\"\"}", "a: another default"},
        {FIELD("a", ENUM("\"X\",\"Y\"")), FIELD("a", ENUM("\"Z\",\"Y\"")), "a: + Z, a: - X"},
        {FIELD("a", TEXT), FIELD("a", ENUM("\"X\"")), "a: string -> e"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct weir_schema *before = support_record("r", rows[i].before);
        struct weir_schema *after = support_record("r", rows[i].after);
        char text[100];
        difference_print(before, after, text, sizeof text);
        assert_string_equal(text, rows[i].said);
        weir_schema_free(before);
        weir_schema_free(after);
    }
}

static void test_what_is_no_record(void **state)
{
    struct weir_schema *before = support_schema("\"int\""), *after = support_schema("\"long\"");
    char text[100];
    (void)state;
    difference_print(before, after, text, sizeof text);
    assert_string_equal(text, "schema: int -> long");
    weir_schema_free(before);
    weir_schema_free(after);
}

/* It is cut where it is full, whatever the room. */
static void test_what_does_not_fit(void **state)
{
    static const char whole[] = "+ b (string), + c (string), - a";
    struct weir_schema *before = support_record("r", FIELD("a", TEXT));
    struct weir_schema *after = support_record("r", FIELD("b", TEXT) "," FIELD("c", TEXT));
    (void)state;
    for (size_t cap = 4; cap < sizeof whole; cap++) {
        char *text = malloc(cap); /* Just so large, so that the sanitizer sees a byte too many. */
        assert_non_null(text);
        difference_print(before, after, text, cap);
        assert_int_equal(strlen(text), cap - 1);
        assert_memory_equal(text, whole, cap - 4);
        assert_string_equal(text + cap - 4, "...");
        free(text);
    }
    weir_schema_free(before);
    weir_schema_free(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_said),
        cmocka_unit_test(test_what_is_no_record),
        cmocka_unit_test(test_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
