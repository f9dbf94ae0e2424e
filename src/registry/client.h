/*
 * The questions that weir asks a Schema Registry: the schema of an id or a GUID, and a version of a subject.
 * Each waits for its answer.
 */
#ifndef WEIR_REGISTRY_CLIENT_H
#define WEIR_REGISTRY_CLIENT_H

#include "registry/answer.h"
#include "registry/http.h"
#include "weir/pipeline.h"
#include "weir/spec.h"

/* As struct http: made and freed by one thread, used by one at a time. */
struct client;

/* Errors of http_new. The options are borrowed as there. */
enum weir_err_code client_new(const struct http_options *options, struct client **out, struct weir_err *err);
void client_free(struct client *client);

/* Its connection, borrowed: registrar.c asks its questions over it. */
struct http *client_http(struct client *client);

/*
 * GET /schemas/ids/{id}, or /schemas/guids/{guid}, which Confluent's registry knows from version 8 on. Fails
 * with WEIR_ERR_NOT_FOUND only when the registry says itself that it has no such schema (404 with error_code
 * 40403), WEIR_ERR_REGISTRY_DOWN when it says nothing of use, 401, a proxy's 404 and that of a registry that
 * knows no GUIDs included, WEIR_ERR_BAD_SCHEMA of answer_read, or WEIR_ERR_NO_MEMORY.
 */
enum weir_err_code client_by_key(struct client *client, const struct weir_schema_key *key,
                                 struct answer_schema *out, struct weir_err *err);

/*
 * GET /subjects/{subject}/versions/{latest or version}: the answer has id and version. Fails as
 * client_by_key; WEIR_ERR_NOT_FOUND is for 40401 and 40402.
 */
enum weir_err_code client_subject(struct client *client, const struct weir_subject_spec *subject,
                                  struct answer_schema *out, struct weir_err *err);

#endif
