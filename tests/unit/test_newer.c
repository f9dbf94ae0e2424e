#include "dlq/newer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct weir_err err;

static void only_what_is_newer(void **state)
{
    (void)state;
    struct newer *newer = newer_new();
    const struct weir_bytes empty = {(const uint8_t *)"", 0};
    assert_int_equal(newer_want(newer, weir_bytes_of("a"), &err), WEIR_OK);
    assert_int_equal(newer_want(newer, weir_bytes_of("a"), &err), WEIR_OK);
    assert_int_equal(newer_want(newer, empty, &err), WEIR_OK);
    assert_int_equal(newer_want(newer, WEIR_NO_BYTES, &err), WEIR_OK);
    assert_false(newer_has(newer, weir_bytes_of("a"), INT64_MIN));
    newer_see(newer, weir_bytes_of("a"), 10);
    newer_see(newer, weir_bytes_of("a"), 5);
    newer_see(newer, weir_bytes_of("b"), 50);
    newer_see(newer, WEIR_NO_BYTES, 50);
    assert_true(newer_has(newer, weir_bytes_of("a"), 9));
    assert_false(newer_has(newer, weir_bytes_of("a"), 10));
    assert_false(newer_has(newer, weir_bytes_of("b"), 9));
    assert_false(newer_has(newer, WEIR_NO_BYTES, 9));
    assert_false(newer_has(newer, empty, 9));
    newer_see(newer, empty, 10);
    assert_true(newer_has(newer, empty, 9));
    newer_free(newer);
    newer_free(NULL);
}

static void many_keys(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    char key[16];
    struct newer *newer = newer_new();
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(key, sizeof key, "key-%d", i);
        assert_int_equal(newer_want(newer, weir_bytes_of(key), &err), WEIR_OK);
        newer_see(newer, weir_bytes_of(key), i);
    }
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(key, sizeof key, "key-%d", i);
        assert_true(newer_has(newer, weir_bytes_of(key), i - 1));
        assert_false(newer_has(newer, weir_bytes_of(key), i));
    }
    newer_free(newer);
}

/* Where outputs have the time of processing, a record's place among them is when it failed. */
static void the_time_that_counts(void **state)
{
    (void)state;
    const struct weir_record record = {.timestamp_ms = 5};
    const struct letter letter = {.record = &record, .first_failed_ms = 9};
    struct weir_spec spec = {.output.timestamp = WEIR_TIMESTAMP_SOURCE};
    assert_int_equal(newer_time_of(&spec, &letter), 5);
    spec.output.timestamp = WEIR_TIMESTAMP_NOW;
    assert_int_equal(newer_time_of(&spec, &letter), 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_newer),
        cmocka_unit_test(many_keys),
        cmocka_unit_test(the_time_that_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
