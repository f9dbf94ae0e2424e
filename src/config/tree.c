#include "config/tree.h"

#include <string.h>
#include <yaml.h>

#include "config/expand.h"

struct tree_reader {
    const struct reading *reading;
    struct weir_bytes text;
    yaml_parser_t parser;
    yaml_event_t event;
    bool has_event;
    size_t n_nodes;
};

static struct weir_at at_mark(yaml_mark_t mark)
{
    return (struct weir_at){(int)mark.line + 1, (int)mark.column + 1};
}

/* The line and column, in characters, of the byte at an offset of UTF-8 text. */
static struct weir_at at_offset(struct weir_bytes text, size_t offset)
{
    struct weir_at at = {1, 1};
    for (size_t i = 0; i < offset && i < text.len; i++) {
        if (text.data[i] == '\n')
            at = (struct weir_at){at.line + 1, 1};
        else if ((text.data[i] & 0xC0) != 0x80)
            at.column++;
    }
    return at;
}

/* What libyaml has against the text; its messages are fixed texts, so they hold nothing of the file. */
static enum weir_err_code syntax_failure(const struct tree_reader *r)
{
    const yaml_parser_t *parser = &r->parser;
    const char *problem = parser->problem ? parser->problem : "this is not YAML";
    if (parser->error == YAML_MEMORY_ERROR)
        return reading_no_memory(r->reading);
    if (parser->error == YAML_READER_ERROR)
        return reading_fail(r->reading, at_offset(r->text, parser->problem_offset), "%s", problem);
    if (!parser->context)
        return reading_fail(r->reading, at_mark(parser->problem_mark), "%s", problem);
    return reading_fail(r->reading, at_mark(parser->problem_mark), "%s, %s", problem, parser->context);
}

static void drop_event(struct tree_reader *r)
{
    if (r->has_event)
        yaml_event_delete(&r->event);
    r->has_event = false;
}

static enum weir_err_code advance(struct tree_reader *r)
{
    drop_event(r);
    if (!yaml_parser_parse(&r->parser, &r->event))
        return syntax_failure(r);
    r->has_event = true;
    return WEIR_OK;
}

static enum weir_err_code refuse_marks(const struct tree_reader *r, const yaml_char_t *anchor,
                                       const yaml_char_t *tag)
{
    struct weir_at at = at_mark(r->event.start_mark);
    if (anchor)
        return reading_fail(r->reading, at, "anchors (&) are not supported");
    if (tag)
        return reading_fail(r->reading, at, "tags (!) are not supported");
    return WEIR_OK;
}

