/*
 * The verdict that a letter's record would get now: the very core that `weir run` runs, with the schemas that
 * the registry has now.
 */
#ifndef WEIR_DLQ_VERDICT_H
#define WEIR_DLQ_VERDICT_H

#include <stdint.h>

#include "registry/registry.h"
#include "weir/pipeline.h"
#include "weir/spec.h"

/* Most schema ids that plans are kept for; beyond, all are made anew as they are needed. */
#define VERDICT_PLANS_MAX 4096

/* One thread. */
struct verdict;

/*
 * Looks the subjects up and compiles what does not depend on the writer. spec and registry are borrowed.
 * Fails as registry_subject and weir_plan_new.
 */
enum weir_err_code verdict_new(const struct weir_spec *spec, struct registry *registry, struct verdict **out,
                               struct weir_err *err);
/* Schemas that the subjects do not have yet, or not as their newest; NULL: what the registry has. */
struct verdict_supposed {
    const struct weir_schema *reader, *output;
};

/* As verdict_new, but as if those schemas, which are borrowed, were the subjects' newest. */
enum weir_err_code verdict_suppose(const struct weir_spec *spec, struct registry *registry,
                                   const struct verdict_supposed *supposed, struct verdict **out,
                                   struct weir_err *err);
void verdict_free(struct verdict *verdict);

/*
 * Asks the registry whether the subjects have newer versions, when the last time is longer ago than
 * registry.poll; plans are made anew then. Fails as verdict_new.
 */
enum weir_err_code verdict_refresh(struct verdict *verdict, int64_t monotonic_ms, struct weir_err *err);

/*
 * The outcome of a record; it borrows from the record and the verdict until the next call. An error says that
 * no verdict can be given: WEIR_ERR_REGISTRY_DOWN, SCHEMA_CHANGED, NO_MEMORY.
 */
enum weir_err_code verdict_of(struct verdict *verdict, const struct weir_record *record, int64_t now_ms,
                              struct weir_outcome *outcome, struct weir_err *err);

/* The version of the reader's schema, for letters. */
int64_t verdict_reader_version(const struct verdict *verdict);

#endif
