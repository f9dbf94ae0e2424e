#include "engine/trouble.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/twin_log.h"

static struct trouble trouble;

static int set_up(void **state)
{
    (void)state;
    trouble_init(&trouble, 0);
    twin_log_clear();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    trouble_release(&trouble);
    return 0;
}

static int join(enum weir_err_code code, const char *text)
{
    struct weir_err err;
    (void)weir_fail(&err, code, "%s", text);
    return trouble_join(&trouble, &err, 1000);
}

static void test_said_once_and_once(void **state)
{
    (void)state;
    int first = join(WEIR_ERR_TOPIC_MISSING, "topic dlq does not exist");
    int second = join(WEIR_ERR_TOPIC_MISSING, "topic dlq does not exist");
    assert_int_equal(first, second);
    assert_int_equal(twin_log_count("topic_missing"), 1);
    trouble_leave(&trouble, first, 2000);
    assert_int_equal(twin_log_count("recovered"), 0);
    trouble_leave(&trouble, second, 3500);
    assert_int_equal(twin_log_count("recovered"), 1);
    assert_int_equal(twin_log_text("over after 2.5 s: topic dlq does not exist"), 1);
}

static void test_others_are_others(void **state)
{
    (void)state;
    int a = join(WEIR_ERR_TOPIC_MISSING, "topic dlq does not exist");
    int b = join(WEIR_ERR_TOPIC_MISSING, "topic out does not exist");
    int c = join(WEIR_ERR_TOPIC_DENIED, "topic out does not exist");
    assert_true(a != b && b != c && a != c);
    assert_int_equal(twin_log_level(WEIR_LOG_WARN), 3);
    trouble_leave(&trouble, b, 2000);
    assert_int_equal(twin_log_text("topic out does not exist"), 3);
    assert_int_equal(join(WEIR_ERR_TOPIC_MISSING, "topic dlq does not exist"), a);
    assert_int_equal(twin_log_level(WEIR_LOG_WARN), 3);
}

/* The client words the same outage differently from call to call. */
static void test_brokers_down_is_one(void **state)
{
    (void)state;
    int a = join(WEIR_ERR_BROKER_DOWN, "2/2 brokers are down");
    int b = join(WEIR_ERR_BROKER_DOWN, "metadata: timed out");
    assert_int_equal(a, b);
    assert_int_equal(twin_log_level(WEIR_LOG_WARN), 1);
    assert_int_equal(join(WEIR_ERR_REGISTRY_DOWN, "no answer"), join(WEIR_ERR_REGISTRY_DOWN, "status 503"));
    assert_int_equal(twin_log_level(WEIR_LOG_WARN), 2);
}

/* It comes back: that is news. */
static void test_again(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        trouble_leave(&trouble, join(WEIR_ERR_REGISTRY_DOWN, "no answer"), 2000);
    assert_int_equal(twin_log_count("registry_down"), 3);
    assert_int_equal(twin_log_count("recovered"), 3);
}

static void test_more_than_there_is_room_for(void **state)
{
    (void)state;
    int rows[TROUBLE_MAX + 5];
    char text[32];
    for (int i = 0; i < TROUBLE_MAX + 5; i++) {
        (void)snprintf(text, sizeof text, "id %d", i);
        rows[i] = join(WEIR_ERR_SCHEMA_PENDING, text);
        assert_in_range(rows[i], 0, TROUBLE_MAX - 1);
    }
    assert_int_equal(twin_log_level(WEIR_LOG_WARN), TROUBLE_MAX);
    for (int i = 0; i < TROUBLE_MAX + 5; i++)
        trouble_leave(&trouble, rows[i], 2000);
    assert_int_equal(twin_log_count("recovered"), TROUBLE_MAX);
}

/* Others have what waited: nobody says that it is over. */
static void test_handed_over(void **state)
{
    (void)state;
    int a = join(WEIR_ERR_TOPIC_MISSING, "topic dlq does not exist");
    int b = join(WEIR_ERR_TOPIC_MISSING, "topic dlq does not exist");
    trouble_hand_over(&trouble, a);
    assert_int_equal(twin_log_count("handed_over"), 0);
    trouble_hand_over(&trouble, b);
    assert_int_equal(twin_log_count("handed_over"), 1);
    assert_int_equal(twin_log_count("recovered"), 0);
}

/* --- several workers --- */

static int join_at(int64_t now_ms)
{
    struct weir_err err;
    (void)weir_fail(&err, WEIR_ERR_BROKER_DOWN, "no broker answers");
    return trouble_join(&trouble, &err, now_ms);
}

/* One worker is well again before the other meets the rest of the outage: one trouble, said once and once. */
static void test_lingers(void **state)
{
    (void)state;
    trouble.linger_ms = 3000;
    trouble_leave(&trouble, join_at(1000), 5000);
    trouble_tend(&trouble, 7999);
    int second = join_at(7999);
    trouble_tend(&trouble, 60000);
    assert_int_equal(twin_log_count(NULL), 1);
    trouble_leave(&trouble, second, 61000);
    trouble_tend(&trouble, 63999);
    assert_int_equal(twin_log_count("recovered"), 0);
    assert_true(trouble_known(&trouble, WEIR_ERR_BROKER_DOWN));
    assert_false(trouble_known(&trouble, WEIR_ERR_REGISTRY_DOWN));
    trouble_tend(&trouble, 64000);
    assert_false(trouble_known(&trouble, WEIR_ERR_BROKER_DOWN));
    trouble_tend(&trouble, 70000);
    assert_int_equal(twin_log_count("recovered"), 1);
    assert_int_equal(twin_log_text("over after 60.0 s"), 1);
    (void)join_at(71000);
    assert_int_equal(twin_log_count("broker_down"), 2);
}

/* At the end nothing is left unsaid. */
static void test_lingers_no_longer_than_the_process(void **state)
{
    (void)state;
    trouble.linger_ms = 3000;
    trouble_leave(&trouble, join_at(1000), 2000);
    trouble_tend(&trouble, INT64_MAX);
    assert_int_equal(twin_log_text("over after 1.0 s"), 1);
}

/* One worker's partition is well, then the other's goes to another process: what is known is that it is over.
 */
static void test_over_for_one_and_handed_over_by_the_other(void **state)
{
    (void)state;
    int a = join(WEIR_ERR_TOPIC_MISSING, "topic dlq does not exist");
    int b = join(WEIR_ERR_TOPIC_MISSING, "topic dlq does not exist");
    trouble_leave(&trouble, a, 3000);
    trouble_hand_over(&trouble, b);
    assert_int_equal(twin_log_count("handed_over"), 0);
    assert_int_equal(twin_log_text("over after 2.0 s"), 1);
}

#define THREADS 4
#define ROUNDS  2000

static void *come_and_go(void *opaque)
{
    (void)opaque;
    for (int i = 0; i < ROUNDS; i++) {
        int row = join_at(i);
        trouble_tend(&trouble, i);
        trouble_leave(&trouble, row, i);
    }
    return NULL;
}

/* Workers that come and go at the same time leave nothing behind. */
static void test_from_many_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    trouble.linger_ms = INT64_MAX / 2;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(twin_log_count(NULL), 1);
    trouble_tend(&trouble, INT64_MAX);
    assert_int_equal(twin_log_count(NULL), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_said_once_and_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_others_are_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_brokers_down_is_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_handed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lingers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lingers_no_longer_than_the_process, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_over_for_one_and_handed_over_by_the_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_from_many_threads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_more_than_there_is_room_for, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
