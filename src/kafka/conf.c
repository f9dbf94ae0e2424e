#include "kafka/conf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/log.h"
#include "sys/remedy.h"
#include "weir/nearest.h"

/* librdkafka's greatest: how large a record may be is the topics' to say, and is looked at before anything is
 * sent. */
#define MESSAGE_BYTES_MAX 1000000000

/* What brokers take in a group instance id. */
#define ID_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
/* More names of properties than librdkafka has. */
#define PROPERTIES_MAX 512

struct setting {
    const char *name;
    const char *value;
};

/* Defaults that users may override: those of all clients, and of each kind. */
#define WEIR_DEFAULT_COMMON(name, value, why)
#define WEIR_DEFAULT_CONSUMER(name, value, why)
#define WEIR_DEFAULT_PRODUCER(name, value, why)

#undef WEIR_DEFAULT_COMMON
#define WEIR_DEFAULT_COMMON(name, value, why) {name, value},
static const struct setting common_defaults[] = {
#include "weir/defaults.def"
    {NULL, NULL},
};
#undef WEIR_DEFAULT_COMMON
#define WEIR_DEFAULT_COMMON(name, value, why)

#undef WEIR_DEFAULT_CONSUMER
#define WEIR_DEFAULT_CONSUMER(name, value, why) {name, value},
static const struct setting consumer_defaults[] = {
#include "weir/defaults.def"
    {NULL, NULL},
};
#undef WEIR_DEFAULT_CONSUMER
#define WEIR_DEFAULT_CONSUMER(name, value, why)

#undef WEIR_DEFAULT_PRODUCER
#define WEIR_DEFAULT_PRODUCER(name, value, why) {name, value},
static const struct setting producer_defaults[] = {
#include "weir/defaults.def"
    {NULL, NULL},
};
#undef WEIR_DEFAULT_COMMON
#undef WEIR_DEFAULT_CONSUMER
#undef WEIR_DEFAULT_PRODUCER

/* What is weir's alone: include/weir/reserved.def is also why the configuration refuses these. */
static const struct setting reserved[] = {
#define WEIR_RESERVED(name, value, why) {name, value},
#include "weir/reserved.def"
#undef WEIR_RESERVED
};

bool conf_takes_version(int version)
{
    bool broken = version >= CONF_VERSION_BROKEN_FIRST && version <= CONF_VERSION_BROKEN_LAST;
    return version >= CONF_VERSION_FLOOR && !broken;
}

enum weir_err_code conf_identify(struct conf_identity *identity, const char *pipeline, const char *instance,
                                 int worker, struct weir_err *err)
{
    if (!conf_takes_version(rd_kafka_version()))
        return weir_fail(err, WEIR_ERR_CONFIG,
                         "librdkafka %s cannot be used: 2.8.0 or newer is needed, but not 2.10.0",
                         rd_kafka_version_str());
    if (!*instance || instance[strspn(instance, ID_CHARACTERS)])
        return weir_fail(
            err, WEIR_ERR_USAGE,
            "the instance '%s' must be made of letters, digits, '.', '_' and '-', as Kafka wants it",
            instance);
    int len = snprintf(identity->text, sizeof identity->text, "%s-%s-%d", pipeline, instance, worker);
    if (len < 0 || (size_t)len >= sizeof identity->text)
        return weir_fail(err, WEIR_ERR_CONFIG,
                         "the identity <pipeline>-<instance>-<worker> has more than %d characters",
                         CONF_IDENTITY_MAX - 1);
    return WEIR_OK;
}

static enum weir_err_code set(rd_kafka_conf_t *conf, const char *name, const char *value,
                              struct weir_err *err)
{
    char text[256];
    if (rd_kafka_conf_set(conf, name, value, text, sizeof text) == RD_KAFKA_CONF_OK)
        return WEIR_OK;
    return weir_fail(err, WEIR_ERR_CONFIG, "%s", text);
}

static enum weir_err_code set_all(rd_kafka_conf_t *conf, const struct setting *settings, struct weir_err *err)
{
    for (; settings->name; settings++) {
        enum weir_err_code code = set(conf, settings->name, settings->value, err);
        if (code != WEIR_OK)
            return code;
    }
    return WEIR_OK;
}

/* The names at the beginnings of the lines of librdkafka's table of properties, cut out in place; at most
 * max. */
