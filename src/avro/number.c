#include "avro/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No digit after these changes how a double is rounded, but for whether all of them are zero. */
#define NUMBER_DIGITS_MAX 800

/* Where an exponent is cut: more than any count of digits makes up for. */
#define NUMBER_EXPONENT_MAX INT64_C(1000000000000000)

/* Digits of any int64. */
#define NUMBER_LONG_DIGITS 19

/* --- reading --- */

static bool is_digit(struct weir_bytes text, size_t at)
{
    return at < text.len && text.data[at] >= '0' && text.data[at] <= '9';
}

/* The run of digits from a place on. */
static struct weir_bytes digits_at(struct weir_bytes text, size_t at)
{
    size_t end = at;
    while (is_digit(text, end))
        end++;
    return (struct weir_bytes){text.data + at, end - at};
}

/* Reads "e+12" at a place, if there is one; the place after it, 0 when it is broken. */
static size_t exponent_scan(struct weir_bytes text, size_t at, struct number *number)
{
    if (at >= text.len || (text.data[at] != 'e' && text.data[at] != 'E'))
        return at;
    at++;
    bool negative = at < text.len && text.data[at] == '-';
    if (negative || (at < text.len && text.data[at] == '+'))
        at++;
    struct weir_bytes digits = digits_at(text, at);
    for (size_t i = 0; i < digits.len && number->exponent < NUMBER_EXPONENT_MAX; i++)
        number->exponent = number->exponent * 10 + (digits.data[i] - '0');
    if (negative)
        number->exponent = -number->exponent;
    number->plain = false;
    return digits.len > 0 ? at + digits.len : 0;
}

size_t number_scan(struct weir_bytes text, struct number *number)
{
    size_t at = text.len > 0 && text.data[0] == '-' ? 1 : 0;
    *number = (struct number){.negative = at == 1, .plain = true, .whole = digits_at(text, at)};
    number->fraction = (struct weir_bytes){number->whole.data, 0};
    if (number->whole.len == 0 || (number->whole.len > 1 && number->whole.data[0] == '0'))
        return 0;
    at += number->whole.len;
    if (at < text.len && text.data[at] == '.') {
        number->fraction = digits_at(text, at + 1);
        number->plain = false;
        if (number->fraction.len == 0)
            return 0;
        at += 1 + number->fraction.len;
    }
    return exponent_scan(text, at, number);
}

/* --- to binary --- */

/* The i-th digit, those of the fraction following those before the point. */
static unsigned digit(const struct number *number, size_t i)
{
    const struct weir_bytes *whole = &number->whole;
    return (unsigned)((i < whole->len ? whole->data[i] : number->fraction.data[i - whole->len]) - '0');
}

/* The number as digits first … end - 1, none of the outer ones 0, times ten to a power. No digits: zero. */
struct significant {
    size_t first, end;
    int64_t power;
};

static struct significant significant_of(const struct number *number)
{
    size_t n = number->whole.len + number->fraction.len;
    struct significant s = {0, n, 0};
    while (s.first < n && digit(number, s.first) == 0)
        s.first++;
    while (s.end > s.first && digit(number, s.end - 1) == 0)
        s.end--;
    s.power = number->exponent - (int64_t)number->fraction.len + (int64_t)(n - s.end);
    return s;
}

enum number_fit number_to_long(const struct number *number, int64_t min, int64_t max, int64_t *value)
{
    struct significant s = significant_of(number);
    *value = 0;
    if (s.first == s.end)
        return NUMBER_FITS;
    if (s.power < 0)
        return NUMBER_FRACTION;
    if (s.power > NUMBER_LONG_DIGITS || (int64_t)(s.end - s.first) + s.power > NUMBER_LONG_DIGITS)
        return NUMBER_TOO_LARGE;
    /* 19 digits fit an unsigned number of 64 bits. */
    uint64_t magnitude = 0;
    for (size_t i = s.first; i < s.end; i++)
        magnitude = magnitude * 10 + digit(number, i);
    for (; s.power > 0; s.power--)
        magnitude *= 10;
    uint64_t limit = number->negative ? 0 - (uint64_t)min : (uint64_t)max;
    if ((number->negative && min >= 0) || magnitude > limit)
        return NUMBER_TOO_LARGE;
    *value = number->negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return NUMBER_FITS;
}

/* Room for the digits, one for what follows them, sign, exponent and NUL. */
#define NUMBER_TEXT_MAX (NUMBER_DIGITS_MAX + 32)

/* Writes the number for strtod without a decimal point, which would be the locale's. False for zero. */
static bool without_point(const struct number *number, char text[NUMBER_TEXT_MAX])
{
    struct significant s = significant_of(number);
    size_t n = 0, end = s.end;
    if (s.end - s.first > NUMBER_DIGITS_MAX)
        end = s.first + NUMBER_DIGITS_MAX;
    if (number->negative)
        text[n++] = '-';
    for (size_t i = s.first; i < end; i++)
        text[n++] = (char)('0' + digit(number, i));
    s.power += (int64_t)(s.end - end);
    /* What is cut off is not zero: it stays as one digit that keeps the rest from being a tie. */
    if (end < s.end) {
        text[n++] = '1';
        s.power--;
    }
    (void)snprintf(text + n, NUMBER_TEXT_MAX - n, "e%lld", (long long)s.power);
    return s.first < s.end;
}

