/* What a scalar's text means as a value of some kind. Pure; no locale has a say in it. */
#ifndef WEIR_CONFIG_VALUE_H
#define WEIR_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each returns false, *out untouched, where the text is nothing of the kind or does not fit int64_t. */

/* "12": decimal digits and nothing else. */
bool value_count(const char *text, int64_t *out);

/* "250ms", "10s", "5m", "2h", "1d", or "0": milliseconds. A bare number is none: nobody can tell its unit. */
bool value_duration(const char *text, int64_t *out);

/* "512", "512B", "64kB", "64KiB", "1MB", "1MiB", "1GB", "1GiB": bytes. */
bool value_size(const char *text, int64_t *out);

/* "0.5", "1", "0.000001": millionths. At most six digits stand behind the point. */
bool value_ratio(const char *text, int64_t *out);

/* "latest" (0) or a version from 1 to INT32_MAX, which is what a registry can have. */
bool value_version(const char *text, int64_t *out);

/* Room for a printed duration or size. */
#define VALUE_PRINTED_MAX 32

/* Prints milliseconds or bytes in the largest unit that leaves no fraction ("10s", "64MiB"); returns buffer.
 */
const char *value_print_duration(int64_t ms, char buffer[VALUE_PRINTED_MAX]);
const char *value_print_size(int64_t bytes, char buffer[VALUE_PRINTED_MAX]);
/* Prints millionths as value_ratio reads them; returns buffer. */
const char *value_print_ratio(int64_t millionths, char buffer[VALUE_PRINTED_MAX]);

/* True for "-12.5e3" and the like: a number as JSON writes it. */
bool value_is_number(const char *text);

/* True for what may be the name of a Kafka topic of at most max characters. */
bool value_is_topic(const char *text, int64_t max);

/* True for text without control characters: what may stand in a header of HTTP. */
bool value_is_printable(const char *text);

/*
 * True for one or more URLs with commas or spaces in between: http or https, a host, perhaps a port and a
 * path. No user in them, since they are shown, and no query, since paths are appended.
 */
bool value_is_urls(const char *text);

/* True for one or more names of fields (Avro 1.12, "Names"), with commas or spaces in between. */
bool value_is_names(const char *text);

#endif
