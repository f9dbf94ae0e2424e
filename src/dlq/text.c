#include "dlq/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)

const char *text_print(struct weir_bytes bytes, char *text, size_t cap)
{
    size_t len = bytes.len < cap - 1 ? bytes.len : cap - 1;
    if (!bytes.data || len == 0) {
        (void)snprintf(text, cap, "-");
        return text;
    }
    /* A character is not cut in two. */
    while (len > 0 && len < bytes.len && (bytes.data[len] & 0xC0) == 0x80)
        len--;
    memcpy(text, bytes.data, len);
    text[len] = '\0';
    size_t bad;
    while (!weir_utf8_valid((struct weir_bytes){(const uint8_t *)text, len}, &bad))
        text[bad] = '?';
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        /* C1 controls are two bytes in UTF-8: c2 80 to c2 9f. */
        bool c1 = c == 0xC2 && (unsigned char)text[i + 1] < 0xA0;
        if (c < 0x20 || c == 0x7F)
            text[i] = '?';
        else if (c1)
            text[i] = text[i + 1] = '?';
    }
    return text;
}

const char *text_time(int64_t ms, char *text, size_t cap)
{
    if (ms < 0) {
        (void)snprintf(text, cap, "-");
        return text;
    }
    int64_t days = ms / DAY_MS, seconds = ms % DAY_MS / 1000;
    /* The Gregorian calendar in eras of 400 years that begin on the first of March of year 0. */
    int64_t shifted = days + 719468, era = shifted / 146097, of_era = shifted % 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153, day = of_year - (153 * month + 2) / 5 + 1;
    year += era * 400 + (month >= 10);
    month = month < 10 ? month + 3 : month - 9;
    (void)snprintf(text, cap,
                   "%04" PRId64 "-%02" PRId64 "-%02" PRId64 "T%02" PRId64 ":%02" PRId64 ":%02" PRId64 "Z",
                   year, month, day, seconds / 3600, seconds / 60 % 60, seconds % 60);
    return text;
}

const char *text_span(int64_t ms, char text[TEXT_SPAN_MAX])
{
    int64_t s = ms > 0 ? ms / 1000 : 0;
    if (s < 60)
        (void)snprintf(text, TEXT_SPAN_MAX, "%" PRId64 " s", s);
    else if (s < 3600)
        (void)snprintf(text, TEXT_SPAN_MAX, "%" PRId64 "m %" PRId64 "s", s / 60, s % 60);
    else if (s < 86400)
        (void)snprintf(text, TEXT_SPAN_MAX, "%" PRId64 "h %" PRId64 "m", s / 3600, s / 60 % 60);
    else
        (void)snprintf(text, TEXT_SPAN_MAX, "%" PRId64 "d %" PRId64 "h", s / 86400, s / 3600 % 24);
    return text;
}
