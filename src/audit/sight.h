/*
 * Records as the judge compares them: what must come of an input record, and what was found, made into the
 * same few numbers. Pure.
 */
#ifndef WEIR_AUDIT_SIGHT_H
#define WEIR_AUDIT_SIGHT_H

#include "audit/compare.h"
#include "audit/form.h"
#include "dlq/letter.h"
#include "weir/pipeline.h"
#include "weir/spec.h"

/* What cannot be learnt from records. */
struct sight_world {
    struct sip_key key;
    int32_t input_partitions, output_partitions, letter_partitions;
    bool output_time, letter_time; /* the topic keeps the timestamps that producers give */
};

/* Of an output that is read already, with its spec (of the plan). found: as it lies in its topic. */
void sight_output(const struct sight_world *world, const struct weir_spec *spec,
                  const struct weir_record *found, const struct form_reading *reading,
                  struct compare_sight *sight);

/* What the output of an input record must be. reading: of outcome->value. */
void sight_expect_output(const struct sight_world *world, const struct weir_spec *spec,
                         const struct weir_record *in, const struct weir_outcome *outcome,
                         const struct form_reading *reading, struct compare_sight *sight);

/* Of a letter that was found. A reference is compared by its code alone. */
void sight_letter(const struct sight_world *world, enum weir_dialect dialect, const struct letter *letter,
                  struct compare_sight *sight);

/* What the letter of a rejected input record must be. reference: the one that was found is one. */
void sight_expect_letter(const struct sight_world *world, const struct weir_spec *spec,
                         const struct weir_record *in, enum weir_code code, bool reference,
                         struct compare_sight *sight);

/* Of a record that `weir dlq replay` put into the output: by its coordinates and its key. */
void sight_replay(const struct sight_world *world, int32_t partition, int64_t offset, struct weir_bytes key,
                  struct compare_sight *sight);

#endif
