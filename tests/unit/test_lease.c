#include "dlq/lease.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW INT64_C(1769860800000)

static struct lease example(void)
{
    return (struct lease){.run = "r-1",
                          .by = "ann@host",
                          .host = "host",
                          .verb = "replay",
                          .pid = 42,
                          .since_ms = NOW - 60000,
                          .beat_ms = NOW - 1000,
                          .held = true};
}

static bool is_there(int64_t pid)
{
    return pid == 42;
}

static bool is_gone(int64_t pid)
{
    (void)pid;
    return false;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    char text[LEDGER_VALUE_MAX];
    struct lease lease = example(), read;
    size_t len = lease_print(&lease, text);
    assert_true(lease_parse((struct weir_bytes){(const uint8_t *)text, len}, &read));
    assert_string_equal(read.run, "r-1");
    assert_string_equal(read.by, "ann@host");
    assert_int_equal(read.pid, 42);
    assert_int_equal(read.beat_ms, lease.beat_ms);
    assert_true(read.held);
    lease.held = false;
    len = lease_print(&lease, text);
    assert_true(lease_parse((struct weir_bytes){(const uint8_t *)text, len}, &read));
    assert_false(read.held);
    assert_false(lease_parse(WEIR_NO_BYTES, &read));
    assert_false(lease_parse(weir_bytes_of("{\"held\":true}"), &read));
    assert_false(read.held);
    assert_false(lease_parse(weir_bytes_of("nonsense"), &read));
}

static void who_is_alive(void **state)
{
    (void)state;
    struct lease lease = example();
    assert_true(lease_alive(&lease, NOW, "host", is_there));
    assert_true(lease_alive(&lease, NOW, "elsewhere", is_gone));
    /* Its process is gone, and we are where it was: nobody has to wait. */
    assert_false(lease_alive(&lease, NOW, "host", is_gone));
    assert_false(lease_alive(&lease, lease.beat_ms + LEASE_MS, "elsewhere", is_there));
    assert_true(lease_alive(&lease, lease.beat_ms + LEASE_MS - 1, "elsewhere", is_there));
    lease.held = false;
    assert_false(lease_alive(&lease, NOW, "elsewhere", is_there));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(who_is_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
