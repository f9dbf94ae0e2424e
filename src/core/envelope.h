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

/* How many headers envelope_wrap adds at most: its own, and those of a dialect. */
#define ENVELOPE_OWN_MAX     13
#define ENVELOPE_DIALECT_MAX 9
#define ENVELOPE_HEADERS_MAX (ENVELOPE_OWN_MAX + ENVELOPE_DIALECT_MAX)

/* Longest value of __weir.errors.message, and of .field. */
#define ENVELOPE_MESSAGE_MAX 1024
#define ENVELOPE_FIELD_MAX   512

/* The header of a letter whose value is not the record's but says where the record is. */
#define ENVELOPE_REFERENCE_NAME ENVELOPE_PREFIX "errors.reference"

/* Longest value of such a letter. */
#define ENVELOPE_REFERENCE_MAX 400

struct envelope_context {
    const char *pipeline;   /* .pipeline */
    const char *version;    /* .version: weir's */
    const char *topic;      /* .topic: the input topic */
    int64_t reader_version; /* .reader.version; 0: left out */
    bool has_schema;        /* .schema.id, for Avro values: the number or the GUID */
    struct weir_schema_key schema;
    enum weir_dialect dialect; /* whose names are added beside weir's own */
};

/*
 * Builds the headers of the letter for record and its REJECT outcome: first the record's own without any of
 * ours that it carries already (replaced, never appended twice; but .first.failed, if valid, is kept: it is
 * the time of the first failure), then ours: `__weir.errors.` + code message stage field topic partition
 * offset timestamp schema.id reader.version first.failed pipeline version; numbers in decimal, times in ms,
 * a schema's GUID as registries write it.
 * Absent ones are left out. Then those of the dialect, whose namesakes in the record are replaced too:
 * connect: `__connect.errors.` + topic partition offset connector.name stage class.name exception.class.name
 * exception.message (org.apache.kafka.connect.runtime.errors.DeadLetterQueueReporter); streams:
 * `__streams.errors.` + exception message topic partition offset (KIP-1034). *headers lies in arena and
 * borrows from record, outcome and context. False when the arena is full.
 */
bool envelope_wrap(const struct weir_record *record, const struct weir_outcome *outcome,
                   const struct envelope_context *context, int64_t now_ms, struct weir_arena *arena,
                   struct weir_header **headers, size_t *n_headers);

/*
 * Shortens a letter's headers in place until at least excess bytes are saved or nothing is left to shorten:
 * first the message is cut, then what does not identify the record goes (stage, field, times, versions,
 * schema id, and all of the dialect). Code, topic, partition, offset and pipeline stay, and so does every
 * header that is not weir's. Returns how many headers there are now.
 */
size_t envelope_shorten(struct weir_header *headers, size_t n, enum weir_dialect dialect, size_t excess);

/*
 * Makes a letter a reference to its record: *value becomes {"topic","partition","offset","size"}, size being
 * the length of the record's value, and a header says so. headers must have room for one more. False when
 * the arena is full.
 */
bool envelope_refer(const struct weir_record *record, const char *topic, struct weir_arena *arena,
                    struct weir_header *headers, size_t *n_headers, struct weir_bytes *value);

/* True for the name of a header of ours: such are stripped from records that pass. */
bool envelope_is_own(const char *name);

/* True for a name that weir adds to letters of that dialect, so that what a letter was made of can be told
 * from what was added. */
bool envelope_is_added(const char *name, enum weir_dialect dialect);

#endif
