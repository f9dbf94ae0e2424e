#include "kafka/lookup.h"

#include "kafka/fault.h"
#include "kafka/offsets.h"

/* How long the consumer is asked for all offsets at once. Where all are stable they are there within two
 * messages; where one is not, it goes on asking for it and says nothing of the others. */
#define ALL_TIMEOUT_MS 300
/* How long one question for each of them may take, and one for a partition's first and last offset. */
#define EACH_TIMEOUT_MS  1000
#define START_TIMEOUT_MS 1000

static enum weir_err_code fail(const struct lookup *lookup, rd_kafka_resp_err_t code, struct weir_err *err)
{
    const char *group = lookup->spec->core.pipeline;
    enum weir_err_code found = fault_of_consumer(code, rd_kafka_err2str(code), group, err);
    if (weir_err_class(found) == WEIR_CLASS_FATAL)
        return found;
    return weir_fail(err, WEIR_ERR_TRANSIENT, "committed offsets of group %s: %s", group,
                     rd_kafka_err2str(code));
}

enum weir_err_code lookup_committed(const struct lookup *lookup, rd_kafka_t *consumer,
                                    rd_kafka_topic_partition_list_t *list, int timeout_ms,
                                    struct weir_err *err)
{
    rd_kafka_resp_err_t code = rd_kafka_committed(consumer, list, timeout_ms);
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++)
        code = list->elems[i].err;
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? WEIR_OK : fail(lookup, code, err);
}

/* Asks in a way that answers for each partition: an element's error is UNSTABLE_OFFSET_COMMIT or none. */
static enum weir_err_code ask_each(const struct lookup *lookup, rd_kafka_topic_partition_list_t *list,
                                   struct weir_err *err)
{
    rd_kafka_t *client = NULL;
    enum weir_err_code code = asker_client(lookup->asker, &client, err);
    if (code != WEIR_OK)
        return code;
    rd_kafka_resp_err_t answer = offsets_stable(client, lookup->spec->core.pipeline, list, EACH_TIMEOUT_MS);
    for (int i = 0; answer == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++)
        if (list->elems[i].err != RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT)
            answer = list->elems[i].err;
    if (answer == RD_KAFKA_RESP_ERR_NO_ERROR)
        return WEIR_OK;
    asker_drop(lookup->asker);
    return fail(lookup, answer, err);
}

/*
 * The consumer is asked first, since it knows the coordinator and has a connection to it. Once something was
 * found unstable the asker is there, and asked alone: the consumer's own question would go on beside ours.
 */
static enum weir_err_code ask(const struct lookup *lookup, rd_kafka_t *consumer,
                              rd_kafka_topic_partition_list_t *list, struct weir_err *err)
{
    enum weir_err_code code = WEIR_ERR_TRANSIENT;
    if (!lookup->asker->client)
        code = lookup_committed(lookup, consumer, list, ALL_TIMEOUT_MS, err);
    return code == WEIR_ERR_TRANSIENT ? ask_each(lookup, list, err) : code;
}

/* Where a partition without committed offset begins: an explicit offset, so that doing it again begins at the
 * same place. */
static enum weir_err_code start_offset(const struct lookup *lookup, rd_kafka_t *consumer,
                                       rd_kafka_topic_partition_t *at, struct weir_err *err)
{
    if (lookup->spec->input.start == WEIR_START_FAIL)
        return weir_fail(err, WEIR_ERR_NO_OFFSET,
                         "partition %d of %s has no committed offset in group %s, and input.start is fail",
                         at->partition, at->topic, lookup->spec->core.pipeline);
    int64_t low = 0;
    int64_t high = 0;
    rd_kafka_resp_err_t code =
        rd_kafka_query_watermark_offsets(consumer, at->topic, at->partition, &low, &high, START_TIMEOUT_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return weir_fail(err, WEIR_ERR_TRANSIENT, "offsets of %s[%d]: %s", at->topic, at->partition,
                         rd_kafka_err2str(code));
    at->offset = lookup->spec->input.start == WEIR_START_EARLIEST ? low : high;
    return WEIR_OK;
}

/* Settles one partition that has been asked for: TRANSIENT leaves it where it is. */
static enum weir_err_code settle(const struct lookup *lookup, rd_kafka_t *consumer,
                                 rd_kafka_topic_partition_t *at, rd_kafka_topic_partition_list_t *known,
                                 struct weir_err *err)
{
    bool begins = at->offset == RD_KAFKA_OFFSET_INVALID;
    enum weir_err_code code = begins ? start_offset(lookup, consumer, at, err) : WEIR_OK;
    if (code != WEIR_OK)
        return code;
    rd_kafka_topic_partition_t *to = rd_kafka_topic_partition_list_add(known, at->topic, at->partition);
    to->offset = at->offset;
    to->opaque = begins ? known : NULL;
    return WEIR_OK;
}

/* After one partition could not say where it starts, the others that would have to are left for later too:
 * each could take as long, and nobody polls meanwhile. */
enum weir_err_code lookup_begin(const struct lookup *lookup, rd_kafka_t *consumer,
                                rd_kafka_topic_partition_list_t *pending,
                                rd_kafka_topic_partition_list_t *known, struct weir_err *err)
{
    enum weir_err_code code = pending->cnt > 0 ? ask(lookup, consumer, pending, err) : WEIR_OK;
    if (code != WEIR_OK)
        return code;
    for (int i = pending->cnt - 1; i >= 0 && (code == WEIR_OK || code == WEIR_ERR_TRANSIENT); i--) {
        rd_kafka_topic_partition_t *at = &pending->elems[i];
        bool later = code != WEIR_OK && at->offset == RD_KAFKA_OFFSET_INVALID;
        if (at->err != RD_KAFKA_RESP_ERR_NO_ERROR || later)
            continue;
        enum weir_err_code settled = settle(lookup, consumer, at, known, err);
        if (settled == WEIR_OK)
            (void)rd_kafka_topic_partition_list_del_by_idx(pending, i);
        else
            code = settled;
    }
    return code;
}
