#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/parsed.h"
#include "config/property.h"

/* Widths of the columns of `weir config show`; what is longer pushes the rest to the right. */
#define NAME_WIDTH  36
#define VALUE_WIDTH 32

#define MASK "(secret)"

struct show {
    FILE *to;
    bool json;
    bool any; /* a line was printed */
    const char *file;
};

/* One line of what is shown. */
struct line {
    const char *section; /* "kafka." or "", in front of the name */
    const char *name;
    const char *value;            /* NULL: node is shown instead */
    const struct tree_node *node; /* the file's own */
    const char *from;
    struct weir_at at; /* line 0: not of the file */
};

static const char *origin_name(enum tree_origin origin)
{
    switch (origin) {
    case TREE_FROM_DEFAULT: return "default";
    case TREE_FROM_FILE: return "file";
    case TREE_FROM_ENVIRONMENT: return "environment";
    default: return "secret file";
    }
}

/* What stands between the quotes of a JSON text. */
static void put_escaped(FILE *to, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            fprintf(to, "\\%c", *p);
        else if (*p < 0x20 || *p == 0x7F)
            fprintf(to, "\\u%04x", *p);
        else
            fputc(*p, to);
    }
}

static void put_json_text(FILE *to, const char *text)
{
    fputc('"', to);
    put_escaped(to, text);
    fputc('"', to);
}

/* A scalar in one line: in JSON always text, for a person in quotes only where they say something. */
static void put_scalar(FILE *to, bool json, const struct tree_node *scalar)
{
    const char *text = scalar->secret ? MASK : scalar->text;
    bool plain = !scalar->quoted && !scalar->secret;
    for (const char *p = text; *p && plain; p++)
        plain = (unsigned char)*p >= 0x20 && *p != 0x7F && *p != '"';
    if (json || !(plain || scalar->secret))
        put_json_text(to, text);
    else
        fputs(text, to);
}

static void put_node(FILE *to, bool json, const struct tree_node *node);

static void put_children(FILE *to, bool json, const struct tree_node *parent)
{
    for (const struct tree_node *child = parent->children; child; child = child->next) {
        if (child->key && json)
            put_json_text(to, child->key);
        else if (child->key)
            put_escaped(to, child->key);
        if (child->key)
            fputs(": ", to);
        put_node(to, json, child);
        if (child->next)
            fputs(", ", to);
    }
}

/* A node in one line: JSON, or flow YAML, which differ only in quotes. Its depth is bounded by the tree's. */
static void put_node(FILE *to, bool json, const struct tree_node *node)
{
    if (node->kind == TREE_SCALAR) {
        put_scalar(to, json, node);
        return;
    }
    fputs(node->kind == TREE_MAP ? "{ " : "[", to);
    put_children(to, json, node);
    fputs(node->kind == TREE_MAP ? " }" : "]", to);
}

static void put_json_line(struct show *show, const struct line *line)
{
    fprintf(show->to, "%s\n  {\"name\": \"%s", show->any ? "," : "", line->section);
    put_escaped(show->to, line->name);
    fputs("\", \"value\": ", show->to);
    if (line->value)
        put_json_text(show->to, line->value);
    else
        put_node(show->to, true, line->node);
    fprintf(show->to, ", \"from\": \"%s\"", line->from);
    if (line->at.line)
        fprintf(show->to, ", \"line\": %d", line->at.line);
    fputc('}', show->to);
}

/* Pads what was just printed, of so many bytes, to a column. */
static void pad(FILE *to, size_t len, size_t width)
{
    fprintf(to, "%*s  ", len < width ? (int)(width - len) : 0, "");
}

static void put_text_value(FILE *to, const struct line *line)
{
    if (line->value)
        put_escaped(to, line->value);
    else
        put_node(to, false, line->node);
}

static void put_text_line(struct show *show, const struct line *line)
{
    char *value = NULL;
    size_t len = 0;
    FILE *memory = open_memstream(&value, &len);
    if (!memory)
        return;
    put_text_value(memory, line);
    if (fclose(memory) == 0) {
        fputs(line->section, show->to);
        put_escaped(show->to, line->name);
        pad(show->to, strlen(line->section) + strlen(line->name), NAME_WIDTH);
        fputs(value, show->to);
        pad(show->to, len, VALUE_WIDTH);
        if (strcmp(line->from, "file") != 0)
            fprintf(show->to, "%s%s", line->from, line->at.line ? ", " : "");
        if (line->at.line)
            fprintf(show->to, "%s:%d", show->file, line->at.line);
        fputc('\n', show->to);
    }
    free(value);
}

