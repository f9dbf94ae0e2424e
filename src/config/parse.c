#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/check.h"
#include "config/parsed.h"
#include "config/property.h"
#include "config/rules.h"
#include "config/value.h"
#include "weir/nearest.h"

/* Room for what an option takes, in a message. */
#define DESCRIPTION_MAX 128

struct parser {
    struct reading reading;
    struct parsed *parsed;
};

static enum weir_err_code unknown_key(const struct parser *p, const char *section,
                                      const struct tree_node *node)
{
    struct options_keys keys;
    options_keys_of(section, &keys);
    const char *nearest = weir_nearest(node->key, keys.list, keys.n);
    const char *in = *section ? " in " : "";
    const char *dot = strchr(node->key, '.');
    if (dot && options_find(node->key) >= 0)
        return reading_fail(&p->reading, node->key_at, "%s must be nested: write %.*s, and below it the rest",
                            reading_quote(node->key).text, (int)(dot - node->key), node->key);
    if (!nearest)
        return reading_fail(&p->reading, node->key_at, "unknown key %s%s%s", reading_quote(node->key).text,
                            in, section);
    return reading_fail(&p->reading, node->key_at, "unknown key %s%s%s; did you mean '%s'?",
                        reading_quote(node->key).text, in, section, nearest);
}

static enum weir_err_code bad_value(const struct parser *p, const struct option *option,
                                    const struct tree_node *node)
{
    char wanted[DESCRIPTION_MAX];
    int64_t number;
    /* A URL that is refused may hold a password. */
    bool hidden = option->kind == OPTION_SECRET || (option->kind == OPTION_URLS && strchr(node->text, '@'));
    bool bare = option->kind == OPTION_DURATION && value_count(node->text, &number) && number != 0;
    return reading_fail(&p->reading, node->at, "%s must be %s, not %s%s", option->path,
                        options_describe(option, wanted, sizeof wanted),
                        hidden ? "(a secret)" : tree_shown(node).text,
                        bare ? " (the unit is missing: ms, s, m, h or d)" : "");
}

static enum weir_err_code bind_scalar(const struct parser *p, int index, const struct tree_node *node)
{
    const struct option *option = &options[index];
    bool secret = node->secret || option->kind == OPTION_SECRET;
    if (node->kind != TREE_SCALAR)
        return reading_fail(&p->reading, node->at, "%s needs a single value", option->path);
    if (tree_is_empty(node))
        return reading_fail(&p->reading, node->at, "%s has no value", option->path);
    if (!options_store(option, node->text, &p->parsed->spec))
        return bad_value(p, option, node);
    p->parsed->values[index] = (struct parsed_value){node->text, node->origin, secret, node->at};
    return WEIR_OK;
}

/* A list of URLs or names as the one text that means the same: with commas in between. */
static enum weir_err_code bind_list(const struct parser *p, int index, const struct tree_node *list)
{
    struct tree_node whole = {.kind = TREE_SCALAR, .at = list->at, .origin = TREE_FROM_FILE, .text = ""};
    for (const struct tree_node *node = list->children; node; node = node->next) {
        if (node->kind != TREE_SCALAR || tree_is_empty(node))
            return reading_fail(&p->reading, node->at, "%s: each entry needs a single value",
                                options[index].path);
        size_t room = strlen(whole.text) + sizeof ", " + strlen(node->text);
        char *joined = blocks_alloc(p->reading.blocks, room);
        if (!joined)
            return reading_no_memory(&p->reading);
        (void)snprintf(joined, room, "%s%s%s", whole.text, *whole.text ? ", " : "", node->text);
        whole.text = joined;
        whole.secret = whole.secret || node->secret;
        whole.origin = node->origin > whole.origin ? node->origin : whole.origin;
    }
    return bind_scalar(p, index, &whole);
}

static enum weir_err_code bind_option(const struct parser *p, int index, const struct tree_node *node)
{
    bool is_list = node->kind == TREE_LIST &&
                   (options[index].kind == OPTION_URLS || options[index].kind == OPTION_NAMES);
    return is_list ? bind_list(p, index, node) : bind_scalar(p, index, node);
}

/* The path of a key in a section; a key too long for any path comes out cut and is found nowhere. */
static const char *path_of(const char *section, const char *key, char buffer[OPTION_PATH_MAX])
{
    (void)snprintf(buffer, OPTION_PATH_MAX, "%s%s%s", section, *section ? "." : "", key);
    return buffer;
}

static enum weir_err_code bind_section(const struct parser *p, const char *path, const struct tree_node *map);

static enum weir_err_code bind_key(const struct parser *p, const char *section, const struct tree_node *node)
{
    char path[OPTION_PATH_MAX];
    path_of(section, node->key, path);
    int index = options_find(path);
    bool is_section = options_is_section(path);
    if (strchr(node->key, '.') || (index < 0 && !is_section && !options_is_block(path)))
        return unknown_key(p, section, node);
    if (is_section && node->kind == TREE_MAP)
        return bind_section(p, path, node);
    if (index >= 0)
        return bind_option(p, index, node);
    if (is_section && !tree_is_empty(node))
        return reading_fail(&p->reading, node->at, "%s needs a map of options", path);
    return WEIR_OK;
}

static enum weir_err_code bind_section(const struct parser *p, const char *path, const struct tree_node *map)
{
    for (const struct tree_node *node = map->children; node; node = node->next) {
        enum weir_err_code code = bind_key(p, path, node);
        if (code)
            return code;
    }
    return WEIR_OK;
}

