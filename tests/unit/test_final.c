#include "audit/final.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dlq/lease.h"

static struct weir_err err;

static struct final *make(void)
{
    struct final *final = NULL;
    assert_int_equal(final_new("user-login", "processed", &final, &err), WEIR_OK);
    return final;
}

static enum weir_err_code take(struct final *final, const char *name, const char *value)
{
    const struct weir_record record = {.key = weir_bytes_of(name), .value = weir_bytes_of(value)};
    return final_take(final, &record, &err);
}

static void where_a_replay_went_decides(void **state)
{
    (void)state;
    struct final *final = make();
    assert_false(final_in_output(final, 0, 1));
    assert_int_equal(
        take(final, "user-login:0:1",
             "{\"v\":1,\"state\":\"replayed\",\"attempts\":0,\"change\":1,\"at\":1,\"to\":\"processed\"}"),
        WEIR_OK);
    assert_int_equal(
        take(final, "user-login:0:2",
             "{\"v\":1,\"state\":\"replayed\",\"attempts\":0,\"change\":1,\"at\":1,\"to\":\"elsewhere\"}"),
        WEIR_OK);
    assert_int_equal(take(final, "user-login:1:1",
                          "{\"v\":1,\"state\":\"discarded\",\"attempts\":0,\"change\":2,\"at\":1}"),
                     WEIR_OK);
    assert_true(final_in_output(final, 0, 1));
    assert_false(final_in_output(final, 0, 2) || final_in_output(final, 1, 1) ||
                 final_in_output(final, 0, 3));
    assert_int_equal(final_state(final, 0, 2), LEDGER_REPLAYED);
    assert_int_equal(final_state(final, 1, 1), LEDGER_DISCARDED);
    assert_int_equal(final_state(final, 1, 2), LEDGER_OPEN);
    final_free(final);
}

static void whoever_is_at_work_is_named(void **state)
{
    (void)state;
    enum { BEAT = 1000000 };
    char value[LEDGER_VALUE_MAX];
    struct final *before = make(), *after = make();
    const struct lease lease = {
        .run = "r1", .by = "ada@vm", .host = "vm", .verb = "replay", .beat_ms = BEAT, .held = true};
    size_t len = lease_print(&lease, value);
    value[len] = '\0';
    assert_int_equal(final_check(after, BEAT, &err), WEIR_OK);
    assert_true(final_same(before, after));
    assert_int_equal(take(after, LEASE_KEY, value), WEIR_OK);
    assert_int_equal(final_check(after, BEAT + 1, &err), WEIR_ERR_DUPLICATE_IDENTITY);
    assert_int_equal(final_check(after, BEAT + LEASE_MS, &err), WEIR_OK);
    assert_false(final_same(before, after));
    final_free(before);
    final_free(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_a_replay_went_decides),
        cmocka_unit_test(whoever_is_at_work_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
