#include "config/check.h"

#include <string.h>

#include "weir/nearest.h"

static const struct parsed_value *value_of(const struct parsed *parsed, const char *path)
{
    return &parsed->values[options_find(path)];
}

/* Options that mean nothing without a server to be used for. */
static const char *const access_paths[] = {"registry.username", "registry.password",    "registry.token",
                                           "registry.ca",       "registry.certificate", "registry.key"};
#define ACCESS_PATHS (sizeof access_paths / sizeof *access_paths)

static enum weir_err_code refuse_access(const struct reading *reading, const struct parsed *parsed)
{
    for (size_t i = 0; i < ACCESS_PATHS; i++) {
        const struct parsed_value *value = value_of(parsed, access_paths[i]);
        if (value->text)
            return reading_fail(reading, value->at, "%s is of no use without registry.url", access_paths[i]);
    }
    return WEIR_OK;
}

/* first needs second beside it. */
static enum weir_err_code check_pair(const struct reading *reading, const struct parsed *parsed,
                                     const char *first, const char *second)
{
    const struct parsed_value *value = value_of(parsed, first);
    if (!value->text || value_of(parsed, second)->text)
        return WEIR_OK;
    return reading_fail(reading, value->at, "%s needs %s", first, second);
}

static enum weir_err_code check_access(const struct reading *reading, const struct parsed *parsed)
{
    const struct parsed_value *token = value_of(parsed, "registry.token");
    if (token->text && value_of(parsed, "registry.username")->text)
        return reading_fail(reading, token->at, "registry.token and registry.username exclude each other");
    enum weir_err_code code = check_pair(reading, parsed, "registry.password", "registry.username");
    if (code == WEIR_OK)
        code = check_pair(reading, parsed, "registry.username", "registry.password");
    return code ? code : check_pair(reading, parsed, "registry.key", "registry.certificate");
}

static enum weir_err_code check_registry(const struct reading *reading, const struct parsed *parsed)
{
    const struct parsed_value *url = value_of(parsed, "registry.url");
    const struct parsed_value *dir = value_of(parsed, "registry.dir");
    if (url->text && dir->text)
        return reading_fail(reading, url->at.line > dir->at.line ? url->at : dir->at,
                            "registry.url and registry.dir exclude each other");
    if (!url->text && !dir->text)
        return reading_fail(reading, (struct weir_at){0, 0}, "registry.url or registry.dir is missing");
    return url->text ? check_access(reading, parsed) : refuse_access(reading, parsed);
}

/* A property that may be meant for it is pointed at. */
static enum weir_err_code fail_no_brokers(const struct reading *reading, const struct weir_spec *spec)
{
    static const char *const wanted[] = {"bootstrap.servers"};
    for (size_t i = 0; i < spec->n_kafka; i++)
        if (weir_nearest(spec->kafka[i].name, wanted, 1))
            return reading_fail(reading, spec->kafka[i].at, "kafka: unknown property %s; did you mean '%s'?",
                                reading_quote(spec->kafka[i].name).text, wanted[0]);
    return reading_fail(reading, (struct weir_at){0, 0}, "kafka: bootstrap.servers is missing");
}

/* The client would start without brokers and wait for ever. */
static enum weir_err_code check_brokers(const struct reading *reading, const struct parsed *parsed)
{
    const struct weir_spec *spec = &parsed->spec;
    for (size_t i = 0; i < spec->n_kafka; i++) {
        const char *name = spec->kafka[i].name;
        if (strcmp(name, "bootstrap.servers") == 0 || strcmp(name, "metadata.broker.list") == 0)
            return WEIR_OK;
    }
    return fail_no_brokers(reading, spec);
}

/* A record that comes back into the input would go round for ever, and what is read in one way cannot be told
 * from what is read in another. */
static enum weir_err_code check_topics(const struct reading *reading, const struct parsed *parsed)
{
    static const char *const paths[] = {"input.topic",        "output.topic",        "dead_letter.topic",
                                        "dead_letter.ledger", "dead_letter.parking", "dead_letter.audit",
                                        "journal.topic"};
    size_t n = sizeof paths / sizeof *paths - (parsed->spec.journal.on == WEIR_OFF);
    for (size_t i = 1; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct parsed_value *value = value_of(parsed, paths[i]);
            if (strcmp(value->text, value_of(parsed, paths[j])->text) == 0)
                return reading_fail(reading, value->at, "%s and %s are the same topic", paths[i], paths[j]);
        }
    }
    return WEIR_OK;
}

static enum weir_err_code settle_partition(const struct reading *reading, struct parsed *parsed)
{
    const struct tree_node *node = tree_find(parsed->tree, "output.partition");
    if (!node || node->kind != TREE_MAP)
        return WEIR_OK;
    if (!parsed->spec.core.partition_field)
        return reading_fail(reading, node->at, "output.partition needs a word or { field: NAME }");
    parsed->spec.output.partition = WEIR_PARTITION_FIELD;
    return WEIR_OK;
}

enum weir_err_code check_together(const struct reading *reading, struct parsed *parsed)
{
    enum weir_err_code code = check_registry(reading, parsed);
    if (code == WEIR_OK)
        code = check_brokers(reading, parsed);
    if (code == WEIR_OK)
        code = check_topics(reading, parsed);
    return code ? code : settle_partition(reading, parsed);
}
