/*
 * The schemas that a registry told of, by key, for ever: a key never means another schema, and plans borrow
 * from what was handed out.
 */
#ifndef WEIR_REGISTRY_KNOWN_H
#define WEIR_REGISTRY_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/err.h"
#include "weir/pipeline.h"
#include "weir/schema.h"

/* Most keys kept. */
#define KNOWN_MAX 10000

struct known_schema {
    struct weir_schema_key key;
    struct weir_schema *schema; /* owned; NULL: why says what is wrong with it */
    struct weir_err *why;       /* owned */
    bool missed;                /* the registry said later that it has no such key */
};

/* All zero is empty. One thread at a time. */
struct known {
    struct known_schema *rows; /* by key */
    size_t n, room;
};

void known_release(struct known *known);

/* How keys follow one another: below 0, 0 or above. */
int known_compare(const struct weir_schema_key *a, const struct weir_schema_key *b);

/* The row of a key, NULL when it is not known. Valid until the next known_add. */
struct known_schema *known_find(const struct known *known, const struct weir_schema_key *key);

/*
 * Adds a key that is not known yet: with its schema, which is taken over, or with why there is none (copied).
 * Fails, having taken nothing over, with WEIR_ERR_NO_MEMORY, also when there are KNOWN_MAX: then only a new
 * process helps, which costs nothing but time.
 */
enum weir_err_code known_add(struct known *known, const struct weir_schema_key *key,
                             struct weir_schema *schema, const struct weir_err *why, struct weir_err *err);

#endif
