#include "engine/plans.h"

#include <stdlib.h>
#include <string.h>

/* Slots of the table: a power of two, at most half full. */
#define PLANS_SLOTS (PLANS_MAX * 2)

/* A key for a message. */
#define SHOW(key) weir_schema_key_print((key), (char[WEIR_SCHEMA_KEY_TEXT]){0})

struct plans_entry {
    struct weir_schema_key key;
    struct weir_plan *plan;    /* NULL: mismatch says why this writer cannot be read */
    struct weir_err *mismatch; /* owned */
};

struct plans {
    struct weir_plan_request request;
    struct schemas *schemas;
    int64_t deadline_ms;
    struct weir_plan *plain;  /* the plan without writer */
    struct plans_entry *last; /* runs of one id are the rule */
    size_t n;
    /* The last id that the registry did not give in this batch, and what it said: OK when there is none. */
    struct weir_schema_key missing_key;
    struct weir_err missing;
    struct weir_err why;
    struct plans_entry slots[PLANS_SLOTS];
};

static bool is_free(const struct plans_entry *entry)
{
    return !entry->plan && !entry->mismatch;
}

/* Spreads ids that follow one another, too. */
static uint32_t hash(const struct weir_schema_key *key)
{
    uint32_t some = key->id;
    if (key->by_guid)
        memcpy(&some, key->guid, sizeof some);
    return some;
}

/* The entry of the key, or the free one where it belongs. */
static struct plans_entry *probe(struct plans *plans, const struct weir_schema_key *key)
{
    size_t i = (hash(key) * UINT32_C(2654435761)) & (PLANS_SLOTS - 1);
    while (!is_free(&plans->slots[i]) && !weir_schema_key_equal(&plans->slots[i].key, key))
        i = (i + 1) & (PLANS_SLOTS - 1);
    return &plans->slots[i];
}

enum weir_err_code plans_new(const struct weir_plan_request *request, struct schemas *schemas,
                             int64_t deadline_ms, struct plans **out, struct weir_err *err)
{
    struct plans *plans = calloc(1, sizeof *plans);
    if (!plans)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the cache of plans");
    plans->request = *request;
    plans->request.writer = NULL;
    plans->schemas = schemas;
    plans->deadline_ms = deadline_ms;
    enum weir_err_code code = weir_plan_new(&plans->request, &plans->plain, err);
    if (code != WEIR_OK) {
        plans_free(plans);
        return code;
    }
    *out = plans;
    return WEIR_OK;
}

static void clear(struct plans *plans)
{
    for (size_t i = 0; i < PLANS_SLOTS; i++) {
        weir_plan_free(plans->slots[i].plan);
        free(plans->slots[i].mismatch);
        plans->slots[i] = (struct plans_entry){0};
    }
    plans->last = NULL;
    plans->n = 0;
}

void plans_free(struct plans *plans)
{
    if (!plans)
        return;
    clear(plans);
    weir_plan_free(plans->plain);
    free(plans);
}

void plans_trim(struct plans *plans)
{
    plans->missing.code = WEIR_OK;
    if (plans->n > PLANS_MAX / 2)
        clear(plans);
}

enum weir_err_code plans_check(const struct plans *plans, struct weir_err *err)
{
    const struct schemas_ops *ops = plans->schemas->ops;
    return ops->check ? ops->check(plans->schemas, err) : WEIR_OK;
}

static enum weir_err_code keep_mismatch(struct plans *plans, struct plans_entry *entry)
{
    entry->mismatch = malloc(sizeof *entry->mismatch);
    if (!entry->mismatch)
        return weir_fail(&plans->why, WEIR_ERR_NO_MEMORY, "no memory for a plan");
    *entry->mismatch = plans->why;
    return WEIR_OK;
}

/* Compiles the plan of a known writer into entry; a writer that does not fit is an entry too, and so is one
 * that is no schema (NULL), since what an id stands for never changes. */
