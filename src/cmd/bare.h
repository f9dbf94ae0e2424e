/*
 * Values tried out against schemas alone: bare Avro bytes or JSON of one schema, read as another, and written
 * as a third. What `weir try --reader` does, so that any program can compare weir with another
 * implementation.
 */
#ifndef WEIR_CMD_BARE_H
#define WEIR_CMD_BARE_H

#include "weir/bytes.h"
#include "weir/err.h"
#include "weir/spec.h"

/* Files with schemas of any type, references excluded, and how JSON has unions. */
struct bare_files {
    const char *writer; /* NULL: the reader's */
    const char *reader;
    const char *output; /* NULL: the reader's */
    enum weir_unions unions;
};

/* One thread at a time. */
struct bare;

/* Reads and resolves the schemas. Fails with WEIR_ERR_NOT_FOUND, WEIR_ERR_IO, WEIR_ERR_BAD_SCHEMA,
 * WEIR_ERR_INCOMPATIBLE or WEIR_ERR_NO_MEMORY; the text names the file. */
enum weir_err_code bare_new(const struct bare_files *files, struct bare **out, struct weir_err *err);
void bare_free(struct bare *bare);

/*
 * Makes one value of the writer's, Avro or JSON, one of the output's; *line as in trial_run, with verdict
 * PASS or REJECT, borrowed until the next call. Fails with WEIR_ERR_NO_MEMORY.
 */
enum weir_err_code bare_run(struct bare *bare, struct weir_bytes value, bool is_json, struct weir_bytes *line,
                            struct weir_err *err);

#endif
