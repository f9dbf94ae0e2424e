/* What the files json*.c share, and nobody else. */
#ifndef WEIR_AVRO_JSON_PARTS_H
#define WEIR_AVRO_JSON_PARTS_H

#include "avro/cursor.h"
#include "avro/json.h"
#include "avro/number.h"
#include "avro/region.h"

struct json_record;
struct json_choice;

/* A name, and the index of what it names. */
struct json_entry {
    struct weir_bytes name; /* no value: the entry is free */
    uint32_t hash;
    uint32_t index;
};

struct json_names {
    const struct json_entry *entries; /* open addressing, at most half full */
    size_t mask;                      /* their number, a power of two, less one */
};

/* A type at one place of the schema. */
struct json_type {
    const struct weir_node *node;
    union {
        const struct json_record *record; /* RECORD */
        const struct json_choice *choice; /* UNION */
        const struct json_names *symbols; /* ENUM */
        const struct json_type *items;    /* ARRAY, MAP */
    };
};

struct json_field {
    struct weir_bytes name;
    const char *label; /* the name, for reasons */
    struct json_type type;
    bool has_default;
    struct slot missing; /* has_default */
};

struct json_record {
    const struct json_field *fields;
    size_t n;
    struct json_names names; /* and aliases */
};

#define JSON_TYPES (WEIR_TYPE_RECORD + 1)

struct json_choice {
    const struct json_type *branches;
    int32_t first[JSON_TYPES]; /* by type: its first branch, -1 for none */
    size_t n_objects;          /* branches that objects may become: records and the map */
    struct json_names tags;    /* of all branches but null */
};

struct json_reader {
    struct region region;
    const struct weir_schema *schema;
    struct json_options options;
    struct json_type root;
    struct json_room growth;
    bool maps;     /* there are maps, whose keys are noted */
    size_t places; /* bytes that hold the places of fields while records are read */
};

/* A key of a map: where it is in the text, and where its encoding is behind the block's begin. */
struct json_key {
    uint32_t at, offset;
};

/* A text that is being read. */
struct json_reading {
    struct cursor c;
    const struct json_reader *reader;
    bool rejects_unknown;
    uint32_t unknown; /* members that were passed over since the schema has them not */
    size_t tries;     /* bytes that may still be read in vain */
};

/* The index of the name, -1 when it is none of them. */
int32_t json_find(const struct json_names *names, struct weir_bytes name);

/* --- json_growth.c --- */

/* Finds growth and places of a reader that is complete otherwise. False when memory is short. */
bool json_measure(struct json_reader *reader);

/* --- json_read.c --- */

/* What a value is, by its first byte. */
enum json_token {
    JSON_TOKEN_NULL,
    JSON_TOKEN_BOOLEAN,
    JSON_TOKEN_NUMBER,
    JSON_TOKEN_TEXT,
    JSON_TOKEN_OBJECT,
    JSON_TOKEN_ARRAY,
    JSON_TOKEN_NONE
};
enum json_token json_token_at(const struct cursor *c);
extern const char *const json_token_names[];

/* Adds the value at the cursor to out; kind and v of the slot are set. */
bool json_read_type(struct json_reading *r, const struct json_type *type, struct slot *slot);

/* The number at the cursor, which is left before it; its length, 0 after a failure. */
size_t json_scan_number(struct cursor *c, struct number *number);

/* Fits the number into a slot of the type. */
enum number_fit json_fit_number(const struct number *number, enum weir_type type, struct slot *slot);

/* A text as string or bytes. */
bool json_read_text(struct cursor *c, enum weir_type type, struct slot *slot);

/* True when the text is what stands for a real that JSON has no number for. */
bool json_spells_real(struct weir_bytes text, double *value);

/* What the text at the cursor means, which may be written at the end of out. */
bool json_read_name(struct cursor *c, struct weir_bytes *name);

/* The index of the symbol that the text at the cursor is, -1 for none. False after a failure. */
bool json_read_symbol(struct cursor *c, const struct json_names *symbols, int32_t *index);

/* --- json_object.c --- */

/* The object at the cursor into the outermost record's slots. */
bool json_read_fields(struct json_reading *r, const struct json_record *record, struct slot *slots);

/* A record within another value, put into the schema's order. */
bool json_read_record(struct json_reading *r, const struct json_record *record);

/* --- json_items.c --- */

bool json_read_items(struct json_reading *r, const struct json_type *type);

/* --- json_choice.c --- */

/* A value of a union (json.h says which branch). */
bool json_read_union(struct json_reading *r, const struct json_type *type, struct slot *slot);

/* --- json_text.c --- */

/* A text as it stands between its quotes. */
struct json_span {
    struct weir_bytes inside;
    bool escaped;
};

/* What becomes of characters. */
enum json_use {
    JSON_USE_STRING, /* UTF-8 */
    JSON_USE_BYTES   /* a byte each */
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

/* Reads past any value, which stands depth levels deep in what is skipped. */
bool json_skip_value(struct cursor *c, size_t depth);

/* Fails with TOO_DEEP at the cursor. Always false. */
bool json_fail_deep(struct cursor *c);

/* Fails with NOT_JSON at the cursor, naming what was expected. Always false. */
bool json_fail_syntax(struct cursor *c, const char *expected);

/* Reads past the mark that stands at the cursor, and white space about it; fails and names what was expected
 * when there is another. */
static inline bool json_skip_mark(struct cursor *c, uint8_t mark, const char *expected)
{
    json_skip_space(c);
    if (c->p == c->end || *c->p != mark)
        return json_fail_syntax(c, expected);
    c->p++;
    json_skip_space(c);
    return true;
}

#endif
