#include "cmd/supervisor.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sys/clock.h"

#define TASKS_MAX 8
#define WAIT_MS   5

static _Atomic int stop;
static _Atomic int ended;  /* tasks that have come to their end */
static _Atomic int others; /* calls of failed_too */
static _Atomic int wrong;  /* what a task found to be wrong: only the main thread may assert */
static int ticks;
static int stop_at_tick; /* 0: never */
static pthread_t main_thread;

/* A task that fails, well when code is OK: at once or, when patient, after it was told to stop. */
struct part {
    enum weir_err_code code;
    const char *text;
    bool patient;
};

static enum weir_err_code play(void *context, struct weir_err *err)
{
    const struct part *part = context;
    atomic_fetch_add(&wrong, pthread_equal(pthread_self(), main_thread) != 0);
    while (part->patient && !atomic_load(&stop))
        clock_sleep_ms(WAIT_MS);
    /* Who is told to stop takes its time; it is waited for. */
    if (part->patient)
        clock_sleep_ms(2 * WAIT_MS);
    atomic_fetch_add(&ended, 1);
    return part->code == WEIR_OK ? WEIR_OK : weir_fail(err, part->code, "%s", part->text);
}

static void on_tick(void *context)
{
    assert_ptr_equal(context, &ticks);
    assert_true(pthread_equal(pthread_self(), main_thread));
    if (++ticks == stop_at_tick)
        atomic_store(&stop, 1);
}

static void on_failed_too(const struct weir_err *err)
{
    atomic_fetch_add(&wrong, strcmp(err->text, "another") != 0);
    atomic_fetch_add(&others, 1);
}

static enum weir_err_code run(const struct part *parts, size_t n, size_t *first, struct weir_err *err)
{
    struct supervisor_task tasks[TASKS_MAX];
    for (size_t i = 0; i < n; i++)
        tasks[i] = (struct supervisor_task){play, (void *)(uintptr_t)&parts[i]};
    struct supervisor supervisor = {tasks, n, &stop, on_tick, on_failed_too, &ticks};
    *first = SIZE_MAX;
    atomic_store(&stop, 0);
    atomic_store(&ended, 0);
    atomic_store(&others, 0);
    ticks = 0;
    main_thread = pthread_self();
    enum weir_err_code code = supervisor_run(&supervisor, first, err);
    assert_int_equal(atomic_load(&ended), n);
    assert_int_equal(atomic_load(&wrong), 0);
    return code;
}

static void test_all_run_until_they_are_told(void **state)
{
    (void)state;
    static const struct part parts[4] = {
        {.patient = true}, {.patient = true}, {.patient = true}, {.patient = true}};
    struct weir_err err = {0};
    size_t first;
    stop_at_tick = 2;
    assert_int_equal(run(parts, 4, &first, &err), WEIR_OK);
    assert_true(ticks >= 2);
    assert_int_equal(err.code, WEIR_OK);
}

/* One that fails ends the others, which end well; its error is the whole's. */
static void test_one_that_fails_ends_all(void **state)
{
    (void)state;
    static const struct part parts[3] = {
        {.patient = true}, {.code = WEIR_ERR_DENIED, .text = "denied"}, {.patient = true}};
    struct weir_err err = {0};
    size_t first;
    stop_at_tick = 0;
    assert_int_equal(run(parts, 3, &first, &err), WEIR_ERR_DENIED);
    assert_int_equal(err.code, WEIR_ERR_DENIED);
    assert_string_equal(err.text, "denied");
    assert_int_equal(first, 1);
    assert_int_equal(atomic_load(&others), 0);
}

/* What comes after the first failure is said, unless it is the same; the first in time counts. */
static void test_the_first_failure_counts(void **state)
{
    (void)state;
    static const struct part parts[4] = {{WEIR_ERR_KAFKA, "another", true},
                                         {WEIR_ERR_KAFKA, "first", true},
                                         {WEIR_ERR_DENIED, "first", false},
                                         {WEIR_ERR_KAFKA, "another", true}};
    struct weir_err err = {0};
    size_t first;
    assert_int_equal(run(parts, 4, &first, &err), WEIR_ERR_DENIED);
    assert_string_equal(err.text, "first");
    assert_int_equal(first, 2);
    assert_int_equal(atomic_load(&others), 2);
}

/* One that ends before it was told, though well, ends the others too: what it did is not done any more. */
static void test_one_that_ends_ends_all(void **state)
{
    (void)state;
    static const struct part parts[2] = {{.patient = true}, {.patient = false}};
    struct weir_err err = {0};
    size_t first;
    assert_int_equal(run(parts, 2, &first, &err), WEIR_OK);
}

static void test_one_alone(void **state)
{
    (void)state;
    static const struct part part = {.code = WEIR_ERR_CONFIG, .text = "wrong"};
    struct weir_err err = {0};
    size_t first;
    assert_int_equal(run(&part, 1, &first, &err), WEIR_ERR_CONFIG);
    assert_int_equal(first, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_run_until_they_are_told),
        cmocka_unit_test(test_one_that_fails_ends_all),
        cmocka_unit_test(test_the_first_failure_counts),
        cmocka_unit_test(test_one_that_ends_ends_all),
        cmocka_unit_test(test_one_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
