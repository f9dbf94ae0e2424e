#include "registry/remote.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "registry/client.h"
#include "registry/known.h"
#include "sys/clock.h"
#include "sys/log.h"

/* The window over which patience is summed up. */
#define PATIENCE_WINDOW_MS 1000

/* A key for a message. */
#define SHOW(key) weir_schema_key_print((key), (char[WEIR_SCHEMA_KEY_TEXT]){0})

/* What is known of a key that is not known. */
enum ask_said { ASK_NOTHING, ASK_UNKNOWN, ASK_DOWN };

struct ask {
    struct weir_schema_key key;
    bool wanted;         /* some thread should look it up */
    bool flying;         /* a thread is looking it up */
    enum ask_said said;  /* the last answer */
    int64_t said_ms;     /* when that was */
    struct weir_err why; /* ASK_DOWN */
};

/* A thread that looks ids up. */
struct helper {
    struct remote *remote;
    struct client *client;
    pthread_t thread;
    bool verifies; /* it looks at what is known, too */
};

struct remote {
    struct schemas base;
    struct remote_options options;
    struct client *client; /* of the thread that opened it */
    struct helper helpers[REMOTE_THREADS];
    size_t n_helpers; /* that run */
    atomic_int closing;
    atomic_bool has_changed;

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t wanted, answered;
    struct known known;
    struct ask asks[REMOTE_ASKS_MAX];
    size_t n_asks;
    struct weir_err changed;
    int64_t window_ms; /* when the window of patience began */
    int64_t waited_ms; /* what of it is used up */
    int64_t verify_at_ms;
    struct weir_schema_key verified; /* what was looked at last */
};

static struct remote *self_of(struct schemas *schemas)
{
    return (struct remote *)schemas;
}

/* --- what is known; all with the lock --- */

static enum weir_err_code fail_as(struct weir_err *err, const struct weir_err *why)
{
    return weir_fail(err, why->code, "%s", why->text);
}

static enum weir_err_code note_change(struct remote *remote, const struct weir_schema_key *key,
                                      struct weir_err *err)
{
    (void)weir_fail(&remote->changed, WEIR_ERR_SCHEMA_CHANGED,
                    "schema id %s now stands for another schema than before: was the registry restored or "
                    "exchanged? Records cannot be trusted to mean what they say",
                    SHOW(key));
    atomic_store(&remote->has_changed, true);
    return fail_as(err, &remote->changed);
}

/* Takes over what the registry said of an id; *out is what is kept for it. */
static enum weir_err_code keep(struct remote *remote, const struct weir_schema_key *key,
                               const struct answer_schema *said, const struct weir_schema **out,
                               struct weir_err *err)
{
    const struct known_schema *row = known_find(&remote->known, key);
    enum weir_err_code code = WEIR_OK;
    if (!row) {
        if (said->has_rules)
            log_warn("schema_rules", "schema id %s has rules (ruleSet), which weir does not apply",
                     SHOW(key));
        code = known_add(&remote->known, key, said->schema, NULL, err);
        if (code == WEIR_OK)
            *out = said->schema;
        else
            weir_schema_free(said->schema);
        return code;
    }
    if (row->schema && answer_same(row->schema, said->schema))
        *out = row->schema;
    else
        code = note_change(remote, key, err);
    weir_schema_free(said->schema);
    return code;
}

/* Keeps what is wrong with an id's schema, which is in *err. */
static enum weir_err_code keep_bad(struct remote *remote, const struct weir_schema_key *key,
                                   struct weir_err *err)
{
    struct weir_err why = *err;
    if (known_find(&remote->known, key))
        return why.code;
    enum weir_err_code code = known_add(&remote->known, key, NULL, &why, err);
    return code == WEIR_OK ? why.code : code;
}

static enum weir_err_code answer_known(const struct known_schema *row, const struct weir_schema **out,
                                       struct weir_err *err)
{
    if (!row->schema)
        return fail_as(err, row->why);
    *out = row->schema;
    return WEIR_OK;
}

