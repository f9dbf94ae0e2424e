#include "kafka/estate.h"

#include <stdio.h>
#include <string.h>

#include "kafka/fault.h"
#include "kafka/membership.h"
#include "sys/log.h"

/* How long one call may take in a poll of ours. */
#define SLICE_MS 10
/* How long the group may take to tell, and the pause before it is asked again. */
#define ANSWER_MS 3000
#define PAUSE_MS  1000

void estate_look(struct estate *estate)
{
    estate->look = true;
    estate->look_at_ms = 0;
}

static void drop_question(struct estate *estate)
{
    if (estate->answer)
        rd_kafka_queue_destroy(estate->answer);
    estate->answer = NULL;
    watchdog_enter(estate->watch, "closing a client");
    asker_drop(&estate->asker);
    watchdog_leave(estate->watch);
}

static void drop_producer(struct estate *estate)
{
    if (!estate->producer)
        return;
    watchdog_enter(estate->watch, "closing a client");
    rd_kafka_destroy(estate->producer);
    watchdog_leave(estate->watch);
    estate->producer = NULL;
}

/* Done with the first of those that have gone, or with one that is back. */
static void drop_first(struct estate *estate)
{
    drop_producer(estate);
    roster_remove(&estate->left, estate->left.names[0]);
}

void estate_free(struct estate *estate)
{
    drop_question(estate);
    drop_producer(estate);
    roster_clear(&estate->known);
    roster_clear(&estate->left);
}

/* --- who has gone --- */

/* Of those that were there, who is not any more, and falls to us. Without memory for it, it ends by itself.
 */
static void note_left(struct estate *estate, const struct roster *now, int64_t now_ms)
{
    const char *group = estate->spec->core.pipeline;
    for (size_t i = 0; i < estate->known.n; i++) {
        const char *name = estate->known.names[i];
        const char *heir = roster_heir(&estate->known, now, name);
        if (roster_has(now, name) || !roster_is_another(name, group, estate->own) || !heir ||
            strcmp(heir, estate->own) != 0)
            continue;
        (void)roster_add(&estate->left, name);
        estate->left_ms = now_ms;
    }
}

void estate_told(struct estate *estate, struct roster *now, int64_t now_ms)
{
    note_left(estate, now, now_ms);
    for (size_t i = estate->left.n; i-- > 0;) {
        if (!roster_has(now, estate->left.names[i]))
            continue;
        drop_producer(estate);
        roster_remove(&estate->left, estate->left.names[i]);
    }
    roster_clear(&estate->known);
    estate->known = *now;
    *now = (struct roster){0};
}

static void ask(struct estate *estate, int64_t now_ms)
{
    rd_kafka_t *client = NULL;
    struct weir_err ignored;
    drop_question(estate);
    estate->look_at_ms = now_ms + PAUSE_MS;
    if (asker_client(&estate->asker, &client, &ignored) != WEIR_OK)
        return;
    estate->answer = rd_kafka_queue_new(client);
    membership_ask(estate->spec->core.pipeline, client, ANSWER_MS, estate->answer);
    estate->asked_ms = now_ms;
    estate->look = false;
}

/* The group is asked again after a pause when it has not told, and at once when it has changed meanwhile. */
static void read_answer(struct estate *estate, int64_t now_ms)
{
    struct roster now = {0};
    struct weir_err why = {0};
    rd_kafka_event_t *event = rd_kafka_queue_poll(estate->answer, 0);
    if (!event && now_ms - estate->asked_ms < 2 * ANSWER_MS)
        return;
    enum weir_err_code code = event ? membership_roster(event, &now, &why) : WEIR_ERR_TRANSIENT;
    if (event)
        rd_kafka_event_destroy(event);
    drop_question(estate);
    if (code == WEIR_OK) {
        estate_told(estate, &now, now_ms);
    } else if (!estate->look) {
        log_debug("estate", "who is in the group was not told: %s", why.text);
        estate->look = true;
        estate->look_at_ms = now_ms + PAUSE_MS;
    }
}

/* --- what they left --- */

static enum weir_err_code make_producer(struct estate *estate, const char *name, struct weir_err *err)
{
    char text[256];
    rd_kafka_conf_t *conf = NULL;
    struct conf_identity identity = {0};
    if (strlen(name) >= sizeof identity.text)
        return weir_fail(err, WEIR_ERR_CONFIG, "its name is too long");
    (void)snprintf(identity.text, sizeof identity.text, "%s", name);
    enum weir_err_code code = conf_producer(estate->spec, &identity, CONF_BATCH_BYTES, &conf, err);
    if (code != WEIR_OK)
        return code;
    estate->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (estate->producer)
        return WEIR_OK;
    rd_kafka_conf_destroy(conf);
    return weir_fail(err, WEIR_ERR_CONFIG, "producer: %s", text);
}

/* TRANSIENT: to be gone on with. */
static enum weir_err_code settle_first(struct estate *estate, struct weir_err *err)
{
    const char *name = estate->left.names[0];
    const struct fault_identity who = {estate->spec->core.pipeline, name};
    enum weir_err_code code = estate->producer ? WEIR_OK : make_producer(estate, name, err);
    if (code != WEIR_OK)
        return code;
    watchdog_enter(estate->watch, "ending a transaction that was left open");
    rd_kafka_error_t *error = rd_kafka_init_transactions(estate->producer, SLICE_MS);
    watchdog_leave(estate->watch);
    return fault_of_transaction(error, "init transactions", &who, err);
}

static void settle(struct estate *estate, int64_t now_ms)
{
    struct weir_err why = {0};
    enum weir_err_code code = settle_first(estate, &why);
    if (code == WEIR_ERR_TRANSIENT && now_ms - estate->left_ms < ESTATE_LIMIT_MS)
        return;
    if (code == WEIR_OK)
        log_info("settled", "%s is gone from the group: what it may have left open is ended",
                 estate->left.names[0]);
    else
        log_info("unsettled", "%s is gone from the group, and what it may have left open ends by itself: %s",
                 estate->left.names[0], why.text);
    drop_first(estate);
}

/* While the group is to be asked, or has not told yet, one that has gone may be coming back. */
void estate_serve(struct estate *estate, int64_t now_ms)
{
    if (estate->answer)
        read_answer(estate, now_ms);
    else if (estate->look && now_ms >= estate->look_at_ms)
        ask(estate, now_ms);
    else if (!estate->look && estate->left.n > 0)
        settle(estate, now_ms);
}
