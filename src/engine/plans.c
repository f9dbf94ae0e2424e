#include "engine/plans.h"

#include <stdlib.h>
#include <string.h>

/* Slots of the table: a power of two, at most half full, since an edition has no more writers. */
#define PLANS_SLOTS (EDITION_WRITERS_MAX * 2)

/* A key for a message. */
#define SHOW(key) weir_schema_key_print((key), (char[WEIR_SCHEMA_KEY_TEXT]){0})

/* A writer as this worker knows it. */
struct plans_entry {
    const struct edition_writer *writer; /* NULL: free */
    struct journal_writer *name;         /* owned; NULL where the key stands for no schema that can be used */
    bool sure; /* there was no newer version to read it with, so what came of it counts */
};

struct plans {
    struct editions *editions;
    struct schemas *schemas;
    int64_t deadline_ms;
    struct edition *edition;        /* held */
    uint64_t number;                /* of the edition */
    const struct plans_entry *last; /* a sure one; runs of one id are the rule */
    /* The last key that the registry did not give in this batch, and what it said: OK when there is none. */
    struct weir_schema_key missing_key;
    struct weir_err missing;
    struct weir_err why;
    bool impatient; /* a look took too long in this batch */
    struct plans_entry slots[PLANS_SLOTS];
};

/* Spreads ids that follow one another, too. */
static uint32_t hash(const struct weir_schema_key *key)
{
    uint32_t some = key->id;
    if (key->by_guid)
        memcpy(&some, key->guid, sizeof some);
    return some * UINT32_C(2654435761);
}

/* The entry of the key, or the free one where it belongs. */
static struct plans_entry *probe(struct plans *plans, const struct weir_schema_key *key)
{
    size_t i = hash(key) & (PLANS_SLOTS - 1);
    while (plans->slots[i].writer && !weir_schema_key_equal(&plans->slots[i].writer->key, key))
        i = (i + 1) & (PLANS_SLOTS - 1);
    return &plans->slots[i];
}

enum weir_err_code plans_new(struct editions *editions, struct schemas *schemas, int64_t deadline_ms,
                             struct plans **out, struct weir_err *err)
{
    struct plans *plans = calloc(1, sizeof *plans);
    if (!plans)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the cache of plans");
    plans->editions = editions;
    plans->schemas = schemas;
    plans->deadline_ms = deadline_ms;
    plans->edition = editions_take(editions, &plans->number);
    *out = plans;
    return WEIR_OK;
}

static void clear(struct plans *plans)
{
    for (size_t i = 0; i < PLANS_SLOTS; i++)
        free(plans->slots[i].name);
    memset(plans->slots, 0, sizeof plans->slots);
    plans->last = NULL;
}

void plans_free(struct plans *plans)
{
    if (!plans)
        return;
    clear(plans);
    edition_release(plans->edition);
    free(plans);
}

const struct edition *plans_edition(const struct plans *plans)
{
    return plans->edition;
}

uint64_t plans_number(const struct plans *plans)
{
    return plans->number;
}

void plans_forget(struct plans *plans)
{
    plans->missing.code = WEIR_OK;
    plans->impatient = false;
}

static void change_over(struct plans *plans)
{
    edition_release(plans->edition);
    plans->edition = editions_take(plans->editions, &plans->number);
    clear(plans);
}

enum weir_err_code plans_turn(struct plans *plans, struct weir_err *err)
{
    const struct schemas_ops *ops = plans->schemas->ops;
    enum weir_err_code code = ops->check ? ops->check(plans->schemas, err) : WEIR_OK;
    if (edition_crowded(plans->edition))
        editions_renew(plans->editions, plans->edition);
    if (editions_number(plans->editions) != plans->number)
        change_over(plans);
    return code;
}

static struct plans_answer answer_of(const struct plans_entry *entry)
{
    const struct edition_writer *writer = entry->writer;
    if (writer->plan)
        return (struct plans_answer){.plan = writer->plan, .writer = entry->name};
    return (struct plans_answer){
        .reject = WEIR_CODE_SCHEMA_MISMATCH, .why = &writer->why, .writer = entry->name};
}

static struct plans_answer wait_for_edition(struct plans *plans, const struct edition_writer *writer,
                                            const char *what)
{
    (void)weir_fail(&plans->why, WEIR_ERR_SCHEMA_PENDING, "schema id %s is new here: %s", SHOW(&writer->key),
                    what);
    return (struct plans_answer){.wait = WEIR_ERR_SCHEMA_PENDING, .why = &plans->why};
}

