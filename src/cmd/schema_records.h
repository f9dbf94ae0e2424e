/* Real records under a schema that is not registered yet: `weir schema check --records`. */
#ifndef WEIR_CMD_SCHEMA_RECORDS_H
#define WEIR_CMD_SCHEMA_RECORDS_H

#include <stdatomic.h>

#include "cmd/schema_tell.h"
#include "registry/registry.h"

/* All of it is borrowed. */
struct schema_records {
    const struct weir_spec *spec;
    struct registry *registry;
    const char *subject; /* the input's or the output's */
    const struct weir_schema *schema;
    int64_t records; /* of the newest of the input */
    const atomic_int *stopping;
};

/* USAGE when the subject is neither the input's nor the output's: no record of the pipeline is of it then. */
enum weir_err_code schema_records_check(const struct weir_spec *spec, const char *subject,
                                        struct weir_err *err);

/*
 * Runs the records and tells what came of it. *good becomes false when one comes off worse than today, or
 * when there is no plan to run them with. Fails as admin_open, session_peek, verdict_new and rehearsal_run.
 */
enum weir_err_code schema_records_run(const struct schema_records *what, const struct schema_tell *tell,
                                      bool *good, struct weir_err *err);

#endif
