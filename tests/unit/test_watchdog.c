#include "kafka/watchdog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/clock.h"

#define NOW 1000000000

struct row {
    const char *what;
    int64_t blocked_ms, answered_ms, stopping_ms; /* for how long, -1: not so */
    bool end;
};

static const struct row rows[] = {
    {"nothing", -1, -1, -1, false},
    {"answered, not blocked", -1, 10 * WATCHDOG_BLOCKED_MS, -1, false},

    {"blocked and answered, nearly", WATCHDOG_BLOCKED_MS - 1, WATCHDOG_BLOCKED_MS - 1, -1, false},
    {"blocked and answered", WATCHDOG_BLOCKED_MS, WATCHDOG_BLOCKED_MS, -1, true},
    {"blocked longer than answered", WATCHDOG_LONGEST_MS - 1, WATCHDOG_BLOCKED_MS - 1, -1, false},
    {"blocked shorter than answered", WATCHDOG_BLOCKED_MS - 1, WATCHDOG_BLOCKED_MS, -1, false},

    {"blocked while nobody answers, nearly", WATCHDOG_LONGEST_MS - 1, -1, -1, false},
    {"blocked while nobody answers", WATCHDOG_LONGEST_MS, -1, -1, true},
    {"blocked for ever", 10 * WATCHDOG_LONGEST_MS, 0, -1, true},

    {"stopping, nearly", -1, -1, WATCHDOG_STOP_MS - 1, false},
    {"stopping", -1, -1, WATCHDOG_STOP_MS, true},
    {"stopping, blocked", 1, 1, WATCHDOG_STOP_MS, true},
    {"stopping, blocked, nearly", 1, 1, WATCHDOG_STOP_MS - 1, false},
};

static int64_t since(int64_t span_ms)
{
    return span_ms < 0 ? 0 : NOW - span_ms;
}

static void test_judge(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        const char *why = NULL;
        struct watchdog_view view = {NOW, since(row->blocked_ms), since(row->answered_ms),
                                     since(row->stopping_ms)};
        if (watchdog_judge(&view, &why) != row->end)
            fail_msg("%s", row->what);
        if (row->end != (why != NULL))
            fail_msg("%s: the reason", row->what);
    }
}

static void test_enter_and_leave(void **state)
{
    (void)state;
    struct watch watch = {0};
    watchdog_enter(&watch, "commit");
    assert_string_equal(atomic_load(&watch.what), "commit");
    assert_in_range(clock_monotonic_ms() - atomic_load(&watch.since_ms), 0, 60000);
    watchdog_leave(&watch);
    assert_int_equal(atomic_load(&watch.since_ms), 0);
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

/* What a process with a watchdog does whose worker has been in a call for blocked_ms (0: in none). Never
 * returns. */
static void live(int64_t blocked_ms)
{
    static struct watch watch;
    static const _Atomic int stopping;
    struct watchdog *dog = NULL;
    struct weir_err err = {0};
    rd_kafka_t *client = lonely_client();
    if (blocked_ms > 0) {
        watchdog_enter(&watch, "a call that blocks");
        atomic_store(&watch.since_ms, clock_monotonic_ms() - blocked_ms);
    }
    if (!client || watchdog_start(client, &watch, &stopping, &dog, &err) != WEIR_OK)
        _exit(EXIT_FAILURE);
    clock_sleep_ms(blocked_ms > 0 ? 60000 : 1000);
    watchdog_stop(dog);
    rd_kafka_destroy(client);
    _exit(EXIT_SUCCESS);
}

static int status_of(int64_t blocked_ms)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        live(blocked_ms);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_ends_the_process(void **state)
{
    (void)state;
    assert_int_equal(status_of(WATCHDOG_LONGEST_MS + 1), weir_err_exit(WEIR_ERR_STUCK));
    assert_int_equal(weir_err_exit(WEIR_ERR_STUCK), 75);
}

static void test_lets_live(void **state)
{
    (void)state;
    assert_int_equal(status_of(0), EXIT_SUCCESS);
}

static void test_stop_of_none(void **state)
{
    (void)state;
    watchdog_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge),
        cmocka_unit_test(test_enter_and_leave),
        cmocka_unit_test(test_ends_the_process),
        cmocka_unit_test(test_lets_live),
        cmocka_unit_test(test_stop_of_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
