#include "kafka/patience.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "weir/spec.h"

#define NOW 1000000000
/* Nobody listens there. */
#define NOBODY "127.0.0.1:1"

static void test_over(void **state)
{
    (void)state;
    struct patience patience = {0};
    assert_false(patience_over(&patience, NOW)); /* It waits for nothing. */
    patience_begin(&patience, NOW);
    assert_false(patience_over(&patience, NOW + PATIENCE_FIRST_MS - 1));
    assert_true(patience_over(&patience, NOW + PATIENCE_FIRST_MS));
    patience_begin(&patience, NOW + PATIENCE_FIRST_MS);
    assert_false(patience_over(&patience, NOW + PATIENCE_FIRST_MS));
    patience_end(&patience);
    assert_false(patience_over(&patience, NOW + 10 * PATIENCE_FIRST_MS));
}

/* A new member would be told nothing either, so there is none; tests/mock has a broker that answers. */
static void test_nobody_answers(void **state)
{
    (void)state;
    const struct weir_property kafka[] = {{.name = "bootstrap.servers", .value = NOBODY}};
    const struct weir_spec spec = {
        .core = {.pipeline = "p", .input_topic = "in"}, .kafka = kafka, .n_kafka = 1};
    struct asker asker = {.spec = &spec};
    struct patience patience = {.since_ms = NOW};
    int64_t now_ms = NOW + PATIENCE_FIRST_MS;
    assert_false(patience_lost(&patience, &asker, now_ms));
    assert_null(asker.client);
    assert_false(patience_over(&patience, now_ms));
    assert_true(patience_over(&patience, now_ms + PATIENCE_FIRST_MS)); /* The next wait is no longer. */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_over),
        cmocka_unit_test(test_nobody_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