enum number_fit number_to_double(const struct number *number, double *value)
{
    char text[NUMBER_TEXT_MAX];
    *value = number->negative ? -0.0 : 0.0;
    if (!without_point(number, text))
        return NUMBER_FITS;
    *value = strtod(text, NULL);
    return isfinite(*value) && *value != 0 ? NUMBER_FITS : NUMBER_TOO_LARGE;
}

enum number_fit number_to_float(const struct number *number, float *value)
{
    char text[NUMBER_TEXT_MAX];
    *value = number->negative ? -0.0F : 0.0F;
    if (!without_point(number, text))
        return NUMBER_FITS;
    /* Not by way of a double, which would round twice. */
    *value = strtof(text, NULL);
    return isfinite(*value) && *value != 0 ? NUMBER_FITS : NUMBER_TOO_LARGE;
}

/* --- printing --- */

/* Significant digits that tell every value apart. */
#define NUMBER_DOUBLE_DIGITS 17
#define NUMBER_FLOAT_DIGITS  9

/* Powers of ten between which numbers are written without an exponent. */
#define NUMBER_PLAIN_MIN (-5)
#define NUMBER_PLAIN_MAX 15

/* A number taken apart: 0.DIGITS times ten to power + 1. */
struct printed {
    char digits[NUMBER_DOUBLE_DIGITS + 1];
    size_t n;
    int power;
};

/* Takes apart what %e gives: the digit, whatever the locale's point is, more digits, the exponent. */
static struct printed printed_of(double value, int n_digits)
{
    char text[NUMBER_PRINT_MAX + 16];
    struct printed printed = {.n = 0};
    (void)snprintf(text, sizeof text, "%.*e", n_digits - 1, fabs(value));
    const char *p = text;
    for (; *p && *p != 'e'; p++)
        if (*p >= '0' && *p <= '9' && printed.n < NUMBER_DOUBLE_DIGITS)
            printed.digits[printed.n++] = *p;
    printed.power = *p ? (int)strtol(p + 1, NULL, 10) : 0;
    while (printed.n > 1 && printed.digits[printed.n - 1] == '0')
        printed.n--;
    return printed;
}

/* The value that reads back, as the type that was printed. */
static double reread(const struct printed *printed, bool is_float)
{
    char text[NUMBER_PRINT_MAX + 16];
    (void)snprintf(text, sizeof text, "%.*se%d", (int)printed->n, printed->digits,
                   printed->power - (int)printed->n + 1);
    return is_float ? (double)strtof(text, NULL) : strtod(text, NULL);
}

static size_t put(char *text, size_t at, const char *bytes, size_t n)
{
    memcpy(text + at, bytes, n);
    return at + n;
}

static size_t put_zeros(char *text, size_t at, int n)
{
    for (; n > 0; n--)
        text[at++] = '0';
    return at;
}

static size_t put_plain(char *text, size_t at, const struct printed *printed)
{
    size_t whole = printed->power >= 0 ? (size_t)printed->power + 1 : 0;
    size_t known = whole < printed->n ? whole : printed->n;
    at = put(text, at, printed->digits, known);
    at = put_zeros(text, at, whole > 0 ? (int)(whole - known) : 1);
    at = put(text, at, ".", 1);
    at = put_zeros(text, at, whole > 0 ? 0 : -printed->power - 1);
    return known < printed->n ? put(text, at, printed->digits + known, printed->n - known)
                              : put(text, at, "0", 1);
}

static size_t put_scientific(char *text, size_t at, const struct printed *printed)
{
    at = put(text, at, printed->digits, 1);
    if (printed->n > 1) {
        at = put(text, at, ".", 1);
        at = put(text, at, printed->digits + 1, printed->n - 1);
    }
    return at + (size_t)snprintf(text + at, NUMBER_PRINT_MAX - at, "e%d", printed->power);
}

static size_t print(char text[NUMBER_PRINT_MAX], double value, bool is_float)
{
    int most = is_float ? NUMBER_FLOAT_DIGITS : NUMBER_DOUBLE_DIGITS;
    int n_digits = is_float ? NUMBER_FLOAT_DIGITS - 3 : NUMBER_DOUBLE_DIGITS - 2;
    struct printed printed = printed_of(value, n_digits);
    while (n_digits < most && reread(&printed, is_float) != fabs(value))
        printed = printed_of(value, ++n_digits);
    size_t at = signbit(value) ? put(text, 0, "-", 1) : 0;
    at = printed.power >= NUMBER_PLAIN_MIN && printed.power <= NUMBER_PLAIN_MAX
             ? put_plain(text, at, &printed)
             : put_scientific(text, at, &printed);
    text[at] = '\0';
    return at;
}

size_t number_print_double(char text[NUMBER_PRINT_MAX], double value)
{
    return print(text, value, false);
}

size_t number_print_float(char text[NUMBER_PRINT_MAX], float value)
{
    return print(text, (double)value, true);
}
