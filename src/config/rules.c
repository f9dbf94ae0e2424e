#include "config/rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/value.h"
#include "weir/nearest.h"

#define RULES_COUNT_MAX 1000

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

const struct rules_test rules_tests[] = {
#define WEIR_TEST(word, KIND, ARGUMENT, words, doc) {word, WEIR_TEST_##KIND, RULES_##ARGUMENT, words, doc},
#define WEIR_SET(word, KIND, words, doc)
#include "config/rules.def"
#undef WEIR_TEST
#undef WEIR_SET
    {NULL, 0, 0, NULL, NULL},
};

const struct rules_set rules_sets[] = {
#define WEIR_TEST(word, KIND, ARGUMENT, words, doc)
#define WEIR_SET(word, KIND, words, doc) {word, WEIR_SET_##KIND, words, doc},
#include "config/rules.def"
#undef WEIR_TEST
#undef WEIR_SET
    {NULL, 0, NULL, NULL},
};

/* Every word that may stand in a rule or in a set, for "did you mean"; field leads those of a rule. */
static const char *const rule_words[] = {
    "field",
#define WEIR_TEST(word, KIND, ARGUMENT, words, doc) word,
#define WEIR_SET(word, KIND, words, doc)
#include "config/rules.def"
#undef WEIR_TEST
#undef WEIR_SET
};

