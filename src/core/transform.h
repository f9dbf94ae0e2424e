/*
 * What stands in each field of the output: the steps that write a record, one after the other, in the order
 * of the output's fields. `set` is compiled into steps here; what is filled by name is the work of plan.c.
 */
#ifndef WEIR_CORE_TRANSFORM_H
#define WEIR_CORE_TRANSFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "avro/region.h"
#include "avro/resolve.h"
#include "avro/slot.h"
#include "weir/arena.h"
#include "weir/pipeline.h"

enum step_kind {
    STEP_BYTES,     /* bytes, encoded beforehand */
    STEP_COPY,      /* the slot's bytes */
    STEP_REWRITE,   /* the slot's bytes through rewrite */
    STEP_LOWER,     /* the slot's text, A to Z in lower case */
    STEP_UPPER,     /* the slot's text, a to z in upper case */
    STEP_EPOCH,     /* the slot's number, or decimal text, times multiply */
    STEP_NOW,       /* the time of processing in ms, times multiply, or in whole seconds */
    STEP_PARTITION, /* of the input record */
    STEP_OFFSET,    /* likewise */
    STEP_TIMESTAMP  /* likewise, times multiply; absent where the record has none */
};

struct step {
    enum step_kind kind;
    size_t slot;              /* the reader's field: COPY to EPOCH */
    struct weir_bytes bytes;  /* BYTES; for the others see fallback */
    bool fallback;            /* where the source took its default, or is null or absent, bytes are written */
    struct weir_bytes prefix; /* index of the output's union branch, before the value; may be empty */
    struct resolution *rewrite; /* owned by whoever compiled the step */
    int64_t multiply;
    bool in_seconds; /* NOW: what is given in ms becomes whole seconds; a flag, so that no record is divided
                        for nothing */
    int64_t least, greatest; /* what the output's type can hold */
    bool as_it_is;           /* a number that is neither scaled nor prefixed: most are */
    const char *rule;        /* "set.timestamp"; NULL for what is filled by name */
    const char *field;       /* for messages: the reader's field where there is one, else the output's */
};

/* True when the step takes the value of one of the reader's fields. */
static inline bool transform_has_slot(const struct step *step)
{
    return step->kind >= STEP_COPY && step->kind <= STEP_EPOCH;
}

/* Is a field of the reader's record possibly without a value of its own: defaulted or null? */
bool transform_may_lack(const struct weir_field *field);

/*
 * Compiles spec into the step that writes the output's field. rule is its name ("set.timestamp"), topic the
 * input's; both are borrowed. The rest lies in region, but for step->rewrite, which the caller must free,
 * also after a failure. Fails with WEIR_ERR_CONFIG (line, column, what does not fit) or WEIR_ERR_NO_MEMORY.
 */
enum weir_err_code transform_compile(const struct weir_set_spec *spec, const char *rule, const char *topic,
                                     const struct weir_node *reader, const struct weir_field *output,
                                     struct region *region, struct step *step, struct weir_err *err);

/*
 * The step that takes the reader's field as it is: COPY where the bytes are the same for the output's type,
 * else REWRITE. The caller frees step->rewrite. Fails with WEIR_ERR_INCOMPATIBLE or WEIR_ERR_NO_MEMORY.
 */
enum weir_err_code transform_take(const struct weir_node *reader, size_t slot,
                                  const struct weir_field *output, struct step *step, struct weir_err *err);

/* What the steps of one record look at. */
struct transform_in {
    const struct slot *slots;
    const struct weir_record *record;
    int64_t now_ms;
};

/*
 * Writes the output's record at the end of out. False: *why has code, field, byte offset and rule; its text
 * lies in scratch, or is empty. Any thread.
 */
bool transform_run(const struct step *steps, size_t n, const struct transform_in *in, struct weir_arena *out,
                   struct weir_arena *scratch, struct weir_reason *why);

#endif
