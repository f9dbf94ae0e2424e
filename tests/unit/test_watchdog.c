#include "kafka/watchdog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/clock.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define NOW          1000000

static void test_judge(void **state)
{
    (void)state;
    static const struct {
        int64_t blocked, answered, stopping; /* for how long; -1: not so */
        bool ends;
    } rows[] = {
        {-1, -1, -1, false},
        {WATCHDOG_BLOCKED_MS, WATCHDOG_BLOCKED_MS, -1, true},
        {WATCHDOG_BLOCKED_MS - 1, WATCHDOG_BLOCKED_MS - 1, -1, false},
        /* While the cluster answers nobody, or has only just come back, being blocked is no wonder. */
        {WATCHDOG_LONGEST_MS - 1, -1, -1, false},
        {WATCHDOG_LONGEST_MS - 1, WATCHDOG_BLOCKED_MS - 1, -1, false},
        {WATCHDOG_LONGEST_MS, -1, -1, true},
        {-1, -1, WATCHDOG_STOP_MS - 1, false},
        {-1, -1, WATCHDOG_STOP_MS, true},
        {100, -1, WATCHDOG_STOP_MS, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct watchdog_view view = {NOW, rows[i].blocked < 0 ? 0 : NOW - rows[i].blocked,
                                           rows[i].answered < 0 ? 0 : NOW - rows[i].answered,
                                           rows[i].stopping < 0 ? 0 : NOW - rows[i].stopping};
        const char *why = NULL;
        if (watchdog_judge(&view, &why) != rows[i].ends)
            fail_msg("row %zu", i);
        assert_int_equal(why != NULL, rows[i].ends);
    }
}

/* A client that reaches nobody. */
static rd_kafka_t *lonely_client(void)
{
    char text[128];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    (void)rd_kafka_conf_set(conf, "bootstrap.servers", "127.0.0.1:1", text, sizeof text);
    (void)rd_kafka_conf_set(conf, "log_level", "0", text, sizeof text);
    return rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
}

/* The process itself ends, with the status that asks for a restart: seen from outside. */
static void test_ends_the_process(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        static struct watch watch;
        static const _Atomic int stopping;
        struct watchdog *dog = NULL;
        struct weir_err err;
        watchdog_enter(&watch, "a call that hangs");
        atomic_store(&watch.since_ms, clock_monotonic_ms() - WATCHDOG_LONGEST_MS);
        if (watchdog_start(lonely_client(), &watch, &stopping, &dog, &err) != WEIR_OK)
            _exit(1);
        clock_sleep_ms(30000);
        _exit(2);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), weir_err_exit(WEIR_ERR_STUCK));
}

static void test_leaves_a_working_process_alone(void **state)
{
    (void)state;
    struct watch watch = {0};
    static const _Atomic int stopping;
    struct watchdog *dog = NULL;
    struct weir_err err;
    rd_kafka_t *client = lonely_client();
    assert_int_equal(watchdog_start(client, &watch, &stopping, &dog, &err), WEIR_OK);
    watchdog_enter(&watch, "a call that returns");
    watchdog_leave(&watch);
    clock_sleep_ms(1200);
    watchdog_stop(dog);
    watchdog_stop(NULL);
    rd_kafka_destroy(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge),
        cmocka_unit_test(test_ends_the_process),
        cmocka_unit_test(test_leaves_a_working_process_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
