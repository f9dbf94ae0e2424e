/* The form of an output: where in a value its source's coordinates stand, and what of it can be compared. */
#ifndef WEIR_AUDIT_FORM_H
#define WEIR_AUDIT_FORM_H

#include <stdbool.h>
#include <stdint.h>

#include "audit/sip.h"
#include "weir/err.h"
#include "weir/schema.h"
#include "weir/spec.h"

/* What was read of a value. */
struct form_reading {
    bool placed; /* partition and offset of its source are known */
    int32_t partition;
    int64_t offset;
    /* Of all its bytes, but for fields that `now` fills: of those only what kind of value it is. */
    uint64_t digest;
};

/* One thread. */
struct form;

/* Of what the configuration writes with that schema; both are borrowed. INCOMPATIBLE, NO_MEMORY. */
enum weir_err_code form_new(const struct weir_pipeline_spec *spec, const struct weir_schema *output,
                            struct form **out, struct weir_err *err);
/* NULL is fine. */
void form_free(struct form *form);

/* True when outputs hold the partition and the offset of their source. */
bool form_has_place(const struct form *form);

/*
 * Reads a value. One that is no value of the schema is not placed, and its digest is that of its bytes; so is
 * a tombstone. NO_MEMORY.
 */
enum weir_err_code form_read(struct form *form, const struct sip_key *key, struct weir_bytes value,
                             struct form_reading *reading, struct weir_err *err);

#endif
