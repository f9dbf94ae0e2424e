#include "engine/follower.h"

#include <pthread.h>
#include <stdatomic.h>

#include "support/core.h"
#include "sys/clock.h"

/* Nothing takes longer on any machine that still works. */
#define SOON_MS 15000
#define NEVER   3600000

struct setting {
    struct schemas schemas;
    struct timer timer;
    struct weir_spec spec;
    struct weir_schema *schema;
    struct editions *editions;
    struct trouble trouble;
    struct counters counters;
    _Atomic unsigned hurry, hurried, asked;
    struct follower *follower;
};

static enum weir_err_code subject(struct schemas *schemas, const struct weir_subject_spec *wanted,
                                  struct schemas_version *out, struct weir_err *err)
{
    struct setting *setting = (struct setting *)schemas;
    (void)wanted, (void)err;
    (void)atomic_fetch_add(&setting->asked, 1);
    *out = (struct schemas_version){setting->schema, 1, 1};
    return WEIR_OK;
}

static int64_t monotonic_ms(struct timer *timer)
{
    (void)timer;
    return clock_monotonic_ms();
}

static uint32_t no_jitter(struct timer *timer, uint32_t below)
{
    (void)timer, (void)below;
    return 0;
}

static void on_hurry(void *context)
{
    struct setting *setting = context;
    (void)atomic_fetch_add(&setting->hurried, 1);
}

static const struct schemas_ops schemas_ops = {.subject = subject};
static const struct timer_ops timer_ops = {.monotonic_ms = monotonic_ms, .random = no_jitter};

static void start(struct setting *setting, int64_t poll_ms)
{
    const struct follower_options options = {.parts = {.spec = &setting->spec,
                                                       .schemas = &setting->schemas,
                                                       .editions = setting->editions,
                                                       .trouble = &setting->trouble,
                                                       .timer = &setting->timer,
                                                       .counters = &setting->counters},
                                             .poll_ms = poll_ms,
                                             .hurry = &setting->hurry,
                                             .hurried = on_hurry,
                                             .context = setting};
    struct weir_err err;
    assert_int_equal(follower_start(&options, &setting->follower, &err), WEIR_OK);
}

/* Waits until both subjects were asked for so often. */
static void await_looks(struct setting *setting, unsigned looks)
{
    int64_t until = clock_monotonic_ms() + SOON_MS;
    while (atomic_load(&setting->asked) < 2 * looks) {
        assert_true(clock_monotonic_ms() < until);
        clock_sleep_ms(5);
    }
}

static void test_it_looks_every_so_often(void **state)
{
    struct setting *setting = *state;
    int64_t begun = clock_monotonic_ms();
    start(setting, 200);
    await_looks(setting, 4);
    assert_true(clock_monotonic_ms() - begun >= 4 * 200);
    assert_int_equal(setting->hurried, 0);
}

static void test_it_hurries_when_told(void **state)
{
    struct setting *setting = *state;
    start(setting, NEVER);
    for (unsigned i = 1; i <= 3; i++) {
        (void)atomic_fetch_add(&setting->hurry, 1);
        await_looks(setting, i);
        assert_int_equal(setting->hurried, i);
    }
}

/* A worker gets the look that it wants; many that want one do not make it spin. */
static void test_it_looks_when_a_worker_wants_it(void **state)
{
    struct setting *setting = *state;
    int64_t begun = clock_monotonic_ms();
    start(setting, NEVER);
    for (int i = 0; i < 5; i++) {
        uint64_t look = editions_next_look(setting->editions);
        editions_want(setting->editions);
        assert_true(editions_await(setting->editions, look));
    }
    assert_true(clock_monotonic_ms() - begun >= 4 * FOLLOWER_AGAIN_MS);
}

static int set_up(void **state)
{
    struct setting *setting = calloc(1, sizeof *setting);
    struct edition *edition = NULL;
    struct weir_err err;
    trouble_init(&setting->trouble, 0);
    setting->schemas.ops = &schemas_ops;
    setting->timer.ops = &timer_ops;
    setting->schema = support_record("r", "{\"name\":\"v\",\"type\":\"string\"}");
    const struct schemas_version only = {setting->schema, 1, 1};
    assert_int_equal(edition_new(&setting->spec.core, &only, &only, &edition, &err), WEIR_OK);
    assert_int_equal(editions_new(edition, SOON_MS, &setting->editions, &err), WEIR_OK);
    *state = setting;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *setting = *state;
    follower_stop(setting->follower);
    follower_stop(NULL);
    editions_free(setting->editions);
    trouble_release(&setting->trouble);
    weir_schema_free(setting->schema);
    free(setting);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_looks_every_so_often),
        TEST(test_it_hurries_when_told),
        TEST(test_it_looks_when_a_worker_wants_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
