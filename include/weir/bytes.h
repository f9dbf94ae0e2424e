/* A borrowed run of bytes: it owns nothing and is passed by value. */
#ifndef WEIR_BYTES_H
#define WEIR_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* data == NULL means "no value" (a Kafka null: a tombstone, a record without key), which is not "empty". */
struct weir_bytes {
    const uint8_t *data;
    size_t len;
};

#define WEIR_NO_BYTES ((struct weir_bytes){NULL, 0})

/* The bytes of a NUL-terminated text, without the NUL; of NULL, WEIR_NO_BYTES. */
struct weir_bytes weir_bytes_of(const char *text);

/* True when both hold the same bytes; "no value" equals only "no value". */
bool weir_bytes_equal(struct weir_bytes a, struct weir_bytes b);

/* True when a begins with the text. */
bool weir_bytes_starts(struct weir_bytes a, const char *text);

/*
 * True when the bytes are well-formed UTF-8 (Unicode 15, table 3-7: no overlong forms, no surrogates, nothing
 * above U+10FFFF). Otherwise *bad, when not NULL, gets the offset of the first byte of the bad sequence.
 */
bool weir_utf8_valid(struct weir_bytes text, size_t *bad);

#endif
