#include "config/reading.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* len, or less so that a cut does not fall inside a character of several bytes. */
static size_t whole_characters(const char *word, size_t len)
{
    while (len > 0 && ((unsigned char)word[len] & 0xC0) == 0x80)
        len--;
    return len;
}

struct reading_word reading_quote(const char *word)
{
    struct reading_word quoted;
    size_t len = strlen(word);
    size_t kept = len <= READING_WORD_MAX ? len : whole_characters(word, READING_WORD_MAX);
    (void)snprintf(quoted.text, sizeof quoted.text, "'%.*s%s'", (int)kept, word, kept < len ? "..." : "");
    for (char *p = quoted.text; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7F)
            *p = '?';
    }
    return quoted;
}

enum weir_err_code reading_fail(const struct reading *reading, struct weir_at at, const char *format, ...)
{
    char text[WEIR_ERR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (at.line == 0)
        return weir_fail(reading->err, WEIR_ERR_CONFIG, "%.*s: %s", READING_NAME_MAX, reading->name, text);
    return weir_fail(reading->err, WEIR_ERR_CONFIG, "%.*s:%d:%d: %s", READING_NAME_MAX, reading->name,
                     at.line, at.column, text);
}

enum weir_err_code reading_no_memory(const struct reading *reading)
{
    return weir_fail(reading->err, WEIR_ERR_NO_MEMORY, "%.*s: not enough memory", READING_NAME_MAX,
                     reading->name);
}
