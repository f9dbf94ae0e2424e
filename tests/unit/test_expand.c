#include "config/expand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/config_case.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Expands a text; the result is the caller's to compare and lives in blocks. */
static struct tree_node expand(struct blocks *blocks, const char *text)
{
    struct weir_err err;
    struct reading reading = {"f", &case_world, blocks, &err};
    struct tree_node node = {.kind = TREE_SCALAR, .at = {2, 5}, .text = text, .origin = TREE_FROM_FILE};
    if (expand_scalar(&reading, &node))
        fail_msg("%s", err.text);
    return node;
}

struct expansion_case {
    const char *text;
    const char *expanded;
    enum tree_origin origin;
    bool secret;
};

static void replaces_what_stands_for_something(void **state)
{
    (void)state;
    static const struct expansion_case cases[] = {
        {"plain", "plain", TREE_FROM_FILE, false},
        {"${SET}", "value", TREE_FROM_ENVIRONMENT, false},
        {"a-${SET}-${SET}-b", "a-value-value-b", TREE_FROM_ENVIRONMENT, false},
        {"${EMPTY}", "", TREE_FROM_ENVIRONMENT, false},
        {"${EMPTY:-x}", "x", TREE_FROM_FILE, false},
        {"${UNSET:-x}", "x", TREE_FROM_FILE, false},
        {"${UNSET:-}", "", TREE_FROM_FILE, false},
        {"${UNSET:-a:-b $c}", "a:-b $c", TREE_FROM_FILE, false},
        {"${UNSET:-http://h:80}", "http://h:80", TREE_FROM_FILE, false},
        {"${SET:-x}", "value", TREE_FROM_ENVIRONMENT, false},
        {"$$", "$", TREE_FROM_FILE, false},
        {"$${SET}", "${SET}", TREE_FROM_FILE, false},
        {"$$$${SET}", "$${SET}", TREE_FROM_FILE, false},
        {"$$${SET}", "$value", TREE_FROM_ENVIRONMENT, false},
        {"cash$", "cash$", TREE_FROM_FILE, false},
        {"$SET", "$SET", TREE_FROM_FILE, false},
        {"a}b", "a}b", TREE_FROM_FILE, false},
        {"${DB_PASSWORD}", "hunter2", TREE_FROM_ENVIRONMENT, true},
        {"${file:/secret}", "s3cret", TREE_FROM_SECRET_FILE, true},
        {"${file:/windows}", "s3cret", TREE_FROM_SECRET_FILE, true},
        {"${file:/two}", "a\n", TREE_FROM_SECRET_FILE, true},
        {"${file:/nothing}", "", TREE_FROM_SECRET_FILE, true},
        {"${file:/secret}-${SET}", "s3cret-value", TREE_FROM_SECRET_FILE, true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct blocks blocks = {NULL};
        struct tree_node node = expand(&blocks, cases[i].text);
        assert_string_equal(node.text, cases[i].expanded);
        assert_int_equal(node.origin, cases[i].origin);
        assert_int_equal(node.secret, cases[i].secret);
        blocks_release(&blocks);
    }
}

static void what_is_put_in_is_not_expanded_again_nor_read_as_yaml(void **state)
{
    (void)state;
    struct weir_spec *spec = case_spec(CASE_BASE "set: { x: '${UNSET:-[1, 2]}' }\n");
    assert_string_equal(spec->core.set[0].value.text, "[1, 2]");
    config_free(spec);
}

static void says_what_cannot_be_replaced(void **state)
{
    (void)state;
    static const struct case_error cases[] = {
        {"pipeline: ${UNSET}\n", "f:1:11: the environment variable UNSET is not set"},
        {"pipeline: ${LATIN}\n", "f:1:11: the environment variable LATIN is not UTF-8"},
        {"pipeline: a${SET\n", "f:1:11: '${' lacks its '}'; write $$ for a dollar sign"},
        {"pipeline: ${}\n", "f:1:11: ${...} is not understood: write ${NAME}, ${NAME:-default} or "
                            "${file:PATH}, and $$ for a dollar sign"},
        {"pipeline: ${1A}\n", "f:1:11: ${...} is not understood: write ${NAME}, ${NAME:-default} or "
                              "${file:PATH}, and $$ for a dollar sign"},
        {"pipeline: ${A-B}\n", "f:1:11: ${...} is not understood: write ${NAME}, ${NAME:-default} or "
                               "${file:PATH}, and $$ for a dollar sign"},
        {"pipeline: ${A:-${B}}\n", "f:1:11: ${...} cannot stand inside of ${...}"},
        {"pipeline: ${file:}\n", "f:1:11: ${file:} needs a path"},
        {"pipeline: ${file:/none}\n", "f:1:11: ${file:} cannot read '/none': No such file or directory"},
        {"pipeline: ${file:/huge}\n", "f:1:11: ${file:} cannot read '/huge': it has more than 65536 bytes"},
        {"pipeline: ${file:/nul}\n", "f:1:11: ${file:} '/nul' is not a text"},
        {"pipeline: ${file:/latin}\n", "f:1:11: ${file:} '/latin' is not a text"},
    };
    case_errors(cases, COUNT(cases));
}

static void bounds_what_comes_of_it(void **state)
{
    (void)state;
    struct blocks blocks = {NULL};
    struct weir_err err;
    struct reading reading = {"f", &case_world, &blocks, &err};
    char *text = calloc(1, EXPAND_TEXT_MAX + 10);
    assert_non_null(text);
    memset(text, 'x', EXPAND_TEXT_MAX - 1);
    strcat(text, "$$");
    struct tree_node node = {.kind = TREE_SCALAR, .at = {2, 5}, .text = text, .origin = TREE_FROM_FILE};
    assert_int_equal(expand_scalar(&reading, &node), WEIR_OK);
    assert_int_equal(strlen(node.text), EXPAND_TEXT_MAX);
    strcat(text, "x");
    node.text = text;
    assert_int_equal(expand_scalar(&reading, &node), WEIR_ERR_CONFIG);
    assert_string_equal(err.text, "f:2:5: the value has more than 65536 bytes");
    memset(text + 2, 'N', 2000);
    memcpy(text, "${", 2);
    text[2000] = '}';
    node.text = text;
    assert_int_equal(expand_scalar(&reading, &node), WEIR_ERR_CONFIG);
    assert_string_equal(err.text, "f:2:5: ${...} has more than 1024 bytes");
    free(text);
    blocks_release(&blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replaces_what_stands_for_something),
        cmocka_unit_test(what_is_put_in_is_not_expanded_again_nor_read_as_yaml),
        cmocka_unit_test(says_what_cannot_be_replaced),
        cmocka_unit_test(bounds_what_comes_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
