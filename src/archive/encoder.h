/*
 * Avro records encoded by libavro-c, an encoder that shares nothing with our own code: so that our decoder is
 * fed by an independent one. Only schemas and values that we trust (libavro-c is never given untrusted
 * bytes).
 */
#ifndef WEIR_ARCHIVE_ENCODER_H
#define WEIR_ARCHIVE_ENCODER_H

#include <stdbool.h>
#include <stddef.h>

#include "weir/arena.h"
#include "weir/bytes.h"
#include "weir/err.h"

/* Most fields that a record may have here. */
#define ENCODER_FIELDS_MAX 64

/* A record of one schema that is filled and encoded, again and again. One thread. */
struct encoder;

enum encoder_kind {
    ENCODER_TEXT,    /* string, or a union that has string */
    ENCODER_NULLABLE /* another union that has null: it can only be null here */
};

/*
 * Opens a record schema whose fields are all of a kind above; every nullable one is null from the start,
 * every text empty. Fails with WEIR_ERR_BAD_SCHEMA (err->text says why) or WEIR_ERR_NO_MEMORY. The caller
 * closes it; the schema's text need not live on.
 */
enum weir_err_code encoder_open(struct weir_bytes schema, struct encoder **out, struct weir_err *err);

/* NULL is fine. */
void encoder_close(struct encoder *encoder);

/* The fields, in the order of the schema; names are borrowed. i < encoder_count(). */
size_t encoder_count(const struct encoder *encoder);
const char *encoder_name(const struct encoder *encoder, size_t i);
enum encoder_kind encoder_kind(const struct encoder *encoder, size_t i);

/* Sets a text field to len bytes of any kind, with a NUL behind them at text[len]. False: memory is short. */
bool encoder_set_text(struct encoder *encoder, size_t i, const char *text, size_t len);

/*
 * Appends the Avro binary encoding to out. starts[i], where starts is not NULL, is where the field's content
 * begins, counted from the first byte appended: behind the branch of a union, at the length of a text.
 * False, and nothing appended, when out is full.
 */
bool encoder_write(struct encoder *encoder, struct weir_arena *out, size_t *starts);

#endif
