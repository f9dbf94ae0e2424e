#include "core/format.h"

#include <assert.h>
#include <stddef.h>

#include "base/copy.h"
#include "base/least.h"

#define IPV4_PARTS        4
#define IPV4_LONGEST      15
#define IPV6_GROUPS       8
#define IPV6_GROUP_DIGITS 4
#define UUID_LENGTH       36
/* So many digits are a number of 64 bits whatever they are. */
#define CERTAIN_DIGITS 18

const char *const format_names[FORMAT_COUNT] = {
    [FORMAT_IP] = "ip",     [FORMAT_IPV4] = "ipv4",       [FORMAT_IPV6] = "ipv6",
    [FORMAT_UUID] = "uuid", [FORMAT_INTEGER] = "integer",
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The end of the decimal of 0 to 255 at p, NULL when there is none; a leading zero stands alone. What is
 * behind it ends with a byte that is no digit. */
static inline const uint8_t *ipv4_part(const uint8_t *p)
{
    if (!is_digit(p[0]))
        return NULL;
    if (!is_digit(p[1]))
        return p + 1;
    if (p[0] == '0')
        return NULL;
    if (!is_digit(p[2]))
        return p + 2;
    int value = (p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0');
    return value <= 255 ? p + 3 : NULL;
}

/* In a copy that ends with NULs, so that the end need not be looked for at each byte. */
static bool is_ipv4(const uint8_t *p, const uint8_t *end)
{
    uint8_t text[IPV4_LONGEST + 1] = {0};
    size_t len = (size_t)(end - p);
    if (len > IPV4_LONGEST)
        return false;
    copy_short(text, p, len);
    const uint8_t *at = text;
    for (int part = 0; part < IPV4_PARTS; part++) {
        if (part > 0 && *at++ != '.')
            return false;
        at = ipv4_part(at);
        if (!at)
            return false;
    }
    return at == text + len;
}

/* Number of hexadecimal digits at p, at most one more than a group may have. */
static size_t hex_run(const uint8_t *p, const uint8_t *end)
{
    size_t len = 0;
    while (p + len < end && len <= IPV6_GROUP_DIGITS && is_hex(p[len]))
        len++;
    return len;
}

/*
 * Counts the 16-bit groups from p to end, separated by single colons; a trailing IPv4 address counts as two.
 * -1 when that is not what stands there. An empty text has no group.
 */
static int ipv6_groups(const uint8_t *p, const uint8_t *end, bool ipv4_allowed)
{
    int groups = 0;
    while (p < end) {
        size_t len = hex_run(p, end);
        if (len == 0)
            return -1;
        const uint8_t *next = p + len;
        if (next < end && *next == '.')
            return ipv4_allowed && is_ipv4(p, end) ? groups + 2 : -1;
        if (len > IPV6_GROUP_DIGITS)
            return -1;
        groups++;
        if (next == end)
            return groups;
        if (*next != ':' || next + 1 == end || groups > IPV6_GROUPS)
            return -1;
        p = next + 1;
    }
    return groups;
}

/* The first "::" at or after p, NULL when there is none. */
static const uint8_t *find_gap(const uint8_t *p, const uint8_t *end)
{
    for (; end - p >= 2; p++)
        if (p[0] == ':' && p[1] == ':')
            return p;
    return NULL;
}

static bool is_ipv6(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *gap = find_gap(p, end);
    if (!gap)
        return ipv6_groups(p, end, true) == IPV6_GROUPS;
    int before = ipv6_groups(p, gap, false);
    int after = ipv6_groups(gap + 2, end, true);
    /* The gap stands for at least one group. */
    return before >= 0 && after >= 0 && before + after < IPV6_GROUPS;
}

static bool is_uuid(struct weir_bytes text)
{
    if (text.len != UUID_LENGTH)
        return false;
    for (size_t i = 0; i < UUID_LENGTH; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text.data[i] != '-' : !is_hex(text.data[i]))
            return false;
    }
    return true;
}

bool format_integer(struct weir_bytes text, int64_t *value)
{
    size_t i = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+') ? 1 : 0;
    bool negative = i == 1 && text.data[0] == '-';
    if (i == text.len)
        return false;
    int64_t sum = 0;
    for (size_t certain = least(text.len, i + CERTAIN_DIGITS); i < certain; i++) {
        unsigned digit = (unsigned)text.data[i] - '0';
        if (digit > 9)
            return false;
        sum = sum * 10 + (int)digit;
    }
    sum = negative ? -sum : sum;
    for (; i < text.len; i++) {
        if (!is_digit(text.data[i]))
            return false;
        int digit = text.data[i] - '0';
        /* Summed on the side of its own sign, since the least number has no positive counterpart. */
        if (__builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, negative ? -digit : digit, &sum))
            return false;
    }
    *value = sum;
    return true;
}

bool format_matches(enum format format, struct weir_bytes text)
{
    const uint8_t *p = text.data, *end = p + text.len;
    int64_t ignored;
    switch (format) {
    case FORMAT_IP: return is_ipv4(p, end) || is_ipv6(p, end);
    case FORMAT_IPV4: return is_ipv4(p, end);
    case FORMAT_IPV6: return is_ipv6(p, end);
    case FORMAT_UUID: return is_uuid(text);
    case FORMAT_INTEGER: return format_integer(text, &ignored);
    case FORMAT_COUNT: break;
    }
    assert(false && "a format that does not exist");
    return false;
}
