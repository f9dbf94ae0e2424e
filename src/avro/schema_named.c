/* Definitions of types that have a name (Avro 1.12, "Records", "Enums", "Fixed"). */
#include <string.h>

#include "avro/schema_parts.h"

const struct schema_named *schema_named_find(const struct schema_reading *reading, const char *full)
{
    for (const struct schema_named *named = reading->schema->named; named; named = named->next)
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
    if (schema_named_find(reading, node->name)) {
        schema_bad(reading, place, "'%s' is defined twice", node->name);
        return NULL;
    }
    if (!place->up && !reading->in_reference)
        reading->root_name = node->name;
    struct schema_named *named = region_alloc(&reading->schema->region, sizeof *named);
    if (!named) {
        schema_no_memory(reading);
        return NULL;
    }
    named->node = node;
    node->number = reading->schema->shown.n_named++;
    *reading->last = named;
    reading->last = &named->next;
    return named;
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

const struct weir_node *schema_read_enum(struct schema_reading *reading, const json_t *json,
                                         const char *space, const struct schema_place *place)
{
    struct weir_node *node = schema_node(reading, WEIR_TYPE_ENUM);
    if (!node || !named_add(reading, json, &space, node, place) ||
        !read_symbols(reading, json, node, place) || !read_default_symbol(reading, json, node, place))
        return NULL;
    return node;
}

/* --- fixed --- */

const struct weir_node *schema_read_fixed(struct schema_reading *reading, const json_t *json,
                                          const char *space, const struct schema_place *place)
{
    const json_t *size = json_object_get(json, "size");
    struct weir_node *node = schema_node(reading, WEIR_TYPE_FIXED);
    if (!node || !named_add(reading, json, &space, node, place))
        return NULL;
    if (!json_is_integer(size) || json_integer_value(size) < 0 ||
        json_integer_value(size) > WEIR_SCHEMA_FIXED_MAX) {
        schema_bad(reading, place, size ? "'size' is not a number of bytes" : "'size' is missing");
        return NULL;
    }
    node->size = node->least = (size_t)json_integer_value(size);
    schema_logical(json, node);
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

/* It means nothing here, but what is none of the specification's three words is no schema. */
static bool check_order(struct schema_reading *reading, const json_t *json, const struct schema_place *place)
{
    static const char *const orders[] = {"ascending", "descending", "ignore"};
    const json_t *order = json_object_get(json, "order");
    const char *text = json_string_value(order);
    for (size_t i = 0; text && i < sizeof orders / sizeof orders[0]; i++)
        if (strcmp(text, orders[i]) == 0)
            return true;
    return !order || schema_bad(reading, place, "'order' is not ascending, descending or ignore");
}

/* Its default is read when all types are known (schema_default.c): it may be a value of one that is not
 * complete yet. */
static bool read_field(struct schema_reading *reading, const json_t *json, const char *space,
                       const struct weir_node *record, struct weir_field *field,
                       const struct schema_place *place)
{
    if (!json_is_object(json))
        return schema_bad(reading, place, "a field must be an object");
    if (!read_field_name(reading, json, record, field, place) || !read_doc(reading, json, field) ||
        !check_order(reading, json, place) ||
        !schema_aliases(reading, json, NULL, &field->aliases, &field->n_aliases, place))
        return false;
    const json_t *type = json_object_get(json, "type");
    struct schema_place type_place = {place, ".type", -1};
    if (!type)
        return schema_bad(reading, place, "'type' is missing");
    field->has_default = json_object_get(json, "default") != NULL;
    field->type = schema_read_type(reading, type, space, &type_place);
    return field->type != NULL;
}

static bool read_fields(struct schema_reading *reading, const json_t *json, const char *space,
                        struct weir_node *record, const struct schema_place *place)
{
    const json_t *array = json_object_get(json, "fields");
    if (!json_is_array(array))
        return schema_bad(reading, place, "'fields' is not an array");
    size_t n = json_array_size(array);
    if (!schema_weigh(reading, n, place))
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

const struct weir_node *schema_read_record(struct schema_reading *reading, const json_t *json,
                                           const char *space, const struct schema_place *place)
{
    struct weir_node *node = schema_node(reading, WEIR_TYPE_RECORD);
    struct schema_named *named = node ? named_add(reading, json, &space, node, place) : NULL;
    if (!named)
        return NULL;
    size_t deepest = reading->deepest;
    reading->deepest = reading->depth;
    named->open = true;
    if (!read_fields(reading, json, space, node, place))
        return NULL;
    named->open = false;
    named->height = reading->deepest - reading->depth;
    if (deepest > reading->deepest)
        reading->deepest = deepest;
    return node;
}
