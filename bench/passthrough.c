/*
 * The least that moves records from one topic to another exactly once: what librdkafka costs by itself. weir
 * is measured beside it (script/bench), so it has the same bounds on a transaction, keeps key, timestamp and
 * headers as weir does, and each setting at its best. It looks at no record, and any error ends it.
 */
#include <getopt.h>
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Most messages in one call of the client, longest wait for them, and for the first of a transaction. */
#define POLL_MAX 4096
#define POLL_MS  20
#define IDLE_MS  100
/* Delivery reports are served after so many records. */
#define REPORTS_EVERY 1024
#define CALL_MS       30000
#define QUEUE_FULL_MS 10
/* Partitions of the input topic. */
#define PARTITIONS_MAX 4096

struct setting {
    const char *name, *value;
};

static const struct setting consumer_settings[] = {
    {"isolation.level", "read_committed"}, {"enable.auto.commit", "false"},
    {"auto.offset.reset", "earliest"},     {"partition.assignment.strategy", "range"},
    {"queued.min.messages", "20000"},      {"queued.max.messages.kbytes", "16384"},
    {"fetch.queue.backoff.ms", "1"},       {NULL, NULL},
};

static const struct setting producer_settings[] = {
    {"transaction.timeout.ms", "30000"},
    {"linger.ms", "50"},
    {"retry.backoff.ms", "5"},
    {NULL, NULL},
};

struct arguments {
    const char *bootstrap, *input, *output, *group;
    long interval_ms, max_records;
    int batch; /* produce_batch: faster, but neither timestamps nor headers come along */
};

struct pass {
    struct arguments arguments;
    rd_kafka_t *consumer, *producer;
    rd_kafka_queue_t *queue;
    rd_kafka_topic_t *output;
    rd_kafka_message_t *messages[POLL_MAX];
    rd_kafka_message_t run[POLL_MAX]; /* what produce_batch takes: one partition's */
    int64_t next[PARTITIONS_MAX];     /* offset behind the last record of the transaction, 0: none */
    unsigned long long records, transactions;
    int64_t gathered_ms; /* when the last transaction was full enough */
};

static volatile sig_atomic_t stopping;

static void on_stop(int number)
{
    (void)number;
    stopping = 1;
}

_Noreturn static void die(const char *what, const char *why)
{
    fprintf(stderr, "passthrough: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

/* Ends the process when a transactional call failed. */
static void must(const char *what, rd_kafka_error_t *error)
{
    if (error)
        die(what, rd_kafka_error_string(error));
}

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- one transaction --- */

/* Room in the producer's queue, when it said that it is full; anything else it says ends the process. */
static void make_room(struct pass *pass, rd_kafka_resp_err_t code)
{
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
        die("produce", rd_kafka_err2str(code));
    (void)rd_kafka_poll(pass->producer, QUEUE_FULL_MS);
}

static rd_kafka_resp_err_t produce(struct pass *pass, const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t kind;
    rd_kafka_headers_t *headers = NULL;
    rd_kafka_headers_t *copy = NULL;
    if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
        copy = rd_kafka_headers_copy(headers);
    const rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = pass->output},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = message->partition},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {message->payload, message->len}},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {message->key, message->key_len}},
        {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = rd_kafka_message_timestamp(message, &kind)},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = copy},
    };
    size_t n = sizeof parts / sizeof parts[0] - (copy ? 0 : 1);
    rd_kafka_error_t *error = rd_kafka_produceva(pass->producer, parts, n);
    if (!error)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    if (copy)
        rd_kafka_headers_destroy(copy);
    return code;
}

static void send_each(struct pass *pass, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        rd_kafka_resp_err_t code;
        while ((code = produce(pass, pass->messages[i])) != RD_KAFKA_RESP_ERR_NO_ERROR)
            make_room(pass, code);
        if ((pass->records + i) % REPORTS_EVERY == 0)
            (void)rd_kafka_poll(pass->producer, 0);
    }
}

/* Sends n records of one partition; what a full queue did not take is sent again. */
static void send_run(struct pass *pass, int32_t partition, int n)
{
    rd_kafka_message_t *run = pass->run;
    for (;;) {
        int taken = rd_kafka_produce_batch(pass->output, partition, RD_KAFKA_MSG_F_COPY, run, n);
        (void)rd_kafka_poll(pass->producer, 0);
        if (taken == n)
            return;
        int left = 0;
        for (int i = 0; i < n; i++)
            if (run[i].err)
                run[left++] = run[i];
        make_room(pass, run[0].err);
        n = left;
    }
}

