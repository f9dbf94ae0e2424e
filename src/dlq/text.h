/* Small texts for people. What comes from headers can be anything, so it is made harmless to a terminal. */
#ifndef WEIR_DLQ_TEXT_H
#define WEIR_DLQ_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "weir/bytes.h"

/* Longest time and time span, NUL included. */
#define TEXT_TIME_MAX 32
#define TEXT_SPAN_MAX 32

/* The bytes as one line of UTF-8, NUL-terminated and cut to cap: control characters and what is not UTF-8
 * become '?', no value and an empty one "-". Returns text. */
const char *text_print(struct weir_bytes bytes, char *text, size_t cap);

/* "2026-01-31T12:00:00Z"; "-" for a time before 1970. Returns text. */
const char *text_time(int64_t ms, char *text, size_t cap);

/* "3d 4h", "12 s": the two largest units. Returns text. */
const char *text_span(int64_t ms, char text[TEXT_SPAN_MAX]);

#endif
