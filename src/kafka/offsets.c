#include "kafka/offsets.h"

#include "kafka/fault.h"

static int64_t spec_of(enum offsets_of of, int64_t since_ms)
{
    switch (of) {
    case OFFSETS_FIRST: return RD_KAFKA_OFFSET_SPEC_EARLIEST;
    case OFFSETS_SINCE: return since_ms;
    default: return RD_KAFKA_OFFSET_SPEC_LATEST;
    }
}

static rd_kafka_event_t *ask(rd_kafka_t *client, rd_kafka_topic_partition_list_t *list, enum offsets_of of,
                             int timeout_ms)
{
    char text[128];
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_LISTOFFSETS);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, text, sizeof text);
    /* What "latest" means depends on who asks. */
    rd_kafka_error_t *error = rd_kafka_AdminOptions_set_isolation_level(
        options, of == OFFSETS_WRITTEN ? RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED
                                       : RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED);
    if (error)
        rd_kafka_error_destroy(error);
    rd_kafka_ListOffsets(client, list, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return event;
}

static enum weir_err_code read_one(const rd_kafka_ListOffsetsResultInfo_t *info, const char *topic, int32_t n,
                                   int64_t *offsets, struct weir_err *err)
{
    const rd_kafka_topic_partition_t *at = rd_kafka_ListOffsetsResultInfo_topic_partition(info);
    if (at->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        enum weir_err_code code = fault_of_delivery(at->err, topic, err);
        return code == WEIR_ERR_TOPIC_MISSING || code == WEIR_ERR_TOPIC_DENIED
                   ? code
                   : weir_fail(err, WEIR_ERR_TRANSIENT, "topic %s partition %d: %s", topic, at->partition,
                               rd_kafka_err2str(at->err));
    }
    if (at->partition >= 0 && at->partition < n)
        offsets[at->partition] = at->offset;
    return WEIR_OK;
}

static enum weir_err_code read_all(const rd_kafka_event_t *event, const char *topic, int32_t n,
                                   int64_t *offsets, struct weir_err *err)
{
    enum weir_err_code code = WEIR_OK;
    size_t n_infos = 0;
    const rd_kafka_ListOffsetsResultInfo_t **infos = rd_kafka_ListOffsets_result_infos(event, &n_infos);
    for (size_t i = 0; i < n_infos && code == WEIR_OK; i++)
        code = read_one(infos[i], topic, n, offsets, err);
    for (int32_t p = 0; p < n && code == WEIR_OK; p++)
        if (offsets[p] < 0)
            code = weir_fail(err, WEIR_ERR_TRANSIENT, "topic %s partition %d does not say its offsets", topic,
                             p);
    return code;
}

/* A time behind all records has no offset: that is the end. */
static enum weir_err_code settle_since(rd_kafka_t *client, const char *topic, int32_t n, int timeout_ms,
                                       int64_t *offsets, struct weir_err *err)
{
    for (int32_t p = 0; p < n; p++) {
        int64_t low, high;
        if (offsets[p] >= 0)
            continue;
        rd_kafka_resp_err_t code =
            rd_kafka_query_watermark_offsets(client, topic, p, &low, &high, timeout_ms);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
            return weir_fail(err, WEIR_ERR_TRANSIENT, "topic %s partition %d: %s", topic, p,
                             rd_kafka_err2str(code));
        offsets[p] = high;
    }
    return WEIR_OK;
}

enum weir_err_code offsets_ask(rd_kafka_t *client, const char *topic, int32_t n, enum offsets_of of,
                               int64_t since_ms, int timeout_ms, int64_t *offsets, struct weir_err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n);
    for (int32_t p = 0; p < n; p++) {
        rd_kafka_topic_partition_list_add(list, topic, p)->offset = spec_of(of, since_ms);
        offsets[p] = -1;
    }
    rd_kafka_event_t *event = ask(client, list, of, timeout_ms);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_resp_err_t answer = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    enum weir_err_code code = WEIR_OK;
    if (answer != RD_KAFKA_RESP_ERR_NO_ERROR) {
        code = fault_of_delivery(answer, topic, err);
        if (code == WEIR_ERR_TXN_ABORTED)
            code = weir_fail(err, WEIR_ERR_BROKER_DOWN, "no Kafka broker says where topic %s ends (%s)",
                             topic, rd_kafka_err2str(answer));
    } else {
        struct weir_err ignored;
        code = read_all(event, topic, n, offsets, of == OFFSETS_SINCE ? &ignored : err);
        if (code == WEIR_ERR_TRANSIENT && of == OFFSETS_SINCE)
            code = settle_since(client, topic, n, timeout_ms, offsets, err);
    }
    if (event)
        rd_kafka_event_destroy(event);
    return code;
}

