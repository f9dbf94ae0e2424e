/* Texts of a known form, read strictly: no white space, nothing before or after, no help from the locale. */
#ifndef WEIR_CORE_FORMAT_H
#define WEIR_CORE_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/bytes.h"

enum format {
    FORMAT_IP,      /* ipv4 or ipv6 */
    FORMAT_IPV4,    /* four decimals of 0 to 255 without leading zeros (RFC 3986, IPv4address) */
    FORMAT_IPV6,    /* RFC 4291, section 2.2, in all three forms; no zone, no prefix length */
    FORMAT_UUID,    /* RFC 9562, section 4: 8-4-4-4-12 hexadecimal digits, either case */
    FORMAT_INTEGER, /* what format_integer reads */
    FORMAT_COUNT
};

/* "ip" and the like, in the order of the enum, for looking a format up and for messages. */
extern const char *const format_names[FORMAT_COUNT];

/* True when the whole text is of the format. The text must be a value (data not NULL). */
bool format_matches(enum format format, struct weir_bytes text);

/*
 * Reads an optional sign (+ or -) and decimal digits that fit 64 bits; leading zeros are allowed.
 * False, and *value left alone, for anything else.
 */
bool format_integer(struct weir_bytes text, int64_t *value);

#endif
