#include "metrics/counters.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define THREADS 4
#define ROUNDS  20000

static void test_each_counter_is_its_own(void **state)
{
    (void)state;
    struct counters counters = {0};
    for (int which = 0; which < COUNTER_COUNT; which++)
        counters_add(&counters, (enum counter)which, (uint64_t)which + 1);
    for (int which = 0; which < COUNTER_COUNT; which++)
        assert_int_equal(counters_get(&counters, (enum counter)which), which + 1);
    for (int code = 0; code < WEIR_CODE_COUNT; code++)
        assert_int_equal(counters_get_rejected(&counters, (enum weir_code)code), 0);
}

static void test_each_code_is_its_own(void **state)
{
    (void)state;
    struct counters counters = {0};
    for (int code = 0; code < WEIR_CODE_COUNT; code++)
        counters_add_rejected(&counters, (enum weir_code)code, (uint64_t)code * 3);
    for (int code = 0; code < WEIR_CODE_COUNT; code++)
        assert_int_equal(counters_get_rejected(&counters, (enum weir_code)code), code * 3);
    for (int which = 0; which < COUNTER_COUNT; which++)
        assert_int_equal(counters_get(&counters, (enum counter)which), 0);
}

static void test_counters_add_up(void **state)
{
    (void)state;
    struct counters counters = {0};
    counters_add(&counters, COUNTER_RECORDS_IN, UINT64_C(1) << 40);
    counters_add(&counters, COUNTER_RECORDS_IN, 0);
    counters_add(&counters, COUNTER_RECORDS_IN, 2);
    assert_true(counters_get(&counters, COUNTER_RECORDS_IN) == (UINT64_C(1) << 40) + 2);
}

static void *add_many(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        counters_add(arg, COUNTER_RECORDS_IN, 1);
        counters_add_rejected(arg, WEIR_CODE_TRUNCATED, 2);
    }
    return NULL;
}

static void test_threads_lose_nothing(void **state)
{
    (void)state;
    struct counters counters = {0};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, &counters), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(counters_get(&counters, COUNTER_RECORDS_IN), THREADS * ROUNDS);
    assert_int_equal(counters_get_rejected(&counters, WEIR_CODE_TRUNCATED), 2 * THREADS * ROUNDS);
}

/* Names become Prometheus' and are searched for, so they are plain, unique and explained. */
static void test_names_and_help(void **state)
{
    (void)state;
    assert_string_equal(counters_name(COUNTER_RECORDS_IN), "records_in");
    for (int a = 0; a < COUNTER_COUNT; a++) {
        const char *name = counters_name((enum counter)a);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
        assert_true(strlen(counters_help((enum counter)a)) > 0);
        for (int b = a + 1; b < COUNTER_COUNT; b++)
            assert_string_not_equal(name, counters_name((enum counter)b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_counter_is_its_own), cmocka_unit_test(test_each_code_is_its_own),
        cmocka_unit_test(test_counters_add_up),         cmocka_unit_test(test_threads_lose_nothing),
        cmocka_unit_test(test_names_and_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
