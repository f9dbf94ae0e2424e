/* What stands under "kafka:": librdkafka's properties, less those that are weir's own. */
#ifndef WEIR_CONFIG_PROPERTY_H
#define WEIR_CONFIG_PROPERTY_H

#include "config/tree.h"

#define PROPERTY_COUNT_MAX 256

struct property_reserved {
    const char *name;
    const char *value; /* NULL: computed, or never set */
    const char *why;
};

/* weir/reserved.def as a table; a row whose name is NULL ends it. */
extern const struct property_reserved property_reserved[];

struct property_default {
    const char *name, *value, *why;
};

/* weir/defaults.def as a table; a row whose name is NULL ends it. */
extern const struct property_default property_defaults[];

/* True for names that speak of a secret: of a property ("sasl.password") or of a variable ("DB_PASSWORD"). */
bool property_is_secret(const char *name);

/*
 * Makes spec->kafka of the map under "kafka:" and marks the secrets in the tree. Whether librdkafka knows the
 * names and takes the values is for the Kafka side to say. Fails with WEIR_ERR_CONFIG or WEIR_ERR_NO_MEMORY.
 */
enum weir_err_code property_bind(const struct reading *reading, struct tree_node *kafka,
                                 struct weir_spec *spec);

#endif
