/* What the files schema*.c share, and nobody else: a schema while it is being read. */
#ifndef WEIR_AVRO_SCHEMA_PARTS_H
#define WEIR_AVRO_SCHEMA_PARTS_H

#include <jansson.h>
#include <stdbool.h>

#include "avro/region.h"
#include "weir/arena.h"
#include "weir/schema.h"

/* Room for the encoded defaults of one schema, all together. */
#define SCHEMA_DEFAULTS_MAX (64 * 1024)

/* A type that has a name. */
struct schema_named {
    struct schema_named *next;
    struct weir_node *node;
    size_t height; /* how deep it nests */
    bool open;     /* its fields are still being read: a use of it is recursive */
    bool measured; /* node->least is known */
};

struct schema {
    struct weir_schema shown; /* first, so that the one is the other */
    struct region region;
    struct schema_named *named; /* in the order in which their definitions begin */
    struct weir_arena defaults; /* of SCHEMA_DEFAULTS_MAX bytes, made when the first default is met */
};

/* Where in the text something stands, for messages: a list that lives on the call stack. */
struct schema_place {
    const struct schema_place *up; /* NULL: the whole schema */
    const char *step;              /* ".fields" */
    int index;                     /* -1 when the step is not into an array */
};

/* The state of one weir_schema_parse. */
struct schema_reading {
    struct schema *schema;
    struct weir_err *err;
    enum weir_err_code code;    /* of the first failure */
    struct schema_named **last; /* where the next named type is linked in */
    const char *root_name;      /* what messages call the whole text */
    bool in_reference;          /* the text is not the schema's own */
    size_t depth, deepest;
    size_t weight;       /* fields, branches, arrays and maps so far */
    size_t default_work; /* values of defaults looked at so far */
};

/*
 * Fails the reading with WEIR_ERR_BAD_SCHEMA: "PLACE: " and the text. Always false.
 * Names out of the schema must go through schema_show first.
 */
bool schema_bad(struct schema_reading *reading, const struct schema_place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Fails the reading with WEIR_ERR_NO_MEMORY. Always false. */
bool schema_no_memory(struct schema_reading *reading);

/* Some of a name as the schema has it, fit for a message. */
struct schema_shown {
    char text[48];
};
struct schema_shown schema_show(const json_t *json);

/* --- schema_type.c --- */

/* Reads any schema; NULL after a failure. space is the enclosing namespace, "" for none. */
const struct weir_node *schema_read_type(struct schema_reading *reading, const json_t *json,
                                         const char *space, const struct schema_place *place);

/* A new node; NULL after a failure. */
struct weir_node *schema_node(struct schema_reading *reading, enum weir_type type);

/* Counts n more fields, branches, arrays or maps. */
bool schema_weigh(struct schema_reading *reading, size_t n, const struct schema_place *place);

/* --- schema_named.c --- */

/* The definition of that full name; NULL when there was none. */
const struct schema_named *schema_named_find(const struct schema_reading *reading, const char *full);

/* Read a definition; NULL after a failure. */
const struct weir_node *schema_read_record(struct schema_reading *reading, const json_t *json,
                                           const char *space, const struct schema_place *place);
const struct weir_node *schema_read_enum(struct schema_reading *reading, const json_t *json,
                                         const char *space, const struct schema_place *place);
const struct weir_node *schema_read_fixed(struct schema_reading *reading, const json_t *json,
                                          const char *space, const struct schema_place *place);

/* --- schema_logical.c --- */

/* Gives node the logical type of its declaration, if that has one that is known and valid for it. */
void schema_logical(const json_t *json, struct weir_node *node);

/* --- schema_name.c --- */

/* True for letters, digits and _, not beginning with a digit (the specification's "Names"). */
bool schema_is_name(const char *text, size_t len);

/* The type of a primitive's name, -1 for any other text. */
int schema_primitive(const char *text, size_t len);

/*
 * The full name that "name" and "namespace" of a definition give, and in *space the namespace for what it
 * encloses. NULL after a failure.
 */
const char *schema_full_name(struct schema_reading *reading, const json_t *definition, const char *space,
                             const char **inner_space, const struct schema_place *place);

/* The full name that a reference within a namespace means; NULL after a failure. */
const char *schema_reference(struct schema_reading *reading, const json_t *text, const char *space,
                             const struct schema_place *place);

/*
 * Reads "aliases" of a definition. Those of named types become full names in the namespace; with space NULL,
 * those of fields, they are simple names.
 */
bool schema_aliases(struct schema_reading *reading, const json_t *definition, const char *space,
                    const char *const **aliases, size_t *n, const struct schema_place *place);

/* --- schema_least.c --- */

/* Finds the fewest bytes of each record. False: a record contains itself in such a way that no value ends. */
bool schema_least(struct schema_reading *reading);

/* --- schema_default.c --- */

/* Encodes the defaults of all fields that a text defines, which was read as root. */
bool schema_defaults(struct schema_reading *reading, const json_t *json, const struct weir_node *root);

/* --- schema_canonical.c --- */

/* CRC-64-AVRO of the canonical form into schema->shown.fingerprint; false when memory is short. */
bool schema_fingerprint(struct schema *schema);

#endif
