/*
 * Where a configuration's schemas come from: a folder or a Schema Registry, behind one face.
 */
#ifndef WEIR_REGISTRY_REGISTRY_H
#define WEIR_REGISTRY_REGISTRY_H

#include "engine/ports.h"
#include "registry/directory.h"
#include "registry/remote.h"
#include "weir/spec.h"

struct registry_options {
    const struct weir_spec *spec; /* borrowed, like all below */
    const char *dir;              /* a folder in place of what the spec says; NULL: the spec */
    struct timer *timer;          /* NULL where registry_schemas is never called */
    const atomic_int *stop;       /* may be NULL; once not 0, questions are given up within a second */
    uint64_t seed;                /* of jitter */
};

/* How the spec's registry.url is asked; seed and stop are the caller's to add. All texts are the spec's.
 * Pure. */
struct http_options registry_http(const struct weir_spec *spec);

/* All calls come from one thread. */
struct registry;

/*
 * Reads the folder; of a server it only makes a client. Fails as directory_open or remote_open; a message
 * about a folder says so.
 */
enum weir_err_code registry_open(const struct registry_options *options, struct registry **out,
                                 struct weir_err *err);

/* Frees it with all its schemas and the door. NULL is fine. */
void registry_close(struct registry *registry);

/*
 * A version of a subject; the schema is borrowed until registry_close. Fails as directory_subject or
 * remote_subject: WEIR_ERR_REGISTRY_DOWN may be over later.
 */
enum weir_err_code registry_subject(struct registry *registry, const struct weir_subject_spec *subject,
                                    struct schemas_version *out, struct weir_err *err);

/* The schema of a key, asked for at once. WEIR_ERR_NOT_FOUND: there is none; else as the engine's door. */
enum weir_err_code registry_by_key(struct registry *registry, const struct weir_schema_key *key,
                                   const struct weir_schema **out, struct weir_err *err);

/*
 * The engine's door, valid until registry_close; the first call starts the threads of a server's. Fails as
 * remote_start.
 */
enum weir_err_code registry_schemas(struct registry *registry, struct schemas **out, struct weir_err *err);

#endif
