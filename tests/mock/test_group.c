/* What a member does about its group beside reading: how long it waits for it, and what it does for others
 * that have gone. */
#include "rig.h"

#include "kafka/estate.h"
#include "kafka/patience.h"
#include "sys/clock.h"

static struct rig *rig;

static int open_group(void **state)
{
    (void)state;
    rig = rig_new();
    return 0;
}

static int close_group(void **state)
{
    (void)state;
    rig_free(rig);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    rig_renew(rig);
    return 0;
}

/* --- a group that says nothing --- */

static bool lose_patience(struct patience *patience, int64_t now_ms)
{
    struct asker asker = {.spec = &rig->spec};
    bool lost = patience_lost(patience, &asker, now_ms);
    assert_null(asker.client);
    return lost;
}

/* Each time it waits twice as long, up to a limit. A topic that is not there is waited for in any case. */
static void test_patience(void **state)
{
    (void)state;
    int64_t now_ms = clock_monotonic_ms();
    struct patience patience = {0};
    patience_begin(&patience, now_ms);
    for (int64_t limit_ms = PATIENCE_FIRST_MS; limit_ms <= PATIENCE_LONGEST_MS; limit_ms *= 2) {
        assert_false(patience_over(&patience, now_ms + limit_ms - 1));
        now_ms += limit_ms;
        assert_true(patience_over(&patience, now_ms));
        assert_true(lose_patience(&patience, now_ms));
    }
    assert_true(patience_over(&patience, now_ms + PATIENCE_LONGEST_MS));
    patience_end(&patience);
    patience_begin(&patience, now_ms);
    assert_true(patience_over(&patience, now_ms + PATIENCE_FIRST_MS));
    rig->spec.core.input_topic = "not-there";
    assert_false(lose_patience(&patience, now_ms + PATIENCE_FIRST_MS));
    rig->spec.core.input_topic = RIG_INPUT;
}

/* --- what members leave behind --- */

#define US   RIG_GROUP "-one-0"
#define GONE RIG_GROUP "-two-0"

/* One member of two has gone, and the other sees to it. The mock knows no DescribeGroups: what the group says
 * is told by hand. */
static struct estate bereave(void)
{
    struct estate estate = {
        .spec = &rig->spec, .own = US, .watch = &rig->watch, .asker = {.spec = &rig->spec}};
    struct roster before = {0};
    struct roster now = {0};
    assert_true(roster_add(&before, US) && roster_add(&before, GONE) && roster_add(&now, US));
    rig->spec.core.pipeline = RIG_GROUP;
    estate_told(&estate, &before, clock_monotonic_ms());
    estate_told(&estate, &now, clock_monotonic_ms());
    assert_int_equal(estate.left.n, 1);
    return estate;
}

/* Serves it until it is done; returns for how long. */
static int64_t settle(struct estate *estate)
{
    int64_t began_ms = clock_monotonic_ms();
    while (estate->left.n > 0 && clock_monotonic_ms() < began_ms + RIG_PATIENCE_MS)
        estate_serve(estate, clock_monotonic_ms());
    assert_int_equal(estate->left.n, 0);
    assert_null(estate->producer);
    return clock_monotonic_ms() - began_ms;
}

/* The producer under its name is what ends its transaction: once, and nothing more. */
static void test_settled(void **state)
{
    (void)state;
    rig_log_begin();
    struct estate estate = bereave();
    (void)settle(&estate);
    estate_serve(&estate, clock_monotonic_ms());
    estate_free(&estate);
    int settled = rig_log_lines("event=settled");
    int named = rig_log_lines(GONE);
    rig_log_end();
    assert_int_equal(settled, 1);
    assert_int_equal(named, 1);
    assert_int_equal(rig_requests(rig, RIG_INIT_PRODUCER_ID), 1);
}

/* The coordinator is still ending it. */
static void test_settled_after_a_while(void **state)
{
    (void)state;
    rig_inject(rig, RIG_INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, 2);
    struct estate estate = bereave();
    (void)settle(&estate);
    estate_free(&estate);
    assert_int_equal(rig_requests(rig, RIG_INIT_PRODUCER_ID), 3);
}

/* Who may not open that id lets it end by itself. */
static void test_denied(void **state)
{
    (void)state;
    rig_log_begin();
    rig_inject(rig, RIG_INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, 1);
    struct estate estate = bereave();
    int64_t took_ms = settle(&estate);
    estate_free(&estate);
    int said = rig_log_lines("event=unsettled");
    rig_log_end();
    assert_true(took_ms < ESTATE_CLEANUP_MS);
    assert_int_equal(said, 1);
    assert_int_equal(rig_requests(rig, RIG_INIT_PRODUCER_ID), 1);
}

/* It is back before its turn has come, or in the middle of it. */
static void test_back(void **state)
{
    (void)state;
    for (int begun = 0; begun <= 1; begun++) {
        rig_inject(rig, RIG_INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, 100);
        struct estate estate = bereave();
        if (begun)
            estate_serve(&estate, clock_monotonic_ms());
        struct roster now = {0};
        assert_true(roster_add(&now, US) && roster_add(&now, GONE));
        estate_told(&estate, &now, clock_monotonic_ms());
        assert_int_equal(estate.left.n, 0);
        assert_null(estate.producer);
        estate_free(&estate);
    }
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_patience), TEST(test_settled), TEST(test_settled_after_a_while),
        TEST(test_denied),   TEST(test_back),
    };
    return rig_main("group", tests, sizeof tests / sizeof tests[0], open_group, close_group, 1);
}
