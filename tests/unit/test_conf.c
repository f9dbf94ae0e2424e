#include "kafka/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct conf_identity identity = {"logins-host-0"};

static struct weir_spec spec_of(const struct weir_property *properties, size_t n)
{
    return (struct weir_spec){.core = {.pipeline = "logins"},
                              .kafka = properties,
                              .n_kafka = n,
                              .transaction = {.interval_ms = 100, .max_records = 20000}};
}

/* Both configurations for these properties of the user's; to be destroyed. */
struct both {
    rd_kafka_conf_t *consumer;
    rd_kafka_conf_t *producer;
};

static struct both make(const struct weir_property *properties, size_t n)
{
    struct weir_spec spec = spec_of(properties, n);
    struct weir_err err = {0};
    struct both both = {0};
    if (conf_consumer(&spec, &identity, &both.consumer, &err) != WEIR_OK ||
        conf_producer(&spec, &identity, CONF_BATCH_BYTES, &both.producer, &err) != WEIR_OK)
        fail_msg("%s", err.text);
    return both;
}

static void drop(struct both *both)
{
    rd_kafka_conf_destroy(both->consumer);
    rd_kafka_conf_destroy(both->producer);
}

static void expect(const rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char got[256] = "";
    size_t size = sizeof got;
    if (rd_kafka_conf_get(conf, name, got, &size) != RD_KAFKA_CONF_OK)
        fail_msg("%s is not set", name);
    if (strcmp(got, value) != 0)
        fail_msg("%s is %s, not %s", name, got, value);
}

/* What weir alone may set, and what its clients would be without it. */
#define WEIR_RESERVED(name, value, why) {name, value},
static const struct {
    const char *name;
    const char *value;
} reserved[] = {
#include "weir/reserved.def"
};
#undef WEIR_RESERVED

/* librdkafka writes some values in its own way. */
static const char *as_read(const char *name, const char *value)
{
    return strcmp(name, "acks") == 0 && strcmp(value, "all") == 0 ? "-1" : value;
}

static void expect_reserved(const rd_kafka_conf_t *conf)
{
    for (size_t i = 0; i < COUNT(reserved); i++)
        if (reserved[i].value)
            expect(conf, reserved[i].name, as_read(reserved[i].name, reserved[i].value));
}

static void test_reserved(void **state)
{
    (void)state;
    struct both both = make(NULL, 0);
    expect_reserved(both.consumer);
    expect_reserved(both.producer);
    expect(both.consumer, "group.id", "logins");
    expect(both.consumer, "group.instance.id", "logins-host-0");
    expect(both.producer, "transactional.id", "logins-host-0");
    drop(&both);
}

/* The configuration refuses these; should one come through all the same, it changes nothing. */
static void test_reserved_win(void **state)
{
    (void)state;
    static const struct weir_property users[] = {
        {.name = "isolation.level", .value = "read_uncommitted"},
        {.name = "enable.auto.commit", .value = "true"},
        {.name = "enable.auto.offset.store", .value = "true"},
        {.name = "auto.offset.reset", .value = "latest"},
        {.name = "enable.partition.eof", .value = "true"},
        {.name = "group.id", .value = "mine"},
        {.name = "group.instance.id", .value = "mine"},
        {.name = "group.protocol", .value = "consumer"},
        {.name = "partition.assignment.strategy", .value = "cooperative-sticky"},
        {.name = "enable.idempotence", .value = "false"},
        {.name = "transactional.id", .value = "mine"},
        {.name = "acks", .value = "1"},
        {.name = "queuing.strategy", .value = "lifo"},
        {.name = "delivery.report.only.error", .value = "true"},
        {.name = "socket.max.fails", .value = "0"},
        {.name = "socket.nagle.disable", .value = "false"},
    };
    struct both both = make(users, COUNT(users));
    expect_reserved(both.consumer);
    expect_reserved(both.producer);
    expect(both.consumer, "group.id", "logins");
    expect(both.consumer, "group.instance.id", "logins-host-0");
    expect(both.producer, "transactional.id", "logins-host-0");
    drop(&both);
}

static void test_defaults(void **state)
{
    (void)state;
    struct both both = make(NULL, 0);
    expect(both.consumer, "client.id", "weir");
    expect(both.consumer, "session.timeout.ms", "10000");
    expect(both.consumer, "max.poll.interval.ms", "90000");
    expect(both.consumer, "fetch.queue.backoff.ms", "1");
    expect(both.consumer, "allow.auto.create.topics", "false");
    expect(both.producer, "transaction.timeout.ms", "10000");
    expect(both.producer, "socket.timeout.ms", "5000");
    expect(both.producer, "linger.ms", "50");
    expect(both.producer, "batch.size", "1000000");
    expect(both.producer, "message.max.bytes", "1000000000");
    drop(&both);
}

