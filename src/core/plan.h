/* The inside of a plan: what plan.c compiles and pipeline.c runs. */
#ifndef WEIR_CORE_PLAN_H
#define WEIR_CORE_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "avro/json.h"
#include "avro/region.h"
#include "avro/resolve.h"
#include "core/rule.h"
#include "core/transform.h"
#include "weir/pipeline.h"

/* Most actions of all rewrites together. */
#define PLAN_ACTIONS_MAX (4 * RESOLVE_ACTIONS_MAX)

/* How much memory something takes for a value of len bytes: fixed + factor * len. */
struct plan_room {
    size_t fixed;
    size_t factor;
};

struct weir_plan {
    const struct weir_pipeline_spec *spec; /* borrowed, as the schemas are */
    const struct weir_node *reader, *output;
    uint32_t output_id;
    struct resolution *decode; /* NULL in the plan without writer */
    struct json_reader *json;  /* only in the plan without writer, and only where JSON may come */
    struct rule *drop_when, *check;
    struct step *steps;
    size_t n_steps;
    int route_slot;                     /* the reader's field that decides the partition, -1 for none */
    const struct weir_node *route_enum; /* the enum that this field is, or may be; else NULL */
    struct plan_room temporary, result;
    struct resolution **rewrites; /* one for each of the output's fields, NULL where none is needed */
    struct region region;
};

#endif