static void send_batches(struct pass *pass, size_t n)
{
    int run = 0;
    for (size_t i = 0; i < n; i++) {
        const rd_kafka_message_t *message = pass->messages[i];
        pass->run[run++] = (rd_kafka_message_t){.payload = message->payload,
                                                .len = message->len,
                                                .key = message->key,
                                                .key_len = message->key_len};
        if (i + 1 < n && pass->messages[i + 1]->partition == message->partition)
            continue;
        send_run(pass, message->partition, run);
        run = 0;
    }
}

/* Takes the errors out of what a poll brought, and notes how far each partition is. Returns how many are
 * left. */
static size_t sort_out(struct pass *pass, size_t got)
{
    size_t n = 0;
    for (size_t i = 0; i < got; i++) {
        rd_kafka_message_t *message = pass->messages[i];
        if (message->err) {
            fprintf(stderr, "passthrough: %s\n", rd_kafka_message_errstr(message));
            rd_kafka_message_destroy(message);
            continue;
        }
        if (message->partition >= PARTITIONS_MAX)
            die("input", "too many partitions");
        pass->next[message->partition] = message->offset + 1;
        pass->messages[n++] = message;
    }
    return n;
}

/* Moves what one poll brings; returns how many records. The poll waits until it has max or its time is over.
 */
static size_t move(struct pass *pass, int timeout_ms, size_t max)
{
    ssize_t got = rd_kafka_consume_batch_queue(pass->queue, timeout_ms, pass->messages, max);
    size_t n = sort_out(pass, got > 0 ? (size_t)got : 0);
    if (pass->arguments.batch)
        send_batches(pass, n);
    else
        send_each(pass, n);
    for (size_t i = 0; i < n; i++)
        rd_kafka_message_destroy(pass->messages[i]);
    pass->records += n;
    return n;
}

static void commit(struct pass *pass)
{
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(1);
    for (int32_t i = 0; i < PARTITIONS_MAX; i++) {
        if (pass->next[i] > 0)
            rd_kafka_topic_partition_list_add(offsets, pass->arguments.input, i)->offset = pass->next[i];
        pass->next[i] = 0;
    }
    rd_kafka_consumer_group_metadata_t *metadata = rd_kafka_consumer_group_metadata(pass->consumer);
    must("send offsets", rd_kafka_send_offsets_to_transaction(pass->producer, offsets, metadata, CALL_MS));
    must("commit", rd_kafka_commit_transaction(pass->producer, CALL_MS));
    rd_kafka_consumer_group_metadata_destroy(metadata);
    rd_kafka_topic_partition_list_destroy(offsets);
    pass->transactions++;
}

/* How much goes into a transaction, as in weir: src/engine/loop.c says why. */
static size_t gather(struct pass *pass)
{
    const struct arguments *arguments = &pass->arguments;
    size_t n = move(pass, IDLE_MS, 1);
    int64_t last_ms = now_ms() + arguments->interval_ms;
    int64_t due_ms = pass->gathered_ms + arguments->interval_ms;
    while (!stopping && n > 0 && n < (size_t)arguments->max_records && now_ms() < last_ms) {
        int64_t left_ms = due_ms - now_ms();
        size_t room = (size_t)arguments->max_records - n;
        int timeout_ms = left_ms < 0 ? 0 : left_ms < POLL_MS ? (int)left_ms : POLL_MS;
        size_t moved = move(pass, timeout_ms, room < POLL_MAX ? room : POLL_MAX);
        n += moved;
        if (left_ms <= 0 && moved == 0)
            break;
    }
    if (n > 0)
        pass->gathered_ms = now_ms();
    return n;
}

static void transact(struct pass *pass)
{
    must("begin", rd_kafka_begin_transaction(pass->producer));
    if (gather(pass) > 0)
        commit(pass);
    else
        must("abort", rd_kafka_abort_transaction(pass->producer, CALL_MS));
}

/* --- life --- */

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char text[256];
    if (rd_kafka_conf_set(conf, name, value, text, sizeof text) != RD_KAFKA_CONF_OK)
        die(name, text);
}

static rd_kafka_conf_t *make_conf(const struct arguments *arguments, const struct setting *settings)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", arguments->bootstrap);
    for (; settings->name; settings++)
        set(conf, settings->name, settings->value);
    return conf;
}

