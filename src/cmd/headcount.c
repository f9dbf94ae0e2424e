#include "cmd/headcount.h"

#include <stdio.h>

#include "weir/spec.h"

int headcount_choose(const struct headcount *facts)
{
    if (facts->wanted != WEIR_WORKERS_AUTO)
        return (int)facts->wanted;
    int n = cpus_usable(&facts->cpus);
    if (facts->partitions > 0 && facts->partitions < n)
        n = facts->partitions;
    return n < HEADCOUNT_AUTO_MAX ? n : HEADCOUNT_AUTO_MAX;
}

const char *headcount_why(const struct headcount *facts, char text[HEADCOUNT_WHY_MAX])
{
    char quota[64] = "";
    char partitions[64] = "an unknown number of partitions";
    if (facts->cpus.quota_milli > 0)
        (void)snprintf(quota, sizeof quota, " (%.2f by quota)", (double)facts->cpus.quota_milli / 1000.0);
    if (facts->partitions > 0)
        (void)snprintf(partitions, sizeof partitions, "%d partitions", facts->partitions);
    (void)snprintf(text, HEADCOUNT_WHY_MAX, "%d processors%s, %s of the input topic, %d at most",
                   facts->cpus.allowed, quota, partitions, HEADCOUNT_AUTO_MAX);
    return text;
}
