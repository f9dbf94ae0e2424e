/* How much memory reading a JSON text takes. */
#include <stdlib.h>
#include <string.h>

#include "avro/json_parts.h"
#include "avro/resolve.h"
#include "base/least.h"

/* Most bytes by which an encoding is longer than its text: reals of one digit, the length of a text beyond
 * its quotes, a branch's index. */
#define FLOAT_GROWTH  (sizeof(float) - 1)
#define DOUBLE_GROWTH (sizeof(double) - 1)
#define LENGTH_GROWTH 3
#define INDEX_MAX     3
/* A block's count, which stands before the items, and the end behind them. */
#define BLOCK_GROWTH 6

/* Fewest characters of an item of an array with its comma, and of an entry of a map. */
#define ITEM_LEAST  2
#define ENTRY_LEAST 5
/* Characters about the name and the value of a member. */
#define MEMBER_MARKS 3

/* How deep types are followed; what is deeper is taken to grow as much as can be. */
#define TYPES_DEPTH_MAX 256

/* What a value takes. */
struct needs {
    struct json_room growth; /* factor 0: not known yet */
    size_t places;
};

struct measuring {
    struct json_reader *reader;
    struct needs *named; /* by number of the records */
    bool *open;          /* by number: being measured */
    size_t depth;
};

static struct needs measure(struct measuring *m, const struct json_type *type);

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Where a factor is bounded, small values still have some room. */
static struct json_room bounded(size_t fixed, size_t factor)
{
    if (factor > RESOLVE_FACTOR_MAX)
        fixed += RESOLVE_ENDLESS_FIXED;
    return (struct json_room){least(fixed, RESOLVE_FIXED_MAX), least(factor, RESOLVE_FACTOR_MAX)};
}

static struct needs plain(size_t growth)
{
    return (struct needs){{growth, 1}, 0};
}

/* A field that stands there brings its name along; one that does not takes its default. */
static size_t field_growth(const struct json_field *field, const struct needs *needs)
{
    size_t named = field->name.len + MEMBER_MARKS, fixed = needs->growth.fixed;
    return most(fixed > named ? fixed - named : 0, field->has_default ? field->missing.raw.len : 0);
}

static struct needs measure_fields(struct measuring *m, const struct json_record *record)
{
    struct needs sum = plain(0);
    for (size_t i = 0; i < record->n; i++) {
        const struct json_field *field = &record->fields[i];
        struct needs needs = measure(m, &field->type);
        sum.growth = bounded(sum.growth.fixed + field_growth(field, &needs),
                             most(sum.growth.factor, needs.growth.factor));
        sum.places = most(sum.places, needs.places);
    }
    return sum;
}

/* As deep as values nest, each time with so many places. */
static struct needs endless(size_t places)
{
    struct needs needs = {{RESOLVE_ENDLESS_FIXED, RESOLVE_FACTOR_MAX}, 0};
    needs.places = least(places * WEIR_VALUE_DEPTH_MAX, RESOLVE_PLACES_MAX);
    return needs;
}

static struct needs measure_record(struct measuring *m, const struct json_type *type)
{
    size_t number = type->node->number, own = (type->record->n + 1) * sizeof(struct weir_bytes);
    if (m->named[number].growth.factor > 0)
        return m->named[number];
    if (m->open[number] || m->depth == TYPES_DEPTH_MAX)
        return endless(own);
    m->depth++;
    m->open[number] = true;
    struct needs needs = measure_fields(m, type->record);
    needs.places = least(needs.places + own, RESOLVE_PLACES_MAX);
    m->named[number] = needs;
    m->open[number] = false;
    m->depth--;
    return needs;
}

static struct needs measure_branches(struct measuring *m, const struct json_type *type)
{
    struct needs all = plain(0);
    for (size_t i = 0; i < type->node->n; i++) {
        struct needs branch = measure(m, &type->choice->branches[i]);
        all.growth = bounded(most(all.growth.fixed, branch.growth.fixed),
                             most(all.growth.factor, branch.growth.factor));
        all.places = most(all.places, branch.places);
    }
    all.growth = bounded(all.growth.fixed + INDEX_MAX, all.growth.factor);
    return all;
}

/* What an item has of its own is a matter of how many there are, and so of how many characters there are. */
static struct needs measure_items(struct measuring *m, const struct json_type *type)
{
    bool is_map = type->node->type == WEIR_TYPE_MAP;
    size_t shortest = is_map ? ENTRY_LEAST : ITEM_LEAST;
    m->reader->maps = m->reader->maps || is_map;
    m->depth++;
    struct needs item = measure(m, type->items);
    m->depth--;
    size_t own = item.growth.fixed + (is_map ? LENGTH_GROWTH : 0);
    item.growth = bounded(BLOCK_GROWTH, item.growth.factor + (own + shortest - 1) / shortest);
    return item;
}

static struct needs measure(struct measuring *m, const struct json_type *type)
{
    switch (type->node->type) {
    case WEIR_TYPE_FLOAT: return plain(FLOAT_GROWTH);
    case WEIR_TYPE_DOUBLE: return plain(DOUBLE_GROWTH);
    case WEIR_TYPE_BYTES:
    case WEIR_TYPE_STRING: return plain(LENGTH_GROWTH);
    case WEIR_TYPE_UNION: return measure_branches(m, type);
    case WEIR_TYPE_RECORD: return measure_record(m, type);
    case WEIR_TYPE_ARRAY:
    case WEIR_TYPE_MAP: return measure_items(m, type);
    default: return plain(0);
    }
}

bool json_measure(struct json_reader *reader)
{
    size_t n = reader->schema->n_named + 1;
    struct measuring m = {
        .reader = reader, .named = calloc(n, sizeof *m.named), .open = calloc(n, sizeof *m.open)};
    bool done = m.named && m.open;
    if (done) {
        struct needs needs = measure(&m, &reader->root);
        reader->growth = needs.growth;
        reader->places = needs.places;
    }
    free(m.named);
    free(m.open);
    return done;
}

struct json_room json_growth(const struct json_reader *reader)
{
    return reader->growth;
}

/* What is noted of an entry of a map, by the characters that it has at least. */
#define KEYS_FACTOR ((sizeof(struct json_key) + ENTRY_LEAST - 1) / ENTRY_LEAST)

size_t json_scratch(const struct json_reader *reader, size_t text_len)
{
    /* Records within others are put in order by a second copy. */
    size_t fixed = 2 * reader->growth.fixed + CURSOR_REASON_MAX;
    size_t factor = 2 * reader->growth.factor + (reader->maps ? KEYS_FACTOR : 0);
    return fixed + reader->places + _Alignof(struct json_key) + factor * text_len;
}
