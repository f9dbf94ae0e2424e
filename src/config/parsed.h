/* A spec together with what is known about how it came to be: what the steps of this room pass on. */
#ifndef WEIR_CONFIG_PARSED_H
#define WEIR_CONFIG_PARSED_H

#include "config/options.h"
#include "config/reading.h"
#include "config/tree.h"

/* Where an option's value comes from. */
struct parsed_value {
    const char *text; /* as given or as assumed; NULL: the option has no value */
    enum tree_origin origin;
    bool secret;
    struct weir_at at;
};

struct parsed {
    struct weir_spec spec; /* the first member: a spec's address is that of its parsed */
    struct blocks blocks;  /* owns all that spec, tree and values point to */
    const char *name;
    struct tree_node *tree;
    struct parsed_value values[OPTION_COUNT_ALL];
};

/* What was parsed into spec. */
static inline const struct parsed *parsed_of(const struct weir_spec *spec)
{
    return (const struct parsed *)spec;
}

#endif
