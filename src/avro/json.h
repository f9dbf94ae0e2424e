/*
 * JSON (RFC 8259) read against a schema straight into Avro's binary encoding, and Avro binary written as
 * plain JSON. bytes and fixed are texts with a character per byte (0 to 255), as in Avro's own JSON
 * (Avro 1.12, "JSON Encoding"); what JSON has no number for is a text: "NaN", "Infinity", "-Infinity".
 *
 * A value of a union is plain (its branch is found by the value), or tagged as in Avro's own JSON: null, or
 * an object whose only member has the branch's name: {"string":"x"}, {"com.acme.Order":{…}}. Where both are
 * allowed an object is tagged when its first name is that of a branch, unless it may be plain all the same: a
 * record among the branches has a field of that name, or there is a map.
 *
 * Which branch a plain value becomes:
 *   null, true, false   the null or boolean branch
 *   an array            the array branch
 *   an object           the first record that takes it whole; else the map; else the first record that takes
 * it when members are passed over which that has not a text              string; else the first enum that has
 * the symbol; else the first fixed that is as long; else bytes; else as a number, where texts may be numbers
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
#include "weir/spec.h"

struct json_options {
    enum weir_unknown unknown;
    enum weir_unions unions;
    enum weir_numbers numbers;
};

/* A schema made ready for reading JSON (fields, symbols and branches by their hashed names). Immutable,
 * borrows the schema. */
struct json_reader;

/* Fails with WEIR_ERR_NO_MEMORY. */
enum weir_err_code json_reader_new(const struct weir_schema *schema, const struct json_options *options,
                                   struct json_reader **out, struct weir_err *err);
void json_reader_free(struct json_reader *reader);

/* Nesting that is followed in a member that the schema has not; values nest as in binary. */
#define JSON_DEPTH_MAX WEIR_SCHEMA_DEPTH_MAX

/* How many times its length a text may be read in vain, because of unions with several records. */
#define JSON_TRIES_MAX 64

/*
 * Reads one JSON object, the whole of text, into slots[0 .. n - 1] of the schema, which is a record: raw is
 * encoded into scratch, missing fields take their default. Strict: numbers within range and without loss, no
 * name twice in a record or a map, UTF-8, escapes decoded, surrogates paired, nothing but
 * white space after the object. A field may go by its name or an alias, but not by two of them. Real numbers
 * are rounded to the nearest; integers are exact. A slot's at is where its value begins; *unknown is how many
 * members of objects, however deep, were passed over since the schema has them not. False: *why as in
 * decode_record; what breaks the syntax is NOT_JSON.
 */
bool json_read(const struct json_reader *reader, struct weir_bytes text, struct weir_arena *scratch,
               struct slot *slots, uint32_t *unknown, struct weir_reason *why);

/* Reads a value of any schema in the same way, and adds its encoding to out, where *avro lies then. */
bool json_read_value(const struct json_reader *reader, struct weir_bytes text, struct weir_arena *out,
                     struct weir_bytes *avro, struct weir_reason *why);

/*
 * The scratch, or out, for a text of so many bytes, reason included: with that much left a reading says
 * TOO_LARGE only where json_growth or RESOLVE_PLACES_MAX bounds it.
 */
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

/* Likewise the most that a text becomes, in all slots together. Bounded as RESOLVE_FIXED_MAX and
 * RESOLVE_FACTOR_MAX say. */
struct json_room json_growth(const struct json_reader *reader);

/* Writes text as a JSON string, quotes included; bytes that are not UTF-8 become \ufffd. False when out is
 * full. */
bool json_write_text(struct weir_arena *out, struct weir_bytes text);

#endif
