/*
 * How many processors this process may use: what its affinity allows and what its control groups grant. A
 * container sees all of the machine's processors and is given a share of them.
 */
#ifndef WEIR_SYS_CPUS_H
#define WEIR_SYS_CPUS_H

#include <stdint.h>

struct cpus {
    int allowed;         /* by affinity, at least 1 */
    int64_t quota_milli; /* thousandths of a processor that the control groups grant; 0: no bound */
};

/*
 * Reads /proc and /sys/fs/cgroup (v2: cpu.max; v1: cpu.cfs_quota_us; each of the group and of those above
 * it). root is put before these paths: "" for the machine's own. What cannot be read is no bound. Any thread.
 */
void cpus_read(const char *root, struct cpus *out);

/* Whole processors within both bounds, at least 1. Pure. */
int cpus_usable(const struct cpus *cpus);

#endif
