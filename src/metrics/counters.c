#include "metrics/counters.h"

static const struct {
    const char *name;
    const char *help;
} rows[COUNTER_COUNT] = {
#define WEIR_METRIC(NAME, name, help) [COUNTER_##NAME] = {#name, help},
#include "metrics/metrics.def"
#undef WEIR_METRIC
};

void counters_add(struct counters *counters, enum counter which, uint64_t n)
{
    atomic_fetch_add_explicit(&counters->values[which], n, memory_order_relaxed);
}

void counters_add_rejected(struct counters *counters, enum weir_code code, uint64_t n)
{
    atomic_fetch_add_explicit(&counters->rejected[code], n, memory_order_relaxed);
}

uint64_t counters_get(const struct counters *counters, enum counter which)
{
    return atomic_load_explicit(&counters->values[which], memory_order_relaxed);
}

uint64_t counters_get_rejected(const struct counters *counters, enum weir_code code)
{
    return atomic_load_explicit(&counters->rejected[code], memory_order_relaxed);
}

const char *counters_name(enum counter which)
{
    return rows[which].name;
}

const char *counters_help(enum counter which)
{
    return rows[which].help;
}
