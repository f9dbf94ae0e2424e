/* What the files resolve*.c share, and nobody else: a resolution while it is being made. */
#ifndef WEIR_AVRO_RESOLVE_PARTS_H
#define WEIR_AVRO_RESOLVE_PARTS_H

#include "avro/program.h"

/* Buckets of the table of pairs. */
#define RESOLVE_BUCKETS 512

/* Two types with a name that have met; reader NULL: the writer's is skipped. */
struct resolve_pair {
    struct resolve_pair *next;      /* in the bucket */
    struct resolve_pair *next_todo; /* records of which the fields are still to be looked at */
    const struct weir_node *writer, *reader;
    struct action *action;
};

struct resolving {
    struct resolution *resolution;
    struct weir_err *err;
    enum weir_err_code code; /* of what no other branch could mend: memory, limits */
    struct action *last;     /* the actions, the last made first */
    size_t work;
    struct resolve_pair *buckets[RESOLVE_BUCKETS];
    struct resolve_pair *todo;
};

/* --- resolve_build.c --- */

/*
 * Makes the actions for a value of writer that is read as reader, records within them included. NULL: r->code
 * says why. What cannot be read is an action that has failed; what that means for those around it is found by
 * resolve_settle.
 */
struct action *resolve_build(struct resolving *r, const struct weir_node *writer,
                             const struct weir_node *reader);

/* --- resolve_settle.c --- */

/* Finds what depends on what is within: which actions fail, keep the bytes, take every value, and how much
 * room they take. Records get their parts. False: r->code says why. */
bool resolve_settle(struct resolving *r);

/* --- resolve.c --- */

/* Memory of the resolution; NULL when it is short. */
void *resolve_take(struct resolving *r, size_t size);

#endif