static const char *const set_words[] = {
#define WEIR_TEST(word, KIND, ARGUMENT, words, doc)
#define WEIR_SET(word, KIND, words, doc) word,
#include "config/rules.def"
#undef WEIR_TEST
#undef WEIR_SET
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Room for a list of words in a message. */
#define RULES_LIST_MAX 160

/* "a, b or c" */
static const char *join(const char *const *words, size_t n, char buffer[RULES_LIST_MAX])
{
    size_t len = 0;
    for (size_t i = 0; i < n && len < RULES_LIST_MAX; i++) {
        const char *joint = i == 0 ? "" : i + 1 < n ? ", " : " or ";
        len += (size_t)snprintf(buffer + len, RULES_LIST_MAX - len, "%s%s", joint, words[i]);
    }
    return buffer;
}

/* what says of what kind the word should have been. */
static enum weir_err_code unknown_word(const struct reading *reading, const struct tree_node *node,
                                       const char *what, const char *const *words, size_t n)
{
    char list[RULES_LIST_MAX];
    const char *nearest = weir_nearest(node->key, words, n);
    if (nearest)
        return reading_fail(reading, node->key_at, "unknown %s %s; did you mean '%s'?", what,
                            reading_quote(node->key).text, nearest);
    return reading_fail(reading, node->key_at, "unknown %s %s; there are %s", what,
                        reading_quote(node->key).text, join(words, n, list));
}

/* What rules say goes into records and messages, where no secret may go. */
static enum weir_err_code refuse_secret(const struct reading *reading, const struct tree_node *node)
{
    if (node->secret)
        return reading_fail(reading, node->at, "a secret cannot stand here: it would get into records");
    return WEIR_OK;
}

/* A scalar that is one of the words, where words are given, and not empty in any case. */
static enum weir_err_code one_word(const struct reading *reading, const struct tree_node *node,
                                   const char *const *words)
{
    char list[RULES_LIST_MAX];
    size_t n = 0;
    if (node->kind != TREE_SCALAR || *node->text == '\0')
        return reading_fail(reading, node->at, "%s needs a single value", node->key);
    if (!words || node->secret)
        return refuse_secret(reading, node);
    for (; words[n]; n++) {
        if (strcmp(words[n], node->text) == 0)
            return WEIR_OK;
    }
    return reading_fail(reading, node->at, "%s must be %s, not %s", node->key, join(words, n, list),
                        reading_quote(node->text).text);
}

/* A scalar that may become a constant: anything but nothing. */
static enum weir_err_code constant(const struct reading *reading, const struct tree_node *node,
                                   struct weir_scalar *out)
{
    if (node->kind != TREE_SCALAR)
        return reading_fail(reading, node->at, "a single value must stand here");
    if (tree_is_empty(node))
        return reading_fail(reading, node->at, "a value is missing; write null or \"\" if that is meant");
    *out = (struct weir_scalar){node->text, node->quoted, node->at};
    return refuse_secret(reading, node);
}

/* --- drop_when and check --- */

static const struct rules_test *find_test(const char *word)
{
    for (const struct rules_test *test = rules_tests; test->word; test++) {
        if (strcmp(test->word, word) == 0)
            return test;
    }
    return NULL;
}

static enum weir_err_code check_argument(const struct reading *reading, const struct rules_test *test,
                                         const struct tree_node *node)
{
    int64_t length;
    enum weir_err_code code = one_word(reading, node, test->words);
    if (code)
        return code;
    if (test->argument == RULES_NUMBER && !value_is_number(node->text))
        return reading_fail(reading, node->at, "%s must be a number, not %s", node->key,
                            reading_quote(node->text).text);
    if (test->argument == RULES_LENGTH && !value_count(node->text, &length))
        return reading_fail(reading, node->at, "%s must be a whole number, not %s", node->key,
                            reading_quote(node->text).text);
    return WEIR_OK;
}

/* The values that stand under node: itself, or the list's. */
static enum weir_err_code bind_values(const struct reading *reading, const struct tree_node *node,
                                      struct weir_test *test)
{
    bool list = node->kind == TREE_LIST;
    size_t n = list ? node->n : 1, i = 0;
    if (n == 0)
        return reading_fail(reading, node->at, "%s needs at least one value", node->key);
    struct weir_scalar *args = blocks_alloc(reading->blocks, n * sizeof *args);
    if (!args)
        return reading_no_memory(reading);
    for (const struct tree_node *value = list ? node->children : node; i < n; value = value->next, i++) {
        enum weir_err_code code = constant(reading, value, &args[i]);
        if (code)
            return code;
    }
    test->args = args;
    test->n_args = n;
    return WEIR_OK;
}

static enum weir_err_code bind_test(const struct reading *reading, const struct tree_node *node,
                                    struct weir_test *out)
{
    const struct rules_test *test = find_test(node->key);
    if (!test)
        return unknown_word(reading, node, "test", rule_words, COUNT(rule_words));
    if (test->argument != RULES_VALUES) {
        enum weir_err_code code = check_argument(reading, test, node);
        if (code)
            return code;
    }
    out->kind = test->kind;
    return bind_values(reading, node, out);
}

/* Refuses a lower bound above an upper one, which no value can meet. */
static enum weir_err_code check_bounds(const struct reading *reading, const struct tree_node *entry,
                                       const char *lower, const char *upper)
{
    const struct tree_node *low = tree_child(entry, lower), *high = tree_child(entry, upper);
    if (!low || !high || strtold(low->text, NULL) <= strtold(high->text, NULL))
        return WEIR_OK;
    return reading_fail(reading, low->at, "no value can meet both %s and %s: %s is the larger one", lower,
                        upper, lower);
}

static enum weir_err_code bind_tests(const struct reading *reading, const struct tree_node *entry,
                                     struct weir_rule_spec *rule)
{
    struct weir_test *tests = blocks_alloc(reading->blocks, entry->n * sizeof *tests);
    if (!tests)
        return reading_no_memory(reading);
    for (const struct tree_node *node = entry->children; node; node = node->next) {
        if (strcmp(node->key, "field") == 0)
            continue;
        enum weir_err_code code = bind_test(reading, node, &tests[rule->n_tests]);
        if (code)
            return code;
        rule->n_tests++;
    }
    rule->tests = tests;
    enum weir_err_code code = check_bounds(reading, entry, "min", "max");
    return code ? code : check_bounds(reading, entry, "min_length", "max_length");
}

static enum weir_err_code bind_rule(const struct reading *reading, const char *name, size_t index,
                                    const struct tree_node *entry, struct weir_rule_spec *rule)
{
    char list[RULES_LIST_MAX];
    rule->at = entry->at;
    if (entry->kind != TREE_MAP)
        return reading_fail(reading, entry->at, "%s[%zu] must be a map such as { field: NAME, in: [VALUE] }",
                            name, index);
    const struct tree_node *field = tree_child(entry, "field");
    enum weir_err_code code = bind_tests(reading, entry, rule);
    if (code)
        return code;
    if (!field)
        return reading_fail(reading, entry->at, "%s[%zu] names no field", name, index);
    if (rule->n_tests == 0)
        return reading_fail(reading, entry->at, "%s[%zu] has no test; add one of %s", name, index,
                            join(rule_words + 1, COUNT(rule_words) - 1, list));
    rule->field = field->text;
    return one_word(reading, field, NULL);
}

enum weir_err_code rules_bind(const struct reading *reading, const char *name, const struct tree_node *list,
                              const struct weir_rule_spec **rules, size_t *n)
{
    if (!list || tree_is_empty(list))
        return WEIR_OK;
    if (list->kind != TREE_LIST)
        return reading_fail(reading, list->at,
                            "%s must be a list: a line that begins with '- ' for each entry", name);
    if (list->n > RULES_COUNT_MAX)
        return reading_fail(reading, list->at, "%s has more than %d entries", name, RULES_COUNT_MAX);
    struct weir_rule_spec *all = blocks_alloc(reading->blocks, list->n * sizeof *all);
    if (!all)
        return reading_no_memory(reading);
    size_t i = 0;
    for (const struct tree_node *entry = list->children; entry; entry = entry->next, i++) {
        enum weir_err_code code = bind_rule(reading, name, i, entry, &all[i]);
        if (code)
            return code;
    }
    *rules = all;
    *n = list->n;
    return WEIR_OK;
}

/* --- set --- */

static const struct rules_set *find_set(const char *word)
{
    for (const struct rules_set *set = rules_sets; set->word; set++) {
        if (strcmp(set->word, word) == 0)
            return set;
    }
    return NULL;
}

/* { verb: argument } */
static enum weir_err_code bind_verb(const struct reading *reading, const struct tree_node *node,
                                    struct weir_set_spec *out)
{
    const struct tree_node *argument = node->children;
    if (node->n != 1)
        return reading_fail(reading, node->at, "set: %s needs one instruction, such as { copy: NAME }",
                            reading_quote(node->key).text);
    const struct rules_set *set = find_set(argument->key);
    if (!set)
        return unknown_word(reading, argument, "instruction", set_words, COUNT(set_words));
    out->kind = set->kind;
    if (set->kind == WEIR_SET_CONSTANT)
        return constant(reading, argument, &out->value);
    out->arg = argument->text;
    return one_word(reading, argument, set->words);
}

static enum weir_err_code bind_set(const struct reading *reading, const struct tree_node *node,
                                   struct weir_set_spec *out)
{
    out->field = node->key;
    out->at = node->key_at;
    switch (node->kind) {
    case TREE_SCALAR: out->kind = WEIR_SET_CONSTANT; return constant(reading, node, &out->value);
    case TREE_MAP: return bind_verb(reading, node, out);
    default:
        return reading_fail(reading, node->at, "set: %s needs a constant or an instruction, not a list",
                            reading_quote(node->key).text);
    }
}

enum weir_err_code rules_bind_set(const struct reading *reading, const struct tree_node *map,
                                  const struct weir_set_spec **sets, size_t *n)
{
    if (!map || tree_is_empty(map))
        return WEIR_OK;
    if (map->kind != TREE_MAP)
        return reading_fail(reading, map->at, "set must be a map of output fields");
    if (map->n > RULES_COUNT_MAX)
        return reading_fail(reading, map->at, "set has more than %d fields", RULES_COUNT_MAX);
    struct weir_set_spec *all = blocks_alloc(reading->blocks, map->n * sizeof *all);
    if (!all)
        return reading_no_memory(reading);
    size_t i = 0;
    for (const struct tree_node *node = map->children; node; node = node->next, i++) {
        enum weir_err_code code = bind_set(reading, node, &all[i]);
        if (code)
            return code;
    }
    *sets = all;
    *n = map->n;
    return WEIR_OK;
}
