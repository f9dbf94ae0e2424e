#include "config/property.h"

#include <string.h>
#include <strings.h>

const struct property_reserved property_reserved[] = {
#define WEIR_RESERVED(name, value, why) {name, value, why},
#include "weir/reserved.def"
#undef WEIR_RESERVED
    {NULL, NULL, NULL},
};

const struct property_default property_defaults[] = {
#define WEIR_DEFAULT_COMMON(name, value, why)   {name, value, why},
#define WEIR_DEFAULT_CONSUMER(name, value, why) {name, value, why},
#define WEIR_DEFAULT_PRODUCER(name, value, why) {name, value, why},
#include "weir/defaults.def"
#undef WEIR_DEFAULT_COMMON
#undef WEIR_DEFAULT_CONSUMER
#undef WEIR_DEFAULT_PRODUCER
    {NULL, NULL, NULL},
};

/*
 * Endings of names whose values nobody should see. "key" takes in ssl_key, an API key and a private key;
 * ssl.key.location is a path, and seeing it helps.
 */
static const char *const secret_endings[] = {
    "password", "passphrase", "secret", "token", "key", "key.pem", "jaas.config", "oauthbearer.config", NULL,
};

bool property_is_secret(const char *name)
{
    size_t len = strlen(name);
    for (const char *const *ending = secret_endings; *ending; ending++) {
        size_t n = strlen(*ending);
        if (len >= n && strcasecmp(name + len - n, *ending) == 0)
            return true;
    }
    return false;
}

static enum weir_err_code refuse_reserved(const struct reading *reading, const struct tree_node *node)
{
    for (const struct property_reserved *row = property_reserved; row->name; row++) {
        if (strcmp(node->key, row->name) == 0)
            return reading_fail(reading, node->key_at, "kafka.%s cannot be set, weir does: %s", row->name,
                                row->why);
    }
    return WEIR_OK;
}

static enum weir_err_code bind_one(const struct reading *reading, struct tree_node *node,
                                   struct weir_property *out)
{
    enum weir_err_code code = refuse_reserved(reading, node);
    if (code)
        return code;
    if (node->kind != TREE_SCALAR)
        return reading_fail(reading, node->at,
                            "kafka: %s needs a single value; names are written with their dots, as in "
                            "security.protocol: ssl",
                            reading_quote(node->key).text);
    if (tree_is_empty(node))
        return reading_fail(reading, node->at, "kafka: %s has no value; write \"\" for an empty one",
                            reading_quote(node->key).text);
    node->secret = node->secret || property_is_secret(node->key);
    *out = (struct weir_property){node->key, node->text, node->secret, node->key_at};
    return WEIR_OK;
}

enum weir_err_code property_bind(const struct reading *reading, struct tree_node *kafka,
                                 struct weir_spec *spec)
{
    if (kafka->kind != TREE_MAP)
        return reading_fail(reading, kafka->at, "kafka needs a map of librdkafka properties");
    if (kafka->n > PROPERTY_COUNT_MAX)
        return reading_fail(reading, kafka->at, "kafka has more than %d properties", PROPERTY_COUNT_MAX);
    struct weir_property *all = blocks_alloc(reading->blocks, kafka->n * sizeof *all);
    if (!all)
        return reading_no_memory(reading);
    size_t i = 0;
    for (struct tree_node *node = kafka->children; node; node = node->next, i++) {
        enum weir_err_code code = bind_one(reading, node, &all[i]);
        if (code)
            return code;
    }
    spec->kafka = all;
    spec->n_kafka = kafka->n;
    return WEIR_OK;
}
