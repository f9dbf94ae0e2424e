#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "avro/schema_parts.h"

static const char *const type_names[] = {
    [WEIR_TYPE_NULL] = "null",   [WEIR_TYPE_BOOLEAN] = "boolean", [WEIR_TYPE_INT] = "int",
    [WEIR_TYPE_LONG] = "long",   [WEIR_TYPE_FLOAT] = "float",     [WEIR_TYPE_DOUBLE] = "double",
    [WEIR_TYPE_BYTES] = "bytes", [WEIR_TYPE_STRING] = "string",   [WEIR_TYPE_FIXED] = "fixed",
    [WEIR_TYPE_ENUM] = "enum",   [WEIR_TYPE_ARRAY] = "array",     [WEIR_TYPE_MAP] = "map",
    [WEIR_TYPE_UNION] = "union", [WEIR_TYPE_RECORD] = "record",
};

const char *weir_type_name(enum weir_type type)
{
    return type_names[type];
}

/* Adds the path of a place to text, from the outermost step on; returns the new length. */
static size_t place_print(const struct schema_reading *reading, const struct schema_place *place, char *text,
                          size_t cap)
{
    size_t len = place->up ? place_print(reading, place->up, text, cap) : 0;
    int wanted = 0;
    if (!place->up)
        wanted = snprintf(text, cap, "%s", reading->root_name);
    else if (place->index < 0)
        wanted = snprintf(text + len, cap - len, "%s", place->step);
    else
        wanted = snprintf(text + len, cap - len, "%s[%d]", place->step, place->index);
    size_t end = len + (wanted > 0 ? (size_t)wanted : 0);
    return end < cap ? end : cap - 1;
}

bool schema_bad(struct schema_reading *reading, const struct schema_place *place, const char *format, ...)
{
    char path[WEIR_ERR_TEXT_MAX / 2], text[WEIR_ERR_TEXT_MAX / 2];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    (void)place_print(reading, place, path, sizeof path);
    reading->code = weir_fail(reading->err, WEIR_ERR_BAD_SCHEMA, "%s: %s", path, text);
    return false;
}

bool schema_no_memory(struct schema_reading *reading)
{
    reading->code = weir_fail(reading->err, WEIR_ERR_NO_MEMORY, "no memory for the schema");
    return false;
}

