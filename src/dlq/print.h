/* Letters on paper: a line of a table, a JSON object, or all that is known of one. */
#ifndef WEIR_DLQ_PRINT_H
#define WEIR_DLQ_PRINT_H

#include <stdbool.h>
#include <stdio.h>

#include "dlq/view.h"

/* Most bytes that are shown of a value that cannot be decoded. */
#define PRINT_VALUE_MAX 4096

struct print_options {
    bool json;
    bool verdict;     /* say what the letter would get now */
    const char *mask; /* of payload_decode */
};

/* The heading of the table; nothing with json. False when it could not be written, like all below. */
bool print_heading(const struct print_options *options, FILE *to);

/* One letter as a line of the table, or as one line of JSON. */
bool print_line(const struct print_options *options, const struct view_item *item, FILE *to);

/*
 * All of one letter: envelope, ledger, verdict, headers, and the value, decoded by its schema, else as text
 * where it is one, else in hexadecimal. Where fields are masked a value that cannot be decoded is not shown,
 * for it may hold them.
 */
bool print_letter(const struct print_options *options, const struct view_item *item,
                  struct registry *registry, enum weir_format format, FILE *to);

#endif
