#include "weir/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void weir_arena_init(struct weir_arena *arena, void *memory, size_t cap)
{
    arena->base = memory;
    arena->used = 0;
    arena->cap = cap;
}

void *weir_arena_alloc(struct weir_arena *arena, size_t size, size_t align)
{
    assert(align != 0 && (align & (align - 1)) == 0 && align <= 16);
    size_t misaligned = ((uintptr_t)arena->base + arena->used) & (align - 1);
    size_t padding = misaligned ? align - misaligned : 0;
    size_t left = weir_arena_left(arena);
    if (padding > left || size > left - padding)
        return NULL;
    void *memory = arena->base + arena->used + padding;
    arena->used += padding + size;
    return memory;
}

struct weir_bytes weir_arena_copy(struct weir_arena *arena, struct weir_bytes bytes)
{
    if (!bytes.data)
        return WEIR_NO_BYTES;
    uint8_t *copy = weir_arena_alloc(arena, bytes.len, 1);
    if (!copy)
        return WEIR_NO_BYTES;
    memcpy(copy, bytes.data, bytes.len);
    return (struct weir_bytes){copy, bytes.len};
}

struct weir_bytes weir_arena_printf(struct weir_arena *arena, size_t max, const char *format, ...)
{
    size_t room = weir_arena_left(arena);
    char *text = (char *)arena->base + arena->used;
    /* vsnprintf wants a byte for its NUL, which is not kept. */
    size_t size = max < room ? max + 1 : room;
    if (size == 0)
        return WEIR_NO_BYTES;
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(text, size, format, args);
    va_end(args);
    if (wanted < 0)
        return WEIR_NO_BYTES;
    size_t len = (size_t)wanted < size ? (size_t)wanted : size - 1;
    arena->used += len;
    return (struct weir_bytes){(const uint8_t *)text, len};
}
