/*
 * Reads a topic as read_committed readers see it, up to its end or up to --count records, and prints one line
 * of JSON: how many records there were, and how old they were when they came, those of the first --skip
 * records left out. A record's age is the time since its own timestamp, which weir keeps from the input.
 * Where the input topic stamps records as they are appended (message.timestamp.type=LogAppendTime), that is
 * the latency from the one topic to the other.
 */
#include <getopt.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Ages are counted by the millisecond; older ones count as this old. */
#define AGE_MAX 60000
#define POLL_MS 100
/* With nothing to read for so long, it gives up. */
#define PATIENCE_MS 30000
#define POLL_MAX    1024

struct arguments {
    const char *bootstrap, *topic;
    unsigned long long count; /* 0: up to the end */
    unsigned long long skip;
};

struct ages {
    unsigned long long seen;
    int open; /* partitions whose end was not reached yet */
    unsigned long long by_ms[AGE_MAX + 1];
};

_Noreturn static void die(const char *what, const char *why)
{
    fprintf(stderr, "reader: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void count(struct ages *ages, const rd_kafka_message_t *message, unsigned long long skip)
{
    rd_kafka_timestamp_type_t kind;
    if (ages->seen++ < skip)
        return;
    int64_t age = clock_ms(CLOCK_REALTIME) - rd_kafka_message_timestamp(message, &kind);
    ages->by_ms[age < 0 ? 0 : age > AGE_MAX ? AGE_MAX : age]++;
}

/* The age that a share of the records does not exceed. */
static int share(const struct ages *ages, unsigned long long n, double of)
{
    unsigned long long below = 0;
    for (int ms = 0; ms <= AGE_MAX; ms++) {
        below += ages->by_ms[ms];
        if ((double)below >= of * (double)n)
            return ms;
    }
    return AGE_MAX;
}

static void take(const rd_kafka_message_t *message, const struct arguments *arguments, struct ages *ages)
{
    if (!message->err)
        count(ages, message, arguments->skip);
    else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        ages->open--;
    else
        fprintf(stderr, "reader: %s\n", rd_kafka_message_errstr(message));
}

static int is_done(const struct arguments *arguments, const struct ages *ages)
{
    return arguments->count > 0 ? ages->seen >= arguments->count : ages->open == 0;
}

/*
 * Waits for one message and takes what else is there. One call for many would wait until it has as many as it
 * may bring: then the messages' ages would be those of the waiting.
 */
static size_t poll_some(rd_kafka_queue_t *queue, rd_kafka_message_t **messages)
{
    ssize_t got = rd_kafka_consume_batch_queue(queue, POLL_MS, messages, 1);
    if (got <= 0)
        return 0;
    ssize_t more = rd_kafka_consume_batch_queue(queue, 0, messages + 1, POLL_MAX - 1);
    return 1 + (more > 0 ? (size_t)more : 0);
}

static void read_all(rd_kafka_t *consumer, const struct arguments *arguments, struct ages *ages)
{
    rd_kafka_message_t *messages[POLL_MAX];
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(consumer);
    int64_t last_ms = clock_ms(CLOCK_MONOTONIC);
    while (!is_done(arguments, ages)) {
        size_t got = poll_some(queue, messages);
        if (got > 0)
            last_ms = clock_ms(CLOCK_MONOTONIC);
        else if (clock_ms(CLOCK_MONOTONIC) - last_ms > PATIENCE_MS)
            die(arguments->topic, "nothing comes any more");
        for (size_t i = 0; i < got; i++) {
            take(messages[i], arguments, ages);
            rd_kafka_message_destroy(messages[i]);
        }
    }
    rd_kafka_queue_destroy(queue);
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char text[256];
    if (rd_kafka_conf_set(conf, name, value, text, sizeof text) != RD_KAFKA_CONF_OK)
        die(name, text);
}

/* Reads all partitions from their beginnings, without a group. Returns how many there are. */
static int assign_all(rd_kafka_t *consumer, const char *topic)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(consumer, topic, NULL);
    rd_kafka_resp_err_t code = rd_kafka_metadata(consumer, 0, handle, &metadata, PATIENCE_MS);
    if (code)
        die(topic, rd_kafka_err2str(code));
    int n = metadata->topics[0].partition_cnt;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n);
    for (int i = 0; i < n; i++)
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    code = rd_kafka_assign(consumer, list);
    if (code)
        die("assign", rd_kafka_err2str(code));
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(handle);
    return n;
}

static rd_kafka_t *open_consumer(const struct arguments *arguments, int *partitions)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", arguments->bootstrap);
    set(conf, "group.id", "reader"); /* librdkafka wants one; none is joined. */
    set(conf, "isolation.level", "read_committed");
    set(conf, "enable.auto.commit", "false");
    set(conf, "fetch.wait.max.ms", "100");
    set(conf, "enable.partition.eof", arguments->count > 0 ? "false" : "true");
    rd_kafka_t *consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    if (!consumer)
        die("consumer", text);
    (void)rd_kafka_poll_set_consumer(consumer);
    *partitions = assign_all(consumer, arguments->topic);
    return consumer;
}

static int parse_arguments(int argc, char **argv, struct arguments *arguments)
{
    static const struct option options[] = {
        {"bootstrap-server", required_argument, NULL, 'b'},
        {"topic", required_argument, NULL, 't'},
        {"count", required_argument, NULL, 'c'},
        {"skip", required_argument, NULL, 's'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'b': arguments->bootstrap = optarg; break;
        case 't': arguments->topic = optarg; break;
        case 'c': arguments->count = strtoull(optarg, NULL, 10); break;
        case 's': arguments->skip = strtoull(optarg, NULL, 10); break;
        default: return 0;
        }
    }
    return arguments->bootstrap && arguments->topic &&
           (arguments->count == 0 || arguments->count > arguments->skip);
}

int main(int argc, char **argv)
{
    static struct ages ages;
    struct arguments arguments = {0};
    if (!parse_arguments(argc, argv, &arguments)) {
        fputs("Usage: reader --bootstrap-server HOSTS --topic TOPIC [--count N] [--skip N]\n", stderr);
        return EXIT_FAILURE;
    }
    rd_kafka_t *consumer = open_consumer(&arguments, &ages.open);
    read_all(consumer, &arguments, &ages);
    unsigned long long n = ages.seen > arguments.skip ? ages.seen - arguments.skip : 0;
    printf("{\"records\": %llu, \"p50_ms\": %d, \"p90_ms\": %d, \"p99_ms\": %d, \"max_ms\": %d}\n", n,
           share(&ages, n, 0.5), share(&ages, n, 0.9), share(&ages, n, 0.99), share(&ages, n, 1.0));
    (void)rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    return EXIT_SUCCESS;
}
