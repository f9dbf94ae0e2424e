#include "kafka/admin.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/conf.h"
#include "kafka/fault.h"

/* Most topics asked for at once. */
#define LIMITS_MAX 8

/* What the client said last of why it reaches nobody: a refused log-in, a wrong protocol. Kept as the
 * client's opaque; whoever polls the client, on whichever thread, may be told. */
struct reason {
    pthread_mutex_t lock;
    char text[200];
};

static void on_error(rd_kafka_t *rk, int code, const char *text, void *opaque)
{
    (void)rk;
    struct reason *reason = opaque;
    /* "All brokers are down" says less than what came before it. */
    if ((rd_kafka_resp_err_t)code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        return;
    (void)pthread_mutex_lock(&reason->lock);
    (void)snprintf(reason->text, sizeof reason->text, "%s", text);
    (void)pthread_mutex_unlock(&reason->lock);
}

static void free_reason(struct reason *reason)
{
    (void)pthread_mutex_destroy(&reason->lock);
    free(reason);
}

/*
 * It has a group's name and never joins: librdkafka (2.8.0 to 2.15.0, issue 5040) takes an answer to
 * ListConsumerGroupOffsets that the coordinator has moved for one to a group's consumer, and crashes in a
 * client that has no group.
 */
enum weir_err_code admin_open(const struct weir_spec *spec, rd_kafka_t **out, struct weir_err *err)
{
    char text[256];
    rd_kafka_conf_t *conf = NULL;
    enum weir_err_code code = conf_client(spec, &conf, err);
    if (code != WEIR_OK)
        return code;
    (void)rd_kafka_conf_set(conf, "group.id", spec->core.pipeline, text, sizeof text);
    struct reason *reason = calloc(1, sizeof *reason);
    if (!reason || pthread_mutex_init(&reason->lock, NULL) != 0) {
        free(reason);
        rd_kafka_conf_destroy(conf);
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a client");
    }
    rd_kafka_conf_set_opaque(conf, reason);
    rd_kafka_conf_set_error_cb(conf, on_error);
    *out = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    if (*out)
        return WEIR_OK;
    rd_kafka_conf_destroy(conf);
    free_reason(reason);
    return weir_fail(err, WEIR_ERR_CONFIG, "client: %s", text);
}

void admin_close(rd_kafka_t *client)
{
    struct reason *reason = rd_kafka_opaque(client);
    /* There is no place in the group that could be left. */
    rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    free_reason(reason);
}

/* Why nobody answered: what the client said of it, else the call's own error. */
static enum weir_err_code fail_down(rd_kafka_t *rk, rd_kafka_resp_err_t code, struct weir_err *err)
{
    struct reason *reason = rd_kafka_opaque(rk);
    rd_kafka_poll(rk, 0);
    (void)pthread_mutex_lock(&reason->lock);
    (void)weir_fail(err, WEIR_ERR_BROKER_DOWN, "no Kafka broker answers (%s)",
                    reason->text[0] ? reason->text : rd_kafka_err2str(code));
    reason->text[0] = '\0';
    (void)pthread_mutex_unlock(&reason->lock);
    return WEIR_ERR_BROKER_DOWN;
}

static enum weir_err_code state_of(const struct rd_kafka_metadata_topic *topic)
{
    switch (topic->err) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED: return WEIR_ERR_TOPIC_DENIED;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION: return WEIR_ERR_TOPIC_MISSING;
    default: return topic->partition_cnt > 0 ? WEIR_OK : WEIR_ERR_TOPIC_MISSING;
    }
}

enum weir_err_code admin_look(rd_kafka_t *rk, const char *topic, int timeout_ms, struct sink_target *target,
                              struct weir_err *err)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(rk, topic, NULL);
    if (!handle)
        return weir_fail(err, WEIR_ERR_KAFKA, "topic %s: %s", topic, rd_kafka_err2str(rd_kafka_last_error()));
    rd_kafka_resp_err_t code = rd_kafka_metadata(rk, 0, handle, &metadata, timeout_ms);
    rd_kafka_topic_destroy(handle);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fail_down(rk, code, err);
    target->state = WEIR_ERR_TOPIC_MISSING;
    for (int i = 0; i < metadata->topic_cnt; i++) {
        if (strcmp(metadata->topics[i].topic, topic) != 0)
            continue;
        target->state = state_of(&metadata->topics[i]);
        target->partitions = metadata->topics[i].partition_cnt;
    }
    rd_kafka_metadata_destroy(metadata);
    return WEIR_OK;
}

/* One of a topic's settings, borrowed; NULL when it is not there. */
static const char *setting_of(const rd_kafka_ConfigResource_t *resource, const char *name)
{
    size_t n = 0;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &n);
    if (rd_kafka_ConfigResource_error(resource) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), name) == 0)
            return rd_kafka_ConfigEntry_value(entries[i]);
    return NULL;
}

/* max.message.bytes among a topic's settings, Kafka's default when it is not there. */
static size_t limit_of(const rd_kafka_ConfigResource_t *resource)
{
    const char *value = setting_of(resource, "max.message.bytes");
    return value ? (size_t)strtoull(value, NULL, 10) : ADMIN_DEFAULT_MAX_MESSAGE_BYTES;
}

