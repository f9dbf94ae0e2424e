#include "registry/known.h"

#include "support/core.h"

static void test_what_was_added_is_found(void **state)
{
    static const uint32_t ids[] = {7, 1, 100000, 3, 2147483647, 8};
    struct known known = {0};
    struct weir_err err = {.code = WEIR_ERR_BAD_SCHEMA, .text = "not Avro"};
    (void)state;
    for (size_t i = 0; i < COUNT(ids); i++) {
        assert_null(known_find(&known, ID(ids[i])));
        struct weir_schema *schema = i == 3 ? NULL : support_schema("\"string\"");
        assert_int_equal(known_add(&known, ID(ids[i]), schema, &err, &err), WEIR_OK);
        assert_int_equal(known_find(&known, ID(ids[i]))->key.id, ids[i]);
        assert_ptr_equal(known_find(&known, ID(ids[i]))->schema, schema);
    }
    for (size_t i = 1; i < known.n; i++)
        assert_true(known.rows[i - 1].key.id < known.rows[i].key.id);
    assert_string_equal(known_find(&known, ID(3))->why->text, "not Avro");
    assert_null(known_find(&known, ID(2)));
    known_release(&known);
    assert_null(known_find(&known, ID(7)));
}

/* GUIDs stand behind all numbers, each for itself. */
static void test_guids(void **state)
{
    static const struct weir_schema_key guids[] = {
        {.by_guid = true, .guid = "\2"}, {.by_guid = true, .guid = "\1"}, {.by_guid = true}};
    struct known known = {0};
    const struct weir_err bad = {.code = WEIR_ERR_BAD_SCHEMA};
    struct weir_err err = {0};
    (void)state;
    for (size_t i = 0; i < COUNT(guids); i++) {
        assert_null(known_find(&known, &guids[i]));
        assert_int_equal(known_add(&known, &guids[i], NULL, &bad, &err), WEIR_OK);
        assert_int_equal(known_add(&known, ID((uint32_t)i + 1), NULL, &bad, &err), WEIR_OK);
    }
    for (size_t i = 1; i < known.n; i++)
        assert_true(known_compare(&known.rows[i - 1].key, &known.rows[i].key) < 0);
    for (size_t i = 0; i < COUNT(guids); i++)
        assert_true(weir_schema_key_equal(&known_find(&known, &guids[i])->key, &guids[i]));
    assert_null(known_find(&known, ID(0)));
    known_release(&known);
}

static void test_it_is_bounded(void **state)
{
    struct known known = {0};
    struct weir_err err = {0};
    const struct weir_err bad = {.code = WEIR_ERR_BAD_SCHEMA};
    (void)state;
    for (uint32_t id = KNOWN_MAX; id > 0; id--)
        assert_int_equal(known_add(&known, ID(id), NULL, &bad, &err), WEIR_OK);
    assert_int_equal(known_add(&known, ID(KNOWN_MAX + 1), NULL, &bad, &err), WEIR_ERR_NO_MEMORY);
    assert_int_equal(known.n, KNOWN_MAX);
    assert_non_null(known_find(&known, ID(KNOWN_MAX)));
    known_release(&known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_added_is_found),
        cmocka_unit_test(test_guids),
        cmocka_unit_test(test_it_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
