/* Arrays and maps of JSON, each as one block of Avro's. */
#include <string.h>

#include "avro/encode.h"
#include "avro/json_parts.h"
#include "avro/varint.h"

/* The items of an array or a map that is being read. */
struct items {
    const struct json_type *type;
    size_t begin; /* where in out their block begins */
    size_t n;
};

/* --- keys that stand twice --- */

/* A map's keys, which lie at the far end of out while it is read: the last one first. */
struct keys {
    struct json_key *keys;
    size_t n;
    const uint8_t *block, *end; /* their encodings */
};

static struct weir_bytes key_text(const struct keys *keys, size_t i)
{
    int64_t len = 0;
    const uint8_t *p = varint_read(keys->block + keys->keys[i].offset, keys->end, &len);
    return (struct weir_bytes){p, (size_t)len};
}

/* Any order will do in which the same are neighbours. */
static int key_compare(const struct keys *keys, size_t i, size_t j)
{
    struct weir_bytes a = key_text(keys, i), b = key_text(keys, j);
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return a.len > 0 ? memcmp(a.data, b.data, a.len) : 0;
}

static void key_swap(const struct keys *keys, size_t i, size_t j)
{
    struct json_key key = keys->keys[i];
    keys->keys[i] = keys->keys[j];
    keys->keys[j] = key;
}

/* Of the first n keys, lets the i-th sink to where it belongs in a heap with the greatest on top. */
static void key_sink(const struct keys *keys, size_t i, size_t n)
{
    for (size_t child = 2 * i + 1; child < n; child = 2 * i + 1) {
        if (child + 1 < n && key_compare(keys, child, child + 1) < 0)
            child++;
        if (key_compare(keys, i, child) >= 0)
            return;
        key_swap(keys, i, child);
        i = child;
    }
}

/* Sorts in place, since there may be many and no memory is to be had. */
static void keys_sort(const struct keys *keys)
{
    for (size_t i = keys->n / 2; i > 0; i--)
        key_sink(keys, i - 1, keys->n);
    for (size_t n = keys->n; n > 1; n--) {
        key_swap(keys, 0, n - 1);
        key_sink(keys, 0, n - 1);
    }
}

/* Where in the text a key stands again, the first such place that is found; -1: nowhere. */
static int64_t find_twin(const struct keys *keys)
{
    keys_sort(keys);
    for (size_t i = 1; i < keys->n; i++) {
        uint32_t a = keys->keys[i - 1].at, b = keys->keys[i].at;
        if (key_compare(keys, i - 1, i) == 0)
            return a > b ? a : b;
    }
    return -1;
}

static bool check_keys(struct cursor *c, const struct items *items)
{
    const struct weir_arena *out = c->out;
    struct keys keys = {(struct json_key *)(void *)(out->base + out->cap), items->n, out->base + items->begin,
                        out->base + out->used};
    int64_t twin = items->n > 1 ? find_twin(&keys) : -1;
    return twin < 0 || cursor_fail(c, WEIR_CODE_DUPLICATE_FIELD, c->begin + twin, "the key stands twice");
}

/* Reads a key and its colon, and notes it. */
static bool read_key(struct cursor *c, const struct items *items)
{
    const uint8_t *start = c->p;
    size_t offset = c->out->used - items->begin;
    struct slot nowhere;
    struct json_key *key = cursor_reserve(c->out, 1, sizeof *key, _Alignof(struct json_key));
    if (!key || offset > UINT32_MAX)
        return cursor_fail_full(c);
    *key = (struct json_key){(uint32_t)(start - c->begin), (uint32_t)offset};
    if (c->p == c->end || *c->p != '"')
        return json_fail_syntax(c, "name");
    return json_read_text(c, WEIR_TYPE_STRING, &nowhere) && json_skip_mark(c, ':', "colon");
}

/* --- blocks --- */

/* Items without bytes are bounded as in binary. */
static bool count_item(struct cursor *c, const struct items *items)
{
    if (items->type->items->node->least > 0 || items->type->node->type == WEIR_TYPE_MAP)
        return true;
    if (c->empty == 0)
        return cursor_fail(c, WEIR_CODE_TOO_LARGE, c->p, "more than %d items without bytes",
                           RESOLVE_EMPTY_MAX);
    c->empty--;
    return true;
}

static bool read_item(struct json_reading *r, struct items *items)
{
    struct slot nowhere;
    bool done = (items->type->node->type == WEIR_TYPE_ARRAY || read_key(&r->c, items)) &&
                json_read_type(r, items->type->items, &nowhere) && count_item(&r->c, items);
    if (!done)
        return cursor_fail_at(&r->c, items->n);
    items->n++;
    return true;
}

/* Writes the count before the items, where a byte was kept for it, and the end behind them. */
static bool end_block(struct cursor *c, const struct items *items)
{
    uint8_t count[ENCODE_LONG_MAX];
    struct weir_arena *out = c->out;
    size_t len = encode_long_to(count, (int64_t)items->n), first = items->begin + 1,
           bytes = out->used - first;
    if (len > 1) {
        if (!weir_arena_alloc(out, len - 1, 1))
            return cursor_fail_full(c);
        memmove(out->base + items->begin + len, out->base + first, bytes);
    }
    memcpy(out->base + items->begin, count, len);
    return encode_long(out, 0) || cursor_fail_full(c);
}

/* The items up to the closing bracket; there is at least one. */
static bool read_block(struct json_reading *r, struct items *items, uint8_t close)
{
    struct cursor *c = &r->c;
    for (;;) {
        if (!read_item(r, items))
            return false;
        json_skip_space(c);
        if (c->p == c->end || (*c->p != ',' && *c->p != close))
            return json_fail_syntax(c, close == '}' ? "comma or brace" : "comma or bracket");
        if (*c->p++ == close)
            break;
        json_skip_space(c);
    }
    return (close != '}' || check_keys(c, items)) && end_block(c, items);
}

bool json_read_items(struct json_reading *r, const struct json_type *type)
{
    struct cursor *c = &r->c;
    struct items items = {type, c->out->used, 0};
    size_t cap = c->out->cap;
    uint8_t close = type->node->type == WEIR_TYPE_MAP ? '}' : ']';
    if (c->depth == 0)
        return json_fail_deep(c);
    c->p++;
    json_skip_space(c);
    /* What stands for an empty block is the place of the count of any other. */
    if (!encode_long(c->out, 0))
        return cursor_fail_full(c);
    if (c->p < c->end && *c->p == close) {
        c->p++;
        return true;
    }
    c->depth--;
    if (!read_block(r, &items, close))
        return false;
    c->depth++;
    c->out->cap = cap;
    return true;
}
