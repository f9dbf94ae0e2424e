#include "registry/shelf.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct shelf {
    struct schemas base;
    const char *path;
    struct timer *timer;
    pthread_mutex_t lock; /* of all below; what has been handed out needs none, since it stays as it is */
    struct directory *readings[SHELF_READINGS_MAX];
    size_t n;
    int64_t read_at_ms;
};

static struct shelf *self_of(struct schemas *schemas)
{
    return (struct shelf *)schemas;
}

static const struct weir_schema *find(const struct shelf *self, const struct weir_schema_key *key)
{
    for (size_t i = 0; i < self->n; i++) {
        const struct weir_schema *schema = directory_by_key(self->readings[i], key);
        if (schema)
            return schema;
    }
    return NULL;
}

/* Reads the folder again and keeps the reading when it knows the id. */
static enum weir_err_code reread(struct shelf *self, const struct weir_schema_key *key,
                                 const struct weir_schema **out, struct weir_err *err)
{
    struct directory *fresh = NULL;
    struct weir_err why;
    self->read_at_ms = self->timer->ops->monotonic_ms(self->timer);
    /* A folder in the middle of being changed is not a reason to reject anything. */
    if (directory_open(self->path, &fresh, &why) != WEIR_OK)
        return weir_fail(err, WEIR_ERR_REGISTRY_DOWN, "schemas cannot be read: %s", why.text);
    *out = directory_by_key(fresh, key);
    if (!*out) {
        directory_close(fresh);
        return weir_fail(err, WEIR_ERR_NOT_FOUND, "no schema in %s has the id %s", self->path,
                         weir_schema_key_print(key, (char[WEIR_SCHEMA_KEY_TEXT]){0}));
    }
    self->readings[self->n++] = fresh;
    return WEIR_OK;
}

static enum weir_err_code find_or_reread(struct shelf *self, const struct weir_schema_key *key,
                                         const struct weir_schema **out, struct weir_err *err)
{
    *out = find(self, key);
    if (*out)
        return WEIR_OK;
    bool due = self->timer->ops->monotonic_ms(self->timer) - self->read_at_ms >= SHELF_REREAD_MS;
    if (!due || self->n == SHELF_READINGS_MAX)
        return weir_fail(err, WEIR_ERR_NOT_FOUND, "no schema in %s has the id %s", self->path,
                         weir_schema_key_print(key, (char[WEIR_SCHEMA_KEY_TEXT]){0}));
    return reread(self, key, out, err);
}

static enum weir_err_code by_key(struct schemas *schemas, const struct weir_schema_key *key,
                                 const struct weir_schema **out, struct weir_err *err)
{
    struct shelf *self = self_of(schemas);
    (void)pthread_mutex_lock(&self->lock);
    enum weir_err_code code = find_or_reread(self, key, out, err);
    (void)pthread_mutex_unlock(&self->lock);
    return code;
}

/* --- subjects --- */

static bool same_text(const struct weir_schema *a, const struct weir_schema *b)
{
    return a->text_len == b->text_len && memcmp(a->text, b->text, a->text_len) == 0;
}

/* Looks for what a reading says among those that are kept: *out becomes the same of them. With the lock. */
static bool is_kept(const struct shelf *self, const struct weir_subject_spec *wanted,
                    struct schemas_version *out)
{
    struct schemas_version kept;
    struct weir_err ignored;
    for (size_t i = 0; i < self->n; i++) {
        if (directory_subject(self->readings[i], wanted->subject, out->version, &kept.schema, &kept.id,
                              &kept.version, &ignored) != WEIR_OK ||
            !same_text(kept.schema, out->schema))
            continue;
        *out = kept;
        return true;
    }
    return false;
}

/* Keeps a reading when *out, which is of it, is new. */
static enum weir_err_code keep(struct shelf *self, struct directory *fresh,
                               const struct weir_subject_spec *wanted, struct schemas_version *out,
                               struct weir_err *err)
{
    enum weir_err_code code = WEIR_OK;
    (void)pthread_mutex_lock(&self->lock);
    bool kept = is_kept(self, wanted, out);
    if (!kept && self->n == SHELF_READINGS_MAX)
        code = weir_fail(err, WEIR_ERR_REGISTRY_DOWN,
                         "%s has changed %d times; start again to see what is new in it", self->path,
                         SHELF_READINGS_MAX);
    else if (!kept)
        self->readings[self->n++] = fresh;
    (void)pthread_mutex_unlock(&self->lock);
    if (kept || code != WEIR_OK)
        directory_close(fresh);
    return code;
}

static enum weir_err_code subject(struct schemas *schemas, const struct weir_subject_spec *wanted,
                                  struct schemas_version *out, struct weir_err *err)
{
    struct shelf *self = self_of(schemas);
    struct directory *fresh = NULL;
    struct weir_err why;
    if (directory_open(self->path, &fresh, &why) != WEIR_OK)
        return weir_fail(err, WEIR_ERR_REGISTRY_DOWN, "schemas cannot be read: %s", why.text);
    struct schemas_version found;
    enum weir_err_code code = directory_subject(fresh, wanted->subject, wanted->version, &found.schema,
                                                &found.id, &found.version, err);
    if (code != WEIR_OK) {
        directory_close(fresh);
        return code;
    }
    code = keep(self, fresh, wanted, &found, err);
    if (code == WEIR_OK)
        *out = found;
    return code;
}

static const struct schemas_ops ops = {.by_key = by_key, .subject = subject};

enum weir_err_code shelf_open(const char *path, struct timer *timer, struct schemas **out,
                              struct weir_err *err)
{
    struct shelf *self = calloc(1, sizeof *self);
    if (!self)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a folder of schemas");
    self->base.ops = &ops;
    self->path = path;
    self->timer = timer;
    enum weir_err_code code = directory_open(path, &self->readings[0], err);
    if (code == WEIR_OK && pthread_mutex_init(&self->lock, NULL) != 0) {
        directory_close(self->readings[0]);
        code = weir_fail(err, WEIR_ERR_NO_MEMORY, "no lock for a folder of schemas");
    }
    if (code != WEIR_OK) {
        free(self);
        return code;
    }
    self->n = 1;
    self->read_at_ms = timer ? timer->ops->monotonic_ms(timer) : 0;
    *out = &self->base;
    return WEIR_OK;
}

void shelf_close(struct schemas *shelf)
{
    if (!shelf)
        return;
    struct shelf *self = self_of(shelf);
    for (size_t i = 0; i < self->n; i++)
        directory_close(self->readings[i]);
    (void)pthread_mutex_destroy(&self->lock);
    free(self);
}

const struct directory *shelf_directory(const struct schemas *shelf)
{
    return ((const struct shelf *)shelf)->readings[0];
}
