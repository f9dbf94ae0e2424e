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

/* True when two texts of schemas are the same JSON: blanks and the order of keys do not count. */
bool answer_same(const struct weir_schema *a, const struct weir_schema *b);

#endif
