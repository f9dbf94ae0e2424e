/*
 * Records tried out against a configuration without Kafka: its schemas, a plan for each writer,
 * and the outcome of each record as a line of JSON. What `weir try` does, and what the cases of tests/cases
 * run on.
 */
#ifndef WEIR_CMD_TRIAL_H
#define WEIR_CMD_TRIAL_H

#include <stdint.h>

#include "weir/bytes.h"
#include "weir/err.h"
#include "weir/pipeline.h"
#include "weir/spec.h"

/* One thread at a time. */
struct trial;

/*
 * Opens the folder of schemas (what the spec's registry says where schemas is NULL) and compiles what does
 * not depend on the writer. spec is borrowed. Fails with WEIR_ERR_CONFIG, WEIR_ERR_INCOMPATIBLE,
 * WEIR_ERR_BAD_SCHEMA, WEIR_ERR_NOT_FOUND, WEIR_ERR_IO, WEIR_ERR_REGISTRY_DOWN or WEIR_ERR_NO_MEMORY.
 */
enum weir_err_code trial_new(const struct weir_spec *spec, const char *schemas, struct trial **out,
                             struct weir_err *err);
void trial_free(struct trial *trial);

/*
 * Processes a record as `weir run` would; *line is the outcome as one JSON object without line end, borrowed
 * until the next call. Where there is no schema of a value's id the verdict is unknown_schema. Fails
 * with WEIR_ERR_NO_MEMORY, and when a registry cannot tell: WEIR_ERR_REGISTRY_DOWN, WEIR_ERR_SCHEMA_CHANGED.
 */
enum weir_err_code trial_run(struct trial *trial, const struct weir_record *record, int64_t now_ms,
                             struct weir_bytes *line, struct weir_err *err);

#endif
