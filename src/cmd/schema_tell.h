/*
 * What `weir schema` prints: lines for a person, or one JSON object a line. A failure to write shows when the
 * command flushes standard output at its end.
 */
#ifndef WEIR_CMD_SCHEMA_TELL_H
#define WEIR_CMD_SCHEMA_TELL_H

#include <stdbool.h>

#include "core/mapping.h"
#include "dlq/rehearsal.h"
#include "registry/push.h"
#include "weir/err.h"

struct schema_tell {
    bool json;
    int width;              /* of the column of subjects or paths */
    enum mapping_part part; /* that the last row of a mapping was of */
    bool begun;             /* a row of a mapping was told */
};

/* What became of one schema of a folder: struct push's report. context is the struct schema_tell. */
void schema_tell_push(void *context, const struct push_row *row);
void schema_tell_sums(const struct schema_tell *tell, const size_t counts[PUSH_OUTCOMES]);

/* One field: struct mapping_visitor's row. */
void schema_tell_field(void *context, const struct mapping_row *row);

/* A question that was decided: "registry: compatible", its reason where there is one. */
void schema_tell_verdict(const struct schema_tell *tell, const char *question, bool good, const char *word,
                         const char *why);

/* What became of real records, and whether any came off worse: the question "records". */
void schema_tell_rehearsal(const struct schema_tell *tell, const struct rehearsal *rehearsal,
                           const struct weir_spec *spec);

#endif
