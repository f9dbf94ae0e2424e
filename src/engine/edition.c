#include "engine/edition.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Slots of the table: a power of two, at most half full. */
#define SLOTS (EDITION_WRITERS_MAX * 2)

struct edition {
    struct weir_plan_request request; /* without writer */
    struct schemas_version reader, output;
    struct weir_plan *plain;
    atomic_uint holders;

    pthread_mutex_t lock; /* of all below; what a writer's entry says never changes */
    struct edition_writer *writers[EDITION_WRITERS_MAX]; /* in the order in which they came */
    size_t n;
    struct edition_writer *slots[SLOTS]; /* the same by key */
};

/* --- life --- */

static enum weir_err_code no_memory(struct weir_err *err)
{
    return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a plan");
}

enum weir_err_code edition_new(const struct weir_pipeline_spec *spec, const struct schemas_version *reader,
                               const struct schemas_version *output, struct edition **out,
                               struct weir_err *err)
{
    struct edition *edition = calloc(1, sizeof *edition);
    if (!edition || pthread_mutex_init(&edition->lock, NULL) != 0) {
        free(edition);
        return no_memory(err);
    }
    edition->reader = *reader;
    edition->output = *output;
    edition->request = (struct weir_plan_request){.spec = spec,
                                                  .reader = reader->schema,
                                                  .reader_version = reader->version,
                                                  .output = output->schema,
                                                  .output_id = output->id};
    atomic_store(&edition->holders, 1);
    enum weir_err_code code = weir_plan_new(&edition->request, &edition->plain, err);
    if (code == WEIR_OK)
        *out = edition;
    else
        edition_release(edition);
    return code;
}

struct edition *edition_hold(struct edition *edition)
{
    (void)atomic_fetch_add(&edition->holders, 1);
    return edition;
}

static void free_writer(struct edition_writer *writer)
{
    weir_plan_free(writer->plan);
    free(writer);
}

void edition_release(struct edition *edition)
{
    if (!edition || atomic_fetch_sub(&edition->holders, 1) > 1)
        return;
    for (size_t i = 0; i < edition->n; i++)
        free_writer(edition->writers[i]);
    weir_plan_free(edition->plain);
    (void)pthread_mutex_destroy(&edition->lock);
    free(edition);
}

const struct weir_pipeline_spec *edition_spec(const struct edition *edition)
{
    return edition->request.spec;
}

const struct schemas_version *edition_reader(const struct edition *edition)
{
    return &edition->reader;
}

const struct schemas_version *edition_output(const struct edition *edition)
{
    return &edition->output;
}

const struct weir_plan *edition_plain(const struct edition *edition)
{
    return edition->plain;
}

/* --- writers; all with the lock --- */

/* Spreads ids that follow one another, too. */
static uint32_t hash(const struct weir_schema_key *key)
{
    uint32_t some = key->id;
    if (key->by_guid)
        memcpy(&some, key->guid, sizeof some);
    return some * UINT32_C(2654435761);
}

/* The slot of the key, or the free one where it belongs. */
static struct edition_writer **probe(struct edition *edition, const struct weir_schema_key *key)
{
    size_t i = hash(key) & (SLOTS - 1);
    while (edition->slots[i] && !weir_schema_key_equal(&edition->slots[i]->key, key))
        i = (i + 1) & (SLOTS - 1);
    return &edition->slots[i];
}

/* Compiles into writer, whose key and schema are there. That it cannot be read is not a failure. */
static enum weir_err_code compile(const struct edition *edition, struct edition_writer *writer)
{
    struct weir_plan_request request = edition->request;
    request.writer = writer->schema;
    enum weir_err_code code = weir_plan_new(&request, &writer->plan, &writer->why);
    return code == WEIR_ERR_NO_MEMORY ? code : WEIR_OK;
}

static enum weir_err_code make_writer(struct edition *edition, const struct edition_writer *like,
                                      struct edition_writer **slot, struct weir_err *err)
{
    if (edition->n == EDITION_WRITERS_MAX)
        return weir_fail(err, WEIR_ERR_SCHEMA_PENDING, "more than %d schema ids in one batch",
                         EDITION_WRITERS_MAX);
    struct edition_writer *writer = malloc(sizeof *writer);
    if (!writer)
        return no_memory(err);
    *writer = *like;
    if (writer->schema && compile(edition, writer) != WEIR_OK) {
        free(writer);
        return no_memory(err);
    }
    edition->writers[edition->n++] = *slot = writer;
    return WEIR_OK;
}

static enum weir_err_code enter(struct edition *edition, const struct edition_writer *like,
                                const struct edition_writer **out, struct weir_err *err)
{
    struct edition_writer **slot = probe(edition, &like->key);
    enum weir_err_code code = *slot ? WEIR_OK : make_writer(edition, like, slot, err);
    *out = *slot;
    return code;
}

/* --- the same without it --- */

const struct edition_writer *edition_find(struct edition *edition, const struct weir_schema_key *key)
{
    (void)pthread_mutex_lock(&edition->lock);
    const struct edition_writer *writer = *probe(edition, key);
    (void)pthread_mutex_unlock(&edition->lock);
    return writer;
}

enum weir_err_code edition_add(struct edition *edition, const struct weir_schema_key *key,
                               const struct weir_schema *schema, const struct weir_err *why, uint64_t look,
                               const struct edition_writer **out, struct weir_err *err)
{
    struct edition_writer like = {.key = *key, .schema = schema, .look = look};
    if (!schema)
        like.why = *why;
    (void)pthread_mutex_lock(&edition->lock);
    enum weir_err_code code = enter(edition, &like, out, err);
    (void)pthread_mutex_unlock(&edition->lock);
    return code;
}

bool edition_crowded(struct edition *edition)
{
    (void)pthread_mutex_lock(&edition->lock);
    bool crowded = edition->n > EDITION_WRITERS_MAX / 2;
    (void)pthread_mutex_unlock(&edition->lock);
    return crowded;
}

/* The i-th writer that came along, NULL when there are no more. */
static const struct edition_writer *writer_at(struct edition *edition, size_t i)
{
    (void)pthread_mutex_lock(&edition->lock);
    const struct edition_writer *writer = i < edition->n ? edition->writers[i] : NULL;
    (void)pthread_mutex_unlock(&edition->lock);
    return writer;
}

enum weir_err_code edition_inherit(struct edition *edition, struct edition *from, struct weir_err *err)
{
    const struct edition_writer *before, *after;
    for (size_t i = 0; (before = writer_at(from, i)) != NULL; i++) {
        enum weir_err_code code =
            edition_add(edition, &before->key, before->schema, &before->why, before->look, &after, err);
        if (code != WEIR_OK)
            return code;
        char text[WEIR_SCHEMA_KEY_TEXT];
        if (before->plan && !after->plan)
            return weir_fail(err, WEIR_ERR_INCOMPATIBLE,
                             "what is written with schema id %s, which is in use: %s",
                             weir_schema_key_print(&before->key, text), after->why.text);
    }
    return WEIR_OK;
}
