/* Schema declarations to nodes (Avro 1.12, "Schema Declaration"). */
#include <string.h>

#include "avro/schema_parts.h"

static const struct weir_node primitives[] = {
    [WEIR_TYPE_NULL] = {.type = WEIR_TYPE_NULL},   [WEIR_TYPE_BOOLEAN] = {.type = WEIR_TYPE_BOOLEAN},
    [WEIR_TYPE_INT] = {.type = WEIR_TYPE_INT},     [WEIR_TYPE_LONG] = {.type = WEIR_TYPE_LONG},
    [WEIR_TYPE_FLOAT] = {.type = WEIR_TYPE_FLOAT}, [WEIR_TYPE_DOUBLE] = {.type = WEIR_TYPE_DOUBLE},
    [WEIR_TYPE_BYTES] = {.type = WEIR_TYPE_BYTES}, [WEIR_TYPE_STRING] = {.type = WEIR_TYPE_STRING},
};

/* long with a logical type that changes what weir does. */
static const struct weir_node timestamp_millis = {.type = WEIR_TYPE_LONG,
                                                  .logical = WEIR_LOGICAL_TIMESTAMP_MILLIS};
static const struct weir_node timestamp_micros = {.type = WEIR_TYPE_LONG,
                                                  .logical = WEIR_LOGICAL_TIMESTAMP_MICROS};

static struct weir_node *node_new(struct schema_reading *reading, enum weir_type type)
{
    struct weir_node *node = region_alloc(&reading->schema->region, sizeof *node);
    if (!node) {
        schema_no_memory(reading);
        return NULL;
    }
    node->type = type;
    node->default_symbol = -1;
    return node;
}

/* Counts n more fields or branches. */
static bool weigh(struct schema_reading *reading, size_t n, const struct schema_place *place)
{
    reading->weight += n;
    if (n <= WEIR_SCHEMA_FIELDS_MAX && reading->weight <= WEIR_SCHEMA_FIELDS_MAX)
        return true;
    return schema_bad(reading, place, "more than %d fields and branches, counted wherever they are used",
                      WEIR_SCHEMA_FIELDS_MAX);
}

static bool check_depth(struct schema_reading *reading, size_t depth, const struct schema_place *place)
{
    if (depth > reading->deepest)
        reading->deepest = depth;
    return depth <= WEIR_SCHEMA_DEPTH_MAX ||
           schema_bad(reading, place, "nested deeper than %d", WEIR_SCHEMA_DEPTH_MAX);
}

static struct schema_named *named_find(const struct schema_reading *reading, const char *full)
{
    for (struct schema_named *named = reading->schema->named; named; named = named->next)
        if (strcmp(named->node->name, full) == 0)
            return named;
    return NULL;
}

/* Gives node its name, its aliases and its place in the list; NULL after a failure. */
static struct schema_named *named_add(struct schema_reading *reading, const json_t *json, const char **space,
                                      struct weir_node *node, const struct schema_place *place)
{
    node->name = schema_full_name(reading, json, *space, space, place);
    if (!node->name || !schema_aliases(reading, json, *space, &node->aliases, &node->n_aliases, place))
        return NULL;
    if (named_find(reading, node->name)) {
        schema_bad(reading, place, "'%s' is defined twice", node->name);
        return NULL;
    }
    if (!place->up)
        reading->root_name = node->name;
    struct schema_named *named = region_alloc(&reading->schema->region, sizeof *named);
    if (!named) {
        schema_no_memory(reading);
        return NULL;
    }
    named->node = node;
    *reading->last = named;
    reading->last = &named->next;
    return named;
}

/* A type named by a text: a primitive, or a definition seen before. */
static const struct weir_node *read_reference(struct schema_reading *reading, const json_t *text,
                                              const char *space, const struct schema_place *place)
{
    int primitive = schema_primitive(json_string_value(text), json_string_length(text));
    if (primitive >= 0)
        return &primitives[primitive];
    const char *full = schema_reference(reading, text, space, place);
    const struct schema_named *named = full ? named_find(reading, full) : NULL;
    if (!full)
        return NULL;
    if (!named)
        schema_bad(reading, place, "unknown type '%s'", schema_show(text).text);
    else if (named->open)
        schema_bad(reading, place, "'%s' contains itself: recursive types are not supported",
                   schema_show(text).text);
    else if (weigh(reading, named->weight, place) &&
             check_depth(reading, reading->depth + named->height, place))
        return named->node;
    return NULL;
}

/* --- enum --- */

static int symbol_find(const struct weir_node *node, size_t n, const char *symbol)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(node->symbols[i], symbol) == 0)
            return (int)i;
    return -1;
}

