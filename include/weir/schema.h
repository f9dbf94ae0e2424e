/*
 * An Avro schema, parsed and checked (Apache Avro 1.12 specification, "Schema Declaration").
 * Immutable once parsed; any number of threads may read it.
 */
#ifndef WEIR_SCHEMA_H
#define WEIR_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/bytes.h"
#include "weir/err.h"

enum weir_type {
    WEIR_TYPE_NULL,
    WEIR_TYPE_BOOLEAN,
    WEIR_TYPE_INT,
    WEIR_TYPE_LONG,
    WEIR_TYPE_FLOAT,
    WEIR_TYPE_DOUBLE,
    WEIR_TYPE_BYTES,
    WEIR_TYPE_STRING,
    WEIR_TYPE_FIXED,
    WEIR_TYPE_ENUM,
    WEIR_TYPE_ARRAY,
    WEIR_TYPE_MAP,
    WEIR_TYPE_UNION,
    WEIR_TYPE_RECORD
};

/* Logical types; an unknown or invalid one is read as the type below it, as the specification says. */
enum weir_logical {
    WEIR_LOGICAL_NONE,
    WEIR_LOGICAL_DECIMAL,
    WEIR_LOGICAL_BIG_DECIMAL,
    WEIR_LOGICAL_UUID,
    WEIR_LOGICAL_DATE,
    WEIR_LOGICAL_TIME_MILLIS,
    WEIR_LOGICAL_TIME_MICROS,
    WEIR_LOGICAL_TIMESTAMP_MILLIS,
    WEIR_LOGICAL_TIMESTAMP_MICROS,
    WEIR_LOGICAL_TIMESTAMP_NANOS,
    WEIR_LOGICAL_LOCAL_TIMESTAMP_MILLIS,
    WEIR_LOGICAL_LOCAL_TIMESTAMP_MICROS,
    WEIR_LOGICAL_LOCAL_TIMESTAMP_NANOS,
    WEIR_LOGICAL_DURATION
};

struct weir_node;

struct weir_field {
    const char *name;
    const char *doc; /* NULL when it has none */
    const char *const *aliases;
    size_t n_aliases;
    const struct weir_node *type;
    bool has_default;
    struct weir_bytes default_value; /* the default, encoded as type: checked and encoded when parsed */
};

struct weir_node {
    enum weir_type type;
    enum weir_logical logical;
    int64_t precision, scale;   /* of WEIR_LOGICAL_DECIMAL */
    const char *name;           /* full name of a record, enum or fixed; NULL for others */
    const char *const *aliases; /* full names */
    size_t n_aliases;
    size_t number; /* of a type with a name: which one of the schema's it is, from 0 on */
    size_t least;  /* the fewest bytes that the encoding of a value has; 0: no value has any */
    size_t n;      /* how many of the following three there are */
    const struct weir_field *fields;         /* RECORD */
    const char *const *symbols;              /* ENUM */
    const struct weir_node *const *branches; /* UNION */
    const struct weir_node *items;           /* ARRAY; the values of a MAP */
    size_t size;                             /* FIXED: bytes */
    int default_symbol;                      /* ENUM: its index, -1 when it has none */
};

struct weir_schema {
    const struct weir_node *root;
    const char *text; /* as it was given */
    size_t text_len;
    size_t n_named;       /* types with a name, those of references included */
    uint64_t fingerprint; /* CRC-64-AVRO of the parsing canonical form */
};

/*
 * Limits on what a schema may ask for, since its text is untrusted too. TEXT_MAX bounds its text and those of
 * its references together; FIELDS_MAX the fields, branches, arrays and maps together, and the symbols of an
 * enum; DEPTH_MAX the nesting, that of a type counted wherever it is used, up to where a type contains
 * itself.
 */
#define WEIR_SCHEMA_TEXT_MAX       (1024 * 1024)
#define WEIR_SCHEMA_FIELDS_MAX     4096
#define WEIR_SCHEMA_DEPTH_MAX      64
#define WEIR_SCHEMA_REFERENCES_MAX 256
#define WEIR_SCHEMA_FIXED_MAX      INT32_MAX

/* How deep values nest that are read or written: records, arrays and maps within one another, the outermost
 * record included. */
#define WEIR_VALUE_DEPTH_MAX 512

/*
 * Parses text (JSON, UTF-8, need not end in NUL). On success *out owns a copy of all it needs.
 * Fails with WEIR_ERR_BAD_SCHEMA and a text that names the path of what is wrong
 * ("user_login.fields[3].type: unknown type 'strnig'"), or WEIR_ERR_NO_MEMORY.
 */
enum weir_err_code weir_schema_parse(struct weir_bytes text, struct weir_schema **out, struct weir_err *err);

/* A schema that others refer to: the name under which they do, for messages, and its text. */
struct weir_schema_reference {
    const char *name;
    struct weir_bytes text;
};

/*
 * As weir_schema_parse, of a text that uses types which other texts define. references[0 .. n - 1] are read
 * first and in this order: what one of them uses, those before it must have defined, so there can be no
 * cycle. A text that stands twice is read once. *out owns a copy of all it needs, as ever; its text is
 * the first argument, and what of the references it uses is part of its canonical form, defined where it is
 * used first. A message about a reference begins with its name.
 */
enum weir_err_code weir_schema_parse_with(struct weir_bytes text,
                                          const struct weir_schema_reference *references, size_t n,
                                          struct weir_schema **out, struct weir_err *err);

/* Frees a schema; NULL is fine. Nothing that was compiled from it may be used afterwards. */
void weir_schema_free(struct weir_schema *schema);

/*
 * The parsing canonical form, NUL-terminated, allocated with malloc for the caller to free;
 * NULL when memory is short. Follows "Parsing Canonical Form for Schemas" of the specification.
 */
char *weir_schema_canonical(const struct weir_schema *schema);

/* The index of the field of that name in a record, -1 when there is none. */
int weir_schema_field(const struct weir_node *record, const char *name);

/* "string", "union", … for messages. */
const char *weir_type_name(enum weir_type type);

#endif
