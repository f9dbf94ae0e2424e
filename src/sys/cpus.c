#include "sys/cpus.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MILLI 1000
/* Longest path and line read; a control group's name that is longer is passed over. */
#define PATH_TEXT_MAX 1024
#define LINE_TEXT_MAX 1024
/* Most lines of a file in /proc that are looked at. */
#define LINES_MAX 1000

/* Where systems mount the control groups. */
static const char *const v2_mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified", NULL};
static const char *const v1_mounts[] = {"/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/cpu", NULL};

/* --- affinity --- */

/* How many numbers stand in a list such as "0-3,8"; 0 when it is none. */
static int count_list(const char *list)
{
    int n = 0;
    for (;;) {
        char *end = NULL;
        long first = strtol(list, &end, 10);
        long last = end != list && *end == '-' ? strtol(end + 1, &end, 10) : first;
        if (end == list || first < 0 || last < first)
            return 0;
        n += (int)(last - first + 1);
        if (*end != ',')
            return n;
        list = end + 1;
    }
}

static int read_allowed(const char *root)
{
    static const char name[] = "Cpus_allowed_list:";
    char line[LINE_TEXT_MAX];
    int allowed = 0;
    (void)snprintf(line, sizeof line, "%s/proc/self/status", root);
    FILE *file = fopen(line, "r");
    for (int i = 0; file && allowed == 0 && i < LINES_MAX && fgets(line, (int)sizeof line, file); i++)
        if (strncmp(line, name, sizeof name - 1) == 0)
            allowed = count_list(line + sizeof name - 1);
    if (file)
        (void)fclose(file);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return allowed > 0 ? allowed : online > 0 ? (int)online : 1;
}

/* --- control groups --- */

static bool read_line(const char *folder, const char *name, char *line, size_t size)
{
    char path[PATH_TEXT_MAX];
    int len = snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = len > 0 && (size_t)len < sizeof path ? fopen(path, "r") : NULL;
    if (!file)
        return false;
    bool read = fgets(line, (int)size, file) != NULL;
    (void)fclose(file);
    return read;
}

/* Thousandths of a processor; 0 for no bound, which is written as "max" or -1. */
static int64_t share(long long quota, long long period)
{
    if (quota <= 0 || period <= 0)
        return 0;
    int64_t milli = (int64_t)(quota * MILLI / period);
    return milli > 0 ? milli : 1;
}

static int64_t share_v2(const char *folder)
{
    char line[LINE_TEXT_MAX];
    long long quota = 0;
    long long period = 0;
    if (!read_line(folder, "cpu.max", line, sizeof line) || sscanf(line, "%lld %lld", &quota, &period) != 2)
        return 0;
    return share(quota, period);
}

static int64_t share_v1(const char *folder)
{
    char line[LINE_TEXT_MAX];
    if (!read_line(folder, "cpu.cfs_quota_us", line, sizeof line))
        return 0;
    long long quota = strtoll(line, NULL, 10);
    if (!read_line(folder, "cpu.cfs_period_us", line, sizeof line))
        return 0;
    return share(quota, strtoll(line, NULL, 10));
}

static int64_t narrower(int64_t a, int64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/*
 * The narrowest share from the group up to its mount. Without a namespace of its own a container sees a path
 * here that does not exist below its mount; then what is left of it is the mount itself, which is its group.
 */
static int64_t narrowest(const char *root, const char *mount, const char *group,
                         int64_t (*share_of)(const char *folder))
{
    char folder[PATH_TEXT_MAX];
    int64_t found = 0;
    int len = snprintf(folder, sizeof folder, "%s%s%s", root, mount, group);
    size_t least = strlen(root) + strlen(mount);
    if (len < 0 || (size_t)len >= sizeof folder)
        return 0;
    for (;;) {
        found = narrower(found, share_of(folder));
        char *slash = strrchr(folder, '/');
        if (!slash || (size_t)(slash - folder) < least)
            return found;
        *slash = '\0';
    }
}

static int64_t narrowest_mounted(const char *root, const char *const *mounts, const char *group,
                                 int64_t (*share_of)(const char *folder))
{
    int64_t found = 0;
    for (; *mounts; mounts++)
        found = narrower(found, narrowest(root, *mounts, group, share_of));
    return found;
}

/* True when the name stands in a list with commas. */
static bool lists(const char *list, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, name, len) == 0 && (at[len] == ',' || at[len] == '\0'))
            return true;
    return false;
}

/* What one line of /proc/self/cgroup grants: "0::/group" (v2) or "4:cpu,cpuacct:/group" (v1). */
static int64_t share_of_line(const char *root, char *line)
{
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
        return 0;
    *group++ = '\0';
    group[strcspn(group, "\n")] = '\0';
    if (controllers[1] == '\0')
        return narrowest_mounted(root, v2_mounts, group, share_v2);
    return lists(controllers + 1, "cpu") ? narrowest_mounted(root, v1_mounts, group, share_v1) : 0;
}

static int64_t read_quota(const char *root)
{
    char line[LINE_TEXT_MAX];
    int64_t found = 0;
    (void)snprintf(line, sizeof line, "%s/proc/self/cgroup", root);
    FILE *file = fopen(line, "r");
    for (int i = 0; file && i < LINES_MAX && fgets(line, (int)sizeof line, file); i++)
        found = narrower(found, share_of_line(root, line));
    if (file)
        (void)fclose(file);
    return found;
}

void cpus_read(const char *root, struct cpus *out)
{
    out->allowed = read_allowed(root);
    out->quota_milli = read_quota(root);
}

int cpus_usable(const struct cpus *cpus)
{
    int64_t granted = cpus->quota_milli / MILLI;
    if (cpus->quota_milli == 0 || granted >= cpus->allowed)
        return cpus->allowed > 0 ? cpus->allowed : 1;
    return granted > 0 ? (int)granted : 1;
}
