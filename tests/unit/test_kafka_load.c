/* Against the cluster that librdkafka plays by itself: control flow, not what a broker stores. */
#include "kafka/load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define FLUSH_MS 10000

#define MOCK                                                                                                 \
    {                                                                                                        \
        .name = "test.mock.num.brokers", .value = "1"                                                        \
    }

static struct load *open_load(const struct weir_property *properties, size_t n)
{
    struct load *load = NULL;
    struct weir_err err;
    assert_int_equal(load_open(properties, n, "logins", &load, &err), WEIR_OK);
    return load;
}

static void delivers_and_counts(void **state)
{
    (void)state;
    const struct weir_property properties[] = {MOCK};
    struct load *load = open_load(properties, 1);
    const struct weir_header headers[] = {
        {"a", weir_bytes_of("1")}, {"a", WEIR_NO_BYTES}, {"b", weir_bytes_of("")}};
    for (size_t i = 0; i < 1000; i++) {
        struct weir_bytes key = i % 2 ? weir_bytes_of("key") : WEIR_NO_BYTES;
        struct weir_bytes value = i % 3 ? weir_bytes_of("value") : WEIR_NO_BYTES;
        assert_int_equal(load_send(load, LOAD_ANY_PARTITION, key, value, headers, i % 4, NULL), WEIR_OK);
    }
    assert_int_equal(load_flush(load, FLUSH_MS), 0);
    assert_int_equal(load_counts(load).sent, 1000);
    assert_int_equal(load_counts(load).delivered, 1000);
    assert_int_equal(load_counts(load).failed, 0);
    assert_string_equal(load_first_failure(load), "");
    load_close(load);
}

static void tells_why_records_failed(void **state)
{
    (void)state;
    const struct weir_property properties[] = {
        {.name = "bootstrap.servers", .value = "127.0.0.1:1"},
        {.name = "message.timeout.ms", .value = "100"},
        {.name = "log_level", .value = "0"},
    };
    struct load *load = open_load(properties, 3);
    assert_int_equal(
        load_send(load, LOAD_ANY_PARTITION, WEIR_NO_BYTES, weir_bytes_of("value"), NULL, 0, NULL), WEIR_OK);
    assert_int_equal(load_flush(load, FLUSH_MS), 0);
    assert_int_equal(load_counts(load).failed, 1);
    assert_int_equal(load_counts(load).delivered, 0);
    assert_non_null(strstr(load_first_failure(load), "timed out"));
    load_close(load);
}

/* A topic that is known by now: while it is not, the partition is found wrong only later. */
static void a_partition_that_does_not_exist_is_refused(void **state)
{
    (void)state;
    const struct weir_property properties[] = {MOCK};
    struct load *load = open_load(properties, 1);
    struct weir_bytes value = weir_bytes_of("value");
    struct weir_err err;
    assert_int_equal(load_send(load, 0, WEIR_NO_BYTES, value, NULL, 0, NULL), WEIR_OK);
    assert_int_equal(load_flush(load, FLUSH_MS), 0);
    assert_int_equal(load_counts(load).delivered, 1);
    /* The topic that the mock cluster makes has four partitions. */
    assert_int_equal(load_send(load, 99, WEIR_NO_BYTES, value, NULL, 0, &err), WEIR_ERR_KAFKA);
    assert_non_null(strstr(err.text, "partition"));
    assert_int_equal(load_counts(load).sent, 1);
    load_close(load);
}

static void a_full_queue_is_said(void **state)
{
    (void)state;
    const struct weir_property properties[] = {
        {.name = "bootstrap.servers", .value = "127.0.0.1:1"},
        {.name = "queue.buffering.max.messages", .value = "2"},
    };
    struct load *load = open_load(properties, 2);
    const struct weir_header header = {"a", weir_bytes_of("1")};
    struct weir_bytes value = weir_bytes_of("value");
    assert_int_equal(load_send(load, LOAD_ANY_PARTITION, WEIR_NO_BYTES, value, NULL, 0, NULL), WEIR_OK);
    assert_int_equal(load_send(load, LOAD_ANY_PARTITION, WEIR_NO_BYTES, value, &header, 1, NULL), WEIR_OK);
    for (size_t n = 0; n <= 1; n++)
        assert_int_equal(load_send(load, LOAD_ANY_PARTITION, WEIR_NO_BYTES, value, &header, n, NULL),
                         WEIR_ERR_TRANSIENT);
    assert_int_equal(load_counts(load).sent, 2);
    assert_int_equal(load_flush(load, 10), 2);
    assert_non_null(strstr(load_trouble(load), "127.0.0.1:1"));
    load_close(load);
}

static void a_record_too_large_is_refused(void **state)
{
    (void)state;
    const struct weir_property properties[] = {MOCK, {.name = "message.max.bytes", .value = "1000"}};
    static uint8_t bytes[2000];
    struct load *load = open_load(properties, 2);
    struct weir_err err;
    assert_int_equal(load_send(load, LOAD_ANY_PARTITION, WEIR_NO_BYTES,
                               (struct weir_bytes){bytes, sizeof bytes}, NULL, 0, &err),
                     WEIR_ERR_KAFKA);
    assert_non_null(strstr(err.text, "too large"));
    assert_int_equal(load_counts(load).sent, 0);
    load_close(load);
}

static void a_wrong_property_is_named(void **state)
{
    (void)state;
    const struct weir_property unknown[] = {{.name = "no.such.thing", .value = "1"}};
    const struct weir_property clash[] = {{.name = "acks", .value = "1"}};
    struct load *load = NULL;
    struct weir_err err;
    assert_int_equal(load_open(unknown, 1, "logins", &load, &err), WEIR_ERR_CONFIG);
    assert_non_null(strstr(err.text, "no.such.thing"));
    assert_int_equal(load_open(clash, 1, "logins", &load, &err), WEIR_ERR_CONFIG);
    assert_non_null(strstr(err.text, "acks"));
    assert_null(load);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delivers_and_counts),
        cmocka_unit_test(tells_why_records_failed),
        cmocka_unit_test(a_full_queue_is_said),
        cmocka_unit_test(a_record_too_large_is_refused),
        cmocka_unit_test(a_partition_that_does_not_exist_is_refused),
        cmocka_unit_test(a_wrong_property_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