/* --- looking up; without the lock --- */

/*
 * Turns "no such id" into an error when it cannot be believed: a registry that does not know the input's
 * subject either is the wrong one, or an empty one.
 */
static enum weir_err_code believe(struct remote *remote, struct client *client,
                                  const struct weir_schema_key *key, struct weir_err *err)
{
    struct answer_schema subject;
    struct weir_err why = {0};
    const struct weir_schema *kept;
    enum weir_err_code code = client_subject(client, &remote->options.input, &subject, &why);
    if (code == WEIR_ERR_NO_MEMORY)
        return fail_as(err, &why);
    if (code == WEIR_OK) {
        (void)pthread_mutex_lock(&remote->lock);
        code = keep(remote, &(struct weir_schema_key){.id = subject.id}, &subject, &kept, err);
        (void)pthread_mutex_unlock(&remote->lock);
    } else if (code != WEIR_ERR_BAD_SCHEMA) {
        return weir_fail(err, WEIR_ERR_REGISTRY_DOWN,
                         "the schema registry has no id %s, but cannot be believed: %s", SHOW(key), why.text);
    }
    return code == WEIR_OK || code == WEIR_ERR_BAD_SCHEMA
               ? weir_fail(err, WEIR_ERR_NOT_FOUND, "the schema registry has no id %s", SHOW(key))
               : code;
}

/* Looks an id up and keeps what came of it. */
static enum weir_err_code look_up(struct remote *remote, struct client *client,
                                  const struct weir_schema_key *key, const struct weir_schema **out,
                                  struct weir_err *err)
{
    struct answer_schema said;
    enum weir_err_code code = client_by_key(client, key, &said, err);
    if (code == WEIR_ERR_NOT_FOUND)
        return believe(remote, client, key, err);
    if (code != WEIR_OK && code != WEIR_ERR_BAD_SCHEMA)
        return code;
    (void)pthread_mutex_lock(&remote->lock);
    if (code == WEIR_OK)
        code = keep(remote, key, &said, out, err);
    else
        code = keep_bad(remote, key, err);
    (void)pthread_mutex_unlock(&remote->lock);
    return code;
}

/* --- what is asked for; all with the lock --- */

static struct ask *find_ask(struct remote *remote, const struct weir_schema_key *key)
{
    for (size_t i = 0; i < remote->n_asks; i++)
        if (weir_schema_key_equal(&remote->asks[i].key, key))
            return &remote->asks[i];
    return NULL;
}

/* A free place, or that of the oldest one that nobody is looking up; NULL when there is none. */
static struct ask *make_ask(struct remote *remote)
{
    if (remote->n_asks < REMOTE_ASKS_MAX)
        return &remote->asks[remote->n_asks++];
    struct ask *oldest = NULL;
    for (size_t i = 0; i < remote->n_asks; i++) {
        struct ask *ask = &remote->asks[i];
        if (!ask->wanted && !ask->flying && (!oldest || ask->said_ms < oldest->said_ms))
            oldest = ask;
    }
    return oldest;
}

/* The order of asks means nothing, so the last one fills the gap. */
static void drop_ask(struct remote *remote, struct ask *ask)
{
    *ask = remote->asks[--remote->n_asks];
}

/* Sees to it that the id is looked up, unless that was done just now; NULL when too many are asked for. */
static struct ask *want(struct remote *remote, const struct weir_schema_key *key)
{
    struct ask *ask = find_ask(remote, key);
    if (!ask) {
        ask = make_ask(remote);
        if (!ask)
            return NULL;
        *ask = (struct ask){.key = *key, .said = ASK_NOTHING};
    } else if (ask->wanted || ask->flying || clock_monotonic_ms() - ask->said_ms < REMOTE_AGAIN_MS) {
        return ask;
    }
    ask->wanted = true;
    (void)pthread_cond_signal(&remote->wanted);
    return ask;
}

