/*
 * Plain JSON (RFC 8259) read against a schema straight into slots, and Avro binary written as plain JSON.
 * Plain: unions are not tagged; bytes are text with a character per byte (0 to 255), as in Avro's own JSON.
 */
#ifndef WEIR_AVRO_JSON_H
#define WEIR_AVRO_JSON_H

#include <stdbool.h>

#include "avro/slot.h"
#include "weir/arena.h"
#include "weir/err.h"
#include "weir/pipeline.h"
#include "weir/schema.h"

/* A record's schema made ready for reading JSON (fields by hashed name and alias). Immutable, borrows the
 * schema. */
struct json_reader;

/* reader must be a record. Fails with WEIR_ERR_INCOMPATIBLE (names what plain JSON cannot carry) or
 * WEIR_ERR_NO_MEMORY. */
enum weir_err_code json_reader_new(const struct weir_node *reader, enum weir_unknown unknown,
                                   struct json_reader **out, struct weir_err *err);
void json_reader_free(struct json_reader *reader);

/*
 * Reads one JSON object, the whole of text, into slots[0 .. n - 1]: raw is encoded into scratch, missing
 * fields take their default. Strict: numbers within range and without loss, no duplicate names, UTF-8,
 * escapes decoded, surrogates paired, no NUL, nothing but white space after the object. False: *why as in
 * decode_record.
 */
bool json_read(const struct json_reader *reader, struct weir_bytes text, struct weir_arena *scratch,
               struct slot *slots, struct weir_reason *why);

/*
 * Writes one valid Avro value as plain JSON at the end of out; *text is what was written. One line, no
 * spaces. Numbers that JSON cannot say (NaN, infinity) become text. False when out is full; nothing was
 * appended then.
 */
bool json_write(const struct weir_node *type, struct weir_bytes avro, struct weir_arena *out,
                struct weir_bytes *text);

/* Writes text as a JSON string, quotes included; bytes that are not UTF-8 become \ufffd. False when out is
 * full. */
bool json_write_text(struct weir_arena *out, struct weir_bytes text);

#endif
