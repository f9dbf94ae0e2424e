#include "kafka/estate.h"

#include <stdio.h>
#include <string.h>

#include "kafka/fault.h"
#include "kafka/membership.h"
#include "sys/log.h"

/* How long the group may take to tell, and the pause before it is asked again. */
#define ANSWER_MS 3000
#define PAUSE_MS  1000
/* How long one look at the producer may take, and the pause before the next: each look makes librdkafka
 * repeat what was answered with an error. */
#define SLICE_MS     1
#define TRY_PAUSE_MS 50

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

void estate_look(struct estate *estate)
{
    drop_producer(estate);
    estate->questions = ESTATE_QUESTIONS;
    estate->ask_at_ms = 0;
}

void estate_free(struct estate *estate)
{
    drop_question(estate);
    drop_producer(estate);
    roster_clear(&estate->known);
    roster_clear(&estate->left);
}

/* --- who has gone --- */

/*
 * Of those that were there, who is not any more, and falls to us: also where nobody else is left who was
 * there, as when we came in the place of one that died. Without memory for it, it ends by itself.
 */
static void note_left(struct estate *estate, const struct roster *now, int64_t now_ms)
{
    const char *group = estate->spec->core.pipeline;
    for (size_t i = 0; i < estate->known.n; i++) {
        const char *name = estate->known.names[i];
        if (roster_has(now, name) || !roster_is_another(name, group, estate->own))
            continue;
        const char *heir = roster_heir(&estate->known, now, group, name);
        if (heir && strcmp(heir, estate->own) != 0)
            continue;
        (void)roster_add(&estate->left, name);
        estate->found_ms = now_ms;
    }
}

/* Who is back needs nobody to see to it. */
static void note_back(struct estate *estate, const struct roster *now)
{
    for (size_t i = estate->left.n; i-- > 0;) {
        if (!roster_has(now, estate->left.names[i]))
            continue;
        if (i == 0)
            drop_producer(estate);
        roster_remove(&estate->left, estate->left.names[i]);
    }
}

void estate_told(struct estate *estate, struct roster *now, int64_t now_ms)
{
    note_back(estate, now);
    if (roster_has(now, estate->own)) {
        note_left(estate, now, now_ms);
        roster_clear(&estate->known);
    }
    for (size_t i = 0; i < now->n; i++)
        (void)roster_add(&estate->known, now->names[i]);
    roster_clear(now);
}

/* The group has not told, or not with us in it: it is asked again after a pause. Once it was asked as often
 * as it may be, nobody is taken for gone who may be back. */
static void ask_again(struct estate *estate, int64_t now_ms)
{
    estate->ask_at_ms = now_ms + PAUSE_MS;
    if (estate->questions > 0)
        return;
    drop_producer(estate);
    roster_clear(&estate->left);
}

static void ask(struct estate *estate, int64_t now_ms)
{
    rd_kafka_t *client = estate->client;
    struct weir_err ignored;
    estate->questions--;
    watchdog_enter(estate->watch, "making a client");
    enum weir_err_code code = estate->untold ? asker_client(&estate->asker, &client, &ignored) : WEIR_OK;
    watchdog_leave(estate->watch);
    if (code != WEIR_OK) {
        ask_again(estate, now_ms);
        return;
    }
    estate->answer = rd_kafka_queue_new(client);
    membership_ask(estate->spec->core.pipeline, client, ANSWER_MS, estate->answer);
    estate->asked_ms = now_ms;
}

static void read_answer(struct estate *estate, int64_t now_ms)
{
    struct roster now = {0};
    struct weir_err why = {.text = "no answer"};
    rd_kafka_event_t *event = rd_kafka_queue_poll(estate->answer, 0);
    if (!event && now_ms - estate->asked_ms < 2 * ANSWER_MS)
        return;
    bool told = event && membership_roster(event, &now, &why) == WEIR_OK;
    bool with_us = roster_has(&now, estate->own);
    bool changed = estate->questions == ESTATE_QUESTIONS;
    if (event)
        rd_kafka_event_destroy(event);
    drop_question(estate);
    estate->untold = !told;
    if (told)
        estate_told(estate, &now, now_ms);
    else
        log_debug("estate", "who is in the group was not told: %s", why.text);
    if (changed)
        return;
    if (with_us)
        estate->questions = 0;
    else
        ask_again(estate, now_ms);
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
    estate->until_ms = estate->found_ms + conf_number(conf, "transaction.timeout.ms", 0) + ESTATE_CLEANUP_MS;
    watchdog_enter(estate->watch, "making a client");
    estate->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    watchdog_leave(estate->watch);
    if (estate->producer)
        return WEIR_OK;
    rd_kafka_conf_destroy(conf);
    return weir_fail(err, WEIR_ERR_CONFIG, "producer: %s", text);
}

/* TRANSIENT: to be gone on with. BROKER_DOWN: time is up, for the others too. */
static enum weir_err_code settle_first(struct estate *estate, int64_t now_ms, struct weir_err *err)
{
    const char *name = estate->left.names[0];
    const struct fault_identity who = {estate->spec->core.pipeline, name};
    if (estate->producer && now_ms >= estate->until_ms)
        return weir_fail(err, WEIR_ERR_BROKER_DOWN, "its coordinator has not done it in time");
    enum weir_err_code code = estate->producer ? WEIR_OK : make_producer(estate, name, err);
    if (code != WEIR_OK)
        return code;
    estate->try_at_ms = now_ms + TRY_PAUSE_MS;
    watchdog_enter(estate->watch, "ending a transaction that was left open");
    rd_kafka_error_t *error = rd_kafka_init_transactions(estate->producer, SLICE_MS);
    watchdog_leave(estate->watch);
    return fault_of_transaction(error, "init transactions", &who, err);
}

static void settle(struct estate *estate, int64_t now_ms)
{
    struct weir_err why = {0};
    enum weir_err_code code = settle_first(estate, now_ms, &why);
    if (code == WEIR_ERR_TRANSIENT)
        return;
    if (code == WEIR_OK)
        log_info("settled", "%s is gone from the group: what it may have left open is ended",
                 estate->left.names[0]);
    else
        log_info("unsettled", "%s is gone from the group, and what it may have left open ends by itself: %s",
                 estate->left.names[0], why.text);
    drop_producer(estate);
    roster_remove(&estate->left, estate->left.names[0]);
    if (code == WEIR_ERR_BROKER_DOWN)
        roster_clear(&estate->left);
}

bool estate_busy(const struct estate *estate)
{
    return estate->answer != NULL || estate->producer != NULL ||
           (estate->questions == 0 && estate->left.n > 0);
}

/* While the group is to be asked, or has not told yet, one that has gone may be coming back. */
void estate_serve(struct estate *estate, int64_t now_ms)
{
    bool begun = estate->producer != NULL;
    if (estate->answer)
        read_answer(estate, now_ms);
    else if (estate->questions > 0 && now_ms >= estate->ask_at_ms)
        ask(estate, now_ms);
    else if (estate->questions == 0 && estate->left.n > 0 && (!begun || now_ms >= estate->try_at_ms))
        settle(estate, now_ms);
}
