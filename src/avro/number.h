/*
 * Decimal numbers as JSON writes them (RFC 8259, section 6), to and from binary without loss where there need
 * be none. What the locale takes for a decimal point has no say.
 */
#ifndef WEIR_AVRO_NUMBER_H
#define WEIR_AVRO_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/bytes.h"

/* A number as it was found: digits are borrowed. */
struct number {
    struct weir_bytes whole;    /* the digits before the point */
    struct weir_bytes fraction; /* those after it, maybe none */
    int64_t exponent;           /* bounded, and far beyond what any type holds where it was cut */
    bool negative;
    bool plain; /* neither point nor exponent */
};

enum number_fit {
    NUMBER_FITS,
    NUMBER_TOO_LARGE, /* beyond the type's range; of reals also: too near to zero */
    NUMBER_FRACTION   /* an integer was wanted, and this is none */
};

/* Reads the number that text begins with; its length, 0 when there is none. */
size_t number_scan(struct weir_bytes text, struct number *number);

/* The integer, exact: 1.0 and 1e3 are integers, 1.5 is not. */
enum number_fit number_to_long(const struct number *number, int64_t min, int64_t max, int64_t *value);

/* The nearest real. */
enum number_fit number_to_double(const struct number *number, double *value);
enum number_fit number_to_float(const struct number *number, float *value);

/* Room for what the following print, NUL included. */
#define NUMBER_PRINT_MAX 32

/*
 * Writes a decimal number that reads back as value, which is finite; returns its length. It has no more
 * digits than that takes, but for numbers next to zero. Reals keep a point or an exponent, so that they are
 * seen to be reals.
 */
size_t number_print_double(char text[NUMBER_PRINT_MAX], double value);
size_t number_print_float(char text[NUMBER_PRINT_MAX], float value);

#endif
