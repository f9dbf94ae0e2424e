/*
 * The envelope of a letter: the headers that tell why a record was rejected and where it came from, added to
 * the record's own, over plain header arrays. Key, value, timestamp and the record's own headers stay as they
 * were.
 */
#ifndef WEIR_CORE_ENVELOPE_H
#define WEIR_CORE_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>

#include "weir/arena.h"
#include "weir/pipeline.h"

/* Every header of ours begins with this. */
#define ENVELOPE_PREFIX "__weir."

/* How many headers envelope_wrap adds at most. */
#define ENVELOPE_HEADERS_MAX 13

/* Longest value of __weir.errors.message. */
#define ENVELOPE_MESSAGE_MAX 1024

struct envelope_context {
    const char *pipeline;   /* .pipeline */
    const char *version;    /* .version: weir's */
    const char *topic;      /* .topic: the input topic */
    int64_t reader_version; /* .reader.version; 0: left out */
    bool has_schema;        /* .schema.id, for Avro values: the number or the GUID */
    struct weir_schema_key schema;
};

/*
 * Builds the headers of the letter for record and its REJECT outcome: first the record's own without any of
 * ours that it carries already (replaced, never appended twice; but .first.failed, if valid, is kept: it is
 * the time of the first failure), then ours: `__weir.errors.` + code message stage field topic partition
 * offset timestamp schema.id reader.version first.failed pipeline version; numbers in decimal, times in ms,
 * a schema's GUID as registries write it.
 * Absent ones are left out. *headers lies in arena and borrows from record, outcome and context. False when
 * the arena is full.
 */
bool envelope_wrap(const struct weir_record *record, const struct weir_outcome *outcome,
                   const struct envelope_context *context, int64_t now_ms, struct weir_arena *arena,
                   const struct weir_header **headers, size_t *n_headers);

/* True for the name of a header of ours: such are stripped from records that pass. */
bool envelope_is_own(const char *name);

#endif
