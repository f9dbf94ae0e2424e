/* JSON's syntax, where nobody wants to know what it says. */
#include <string.h>

#include "avro/json_parts.h"
#include "avro/number.h"

bool json_fail_syntax(struct cursor *c, const char *expected)
{
    if (c->p == c->end)
        return cursor_fail(c, WEIR_CODE_NOT_JSON, c->p, "the text ends where %s should be", expected);
    return cursor_fail(c, WEIR_CODE_NOT_JSON, c->p, "no %s where one should be", expected);
}

bool json_fail_deep(struct cursor *c)
{
    return cursor_fail(c, WEIR_CODE_TOO_DEEP, c->p, "nested deeper than %d", WEIR_VALUE_DEPTH_MAX);
}

bool json_skip_word(struct cursor *c, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(c->end - c->p) < len || memcmp(c->p, word, len) != 0)
        return json_fail_syntax(c, "value");
    c->p += len;
    return true;
}

static bool skip_text(struct cursor *c)
{
    struct json_span span;
    struct weir_bytes nothing;
    return json_span_read(c, &span) &&
           (!span.escaped || json_span_decode(c, &span, JSON_USE_STRING, false, &nothing));
}

static bool skip_number(struct cursor *c)
{
    struct number number;
    size_t len = number_scan((struct weir_bytes){c->p, (size_t)(c->end - c->p)}, &number);
    if (len == 0)
        return json_fail_syntax(c, "value");
    c->p += len;
    return true;
}

/* A member's name and its colon. */
static bool skip_name(struct cursor *c)
{
    json_skip_space(c);
    if (c->p == c->end || *c->p != '"')
        return json_fail_syntax(c, "name");
    if (!skip_text(c))
        return false;
    json_skip_space(c);
    if (c->p == c->end || *c->p != ':')
        return json_fail_syntax(c, "colon");
    c->p++;
    return true;
}

/* The values of an array or object, whose opening bracket is at the cursor. */
static bool skip_nested(struct cursor *c, size_t depth)
{
    bool is_object = *c->p == '{';
    uint8_t close = is_object ? '}' : ']';
    if (depth >= JSON_DEPTH_MAX)
        return cursor_fail(c, WEIR_CODE_TOO_DEEP, c->p, "nested deeper than %d", JSON_DEPTH_MAX);
    c->p++;
    json_skip_space(c);
    if (c->p < c->end && *c->p == close) {
        c->p++;
        return true;
    }
    for (;;) {
        if ((is_object && !skip_name(c)) || !json_skip_value(c, depth + 1))
            return false;
        json_skip_space(c);
        if (c->p < c->end && *c->p == close)
            break;
        if (c->p == c->end || *c->p != ',')
            return json_fail_syntax(c, is_object ? "comma or brace" : "comma or bracket");
        c->p++;
    }
    c->p++;
    return true;
}

bool json_skip_value(struct cursor *c, size_t depth)
{
    json_skip_space(c);
    if (c->p == c->end)
        return json_fail_syntax(c, "value");
    switch (*c->p) {
    case '"': return skip_text(c);
    case '{':
    case '[': return skip_nested(c, depth);
    case 't': return json_skip_word(c, "true");
    case 'f': return json_skip_word(c, "false");
    case 'n': return json_skip_word(c, "null");
    default: return skip_number(c);
    }
}
