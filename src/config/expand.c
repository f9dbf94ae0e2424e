#include "config/expand.h"

#include <stdlib.h>
#include <string.h>

#include "config/property.h"

/* Bytes of a variable's name or a file's path. */
#define EXPAND_NAME_MAX 1024

#define FILE_MARK       "file:"
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789"

struct expansion {
    const struct reading *reading;
    struct tree_node *scalar;
    char *out; /* of EXPAND_TEXT_MAX bytes */
    size_t len;
};

static enum weir_err_code append(struct expansion *e, const char *text, size_t len)
{
    if (len > EXPAND_TEXT_MAX - e->len)
        return reading_fail(e->reading, e->scalar->at, "the value has more than %d bytes", EXPAND_TEXT_MAX);
    memcpy(e->out + e->len, text, len);
    e->len += len;
    return WEIR_OK;
}

/* A line of a file ends in a line end that is no part of the secret. */
static size_t without_line_end(const char *text, size_t len)
{
    if (len > 0 && text[len - 1] == '\n')
        len--;
    if (len > 0 && text[len - 1] == '\r')
        len--;
    return len;
}

static enum weir_err_code append_file(struct expansion *e, const char *path)
{
    const struct config_world *world = e->reading->world;
    char *room = e->out + e->len;
    size_t len;
    struct weir_err cause;
    e->scalar->secret = true;
    e->scalar->origin = TREE_FROM_SECRET_FILE;
    if (*path == '\0')
        return reading_fail(e->reading, e->scalar->at, "${file:} needs a path");
    if (world->file(world->context, path, room, EXPAND_TEXT_MAX - e->len, &len, &cause))
        return reading_fail(e->reading, e->scalar->at, "${file:} cannot read %s: %s",
                            reading_quote(path).text, cause.text);
    if (memchr(room, 0, len) || !weir_utf8_valid((struct weir_bytes){(uint8_t *)room, len}, NULL))
        return reading_fail(e->reading, e->scalar->at, "${file:} %s is not a text", reading_quote(path).text);
    e->len += without_line_end(room, len);
    return WEIR_OK;
}

static bool is_variable_name(const char *name)
{
    return *name && !strchr("0123456789", *name) && name[strspn(name, NAME_CHARACTERS)] == '\0';
}

/* fallback is NULL where none was given. As in a shell, ":-" also stands in for an empty variable. */
static enum weir_err_code append_variable(struct expansion *e, const char *name, const char *fallback)
{
    const struct config_world *world = e->reading->world;
    struct weir_at at = e->scalar->at;
    if (!is_variable_name(name))
        return reading_fail(e->reading, at,
                            "${...} is not understood: write ${NAME}, ${NAME:-default} or ${file:PATH}, "
                            "and $$ for a dollar sign");
    const char *value = world->variable(world->context, name);
    if (!value && !fallback)
        return reading_fail(e->reading, at, "the environment variable %s is not set", name);
    if (fallback && (!value || *value == '\0'))
        return append(e, fallback, strlen(fallback));
    if (!weir_utf8_valid(weir_bytes_of(value), NULL))
        return reading_fail(e->reading, at, "the environment variable %s is not UTF-8", name);
    if (e->scalar->origin == TREE_FROM_FILE)
        e->scalar->origin = TREE_FROM_ENVIRONMENT;
    e->scalar->secret = e->scalar->secret || property_is_secret(name);
    return append(e, value, strlen(value));
}

/* Expands what stands between "${" and "}". */
static enum weir_err_code append_braces(struct expansion *e, const char *inside, size_t len)
{
    char name[EXPAND_NAME_MAX + 1];
    if (len > EXPAND_NAME_MAX)
        return reading_fail(e->reading, e->scalar->at, "${...} has more than %d bytes", EXPAND_NAME_MAX);
    memcpy(name, inside, len);
    name[len] = '\0';
    if (strstr(name, "${"))
        return reading_fail(e->reading, e->scalar->at, "${...} cannot stand inside of ${...}");
    if (strncmp(name, FILE_MARK, strlen(FILE_MARK)) == 0)
        return append_file(e, name + strlen(FILE_MARK));
    char *fallback = strstr(name, ":-");
    if (fallback) {
        *fallback = '\0';
        fallback += 2;
    }
    return append_variable(e, name, fallback);
}

/* Expands what *text begins with, a dollar sign, and moves *text behind it. */
static enum weir_err_code append_dollar(struct expansion *e, const char **text)
{
    const char *p = *text + 1;
    if (*p != '{') {
        /* "$$" is one dollar sign; one that begins nothing stands for itself. */
        *text = *p == '$' ? p + 1 : p;
        return append(e, "$", 1);
    }
    const char *end = strchr(p, '}');
    if (!end)
        return reading_fail(e->reading, e->scalar->at, "'${' lacks its '}'; write $$ for a dollar sign");
    *text = end + 1;
    return append_braces(e, p + 1, (size_t)(end - p - 1));
}

static enum weir_err_code expand_text(struct expansion *e, const char *text)
{
    enum weir_err_code code = WEIR_OK;
    while (code == WEIR_OK && *text) {
        size_t plain = strcspn(text, "$");
        code = append(e, text, plain);
        text += plain;
        if (code == WEIR_OK && *text)
            code = append_dollar(e, &text);
    }
    return code;
}

enum weir_err_code expand_scalar(const struct reading *reading, struct tree_node *scalar)
{
    if (!strchr(scalar->text, '$'))
        return WEIR_OK;
    struct expansion e = {.reading = reading, .scalar = scalar, .out = malloc(EXPAND_TEXT_MAX)};
    if (!e.out)
        return reading_no_memory(reading);
    enum weir_err_code code = expand_text(&e, scalar->text);
    if (code == WEIR_OK) {
        scalar->text = blocks_text(reading->blocks, e.out, e.len);
        code = scalar->text ? WEIR_OK : reading_no_memory(reading);
    }
    free(e.out);
    return code;
}