static enum weir_err_code compile(struct plans *plans, struct plans_entry *entry,
                                  const struct weir_schema_key *key, const struct weir_schema *writer)
{
    struct weir_plan_request request = plans->request;
    request.writer = writer;
    enum weir_err_code code =
        writer ? weir_plan_new(&request, &entry->plan, &plans->why) : WEIR_ERR_BAD_SCHEMA;
    if (code != WEIR_OK && code != WEIR_ERR_NO_MEMORY)
        code = keep_mismatch(plans, entry);
    if (code != WEIR_OK)
        return code;
    entry->key = *key;
    plans->n++;
    return WEIR_OK;
}

static struct plans_answer answer_of(struct plans_entry *entry)
{
    if (entry->plan)
        return (struct plans_answer){.plan = entry->plan};
    return (struct plans_answer){.reject = WEIR_CODE_SCHEMA_MISMATCH, .why = entry->mismatch};
}

/* What to do about an id without entry, by what the registry said of it. */
static struct plans_answer answer_unknown(struct plans *plans, const struct weir_schema_key *key,
                                          enum weir_err_code said, int64_t age_ms)
{
    struct weir_err *why = &plans->why;
    if (said != WEIR_ERR_NOT_FOUND)
        return (struct plans_answer){.wait = said, .why = why};
    if (age_ms >= plans->deadline_ms) {
        (void)weir_fail(why, said, "the registry does not know schema id %s", SHOW(key));
        return (struct plans_answer){.reject = WEIR_CODE_UNKNOWN_SCHEMA, .why = why};
    }
    (void)weir_fail(why, WEIR_ERR_SCHEMA_PENDING, "the registry does not know schema id %s yet", SHOW(key));
    return (struct plans_answer){.wait = WEIR_ERR_SCHEMA_PENDING, .why = why};
}

/* Asks the registry, but not twice in a batch for what it did not give. What it says of one id means nothing
 * for another: it may fail to give just this one. */
static enum weir_err_code ask(struct plans *plans, const struct weir_schema_key *key,
                              const struct weir_schema **writer)
{
    const struct weir_err *missing = &plans->missing;
    if (missing->code != WEIR_OK && weir_schema_key_equal(&plans->missing_key, key)) {
        plans->why = *missing;
        return missing->code;
    }
    enum weir_err_code code = plans->schemas->ops->by_key(plans->schemas, key, writer, &plans->why);
    if (code == WEIR_ERR_NOT_FOUND || weir_err_class(code) == WEIR_CLASS_WAIT) {
        plans->missing = plans->why;
        plans->missing_key = *key;
    }
    return code;
}

static struct plans_answer learn(struct plans *plans, struct plans_entry *entry,
                                 const struct weir_schema_key *key, int64_t age_ms)
{
    const struct weir_schema *writer = NULL;
    enum weir_err_code code = ask(plans, key, &writer);
    bool known = code == WEIR_OK || code == WEIR_ERR_BAD_SCHEMA;
    if (known && plans->n >= PLANS_MAX)
        return (struct plans_answer){.wait = weir_fail(&plans->why, WEIR_ERR_SCHEMA_PENDING,
                                                       "more than %d schema ids in one batch", PLANS_MAX),
                                     .why = &plans->why};
    if (known)
        code = compile(plans, entry, key, code == WEIR_OK ? writer : NULL);
    if (code == WEIR_OK) {
        plans->last = entry;
        return answer_of(entry);
    }
    return answer_unknown(plans, key, code, age_ms);
}

struct plans_answer plans_find(struct plans *plans, const struct weir_wire *wire, int64_t age_ms)
{
    if (wire->kind != WEIR_WIRE_AVRO)
        return (struct plans_answer){.plan = plans->plain};
    if (plans->last && weir_schema_key_equal(&plans->last->key, &wire->key))
        return answer_of(plans->last);
    struct plans_entry *entry = probe(plans, &wire->key);
    if (is_free(entry))
        return learn(plans, entry, &wire->key, age_ms);
    plans->last = entry;
    return answer_of(entry);
}
