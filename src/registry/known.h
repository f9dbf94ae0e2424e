/*
 * The schemas that a registry told of, by id, for ever: an id never means another schema, and plans borrow
 * from what was handed out.
 */
#ifndef WEIR_REGISTRY_KNOWN_H
#define WEIR_REGISTRY_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/err.h"
#include "weir/schema.h"

/* Most ids kept. */
#define KNOWN_MAX 10000

struct known_schema {
    uint32_t id;
    struct weir_schema *schema; /* owned; NULL: why says what is wrong with it */
    struct weir_err *why;       /* owned */
    bool missed;                /* the registry said later that it has no such id */
};

/* All zero is empty. One thread at a time. */
struct known {
    struct known_schema *rows; /* by id */
    size_t n, room;
};

void known_release(struct known *known);

/* The row of an id, NULL when it is not known. Valid until the next known_add. */
struct known_schema *known_find(const struct known *known, uint32_t id);

/*
 * Adds an id that is not known yet: with its schema, which is taken over, or with why there is none (copied).
 * Fails, having taken nothing over, with WEIR_ERR_NO_MEMORY, also when there are KNOWN_MAX: then only a new
 * process helps, which costs nothing but time.
 */
enum weir_err_code known_add(struct known *known, uint32_t id, struct weir_schema *schema,
                             const struct weir_err *why, struct weir_err *err);

#endif
