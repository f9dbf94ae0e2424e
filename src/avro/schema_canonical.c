/* Avro 1.12, "Parsing Canonical Form for Schemas" and "Schema Fingerprints". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "avro/schema_parts.h"

/* The polynomial of CRC-64-AVRO, which is also the fingerprint of no bytes. */
#define CRC64_EMPTY UINT64_C(0xc15d213aa4d7a795)

/* Room for how the definition of a fixed ends, whatever its size. */
#define FIXED_MAX 64

/* Where the form goes: counted, and written where text is not NULL. */
struct canon {
    char *text;
    size_t len;
    uint64_t crc;
    bool *written; /* by number: the type's definition stands in the form already */
};

static void put(struct canon *canon, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (canon->text)
            canon->text[canon->len] = *p;
        canon->len++;
        canon->crc ^= (uint8_t)*p;
        for (int bit = 0; bit < 8; bit++)
            canon->crc = (canon->crc >> 1) ^ (CRC64_EMPTY & (0 - (canon->crc & 1)));
    }
}

static void put_type(struct canon *canon, const struct weir_node *node);

/* Names need no escapes: they hold letters, digits, _ and dots. */
static void put_quoted(struct canon *canon, const char *text)
{
    put(canon, "\"");
    put(canon, text);
    put(canon, "\"");
}

static void put_fields(struct canon *canon, const struct weir_node *node)
{
    put(canon, ",\"type\":\"record\",\"fields\":[");
    for (size_t i = 0; i < node->n; i++) {
        put(canon, i > 0 ? ",{\"name\":" : "{\"name\":");
        put_quoted(canon, node->fields[i].name);
        put(canon, ",\"type\":");
        put_type(canon, node->fields[i].type);
        put(canon, "}");
    }
    put(canon, "]}");
}

static void put_symbols(struct canon *canon, const struct weir_node *node)
{
    put(canon, ",\"type\":\"enum\",\"symbols\":[");
    for (size_t i = 0; i < node->n; i++) {
        put(canon, i > 0 ? "," : "");
        put_quoted(canon, node->symbols[i]);
    }
    put(canon, "]}");
}

/* A type with a name is defined where it is met first. */
static void put_named(struct canon *canon, const struct weir_node *node)
{
    char size[FIXED_MAX];
    if (canon->written[node->number]) {
        put_quoted(canon, node->name);
        return;
    }
    canon->written[node->number] = true;
    put(canon, "{\"name\":");
    put_quoted(canon, node->name);
    if (node->type == WEIR_TYPE_RECORD) {
        put_fields(canon, node);
    } else if (node->type == WEIR_TYPE_ENUM) {
        put_symbols(canon, node);
    } else {
        (void)snprintf(size, sizeof size, ",\"type\":\"fixed\",\"size\":%zu}", node->size);
        put(canon, size);
    }
}

static void put_branches(struct canon *canon, const struct weir_node *node)
{
    put(canon, "[");
    for (size_t i = 0; i < node->n; i++) {
        put(canon, i > 0 ? "," : "");
        put_type(canon, node->branches[i]);
    }
    put(canon, "]");
}

static void put_type(struct canon *canon, const struct weir_node *node)
{
    switch (node->type) {
    case WEIR_TYPE_FIXED:
    case WEIR_TYPE_ENUM:
    case WEIR_TYPE_RECORD: put_named(canon, node); return;
    case WEIR_TYPE_UNION: put_branches(canon, node); return;
    case WEIR_TYPE_ARRAY:
    case WEIR_TYPE_MAP:
        put(canon, node->type == WEIR_TYPE_ARRAY ? "{\"type\":\"array\",\"items\":"
                                                 : "{\"type\":\"map\",\"values\":");
        put_type(canon, node->items);
        put(canon, "}");
        return;
    default: put_quoted(canon, weir_type_name(node->type));
    }
}

/* The form, into text where that is not NULL. written has room for each type with a name. */
static struct canon canonical(const struct schema *schema, char *text, bool *written)
{
    struct canon canon = {text, 0, CRC64_EMPTY, written};
    memset(written, 0, schema->shown.n_named * sizeof *written);
    put_type(&canon, schema->shown.root);
    return canon;
}

bool schema_fingerprint(struct schema *schema)
{
    bool *written = region_alloc(&schema->region, schema->shown.n_named * sizeof *written);
    if (written)
        schema->shown.fingerprint = canonical(schema, NULL, written).crc;
    return written != NULL;
}

char *weir_schema_canonical(const struct weir_schema *shown)
{
    const struct schema *schema = (const struct schema *)shown;
    bool *written = malloc((shown->n_named + 1) * sizeof *written);
    if (!written)
        return NULL;
    size_t len = canonical(schema, NULL, written).len;
    char *text = malloc(len + 1);
    if (text) {
        (void)canonical(schema, text, written);
        text[len] = '\0';
    }
    free(written);
    return text;
}
