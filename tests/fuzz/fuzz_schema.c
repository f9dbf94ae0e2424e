/* Any text as a schema. */
#include <string.h>

#include "avro/json.h"
#include "avro/resolve.h"
#include "fuzz/fuzz.h"
#include "weir/schema.h"

/* A name without namespace within one that has one: the canonical form has nothing to say so, and would be
 * read as a name of the namespace. */
static bool is_ambiguous(const char *canonical)
{
    const char *name = "\"name\":\"";
    bool spaced = false;
    for (const char *p = strstr(canonical, name); p; p = strstr(p, name)) {
        p += strlen(name);
        const char *end = strchr(p, '"'), *type = "\",\"type\":\"";
        bool is_definition =
            strncmp(end, type, strlen(type)) == 0 &&
            (strncmp(end + strlen(type), "record", 6) == 0 || strncmp(end + strlen(type), "enum", 4) == 0 ||
             strncmp(end + strlen(type), "fixed", 5) == 0);
        bool dotted = memchr(p, '.', (size_t)(end - p)) != NULL;
        if (is_definition && spaced && !dotted)
            return true;
        spaced = spaced || (is_definition && dotted);
    }
    return false;
}

/* The canonical form is a schema of the same fingerprint, and of the same form. */
static void check_canonical(const struct weir_schema *schema)
{
    char *canonical = weir_schema_canonical(schema);
    struct weir_schema *again = NULL;
    struct weir_err err;
    FUZZ_HOLDS(canonical);
    /* A form may be longer than its schema, which may have left out namespaces. */
    if (strlen(canonical) <= WEIR_SCHEMA_TEXT_MAX && !is_ambiguous(canonical)) {
        FUZZ_HOLDS(weir_schema_parse(weir_bytes_of(canonical), &again, &err) == WEIR_OK);
        FUZZ_HOLDS(again->fingerprint == schema->fingerprint);
        char *twice = weir_schema_canonical(again);
        FUZZ_HOLDS(twice && strcmp(twice, canonical) == 0);
        free(twice);
        weir_schema_free(again);
    }
    free(canonical);
}

/* A schema can be read as itself, and then is a copy. */
static void check_resolution(const struct weir_schema *schema)
{
    struct resolution *resolution = NULL;
    struct weir_err err;
    FUZZ_HOLDS(resolve_new(schema->root, schema->root, &resolution, &err) == WEIR_OK);
    FUZZ_HOLDS(resolve_is_copy(resolution));
    resolve_free(resolution);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weir_schema *schema = NULL;
    struct json_reader *reader = NULL;
    struct weir_err err = {WEIR_OK, ""};
    enum weir_err_code code = weir_schema_parse((struct weir_bytes){data, size}, &schema, &err);
    FUZZ_HOLDS(code == err.code && strlen(err.text) < sizeof err.text);
    if (code != WEIR_OK) {
        FUZZ_HOLDS(code == WEIR_ERR_BAD_SCHEMA && !schema);
        return 0;
    }
    check_canonical(schema);
    check_resolution(schema);
    FUZZ_HOLDS(json_reader_new(schema, &(struct json_options){0}, &reader, &err) == WEIR_OK);
    json_reader_free(reader);
    weir_schema_free(schema);
    return 0;
}