static size_t read_names(char *table, const char **names, size_t max)
{
    size_t n = 0;
    for (char *line = table, *next = NULL; line && n < max; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        size_t len = strcspn(line, " |");
        if (len > 0 && line[len] == ' ') {
            line[len] = '\0';
            names[n++] = line;
        }
    }
    return n;
}

/* A name that librdkafka does not know, and the one that may have been meant. */
static enum weir_err_code fail_unknown(const struct weir_property *property, struct weir_err *err)
{
    const char *names[PROPERTIES_MAX];
    char *table = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&table, &len);
    if (!to)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the names of properties");
    rd_kafka_conf_properties_show(to);
    (void)fclose(to);
    const char *near = weir_nearest(property->name, names, read_names(table, names, PROPERTIES_MAX));
    (void)weir_fail(err, WEIR_ERR_CONFIG, "line %d, column %d: kafka: librdkafka has no property '%s'%s%s%s",
                    property->at.line, property->at.column, property->name, near ? "; did you mean '" : "",
                    near ? near : "", near ? "'?" : "");
    free(table);
    return err->code;
}

static enum weir_err_code set_users(rd_kafka_conf_t *conf, const struct weir_spec *spec, struct weir_err *err)
{
    char text[256];
    for (size_t i = 0; i < spec->n_kafka; i++) {
        const struct weir_property *property = &spec->kafka[i];
        rd_kafka_conf_res_t result =
            rd_kafka_conf_set(conf, property->name, property->value, text, sizeof text);
        if (result == RD_KAFKA_CONF_UNKNOWN)
            return fail_unknown(property, err);
        if (result != RD_KAFKA_CONF_OK)
            return weir_fail(err, WEIR_ERR_CONFIG, "line %d, column %d: kafka.%s: %s", property->at.line,
                             property->at.column, property->name,
                             property->secret ? "librdkafka does not take this value" : text);
    }
    return WEIR_OK;
}

static enum weir_err_code set_reserved(rd_kafka_conf_t *conf, struct weir_err *err)
{
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (!reserved[i].value)
            continue;
        enum weir_err_code code = set(conf, reserved[i].name, reserved[i].value, err);
        if (code != WEIR_OK)
            return code;
    }
    return WEIR_OK;
}

/*
 * librdkafka says the same trouble again and again; what matters of it reaches weir as errors, which are said
 * once. So its own lines are for debugging, save what nothing else tells: compression that was silently given
 * up.
 */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)level;
    bool only_here = strcmp(facility, "COMPRESSION") == 0;
    log_write(only_here ? WEIR_LOG_WARN : WEIR_LOG_DEBUG, "librdkafka", "%s %s: %s", rd_kafka_name(rk),
              facility, text);
}

/* What both clients share; own are the defaults of the one. */
static enum weir_err_code set_common(rd_kafka_conf_t *conf, const struct weir_spec *spec,
                                     const struct setting *own, struct weir_err *err)
{
    enum weir_err_code code = set_all(conf, common_defaults, err);
    if (code == WEIR_OK)
        code = set_all(conf, own, err);
    if (code == WEIR_OK)
        code = set_users(conf, spec, err);
    if (code == WEIR_OK)
        code = set_reserved(conf, err);
    rd_kafka_conf_set_log_cb(conf, on_log);
    return code;
}

enum weir_err_code conf_consumer(const struct weir_spec *spec, const struct conf_identity *identity,
                                 rd_kafka_conf_t **out, struct weir_err *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    enum weir_err_code code = set_common(conf, spec, consumer_defaults, err);
    if (code == WEIR_OK)
        code = set(conf, "group.id", spec->core.pipeline, err);
    if (code == WEIR_OK)
        code = set(conf, "group.instance.id", identity->text, err);
    if (code == WEIR_OK && !remedy_on(REMEDY_OWN_OFFSETS))
        code = set(conf, "auto.offset.reset", "earliest", err);
    if (code != WEIR_OK) {
        rd_kafka_conf_destroy(conf);
        return code;
    }
    *out = conf;
    return WEIR_OK;
}

enum weir_err_code conf_client(const struct weir_spec *spec, rd_kafka_conf_t **out, struct weir_err *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    enum weir_err_code code = set_common(conf, spec, consumer_defaults, err);
    if (code != WEIR_OK) {
        rd_kafka_conf_destroy(conf);
        return code;
    }
    *out = conf;
    return WEIR_OK;
}

