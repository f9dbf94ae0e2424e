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

/* What is not settled by then, the coordinator has ended itself. */
#define ESTATE_LIMIT_MS 20000

/* One thread. Set spec, own, watch and asker.spec, which outlive it, and zero the rest; freed with
 * estate_free. Times are of the monotonic clock. */
struct estate {
    const struct weir_spec *spec;
    const char *own; /* our name in the group */
    struct watch *watch;
    struct asker asker;
    rd_kafka_queue_t *answer; /* to come, of the asker's client; NULL: not asked */
    bool look;                /* the group is to be asked */
    int64_t look_at_ms;       /* not before */
    int64_t asked_ms;
    struct roster known;  /* who was in the group when it last told */
    struct roster left;   /* who has gone since, and is ours to settle */
    int64_t left_ms;      /* when the last of them were found gone */
    rd_kafka_t *producer; /* under the first one's name; NULL: not begun */
};

/* The group has changed, or is about to: it is asked who is in it. */
void estate_look(struct estate *estate);

/* That is who is in the group now; takes the set. */
void estate_told(struct estate *estate, struct roster *now, int64_t now_ms);

/* Goes on with what there is to do, if anything: for some milliseconds, but a client that is destroyed may
 * take longer. Says what it has ended; that it could not is no trouble of ours. */
void estate_serve(struct estate *estate, int64_t now_ms);

void estate_free(struct estate *estate);

#endif
