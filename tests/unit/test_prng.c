#include "generate/prng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void is_splitmix64(void **state)
{
    (void)state;
    /* The published sequence of state 1234567. */
    struct prng prng = {.state = 1234567};
    assert_true(prng_next(&prng) == UINT64_C(6457827717110365317));
    assert_true(prng_next(&prng) == UINT64_C(3203168211198807973));
    assert_true(prng_next(&prng) == UINT64_C(9817491932198370423));
}

static void streams_are_apart(void **state)
{
    (void)state;
    struct prng a, b, c, again;
    prng_init(&a, 1, 0);
    prng_init(&b, 1, 1);
    prng_init(&c, 2, 0);
    prng_init(&again, 1, 0);
    uint64_t first = prng_next(&a);
    assert_true(first == prng_next(&again));
    assert_true(first != prng_next(&b));
    assert_true(first != prng_next(&c));
    /* Not the neighbour's sequence one step on. */
    prng_init(&b, 1, 1);
    assert_true(prng_next(&a) != prng_next(&b));
}

static void stays_in_bounds_and_fills_them(void **state)
{
    (void)state;
    struct prng prng;
    prng_init(&prng, 7, 7);
    unsigned seen[10] = {0};
    double sum = 0;
    for (int i = 0; i < 10000; i++) {
        uint32_t n = prng_below(&prng, 10);
        assert_true(n < 10);
        seen[n]++;
        double unit = prng_unit(&prng);
        assert_true(unit >= 0 && unit < 1);
        sum += unit;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(seen[i], 850, 1150);
    assert_true(sum > 4850 && sum < 5150);
    assert_int_equal(prng_below(&prng, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_splitmix64),
        cmocka_unit_test(streams_are_apart),
        cmocka_unit_test(stays_in_bounds_and_fills_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
