/*
 * Verdicts and outputs computed again, by the core that `weir run` has, with the plans that the journal names
 * and nothing else: their configurations, schemas and writers' schemas.
 */
#ifndef WEIR_AUDIT_RECOMPUTE_H
#define WEIR_AUDIT_RECOMPUTE_H

#include "audit/annals.h"
#include "audit/form.h"
#include "weir/pipeline.h"
#include "weir/spec.h"

/* Most pairs of a plan and a writer's schema that are kept compiled; beyond, all are compiled anew. */
#define RECOMPUTE_COMPILED_MAX 1024

/* How the text of a configuration in the journal becomes a spec: rooms do not meet, cmd joins them. */
struct recompute_config {
    enum weir_err_code (*parse)(void *context, struct weir_bytes text, struct weir_spec **out,
                                struct weir_err *err);
    void (*release)(struct weir_spec *spec);
    void *context;
};

/* One thread. */
struct recompute;

/*
 * Compiles the plans of the journal, and marks the batches of its chains as not provable that name a plan
 * or a text that is not there or cannot be used by itself (a schema with references). annals and key are
 * borrowed. NO_MEMORY.
 */
enum weir_err_code recompute_new(struct annals *annals, int32_t partitions,
                                 const struct recompute_config *config, const struct sip_key *key,
                                 struct recompute **out, struct weir_err *err);
/* NULL is fine. */
void recompute_free(struct recompute *recompute);

/* Why batches are not provable, "" when all are: of the first such plan or writer. */
const char *recompute_why(const struct recompute *recompute);

/*
 * The outcome of a record of that provable batch; it borrows from the record until the next call. What was
 * given is taken from the journal. A writer that the journal does not name is unknown_schema: then the
 * batch's hash tells. NO_MEMORY.
 */
enum weir_err_code recompute_outcome(struct recompute *recompute, const struct annals_batch *batch,
                                     const struct weir_record *record, int64_t now_ms,
                                     struct weir_outcome *outcome, struct weir_err *err);

/* What the plan's configuration says; NULL for a plan that cannot be used. */
const struct weir_spec *recompute_spec(const struct recompute *recompute, uint32_t plan);

/* Reads the value of an output that is expected under the plan of that batch. NO_MEMORY. */
enum weir_err_code recompute_read(struct recompute *recompute, const struct annals_batch *batch,
                                  struct weir_bytes value, struct form_reading *reading,
                                  struct weir_err *err);

/*
 * Reads an output that was found: by the plan of the batch of its source, once that is known. *known: its
 * schema id says that one of the plans has written it, so it ought to be placed. NO_MEMORY.
 */
enum weir_err_code recompute_find(struct recompute *recompute, struct weir_bytes value,
                                  struct form_reading *reading, bool *known, struct weir_err *err);

/* True when every plan that can be used writes the source's coordinates. */
bool recompute_has_place(const struct recompute *recompute);

#endif