static void read_limits(const rd_kafka_DescribeConfigs_result_t *result, const char *const *topics, size_t n,
                        size_t *bytes)
{
    size_t n_resources = 0;
    const rd_kafka_ConfigResource_t **resources =
        rd_kafka_DescribeConfigs_result_resources(result, &n_resources);
    for (size_t i = 0; i < n_resources; i++)
        for (size_t k = 0; k < n; k++)
            if (strcmp(rd_kafka_ConfigResource_name(resources[i]), topics[k]) == 0)
                bytes[k] = limit_of(resources[i]);
}

/* The broker that answers now; -1 when none does, or when it is only known by its address. */
static int32_t answering_broker(rd_kafka_t *rk, int timeout_ms)
{
    const struct rd_kafka_metadata *metadata = NULL;
    if (rd_kafka_metadata(rk, 0, NULL, &metadata, timeout_ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return -1;
    int32_t broker = metadata->orig_broker_id;
    rd_kafka_metadata_destroy(metadata);
    return broker;
}

/*
 * Sends the request for n topics, its answer to come to queue. librdkafka would send it to the controller and
 * wait for that one; every broker knows the answer, so it goes to one that is there.
 */
static void ask_limits(rd_kafka_t *rk, const char *const *topics, size_t n, int timeout_ms,
                       rd_kafka_queue_t *queue)
{
    char text[128];
    rd_kafka_ConfigResource_t *resources[LIMITS_MAX];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, text, sizeof text);
    int32_t broker = answering_broker(rk, timeout_ms);
    if (broker >= 0)
        (void)rd_kafka_AdminOptions_set_broker(options, broker, text, sizeof text);
    for (size_t i = 0; i < n; i++)
        resources[i] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topics[i]);
    rd_kafka_DescribeConfigs(rk, resources, n, options, queue);
    rd_kafka_ConfigResource_destroy_array(resources, n);
    rd_kafka_AdminOptions_destroy(options);
}

enum weir_err_code admin_limits(rd_kafka_t *rk, const char *const *topics, size_t n, int timeout_ms,
                                size_t *bytes, struct weir_err *err)
{
    if (n > LIMITS_MAX)
        return weir_fail(err, WEIR_ERR_USAGE, "more than %d topics at once", LIMITS_MAX);
    for (size_t i = 0; i < n; i++)
        bytes[i] = ADMIN_DEFAULT_MAX_MESSAGE_BYTES;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    ask_limits(rk, topics, n, timeout_ms, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms);
    rd_kafka_resp_err_t code = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && rd_kafka_event_DescribeConfigs_result(event))
        read_limits(rd_kafka_event_DescribeConfigs_result(event), topics, n, bytes);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    bool silent = code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT;
    return silent ? fail_down(rk, code, err) : WEIR_OK;
}

enum weir_err_code admin_setting(rd_kafka_t *rk, const char *topic, const char *name, int timeout_ms,
                                 char *text, size_t cap, struct weir_err *err)
{
    text[0] = '\0';
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    ask_limits(rk, &topic, 1, timeout_ms, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms);
    rd_kafka_resp_err_t code = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    const rd_kafka_DescribeConfigs_result_t *result =
        code == RD_KAFKA_RESP_ERR_NO_ERROR ? rd_kafka_event_DescribeConfigs_result(event) : NULL;
    size_t n = 0;
    const rd_kafka_ConfigResource_t **resources =
        result ? rd_kafka_DescribeConfigs_result_resources(result, &n) : NULL;
    const char *value = n > 0 ? setting_of(resources[0], name) : NULL;
    if (value)
        (void)snprintf(text, cap, "%s", value);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    bool silent = code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT;
    return silent ? fail_down(rk, code, err) : WEIR_OK;
}

static enum weir_err_code read_deleted(const rd_kafka_DeleteRecords_result_t *result, const char *topic,
                                       struct weir_err *err)
{
    const rd_kafka_topic_partition_list_t *list = rd_kafka_DeleteRecords_result_offsets(result);
    for (int i = 0; i < list->cnt; i++) {
        rd_kafka_resp_err_t code = list->elems[i].err;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            continue;
        enum weir_err_code known = fault_of_delivery(code, topic, err);
        return known != WEIR_ERR_TXN_ABORTED
                   ? known
                   : weir_fail(err, WEIR_ERR_TRANSIENT, "topic %s partition %d: %s", topic,
                               list->elems[i].partition, rd_kafka_err2str(code));
    }
    return WEIR_OK;
}

enum weir_err_code admin_delete(rd_kafka_t *rk, const char *topic, const int64_t *before, int32_t n,
                                int timeout_ms, struct weir_err *err)
{
    char text[128];
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n);
    for (int32_t p = 0; p < n; p++)
        if (before[p] >= 0)
            rd_kafka_topic_partition_list_add(list, topic, p)->offset = before[p];
    rd_kafka_DeleteRecords_t *request = rd_kafka_DeleteRecords_new(list);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_DELETERECORDS);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, text, sizeof text);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_DeleteRecords(rk, &request, 1, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms);
    rd_kafka_resp_err_t answer = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    enum weir_err_code code = answer == RD_KAFKA_RESP_ERR_NO_ERROR
                                  ? read_deleted(rd_kafka_event_DeleteRecords_result(event), topic, err)
                                  : fail_down(rk, answer, err);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_DeleteRecords_destroy(request);
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}
