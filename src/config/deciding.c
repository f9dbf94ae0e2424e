/* The part of a configuration that decides about verdicts and outputs, as text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/parsed.h"

/* What a scalar may be made of to stand without quotes anywhere in flow style. A comma or a brace could not,
 * but then quotes change nothing: only numbers and booleans are other things in quotes. */
#define PLAIN "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+-._"

/* The options, in sections. What says where things are, how much is done at once or what is logged decides
 * nothing. */
static const struct {
    const char *before; /* the option's value */
    const char *path;
} rows[] = {
    {"pipeline: ", "pipeline"},
    {"\ninput: { topic: ", "input.topic"},
    {", format: ", "input.format"},
    {", tombstone: ", "input.tombstone"},
    {", unknown_fields: ", "input.unknown_fields"},
    {", unions: ", "input.unions"},
    {", numbers: ", "input.numbers"},
    {" }\noutput: { topic: ", "output.topic"},
    {", format: ", "output.format"},
    {", timestamp: ", "output.timestamp"},
    {", partition: ", "output.partition"},
    {", partition: { field: ", "output.partition.field"},
    {" }\ndead_letter: { topic: ", "dead_letter.topic"},
    {", partition: ", "dead_letter.partition"},
    {", dialect: ", "dead_letter.dialect"},
    {", oversize: ", "dead_letter.oversize"},
};

static const char *const blocks[] = {"drop_when", "check", "set"};

/* In double quotes, as YAML and this room's variables read them. */
static void put_quoted(FILE *to, const char *text)
{
    fputc('"', to);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            fprintf(to, "\\%c", *p);
        else if (*p < 0x20 || *p == 0x7F)
            fprintf(to, "\\x%02x", *p);
        else if (*p == '$')
            fputs("$$", to);
        else
            fputc(*p, to);
    }
    fputc('"', to);
}

static void put_text(FILE *to, const char *text, bool quoted)
{
    bool plain = !quoted && *text && text[strspn(text, PLAIN)] == '\0';
    if (plain)
        fputs(text, to);
    else
        put_quoted(to, text);
}

/* In flow style. Its depth is bounded by the tree's. */
static void put_node(FILE *to, const struct tree_node *node)
{
    if (node->kind == TREE_SCALAR) {
        put_text(to, node->text, node->quoted);
        return;
    }
    fputs(node->kind == TREE_MAP ? "{ " : "[", to);
    for (const struct tree_node *child = node->children; child; child = child->next) {
        if (child->key) {
            put_text(to, child->key, false);
            fputs(": ", to);
        }
        put_node(to, child);
        if (child->next)
            fputs(", ", to);
    }
    fputs(node->kind == TREE_MAP ? " }" : "]", to);
}

/* The field that decides the partition stands in place of the partition's word. */
static bool shown(const struct weir_spec *spec, const char *path)
{
    if (strcmp(path, "output.partition") == 0)
        return !spec->core.partition_field;
    return strcmp(path, "output.partition.field") != 0 || spec->core.partition_field;
}

static void put_all(FILE *to, const struct parsed *parsed)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!shown(&parsed->spec, rows[i].path))
            continue;
        fputs(rows[i].before, to);
        put_text(to, parsed->values[options_find(rows[i].path)].text, false);
        if (strcmp(rows[i].path, "output.partition.field") == 0)
            fputs(" }", to);
    }
    fputs(" }\n", to);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        const struct tree_node *node = tree_child(parsed->tree, blocks[i]);
        if (!node || node->n == 0)
            continue;
        fprintf(to, "%s: ", blocks[i]);
        put_node(to, node);
        fputc('\n', to);
    }
}

enum weir_err_code config_deciding(const struct weir_spec *spec, char **out, struct weir_err *err)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    if (to) {
        put_all(to, parsed_of(spec));
        bool failed = ferror(to) != 0;
        if (fclose(to) == 0 && !failed) {
            *out = text;
            return WEIR_OK;
        }
    }
    free(text);
    return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the configuration's text");
}
