/*
 * Plain JSON (RFC 8259) read against a schema straight into slots, and Avro binary written as plain JSON.
 * Plain: unions are not tagged; bytes are text with a character per byte (0 to 255), as in Avro's own JSON.
 *
 * Which branch of a union a JSON value becomes:
 *   null, true, false   the null or boolean branch
 *   an object           the record branch; a union may have only one
 *   a text              string; else the first enum that has the symbol; else bytes
 *   a number            written with neither point nor exponent: the first of int and long that it fits, else
 *                       double, else float; any other: double, else float, else the first of int and long
 * that it is exactly (1e3)
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

/* Nesting that is followed in fields that the schema has not, as the schema's own nesting is bounded. */
#define JSON_DEPTH_MAX WEIR_SCHEMA_DEPTH_MAX

/*
 * Reads one JSON object, the whole of text, into slots[0 .. n - 1]: raw is encoded into scratch, missing
 * fields take their default. Strict: numbers within range and without loss, no duplicate names, UTF-8,
 * escapes decoded, surrogates paired, no NUL in a string, nothing but white space after the object. A field
 * may go by its name or an alias, but not by two of them. Real numbers are rounded to the nearest; integers
 * are exact. A slot's at is where its value begins. False: *why as in decode_record; what breaks the syntax
 * is NOT_JSON.
 */
bool json_read(const struct json_reader *reader, struct weir_bytes text, struct weir_arena *scratch,
               struct slot *slots, struct weir_reason *why);

/* The most scratch that json_read takes for a text of so many bytes, reason included: with that much left it
 * never says TOO_LARGE. */
size_t json_scratch(const struct json_reader *reader, size_t text_len);

/*
 * Writes one valid Avro value as plain JSON at the end of out; *text is what was written. One line, no
 * spaces. Numbers that JSON cannot say become text: "NaN", "Infinity", "-Infinity". False when out is full,
 * or when avro is no value of the type after all; nothing was appended then.
 */
bool json_write(const struct weir_node *type, struct weir_bytes avro, struct weir_arena *out,
                struct weir_bytes *text);

/*
 * What json_write takes at most for a value of so many bytes: fixed + factor times them. Bounded: where the
 * schema's names would allow more, a value that needs more is too large.
 */
#define JSON_FIXED_MAX  ((size_t)128 * 1024)
#define JSON_FACTOR_MAX 32
struct json_room {
    size_t fixed;
    size_t factor;
};

/* For values of the schema. False when memory is short. */
bool json_room(const struct weir_schema *schema, struct json_room *room);

/* Writes text as a JSON string, quotes included; bytes that are not UTF-8 become \ufffd. False when out is
 * full. */
bool json_write_text(struct weir_arena *out, struct weir_bytes text);

#endif
