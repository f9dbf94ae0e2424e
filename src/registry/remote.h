/*
 * A Schema Registry behind the engine's door. What is asked for and not known is looked up by threads of its
 * own, so that the one who asks goes on with other partitions meanwhile: several ids at once, each id once.
 */
#ifndef WEIR_REGISTRY_REMOTE_H
#define WEIR_REGISTRY_REMOTE_H

#include "engine/ports.h"
#include "registry/http.h"
#include "weir/schema.h"
#include "weir/spec.h"

/* Look-ups at the same time: one that gets no answer must not keep the others waiting. */
#define REMOTE_THREADS 4
/* Most ids that are asked for or were not found; beyond, the oldest that is settled is forgotten. */
#define REMOTE_ASKS_MAX 256
/* How long one question may wait for its answer, summed up over a second: an answer usually comes within a
 * few ms, and then no partition has to wait. */
#define REMOTE_PATIENCE_MS 100
/* After how long an id that was not found, or of which nothing could be learnt, is looked up again, when it
 * is asked for. */
#define REMOTE_AGAIN_MS 1000
/* How long "not found" is worth something: longer than any pause of the engine between two tries. */
#define REMOTE_TRUST_MS 10000

struct remote_options {
    struct http_options http;       /* stop is for remote_subject and remote_ask */
    struct weir_subject_spec input; /* the subject that must resolve before "no such id" is believed */
    int64_t poll_ms;                /* how often one known id is looked at again */
};

struct remote;

/* Reaches for nothing yet. Errors of http_new. */
enum weir_err_code remote_open(const struct remote_options *options, struct remote **out,
                               struct weir_err *err);

/* Stops the threads and frees everything; a request in flight is given up within a second. */
void remote_close(struct remote *remote);

/*
 * A version of a subject, looked up now; its schema is borrowed from the remote. Errors of client_subject,
 * and WEIR_ERR_SCHEMA_CHANGED. The door's subject is the same. One thread at a time, of remote_ask too.
 */
enum weir_err_code remote_subject(struct remote *remote, const struct weir_subject_spec *subject,
                                  struct schemas_version *out, struct weir_err *err);

/* As the door's by_key, but waits for the answer. One thread at a time, of remote_subject too. */
enum weir_err_code remote_ask(struct remote *remote, const struct weir_schema_key *key,
                              const struct weir_schema **out, struct weir_err *err);

/*
 * Starts the threads; *out is the engine's door, valid until remote_close. Unlike other ports it may be used
 * by several workers at once. by_key answers WEIR_ERR_SCHEMA_PENDING while an id is being looked up;
 * WEIR_ERR_NOT_FOUND only when the registry says 40403 of the id and resolves the input's subject. check
 * tells of WEIR_ERR_SCHEMA_CHANGED. WEIR_ERR_NO_MEMORY when there are no threads.
 */
enum weir_err_code remote_start(struct remote *remote, struct schemas **out, struct weir_err *err);

#endif
