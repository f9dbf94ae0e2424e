/*
 * A fixed run of memory handed out from the front. Nothing is freed alone: the owner resets the whole.
 * It never grows and never calls malloc, so what runs per record cannot allocate.
 */
#ifndef WEIR_ARENA_H
#define WEIR_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "weir/bytes.h"

struct weir_arena {
    uint8_t *base;
    size_t used;
    size_t cap;
};

/* An arena over memory that the caller owns and keeps. */
void weir_arena_init(struct weir_arena *arena, void *memory, size_t cap);

/* size bytes aligned to align (a power of two, at most 16), uninitialised; NULL when they do not fit. */
void *weir_arena_alloc(struct weir_arena *arena, size_t size, size_t align);

/* A copy of the bytes inside the arena; WEIR_NO_BYTES when they do not fit (or when bytes is "no value"). */
struct weir_bytes weir_arena_copy(struct weir_arena *arena, struct weir_bytes bytes);

/* printf into the arena, not NUL-terminated, cut to what fits and to max bytes. */
struct weir_bytes weir_arena_printf(struct weir_arena *arena, size_t max, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What is left. */
static inline size_t weir_arena_left(const struct weir_arena *arena)
{
    return arena->cap - arena->used;
}

#endif