/* Refuses what weir does not read of YAML; the event is the first of a node. */
static enum weir_err_code refuse_node(const struct tree_reader *r)
{
    const yaml_event_t *event = &r->event;
    switch (event->type) {
    case YAML_SCALAR_EVENT: return refuse_marks(r, event->data.scalar.anchor, event->data.scalar.tag);
    case YAML_SEQUENCE_START_EVENT:
        return refuse_marks(r, event->data.sequence_start.anchor, event->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return refuse_marks(r, event->data.mapping_start.anchor, event->data.mapping_start.tag);
    default: return reading_fail(r->reading, at_mark(event->start_mark), "aliases (*) are not supported");
    }
}

static enum weir_err_code new_node(struct tree_reader *r, struct tree_node **out)
{
    struct weir_at at = at_mark(r->event.start_mark);
    if (++r->n_nodes > TREE_NODES_MAX)
        return reading_fail(r->reading, at, "more than %d values", TREE_NODES_MAX);
    struct tree_node *node = blocks_alloc(r->reading->blocks, sizeof *node);
    if (!node)
        return reading_no_memory(r->reading);
    node->at = at;
    *out = node;
    return WEIR_OK;
}

/* A copy of the scalar at hand. */
static enum weir_err_code scalar_text(const struct tree_reader *r, const char **out)
{
    const char *value = (const char *)r->event.data.scalar.value;
    size_t len = r->event.data.scalar.length;
    if (memchr(value, 0, len))
        return reading_fail(r->reading, at_mark(r->event.start_mark), "a text cannot hold a NUL character");
    *out = blocks_text(r->reading->blocks, value, len);
    return *out ? WEIR_OK : reading_no_memory(r->reading);
}

static enum weir_err_code read_scalar(struct tree_reader *r, struct tree_node *node)
{
    node->kind = TREE_SCALAR;
    node->origin = TREE_FROM_FILE;
    node->quoted = r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    enum weir_err_code code = scalar_text(r, &node->text);
    return code ? code : expand_scalar(r->reading, node);
}

static void append(struct tree_node *parent, struct tree_node ***end, struct tree_node *child)
{
    **end = child;
    *end = &child->next;
    parent->n++;
}

static enum weir_err_code read_node(struct tree_reader *r, int depth, struct tree_node **out);

static enum weir_err_code read_list(struct tree_reader *r, int depth, struct tree_node *list)
{
    struct tree_node **end = &list->children;
    list->kind = TREE_LIST;
    for (;;) {
        struct tree_node *item;
        enum weir_err_code code = advance(r);
        if (code)
            return code;
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return WEIR_OK;
        code = read_node(r, depth + 1, &item);
        if (code)
            return code;
        append(list, &end, item);
    }
}

/* The key at hand, of which the map must not have one already. */
static enum weir_err_code read_key(struct tree_reader *r, const struct tree_node *map, const char **key)
{
    struct weir_at at = at_mark(r->event.start_mark);
    if (r->event.type != YAML_SCALAR_EVENT && r->event.type != YAML_ALIAS_EVENT)
        return reading_fail(r->reading, at, "a key must be a word");
    enum weir_err_code code = refuse_node(r);
    if (code == WEIR_OK)
        code = scalar_text(r, key);
    if (code)
        return code;
    if (**key == '\0')
        return reading_fail(r->reading, at, "a key must be a word");
    if (strcmp(*key, "<<") == 0)
        return reading_fail(r->reading, at, "merge keys (<<) are not supported");
    const struct tree_node *first = tree_child(map, *key);
    if (first)
        return reading_fail(r->reading, at, "duplicate key %s: it stands on line %d already",
                            reading_quote(*key).text, first->key_at.line);
    return WEIR_OK;
}

static enum weir_err_code read_pair(struct tree_reader *r, int depth, const struct tree_node *map,
                                    struct tree_node **out)
{
    struct weir_at key_at = at_mark(r->event.start_mark);
    const char *key = NULL;
    enum weir_err_code code = read_key(r, map, &key);
    if (code == WEIR_OK)
        code = advance(r);
    if (code == WEIR_OK)
        code = read_node(r, depth + 1, out);
    if (code)
        return code;
    (*out)->key = key;
    (*out)->key_at = key_at;
    return WEIR_OK;
}

static enum weir_err_code read_map(struct tree_reader *r, int depth, struct tree_node *map)
{
    struct tree_node **end = &map->children;
    map->kind = TREE_MAP;
    for (;;) {
        struct tree_node *value;
        enum weir_err_code code = advance(r);
        if (code)
            return code;
        if (r->event.type == YAML_MAPPING_END_EVENT)
            return WEIR_OK;
        code = read_pair(r, depth, map, &value);
        if (code)
            return code;
        append(map, &end, value);
    }
}

/* Reads the node whose first event is at hand; its last one is at hand afterwards. */
static enum weir_err_code read_node(struct tree_reader *r, int depth, struct tree_node **out)
{
    enum weir_err_code code = refuse_node(r);
    if (code)
        return code;
    if (depth > TREE_DEPTH_MAX)
        return reading_fail(r->reading, at_mark(r->event.start_mark), "nested deeper than %d levels",
                            TREE_DEPTH_MAX);
    code = new_node(r, out);
    if (code)
        return code;
    switch (r->event.type) {
    case YAML_SCALAR_EVENT: return read_scalar(r, *out);
    case YAML_SEQUENCE_START_EVENT: return read_list(r, depth, *out);
    default: return read_map(r, depth, *out);
    }
}

static enum weir_err_code read_root(struct tree_reader *r, struct tree_node **root)
{
    if (r->event.type == YAML_STREAM_END_EVENT)
        return reading_fail(r->reading, (struct weir_at){0, 0}, "the file is empty");
    enum weir_err_code code = advance(r);
    if (code == WEIR_OK)
        code = read_node(r, 0, root);
    if (code)
        return code;
    if ((*root)->kind != TREE_MAP)
        return reading_fail(r->reading, (*root)->at, "the file must be a map of options");
    return WEIR_OK;
}

/* The whole stream: one document and no more. */
static enum weir_err_code read_stream(struct tree_reader *r, struct tree_node **root)
{
    enum weir_err_code code = advance(r);
    if (code == WEIR_OK)
        code = advance(r);
    if (code == WEIR_OK)
        code = read_root(r, root);
    if (code == WEIR_OK)
        code = advance(r);
    if (code == WEIR_OK)
        code = advance(r);
    if (code == WEIR_OK && r->event.type != YAML_STREAM_END_EVENT)
        code =
            reading_fail(r->reading, at_mark(r->event.start_mark), "only one document may stand in the file");
    return code;
}

/* The text without a byte order mark, which editors on some systems write in front. */
static struct weir_bytes without_mark(struct weir_bytes text)
{
    if (weir_bytes_starts(text, "\xEF\xBB\xBF"))
        return (struct weir_bytes){text.data + 3, text.len - 3};
    return text;
}

enum weir_err_code tree_parse(const struct reading *reading, struct weir_bytes text, struct tree_node **root)
{
    struct tree_reader r = {.reading = reading, .text = without_mark(text)};
    size_t bad;
    if (!weir_utf8_valid(r.text, &bad))
        return reading_fail(reading, at_offset(r.text, bad), "this is not UTF-8");
    if (!yaml_parser_initialize(&r.parser))
        return reading_no_memory(reading);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, r.text.data, r.text.len);
    enum weir_err_code code = read_stream(&r, root);
    drop_event(&r);
    yaml_parser_delete(&r.parser);
    return code;
}

const struct tree_node *tree_child(const struct tree_node *node, const char *key)
{
    for (const struct tree_node *child = node->children; child; child = child->next) {
        if (child->key && strcmp(child->key, key) == 0)
            return child;
    }
    return NULL;
}

/* The child whose key is the first len bytes of path. */
static const struct tree_node *child_of(const struct tree_node *node, const char *path, size_t len)
{
    for (const struct tree_node *child = node->children; child; child = child->next) {
        if (child->key && strlen(child->key) == len && memcmp(child->key, path, len) == 0)
            return child;
    }
    return NULL;
}

const struct tree_node *tree_find(const struct tree_node *root, const char *path)
{
    const struct tree_node *node = root;
    while (node) {
        size_t len = strcspn(path, ".");
        node = child_of(node, path, len);
        if (path[len] == '\0')
            break;
        path += len + 1;
    }
    return node;
}

bool tree_is_empty(const struct tree_node *node)
{
    return node->kind == TREE_SCALAR && !node->quoted && *node->text == '\0';
}

struct reading_word tree_shown(const struct tree_node *scalar)
{
    if (scalar->secret)
        return (struct reading_word){"(a secret)"};
    return reading_quote(scalar->text);
}