/* What the last answer is worth now. */
static enum weir_err_code answer_ask(const struct ask *ask, const struct weir_schema_key *key,
                                     struct weir_err *err)
{
    if (!ask)
        return weir_fail(err, WEIR_ERR_SCHEMA_PENDING, "too many schema ids are being looked up");
    if (ask->said == ASK_DOWN)
        return fail_as(err, &ask->why);
    if (ask->said == ASK_NOTHING)
        return weir_fail(err, WEIR_ERR_SCHEMA_PENDING, "schema id %s is being looked up", SHOW(key));
    if (clock_monotonic_ms() - ask->said_ms < REMOTE_TRUST_MS)
        return weir_fail(err, WEIR_ERR_NOT_FOUND, "the schema registry has no id %s", SHOW(key));
    return weir_fail(err, WEIR_ERR_SCHEMA_PENDING, "schema id %s is being looked up again", SHOW(key));
}

static void wait_until(struct remote *remote, pthread_cond_t *cond, int64_t until_ms)
{
    struct timespec until = clock_timespec(until_ms);
    (void)pthread_cond_timedwait(cond, &remote->lock, &until);
}

/* Waits for the answer as long as there is patience left; the ask may move or go meanwhile. */
static void be_patient(struct remote *remote, const struct weir_schema_key *key)
{
    int64_t begun = clock_monotonic_ms();
    if (begun - remote->window_ms >= PATIENCE_WINDOW_MS) {
        remote->window_ms = begun;
        remote->waited_ms = 0;
    }
    int64_t until = begun + REMOTE_PATIENCE_MS - remote->waited_ms;
    int64_t now = begun;
    const struct ask *ask = find_ask(remote, key);
    while (ask && (ask->wanted || ask->flying) && now < until) {
        wait_until(remote, &remote->answered, until);
        now = clock_monotonic_ms();
        ask = find_ask(remote, key);
    }
    remote->waited_ms += now - begun;
}

static enum weir_err_code find(struct remote *remote, const struct weir_schema_key *key,
                               const struct weir_schema **out, struct weir_err *err)
{
    const struct known_schema *row = known_find(&remote->known, key);
    if (row)
        return answer_known(row, out, err);
    (void)want(remote, key);
    be_patient(remote, key);
    row = known_find(&remote->known, key);
    return row ? answer_known(row, out, err) : answer_ask(find_ask(remote, key), key, err);
}

static enum weir_err_code by_key(struct schemas *schemas, const struct weir_schema_key *key,
                                 const struct weir_schema **out, struct weir_err *err)
{
    struct remote *remote = self_of(schemas);
    (void)pthread_mutex_lock(&remote->lock);
    enum weir_err_code code =
        atomic_load(&remote->has_changed) ? fail_as(err, &remote->changed) : find(remote, key, out, err);
    (void)pthread_mutex_unlock(&remote->lock);
    return code;
}

static enum weir_err_code check(struct schemas *schemas, struct weir_err *err)
{
    struct remote *remote = self_of(schemas);
    if (!atomic_load(&remote->has_changed))
        return WEIR_OK;
    (void)pthread_mutex_lock(&remote->lock);
    enum weir_err_code code = fail_as(err, &remote->changed);
    (void)pthread_mutex_unlock(&remote->lock);
    return code;
}

static enum weir_err_code subject(struct schemas *schemas, const struct weir_subject_spec *wanted,
                                  struct schemas_version *out, struct weir_err *err)
{
    return remote_subject(self_of(schemas), wanted, out, err);
}

static const struct schemas_ops ops = {.by_key = by_key, .subject = subject, .check = check};

/* --- the threads --- */

