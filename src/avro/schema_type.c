/* Schema declarations to nodes (Avro 1.12, "Schema Declaration"): what has no name, and uses of what has. */
#include <string.h>

#include "avro/schema_parts.h"

/* Indexed by type; the least bytes are those of the binary encoding. */
static const struct weir_node primitives[] = {
    [WEIR_TYPE_NULL] = {.type = WEIR_TYPE_NULL, .least = 0},
    [WEIR_TYPE_BOOLEAN] = {.type = WEIR_TYPE_BOOLEAN, .least = 1},
    [WEIR_TYPE_INT] = {.type = WEIR_TYPE_INT, .least = 1},
    [WEIR_TYPE_LONG] = {.type = WEIR_TYPE_LONG, .least = 1},
    [WEIR_TYPE_FLOAT] = {.type = WEIR_TYPE_FLOAT, .least = sizeof(float)},
    [WEIR_TYPE_DOUBLE] = {.type = WEIR_TYPE_DOUBLE, .least = sizeof(double)},
    [WEIR_TYPE_BYTES] = {.type = WEIR_TYPE_BYTES, .least = 1},
    [WEIR_TYPE_STRING] = {.type = WEIR_TYPE_STRING, .least = 1},
};

struct weir_node *schema_node(struct schema_reading *reading, enum weir_type type)
{
    struct weir_node *node = region_alloc(&reading->schema->region, sizeof *node);
    if (!node) {
        schema_no_memory(reading);
        return NULL;
    }
    node->type = type;
    node->least = 1;
    node->default_symbol = -1;
    return node;
}

bool schema_weigh(struct schema_reading *reading, size_t n, const struct schema_place *place)
{
    if (n <= WEIR_SCHEMA_FIELDS_MAX && reading->weight + n <= WEIR_SCHEMA_FIELDS_MAX) {
        reading->weight += n;
        return true;
    }
    return schema_bad(reading, place, "more than %d fields, branches, arrays and maps",
                      WEIR_SCHEMA_FIELDS_MAX);
}

static bool check_depth(struct schema_reading *reading, size_t depth, const struct schema_place *place)
{
    if (depth > reading->deepest)
        reading->deepest = depth;
    return depth <= WEIR_SCHEMA_DEPTH_MAX ||
           schema_bad(reading, place, "nested deeper than %d", WEIR_SCHEMA_DEPTH_MAX);
}

/*
 * A type named by a text: a primitive, or a definition seen before. A simple name that the enclosing
 * namespace has not may be one without namespace, as in Avro's own Java library, on which the registries
 * rest.
 */
static const struct weir_node *read_use(struct schema_reading *reading, const json_t *text, const char *space,
                                        const struct schema_place *place)
{
    int primitive = schema_primitive(json_string_value(text), json_string_length(text));
    if (primitive >= 0)
        return &primitives[primitive];
    const char *full = schema_reference(reading, text, space, place);
    if (!full)
        return NULL;
    const struct schema_named *named = schema_named_find(reading, full);
    if (!named)
        named = schema_named_find(reading, json_string_value(text));
    if (!named) {
        schema_bad(reading, place, "unknown type '%s'", schema_show(text).text);
        return NULL;
    }
    if (!named->open && !check_depth(reading, reading->depth + named->height, place))
        return NULL;
    return named->node;
}

/* --- array and map --- */

static const struct weir_node *read_items(struct schema_reading *reading, const json_t *json,
                                          enum weir_type type, const char *space,
                                          const struct schema_place *place)
{
    const char *key = type == WEIR_TYPE_ARRAY ? "items" : "values";
    const struct schema_place here = {place, type == WEIR_TYPE_ARRAY ? ".items" : ".values", -1};
    const json_t *items = json_object_get(json, key);
    if (!items) {
        schema_bad(reading, place, "'%s' is missing", key);
        return NULL;
    }
    struct weir_node *node = schema_node(reading, type);
    if (!node || !schema_weigh(reading, 1, place))
        return NULL;
    node->items = schema_read_type(reading, items, space, &here);
    return node->items ? node : NULL;
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
    struct weir_node *node = schema_node(reading, WEIR_TYPE_UNION);
    if (!node || !schema_weigh(reading, n, place))
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

/* A use of a type in an object. A logical type can only be put on a primitive here: what has a name got its
 * own where it was defined. */
static const struct weir_node *read_use_object(struct schema_reading *reading, const json_t *json,
                                               const char *space, const struct schema_place *place)
{
    const struct weir_node *node = read_use(reading, json_object_get(json, "type"), space, place);
    if (!node || node->name)
        return node;
    struct weir_node logical = *node;
    schema_logical(json, &logical);
    if (logical.logical == WEIR_LOGICAL_NONE)
        return node;
    struct weir_node *copy = schema_node(reading, node->type);
    if (copy)
        *copy = logical;
    return copy;
}

static const struct weir_node *read_object(struct schema_reading *reading, const json_t *json,
                                           const char *space, const struct schema_place *place)
{
    const json_t *type = json_object_get(json, "type");
    const char *text = json_string_value(type);
    if (!text) {
        schema_bad(reading, place, type ? "'type' is not a type's name" : "'type' is missing");
        return NULL;
    }
    if (strcmp(text, "record") == 0)
        return schema_read_record(reading, json, space, place);
    if (strcmp(text, "enum") == 0)
        return schema_read_enum(reading, json, space, place);
    if (strcmp(text, "fixed") == 0)
        return schema_read_fixed(reading, json, space, place);
    if (strcmp(text, "array") == 0)
        return read_items(reading, json, WEIR_TYPE_ARRAY, space, place);
    if (strcmp(text, "map") == 0)
        return read_items(reading, json, WEIR_TYPE_MAP, space, place);
    return read_use_object(reading, json, space, place);
}

const struct weir_node *schema_read_type(struct schema_reading *reading, const json_t *json,
                                         const char *space, const struct schema_place *place)
{
    const struct weir_node *node = NULL;
    reading->depth++;
    if (!check_depth(reading, reading->depth, place))
        node = NULL;
    else if (json_is_string(json))
        node = read_use(reading, json, space, place);
    else if (json_is_object(json))
        node = read_object(reading, json, space, place);
    else if (json_is_array(json))
        node = read_union(reading, json, space, place);
    else
        schema_bad(reading, place, "a schema is a text, an object or an array");
    reading->depth--;
    return node;
}
