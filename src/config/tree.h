/*
 * The YAML file as a tree of scalars, lists and maps that know where they stand.
 *
 * weir reads the plain part of YAML: one document without tags, anchors, aliases and merge keys, so that the
 * size of the tree is bounded by the size of the file. A scalar stays text; what it means is told by whoever
 * reads it.
 */
#ifndef WEIR_CONFIG_TREE_H
#define WEIR_CONFIG_TREE_H

#include <stdbool.h>

#include "config/reading.h"
#include "weir/bytes.h"

#define TREE_DEPTH_MAX 16
#define TREE_NODES_MAX 10000

enum tree_kind { TREE_SCALAR, TREE_LIST, TREE_MAP };

/* Where a scalar's text comes from. */
enum tree_origin {
    TREE_FROM_DEFAULT, /* never in a tree: the option was not given */
    TREE_FROM_FILE,
    TREE_FROM_ENVIRONMENT, /* a variable stands in it */
    TREE_FROM_SECRET_FILE  /* a ${file:} stands in it */
};

struct tree_node {
    enum tree_kind kind;
    struct weir_at at;
    const char *key; /* in a map, else NULL */
    struct weir_at key_at;
    const char *text; /* SCALAR: what is left after ${} was replaced */
    bool quoted;      /* SCALAR */
    bool secret;      /* SCALAR: never to be shown */
    enum tree_origin origin;
    struct tree_node *children; /* LIST, MAP: in the file's order */
    struct tree_node *next;
    size_t n; /* of children */
};

/*
 * Parses text (UTF-8, with or without byte order mark, any line ends) into a map whose scalars are expanded.
 * The tree lives in the reading's blocks. Fails with WEIR_ERR_CONFIG or WEIR_ERR_NO_MEMORY.
 */
enum weir_err_code tree_parse(const struct reading *reading, struct weir_bytes text, struct tree_node **root);

/* The child of a map under a key, NULL when there is none or node is not a map. */
const struct tree_node *tree_child(const struct tree_node *node, const char *key);

/* The node at a path of keys with dots between them ("input.topic"), NULL when there is none. */
const struct tree_node *tree_find(const struct tree_node *root, const char *path);

/* True when nothing was written where a value should stand: "drop_when:" and no more. */
bool tree_is_empty(const struct tree_node *node);

/* A scalar's text for a message: quoted, or "(a secret)". */
struct reading_word tree_shown(const struct tree_node *scalar);

#endif