/* Writes down what came of a look-up. What is known now need not be asked for any more. */
static void settle(struct remote *remote, const struct weir_schema_key *key, enum weir_err_code code,
                   const struct weir_err *why)
{
    struct ask *ask = find_ask(remote, key);
    ask->flying = false;
    ask->said_ms = clock_monotonic_ms();
    if (code == WEIR_ERR_NOT_FOUND) {
        ask->said = ASK_UNKNOWN;
    } else if (code == WEIR_OK || code == WEIR_ERR_BAD_SCHEMA) {
        drop_ask(remote, ask);
    } else {
        ask->said = ASK_DOWN;
        ask->why = *why;
        log_debug("registry", "schema id %s: %s", SHOW(key), why->text);
    }
    (void)pthread_cond_broadcast(&remote->answered);
}

/* Looks up an id that is wanted; false when none is. */
static bool serve_one(struct remote *remote, struct client *client)
{
    struct ask *ask = NULL;
    for (size_t i = 0; i < remote->n_asks && !ask; i++)
        if (remote->asks[i].wanted)
            ask = &remote->asks[i];
    if (!ask)
        return false;
    const struct weir_schema_key key = ask->key;
    const struct weir_schema *schema;
    struct weir_err why = {0};
    ask->wanted = false;
    ask->flying = true;
    (void)pthread_mutex_unlock(&remote->lock);
    enum weir_err_code code = look_up(remote, client, &key, &schema, &why);
    (void)pthread_mutex_lock(&remote->lock);
    settle(remote, &key, code, &why);
    return true;
}

/* The known id whose turn it is to be looked at again, round and round; NULL when there is none. */
static struct known_schema *next_to_verify(const struct remote *remote)
{
    struct known_schema *first = NULL;
    for (size_t i = 0; i < remote->known.n; i++) {
        struct known_schema *row = &remote->known.rows[i];
        if (row->schema && known_compare(&row->key, &remote->verified) > 0)
            return row;
        if (row->schema && !first)
            first = row;
    }
    return first;
}

/* Looks at one known id again: does it still mean what it meant? What cannot be learnt now is for next time.
 */
static void verify_one(struct remote *remote, struct client *client)
{
    const struct known_schema *next = next_to_verify(remote);
    remote->verify_at_ms = clock_monotonic_ms() + remote->options.poll_ms;
    if (!next)
        return;
    const struct weir_schema_key key = next->key;
    const struct weir_schema *kept;
    struct answer_schema said;
    struct weir_err why = {0};
    remote->verified = key;
    (void)pthread_mutex_unlock(&remote->lock);
    enum weir_err_code code = client_by_key(client, &key, &said, &why);
    (void)pthread_mutex_lock(&remote->lock);
    struct known_schema *row = known_find(&remote->known, &key);
    if (code == WEIR_OK) {
        (void)keep(remote, &key, &said, &kept, &why);
    } else if (code == WEIR_ERR_BAD_SCHEMA) {
        (void)note_change(remote, &key, &why);
    } else if (code == WEIR_ERR_NOT_FOUND && !row->missed) {
        row->missed = true;
        log_warn("schema_gone", "the schema registry has no id %s any more; going on with what it was",
                 SHOW(&key));
    }
}

static void *run_helper(void *opaque)
{
    const struct helper *helper = opaque;
    struct remote *remote = helper->remote;
    (void)pthread_mutex_lock(&remote->lock);
    while (atomic_load(&remote->closing) == 0) {
        if (serve_one(remote, helper->client))
            continue;
        if (!helper->verifies)
            (void)pthread_cond_wait(&remote->wanted, &remote->lock);
        else if (clock_monotonic_ms() >= remote->verify_at_ms)
            verify_one(remote, helper->client);
        else
            wait_until(remote, &remote->wanted, remote->verify_at_ms);
    }
    (void)pthread_mutex_unlock(&remote->lock);
    return NULL;
}

/* --- the whole --- */

