#include "core/complain.h"

#include "support/alloc_fail.h"
#include "support/core.h"

static void the_place_in_the_file_comes_first(void **state)
{
    (void)state;
    struct weir_err err = {0};
    assert_int_equal(complain(&err, (struct weir_at){12, 7}, "%s: %d", "check[0]", 5), WEIR_ERR_CONFIG);
    assert_int_equal(err.code, WEIR_ERR_CONFIG);
    assert_string_equal(err.text, "line 12, column 7: check[0]: 5");
}

static void without_a_file_there_is_no_place(void **state)
{
    (void)state;
    struct weir_err err = {0};
    (void)complain(&err, (struct weir_at){0}, "text");
    assert_string_equal(err.text, "text");
    assert_int_equal(complain(NULL, (struct weir_at){0}, "text"), WEIR_ERR_CONFIG);
}

static void a_long_text_is_cut(void **state)
{
    (void)state;
    struct weir_err err = {0};
    char text[2 * WEIR_ERR_TEXT_MAX];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    (void)complain(&err, (struct weir_at){1, 1}, "%s", text);
    assert_int_equal(strlen(err.text), WEIR_ERR_TEXT_MAX - 1);
}

static void an_unknown_field_and_its_neighbour(void **state)
{
    (void)state;
    struct weir_err err = {0};
    struct weir_schema *schema =
        support_record("login", "{\"name\":\"ip\",\"type\":\"int\"},{\"name\":\"locale\",\"type\":\"int\"}");
    const struct weir_at at = {2, 3};
    assert_int_equal(complain_field(&err, at, "check[0]", schema->root, "locals"), WEIR_ERR_CONFIG);
    assert_string_equal(err.text,
                        "line 2, column 3: check[0]: login has no field 'locals'; did you mean 'locale'?");
    (void)complain_field(&err, at, "set", schema->root, "timestamp");
    assert_string_equal(err.text, "line 2, column 3: set: login has no field 'timestamp'");
    alloc_fail_at(1);
    assert_int_equal(complain_field(&err, at, "set", schema->root, "x"), WEIR_ERR_NO_MEMORY);
    assert_true(alloc_fail_off());
    weir_schema_free(schema);
    schema = support_record("empty", "");
    assert_int_equal(complain_field(&err, at, "set", schema->root, "x"), WEIR_ERR_CONFIG);
    weir_schema_free(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_place_in_the_file_comes_first),
        cmocka_unit_test(without_a_file_there_is_no_place),
        cmocka_unit_test(a_long_text_is_cut),
        cmocka_unit_test(an_unknown_field_and_its_neighbour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
