/*
 * Memory that is built up piece by piece and freed as a whole: what a schema, a resolution and a JSON reader
 * are made of. Unlike weir_arena it grows, with malloc, so it serves only what is compiled once.
 */
#ifndef WEIR_AVRO_REGION_H
#define WEIR_AVRO_REGION_H

#include <stddef.h>

#include "weir/bytes.h"

struct region_chunk;

/* {NULL} is an empty region. */
struct region {
    struct region_chunk *chunks; /* the one in use first */
};

/* size zeroed bytes, aligned for any type, also when size is 0; NULL when memory is short. */
void *region_alloc(struct region *region, size_t size);

/* A NUL-terminated copy; NULL when memory is short. */
char *region_text(struct region *region, struct weir_bytes text);

/* a, separator and b joined, NUL-terminated; NULL when memory is short. */
char *region_join(struct region *region, const char *a, const char *separator, const char *b);

/* Frees all of it; the region is empty afterwards. */
void region_release(struct region *region);

#endif