/* Deadlines are of the monotonic clock, so that setting the time makes nobody wait. */
static bool init_locks(struct remote *remote)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return false;
    bool well = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&remote->wanted, &attributes) == 0 &&
                pthread_cond_init(&remote->answered, &attributes) == 0 &&
                pthread_mutex_init(&remote->lock, NULL) == 0;
    (void)pthread_condattr_destroy(&attributes);
    return well;
}

enum weir_err_code remote_open(const struct remote_options *options, struct remote **out,
                               struct weir_err *err)
{
    struct remote *remote = calloc(1, sizeof *remote);
    if (!remote || !init_locks(remote)) {
        free(remote);
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the schemas of a registry");
    }
    remote->base.ops = &ops;
    remote->options = *options;
    enum weir_err_code code = client_new(&options->http, &remote->client, err);
    if (code == WEIR_OK)
        *out = remote;
    else
        remote_close(remote);
    return code;
}

static void stop_helpers(struct remote *remote)
{
    (void)pthread_mutex_lock(&remote->lock);
    atomic_store(&remote->closing, 1);
    (void)pthread_cond_broadcast(&remote->wanted);
    (void)pthread_mutex_unlock(&remote->lock);
    for (size_t i = 0; i < remote->n_helpers; i++)
        (void)pthread_join(remote->helpers[i].thread, NULL);
    for (size_t i = 0; i < REMOTE_THREADS; i++)
        client_free(remote->helpers[i].client);
}

void remote_close(struct remote *remote)
{
    if (!remote)
        return;
    stop_helpers(remote);
    client_free(remote->client);
    known_release(&remote->known);
    (void)pthread_mutex_destroy(&remote->lock);
    (void)pthread_cond_destroy(&remote->wanted);
    (void)pthread_cond_destroy(&remote->answered);
    free(remote);
}

enum weir_err_code remote_subject(struct remote *remote, const struct weir_subject_spec *subject,
                                  struct schemas_version *out, struct weir_err *err)
{
    struct answer_schema said;
    enum weir_err_code code = client_subject(remote->client, subject, &said, err);
    if (code != WEIR_OK)
        return code;
    *out = (struct schemas_version){.id = said.id, .version = said.version};
    (void)pthread_mutex_lock(&remote->lock);
    code = keep(remote, &(struct weir_schema_key){.id = said.id}, &said, &out->schema, err);
    (void)pthread_mutex_unlock(&remote->lock);
    return code;
}

enum weir_err_code remote_ask(struct remote *remote, const struct weir_schema_key *key,
                              const struct weir_schema **out, struct weir_err *err)
{
    (void)pthread_mutex_lock(&remote->lock);
    const struct known_schema *row = known_find(&remote->known, key);
    enum weir_err_code code = row ? answer_known(row, out, err) : WEIR_ERR_NOT_FOUND;
    (void)pthread_mutex_unlock(&remote->lock);
    return row ? code : look_up(remote, remote->client, key, out, err);
}

static enum weir_err_code start_helper(struct remote *remote, size_t i, struct weir_err *err)
{
    struct helper *helper = &remote->helpers[i];
    struct http_options http = remote->options.http;
    http.stop = &remote->closing;
    http.seed += i + 1;
    *helper = (struct helper){.remote = remote, .verifies = i == 0};
    enum weir_err_code code = client_new(&http, &helper->client, err);
    if (code == WEIR_OK && pthread_create(&helper->thread, NULL, run_helper, helper) != 0)
        code = weir_fail(err, WEIR_ERR_NO_MEMORY, "no thread for the schema registry");
    if (code == WEIR_OK)
        remote->n_helpers++;
    return code;
}

enum weir_err_code remote_start(struct remote *remote, struct schemas **out, struct weir_err *err)
{
    enum weir_err_code code = WEIR_OK;
    remote->verify_at_ms = clock_monotonic_ms() + remote->options.poll_ms;
    for (size_t i = 0; i < REMOTE_THREADS && code == WEIR_OK; i++)
        code = start_helper(remote, i, err);
    if (code == WEIR_OK)
        *out = &remote->base;
    return code;
}
