#include "kafka/estate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW 1000000000
/* Nobody listens there. */
#define NOBODY "127.0.0.1:1"

static const struct weir_property kafka[] = {{.name = "bootstrap.servers", .value = NOBODY}};
static const struct weir_spec spec = {
    .core = {.pipeline = "p", .input_topic = "in"}, .kafka = kafka, .n_kafka = 1};
static struct watch watch;
static struct estate estate;

static int set_up(void **state)
{
    (void)state;
    estate = (struct estate){.spec = &spec, .own = "p-a-0", .watch = &watch, .asker = {.spec = &spec}};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    estate_free(&estate);
    return 0;
}

/* The group tells that these are in it: a letter each. */
static void tell(const char *members, int64_t now_ms)
{
    struct roster now = {0};
    for (; *members; members++) {
        char name[] = "p-?-0";
        name[2] = *members;
        assert_true(roster_add(&now, name));
    }
    estate_told(&estate, &now, now_ms);
    assert_int_equal(now.n, 0);
}

static void test_who_has_gone(void **state)
{
    (void)state;
    tell("ab", NOW);
    assert_int_equal(estate.left.n, 0); /* Who was there before is not known. */
    tell("abc", NOW);
    tell("ac", NOW);
    tell("a", NOW);
    assert_true(roster_has(&estate.left, "p-c-0"));
    tell("ac", NOW);
    assert_false(roster_has(&estate.left, "p-c-0")); /* It is back. */
}

/* Each falls to one of those who are left. Who was not there before falls to nobody. */
static void test_shared(void **state)
{
    (void)state;
    for (char gone = 'd'; gone <= 'z'; gone++) {
        char before[] = "abc?";
        before[3] = gone;
        tell(before, NOW);
        tell("abc", NOW);
    }
    assert_in_range(estate.left.n, 1, 'z' - 'd');
}

/* Foreigners, and workers of this very process: theirs are no transactional ids that are ours to open. */
static void test_not_ours(void **state)
{
    (void)state;
    static const char *const names[] = {"p-a-0", "p-a-1", "q-b-0", "someone", "p-b"};
    struct roster now = {0};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_true(roster_add(&now, names[i]));
    estate_told(&estate, &now, NOW);
    tell("a", NOW);
    assert_int_equal(estate.left.n, 0);
}

/* While the group has not told, nothing is done: one that has gone may be coming back. Then it is tried, and
 * in the end left to the coordinator. tests/mock has one that answers. */
static void test_nobody_answers(void **state)
{
    (void)state;
    tell("ab", NOW);
    tell("a", NOW);
    assert_int_equal(estate.left.n, 1);
    estate_look(&estate);
    estate_serve(&estate, NOW);
    assert_non_null(estate.answer);
    estate_serve(&estate, NOW + 1000);
    assert_non_null(estate.answer);
    estate_serve(&estate, NOW + 100000);
    assert_null(estate.answer);
    assert_true(estate.look); /* It is asked again, after a pause. */
    estate_serve(&estate, NOW + 100001);
    assert_null(estate.answer);
    estate_serve(&estate, NOW + 102000);
    assert_non_null(estate.answer);
    assert_null(estate.producer);
    tell("a", NOW + 102000);
    estate_free(&estate);
    (void)set_up(state);
    tell("ab", NOW);
    tell("a", NOW);
    estate_serve(&estate, NOW);
    assert_non_null(estate.producer);
    estate_serve(&estate, NOW + ESTATE_LIMIT_MS - 1);
    assert_int_equal(estate.left.n, 1);
    estate_serve(&estate, NOW + ESTATE_LIMIT_MS);
    assert_int_equal(estate.left.n, 0);
    assert_null(estate.producer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_who_has_gone),
        TEST(test_shared),
        TEST(test_not_ours),
        TEST(test_nobody_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