struct schema_shown schema_show(const json_t *json)
{
    struct schema_shown shown = {""};
    const char *text = json_string_value(json);
    size_t len = text ? json_string_length(json) : 0;
    size_t i = 0;
    for (; i < len && i < sizeof shown.text - 1; i++)
        shown.text[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
    shown.text[i] = '\0';
    return shown;
}

/* The text as JSON; NULL after a failure. */
static json_t *text_load(struct schema_reading *reading, struct weir_bytes text)
{
    const struct schema_place whole = {NULL, NULL, -1};
    if (!text.data || text.len == 0) {
        schema_bad(reading, &whole, "the text is empty");
        return NULL;
    }
    if (text.len > WEIR_SCHEMA_TEXT_MAX) {
        schema_bad(reading, &whole, "the text has %zu bytes, at most %d are allowed", text.len,
                   WEIR_SCHEMA_TEXT_MAX);
        return NULL;
    }
    json_error_t error;
    json_t *json = json_loadb((const char *)text.data, text.len,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    /* jansson says out_of_memory in some places and nothing at all in others. In others again (2.14: a
     * token's buffer that cannot grow) it takes short memory for wrong syntax, or cuts a long text: that
     * cannot be told from here. */
    if (!json && (error.text[0] == '\0' || json_error_code(&error) == json_error_out_of_memory))
        schema_no_memory(reading);
    else if (!json)
        schema_bad(reading, &whole, "not JSON: line %d, column %d: %s", error.line, error.column,
                   json_error_code(&error) == json_error_duplicate_key ? "a key stands twice"
                                                                       : "wrong syntax");
    return json;
}

/* The texts that a schema refers to. */
struct schema_reference_list {
    const struct weir_schema_reference *references;
    size_t n;
};

/* One that is too long is not copied: reading it will fail. */
static struct schema *schema_new(struct weir_bytes text)
{
    if (text.len > WEIR_SCHEMA_TEXT_MAX)
        text.len = 0;
    struct schema *schema = calloc(1, sizeof *schema);
    if (!schema)
        return NULL;
    schema->shown.text = region_text(&schema->region, text);
    schema->shown.text_len = text.len;
    if (!schema->shown.text) {
        weir_schema_free(&schema->shown);
        return NULL;
    }
    return schema;
}

/* Reads one text; NULL after a failure. */
static const struct weir_node *read_text(struct schema_reading *reading, struct weir_bytes text)
{
    const struct schema_place whole = {NULL, NULL, -1};
    json_t *json = text_load(reading, text);
    if (!json)
        return NULL;
    const struct weir_node *root = schema_read_type(reading, json, "", &whole);
    if (root && !schema_defaults(reading, json, root))
        root = NULL;
    json_decref(json);
    return root;
}

static bool stood_before(const struct schema_reference_list *list, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (weir_bytes_equal(list->references[i].text, list->references[j].text))
            return true;
    return false;
}

/* Holds the texts against the limits before any is read. */
static bool check_references(struct schema_reading *reading, const struct schema_reference_list *list,
                             size_t text_len)
{
    const struct schema_place whole = {NULL, NULL, -1};
    size_t left = text_len < WEIR_SCHEMA_TEXT_MAX ? WEIR_SCHEMA_TEXT_MAX - text_len : 0;
    if (list->n > WEIR_SCHEMA_REFERENCES_MAX)
        return schema_bad(reading, &whole, "%zu references, at most %d are allowed", list->n,
                          WEIR_SCHEMA_REFERENCES_MAX);
    for (size_t i = 0; i < list->n; i++) {
        if (list->references[i].text.len > left)
            return schema_bad(reading, &whole, "its text and those of its references have more than %d bytes",
                              WEIR_SCHEMA_TEXT_MAX);
        left -= list->references[i].text.len;
    }
    return true;
}

static bool read_references(struct schema_reading *reading, const struct schema_reference_list *list)
{
    const char *root_name = reading->root_name;
    reading->in_reference = true;
    for (size_t i = 0; i < list->n; i++) {
        if (stood_before(list, i))
            continue;
        reading->root_name = list->references[i].name ? list->references[i].name : "reference";
        if (!read_text(reading, list->references[i].text))
            return false;
    }
    reading->in_reference = false;
    reading->root_name = root_name;
    return true;
}

static bool read_schema(struct schema_reading *reading, const struct schema_reference_list *list,
                        struct weir_bytes text)
{
    struct weir_schema *shown = &reading->schema->shown;
    if (!check_references(reading, list, text.len) || !read_references(reading, list))
        return false;
    shown->root = read_text(reading, text);
    if (!shown->root || !schema_least(reading))
        return false;
    return schema_fingerprint(reading->schema) || schema_no_memory(reading);
}

enum weir_err_code weir_schema_parse_with(struct weir_bytes text,
                                          const struct weir_schema_reference *references, size_t n,
                                          struct weir_schema **out, struct weir_err *err)
{
    struct schema_reading reading = {.err = err, .root_name = "schema"};
    const struct schema_reference_list list = {references, n};
    reading.schema = schema_new(text);
    if (!reading.schema) {
        schema_no_memory(&reading);
        return reading.code;
    }
    reading.last = &reading.schema->named;
    if (read_schema(&reading, &list, text))
        *out = &reading.schema->shown;
    else
        weir_schema_free(&reading.schema->shown);
    return reading.code;
}

enum weir_err_code weir_schema_parse(struct weir_bytes text, struct weir_schema **out, struct weir_err *err)
{
    return weir_schema_parse_with(text, NULL, 0, out, err);
}

void weir_schema_free(struct weir_schema *shown)
{
    if (!shown)
        return;
    struct schema *schema = (struct schema *)shown;
    region_release(&schema->region);
    free(schema);
}

int weir_schema_field(const struct weir_node *record, const char *name)
{
    for (size_t i = 0; i < record->n; i++)
        if (strcmp(record->fields[i].name, name) == 0)
            return (int)i;
    return -1;
}
