#include "kafka/membership.h"

#include <stdio.h>
#include <string.h>

#include "kafka/fault.h"
#include "sys/clock.h"

/* After an answer that does not help the coordinator is left alone for so long. */
#define PAUSE_MS 100
/* What the client may need beyond the request's own time-out. */
#define MARGIN_MS 500

void membership_note(struct membership *own, rd_kafka_t *consumer)
{
    char *id = rd_kafka_memberid(consumer);
    if (id && id[0])
        (void)snprintf(own->id, sizeof own->id, "%s", id);
    rd_kafka_mem_free(consumer, id);
}

bool membership_has_id(rd_kafka_t *consumer)
{
    char *id = rd_kafka_memberid(consumer);
    bool has = id && id[0];
    rd_kafka_mem_free(consumer, id);
    return has;
}

static bool held_by_another(const struct membership *own, const rd_kafka_ConsumerGroupDescription_t *group)
{
    for (size_t i = 0; i < rd_kafka_ConsumerGroupDescription_member_count(group); i++) {
        const rd_kafka_MemberDescription_t *member = rd_kafka_ConsumerGroupDescription_member(group, i);
        const char *instance = rd_kafka_MemberDescription_group_instance_id(member);
        if (instance && strcmp(instance, own->instance) == 0 &&
            strcmp(rd_kafka_MemberDescription_consumer_id(member), own->id) != 0)
            return true;
    }
    return false;
}

static enum weir_err_code not_told(const struct membership *own, rd_kafka_resp_err_t code, const char *text,
                                   struct weir_err *err)
{
    enum weir_err_code found = fault_of_consumer(code, text, own->group, err);
    if (weir_err_class(found) == WEIR_CLASS_FATAL)
        return found;
    clock_sleep_ms(PAUSE_MS);
    return weir_fail(err, WEIR_ERR_TRANSIENT, "members of group %s: %s", own->group, text);
}

/* The one group that was asked for; NULL with the reason in *code and *text. */
static const rd_kafka_ConsumerGroupDescription_t *group_of(rd_kafka_event_t *event, rd_kafka_resp_err_t *code,
                                                           const char **text)
{
    size_t n = 0;
    *code = rd_kafka_event_error(event);
    *text = rd_kafka_event_error_string(event);
    if (*code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return NULL;
    const rd_kafka_ConsumerGroupDescription_t **groups = rd_kafka_DescribeConsumerGroups_result_groups(
        rd_kafka_event_DescribeConsumerGroups_result(event), &n);
    const rd_kafka_error_t *error = n == 1 ? rd_kafka_ConsumerGroupDescription_error(groups[0]) : NULL;
    if (n == 1 && !error)
        return groups[0];
    *code = error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_UNKNOWN;
    *text = error ? rd_kafka_error_string(error) : "no answer";
    return NULL;
}

static enum weir_err_code read_answer(const struct membership *own, rd_kafka_event_t *event, bool *taken,
                                      struct weir_err *err)
{
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    const char *text = NULL;
    const rd_kafka_ConsumerGroupDescription_t *group = group_of(event, &code, &text);
    if (!group)
        return not_told(own, code, text, err);
    *taken = held_by_another(own, group);
    return WEIR_OK;
}

enum weir_err_code membership_roster(rd_kafka_event_t *answer, struct roster *names, struct weir_err *err)
{
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    const char *text = NULL;
    const rd_kafka_ConsumerGroupDescription_t *group = group_of(answer, &code, &text);
    if (!group)
        return weir_fail(err, WEIR_ERR_TRANSIENT, "%s", text);
    for (size_t i = 0; i < rd_kafka_ConsumerGroupDescription_member_count(group); i++) {
        const char *name =
            rd_kafka_MemberDescription_group_instance_id(rd_kafka_ConsumerGroupDescription_member(group, i));
        if (!name || roster_add(names, name))
            continue;
        roster_clear(names);
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the names of a group's members");
    }
    return WEIR_OK;
}

void membership_ask(const char *group, rd_kafka_t *client, int timeout_ms, rd_kafka_queue_t *queue)
{
    char text[128];
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, text, sizeof text);
    rd_kafka_DescribeConsumerGroups(client, &group, 1, options, queue);
    rd_kafka_AdminOptions_destroy(options);
}

enum weir_err_code membership_taken(const struct membership *own, rd_kafka_t *client, int timeout_ms,
                                    bool *taken, struct weir_err *err)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    membership_ask(own->group, client, timeout_ms, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms + MARGIN_MS);
    enum weir_err_code code = event ? read_answer(own, event, taken, err)
                                    : not_told(own, RD_KAFKA_RESP_ERR__TIMED_OUT, "no answer", err);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    return code;
}