static const char *read_symbol(struct schema_reading *reading, const struct weir_node *node, size_t i,
                               const json_t *json, const struct schema_place *place)
{
    const char *text = json_string_value(json);
    if (!text || !schema_is_name(text, json_string_length(json))) {
        schema_bad(reading, place, "'%s' is not a name", schema_show(json).text);
        return NULL;
    }
    if (symbol_find(node, i, text) >= 0) {
        schema_bad(reading, place, "symbol '%s' stands twice", schema_show(json).text);
        return NULL;
    }
    const char *symbol = region_text(&reading->schema->region, weir_bytes_of(text));
    if (!symbol)
        schema_no_memory(reading);
    return symbol;
}

static bool read_symbols(struct schema_reading *reading, const json_t *json, struct weir_node *node,
                         const struct schema_place *place)
{
    const json_t *array = json_object_get(json, "symbols");
    size_t n = json_array_size(array);
    if (!json_is_array(array))
        return schema_bad(reading, place, "'symbols' is not an array");
    if (n > WEIR_SCHEMA_FIELDS_MAX)
        return schema_bad(reading, place, "%zu symbols, at most %d are allowed", n, WEIR_SCHEMA_FIELDS_MAX);
    const char **symbols = region_alloc(&reading->schema->region, n * sizeof *symbols);
    if (!symbols)
        return schema_no_memory(reading);
    node->symbols = symbols;
    for (size_t i = 0; i < n; i++) {
        struct schema_place here = {place, ".symbols", (int)i};
        symbols[i] = read_symbol(reading, node, i, json_array_get(array, i), &here);
        if (!symbols[i])
            return false;
    }
    node->n = n;
    return true;
}

static bool read_default_symbol(struct schema_reading *reading, const json_t *json, struct weir_node *node,
                                const struct schema_place *place)
{
    const json_t *symbol = json_object_get(json, "default");
    if (!symbol)
        return true;
    /* A NUL cannot hide the rest of the text: it would not have the length of the symbol. */
    const char *text = json_string_value(symbol);
    node->default_symbol = text ? symbol_find(node, node->n, text) : -1;
    if (node->default_symbol < 0 || strlen(text) != json_string_length(symbol))
        return schema_bad(reading, place, "the default '%s' is none of the symbols",
                          schema_show(symbol).text);
    return true;
}

static const struct weir_node *read_enum(struct schema_reading *reading, const json_t *json,
                                         const char *space, const struct schema_place *place)
{
    struct weir_node *node = node_new(reading, WEIR_TYPE_ENUM);
    if (!node || !named_add(reading, json, &space, node, place) ||
        !read_symbols(reading, json, node, place) || !read_default_symbol(reading, json, node, place))
        return NULL;
    return node;
}

/* --- record --- */

static bool read_field_name(struct schema_reading *reading, const json_t *json,
                            const struct weir_node *record, struct weir_field *field,
                            const struct schema_place *place)
{
    const json_t *name = json_object_get(json, "name");
    if (!json_is_string(name))
        return schema_bad(reading, place, "a field needs a name");
    if (!schema_is_name(json_string_value(name), json_string_length(name)))
        return schema_bad(reading, place, "'%s' is not a name", schema_show(name).text);
    /* record->n counts the fields read so far. */
    if (weir_schema_field(record, json_string_value(name)) >= 0)
        return schema_bad(reading, place, "field '%s' stands twice", schema_show(name).text);
    field->name = region_text(&reading->schema->region, weir_bytes_of(json_string_value(name)));
    return field->name || schema_no_memory(reading);
}

static bool read_doc(struct schema_reading *reading, const json_t *json, struct weir_field *field)
{
    const char *doc = json_string_value(json_object_get(json, "doc"));
    if (doc)
        field->doc = region_text(&reading->schema->region, weir_bytes_of(doc));
    return !doc || field->doc || schema_no_memory(reading);
}

static bool read_field(struct schema_reading *reading, const json_t *json, const char *space,
                       const struct weir_node *record, struct weir_field *field,
                       const struct schema_place *place)
{
    if (!json_is_object(json))
        return schema_bad(reading, place, "a field must be an object");
    if (!read_field_name(reading, json, record, field, place) || !read_doc(reading, json, field) ||
        !schema_aliases(reading, json, NULL, &field->aliases, &field->n_aliases, place))
        return false;
    const json_t *type = json_object_get(json, "type"), *value = json_object_get(json, "default");
    struct schema_place type_place = {place, ".type", -1}, default_place = {place, ".default", -1};
    if (!type)
        return schema_bad(reading, place, "'type' is missing");
    field->type = schema_read_type(reading, type, space, &type_place);
    if (!field->type)
        return false;
    field->has_default = value != NULL;
    return !value || schema_default(reading, value, field->type, &default_place, &field->default_value);
}

