/* drop_when, check and set. Whether fields and types fit the schemas is told when the plan is compiled. */
#ifndef WEIR_CONFIG_RULES_H
#define WEIR_CONFIG_RULES_H

#include "config/tree.h"

enum rules_argument { RULES_VALUES, RULES_NUMBER, RULES_LENGTH, RULES_WORD };

/* A test, or a way to set a field: a row of rules.def. Tables end in a row whose word is NULL. */
struct rules_test {
    const char *word;
    enum weir_test_kind kind;
    enum rules_argument argument;
    const char *const *words; /* ended by NULL; NULL for any */
    const char *doc;
};
struct rules_set {
    const char *word;
    enum weir_set_kind kind;
    const char *const *words;
    const char *doc;
};
extern const struct rules_test rules_tests[];
extern const struct rules_set rules_sets[];

/*
 * Makes specs of the list under drop_when or check (name says which, for messages), in the reading's blocks;
 * list may be NULL (not given). Fails with WEIR_ERR_CONFIG or WEIR_ERR_NO_MEMORY.
 */
enum weir_err_code rules_bind(const struct reading *reading, const char *name, const struct tree_node *list,
                              const struct weir_rule_spec **rules, size_t *n);

/* Likewise of the map under set. */
enum weir_err_code rules_bind_set(const struct reading *reading, const struct tree_node *map,
                                  const struct weir_set_spec **sets, size_t *n);

#endif