/* stable: an offset that an open transaction may still move is not told. NULL when the client does not take
 * that. */
static rd_kafka_AdminOptions_t *group_options(rd_kafka_t *client, bool stable, int timeout_ms)
{
    char text[128];
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, text, sizeof text);
    rd_kafka_error_t *error = rd_kafka_AdminOptions_set_require_stable_offsets(options, stable);
    if (!error)
        return options;
    rd_kafka_error_destroy(error);
    rd_kafka_AdminOptions_destroy(options);
    return NULL;
}

/* NULL when there is no answer. */
static rd_kafka_event_t *ask_group(rd_kafka_t *client, const char *group,
                                   const rd_kafka_topic_partition_list_t *list, bool stable, int timeout_ms)
{
    rd_kafka_AdminOptions_t *options = group_options(client, stable, timeout_ms);
    if (!options)
        return NULL;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_ListConsumerGroupOffsets_t *request = rd_kafka_ListConsumerGroupOffsets_new(group, list);
    rd_kafka_ListConsumerGroupOffsets(client, &request, 1, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms);
    rd_kafka_ListConsumerGroupOffsets_destroy(request);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return event;
}

/* What is said of the one group that was asked for, NULL for nothing; *code is the group's error. */
static const rd_kafka_topic_partition_list_t *first_group(const rd_kafka_event_t *event,
                                                          rd_kafka_resp_err_t *code)
{
    size_t n = 0;
    const rd_kafka_group_result_t **groups = rd_kafka_ListConsumerGroupOffsets_result_groups(event, &n);
    const rd_kafka_error_t *error = n > 0 ? rd_kafka_group_result_error(groups[0]) : NULL;
    *code = error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
    return n > 0 ? rd_kafka_group_result_partitions(groups[0]) : NULL;
}

/* The answer for one group. A group that does not exist has committed nothing. */
static enum weir_err_code read_group(const rd_kafka_event_t *event, const char *group, int32_t n,
                                     int64_t *offsets, struct weir_err *err)
{
    rd_kafka_resp_err_t code;
    const rd_kafka_topic_partition_list_t *found = first_group(event, &code);
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && found && i < found->cnt; i++)
        code = found->elems[i].err;
    if (code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
        return weir_fail(err, WEIR_ERR_DENIED, "no permission to see what group %s has committed", group);
    if (code == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND)
        return WEIR_OK;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return weir_fail(err, WEIR_ERR_TRANSIENT, "committed offsets of group %s: %s", group,
                         rd_kafka_err2str(code));
    for (int i = 0; found && i < found->cnt; i++)
        if (found->elems[i].partition >= 0 && found->elems[i].partition < n && found->elems[i].offset >= 0)
            offsets[found->elems[i].partition] = found->elems[i].offset;
    return WEIR_OK;
}

enum weir_err_code offsets_committed(rd_kafka_t *client, const char *group, const char *topic, int32_t n,
                                     int timeout_ms, int64_t *offsets, struct weir_err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n);
    for (int32_t p = 0; p < n; p++) {
        (void)rd_kafka_topic_partition_list_add(list, topic, p);
        offsets[p] = -1;
    }
    rd_kafka_event_t *event = ask_group(client, group, list, false, timeout_ms);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_resp_err_t answer = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    enum weir_err_code code = WEIR_OK;
    if (answer == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = read_group(event, group, n, offsets, err);
    else
        code = weir_fail(err, WEIR_ERR_BROKER_DOWN, "no Kafka broker says what group %s has committed (%s)",
                         group, rd_kafka_err2str(answer));
    if (event)
        rd_kafka_event_destroy(event);
    return code;
}

static rd_kafka_resp_err_t read_stable(const rd_kafka_event_t *event, rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_resp_err_t code;
    const rd_kafka_topic_partition_list_t *found = first_group(event, &code);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR || !found)
        return code != RD_KAFKA_RESP_ERR_NO_ERROR ? code : RD_KAFKA_RESP_ERR__BAD_MSG;
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *at =
            rd_kafka_topic_partition_list_find((rd_kafka_topic_partition_list_t *)(uintptr_t)found,
                                               list->elems[i].topic, list->elems[i].partition);
        if (!at)
            return RD_KAFKA_RESP_ERR__BAD_MSG;
        list->elems[i].err = at->err;
        list->elems[i].offset = at->offset;
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t offsets_stable(rd_kafka_t *client, const char *group,
                                   rd_kafka_topic_partition_list_t *list, int timeout_ms)
{
    rd_kafka_event_t *event = ask_group(client, group, list, true, timeout_ms);
    if (!event)
        return RD_KAFKA_RESP_ERR__TIMED_OUT;
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = read_stable(event, list);
    rd_kafka_event_destroy(event);
    return code;
}
