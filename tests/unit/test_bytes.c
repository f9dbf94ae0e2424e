#include "weir/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct weir_bytes raw(const void *data, size_t len)
{
    return (struct weir_bytes){data, len};
}

static void test_of(void **state)
{
    (void)state;
    const char *text = "user_id";
    struct weir_bytes bytes = weir_bytes_of(text);
    assert_ptr_equal(bytes.data, text);
    assert_int_equal(bytes.len, 7);
    assert_non_null(weir_bytes_of("").data);
    assert_int_equal(weir_bytes_of("").len, 0);
    assert_null(weir_bytes_of(NULL).data);
    assert_int_equal(weir_bytes_of(NULL).len, 0);
}

static void test_equal(void **state)
{
    (void)state;
    char other[] = "user_id";
    assert_true(weir_bytes_equal(weir_bytes_of("user_id"), weir_bytes_of(other)));
    assert_true(weir_bytes_equal(raw("a\0b", 3), raw("a\0b", 3)));
    assert_false(weir_bytes_equal(raw("a\0b", 3), raw("a\0c", 3)));
    assert_false(weir_bytes_equal(weir_bytes_of("user_id"), weir_bytes_of("user_ip")));
}

/* One being the beginning of the other is not enough, in either order. */
static void test_equal_looks_at_length(void **state)
{
    (void)state;
    assert_false(weir_bytes_equal(weir_bytes_of("user"), weir_bytes_of("user_id")));
    assert_false(weir_bytes_equal(weir_bytes_of("user_id"), weir_bytes_of("user")));
}

static void test_no_value_equals_only_no_value(void **state)
{
    (void)state;
    struct weir_bytes empty = weir_bytes_of("");
    assert_true(weir_bytes_equal(WEIR_NO_BYTES, WEIR_NO_BYTES));
    assert_true(weir_bytes_equal(empty, raw("x", 0)));
    assert_false(weir_bytes_equal(WEIR_NO_BYTES, empty));
    assert_false(weir_bytes_equal(empty, WEIR_NO_BYTES));
    assert_false(weir_bytes_equal(WEIR_NO_BYTES, weir_bytes_of("x")));
}

static void test_starts(void **state)
{
    (void)state;
    struct weir_bytes name = weir_bytes_of("__weir.errors.code");
    assert_true(weir_bytes_starts(name, "__weir."));
    assert_true(weir_bytes_starts(name, "__weir.errors.code"));
    assert_true(weir_bytes_starts(name, ""));
    assert_false(weir_bytes_starts(name, "__weir.errors.code "));
    assert_false(weir_bytes_starts(name, "_weir."));
    assert_false(weir_bytes_starts(name, "__Weir."));
}

static void test_starts_of_nothing(void **state)
{
    (void)state;
    assert_true(weir_bytes_starts(weir_bytes_of(""), ""));
    assert_false(weir_bytes_starts(weir_bytes_of(""), "_"));
    assert_false(weir_bytes_starts(WEIR_NO_BYTES, ""));
    assert_false(weir_bytes_starts(WEIR_NO_BYTES, "_"));
}

/* The bytes need not end in NUL: the sanitizer sees a read behind them. */
static void test_nothing_behind_the_bytes_is_read(void **state)
{
    (void)state;
    uint8_t *a = malloc(4);
    uint8_t *b = malloc(4);
    assert_non_null(a);
    assert_non_null(b);
    memcpy(a, "wehr", 4);
    memcpy(b, "wehr", 4);
    assert_true(weir_bytes_equal(raw(a, 4), raw(b, 4)));
    assert_true(weir_bytes_starts(raw(a, 4), "wehr"));
    assert_false(weir_bytes_starts(raw(a, 4), "wehrs"));
    free(a);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of),
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_equal_looks_at_length),
        cmocka_unit_test(test_no_value_equals_only_no_value),
        cmocka_unit_test(test_starts),
        cmocka_unit_test(test_starts_of_nothing),
        cmocka_unit_test(test_nothing_behind_the_bytes_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
