#include "avro/take.h"

#include <inttypes.h>

bool take_fail_varint(struct cursor *c)
{
    ptrdiff_t left = c->end - c->p, n = 0;
    while (n < left && n < VARINT_LONG_MAX && c->p[n] >= 0x80)
        n++;
    if (n == VARINT_LONG_MAX)
        return cursor_fail(c, WEIR_CODE_BAD_LENGTH, c->p, "an integer of more than %d bytes",
                           VARINT_LONG_MAX);
    if (n == left)
        return cursor_fail(c, WEIR_CODE_TRUNCATED, c->p, "an integer ends after %td bytes", left);
    return cursor_fail(c, WEIR_CODE_OUT_OF_RANGE, c->p, "an integer of more than 64 bits");
}

bool take_fail_int(struct cursor *c, const uint8_t *start, int64_t value)
{
    if (value < INT32_MIN || value > INT32_MAX)
        return cursor_fail(c, WEIR_CODE_OUT_OF_RANGE, start, "%" PRId64 " is not an int", value);
    return cursor_fail(c, WEIR_CODE_BAD_LENGTH, start, "an int of %td bytes", c->p - start);
}

bool take_fail_few(struct cursor *c, size_t n)
{
    return cursor_fail(c, WEIR_CODE_TRUNCATED, c->p, "%zu bytes are needed, but %td remain", n,
                       c->end - c->p);
}

bool take_fail_length(struct cursor *c, const uint8_t *start, int64_t len)
{
    if (len < 0)
        return cursor_fail(c, WEIR_CODE_BAD_LENGTH, start, "length %" PRId64, len);
    return cursor_fail(c, WEIR_CODE_TRUNCATED, start, "length %" PRId64 ", but %td bytes remain", len,
                       c->end - c->p);
}

bool take_boolean(struct cursor *c, int64_t *value)
{
    const uint8_t *byte;
    if (!take_fixed(c, 1, &byte))
        return false;
    if (*byte > 1)
        return cursor_fail(c, WEIR_CODE_BAD_BOOLEAN, byte, "a boolean of value %u", *byte);
    *value = *byte;
    return true;
}

bool take_text(struct cursor *c, struct weir_bytes *text)
{
    size_t bad;
    if (!take_bytes(c, text))
        return false;
    if (take_is_ascii(text->data, text->len) || weir_utf8_valid(*text, &bad))
        return true;
    return cursor_fail(c, WEIR_CODE_BAD_UTF8, text->data + bad,
                       "byte %zu of a text of %zu bytes is not UTF-8", bad, text->len);
}
