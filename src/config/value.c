#include "config/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DIGITS           "0123456789"
#define NAME_CHARACTERS  DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
#define TOPIC_CHARACTERS DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-"

/* A ratio counts in millionths. */
#define RATIO_ONE 1000000

struct unit {
    const char *name;
    int64_t factor;
};

/* From small to large; a row without name ends the table. */
static const struct unit durations[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000}, {"d", 24 * 60 * 60 * 1000}, {NULL, 0},
};

static const struct unit sizes[] = {
    {"", 1},
    {"B", 1},
    {"kB", 1000},
    {"KB", 1000},
    {"KiB", 1024},
    {"MB", 1000000},
    {"MiB", 1024 * 1024},
    {"GB", 1000000000},
    {"GiB", 1024 * 1024 * 1024},
    {NULL, 0},
};

/* The sizes that are printed. */
static const struct unit binary_sizes[] = {
    {" bytes", 1}, {"KiB", 1024}, {"MiB", 1024 * 1024}, {"GiB", 1024 * 1024 * 1024}, {NULL, 0},
};

/* Reads the digits that text begins with; returns what follows them, NULL when there are none or too many. */
static const char *leading_digits(const char *text, int64_t *out)
{
    int64_t value = 0;
    size_t len = strspn(text, DIGITS);
    if (len == 0)
        return NULL;
    for (size_t i = 0; i < len; i++) {
        int digit = text[i] - '0';
        if (value > (INT64_MAX - digit) / 10)
            return NULL;
        value = value * 10 + digit;
    }
    *out = value;
    return text + len;
}

bool value_count(const char *text, int64_t *out)
{
    int64_t value;
    const char *rest = leading_digits(text, &value);
    if (!rest || *rest)
        return false;
    *out = value;
    return true;
}

static bool with_unit(const char *text, const struct unit *units, int64_t *out)
{
    int64_t value;
    const char *rest = leading_digits(text, &value);
    if (!rest)
        return false;
    for (const struct unit *unit = units; unit->name; unit++) {
        if (strcmp(rest, unit->name) != 0)
            continue;
        if (value > INT64_MAX / unit->factor)
            return false;
        *out = value * unit->factor;
        return true;
    }
    return false;
}

bool value_duration(const char *text, int64_t *out)
{
    if (strcmp(text, "0") == 0) {
        *out = 0;
        return true;
    }
    return with_unit(text, durations, out);
}

bool value_size(const char *text, int64_t *out)
{
    return with_unit(text, sizes, out);
}

bool value_ratio(const char *text, int64_t *out)
{
    int64_t whole;
    int64_t fraction = 0;
    const char *p = leading_digits(text, &whole);
    if (!p || whole > INT64_MAX / RATIO_ONE - 1)
        return false;
    if (*p == '.') {
        int64_t factor = RATIO_ONE;
        for (p++; *p >= '0' && *p <= '9' && factor > 1; p++)
            fraction += (*p - '0') * (factor /= 10);
        if (factor == RATIO_ONE)
            return false;
    }
    if (*p)
        return false;
    *out = whole * RATIO_ONE + fraction;
    return true;
}

bool value_version(const char *text, int64_t *out)
{
    int64_t value;
    if (strcmp(text, "latest") == 0) {
        *out = 0;
        return true;
    }
    if (!value_count(text, &value) || value < 1 || value > INT32_MAX)
        return false;
    *out = value;
    return true;
}

static const char *print_with_unit(int64_t value, const struct unit *units, char buffer[VALUE_PRINTED_MAX])
{
    const struct unit *best = units;
    for (const struct unit *unit = units; unit->name; unit++) {
        if (value != 0 && value % unit->factor == 0)
            best = unit;
    }
    (void)snprintf(buffer, VALUE_PRINTED_MAX, "%" PRId64 "%s", value / best->factor, best->name);
    return buffer;
}

const char *value_print_duration(int64_t ms, char buffer[VALUE_PRINTED_MAX])
{
    return print_with_unit(ms, durations, buffer);
}

const char *value_print_size(int64_t bytes, char buffer[VALUE_PRINTED_MAX])
{
    return print_with_unit(bytes, binary_sizes, buffer);
}

const char *value_print_ratio(int64_t millionths, char buffer[VALUE_PRINTED_MAX])
{
    int len = snprintf(buffer, VALUE_PRINTED_MAX, "%" PRId64 ".%06" PRId64, millionths / RATIO_ONE,
                       millionths % RATIO_ONE);
    while (buffer[len - 1] == '0')
        buffer[--len] = '\0';
    if (buffer[len - 1] == '.')
        buffer[len - 1] = '\0';
    return buffer;
}

/* What follows one or more digits, NULL when there are none. */
static const char *skip_digits(const char *p)
{
    size_t len = strspn(p, DIGITS);
    return len > 0 ? p + len : NULL;
}

bool value_is_number(const char *text)
{
    const char *p = *text == '-' ? text + 1 : text;
    if (p[0] == '0' && strchr(DIGITS, p[1]) && p[1])
        return false;
    p = skip_digits(p);
    if (p && *p == '.')
        p = skip_digits(p + 1);
    if (p && (*p == 'e' || *p == 'E')) {
        p++;
        p = skip_digits(*p == '-' || *p == '+' ? p + 1 : p);
    }
    return p && *p == '\0';
}

bool value_is_printable(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p < 0x20 || *p == 0x7F)
            return false;
    }
    return true;
}

/* One URL of len bytes: a scheme, a host, perhaps a path; nothing that would end up in a log or be in the way
 * of a path that is appended. */
static bool is_url(const char *url, size_t len)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t n = strlen(schemes[i]);
        if (len > n && strncmp(url, schemes[i], n) == 0 && url[n] != '/')
            return strcspn(url, "@?#\\\"<>") >= len;
    }
    return false;
}

bool value_is_urls(const char *text)
{
    const char *p = text + strspn(text, ", ");
    if (!*p || !value_is_printable(text))
        return false;
    while (*p) {
        size_t len = strcspn(p, ", ");
        if (!is_url(p, len))
            return false;
        p += len;
        p += strspn(p, ", ");
    }
    return true;
}

bool value_is_names(const char *text)
{
    const char *p = text + strspn(text, ", ");
    if (!*p)
        return false;
    while (*p) {
        if (strspn(p, NAME_CHARACTERS) == 0)
            return false;
        p += strspn(p, NAME_CHARACTERS);
        if (*p && !strchr(", ", *p))
            return false;
        p += strspn(p, ", ");
    }
    return true;
}

bool value_is_topic(const char *text, int64_t max)
{
    size_t len = strlen(text);
    if (len == 0 || len > (size_t)max || strspn(text, TOPIC_CHARACTERS) != len)
        return false;
    return strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}
