/* Avro 1.12, "Parsing Canonical Form for Schemas" and "Schema Fingerprints". */
#include <stdlib.h>
#include <string.h>

#include "avro/schema_parts.h"

/* The polynomial of CRC-64-AVRO, which is also the fingerprint of no bytes. */
#define CRC64_EMPTY UINT64_C(0xc15d213aa4d7a795)

/*
 * Where the form goes: counted, and written where text is not NULL. Definitions are met in the very order in
 * which they were read, so the first in the list that was not met yet tells a definition from a use.
 */
struct canon {
    char *text;
    size_t len;
    uint64_t crc;
    const struct schema_named *next;
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

static void put_definition(struct canon *canon, const struct weir_node *node)
{
    put(canon, "{\"name\":");
    put_quoted(canon, node->name);
    put(canon, node->type == WEIR_TYPE_ENUM ? ",\"type\":\"enum\",\"symbols\":["
                                            : ",\"type\":\"record\",\"fields\":[");
    for (size_t i = 0; i < node->n; i++) {
        put(canon, i > 0 ? "," : "");
        if (node->type == WEIR_TYPE_ENUM) {
            put_quoted(canon, node->symbols[i]);
            continue;
        }
        put(canon, "{\"name\":");
        put_quoted(canon, node->fields[i].name);
        put(canon, ",\"type\":");
        put_type(canon, node->fields[i].type);
        put(canon, "}");
    }
    put(canon, "]}");
}

static void put_type(struct canon *canon, const struct weir_node *node)
{
    if (node->type == WEIR_TYPE_UNION) {
        put(canon, "[");
        for (size_t i = 0; i < node->n; i++) {
            put(canon, i > 0 ? "," : "");
            put_type(canon, node->branches[i]);
        }
        put(canon, "]");
    } else if (!node->name) {
        put_quoted(canon, weir_type_name(node->type));
    } else if (canon->next && canon->next->node == node) {
        canon->next = canon->next->next;
        put_definition(canon, node);
    } else {
        put_quoted(canon, node->name);
    }
}

/* The form, into text where that is not NULL. */
static struct canon canonical(const struct schema *schema, char *text)
{
    struct canon canon = {text, 0, CRC64_EMPTY, schema->named};
    put_type(&canon, schema->shown.root);
    return canon;
}

uint64_t schema_fingerprint(const struct schema *schema)
{
    return canonical(schema, NULL).crc;
}

char *weir_schema_canonical(const struct weir_schema *shown)
{
    const struct schema *schema = (const struct schema *)shown;
    size_t len = canonical(schema, NULL).len;
    char *text = malloc(len + 1);
    if (!text)
        return NULL;
    (void)canonical(schema, text);
    text[len] = '\0';
    return text;
}