/* How the journal names the writer. */
static enum weir_err_code name_writer(struct plans *plans, struct plans_entry *entry)
{
    const struct edition_writer *writer = entry->writer;
    if (!writer->schema)
        return WEIR_OK;
    entry->name = malloc(sizeof *entry->name);
    if (!entry->name)
        return weir_fail(&plans->why, WEIR_ERR_NO_MEMORY, "no memory for a plan");
    *entry->name =
        (struct journal_writer){.key = writer->key,
                                .text = {(const uint8_t *)writer->schema->text, writer->schema->text_len},
                                .said_ms = JOURNAL_UNSAID};
    journal_print_of(entry->name->text, &entry->name->print);
    return WEIR_OK;
}

/* True when that look was done. Its answer is waited for, but not twice in a batch in vain. */
static bool look_done(struct plans *plans, uint64_t look)
{
    if (editions_looked(plans->editions, look))
        return true;
    editions_want(plans->editions);
    if (plans->impatient)
        return false;
    plans->impatient = !editions_await(plans->editions, look);
    return !plans->impatient;
}

/*
 * A writer that is new may be as new as a version of ours that we have not seen yet, which alone reads its
 * records rightly.
 */
static struct plans_answer make_sure(struct plans *plans, struct plans_entry *entry)
{
    const struct edition_writer *writer = entry->writer;
    if (!look_done(plans, writer->look))
        return wait_for_edition(plans, writer, "looking for newer versions to read it with");
    if (editions_number(plans->editions) != plans->number)
        return wait_for_edition(plans, writer, "newer versions are in use from the next batch on");
    entry->sure = true;
    plans->last = entry;
    return answer_of(entry);
}

/* What to do about a key without entry, by what the registry said of it. */
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
                              const struct weir_schema **schema)
{
    const struct weir_err *missing = &plans->missing;
    if (missing->code != WEIR_OK && weir_schema_key_equal(&plans->missing_key, key)) {
        plans->why = *missing;
        return missing->code;
    }
    enum weir_err_code code = plans->schemas->ops->by_key(plans->schemas, key, schema, &plans->why);
    if (code == WEIR_ERR_NOT_FOUND || weir_err_class(code) == WEIR_CLASS_WAIT) {
        plans->missing = plans->why;
        plans->missing_key = *key;
    }
    return code;
}

/* A writer that is new to the edition. *out is NULL after a failure. */
static enum weir_err_code meet(struct plans *plans, const struct weir_schema_key *key,
                               const struct edition_writer **out)
{
    const struct weir_schema *schema = NULL;
    /* Before the registry is asked: whatever it knows by now, that look will find. */
    uint64_t look = editions_next_look(plans->editions);
    enum weir_err_code code = ask(plans, key, &schema);
    if (code != WEIR_OK && code != WEIR_ERR_BAD_SCHEMA)
        return code;
    /* No version of ours reads what is no schema. */
    struct weir_err said = plans->why;
    return edition_add(plans->edition, key, schema, &said, schema ? look : 0, out, &plans->why);
}

static struct plans_answer learn(struct plans *plans, struct plans_entry *entry,
                                 const struct weir_schema_key *key, int64_t age_ms)
{
    const struct edition_writer *writer = edition_find(plans->edition, key);
    enum weir_err_code code = writer ? WEIR_OK : meet(plans, key, &writer);
    if (code != WEIR_OK)
        return answer_unknown(plans, key, code, age_ms);
    entry->writer = writer;
    code = name_writer(plans, entry);
    if (code != WEIR_OK) {
        entry->writer = NULL;
        return (struct plans_answer){.wait = code, .why = &plans->why};
    }
    return make_sure(plans, entry);
}

struct plans_answer plans_find(struct plans *plans, const struct weir_wire *wire, int64_t age_ms)
{
    if (wire->kind != WEIR_WIRE_AVRO)
        return (struct plans_answer){.plan = edition_plain(plans->edition)};
    if (plans->last && weir_schema_key_equal(&plans->last->writer->key, &wire->key))
        return answer_of(plans->last);
    struct plans_entry *entry = probe(plans, &wire->key);
    if (!entry->writer)
        return learn(plans, entry, &wire->key, age_ms);
    if (!entry->sure)
        return make_sure(plans, entry);
    plans->last = entry;
    return answer_of(entry);
}
