#include "generate/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define MS INT64_C(1000000)
#define S  INT64_C(1000000000)

static void keeps_the_rate(void **state)
{
    (void)state;
    static const uint64_t rates[] = {1, 3, 7, 1000, 333333, PACE_RATE_MAX};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct pace pace;
        pace_init(&pace, rates[i], 5 * S);
        uint64_t sent = 0;
        for (int64_t now = 5 * S; now <= 15 * S; now += 20 * MS)
            sent += pace_take(&pace, now, UINT64_MAX);
        assert_true(sent == 10 * rates[i]);
    }
}

static void max_bounds_one_take_and_the_rest_stays_due(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, 1000, 0);
    assert_int_equal(pace_take(&pace, 100 * MS, 30), 30);
    assert_int_equal(pace_take(&pace, 100 * MS, 30), 30);
    assert_int_equal(pace_take(&pace, 100 * MS, 100), 40);
    assert_int_equal(pace_take(&pace, 100 * MS, 100), 0);
}

static void waits_until_the_next_is_due(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, 100, 0);
    assert_int_equal(pace_wait_ms(&pace, 0), 10);
    assert_int_equal(pace_wait_ms(&pace, 9 * MS + 1), 1);
    assert_int_equal(pace_wait_ms(&pace, 10 * MS), 0);
    assert_int_equal(pace_take(&pace, 10 * MS, 10), 1);
    assert_int_equal(pace_wait_ms(&pace, 10 * MS), 10);
    pace_init(&pace, 1, 0);
    assert_int_equal(pace_wait_ms(&pace, 0), PACE_WAIT_MAX_MS);
}

static void forgets_old_arrears(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, 1000, 0);
    assert_int_equal(pace_take(&pace, 1 * S, 1000), 1000);
    /* A minute's stall is followed by a second's worth, then by the rate again. */
    assert_int_equal(pace_take(&pace, 61 * S, 100000), 1000);
    assert_int_equal(pace_take(&pace, 62 * S, 100000), 1000);
}

static void flat_out_is_never_held(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, 0, 0);
    assert_int_equal(pace_take(&pace, 0, 1024), 1024);
    assert_int_equal(pace_wait_ms(&pace, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_rate),
        cmocka_unit_test(max_bounds_one_take_and_the_rest_stays_due),
        cmocka_unit_test(waits_until_the_next_is_due),
        cmocka_unit_test(forgets_old_arrears),
        cmocka_unit_test(flat_out_is_never_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
