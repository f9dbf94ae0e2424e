/* What goes in comes out byte for byte: null and empty keys, values and headers, and times. */
#include "rig.h"

#include <string.h>

#include "sys/clock.h"

/* What a reader of a topic saw; the payloads are borrowed from held. */
#define SEEN_MAX 16
struct seen {
    rd_kafka_message_t *held[SEEN_MAX];
    int n;
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct rig *rig;
static struct seen seen;

static int setup(void **state)
{
    (void)state;
    rig = rig_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_free(rig);
    return 0;
}

/* Reads partition 0 of a topic until it has n records. */
static rd_kafka_t *read_topic(const char *topic, int n)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    (void)rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(rig->cluster), text,
                            sizeof text);
    (void)rd_kafka_conf_set(conf, "group.id", "reader", text, sizeof text);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    assert_non_null(rk);
    (void)rd_kafka_poll_set_consumer(rk);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, 0)->offset = 0;
    assert_int_equal(rd_kafka_assign(rk, list), 0);
    rd_kafka_topic_partition_list_destroy(list);
    int64_t until_ms = clock_monotonic_ms() + RIG_PATIENCE_MS;
    for (seen.n = 0; seen.n < n && clock_monotonic_ms() < until_ms;) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(rk, 100);
        if (message && message->err)
            rd_kafka_message_destroy(message);
        else if (message)
            seen.held[seen.n++] = message;
    }
    assert_int_equal(seen.n, n);
    return rk;
}

static void done_reading(rd_kafka_t *rk)
{
    for (int i = 0; i < seen.n; i++)
        rd_kafka_message_destroy(seen.held[i]);
    (void)rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
}

static void same(const void *data, size_t len, struct weir_bytes expected)
{
    if (!expected.data) {
        assert_null(data);
        return;
    }
    assert_non_null(data);
    assert_int_equal(len, expected.len);
    assert_memory_equal(data, expected.data, len);
}

/* The header of that place among those of the message. */
static void same_header(const rd_kafka_message_t *message, size_t at, const char *name,
                        struct weir_bytes expected)
{
    rd_kafka_headers_t *headers = NULL;
    const char *got = NULL;
    const void *value = NULL;
    size_t len = 0;
    assert_int_equal(rd_kafka_message_headers(message, &headers), 0);
    assert_int_equal(rd_kafka_header_get_all(headers, at, &got, &value, &len), 0);
    assert_string_equal(got, name);
    same(value, len, expected);
}

static struct weir_bytes empty(void)
{
    return (struct weir_bytes){(const uint8_t *)"", 0};
}

static bool three_in(struct rig *any)
{
    return rig_count(any, COUNTER_RECORDS_IN) == 3;
}

static rd_kafka_headers_t *headers_of_all_kinds(void)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(4);
    assert_int_equal(rd_kafka_header_add(headers, "twice", -1, "one", 3), 0);
    assert_int_equal(rd_kafka_header_add(headers, "twice", -1, "\0\1", 2), 0);
    assert_int_equal(rd_kafka_header_add(headers, "null", -1, NULL, 0), 0);
    assert_int_equal(rd_kafka_header_add(headers, "", -1, "no name", 7), 0);
    assert_int_equal(rd_kafka_header_add(headers, "empty", -1, "", 0), 0);
    return headers;
}

static void same_headers(const rd_kafka_message_t *message)
{
    same_header(message, 0, "twice", weir_bytes_of("one"));
    same_header(message, 1, "twice", (struct weir_bytes){(const uint8_t *)"\0\1", 2});
    same_header(message, 2, "null", WEIR_NO_BYTES);
    same_header(message, 3, "", weir_bytes_of("no name"));
    same_header(message, 4, "empty", empty());
}

static void test_output(void **state)
{
    (void)state;
    rig_write(rig, 0, weir_bytes_of("key"), weir_bytes_of("{\"n\":1}"), headers_of_all_kinds());
    rig_write(rig, 0, WEIR_NO_BYTES, weir_bytes_of("{\"n\":2}"), NULL);
    rig_write(rig, 0, empty(), weir_bytes_of("{\"n\":3}"), NULL);
    rig_start(rig);
    assert_int_equal(rig_run(rig, three_in), WEIR_OK);
    assert_int_equal(rig_count(rig, COUNTER_RECORDS_PASSED), 3);
    rd_kafka_t *reader = read_topic(RIG_OUTPUT, 3);
    same_headers(seen.held[0]);
    same(seen.held[0]->key, seen.held[0]->key_len, weir_bytes_of("key"));
    same(seen.held[1]->key, seen.held[1]->key_len, WEIR_NO_BYTES);
    same(seen.held[2]->key, seen.held[2]->key_len, empty());
    same(seen.held[0]->payload, seen.held[0]->len, weir_bytes_of("{\"n\":1}"));
    done_reading(reader);
}

static void test_letters(void **state)
{
    (void)state;
    rd_kafka_timestamp_type_t kind;
    rig_write(rig, 0, weir_bytes_of("key"), weir_bytes_of("no JSON"), headers_of_all_kinds());
    rig_write(rig, 0, WEIR_NO_BYTES, WEIR_NO_BYTES, NULL);
    rig_write(rig, 0, empty(), empty(), NULL);
    rig_start(rig);
    assert_int_equal(rig_run(rig, three_in), WEIR_OK);
    assert_int_equal(rig_count(rig, COUNTER_RECORDS_REJECTED), 3);
    rd_kafka_t *reader = read_topic(RIG_DLQ, 3);
    same_headers(seen.held[0]);
    same(seen.held[0]->key, seen.held[0]->key_len, weir_bytes_of("key"));
    same(seen.held[0]->payload, seen.held[0]->len, weir_bytes_of("no JSON"));
    same(seen.held[1]->key, seen.held[1]->key_len, WEIR_NO_BYTES);
    same(seen.held[1]->payload, seen.held[1]->len, WEIR_NO_BYTES);
    same(seen.held[2]->key, seen.held[2]->key_len, empty());
    same(seen.held[2]->payload, seen.held[2]->len, empty());
    int64_t letter_ms = rd_kafka_message_timestamp(seen.held[0], &kind);
    done_reading(reader);
    reader = read_topic(RIG_INPUT, 1);
    assert_int_equal(rd_kafka_message_timestamp(seen.held[0], &kind), letter_ms);
    done_reading(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_output, setup, teardown),
        cmocka_unit_test_setup_teardown(test_letters, setup, teardown),
    };
    return rig_main("bytes", tests, COUNT(tests), NULL, NULL, 2);
}
