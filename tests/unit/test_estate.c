#include "kafka/estate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kafka/admin.h"

#define NOW 1000000000
/* Nobody listens there. */
#define NOBODY "127.0.0.1:1"

static const struct weir_property kafka[] = {{.name = "bootstrap.servers", .value = NOBODY}};
static const struct weir_spec spec = {
    .core = {.pipeline = "p", .input_topic = "in"}, .kafka = kafka, .n_kafka = 1};
static struct watch watch;
static struct estate estate;

static rd_kafka_t *client;

static int set_up(void **state)
{
    (void)state;
    estate = (struct estate){
        .spec = &spec, .own = "p-a-0", .client = client, .watch = &watch, .asker = {.spec = &spec}};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    estate_free(&estate);
    return 0;
}

static int open_client(void **state)
{
    (void)state;
    struct weir_err err;
    return admin_open(&spec, &client, &err) == WEIR_OK ? 0 : -1;
}

static int close_client(void **state)
{
    (void)state;
    admin_close(client);
    return 0;
}

/* The group tells that these are in it: a letter each. */
static void tell(const char *members)
{
    struct roster now = {0};
    for (; *members; members++) {
        char name[] = "p-?-0";
        name[2] = *members;
        assert_true(roster_add(&now, name));
    }
    estate_told(&estate, &now, NOW);
    assert_int_equal(now.n, 0);
}

static void test_who_has_gone(void **state)
{
    (void)state;
    tell("ab");
    assert_int_equal(estate.left.n, 0); /* Who was there before is not known. */
    tell("abc");
    tell("a");
    assert_int_equal(estate.left.n, 2);
    tell("ac");
    assert_int_equal(estate.left.n, 1); /* The other is back. */
    assert_true(roster_has(&estate.left, "p-b-0"));
}

/* Each falls to one of those who are left. Who was not there before falls to nobody. */
static void test_shared(void **state)
{
    (void)state;
    for (char gone = 'd'; gone <= 'z'; gone++) {
        char before[] = "abc?";
        before[3] = gone;
        tell(before);
        tell("abc");
    }
    assert_in_range(estate.left.n, 1, 'z' - 'd');
}

/* A group that does not know us says nothing of others either: as while we join, in the place of one that
 * died, or when all were timed out. Who was known before is not forgotten. */
static void test_without_us(void **state)
{
    (void)state;
    tell("b");
    tell("a");
    assert_int_equal(estate.left.n, 1);
    tear_down(state);
    set_up(state);
    tell("abc");
    tell("");
    tell("b");
    assert_int_equal(estate.left.n, 0);
    tell("a");
    assert_int_equal(estate.left.n, 2);
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
    tell("a");
    assert_int_equal(estate.left.n, 0);
}

/* While the group does not tell, nothing is done: one that has gone may be back. After some questions it is
 * let be. */
static void test_not_told(void **state)
{
    (void)state;
    tell("ab");
    tell("a");
    assert_int_equal(estate.left.n, 1);
    estate_look(&estate);
    int64_t now_ms = NOW;
    for (int question = 1; question <= ESTATE_QUESTIONS; question++) {
        assert_false(estate_busy(&estate));
        estate_serve(&estate, now_ms);
        assert_non_null(estate.answer);
        assert_true(estate_busy(&estate));
        assert_true((estate.asker.client != NULL) == (question > 1));
        estate_serve(&estate, now_ms + 1000);
        assert_non_null(estate.answer);
        now_ms += 100000;
        estate_serve(&estate, now_ms);
        assert_null(estate.answer);
        estate_serve(&estate, now_ms + 1);
        assert_null(estate.answer);
        assert_null(estate.producer);
        now_ms += 2000;
    }
    estate_serve(&estate, now_ms);
    assert_null(estate.answer);
    assert_int_equal(estate.left.n, 0);
    tell("a");
    assert_int_equal(estate.left.n, 0);
}

/* It has changed while it was asked: it is asked anew, and who has gone is not forgotten. */
static void test_changes_meanwhile(void **state)
{
    (void)state;
    tell("ab");
    tell("a");
    int64_t now_ms = NOW;
    estate_look(&estate);
    for (int question = 0; question < 2 * ESTATE_QUESTIONS; question++) {
        estate_serve(&estate, now_ms);
        assert_non_null(estate.answer);
        estate_look(&estate);
        now_ms += 100000;
        estate_serve(&estate, now_ms);
        assert_null(estate.answer);
        assert_int_equal(estate.questions, ESTATE_QUESTIONS);
        assert_int_equal(estate.left.n, 1);
    }
}

/* It is tried for as long as the coordinator itself may need; tests/mock has one that answers. A group that
 * changes meanwhile is asked first. */
static void test_no_coordinator(void **state)
{
    (void)state;
    tell("abc");
    tell("a");
    estate_serve(&estate, NOW);
    assert_non_null(estate.producer);
    assert_true(estate.until_ms >= NOW + ESTATE_CLEANUP_MS);
    estate_serve(&estate, estate.until_ms - 1000);
    assert_int_equal(estate.left.n, 2);
    estate_serve(&estate, estate.until_ms);
    assert_int_equal(estate.left.n, 0);
    assert_null(estate.producer);
    tell("ab");
    tell("a");
    estate_serve(&estate, NOW);
    assert_true(estate_busy(&estate));
    estate_look(&estate);
    assert_null(estate.producer);
    assert_false(estate_busy(&estate));
    assert_int_equal(estate.left.n, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_who_has_gone),   TEST(test_shared),   TEST(test_not_ours),
        TEST(test_without_us),     TEST(test_not_told), TEST(test_changes_meanwhile),
        TEST(test_no_coordinator),
    };
    return cmocka_run_group_tests(tests, open_client, close_client);
}
