/*
 * A client that asks a group's coordinator, in no group itself. librdkafka's admin requests remember who the
 * coordinator is for as long as they are repeated, whatever it answers (2.8.0, rdkafka_coord.c: an entry goes
 * 90 s after its last use), so that a client whose coordinator has moved never asks the new one. Hence one
 * that has not been helped is dropped, and the next question makes another.
 */
#ifndef WEIR_KAFKA_ASKER_H
#define WEIR_KAFKA_ASKER_H

#include <librdkafka/rdkafka.h>

#include "weir/err.h"
#include "weir/spec.h"

struct asker {
    const struct weir_spec *spec;
    rd_kafka_t *client; /* NULL: none at the moment */
};

/* The client, made now where there is none. The asker's; valid until asker_drop. CONFIG. */
enum weir_err_code asker_client(struct asker *asker, rd_kafka_t **out, struct weir_err *err);

/* Nothing was learnt, or nothing is left to be asked. Without a client it does nothing. */
void asker_drop(struct asker *asker);

#endif
