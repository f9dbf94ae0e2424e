/* Names, namespaces and aliases (Avro 1.12, "Names" and "Aliases"). */
#include <string.h>

#include "avro/schema_parts.h"

bool schema_is_name(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return len > 0;
}

/* True for one or more names with dots between them. */
static bool is_dotted_name(const char *text, size_t len)
{
    size_t begin = 0;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && text[i] != '.')
            continue;
        if (!schema_is_name(text + begin, i - begin))
            return false;
        begin = i + 1;
    }
    return true;
}

int schema_primitive(const char *text, size_t len)
{
    for (int type = WEIR_TYPE_NULL; type <= WEIR_TYPE_STRING; type++) {
        const char *name = weir_type_name((enum weir_type)type);
        if (strlen(name) == len && memcmp(name, text, len) == 0)
            return type;
    }
    return -1;
}

/* The text of a member that must be a text; NULL after a failure. */
static const json_t *text_member(struct schema_reading *reading, const json_t *definition, const char *key,
                                 const struct schema_place *place)
{
    const json_t *text = json_object_get(definition, key);
    if (json_is_string(text))
        return text;
    schema_bad(reading, place, text ? "'%s' is not a text" : "'%s' is missing", key);
    return NULL;
}

/* A copy of space.name, or of name alone where it has a dot or there is no namespace; NULL: no memory. */
static const char *qualify(struct schema_reading *reading, const char *name, const char *space)
{
    struct region *region = &reading->schema->region;
    const char *full = strchr(name, '.') || !*space ? region_text(region, weir_bytes_of(name))
                                                    : region_join(region, space, ".", name);
    if (!full)
        schema_no_memory(reading);
    return full;
}

/* The namespace of a full name, "" for none; NULL: no memory. */
static const char *space_of(struct schema_reading *reading, const char *full)
{
    const char *dot = strrchr(full, '.');
    if (!dot)
        return "";
    size_t len = (size_t)(dot - full);
    const char *space =
        region_text(&reading->schema->region, (struct weir_bytes){(const uint8_t *)full, len});
    if (!space)
        schema_no_memory(reading);
    return space;
}

/* "namespace" of a definition, or the enclosing one, also where it is null, as Avro's own libraries have it;
 * NULL after a failure. */
static const char *own_space(struct schema_reading *reading, const json_t *definition, const char *space,
                             const struct schema_place *place)
{
    const json_t *given = json_object_get(definition, "namespace");
    if (!given || json_is_null(given))
        return space;
    const json_t *text = text_member(reading, definition, "namespace", place);
    if (!text)
        return NULL;
    size_t len = json_string_length(text);
    if (len > 0 && !is_dotted_name(json_string_value(text), len)) {
        schema_bad(reading, place, "'%s' is not a namespace", schema_show(text).text);
        return NULL;
    }
    return json_string_value(text);
}

const char *schema_full_name(struct schema_reading *reading, const json_t *definition, const char *space,
                             const char **inner_space, const struct schema_place *place)
{
    const json_t *name = text_member(reading, definition, "name", place);
    if (!name)
        return NULL;
    if (!is_dotted_name(json_string_value(name), json_string_length(name))) {
        schema_bad(reading, place, "'%s' is not a name", schema_show(name).text);
        return NULL;
    }
    const char *own = own_space(reading, definition, space, place);
    const char *full = own ? qualify(reading, json_string_value(name), own) : NULL;
    *inner_space = full ? space_of(reading, full) : NULL;
    if (!*inner_space)
        return NULL;
    const char *simple = strrchr(full, '.') ? strrchr(full, '.') + 1 : full;
    if (schema_primitive(simple, strlen(simple)) >= 0) {
        schema_bad(reading, place, "'%s' is the name of a primitive type", simple);
        return NULL;
    }
    return full;
}

const char *schema_reference(struct schema_reading *reading, const json_t *text, const char *space,
                             const struct schema_place *place)
{
    if (is_dotted_name(json_string_value(text), json_string_length(text)))
        return qualify(reading, json_string_value(text), space);
    schema_bad(reading, place, "unknown type '%s'", schema_show(text).text);
    return NULL;
}

/* Any text may be an alias, since one may stand for a name that was legal once; but a text with a NUL would
 * be taken for what stands before that. */
static const char *read_alias(struct schema_reading *reading, const json_t *alias, const char *space,
                              const struct schema_place *place)
{
    const char *text = json_string_value(alias);
    if (text && strlen(text) == json_string_length(alias))
        return qualify(reading, text, space ? space : "");
    schema_bad(reading, place, "an alias is not a text");
    return NULL;
}

bool schema_aliases(struct schema_reading *reading, const json_t *definition, const char *space,
                    const char *const **aliases, size_t *n, const struct schema_place *place)
{
    const json_t *array = json_object_get(definition, "aliases");
    if (!array)
        return true;
    if (!json_is_array(array))
        return schema_bad(reading, place, "'aliases' is not an array");
    const char **names = region_alloc(&reading->schema->region, json_array_size(array) * sizeof *names);
    if (!names)
        return schema_no_memory(reading);
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct schema_place here = {place, ".aliases", (int)i};
        names[i] = read_alias(reading, json_array_get(array, i), space, &here);
        if (!names[i])
            return false;
    }
    *aliases = names;
    *n = json_array_size(array);
    return true;
}
