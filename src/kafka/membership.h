/* Questions to the group's coordinator: who is a member, and who under that name (KIP-345, static
 * membership). */
#ifndef WEIR_KAFKA_MEMBERSHIP_H
#define WEIR_KAFKA_MEMBERSHIP_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "kafka/roster.h"
#include "weir/err.h"

/* Longest member id that is kept; brokers make it of the client's id and 37 characters. */
#define MEMBERSHIP_ID_MAX 512

struct membership {
    const char *group;
    const char *instance;       /* group.instance.id */
    char id[MEMBERSHIP_ID_MAX]; /* what the coordinator called us last; empty: we were no member yet */
};

/* Notes what the coordinator calls the consumer now; without a place what was noted stays. */
void membership_note(struct membership *own, rd_kafka_t *consumer);

/* True when the coordinator has given the consumer a member id that it has not given up. */
bool membership_has_id(rd_kafka_t *consumer);

/*
 * *taken: the group has a member of our instance id that is not us. Needs a client that may describe the
 * group, as all that may read in it. Blocks for about timeout_ms; WEIR_ERR_TRANSIENT, after some pause, when
 * the coordinator has not told; FATAL errors (DENIED).
 */
enum weir_err_code membership_taken(const struct membership *own, rd_kafka_t *client, int timeout_ms,
                                    bool *taken, struct weir_err *err);

/* Asks who is in the group, and does not wait for it: within about timeout_ms the answer, or an error, comes
 * to the queue, which is of the client. */
void membership_ask(const char *group, rd_kafka_t *client, int timeout_ms, rd_kafka_queue_t *queue);

/* Reads the names of the members that have one from that answer, which stays the caller's, into names.
 * TRANSIENT when it does not tell; NO_MEMORY. */
enum weir_err_code membership_roster(rd_kafka_event_t *answer, struct roster *names, struct weir_err *err);

#endif
