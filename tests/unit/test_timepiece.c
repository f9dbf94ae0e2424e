#include "cmd/timepiece.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sys/clock.h"

#define DRAWS 10000

static void test_random(void **state)
{
    (void)state;
    struct timepiece timepiece;
    unsigned found[10] = {0};
    timepiece_init(&timepiece, 1);
    struct timer *timer = &timepiece.base;
    for (int i = 0; i < DRAWS; i++) {
        uint32_t drawn = timer->ops->random(timer, 10);
        assert_in_range(drawn, 0, 9);
        found[drawn]++;
    }
    for (size_t i = 0; i < 10; i++)
        assert_in_range(found[i], DRAWS / 20, DRAWS / 5);
    assert_int_equal(timer->ops->random(timer, 0), 0);
    assert_int_equal(timer->ops->random(timer, 1), 0);
}

/* Workers draw different numbers, and each draws its own again from its seed. */
static void test_seeds(void **state)
{
    (void)state;
    struct timepiece one, again, two;
    timepiece_init(&one, 1);
    timepiece_init(&again, 1);
    timepiece_init(&two, 2);
    int same = 0;
    for (int i = 0; i < 100; i++) {
        uint32_t drawn = one.base.ops->random(&one.base, UINT32_MAX);
        assert_int_equal(again.base.ops->random(&again.base, UINT32_MAX), drawn);
        same += two.base.ops->random(&two.base, UINT32_MAX) == drawn;
    }
    assert_in_range(same, 0, 1);
    assert_int_not_equal(timepiece_seed(), timepiece_seed());
}

static void test_clocks(void **state)
{
    (void)state;
    struct timepiece timepiece;
    timepiece_init(&timepiece, 1);
    struct timer *timer = &timepiece.base;
    assert_in_range(clock_monotonic_ms() - timer->ops->monotonic_ms(timer), 0, 60000);
    assert_in_range(clock_wall_ms() - timer->ops->wall_ms(timer), 0, 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
