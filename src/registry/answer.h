/*
 * What a Schema Registry says, in the words of Confluent's API (docs.confluent.io, "Schema Registry API
 * Reference"), which Apicurio, Karapace and others speak too. Pure; the text is untrusted.
 */
#ifndef WEIR_REGISTRY_ANSWER_H
#define WEIR_REGISTRY_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/bytes.h"
#include "weir/err.h"
#include "weir/schema.h"

/* Error codes in the body of an answer with status 404. */
#define ANSWER_NO_SUBJECT 40401
#define ANSWER_NO_VERSION 40402
#define ANSWER_NO_SCHEMA  40403

struct answer_schema {
    struct weir_schema *schema; /* for the caller to free */
    uint32_t id;                /* 0 when the answer does not say */
    int64_t version;            /* likewise */
    bool has_rules;             /* a ruleSet that is not empty: weir does not apply it */
};

/*
 * Reads an answer of /schemas/ids/{id} or /subjects/{subject}/versions/{version}. Fails with
 * WEIR_ERR_REGISTRY_DOWN when it is no such answer (a proxy's page, half of one), WEIR_ERR_BAD_SCHEMA when it
 * is one but the schema is not Avro, refers to others or is wrong in itself, or WEIR_ERR_NO_MEMORY.
 */
enum weir_err_code answer_read(struct weir_bytes body, struct answer_schema *out, struct weir_err *err);

/* The error_code of an answer that says what is wrong; 0 when it is none. */
int64_t answer_error(struct weir_bytes body);

/* What was registered or found: an answer without a schema in it that weir needs. 0 where it does not say. */
struct answer_place {
    uint32_t id;
    int64_t version;
};

/* Reads an answer of POST /subjects/{subject} or /subjects/{subject}/versions; false when it has no id. */
bool answer_read_place(struct weir_bytes body, struct answer_place *out);

/* Longest text that is kept of what a registry says about a schema, its NUL included. */
#define ANSWER_TEXT_MAX 512

/*
 * Reads an answer of /compatibility: *compatible, and the reasons on one line, cut; "" where there are none.
 * False when it is no such answer.
 */
bool answer_compatible(struct weir_bytes body, bool *compatible, char why[ANSWER_TEXT_MAX]);

/* The message of an answer that says what is wrong, on one line, cut; "" when it has none. */
void answer_message(struct weir_bytes body, char text[ANSWER_TEXT_MAX]);

/* The level of an answer of /config ("BACKWARD"), cut; false when it is no such answer. */
bool answer_level(struct weir_bytes body, char level[ANSWER_TEXT_MAX]);

/* True when two texts of schemas are the same JSON: blanks and the order of keys do not count. */
bool answer_same(const struct weir_schema *a, const struct weir_schema *b);

#endif
