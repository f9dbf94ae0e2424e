/* How long the JSON of a value can be. */
#include <stdlib.h>
#include <string.h>

#include "avro/json.h"
#include "avro/resolve.h"

/*
 * What a byte of a value becomes at most: "\u0001". A number of n bytes has fewer than 6 n characters, a
 * comma included, whatever its type.
 */
#define BYTE_MAX 6
/* "null" and a comma. */
#define NULL_MAX 5
/* Quotes or brackets, a colon, a comma. */
#define MARKS_MAX 4
/* How deep types are followed; what is deeper is taken to be as long as can be. */
#define TYPES_DEPTH_MAX 256

/* The fixed part of a type that contains itself. */
#define ENDLESS_FIXED ((size_t)4 * 1024)

struct measuring {
    struct json_room *named; /* by number: of those that are known; factor 0: not yet */
    bool *open;              /* by number: being measured */
    size_t depth;
};

static const struct json_room longest = {ENDLESS_FIXED, JSON_FACTOR_MAX};

static struct json_room measure(struct measuring *m, const struct weir_node *node);

static struct json_room bounded(size_t fixed, size_t factor)
{
    return (struct json_room){fixed < JSON_FIXED_MAX ? fixed : JSON_FIXED_MAX,
                              factor < JSON_FACTOR_MAX ? factor : JSON_FACTOR_MAX};
}

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

static struct json_room measure_symbols(const struct weir_node *node)
{
    size_t longest_symbol = 0;
    for (size_t i = 0; i < node->n; i++)
        longest_symbol = most(longest_symbol, strlen(node->symbols[i]));
    return bounded(longest_symbol + MARKS_MAX, BYTE_MAX);
}

static struct json_room measure_fields(struct measuring *m, const struct weir_node *node)
{
    struct json_room sum = {MARKS_MAX, BYTE_MAX};
    for (size_t i = 0; i < node->n; i++) {
        struct json_room field = measure(m, node->fields[i].type);
        sum = bounded(sum.fixed + strlen(node->fields[i].name) + MARKS_MAX + field.fixed,
                      most(sum.factor, field.factor));
    }
    return sum;
}

static struct json_room measure_branches(struct measuring *m, const struct weir_node *node)
{
    struct json_room room = {0, BYTE_MAX};
    for (size_t i = 0; i < node->n; i++) {
        struct json_room branch = measure(m, node->branches[i]);
        room = bounded(most(room.fixed, branch.fixed), most(room.factor, branch.factor));
    }
    return room;
}

/* What an item has of its own is a matter of how many there are, and so of how many bytes there are. */
static struct json_room measure_items(struct measuring *m, const struct weir_node *node)
{
    struct json_room item = measure(m, node->items);
    size_t width = node->items->least, own = item.fixed + MARKS_MAX;
    if (node->type == WEIR_TYPE_MAP)
        width = width < SIZE_MAX ? width + 1 : width;
    if (width == 0)
        return bounded(MARKS_MAX + own * RESOLVE_EMPTY_MAX, item.factor);
    return bounded(MARKS_MAX, item.factor + (own + width - 1) / width);
}

/* A type that contains itself may hold itself as often as it has bytes. */
static struct json_room measure_record(struct measuring *m, const struct weir_node *node)
{
    size_t number = node->number;
    if (m->named[number].factor > 0)
        return m->named[number];
    if (m->open[number] || m->depth == TYPES_DEPTH_MAX)
        return longest;
    m->depth++;
    m->open[number] = true;
    m->named[number] = measure_fields(m, node);
    m->open[number] = false;
    m->depth--;
    return m->named[number];
}

static struct json_room measure(struct measuring *m, const struct weir_node *node)
{
    switch (node->type) {
    case WEIR_TYPE_NULL: return (struct json_room){NULL_MAX, BYTE_MAX};
    case WEIR_TYPE_ENUM: return measure_symbols(node);
    case WEIR_TYPE_RECORD: return measure_record(m, node);
    case WEIR_TYPE_UNION: return measure_branches(m, node);
    case WEIR_TYPE_ARRAY:
    case WEIR_TYPE_MAP: return measure_items(m, node);
    default: return (struct json_room){MARKS_MAX, BYTE_MAX};
    }
}

bool json_room(const struct weir_schema *schema, struct json_room *room)
{
    struct measuring m = {.named = calloc(schema->n_named + 1, sizeof *m.named),
                          .open = calloc(schema->n_named + 1, sizeof *m.open)};
    bool done = m.named && m.open;
    if (done)
        *room = measure(&m, schema->root);
    free(m.named);
    free(m.open);
    return done;
}