static void override(rd_kafka_conf_t *conf, const char *prefix, char **words, int n)
{
    for (int i = 0; i < n; i++) {
        char *equals = strchr(words[i], '=');
        if (!equals || strncmp(words[i], prefix, strlen(prefix)) != 0)
            continue;
        char name[128];
        char *from = words[i] + strlen(prefix);
        (void)snprintf(name, sizeof name, "%.*s", (int)(equals - from), from);
        set(conf, name, equals + 1);
    }
}

static rd_kafka_t *make_client(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char text[256];
    rd_kafka_t *client = rd_kafka_new(type, conf, text, sizeof text);
    if (!client)
        die("client", text);
    return client;
}

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
    (void)producer;
    (void)opaque;
    if (message->err)
        die("delivery", rd_kafka_err2str(message->err));
}

/* words: properties as consumer:NAME=VALUE or producer:NAME=VALUE. */
static void open_pass(struct pass *pass, char **words, int n)
{
    const struct arguments *arguments = &pass->arguments;
    char room[32];
    rd_kafka_conf_t *conf = make_conf(arguments, consumer_settings);
    set(conf, "group.id", arguments->group);
    override(conf, "consumer:", words, n);
    pass->consumer = make_client(RD_KAFKA_CONSUMER, conf);
    (void)rd_kafka_poll_set_consumer(pass->consumer);
    pass->queue = rd_kafka_queue_get_consumer(pass->consumer);

    conf = make_conf(arguments, producer_settings);
    set(conf, "transactional.id", arguments->group);
    (void)snprintf(room, sizeof room, "%ld", arguments->max_records * 2 + POLL_MAX);
    set(conf, "queue.buffering.max.messages", room);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    override(conf, "producer:", words, n);
    pass->producer = make_client(RD_KAFKA_PRODUCER, conf);
    pass->output = rd_kafka_topic_new(pass->producer, arguments->output, NULL);
    must("init transactions", rd_kafka_init_transactions(pass->producer, CALL_MS));

    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, arguments->input, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(pass->consumer, topics);
    if (code)
        die("subscribe", rd_kafka_err2str(code));
    rd_kafka_topic_partition_list_destroy(topics);
}

static void close_pass(struct pass *pass)
{
    rd_kafka_topic_destroy(pass->output);
    rd_kafka_destroy(pass->producer);
    rd_kafka_queue_destroy(pass->queue);
    (void)rd_kafka_consumer_close(pass->consumer);
    rd_kafka_destroy(pass->consumer);
}

static int parse_arguments(int argc, char **argv, struct arguments *arguments)
{
    *arguments = (struct arguments){.interval_ms = 100, .max_records = 50000};
    static const struct option options[] = {
        {"bootstrap-server", required_argument, NULL, 'b'}, {"input", required_argument, NULL, 'i'},
        {"output", required_argument, NULL, 'o'},           {"group", required_argument, NULL, 'g'},
        {"interval-ms", required_argument, NULL, 't'},      {"max-records", required_argument, NULL, 'm'},
        {"produce-batch", no_argument, NULL, 'B'},          {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'b': arguments->bootstrap = optarg; break;
        case 'i': arguments->input = optarg; break;
        case 'o': arguments->output = optarg; break;
        case 'g': arguments->group = optarg; break;
        case 't': arguments->interval_ms = strtol(optarg, NULL, 10); break;
        case 'm': arguments->max_records = strtol(optarg, NULL, 10); break;
        case 'B': arguments->batch = 1; break;
        default: return 0;
        }
    }
    return arguments->bootstrap && arguments->input && arguments->output && arguments->group &&
           arguments->interval_ms > 0 && arguments->max_records > 0;
}

int main(int argc, char **argv)
{
    static struct pass pass;
    if (!parse_arguments(argc, argv, &pass.arguments)) {
        fputs("Usage: passthrough --bootstrap-server HOSTS --input TOPIC --output TOPIC --group NAME\n"
              "                   [--interval-ms N] [--max-records N] [--produce-batch]\n"
              "                   [consumer:PROPERTY=VALUE | producer:PROPERTY=VALUE]...\n",
              stderr);
        return EXIT_FAILURE;
    }
    (void)signal(SIGTERM, on_stop);
    (void)signal(SIGINT, on_stop);
    open_pass(&pass, argv + optind, argc - optind);
    while (!stopping)
        transact(&pass);
    close_pass(&pass);
    printf("{\"records\": %llu, \"transactions\": %llu}\n", pass.records, pass.transactions);
    return EXIT_SUCCESS;
}
