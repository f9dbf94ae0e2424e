/*
 * Memory that is built up piece by piece and freed as a whole: what a schema, a resolution and a JSON reader
 * are made of. Unlike weir_arena it grows, with malloc, so it serves only what is compiled once.
 */
#ifndef WEIR_AVRO_POOL_H
#define WEIR_AVRO_POOL_H

#include <stddef.h>

#include "weir/bytes.h"

struct pool_chunk;

/* {NULL} is an empty pool. */
struct pool {
    struct pool_chunk *chunks; /* the one in use first */
};

/* size zeroed bytes, aligned for any type, also when size is 0; NULL when memory is short. */
void *pool_alloc(struct pool *pool, size_t size);

/* A NUL-terminated copy; NULL when memory is short. */
char *pool_text(struct pool *pool, struct weir_bytes text);

/* a, separator and b joined, NUL-terminated; NULL when memory is short. */
char *pool_join(struct pool *pool, const char *a, const char *separator, const char *b);

/* Frees all of it; the pool is empty afterwards. */
void pool_release(struct pool *pool);

#endif
