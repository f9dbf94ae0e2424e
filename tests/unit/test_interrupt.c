#include "cmd/interrupt.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What becomes of a process that handles interrupts and gets the signal so many times. */
static int end_of(int number, int times)
{
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        interrupt_handle();
        for (int i = 0; i < times; i++)
            (void)raise(number);
        _exit(interrupt_seen);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_the_first_asks(void **state)
{
    (void)state;
    assert_int_equal(end_of(SIGTERM, 0), 0);
    assert_int_equal(end_of(SIGTERM, 1), 1);
    assert_int_equal(end_of(SIGINT, 1), 1);
}

static void test_the_second_ends(void **state)
{
    (void)state;
    assert_int_equal(end_of(SIGTERM, 2), 128 + SIGTERM);
    assert_int_equal(end_of(SIGINT, 2), 128 + SIGINT);
}

static void test_a_broken_pipe_does_not(void **state)
{
    (void)state;
    interrupt_not_by_pipes();
    (void)raise(SIGPIPE);
    assert_int_equal(interrupt_seen, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_asks),
        cmocka_unit_test(test_the_second_ends),
        cmocka_unit_test(test_a_broken_pipe_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
