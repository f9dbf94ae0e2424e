/*
 * One worker's way to plans: what a record is packed in → the plan of its writer, of the edition that the
 * worker is on. What is known is at hand without a lock; what is not known is asked for at each batch that
 * needs it. The worker changes over to another edition only between two batches.
 */
#ifndef WEIR_ENGINE_PLANS_H
#define WEIR_ENGINE_PLANS_H

#include "core/journal.h"
#include "engine/editions.h"
#include "engine/ports.h"
#include "weir/pipeline.h"

struct plans;

/*
 * editions and schemas outlive it. deadline_ms: from what age on a record with an id that the registry does
 * not know is rejected. WEIR_ERR_NO_MEMORY.
 */
enum weir_err_code plans_new(struct editions *editions, struct schemas *schemas, int64_t deadline_ms,
                             struct plans **out, struct weir_err *err);
void plans_free(struct plans *plans);

/* What to do with a record. */
struct plans_answer {
    const struct weir_plan *plan; /* process with this one, when not NULL */
    enum weir_code reject;        /* else reject with this, when not NONE */
    enum weir_err_code wait;      /* else wait for this */
    const struct weir_err *why;   /* text for reject and wait; valid until the next call */
    /* The record's writer, as this worker's journal names it; NULL where it has none or none is known. As
     * valid as the plan. */
    struct journal_writer *writer;
};

/*
 * The plan for a record of that packing and age (ms since its timestamp; 0 when it has none).
 * Plans stay valid until plans_turn.
 */
struct plans_answer plans_find(struct plans *plans, const struct weir_wire *wire, int64_t age_ms);

/* The edition that the worker is on; valid until plans_turn. Its number tells it from others. */
const struct edition *plans_edition(const struct plans *plans);
uint64_t plans_number(const struct plans *plans);

/* The batch is over: what was not known may be known in the next one. */
void plans_forget(struct plans *plans);

/*
 * Between two batches, while nothing borrows from a plan: changes over to the edition in use. An error ends
 * the process: a plan turned out to be wrong.
 */
enum weir_err_code plans_turn(struct plans *plans, struct weir_err *err);

#endif
