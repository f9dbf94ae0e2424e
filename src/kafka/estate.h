/*
 * What a member leaves behind that does not come back: perhaps an open transaction. Until that is ended,
 * nobody knows where its partitions go on, and no read_committed reader gets past its records; by itself it
 * ends with the transaction time-out and the coordinator's next look. A member's transactional id is its name
 * in the group, so one that is left can open a producer with it, which ends the transaction at once (KIP-98,
 * InitProducerId).
 *
 * That a member is gone is told by two answers of the group: who was in it when it last changed, and who is
 * now. It may live all the same, or be starting anew: then it finds itself fenced, asks the group, and goes
 * on (engine/settle.c: judge_fence). So this is a matter of time alone; nothing rests on it that was
 * promised.
 */
#ifndef WEIR_KAFKA_ESTATE_H
#define WEIR_KAFKA_ESTATE_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "kafka/asker.h"
#include "kafka/conf.h"
#include "kafka/roster.h"
#include "kafka/watchdog.h"
#include "weir/spec.h"

/* So often the group is asked after it has changed, when it does not tell, or does not know us yet. */
#define ESTATE_QUESTIONS 3
/* So long after a transaction's time-out its coordinator has ended it by itself: Kafka's default for
 * transaction.abort.timed.out.transaction.cleanup.interval.ms. */
#define ESTATE_CLEANUP_MS 10000

/*
 * Set spec, own, client, watch and asker.spec, which outlive it, and zero the rest; freed with estate_free.
 * Times are of the monotonic clock. One thread, that of the worker's polls.
 */
struct estate {
    const struct weir_spec *spec;
    const char *own;    /* our name in the group */
    rd_kafka_t *client; /* of admin_open: the first to be asked with */
    struct watch *watch;
    struct asker asker;       /* for when that one was not told */
    rd_kafka_queue_t *answer; /* to come; NULL: not asked */
    int questions;            /* that may still be asked; 0: nothing is to be asked */
    bool untold;              /* the last one was not answered */
    int64_t ask_at_ms;        /* not before */
    int64_t asked_ms;
    struct roster known;  /* who was in the group when it last told */
    struct roster left;   /* who has gone since, and is ours to settle */
    rd_kafka_t *producer; /* under the first one's name; NULL: not begun */
    int64_t found_ms;     /* when the last of them were found gone */
    int64_t try_at_ms;    /* not before */
    int64_t until_ms;     /* when all of them are given up */
};

/* The group has changed, or is about to: it is asked who is in it, and what was begun waits for that. */
void estate_look(struct estate *estate);

/*
 * That is who is in the group now; takes the set. Without us in it, it only adds to what is known: we are not
 * in it yet, or not any more, and who has gone shows when we are.
 */
void estate_told(struct estate *estate, struct roster *now, int64_t now_ms);

/*
 * Goes on with what there is to do, if anything. It does not wait for brokers; but making and destroying a
 * client, which it does where somebody has gone or the group did not tell, may have to wait for a host's name
 * to be looked up. Says what it has ended; that it could not is no trouble of ours.
 */
void estate_serve(struct estate *estate, int64_t now_ms);

/* True while an answer is awaited: it should be served soon again. */
bool estate_busy(const struct estate *estate);

/* May wait in the same way. */
void estate_free(struct estate *estate);

#endif
