#include "kafka/watchdog.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
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

/* Slices of one call are one wait; another call is another. */
static void test_slices(void **state)
{
    (void)state;
    static const char commit[] = "commit", offsets[] = "send offsets";
    struct watch watch = {0};
    watchdog_enter(&watch, commit);
    atomic_store(&watch.waiting_ms, 7);
    watchdog_leave(&watch);
    watchdog_enter(&watch, commit);
    assert_int_equal(atomic_load(&watch.waiting_ms), 7);
    watchdog_leave(&watch);
    watchdog_enter(&watch, offsets);
    assert_true(atomic_load(&watch.waiting_ms) > 7);
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

#define WATCHES 3

static struct watch watches[WATCHES];
static const _Atomic int stopping;

/* One of several workers has been in a call for blocked_ms (0: in none). */
static void block(int64_t blocked_ms)
{
    for (size_t i = 0; i < WATCHES; i++)
        watchdog_leave(&watches[i]);
    if (blocked_ms == 0)
        return;
    watchdog_enter(&watches[1], "a call that blocks");
    atomic_store(&watches[1].since_ms, clock_monotonic_ms() - blocked_ms);
    atomic_store(&watches[1].waiting_ms, clock_monotonic_ms() - blocked_ms);
}

static struct watchdog *start(rd_kafka_t *client)
{
    struct watchdog *dog = NULL;
    struct weir_err err = {0};
    assert_non_null(client);
    assert_int_equal(watchdog_start(client, watches, WATCHES, &stopping, &dog, &err), WEIR_OK);
    return dog;
}

/* What a process with a watchdog does whose worker has been in a call for blocked_ms. Never returns. */
static void live(int64_t blocked_ms)
{
    rd_kafka_t *client = lonely_client();
    block(blocked_ms);
    struct watchdog *dog = start(client);
    clock_sleep_ms(blocked_ms > 0 ? 60000 : 1000);
    watchdog_stop(dog);
    rd_kafka_destroy(client);
    _exit(EXIT_SUCCESS);
}

static void on_alarm(int signal)
{
    (void)signal;
    _exit(weir_err_exit(WEIR_ERR_STUCK));
}

/* Standard error becomes a pipe that is full and that nobody reads. */
static void stop_reading(void)
{
    int ends[2];
    char piece[4096] = {0};
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    while (write(ends[1], piece, sizeof piece) > 0)
        continue;
    while (write(ends[1], piece, 1) > 0)
        continue;
    assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    (void)signal(SIGALRM, on_alarm);
}

static int status_of(int64_t blocked_ms, bool read)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (!read)
            stop_reading();
        live(blocked_ms);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_ends_the_process(void **state)
{
    (void)state;
    assert_int_equal(status_of(WATCHDOG_LONGEST_MS + 1, true), weir_err_exit(WEIR_ERR_STUCK));
    assert_int_equal(weir_err_exit(WEIR_ERR_STUCK), 75);
}

/* It ends the process also when nobody reads its last words. */
static void test_ends_it_unheard(void **state)
{
    (void)state;
    assert_int_equal(status_of(WATCHDOG_LONGEST_MS + 1, false), weir_err_exit(WEIR_ERR_STUCK));
}

static void test_lets_live(void **state)
{
    (void)state;
    assert_int_equal(status_of(0, true), EXIT_SUCCESS);
}

/* A worker that waits makes it ask, and the silence is there while nobody answers, whatever the worker does
 * meanwhile. */
static void test_hears_the_silence(void **state)
{
    (void)state;
    enum { PATIENCE_MS = 60000, QUIET_MS = 3000 };
    rd_kafka_t *client = lonely_client();
    block(0);
    struct watchdog *dog = start(client);
    clock_sleep_ms(QUIET_MS);
    assert_false(watchdog_silence(dog));
    block(WATCHDOG_CURIOUS_MS);
    int64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;
    while (!watchdog_silence(dog) && clock_monotonic_ms() < until_ms)
        clock_sleep_ms(10);
    assert_true(watchdog_silence(dog));
    block(0);
    clock_sleep_ms(QUIET_MS);
    assert_true(watchdog_silence(dog));
    watchdog_stop(dog);
    rd_kafka_destroy(client);
}

static void test_stop_of_none(void **state)
{
    (void)state;
    watchdog_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge),           cmocka_unit_test(test_enter_and_leave),
        cmocka_unit_test(test_slices),          cmocka_unit_test(test_ends_the_process),
        cmocka_unit_test(test_ends_it_unheard), cmocka_unit_test(test_hears_the_silence),
        cmocka_unit_test(test_lets_live),       cmocka_unit_test(test_stop_of_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
