/* What the files json*.c share, and nobody else. */
#ifndef WEIR_AVRO_JSON_PARTS_H
#define WEIR_AVRO_JSON_PARTS_H

#include "avro/cursor.h"
#include "avro/json.h"
#include "avro/region.h"

struct json_record;

/* A type at one place of the schema. */
struct json_type {
    const struct weir_node *node;
    const struct json_record *record; /* RECORD */
    const struct json_type *branches; /* UNION: node->n of them */
};

struct json_field {
    struct weir_bytes name;
    const char *label; /* the name, for reasons */
    struct json_type type;
    bool has_default;
    struct slot missing; /* has_default */
};

/* A name or an alias. */
struct json_entry {
    struct weir_bytes name; /* no value: the entry is free */
    uint32_t hash;
    uint32_t field;
};

struct json_record {
    const struct json_field *fields;
    size_t n;
    const struct json_entry *entries; /* open addressing, at most half full */
    size_t mask;                      /* their number, a power of two, less one */
};

struct json_reader {
    struct region region;
    const struct json_record *root;
    bool rejects_unknown;
    bool nests;         /* a field is a record, or may be one */
    size_t n_fields;    /* of all records */
    size_t n_defaulted; /* bytes of their defaults */
};

uint32_t json_hash(struct weir_bytes name);

/* --- json_text.c --- */

/* A text as it stands between its quotes. */
struct json_span {
    struct weir_bytes inside;
    bool escaped;
};

/* What becomes of characters. */
enum json_use {
    JSON_USE_STRING, /* UTF-8, without NUL */
    JSON_USE_BYTES,  /* a byte each */
    JSON_USE_NAME    /* UTF-8 */
};

/* Reads the text at the cursor, which stands before its first quote: quotes, control characters and UTF-8 are
 * checked, escapes are not. */
bool json_span_read(struct cursor *c, struct json_span *span);

/*
 * Writes what the text means at the end of c->out, where *decoded lies then; with write false, it is only
 * checked and measured.
 */
bool json_span_decode(struct cursor *c, const struct json_span *span, enum json_use use, bool write,
                      struct weir_bytes *decoded);

/* Writes a character below U+0100 as it stands in a JSON text. False when out is full. */
bool json_write_character(struct weir_arena *out, uint8_t character);

/* --- json_skip.c --- */

/* White space, which mostly is none or one blank; inline, since it stands around every token. */
static inline void json_skip_space(struct cursor *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
        c->p++;
}

/* Reads true, false or null at the cursor: only its very letters. */
bool json_skip_word(struct cursor *c, const char *word);

/* Reads past any value, which stands depth levels deep. */
bool json_skip_value(struct cursor *c, size_t depth);

/* Fails with NOT_JSON at the cursor, naming what was expected. Always false. */
bool json_fail_syntax(struct cursor *c, const char *expected);

#endif
