#include "avro/cursor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What stands before a path of which the front is missing. */
#define CUT "..."

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
    c->path = weir_arena_alloc(c->out, WEIR_REASON_FIELD_MAX + 1, 1);
    if (c->path)
        c->path[WEIR_REASON_FIELD_MAX] = '\0';
}

bool cursor_fail_full(struct cursor *c)
{
    return cursor_fail(c, WEIR_CODE_TOO_LARGE, c->p, "the scratch is full");
}

/* Puts a step before the path, with a dot between them unless an index follows. */
static void path_add(struct cursor *c, const char *step)
{
    const char *rest = c->why->field;
    size_t len = strlen(step), dot = rest && rest[0] != '[';
    if (!c->path)
        return;
    char *begin = rest ? c->path + (rest - c->path) : c->path + WEIR_REASON_FIELD_MAX;
    size_t room = (size_t)(begin - c->path);
    if (room < len + dot + strlen(CUT)) {
        /* Nothing more is added before this. */
        memcpy(begin - strlen(CUT), CUT, strlen(CUT));
        c->why->field = begin - strlen(CUT);
        c->path = NULL;
        return;
    }
    begin -= dot;
    if (dot)
        *begin = '.';
    begin -= len;
    memcpy(begin, step, len);
    c->why->field = begin;
}

bool cursor_fail_in(struct cursor *c, const char *name)
{
    path_add(c, name);
    return false;
}

bool cursor_fail_at(struct cursor *c, size_t index)
{
    char step[32];
    (void)snprintf(step, sizeof step, "[%zu]", index);
    path_add(c, step);
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
