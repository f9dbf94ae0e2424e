#include "config/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/config_case.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static enum weir_err_code parse(struct blocks *blocks, const char *text, size_t len, struct tree_node **root,
                                struct weir_err *err)
{
    struct reading reading = {"f", &case_world, blocks, err};
    return tree_parse(&reading, (struct weir_bytes){(const uint8_t *)text, len}, root);
}

static void expect_error(const char *text, size_t len, const char *message)
{
    struct blocks blocks = {NULL};
    struct tree_node *root;
    struct weir_err err = {0, ""};
    assert_int_equal(parse(&blocks, text, len, &root, &err), WEIR_ERR_CONFIG);
    assert_string_equal(err.text, message);
    blocks_release(&blocks);
}

static struct tree_node *expect_tree(struct blocks *blocks, const char *text)
{
    struct tree_node *root = NULL;
    struct weir_err err;
    if (parse(blocks, text, strlen(text), &root, &err))
        fail_msg("%s", err.text);
    return root;
}

static void keeps_places_texts_and_quotes(void **state)
{
    (void)state;
    struct blocks blocks = {NULL};
    const struct tree_node *root = expect_tree(&blocks, "a: NO\nb:\n  - 'x'\n  - { c: 1.10 }\n");
    const struct tree_node *a = tree_child(root, "a"), *b = tree_child(root, "b");
    assert_int_equal(root->n, 2);
    assert_string_equal(a->text, "NO");
    assert_false(a->quoted);
    assert_int_equal(a->at.line, 1);
    assert_int_equal(a->at.column, 4);
    assert_int_equal(b->key_at.line, 2);
    assert_int_equal(b->kind, TREE_LIST);
    assert_int_equal(b->n, 2);
    assert_true(b->children->quoted);
    const struct tree_node *c = tree_child(b->children->next, "c");
    assert_string_equal(c->text, "1.10");
    assert_int_equal(c->at.line, 4);
    assert_int_equal(c->at.column, 10);
    blocks_release(&blocks);
}

static void finds_by_path(void **state)
{
    (void)state;
    struct blocks blocks = {NULL};
    const struct tree_node *root = expect_tree(&blocks, "a: { b: { c: 1 } }\nlist: [1]\n");
    assert_string_equal(tree_find(root, "a.b.c")->text, "1");
    assert_int_equal(tree_find(root, "a.b")->kind, TREE_MAP);
    assert_null(tree_find(root, "a.x"));
    assert_null(tree_find(root, "a.b.c.d"));
    assert_null(tree_find(root, "list.0"));
    assert_null(tree_find(root, ""));
    blocks_release(&blocks);
}

static void tells_nothing_from_an_empty_text(void **state)
{
    (void)state;
    struct blocks blocks = {NULL};
    const struct tree_node *root = expect_tree(&blocks, "a:\nb: ''\nc: []\n");
    assert_true(tree_is_empty(tree_child(root, "a")));
    assert_false(tree_is_empty(tree_child(root, "b")));
    assert_false(tree_is_empty(tree_child(root, "c")));
    blocks_release(&blocks);
}

static void reads_any_line_ends_and_a_byte_order_mark(void **state)
{
    (void)state;
    struct blocks blocks = {NULL};
    const struct tree_node *root = expect_tree(&blocks, "\xEF\xBB\xBF"
                                                        "a: 1\r\nb:\r\n  c: \"caf\xC3\xA9\" # x\r\n");
    assert_string_equal(tree_child(root, "a")->text, "1");
    assert_int_equal(tree_child(root, "a")->key_at.column, 1);
    assert_string_equal(tree_find(root, "b.c")->text, "caf\xC3\xA9");
    assert_int_equal(tree_find(root, "b.c")->at.line, 3);
    blocks_release(&blocks);
}

static void counts_columns_in_characters(void **state)
{
    (void)state;
    expect_error("caf\xC3\xA9: *x\n", 9, "f:1:7: aliases (*) are not supported");
}

