#include <string.h>

#include "weir/bytes.h"

#define ASCII_MASK UINT64_C(0x8080808080808080)

/* Length of the run of ASCII at p, looked at eight bytes at a time since nearly all text is ASCII. */
static size_t ascii_run(const uint8_t *p, size_t len)
{
    size_t i = 0;
    while (len - i >= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, p + i, sizeof word);
        if (word & ASCII_MASK)
            break;
        i += sizeof word;
    }
    while (i < len && p[i] < 0x80)
        i++;
    return i;
}

static bool continues(uint8_t byte, uint8_t low, uint8_t high)
{
    return byte >= low && byte <= high;
}

/* Length of the well-formed sequence of several bytes at p, 0 when there is none (Unicode, table 3-7). */
static size_t sequence(const uint8_t *p, size_t len)
{
    uint8_t first = p[0];
    if (first >= 0xC2 && first <= 0xDF)
        return len >= 2 && continues(p[1], 0x80, 0xBF) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) {
        uint8_t low = first == 0xE0 ? 0xA0 : 0x80;
        uint8_t high = first == 0xED ? 0x9F : 0xBF;
        return len >= 3 && continues(p[1], low, high) && continues(p[2], 0x80, 0xBF) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        uint8_t low = first == 0xF0 ? 0x90 : 0x80;
        uint8_t high = first == 0xF4 ? 0x8F : 0xBF;
        return len >= 4 && continues(p[1], low, high) && continues(p[2], 0x80, 0xBF) &&
                       continues(p[3], 0x80, 0xBF)
                   ? 4
                   : 0;
    }
    return 0;
}

bool weir_utf8_valid(struct weir_bytes text, size_t *bad)
{
    size_t i = 0;
    if (text.len == 0)
        return true;
    for (;;) {
        i += ascii_run(text.data + i, text.len - i);
        if (i == text.len)
            return true;
        size_t n = sequence(text.data + i, text.len - i);
        if (n == 0) {
            if (bad)
                *bad = i;
            return false;
        }
        i += n;
    }
}