static void put_line(struct show *show, const struct line *line)
{
    if (show->json)
        put_json_line(show, line);
    else
        put_text_line(show, line);
    show->any = true;
}

static void show_option(struct show *show, const struct parsed *parsed, int index)
{
    const struct parsed_value *value = &parsed->values[index];
    bool replaced = parsed->spec.core.partition_field && options[index].kind == OPTION_WORD &&
                    options[index].offset == offsetof(struct weir_spec, output.partition);
    /* An option without value has nothing to show; a field in place of a partition's word is shown alone. */
    if (!value->text || replaced)
        return;
    put_line(show, &(struct line){"", options[index].path, value->secret ? MASK : value->text, NULL,
                                  origin_name(value->origin), value->at});
}

/* Scalars have an origin of their own; lists and maps are the file's. */
static void show_node(struct show *show, const char *section, const char *name, const struct tree_node *node)
{
    enum tree_origin origin = node->kind == TREE_SCALAR ? node->origin : TREE_FROM_FILE;
    struct weir_at at = node->key ? node->key_at : node->at;
    put_line(show, &(struct line){section, name, NULL, node, origin_name(origin), at});
}

static void show_list(struct show *show, const struct parsed *parsed, const char *name)
{
    const struct tree_node *list = tree_child(parsed->tree, name);
    char index[sizeof "drop_when[]" + 20];
    size_t i = 0;
    for (const struct tree_node *entry = list ? list->children : NULL; entry; entry = entry->next, i++) {
        (void)snprintf(index, sizeof index, "%s[%zu]", name, i);
        show_node(show, "", index, entry);
    }
}

static void show_sets(struct show *show, const struct parsed *parsed)
{
    const struct tree_node *map = tree_child(parsed->tree, "set");
    for (const struct tree_node *node = map ? map->children : NULL; node; node = node->next)
        show_node(show, "set.", node->key, node);
}

/* Properties are texts all of them, so that quotes would say nothing. */
static void show_properties(struct show *show, const struct parsed *parsed)
{
    const struct tree_node *map = tree_child(parsed->tree, "kafka");
    for (const struct tree_node *node = map ? map->children : NULL; node; node = node->next)
        put_line(show, &(struct line){"kafka.", node->key, node->secret ? MASK : node->text, NULL,
                                      origin_name(node->origin), node->key_at});
}

static bool is_set(const struct parsed *parsed, const char *name)
{
    const struct tree_node *map = tree_child(parsed->tree, "kafka");
    return map && tree_child(map, name);
}

/* What weir sets otherwise than librdkafka does, where the file does not. */
static void show_defaults(struct show *show, const struct parsed *parsed)
{
    for (const struct property_default *row = property_defaults; row->name; row++)
        if (!is_set(parsed, row->name))
            put_line(show, &(struct line){"kafka.", row->name, row->value, NULL, "default", {0, 0}});
}

static void show_reserved(struct show *show)
{
    for (const struct property_reserved *row = property_reserved; row->name; row++) {
        if (row->value)
            put_line(show, &(struct line){"kafka.", row->name, row->value, NULL, "weir", {0, 0}});
    }
}

enum weir_err_code config_show(const struct weir_spec *spec, bool json, FILE *to, struct weir_err *err)
{
    const struct parsed *parsed = parsed_of(spec);
    struct show show = {to, json, false, parsed->name};
    errno = 0;
    if (json)
        fputs("[", to);
    for (int i = 0; i < OPTION_COUNT_ALL; i++)
        show_option(&show, parsed, i);
    show_list(&show, parsed, "drop_when");
    show_list(&show, parsed, "check");
    show_sets(&show, parsed);
    show_properties(&show, parsed);
    show_defaults(&show, parsed);
    show_reserved(&show);
    if (json)
        fputs("\n]\n", to);
    if (fflush(to) != 0 || ferror(to))
        return weir_fail(err, WEIR_ERR_IO, "cannot write: %s", strerror(errno));
    return WEIR_OK;
}