static void refuses_what_is_not_plain_yaml(void **state)
{
    (void)state;
    static const struct case_error cases[] = {
        {"", "f: the file is empty"},
        {"# only a comment\n", "f: the file is empty"},
        {"- a\n", "f:1:1: the file must be a map of options"},
        {"word\n", "f:1:1: the file must be a map of options"},
        {"a: 1\n---\nb: 2\n", "f:2:1: only one document may stand in the file"},
        {"a: &x 1\n", "f:1:4: anchors (&) are not supported"},
        {"a: &x [1]\n", "f:1:4: anchors (&) are not supported"},
        {"a: &x { b: 1 }\n", "f:1:4: anchors (&) are not supported"},
        {"a: *x\n", "f:1:4: aliases (*) are not supported"},
        {"a: [*x]\n", "f:1:5: aliases (*) are not supported"},
        {"*x : 1\n", "f:1:1: aliases (*) are not supported"},
        {"&x a: 1\n", "f:1:1: anchors (&) are not supported"},
        {"a: !!str 1\n", "f:1:4: tags (!) are not supported"},
        {"a: ! 1\n", "f:1:4: tags (!) are not supported"},
        {"a: !mine { b: 1 }\n", "f:1:4: tags (!) are not supported"},
        {"a:\n  <<: { b: 1 }\n", "f:2:3: merge keys (<<) are not supported"},
        {"? [a]\n: 1\n", "f:1:3: a key must be a word"},
        {"? { a: 1 }\n: 1\n", "f:1:3: a key must be a word"},
        {"\"\": 1\n", "f:1:1: a key must be a word"},
        {"a: 1\nb: 2\na: 3\n", "f:3:1: duplicate key 'a': it stands on line 1 already"},
        {"m: { x: 1, 'x': 2 }\n", "f:1:12: duplicate key 'x': it stands on line 1 already"},
        {"a: \"x\\0y\"\n", "f:1:4: a text cannot hold a NUL character"},
        {"\"a\\0\": 1\n", "f:1:1: a text cannot hold a NUL character"},
        {"a: [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]\n", "f:1:20: nested deeper than 16 levels"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        expect_error(cases[i].text, strlen(cases[i].text), cases[i].message);
}

static void says_where_the_syntax_is_wrong(void **state)
{
    (void)state;
    static const struct case_error cases[] = {
        {"a: [1\n", "f:2:1: did not find expected ',' or ']', while parsing a flow sequence"},
        {"a: 1\n b: 2\n", "f:2:3: mapping values are not allowed in this context"},
        {"a:\n\tb: 1\n",
         "f:2:1: found character that cannot start any token, while scanning for the next token"},
        {"a: 'x\n", "f:2:1: found unexpected end of stream, while scanning a quoted scalar"},
        {"a: 1\nb: \x01\n", "f:2:4: control characters are not allowed"},
        {"a: 1\nb: \xE9t\xE9\n", "f:2:4: this is not UTF-8"},
        {"\xFF\xFE"
         "a",
         "f:1:1: this is not UTF-8"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        expect_error(cases[i].text, strlen(cases[i].text), cases[i].message);
    expect_error("a: \0\n", 5, "f:1:4: control characters are not allowed");
}

static void takes_the_deepest_that_is_allowed(void **state)
{
    (void)state;
    struct blocks blocks = {NULL};
    expect_tree(&blocks, "a: [[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]\n");
    blocks_release(&blocks);
}

static void bounds_the_number_of_values(void **state)
{
    (void)state;
    size_t cap = 3 * TREE_NODES_MAX + 100;
    char *text = malloc(cap);
    assert_non_null(text);
    strcpy(text, "a: [");
    size_t len = strlen(text);
    for (int i = 0; i < TREE_NODES_MAX; i++, len += 2)
        memcpy(text + len, "1,", 2);
    memcpy(text + len, "1]\n", 3);
    /* The map and its list are two of the values. */
    expect_error(text, len + 3, "f:1:20001: more than 10000 values");
    free(text);
}

static void hides_a_secret(void **state)
{
    (void)state;
    struct tree_node node = {.kind = TREE_SCALAR, .text = "hunter2"};
    assert_string_equal(tree_shown(&node).text, "'hunter2'");
    node.secret = true;
    assert_string_equal(tree_shown(&node).text, "(a secret)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_places_texts_and_quotes),
        cmocka_unit_test(finds_by_path),
        cmocka_unit_test(tells_nothing_from_an_empty_text),
        cmocka_unit_test(reads_any_line_ends_and_a_byte_order_mark),
        cmocka_unit_test(counts_columns_in_characters),
        cmocka_unit_test(refuses_what_is_not_plain_yaml),
        cmocka_unit_test(says_where_the_syntax_is_wrong),
        cmocka_unit_test(takes_the_deepest_that_is_allowed),
        cmocka_unit_test(bounds_the_number_of_values),
        cmocka_unit_test(hides_a_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