static void test_users_override(void **state)
{
    (void)state;
    static const struct weir_property users[] = {
        {.name = "client.id", .value = "mine"},
        {.name = "session.timeout.ms", .value = "20000"},
        {.name = "linger.ms", .value = "5"},
        {.name = "compression.type", .value = "zstd"},
        {.name = "socket.timeout.ms", .value = "700"},
        {.name = "batch.size", .value = "5000"},
        {.name = "queue.buffering.max.messages", .value = "77"},
    };
    struct both both = make(users, COUNT(users));
    expect(both.consumer, "client.id", "mine");
    expect(both.consumer, "session.timeout.ms", "20000");
    expect(both.producer, "client.id", "mine");
    expect(both.producer, "linger.ms", "5");
    expect(both.producer, "compression.codec", "zstd");
    expect(both.producer, "socket.timeout.ms", "700");
    expect(both.producer, "batch.size", "5000");
    expect(both.producer, "queue.buffering.max.messages", "77");
    drop(&both);
}

/* A batch must fit the topics whatever the user wants. */
static void test_batch_fits(void **state)
{
    (void)state;
    static const struct weir_property users[] = {{.name = "batch.size", .value = "500000"}};
    struct weir_spec spec = spec_of(users, 1);
    struct weir_err err = {0};
    rd_kafka_conf_t *conf = NULL;
    assert_int_equal(conf_producer(&spec, &identity, 1000, &conf, &err), WEIR_OK);
    expect(conf, "batch.size", "1000");
    rd_kafka_conf_destroy(conf);
}

/* The queue takes two transactions, however large. */
static void test_queue_holds_transactions(void **state)
{
    (void)state;
    struct weir_spec spec = spec_of(NULL, 0);
    struct weir_err err = {0};
    rd_kafka_conf_t *conf = NULL;
    spec.transaction.max_records = 100000;
    assert_int_equal(conf_producer(&spec, &identity, CONF_BATCH_BYTES, &conf, &err), WEIR_OK);
    expect(conf, "queue.buffering.max.messages", "200000");
    rd_kafka_conf_destroy(conf);
}

/* A short transaction time-out is enough said: the time-out of requests, which the user did not name,
 * follows. */
static void test_short_transactions(void **state)
{
    (void)state;
    static const struct weir_property users[] = {{.name = "transaction.timeout.ms", .value = "5000"}};
    struct weir_spec spec = spec_of(users, 1);
    struct weir_err err = {0};
    rd_kafka_conf_t *conf = NULL;
    assert_int_equal(conf_producer(&spec, &identity, CONF_BATCH_BYTES, &conf, &err), WEIR_OK);
    expect(conf, "socket.timeout.ms", "4900");
    rd_kafka_conf_destroy(conf);
    if (conf_check(&spec, &err) != WEIR_OK)
        fail_msg("%s", err.text);
}

/* A client that only asks questions is in no group. */
static void test_client(void **state)
{
    (void)state;
    struct weir_spec spec = spec_of(NULL, 0);
    struct weir_err err = {0};
    char text[64];
    size_t size = sizeof text;
    rd_kafka_conf_t *conf = NULL;
    assert_int_equal(conf_client(&spec, &conf, &err), WEIR_OK);
    assert_int_not_equal(rd_kafka_conf_get(conf, "group.instance.id", text, &size), RD_KAFKA_CONF_OK);
    rd_kafka_conf_destroy(conf);
}

/* --- what librdkafka does not take --- */

static void refuse(struct weir_property property, struct weir_err *err)
{
    rd_kafka_conf_t *conf = NULL;
    struct weir_spec spec = spec_of(&property, 1);
    property.at = (struct weir_at){7, 3};
    assert_int_equal(conf_consumer(&spec, &identity, &conf, err), WEIR_ERR_CONFIG);
    assert_null(conf);
    assert_int_equal(conf_producer(&spec, &identity, CONF_BATCH_BYTES, &conf, err), WEIR_ERR_CONFIG);
    assert_null(conf);
    assert_int_equal(err->code, WEIR_ERR_CONFIG);
    assert_non_null(strstr(err->text, "line 7, column 3: kafka"));
    assert_non_null(strstr(err->text, property.name));
}

