#include "sys/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#define NS_PER_MS INT64_C(1000000)

static void test_monotonic_never_goes_back(void **state)
{
    (void)state;
    int64_t last = clock_monotonic_ns();
    for (int i = 0; i < 10000; i++) {
        int64_t now = clock_monotonic_ns();
        assert_true(now >= last);
        last = now;
    }
}

static void test_both_units_are_of_one_clock(void **state)
{
    (void)state;
    int64_t before = clock_monotonic_ns() / NS_PER_MS;
    int64_t now = clock_monotonic_ms();
    int64_t after = clock_monotonic_ns() / NS_PER_MS;
    assert_true(before <= now && now <= after);
}

static void test_wall_counts_milliseconds_since_1970(void **state)
{
    (void)state;
    int64_t before = (int64_t)time(NULL);
    int64_t now = clock_wall_ms();
    int64_t after = (int64_t)time(NULL);
    /* time() may read a coarser clock, which lags by some milliseconds. */
    assert_true(before <= now / 1000 && now / 1000 <= after + 1);
}

static void test_sleep(void **state)
{
    (void)state;
    int64_t before = clock_monotonic_ns();
    clock_sleep_ms(20);
    assert_true(clock_monotonic_ns() - before >= 20 * NS_PER_MS);
}

static void test_no_time_to_sleep(void **state)
{
    (void)state;
    int64_t before = clock_monotonic_ms();
    clock_sleep_ms(0);
    clock_sleep_ms(-1);
    clock_sleep_ms(INT64_MIN);
    assert_true(clock_monotonic_ms() - before < 1000);
}

static void test_timespec(void **state)
{
    (void)state;
    struct timespec span = clock_timespec(61999);
    assert_int_equal(span.tv_sec, 61);
    assert_int_equal(span.tv_nsec, 999 * NS_PER_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_monotonic_never_goes_back),
        cmocka_unit_test(test_both_units_are_of_one_clock),
        cmocka_unit_test(test_wall_counts_milliseconds_since_1970),
        cmocka_unit_test(test_timespec),
        cmocka_unit_test(test_sleep),
        cmocka_unit_test(test_no_time_to_sleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
