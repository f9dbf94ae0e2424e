/* A place in untrusted bytes that are being read, and what becomes of it when they are wrong. */
#ifndef WEIR_AVRO_CURSOR_H
#define WEIR_AVRO_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "avro/resolve.h"
#include "weir/arena.h"
#include "weir/pipeline.h"

/* What a reason takes of out at most: its text, and the path of the field. */
#define CURSOR_REASON_MAX (WEIR_REASON_TEXT_MAX + WEIR_REASON_FIELD_MAX + 1)

struct cursor {
    const uint8_t *p, *end;
    const uint8_t *begin;
    size_t base;            /* offset of begin in the record's value */
    struct weir_arena *out; /* what is made of the bytes grows at its end */
    size_t used, cap;       /* of out, as they were: a failure gives everything back */
    struct weir_reason *why;
    char *path; /* room for the path, which grows from its end; NULL before a failure, and where there is none
                 */
    size_t depth;  /* how much deeper values may nest */
    size_t empty;  /* how many more items without bytes there may be */
    bool explains; /* the reason's text and path may lie in out */
};

/* Before the first byte of in. Inline, since it is part of every record's decoding. */
static inline struct cursor cursor_at(struct weir_bytes in, size_t base, struct weir_arena *out,
                                      struct weir_reason *why, bool explains)
{
    return (struct cursor){.p = in.data,
                           .end = in.data + in.len,
                           .begin = in.data,
                           .base = base,
                           .out = out,
                           .used = out->used,
                           .cap = out->cap,
                           .why = why,
                           .depth = WEIR_VALUE_DEPTH_MAX,
                           .empty = RESOLVE_EMPTY_MAX,
                           .explains = explains};
}

/* Gives out back what it had and fills *why for what stands at a place of the input. */
void cursor_explain(struct cursor *c, enum weir_code code, const uint8_t *at, const char *format, ...)
    __attribute__((cold, noinline, format(printf, 4, 5)));

/* cursor_explain, and always false; a macro, so that the compiler sees that too. */
#define cursor_fail(...) (cursor_explain(__VA_ARGS__), false)

/* Fails because out is full. Always false. */
bool cursor_fail_full(struct cursor *c);

/* Adds a field's name, or an item's index, to the front of the reason's path, from within outwards. What does
 * not fit is left out, and "..." stands for it. Always false. */
bool cursor_fail_in(struct cursor *c, const char *name);
bool cursor_fail_at(struct cursor *c, size_t index);

/*
 * Room for n elements at the far end of out, so that what grows at its front has no gap; NULL when it does
 * not fit. The caller puts out->cap back to what it was before.
 */
void *cursor_reserve(struct weir_arena *out, size_t n, size_t size, size_t align);

#endif
