/*
 * The one cache of plans: schema id → plan. What is known stays; what is not known is asked for at each batch
 * that needs it.
 */
#ifndef WEIR_ENGINE_PLANS_H
#define WEIR_ENGINE_PLANS_H

#include "engine/ports.h"
#include "weir/pipeline.h"

/* Most plans kept; when there are more, all are made anew as they are needed. */
#define PLANS_MAX 4096

struct plans;

/*
 * request names everything but the writer; it, the schemas and the spec behind it outlive the cache. Compiles
 * the plan without writer at once, so that a configuration that does not fit its schemas fails here
 * (WEIR_ERR_CONFIG, INCOMPATIBLE). deadline_ms: from what age on a record with an id that the registry does
 * not know is rejected.
 */
enum weir_err_code plans_new(const struct weir_plan_request *request, struct schemas *schemas,
                             int64_t deadline_ms, struct plans **out, struct weir_err *err);
void plans_free(struct plans *plans);

/* What to do with a record. */
struct plans_answer {
    const struct weir_plan *plan; /* process with this one, when not NULL */
    enum weir_code reject;        /* else reject with this, when not NONE */
    enum weir_err_code wait;      /* else wait for this */
    struct weir_err *why;         /* text for reject and wait; valid until the next call */
};

/*
 * The plan for a record of that packing and age (ms since its timestamp; 0 when it has none).
 * Plans stay valid until plans_trim.
 */
struct plans_answer plans_find(struct plans *plans, const struct weir_wire *wire, int64_t age_ms);

/* Between two batches: keeps the cache within PLANS_MAX. */
void plans_trim(struct plans *plans);

/* Between two batches: an error that ends the process when a plan in use turned out to be wrong. */
enum weir_err_code plans_check(const struct plans *plans, struct weir_err *err);

#endif
