#include "avro/cursor.h"

#include <stdarg.h>
#include <stdio.h>

void cursor_explain(struct cursor *c, enum weir_code code, const uint8_t *at, const char *format, ...)
{
    c->out->used = c->used;
    c->out->cap = c->cap;
    *c->why = (struct weir_reason){.code = code, .byte_offset = (int64_t)(c->base + (size_t)(at - c->begin))};
    if (!c->explains)
        return;
    char text[WEIR_REASON_TEXT_MAX + 1];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    c->why->text = weir_arena_copy(c->out, weir_bytes_of(text));
}

bool cursor_fail_full(struct cursor *c)
{
    return cursor_fail(c, WEIR_CODE_TOO_LARGE, c->p, "the scratch is full");
}

bool cursor_fail_in(struct cursor *c, const char *path)
{
    if (!c->why->field)
        c->why->field = path;
    return false;
}

void *cursor_reserve(struct weir_arena *out, size_t n, size_t size, size_t align)
{
    size_t slack = ((uintptr_t)out->base + out->cap) & (align - 1);
    size_t need = n * size + slack;
    if (weir_arena_left(out) < need)
        return NULL;
    out->cap -= need;
    return out->base + out->cap;
}
