/* A record's schema made ready for reading JSON. */
#include <stdlib.h>
#include <string.h>

#include "avro/json_parts.h"

/* FNV-1a, 32 bits. */
#define HASH_BASIS UINT32_C(2166136261)
#define HASH_PRIME UINT32_C(16777619)

uint32_t json_hash(struct weir_bytes name)
{
    uint32_t hash = HASH_BASIS;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ name.data[i]) * HASH_PRIME;
    return hash;
}

/* Most fields and branches of a reader, those of a type counted wherever it is used. */
#define JSON_FIELDS_MAX 16384

struct building {
    struct json_reader *reader;
    size_t depth;
    enum weir_err_code code;
    struct weir_err *err;
};

static bool build_type(struct building *b, const struct weir_node *node, const char *path,
                       struct json_type *type);

static void *take(struct building *b, size_t size)
{
    void *memory = region_alloc(&b->reader->region, size);
    if (!memory)
        b->code = weir_fail(b->err, WEIR_ERR_NO_MEMORY, "no memory for the JSON reader");
    return memory;
}

/* --- names --- */

/* Enters a name unless it is taken: a field's own name goes before another field's alias. */
static void enter(struct json_entry *entries, size_t mask, const char *text, size_t field)
{
    struct weir_bytes name = weir_bytes_of(text);
    uint32_t hash = json_hash(name);
    size_t at = hash & mask;
    while (entries[at].name.data && !weir_bytes_equal(entries[at].name, name))
        at = (at + 1) & mask;
    if (!entries[at].name.data)
        entries[at] = (struct json_entry){name, hash, (uint32_t)field};
}

static bool build_names(struct building *b, const struct weir_node *node, struct json_record *record)
{
    size_t names = node->n, size = 1;
    for (size_t i = 0; i < node->n; i++)
        names += node->fields[i].n_aliases;
    while (size <= 2 * names)
        size *= 2;
    struct json_entry *entries = take(b, size * sizeof *entries);
    if (!entries)
        return false;
    for (size_t i = 0; i < node->n; i++)
        enter(entries, size - 1, node->fields[i].name, i);
    for (size_t i = 0; i < node->n; i++)
        for (size_t j = 0; j < node->fields[i].n_aliases; j++)
            enter(entries, size - 1, node->fields[i].aliases[j], i);
    record->entries = entries;
    record->mask = size - 1;
    return true;
}

/* --- types --- */

static bool build_field(struct building *b, const struct weir_field *from, const char *path,
                        struct json_field *field)
{
    struct region *region = &b->reader->region;
    field->label = from->name;
    field->name = weir_bytes_of(from->name);
    const char *within = path ? region_join(region, path, ".", from->name) : region_text(region, field->name);
    if (!within) {
        b->code = weir_fail(b->err, WEIR_ERR_NO_MEMORY, "no memory for the JSON reader");
        return false;
    }
    field->has_default = from->has_default;
    if (from->has_default)
        slot_default(&field->missing, from);
    b->reader->n_fields++;
    b->reader->n_defaulted += from->default_value.len;
    return build_type(b, from->type, within, &field->type);
}

static const struct json_record *build_record(struct building *b, const struct weir_node *node,
                                              const char *path)
{
    struct json_record *record = take(b, sizeof *record);
    struct json_field *fields = record ? take(b, node->n * sizeof *fields) : NULL;
    if (!fields || !build_names(b, node, record))
        return NULL;
    record->fields = fields;
    record->n = node->n;
    for (size_t i = 0; i < node->n; i++)
        if (!build_field(b, &node->fields[i], path, &fields[i]))
            return NULL;
    return record;
}

static bool build_union(struct building *b, const struct weir_node *node, const char *path,
                        struct json_type *type)
{
    struct json_type *branches = take(b, node->n * sizeof *branches);
    size_t records = 0;
    if (!branches)
        return false;
    type->branches = branches;
    b->reader->n_fields += node->n;
    for (size_t i = 0; i < node->n; i++) {
        records += node->branches[i]->type == WEIR_TYPE_RECORD;
        if (records > 1) {
            b->code = weir_fail(b->err, WEIR_ERR_INCOMPATIBLE,
                                "%s: plain JSON cannot tell the records of a union apart", path);
            return false;
        }
        if (!build_type(b, node->branches[i], path, &branches[i]))
            return false;
    }
    return true;
}

static bool build_nested(struct building *b, const struct weir_node *node, const char *path,
                         struct json_type *type)
{
    if (b->depth == JSON_DEPTH_MAX || b->reader->n_fields > JSON_FIELDS_MAX) {
        b->code = weir_fail(b->err, WEIR_ERR_INCOMPATIBLE,
                            "%s: a type that is recursive or too large cannot "
                            "be read from JSON",
                            path);
        return false;
    }
    b->depth++;
    b->reader->nests = true;
    type->record = build_record(b, node, path);
    b->depth--;
    return type->record != NULL;
}

static bool build_type(struct building *b, const struct weir_node *node, const char *path,
                       struct json_type *type)
{
    type->node = node;
    if (node->type == WEIR_TYPE_UNION)
        return build_union(b, node, path, type);
    if (node->type == WEIR_TYPE_FIXED || node->type == WEIR_TYPE_ARRAY || node->type == WEIR_TYPE_MAP) {
        b->code = weir_fail(b->err, WEIR_ERR_INCOMPATIBLE, "%s: a field of type %s cannot be read from JSON",
                            path, weir_type_name(node->type));
        return false;
    }
    return node->type != WEIR_TYPE_RECORD || build_nested(b, node, path, type);
}

enum weir_err_code json_reader_new(const struct weir_node *node, enum weir_unknown unknown,
                                   struct json_reader **out, struct weir_err *err)
{
    struct building b = {.err = err};
    if (node->type != WEIR_TYPE_RECORD)
        return weir_fail(err, WEIR_ERR_INCOMPATIBLE, "the schema is %s, and only records are read from JSON",
                         weir_type_name(node->type));
    b.reader = calloc(1, sizeof *b.reader);
    if (!b.reader)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the JSON reader");
    b.reader->rejects_unknown = unknown == WEIR_UNKNOWN_REJECT;
    b.reader->root = build_record(&b, node, NULL);
    if (!b.reader->root) {
        json_reader_free(b.reader);
        return b.code;
    }
    *out = b.reader;
    return WEIR_OK;
}

void json_reader_free(struct json_reader *reader)
{
    if (!reader)
        return;
    region_release(&reader->region);
    free(reader);
}

/* Most bytes by which a value's encoding is longer than its JSON text: a branch's index and a length of a
 * text, or a double that was one digit. */
#define JSON_GROWTH_MAX 16

size_t json_scratch(const struct json_reader *reader, size_t text_len)
{
    size_t encoded = text_len + reader->n_fields * JSON_GROWTH_MAX + reader->n_defaulted;
    size_t reason = CURSOR_REASON_MAX;
    if (!reader->nests)
        return encoded + reason;
    /* The fields of a nested record are put in order by a second copy, and have slots meanwhile. */
    return 2 * encoded + reader->n_fields * (sizeof(struct slot) + _Alignof(struct slot)) + reason;
}