static bool read_fields(struct schema_reading *reading, const json_t *json, const char *space,
                        struct weir_node *record, const struct schema_place *place)
{
    const json_t *array = json_object_get(json, "fields");
    if (!json_is_array(array))
        return schema_bad(reading, place, "'fields' is not an array");
    size_t n = json_array_size(array);
    if (!weigh(reading, n, place))
        return false;
    struct weir_field *fields = region_alloc(&reading->schema->region, n * sizeof *fields);
    if (!fields)
        return schema_no_memory(reading);
    record->fields = fields;
    for (record->n = 0; record->n < n; record->n++) {
        struct schema_place here = {place, ".fields", (int)record->n};
        if (!read_field(reading, json_array_get(array, record->n), space, record, &fields[record->n], &here))
            return false;
    }
    return true;
}

static const struct weir_node *read_record(struct schema_reading *reading, const json_t *json,
                                           const char *space, const struct schema_place *place)
{
    struct weir_node *node = node_new(reading, WEIR_TYPE_RECORD);
    struct schema_named *named = node ? named_add(reading, json, &space, node, place) : NULL;
    if (!named)
        return NULL;
    size_t weight = reading->weight, deepest = reading->deepest;
    reading->deepest = reading->depth;
    named->open = true;
    if (!read_fields(reading, json, space, node, place))
        return NULL;
    named->open = false;
    named->weight = reading->weight - weight;
    named->height = reading->deepest - reading->depth;
    if (deepest > reading->deepest)
        reading->deepest = deepest;
    return node;
}

/* --- union --- */

/* True when a union may not hold both. */
static bool same_branch(const struct weir_node *a, const struct weir_node *b)
{
    if (a->type != b->type)
        return false;
    return !a->name || strcmp(a->name, b->name) == 0;
}

static const struct weir_node *read_branch(struct schema_reading *reading, const json_t *json,
                                           const char *space, const struct weir_node *node, size_t i,
                                           const struct schema_place *place)
{
    const struct weir_node *branch = schema_read_type(reading, json, space, place);
    if (branch && branch->type == WEIR_TYPE_UNION) {
        schema_bad(reading, place, "a union directly in a union");
        return NULL;
    }
    for (size_t j = 0; branch && j < i; j++) {
        if (same_branch(branch, node->branches[j])) {
            schema_bad(reading, place, "the union has '%s' twice",
                       branch->name ? branch->name : weir_type_name(branch->type));
            return NULL;
        }
    }
    return branch;
}

static const struct weir_node *read_union(struct schema_reading *reading, const json_t *array,
                                          const char *space, const struct schema_place *place)
{
    size_t n = json_array_size(array);
    struct weir_node *node = node_new(reading, WEIR_TYPE_UNION);
    if (!node || !weigh(reading, n, place))
        return NULL;
    const struct weir_node **branches = region_alloc(&reading->schema->region, n * sizeof *branches);
    if (!branches) {
        schema_no_memory(reading);
        return NULL;
    }
    node->branches = branches;
    node->n = n;
    for (size_t i = 0; i < n; i++) {
        struct schema_place here = {place, "", (int)i};
        branches[i] = read_branch(reading, json_array_get(array, i), space, node, i, &here);
        if (!branches[i])
            return NULL;
    }
    return node;
}

/* --- any --- */

/* The node of a primitive with its logical type. One that weir does not know is ignored, as specified. */
static const struct weir_node *with_logical(const struct weir_node *node, const json_t *json)
{
    const char *logical = json_string_value(json_object_get(json, "logicalType"));
    if (!logical || node->type != WEIR_TYPE_LONG)
        return node;
    if (strcmp(logical, "timestamp-millis") == 0)
        return &timestamp_millis;
    return strcmp(logical, "timestamp-micros") == 0 ? &timestamp_micros : node;
}

static const struct weir_node *read_object(struct schema_reading *reading, const json_t *json,
                                           const char *space, const struct schema_place *place)
{
    const json_t *type = json_object_get(json, "type");
    const char *text = json_string_value(type);
    if (!text)
        schema_bad(reading, place, type ? "'type' is not a type's name" : "'type' is missing");
    else if (strcmp(text, "record") == 0)
        return read_record(reading, json, space, place);
    else if (strcmp(text, "enum") == 0)
        return read_enum(reading, json, space, place);
    else if (strcmp(text, "array") == 0 || strcmp(text, "map") == 0 || strcmp(text, "fixed") == 0)
        schema_bad(reading, place, "type '%s' is not supported", text);
    else {
        const struct weir_node *node = read_reference(reading, type, space, place);
        return node && !node->name ? with_logical(node, json) : node;
    }
    return NULL;
}

const struct weir_node *schema_read_type(struct schema_reading *reading, const json_t *json,
                                         const char *space, const struct schema_place *place)
{
    const struct weir_node *node = NULL;
    reading->depth++;
    if (!check_depth(reading, reading->depth, place))
        node = NULL;
    else if (json_is_string(json))
        node = read_reference(reading, json, space, place);
    else if (json_is_object(json))
        node = read_object(reading, json, space, place);
    else if (json_is_array(json))
        node = read_union(reading, json, space, place);
    else
        schema_bad(reading, place, "a schema is a text, an object or an array");
    reading->depth--;
    return node;
}
