/*
 * A folder of schemas brought into a Schema Registry, so that afterwards it has them all. Doing it again
 * changes nothing.
 */
#ifndef WEIR_REGISTRY_PUSH_H
#define WEIR_REGISTRY_PUSH_H

#include "registry/answer.h"
#include "registry/client.h"
#include "registry/directory.h"

enum push_outcome {
    PUSH_REGISTERED,
    PUSH_PRESENT, /* the subject had it already, whatever its version there */
    PUSH_REFUSED, /* the registry does not take it */
    PUSH_SKIPPED, /* an earlier version of the subject was refused */
    PUSH_OUTCOMES
};

/* What became of one schema; all texts are borrowed during the call. */
struct push_row {
    const char *subject;
    int64_t file; /* N of v<N>.avsc */
    enum push_outcome outcome;
    struct answer_place place; /* REGISTERED and PRESENT; version 0 where the registry does not say */
    const char *why;           /* REFUSED: in one line; else "" */
};

struct push {
    struct client *client;
    const struct directory *directory;
    void (*report)(void *context, const struct push_row *row); /* called once a schema, as it is done */
    void *context;
    size_t counts[PUSH_OUTCOMES]; /* for the caller to set to zero, and to read */
};

/*
 * Brings in subject after subject, each version after the one before it. A version that is refused ends its
 * subject, not the others. Fails as registrar_find does; what was registered until then stays, and doing it
 * again goes on from there.
 */
enum weir_err_code push_folder(struct push *push, struct weir_err *err);

/* "registered" and the like. */
const char *push_outcome_name(enum push_outcome outcome);

#endif
