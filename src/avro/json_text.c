/* Texts of JSON (RFC 8259, section 7): to UTF-8 and back. */
#include <string.h>

#include "avro/json_parts.h"

/* --- between the quotes --- */

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The length of the run at p that needs no look: no quote, backslash or control character, and ASCII. Eight
 * bytes at a time, since nearly all text is such; up to seven of the run may be left. */
static size_t plain_run(const uint8_t *p, const uint8_t *end)
{
    size_t n = 0;
    for (; (size_t)(end - p) - n >= sizeof(uint64_t); n += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, p + n, sizeof word);
        uint64_t quote = word ^ EACH('"'), backslash = word ^ EACH('\\');
        /* In each term the high bit of a byte is set where it is what is looked for, or not ASCII. */
        uint64_t found = (quote - EACH(1)) | (backslash - EACH(1)) | (word - EACH(0x20)) | word;
        if (found & EACH(0x80))
            break;
    }
    return n;
}

bool json_span_read(struct cursor *c, struct json_span *span)
{
    const uint8_t *start = c->p + 1, *p = start + plain_run(start, c->end);
    uint8_t all = 0;
    span->escaped = false;
    for (; p < c->end && *p != '"'; p++) {
        if (*p < 0x20)
            return cursor_fail(c, WEIR_CODE_NOT_JSON, p, "the control character %u in a text", *p);
        all |= *p;
        if (*p != '\\')
            continue;
        span->escaped = true;
        if (++p == c->end)
            break;
    }
    if (p >= c->end)
        return cursor_fail(c, WEIR_CODE_NOT_JSON, c->p, "a text does not end");
    span->inside = (struct weir_bytes){start, (size_t)(p - start)};
    size_t bad;
    if (all >= 0x80 && !weir_utf8_valid(span->inside, &bad))
        return cursor_fail(c, WEIR_CODE_BAD_UTF8, start + bad, "byte %zu of a text of %zu bytes is not UTF-8",
                           bad, span->inside.len);
    c->p = p + 1;
    return true;
}

/* --- what it means --- */

#define SURROGATE_HIGH 0xD800U
#define SURROGATE_LOW  0xDC00U
#define SURROGATE_END  0xE000U

/* What no character is. */
#define CHARACTER_BROKEN    0xFFFFFFFFU /* an escape that JSON has not */
#define CHARACTER_SURROGATE 0xFFFFFFFEU /* half of a pair */

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four hex digits at p; CHARACTER_BROKEN when they are not there. */
static uint32_t hex_unit(const uint8_t *p, const uint8_t *end)
{
    uint32_t unit = 0;
    if (end - p < 4)
        return CHARACTER_BROKEN;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0)
            return CHARACTER_BROKEN;
        unit = unit << 4 | (uint32_t)digit;
    }
    return unit;
}

/* The character of \uXXXX, with *p behind the u; a pair of surrogates takes another \uXXXX. */
static uint32_t escape_unicode(const uint8_t **p, const uint8_t *end)
{
    uint32_t high = hex_unit(*p, end);
    if (high == CHARACTER_BROKEN)
        return high;
    *p += 4;
    if (high < SURROGATE_HIGH || high >= SURROGATE_END)
        return high;
    if (high >= SURROGATE_LOW || end - *p < 2 || (*p)[0] != '\\' || (*p)[1] != 'u')
        return CHARACTER_SURROGATE;
    uint32_t low = hex_unit(*p + 2, end);
    if (low < SURROGATE_LOW || low >= SURROGATE_END)
        return low == CHARACTER_BROKEN ? low : CHARACTER_SURROGATE;
    *p += 6;
    return 0x10000 + ((high - SURROGATE_HIGH) << 10 | (low - SURROGATE_LOW));
}

/* The character of an escape, whose backslash is at *p; json_span_read saw that a byte follows. */
static uint32_t escape_read(const uint8_t **p, const uint8_t *end)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    uint8_t letter = (*p)[1];
    *p += 2;
    if (letter == 'u')
        return escape_unicode(p, end);
    const char *found = letter ? strchr(letters, letter) : NULL;
    return found ? (uint8_t)meanings[found - letters] : CHARACTER_BROKEN;
}

/* A character of UTF-8 that is known to be well-formed. */
static uint32_t utf8_read(const uint8_t **p)
{
    const uint8_t *at = *p;
    uint32_t first = at[0];
    if (first < 0x80) {
        *p += 1;
        return first;
    }
    if (first < 0xE0) {
        *p += 2;
        return (first & 0x1F) << 6 | (at[1] & 0x3FU);
    }
    if (first < 0xF0) {
        *p += 3;
        return (first & 0x0F) << 12 | (at[1] & 0x3FU) << 6 | (at[2] & 0x3FU);
    }
    *p += 4;
    return (first & 0x07) << 18 | (at[1] & 0x3FU) << 12 | (at[2] & 0x3FU) << 6 | (at[3] & 0x3FU);
}

