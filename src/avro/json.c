/* A schema made ready for reading JSON. */
#include <stdlib.h>
#include <string.h>

#include "avro/json_parts.h"

/* FNV-1a, 32 bits. */
#define HASH_BASIS UINT32_C(2166136261)
#define HASH_PRIME UINT32_C(16777619)

static uint32_t hash_of(struct weir_bytes name)
{
    uint32_t hash = HASH_BASIS;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ name.data[i]) * HASH_PRIME;
    return hash;
}

int32_t json_find(const struct json_names *names, struct weir_bytes name)
{
    uint32_t hash = hash_of(name);
    for (size_t at = hash & names->mask; names->entries[at].name.data; at = (at + 1) & names->mask) {
        const struct json_entry *entry = &names->entries[at];
        if (entry->hash == hash && weir_bytes_equal(entry->name, name))
            return (int32_t)entry->index;
    }
    return -1;
}

struct building {
    struct json_reader *reader;
    const struct json_record **records; /* by number: of those that are made, or being made */
    const struct json_names **symbols;  /* by number */
};

static bool build_type(struct building *b, const struct weir_node *node, struct json_type *type);

static void *take(struct building *b, size_t size)
{
    return region_alloc(&b->reader->region, size);
}

/* --- names --- */

/* Room for so many names. */
static struct json_entry *take_names(struct building *b, size_t n, struct json_names *names)
{
    size_t size = 1;
    while (size <= 2 * n)
        size *= 2;
    struct json_entry *entries = take(b, size * sizeof *entries);
    *names = (struct json_names){entries, size - 1};
    return entries;
}

/* Enters a name unless it is taken: a field's own name goes before another field's alias. */
static void enter(struct json_entry *entries, size_t mask, const char *text, size_t index)
{
    struct weir_bytes name = weir_bytes_of(text);
    uint32_t hash = hash_of(name);
    size_t at = hash & mask;
    while (entries[at].name.data && !weir_bytes_equal(entries[at].name, name))
        at = (at + 1) & mask;
    if (!entries[at].name.data)
        entries[at] = (struct json_entry){name, hash, (uint32_t)index};
}

static bool build_names(struct building *b, const struct weir_node *node, struct json_names *names)
{
    size_t n = node->n;
    for (size_t i = 0; i < node->n; i++)
        n += node->fields[i].n_aliases;
    struct json_entry *entries = take_names(b, n, names);
    if (!entries)
        return false;
    for (size_t i = 0; i < node->n; i++)
        enter(entries, names->mask, node->fields[i].name, i);
    for (size_t i = 0; i < node->n; i++)
        for (size_t j = 0; j < node->fields[i].n_aliases; j++)
            enter(entries, names->mask, node->fields[i].aliases[j], i);
    return true;
}

static bool build_tags(struct building *b, const struct weir_node *node, struct json_names *tags)
{
    struct json_entry *entries = take_names(b, node->n, tags);
    if (!entries)
        return false;
    for (size_t i = 0; i < node->n; i++) {
        const struct weir_node *branch = node->branches[i];
        if (branch->type != WEIR_TYPE_NULL)
            enter(entries, tags->mask, branch->name ? branch->name : weir_type_name(branch->type), i);
    }
    return true;
}

static bool build_symbols(struct building *b, const struct weir_node *node, struct json_type *type)
{
    type->symbols = b->symbols[node->number];
    if (type->symbols)
        return true;
    struct json_names *symbols = take(b, sizeof *symbols);
    struct json_entry *entries = symbols ? take_names(b, node->n, symbols) : NULL;
    if (!entries)
        return false;
    for (size_t i = 0; i < node->n; i++)
        enter(entries, symbols->mask, node->symbols[i], i);
    type->symbols = b->symbols[node->number] = symbols;
    return true;
}

/* --- types --- */

static bool build_field(struct building *b, const struct weir_field *from, struct json_field *field)
{
    field->label = from->name;
    field->name = weir_bytes_of(from->name);
    field->has_default = from->has_default;
    if (from->has_default)
        slot_default(&field->missing, from);
    return build_type(b, from->type, &field->type);
}

/* A record is known before its fields are, since they may contain it. */
static bool build_record(struct building *b, const struct weir_node *node, struct json_type *type)
{
    type->record = b->records[node->number];
    if (type->record)
        return true;
    struct json_record *record = take(b, sizeof *record);
    struct json_field *fields = record ? take(b, node->n * sizeof *fields) : NULL;
    if (!fields || !build_names(b, node, &record->names))
        return false;
    record->fields = fields;
    record->n = node->n;
    type->record = b->records[node->number] = record;
    for (size_t i = 0; i < node->n; i++)
        if (!build_field(b, &node->fields[i], &fields[i]))
            return false;
    return true;
}

static bool build_choice(struct building *b, const struct weir_node *node, struct json_type *type)
{
    struct json_choice *choice = take(b, sizeof *choice);
    struct json_type *branches = choice ? take(b, node->n * sizeof *branches) : NULL;
    if (!branches || !build_tags(b, node, &choice->tags))
        return false;
    for (size_t i = 0; i < JSON_TYPES; i++)
        choice->first[i] = -1;
    for (size_t i = 0; i < node->n; i++) {
        enum weir_type branch = node->branches[i]->type;
        if (choice->first[branch] < 0)
            choice->first[branch] = (int32_t)i;
        choice->n_objects += branch == WEIR_TYPE_RECORD || branch == WEIR_TYPE_MAP;
        if (!build_type(b, node->branches[i], &branches[i]))
            return false;
    }
    choice->branches = branches;
    type->choice = choice;
    return true;
}

static bool build_items(struct building *b, const struct weir_node *node, struct json_type *type)
{
    struct json_type *items = take(b, sizeof *items);
    type->items = items;
    return items && build_type(b, node->items, items);
}

static bool build_type(struct building *b, const struct weir_node *node, struct json_type *type)
{
    type->node = node;
    switch (node->type) {
    case WEIR_TYPE_RECORD: return build_record(b, node, type);
    case WEIR_TYPE_UNION: return build_choice(b, node, type);
    case WEIR_TYPE_ENUM: return build_symbols(b, node, type);
    case WEIR_TYPE_ARRAY:
    case WEIR_TYPE_MAP: return build_items(b, node, type);
    default: return true;
    }
}

static bool build(struct json_reader *reader)
{
    size_t n = reader->schema->n_named + 1;
    struct building b = {
        .reader = reader, .records = calloc(n, sizeof *b.records), .symbols = calloc(n, sizeof *b.symbols)};
    bool done =
        b.records && b.symbols && build_type(&b, reader->schema->root, &reader->root) && json_measure(reader);
    free(b.records);
    free(b.symbols);
    return done;
}

enum weir_err_code json_reader_new(const struct weir_schema *schema, const struct json_options *options,
                                   struct json_reader **out, struct weir_err *err)
{
    struct json_reader *reader = calloc(1, sizeof *reader);
    if (reader) {
        reader->schema = schema;
        reader->options = *options;
    }
    if (!reader || !build(reader)) {
        json_reader_free(reader);
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the JSON reader");
    }
    *out = reader;
    return WEIR_OK;
}

void json_reader_free(struct json_reader *reader)
{
    if (!reader)
        return;
    region_release(&reader->region);
    free(reader);
}
