#include "kafka/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct conf_identity identity = {"p-i-0"};

/* A configuration with these properties. */
static struct weir_spec spec_with(const struct weir_property *properties, size_t n)
{
    return (struct weir_spec){
        .core = {.pipeline = "p"}, .kafka = properties, .n_kafka = n, .transaction = {.max_records = 80000}};
}

static void expect(const rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char text[256];
    size_t size = sizeof text;
    assert_int_equal(rd_kafka_conf_get(conf, name, text, &size), RD_KAFKA_CONF_OK);
    if (strcmp(text, value) != 0)
        fail_msg("%s is %s, not %s", name, text, value);
}

static void test_identify(void **state)
{
    (void)state;
    struct conf_identity made;
    struct weir_err err = {0};
    char name[CONF_IDENTITY_MAX + 1];
    assert_int_equal(conf_identify(&made, "logins", "pod-3", 2, &err), WEIR_OK);
    assert_string_equal(made.text, "logins-pod-3-2");
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(conf_identify(&made, "logins", name, 0, &err), WEIR_ERR_CONFIG);
}

/* The user's word beats a default, and weir's own beats the user's. */
static void test_consumer(void **state)
{
    (void)state;
    static const struct weir_property properties[] = {
        {.name = "bootstrap.servers", .value = "127.0.0.1:1"},
        {.name = "session.timeout.ms", .value = "7000"},
        {.name = "isolation.level", .value = "read_uncommitted"},
        {.name = "auto.offset.reset", .value = "earliest"},
    };
    const struct weir_spec spec = spec_with(properties, COUNT(properties));
    rd_kafka_conf_t *conf = NULL;
    struct weir_err err = {0};
    assert_int_equal(conf_consumer(&spec, &identity, &conf, &err), WEIR_OK);
    expect(conf, "session.timeout.ms", "7000");
    expect(conf, "max.poll.interval.ms", "90000");
    expect(conf, "isolation.level", "read_committed");
    expect(conf, "auto.offset.reset", "error");
    expect(conf, "enable.auto.commit", "false");
    expect(conf, "enable.auto.offset.store", "false");
    expect(conf, "partition.assignment.strategy", "range");
    expect(conf, "group.id", "p");
    expect(conf, "group.instance.id", identity.text);
    rd_kafka_conf_destroy(conf);
}

static void test_producer(void **state)
{
    (void)state;
    static const struct weir_property properties[] = {
        {.name = "transaction.timeout.ms", .value = "12000"},
        {.name = "socket.max.fails", .value = "9"},
        {.name = "acks", .value = "1"},
    };
    const struct weir_spec spec = spec_with(properties, COUNT(properties));
    rd_kafka_conf_t *conf = NULL;
    struct weir_err err = {0};
    assert_int_equal(conf_producer(&spec, &identity, 4096, &conf, &err), WEIR_OK);
    assert_int_equal(conf_number(conf, "transaction.timeout.ms", 0), 12000);
    assert_int_equal(conf_number(conf, "batch.size", 0), 4096);
    /* Room for two transactions. */
    assert_int_equal(conf_number(conf, "queue.buffering.max.messages", 0), 160000);
    assert_int_equal(conf_number(conf, "no.such.property", -3), -3);
    expect(conf, "transactional.id", identity.text);
    expect(conf, "enable.idempotence", "true");
    expect(conf, "socket.max.fails", "1");
    expect(conf, "acks", "-1");
    rd_kafka_conf_destroy(conf);
}

/* A client that only asks questions is in no group. */
static void test_client(void **state)
{
    (void)state;
    const struct weir_spec spec = spec_with(NULL, 0);
    rd_kafka_conf_t *conf = NULL;
    struct weir_err err = {0};
    char text[64];
    size_t size = sizeof text;
    assert_int_equal(conf_client(&spec, &conf, &err), WEIR_OK);
    assert_int_not_equal(rd_kafka_conf_get(conf, "group.instance.id", text, &size), RD_KAFKA_CONF_OK);
    rd_kafka_conf_destroy(conf);
}

static void test_what_librdkafka_refuses(void **state)
{
    (void)state;
    static const struct {
        struct weir_property property;
        const char *text;
    } rows[] = {
        {{"bogus.property", "1", false, {7, 3}},
         "line 7, column 3: kafka.bogus.property: No such configuration property: \"bogus.property\""},
        {{"linger.ms", "hunter2", true, {9, 5}},
         "line 9, column 5: kafka.linger.ms: librdkafka does not take this value"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct weir_spec spec = spec_with(&rows[i].property, 1);
        struct weir_err err = {0};
        assert_int_equal(conf_check(&spec, &err), WEIR_ERR_CONFIG);
        assert_string_equal(err.text, rows[i].text);
    }
    static const struct weir_property too_long = {.name = "session.timeout.ms", .value = "3600000"};
    const struct weir_spec last = spec_with(&too_long, 1);
    struct weir_err err = {0};
    /* Each alone is fine; together with max.poll.interval.ms it is not. */
    assert_int_equal(conf_check(&last, &err), WEIR_ERR_CONFIG);
    assert_non_null(strstr(err.text, "max.poll.interval.ms"));
    const struct weir_spec plain = spec_with(NULL, 0);
    assert_int_equal(conf_check(&plain, &err), WEIR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identify),
        cmocka_unit_test(test_consumer),
        cmocka_unit_test(test_producer),
        cmocka_unit_test(test_client),
        cmocka_unit_test(test_what_librdkafka_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
