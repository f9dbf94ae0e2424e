#include "registry/known.h"

#include "support/core.h"

static void test_what_was_added_is_found(void **state)
{
    static const uint32_t ids[] = {7, 1, 100000, 3, 2147483647, 8};
    struct known known = {0};
    struct weir_err err = {.code = WEIR_ERR_BAD_SCHEMA, .text = "not Avro"};
    (void)state;
    for (size_t i = 0; i < COUNT(ids); i++) {
        assert_null(known_find(&known, ids[i]));
        struct weir_schema *schema = i == 3 ? NULL : support_schema("\"string\"");
        assert_int_equal(known_add(&known, ids[i], schema, &err, &err), WEIR_OK);
        assert_int_equal(known_find(&known, ids[i])->id, ids[i]);
        assert_ptr_equal(known_find(&known, ids[i])->schema, schema);
    }
    for (size_t i = 1; i < known.n; i++)
        assert_true(known.rows[i - 1].id < known.rows[i].id);
    assert_string_equal(known_find(&known, 3)->why->text, "not Avro");
    assert_null(known_find(&known, 2));
    known_release(&known);
    assert_null(known_find(&known, 7));
}

static void test_it_is_bounded(void **state)
{
    struct known known = {0};
    struct weir_err err = {0};
    const struct weir_err bad = {.code = WEIR_ERR_BAD_SCHEMA};
    (void)state;
    for (uint32_t id = KNOWN_MAX; id > 0; id--)
        assert_int_equal(known_add(&known, id, NULL, &bad, &err), WEIR_OK);
    assert_int_equal(known_add(&known, KNOWN_MAX + 1, NULL, &bad, &err), WEIR_ERR_NO_MEMORY);
    assert_int_equal(known.n, KNOWN_MAX);
    assert_non_null(known_find(&known, KNOWN_MAX));
    known_release(&known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_added_is_found),
        cmocka_unit_test(test_it_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
