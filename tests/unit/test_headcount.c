#include "cmd/headcount.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "weir/spec.h"

struct row {
    const char *what;
    struct headcount facts;
    int n;
};

static const struct row rows[] = {
    {"asked for", {3, {16, 0}, 2}, 3},
    {"asked for many", {64, {1, 500}, 1}, 64},
    {"processors", {WEIR_WORKERS_AUTO, {4, 0}, 12}, 4},
    {"quota", {WEIR_WORKERS_AUTO, {4, 2900}, 12}, 2},
    {"a small quota", {WEIR_WORKERS_AUTO, {4, 100}, 12}, 1},
    {"partitions", {WEIR_WORKERS_AUTO, {4, 0}, 3}, 3},
    {"partitions that are not known", {WEIR_WORKERS_AUTO, {4, 0}, 0}, 4},
    {"the cap", {WEIR_WORKERS_AUTO, {128, 0}, 1000}, HEADCOUNT_AUTO_MAX},
    {"nothing known", {WEIR_WORKERS_AUTO, {0, 0}, 0}, 1},
};

static void test_choose(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (headcount_choose(&rows[i].facts) != rows[i].n)
            fail_msg("%s: %d", rows[i].what, headcount_choose(&rows[i].facts));
}

static void test_why(void **state)
{
    (void)state;
    char text[HEADCOUNT_WHY_MAX];
    struct headcount facts = {WEIR_WORKERS_AUTO, {4, 2500}, 12};
    assert_string_equal(headcount_why(&facts, text),
                        "4 processors (2.50 by quota), 12 partitions of the input topic, 8 at most");
    facts = (struct headcount){WEIR_WORKERS_AUTO, {4, 0}, 0};
    assert_string_equal(headcount_why(&facts, text),
                        "4 processors, an unknown number of partitions of the input topic, 8 at most");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_choose), cmocka_unit_test(test_why)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