static enum weir_err_code set_number(rd_kafka_conf_t *conf, const char *name, int64_t value,
                                     struct weir_err *err)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRId64, value);
    return set(conf, name, text, err);
}

/* Room for two transactions in librdkafka's queue, so that sending never waits for it in a healthy cluster.
 */
static int64_t queue_messages(const struct weir_spec *spec)
{
    enum { LEAST = 100000 };
    int64_t wanted = spec->transaction.max_records * 2;
    return wanted > LEAST ? wanted : LEAST;
}

static bool is_users(const struct weir_spec *spec, const char *name)
{
    for (size_t i = 0; i < spec->n_kafka; i++)
        if (strcmp(spec->kafka[i].name, name) == 0)
            return true;
    return false;
}

/* A time-out of requests that is ours must give way to a transaction time-out that is the user's. */
static enum weir_err_code set_socket_timeout(rd_kafka_conf_t *conf, const struct weir_spec *spec,
                                             struct weir_err *err)
{
    enum { USUAL = 5000, LEAST = 900, BELOW_TRANSACTION = 100 };
    int64_t most = conf_number(conf, "transaction.timeout.ms", 2 * USUAL) - BELOW_TRANSACTION;
    if (is_users(spec, "socket.timeout.ms"))
        return WEIR_OK;
    most = most > LEAST ? most : LEAST;
    return set_number(conf, "socket.timeout.ms", most < USUAL ? most : USUAL, err);
}

static enum weir_err_code set_batch(rd_kafka_conf_t *conf, size_t bytes, struct weir_err *err)
{
    int64_t users = conf_number(conf, "batch.size", CONF_BATCH_BYTES);
    return set_number(conf, "batch.size", users < (int64_t)bytes ? users : (int64_t)bytes, err);
}

enum weir_err_code conf_producer(const struct weir_spec *spec, const struct conf_identity *identity,
                                 size_t batch_bytes, rd_kafka_conf_t **out, struct weir_err *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    enum weir_err_code code = set_number(conf, "queue.buffering.max.messages", queue_messages(spec), err);
    if (code == WEIR_OK)
        code = set_common(conf, spec, producer_defaults, err);
    if (code == WEIR_OK)
        code = set(conf, "transactional.id", identity->text, err);
    if (code == WEIR_OK)
        code = set_socket_timeout(conf, spec, err);
    if (code == WEIR_OK)
        code = set_batch(conf, batch_bytes, err);
    if (code == WEIR_OK)
        code = set_number(conf, "message.max.bytes", MESSAGE_BYTES_MAX, err);
    if (code != WEIR_OK) {
        rd_kafka_conf_destroy(conf);
        return code;
    }
    *out = conf;
    return WEIR_OK;
}

/* Makes a client only to see whether it can be made. Takes conf. */
static enum weir_err_code try_client(rd_kafka_type_t type, rd_kafka_conf_t *conf, struct weir_err *err)
{
    char text[256];
    rd_kafka_t *rk = rd_kafka_new(type, conf, text, sizeof text);
    if (rk) {
        rd_kafka_destroy(rk);
        return WEIR_OK;
    }
    rd_kafka_conf_destroy(conf);
    return weir_fail(err, WEIR_ERR_CONFIG, "kafka: %s", text);
}

enum weir_err_code conf_check(const struct weir_spec *spec, struct weir_err *err)
{
    struct conf_identity identity;
    rd_kafka_conf_t *conf = NULL;
    enum weir_err_code code = conf_identify(&identity, spec->core.pipeline, "check", 0, err);
    if (code == WEIR_OK)
        code = conf_consumer(spec, &identity, &conf, err);
    if (code == WEIR_OK)
        code = try_client(RD_KAFKA_CONSUMER, conf, err);
    if (code == WEIR_OK)
        code = conf_producer(spec, &identity, CONF_BATCH_BYTES, &conf, err);
    if (code == WEIR_OK)
        code = try_client(RD_KAFKA_PRODUCER, conf, err);
    return code;
}

int64_t conf_number(const rd_kafka_conf_t *conf, const char *name, int64_t fallback)
{
    char text[64];
    size_t size = sizeof text;
    if (rd_kafka_conf_get(conf, name, text, &size) != RD_KAFKA_CONF_OK)
        return fallback;
    char *end = NULL;
    long long value = strtoll(text, &end, 10);
    return end == text || *end ? fallback : value;
}