/* The blocks have forms of their own; each knows its own. */
static enum weir_err_code bind_blocks(const struct parser *p)
{
    struct weir_spec *spec = &p->parsed->spec;
    struct tree_node *tree = p->parsed->tree;
    enum weir_err_code code = WEIR_OK;
    for (struct tree_node *node = tree->children; node && code == WEIR_OK; node = node->next) {
        if (strcmp(node->key, "kafka") == 0 && !tree_is_empty(node))
            code = property_bind(&p->reading, node, spec);
    }
    if (code == WEIR_OK)
        code = rules_bind(&p->reading, "drop_when", tree_child(tree, "drop_when"), &spec->core.drop_when,
                          &spec->core.n_drop_when);
    if (code == WEIR_OK)
        code = rules_bind(&p->reading, "check", tree_child(tree, "check"), &spec->core.check,
                          &spec->core.n_check);
    if (code == WEIR_OK)
        code = rules_bind_set(&p->reading, tree_child(tree, "set"), &spec->core.set, &spec->core.n_set);
    return code;
}

/* Where a missing option would stand: at the section that should have held it. */
static struct weir_at place_of(const struct parser *p, const char *path)
{
    char section[OPTION_PATH_MAX];
    (void)snprintf(section, sizeof section, "%s", path);
    char *dot = strrchr(section, '.');
    if (!dot)
        return (struct weir_at){0, 0};
    *dot = '\0';
    const struct tree_node *node = tree_find(p->parsed->tree, section);
    return node ? node->key_at : (struct weir_at){0, 0};
}

/* The text of a default, of which a "<path>" in front stands for the value of that option. */
static const char *default_text(const struct parser *p, const char *fallback)
{
    char path[OPTION_PATH_MAX], text[2 * OPTION_PATH_MAX + 512];
    if (*fallback != '<')
        return fallback;
    size_t len = strcspn(fallback + 1, ">");
    (void)snprintf(path, sizeof path, "%.*s", (int)len, fallback + 1);
    const char *front = p->parsed->values[options_find(path)].text;
    int n = snprintf(text, sizeof text, "%s%s", front, fallback + len + 2);
    return blocks_text(p->reading.blocks, text, (size_t)n);
}

static enum weir_err_code bind_default(const struct parser *p, int index)
{
    const struct option *option = &options[index];
    struct parsed_value *value = &p->parsed->values[index];
    if (value->text || !(option->required || option->fallback))
        return WEIR_OK;
    if (option->required)
        return reading_fail(&p->reading, place_of(p, option->path), "%s is missing", option->path);
    const char *text = default_text(p, option->fallback);
    if (!text)
        return reading_no_memory(&p->reading);
    if (!options_store(option, text, &p->parsed->spec))
        return reading_fail(&p->reading, place_of(p, option->path), "%s cannot be the default %s: set it",
                            option->path, reading_quote(text).text);
    *value = (struct parsed_value){text, TREE_FROM_DEFAULT, false, {0, 0}};
    return WEIR_OK;
}

static enum weir_err_code bind_defaults(const struct parser *p)
{
    enum weir_err_code code = WEIR_OK;
    for (int i = 0; i < OPTION_COUNT_ALL && code == WEIR_OK; i++)
        code = bind_default(p, i);
    return code;
}

static enum weir_err_code parse_into(const struct parser *p, struct weir_bytes text)
{
    if (text.len > CONFIG_TEXT_MAX)
        return reading_fail(&p->reading, (struct weir_at){0, 0}, "the file has more than %d bytes",
                            CONFIG_TEXT_MAX);
    enum weir_err_code code = tree_parse(&p->reading, text, &p->parsed->tree);
    if (code == WEIR_OK)
        code = bind_section(p, "", p->parsed->tree);
    if (code == WEIR_OK)
        code = bind_blocks(p);
    if (code == WEIR_OK)
        code = bind_defaults(p);
    return code ? code : check_together(&p->reading, p->parsed);
}

enum weir_err_code config_parse(struct weir_bytes text, const char *name, const struct config_world *world,
                                struct weir_spec **out, struct weir_err *err)
{
    struct parsed *parsed = calloc(1, sizeof *parsed);
    if (!parsed)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "%s: not enough memory", name);
    struct parser p = {{name, world, &parsed->blocks, err}, parsed};
    parsed->name = blocks_text(&parsed->blocks, name, strlen(name));
    enum weir_err_code code = parsed->name ? parse_into(&p, text) : reading_no_memory(&p.reading);
    if (code)
        config_free(&parsed->spec);
    else
        *out = &parsed->spec;
    return code;
}

void config_free(struct weir_spec *spec)
{
    if (!spec)
        return;
    struct parsed *parsed = (struct parsed *)spec;
    blocks_release(&parsed->blocks);
    free(parsed);
}

const char *config_name(const struct weir_spec *spec)
{
    return parsed_of(spec)->name;
}

void config_blame(const struct weir_spec *spec, struct weir_err *err)
{
    struct weir_err why = *err;
    int line = 0, column = 0, len = 0;
    if (sscanf(why.text, "line %d, column %d: %n", &line, &column, &len) == 2 && len > 0)
        (void)weir_fail(err, why.code, "%s:%d:%d: %s", config_name(spec), line, column, why.text + len);
    else
        (void)weir_fail(err, why.code, "%s: %s", config_name(spec), why.text);
}
