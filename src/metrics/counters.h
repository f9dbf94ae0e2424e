/* Counters that workers add to and that anybody may read. */
#ifndef WEIR_METRICS_COUNTERS_H
#define WEIR_METRICS_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "weir/pipeline.h"

enum counter {
#define WEIR_METRIC(NAME, name, help) COUNTER_##NAME,
#include "metrics/metrics.def"
#undef WEIR_METRIC
    COUNTER_COUNT
};

struct counters {
    _Atomic uint64_t values[COUNTER_COUNT];
    _Atomic uint64_t rejected[WEIR_CODE_COUNT]; /* letters by code */
};

/* Adds n. Any thread; relaxed, since a counter orders nothing. */
void counters_add(struct counters *counters, enum counter which, uint64_t n);
void counters_add_rejected(struct counters *counters, enum weir_code code, uint64_t n);

/* The present value. Any thread. */
uint64_t counters_get(const struct counters *counters, enum counter which);
uint64_t counters_get_rejected(const struct counters *counters, enum weir_code code);

/* "records_in" and the like, and a sentence about it. */
const char *counters_name(enum counter which);
const char *counters_help(enum counter which);

#endif
