/*
 * The door of the core: one record in, one verdict out.
 * Pure: no Kafka, socket, file, clock or thread behind it. The same bytes, plan and time give the same
 * outcome.
 */
#ifndef WEIR_PIPELINE_H
#define WEIR_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "weir/arena.h"
#include "weir/bytes.h"
#include "weir/err.h"
#include "weir/schema.h"
#include "weir/spec.h"

enum weir_verdict { WEIR_PASS, WEIR_DROP, WEIR_REJECT };

/* Reasons for REJECT (verdicts.def). */
enum weir_code {
    WEIR_CODE_NONE = 0,
#define WEIR_VERDICT(NAME, name, STAGE, meaning) WEIR_CODE_##NAME,
#include "weir/verdicts.def"
#undef WEIR_VERDICT
    WEIR_CODE_COUNT
};

struct weir_header {
    const char *name;        /* NUL-terminated */
    struct weir_bytes value; /* "no value" is legal in Kafka */
};

struct weir_record {
    struct weir_bytes key, value;
    const struct weir_header *headers;
    size_t n_headers;
    int32_t partition;
    int64_t offset, timestamp_ms; /* timestamp_ms -1 when the record has none */
};

/* Longest text of a reason, in bytes. It never holds more of a payload than a name or a number. */
#define WEIR_REASON_TEXT_MAX 200

/* Longest path of a field; of a longer one the front is left out. */
#define WEIR_REASON_FIELD_MAX 200

struct weir_reason {
    enum weir_code code;
    const char *field;   /* path of the field ("user.ips[3]"), NULL when none is meant; borrowed from the plan
                            or   the scratch; of a map's entries it names the number, not the key */
    int64_t byte_offset; /* in the record's value, -1 when none is meant */
    const char
        *rule; /* "check[0]", "drop_when[2]", "set.timestamp"; NULL when none; borrowed from the plan */
    struct weir_bytes
        text; /* for a person; borrowed from the scratch; may be empty when the scratch was full */
};

struct weir_outcome {
    enum weir_verdict verdict;
    struct weir_bytes value;     /* PASS: the output record's value (no value = tombstone), in the scratch */
    struct weir_bytes route_key; /* PASS and partition_field set: the field's text, else no value */
    struct weir_reason why;      /* REJECT; for DROP only rule and field are set */
    uint64_t defaulted;          /* bit i: the reader's field i (up to 63) was missing and took its default */
    uint32_t
        unknown_fields; /* JSON fields, however deep, that were passed over; 0 where they are not counted */
};

/* A plan: a writer's schema resolved against reader's and output's, with the configuration's rules.
 * Immutable. */
struct weir_plan;

struct weir_plan_request {
    const struct weir_pipeline_spec *spec;
    const struct weir_schema
        *writer; /* NULL: the plan for everything that is not Avro: JSON, tombstones, rubbish */
    const struct weir_schema *reader;
    const struct weir_schema *output;
    uint32_t output_id;     /* schema id written before Avro output */
    int64_t reader_version; /* for letters */
};

/*
 * Compiles a plan. It borrows spec and schemas, which must outlive it. Fails with WEIR_ERR_INCOMPATIBLE
 * (writer against reader: the caller turns that into schema_mismatch; err->text names the field),
 * WEIR_ERR_CONFIG (a rule or set does not fit the schemas; err->text names line and column) or
 * WEIR_ERR_NO_MEMORY. Any thread. To tell the two apart: reader against output and the rules are checked by
 * the plan whose writer is NULL.
 */
enum weir_err_code weir_plan_new(const struct weir_plan_request *request, struct weir_plan **out,
                                 struct weir_err *err);
void weir_plan_free(struct weir_plan *plan);

#define WEIR_GUID_SIZE 16

/* What names a writer's schema: the number that one registry gave it, or the GUID that it has in all of them.
 * What does not apply is zero. */
struct weir_schema_key {
    bool by_guid;
    uint32_t id;
    uint8_t guid[WEIR_GUID_SIZE];
};

static inline bool weir_schema_key_equal(const struct weir_schema_key *a, const struct weir_schema_key *b)
{
    return a->id == b->id && a->by_guid == b->by_guid &&
           (!a->by_guid || memcmp(a->guid, b->guid, sizeof a->guid) == 0);
}

/* Room for the text of a key and its NUL: "6da336d8-f1d3-0f98-4c47-d03ee8a14a12". */
#define WEIR_SCHEMA_KEY_TEXT 37

/* The number in decimal, or the GUID as registries write it. Returns text. */
const char *weir_schema_key_print(const struct weir_schema_key *key, char text[WEIR_SCHEMA_KEY_TEXT]);

/* How a value is packed: in one of Confluent's wire formats, or as plain JSON. */
enum weir_wire_kind {
    WEIR_WIRE_TOMBSTONE,  /* no value */
    WEIR_WIRE_AVRO,       /* Avro binary, behind the name of its schema or with it in a header */
    WEIR_WIRE_JSON,       /* JSON */
    WEIR_WIRE_EMPTY,      /* no bytes */
    WEIR_WIRE_BAD_HEADER, /* the header that should name the schema does not */
    WEIR_WIRE_UNKNOWN     /* none of these */
};

struct weir_wire {
    enum weir_wire_kind kind;
    struct weir_schema_key key; /* AVRO */
    size_t prefix;              /* bytes before the payload */
};

/* Number of bytes of the V0 prefix, 00 and a number (big-endian), and of the V1 prefix, 01 and a GUID. */
#define WEIR_WIRE_PREFIX      5
#define WEIR_WIRE_GUID_PREFIX (1 + WEIR_GUID_SIZE)

/* The header in which Confluent's HeaderSchemaIdSerializer puts that prefix: the payload then has none. */
#define WEIR_WIRE_HEADER "__value_schema_id"

/*
 * Tells apart how a record's value is packed. AUTO and AVRO: the last WEIR_WIRE_HEADER names the schema,
 * unless it is null, else the prefix does (as DualSchemaIdDeserializer). AUTO: '{' after white space is JSON.
 */
struct weir_wire weir_wire_read(enum weir_format format, const struct weir_record *record);

/* The least room that scratch must have for a record of so many bytes of value, so that a batch that is
 * nearly full never changes a verdict. */
size_t weir_pipeline_scratch(const struct weir_plan *plan, size_t value_len);

/*
 * Pure; any thread with its own scratch. Cannot fail: a full scratch is REJECT(too_large). The outcome
 * borrows from in, plan and scratch. scratch must have at least weir_pipeline_scratch() bytes left; only that
 * much is used. The plan must be of the record's writer (weir_wire_read), or the plan without writer where
 * the kind is not AVRO.
 */
void weir_pipeline_process(const struct weir_plan *plan, const struct weir_record *in, int64_t now_ms,
                           struct weir_arena *scratch, struct weir_outcome *out);

/* Makes *out a REJECT for a reason that the engine found (unknown_schema, schema_mismatch, too_large). */
void weir_pipeline_reject(struct weir_outcome *out, enum weir_code code, struct weir_arena *scratch,
                          const char *format, ...) __attribute__((format(printf, 4, 5)));

/* "rule_failed" and the like; "" for WEIR_CODE_NONE. */
const char *weir_code_name(enum weir_code code);
/* "check" and the like: where in the record's way the reason arose. */
const char *weir_code_stage(enum weir_code code);
/* "PASS", "DROP", "REJECT". */
const char *weir_verdict_name(enum weir_verdict verdict);

#endif