static void test_unknown_property(void **state)
{
    (void)state;
    struct weir_err err = {0};
    refuse((struct weir_property){.name = "linger.mz", .value = "5"}, &err);
    assert_non_null(strstr(err.text, "no property 'linger.mz'; did you mean 'linger.ms'?"));
    /* An alias is a name too. */
    refuse((struct weir_property){.name = "bootstrap.serverz", .value = "b"}, &err);
    assert_non_null(strstr(err.text, "did you mean 'bootstrap.servers'?"));
    refuse((struct weir_property){.name = "no.such.thing", .value = "b"}, &err);
    assert_null(strstr(err.text, "did you mean"));
}

static void test_bad_value(void **state)
{
    (void)state;
    struct weir_err err = {0};
    refuse((struct weir_property){.name = "compression.type", .value = "hunter2"}, &err);
    assert_non_null(strstr(err.text, "hunter2"));
}

static void test_secret_is_not_echoed(void **state)
{
    (void)state;
    struct weir_err err = {0};
    refuse((struct weir_property){.name = "compression.type", .value = "hunter2", .secret = true}, &err);
    assert_null(strstr(err.text, "hunter2"));
}

/* Each alone is fine, together they are not. */
static void test_check_of_all_together(void **state)
{
    (void)state;
    static const struct weir_property users[] = {{.name = "max.in.flight", .value = "100"}};
    struct weir_spec fine = spec_of(NULL, 0);
    struct weir_spec wrong = spec_of(users, 1);
    struct weir_err err = {0};
    assert_int_equal(conf_check(&fine, &err), WEIR_OK);
    assert_int_equal(conf_check(&wrong, &err), WEIR_ERR_CONFIG);
    assert_non_null(strstr(err.text, "max.in.flight"));
}

/* --- identity, version, numbers --- */

static void test_identity(void **state)
{
    (void)state;
    struct conf_identity made;
    struct weir_err err = {0};
    char name[CONF_IDENTITY_MAX];
    assert_int_equal(conf_identify(&made, "logins", "host", 3, &err), WEIR_OK);
    assert_string_equal(made.text, "logins-host-3");
    /* "-i-0" and the NUL take five. */
    memset(name, 'x', sizeof name);
    name[CONF_IDENTITY_MAX - 5] = '\0';
    assert_int_equal(conf_identify(&made, name, "i", 0, &err), WEIR_OK);
    assert_int_equal(strlen(made.text), CONF_IDENTITY_MAX - 1);
    name[CONF_IDENTITY_MAX - 5] = 'x';
    name[CONF_IDENTITY_MAX - 4] = '\0';
    assert_int_equal(conf_identify(&made, name, "i", 0, &err), WEIR_ERR_CONFIG);
    static const char *const bad[] = {"", "a b", "a/b", "a\nb", "\xc3\xa4"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(conf_identify(&made, "logins", bad[i], 0, &err), WEIR_ERR_USAGE);
    assert_int_equal(conf_identify(&made, "logins", "pod-3.example_A", 0, &err), WEIR_OK);
}

static void test_version(void **state)
{
    (void)state;
    assert_true(conf_takes_version(rd_kafka_version()));
    assert_false(conf_takes_version(0x020002ff));
    assert_false(conf_takes_version(0x020700ff));
    assert_false(conf_takes_version(0x020800fe));
    assert_true(conf_takes_version(0x020800ff));
    assert_true(conf_takes_version(0x020900ff));
    assert_false(conf_takes_version(0x020a00ff));
    assert_true(conf_takes_version(0x020a01ff));
    assert_true(conf_takes_version(0x030000ff));
}

static void test_number(void **state)
{
    (void)state;
    static const struct weir_property users[] = {{.name = "linger.ms", .value = "2.5"}};
    struct both both = make(users, 1);
    assert_int_equal(conf_number(both.producer, "transaction.timeout.ms", 1), 10000);
    assert_int_equal(conf_number(both.producer, "no.such.property", 17), 17);
    assert_int_equal(conf_number(both.producer, "client.id", 17), 17);
    assert_int_equal(conf_number(both.producer, "linger.ms", 17), 17);
    drop(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reserved),
        cmocka_unit_test(test_reserved_win),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_users_override),
        cmocka_unit_test(test_batch_fits),
        cmocka_unit_test(test_queue_holds_transactions),
        cmocka_unit_test(test_short_transactions),
        cmocka_unit_test(test_client),
        cmocka_unit_test(test_unknown_property),
        cmocka_unit_test(test_bad_value),
        cmocka_unit_test(test_secret_is_not_echoed),
        cmocka_unit_test(test_check_of_all_together),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