/* Writes a character as UTF-8; how many bytes it takes. */
static size_t utf8_write(uint8_t bytes[4], uint32_t character)
{
    if (character < 0x80) {
        bytes[0] = (uint8_t)character;
        return 1;
    }
    if (character < 0x800) {
        bytes[0] = (uint8_t)(0xC0 | character >> 6);
        bytes[1] = (uint8_t)(0x80 | (character & 0x3F));
        return 2;
    }
    if (character < 0x10000) {
        bytes[0] = (uint8_t)(0xE0 | character >> 12);
        bytes[1] = (uint8_t)(0x80 | (character >> 6 & 0x3F));
        bytes[2] = (uint8_t)(0x80 | (character & 0x3F));
        return 3;
    }
    bytes[0] = (uint8_t)(0xF0 | character >> 18);
    bytes[1] = (uint8_t)(0x80 | (character >> 12 & 0x3F));
    bytes[2] = (uint8_t)(0x80 | (character >> 6 & 0x3F));
    bytes[3] = (uint8_t)(0x80 | (character & 0x3F));
    return 4;
}

/* Says why a character cannot be used; true when it can. */
static bool character_check(struct cursor *c, uint32_t character, enum json_use use, const uint8_t *at)
{
    if (character == CHARACTER_BROKEN)
        return cursor_fail(c, WEIR_CODE_NOT_JSON, at, "an escape that JSON has not");
    if (character == CHARACTER_SURROGATE)
        return cursor_fail(c, WEIR_CODE_BAD_UTF8, at, "half of a pair of surrogates");
    if (use == JSON_USE_BYTES && character > 0xFF)
        return cursor_fail(c, WEIR_CODE_OUT_OF_RANGE, at, "U+%04X is not a byte", character);
    return true;
}

bool json_span_decode(struct cursor *c, const struct json_span *span, enum json_use use, bool write,
                      struct weir_bytes *decoded)
{
    const uint8_t *p = span->inside.data, *end = p + span->inside.len;
    *decoded = (struct weir_bytes){c->out->base + c->out->used, 0};
    while (p < end) {
        const uint8_t *at = p;
        uint32_t character = *at == '\\' ? escape_read(&p, end) : utf8_read(&p);
        if (!character_check(c, character, use, at))
            return false;
        uint8_t bytes[4] = {(uint8_t)character};
        size_t n = use == JSON_USE_BYTES ? 1 : utf8_write(bytes, character);
        decoded->len += n;
        if (!write)
            continue;
        uint8_t *to = weir_arena_alloc(c->out, n, 1);
        if (!to)
            return cursor_fail_full(c);
        memcpy(to, bytes, n);
    }
    return true;
}

/* --- writing --- */

/* How a byte of a JSON text is written; NULL: as it is. */
static const char *escape_of(uint8_t byte)
{
    static const char *const controls[0x20] = {
        "\\u0000", "\\u0001", "\\u0002", "\\u0003", "\\u0004", "\\u0005", "\\u0006", "\\u0007",
        "\\b",     "\\t",     "\\n",     "\\u000b", "\\f",     "\\r",     "\\u000e", "\\u000f",
        "\\u0010", "\\u0011", "\\u0012", "\\u0013", "\\u0014", "\\u0015", "\\u0016", "\\u0017",
        "\\u0018", "\\u0019", "\\u001a", "\\u001b", "\\u001c", "\\u001d", "\\u001e", "\\u001f",
    };
    if (byte < 0x20)
        return controls[byte];
    if (byte == '"')
        return "\\\"";
    return byte == '\\' ? "\\\\" : NULL;
}

static bool put(struct weir_arena *out, const void *bytes, size_t len)
{
    uint8_t *to = weir_arena_alloc(out, len, 1);
    if (to && len > 0)
        memcpy(to, bytes, len);
    return to != NULL;
}

/* Well-formed UTF-8, with what must be escaped. */
static bool put_escaped(struct weir_arena *out, const uint8_t *p, size_t len)
{
    size_t begin = 0;
    for (size_t i = 0; i < len; i++) {
        const char *escape = escape_of(p[i]);
        if (!escape)
            continue;
        if (!put(out, p + begin, i - begin) || !put(out, escape, strlen(escape)))
            return false;
        begin = i + 1;
    }
    return put(out, p + begin, len - begin);
}

bool json_write_character(struct weir_arena *out, uint8_t character)
{
    uint8_t bytes[4];
    return put_escaped(out, bytes, utf8_write(bytes, character));
}

static bool put_text(struct weir_arena *out, struct weir_bytes text)
{
    while (text.len > 0) {
        size_t good = text.len;
        bool valid = weir_utf8_valid(text, &good);
        if (!put_escaped(out, text.data, good) || (!valid && !put(out, "\\ufffd", 6)))
            return false;
        size_t past = valid ? good : good + 1;
        text = (struct weir_bytes){text.data + past, text.len - past};
    }
    return true;
}

bool json_write_text(struct weir_arena *out, struct weir_bytes text)
{
    size_t used = out->used;
    if (put(out, "\"", 1) && put_text(out, text) && put(out, "\"", 1))
        return true;
    out->used = used;
    return false;
}
