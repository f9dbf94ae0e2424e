/*
 * A folder as a schema registry: <subject>/v<N>.avsc, read whole when it is opened. A schema's id comes from
 * its fingerprint, so that it is the same wherever the folder lies and whatever else is in it.
 */
#ifndef WEIR_REGISTRY_DIRECTORY_H
#define WEIR_REGISTRY_DIRECTORY_H

#include <stddef.h>
#include <stdint.h>

#include "weir/err.h"
#include "weir/pipeline.h"
#include "weir/schema.h"

/* Limits on a folder that may be anything. */
#define DIRECTORY_SUBJECTS_MAX 10000
#define DIRECTORY_VERSIONS_MAX 10000 /* of one subject, and the highest version */

/* Immutable once open; any number of threads may look into it. */
struct directory;

/*
 * Reads and parses every schema below path. Names that begin with a dot, files beside the subjects' folders
 * and files that do not end in .avsc are passed over. Fails with WEIR_ERR_NOT_FOUND or WEIR_ERR_IO (the
 * folder or a file), WEIR_ERR_BAD_SCHEMA (the file, and the path inside the schema of what is wrong; also a
 * name that is not v<N>.avsc, and two schemas of one id) or WEIR_ERR_NO_MEMORY.
 */
enum weir_err_code directory_open(const char *path, struct directory **out, struct weir_err *err);

/* Frees it with all its schemas; NULL is fine. */
void directory_close(struct directory *directory);

/*
 * The id of a schema: the low 31 bits of the CRC-64-AVRO of its parsing canonical form, so that it is
 * positive as a registry's. Schemas that encode alike (other defaults, docs, aliases) share it, as the bytes
 * do.
 */
uint32_t directory_id(const struct weir_schema *schema);

/* The schema of that key, borrowed; NULL when there is none, as of every GUID: those only a server gives. */
const struct weir_schema *directory_by_key(const struct directory *directory,
                                           const struct weir_schema_key *key);

/*
 * A subject's schema (borrowed), its id and its version. version WEIR_VERSION_LATEST (0): the highest there
 * is. Fails with WEIR_ERR_NOT_FOUND; err->text says what there is instead.
 */
enum weir_err_code directory_subject(const struct directory *directory, const char *subject, int64_t version,
                                     const struct weir_schema **schema, uint32_t *id, int64_t *version_out,
                                     struct weir_err *err);

/*
 * The schemas of a subject by rising version: the one at an index (borrowed) and its version; NULL from index
 * on where there are no more, and for a subject that is not there.
 */
const struct weir_schema *directory_version(const struct directory *directory, const char *subject,
                                            size_t index, int64_t *version);

/* The subjects' names, sorted; NULL from index on where there are no more. */
const char *directory_subject_name(const struct directory *directory, size_t index);

#endif
