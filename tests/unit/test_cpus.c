#include "sys/cpus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PATHS_MAX 64

/* A machine's /proc and /sys in a folder, and all that was made for it. */
static char root[64];
static char paths[PATHS_MAX][256];
static size_t n_paths;

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(root, sizeof root, "/tmp/weir-test-cpus-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    while (n_paths > 0)
        (void)remove(paths[--n_paths]);
    return rmdir(root);
}

static void note(const char *path)
{
    assert_true(n_paths < PATHS_MAX);
    (void)snprintf(paths[n_paths++], sizeof paths[0], "%s", path);
}

/* Writes a file and the folders above it. */
static void put(const char *name, const char *text)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *at = strchr(path + strlen(root) + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (mkdir(path, 0700) == 0)
            note(path);
        *at = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    note(path);
}

struct row {
    const char *what;
    const char *status; /* /proc/self/status */
    const char *cgroup; /* /proc/self/cgroup */
    const char *files[3][2];
    int allowed;
    int64_t quota_milli;
    int usable;
};

#define STATUS(list) "Name:\tweir\nCpus_allowed:\tff\nCpus_allowed_list:\t" list "\nMems_allowed:\t1\n"
#define V1           "4:memory:/pod\n3:cpu,cpuacct:/pod/one\n2:cpuset:/\n"

static const struct row rows[] = {
    {"one processor", STATUS("0"), "0::/\n", {{NULL}}, 1, 0, 1},
    {"a list", STATUS("0-3,8,10-11"), "0::/\n", {{NULL}}, 7, 0, 7},
    {"v2 without bound",
     STATUS("0-7"),
     "0::/a/b\n",
     {{"sys/fs/cgroup/a/b/cpu.max", "max 100000\n"}},
     8,
     0,
     8},
    {"v2", STATUS("0-7"), "0::/a/b\n", {{"sys/fs/cgroup/a/b/cpu.max", "250000 100000\n"}}, 8, 2500, 2},
    {"v2, a group above is narrower",
     STATUS("0-7"),
     "0::/a/b\n",
     {{"sys/fs/cgroup/a/b/cpu.max", "600000 100000\n"}, {"sys/fs/cgroup/a/cpu.max", "400000 100000\n"}},
     8,
     4000,
     4},
    {"v2, in a container whose group is the mount",
     STATUS("0-7"),
     "0::/docker/1\n",
     {{"sys/fs/cgroup/cpu.max", "300000 100000\n"}},
     8,
     3000,
     3},
    {"less than one", STATUS("0-7"), "0::/\n", {{"sys/fs/cgroup/cpu.max", "50000 100000\n"}}, 8, 500, 1},
    {"more than there are",
     STATUS("0-1"),
     "0::/\n",
     {{"sys/fs/cgroup/cpu.max", "900000 100000\n"}},
     2,
     9000,
     2},
    {"v1",
     STATUS("0-7"),
     V1,
     {{"sys/fs/cgroup/cpu,cpuacct/pod/one/cpu.cfs_quota_us", "150000\n"},
      {"sys/fs/cgroup/cpu,cpuacct/pod/one/cpu.cfs_period_us", "50000\n"}},
     8,
     3000,
     3},
    {"v1 without bound",
     STATUS("0-7"),
     V1,
     {{"sys/fs/cgroup/cpu/pod/one/cpu.cfs_quota_us", "-1\n"},
      {"sys/fs/cgroup/cpu/pod/one/cpu.cfs_period_us", "100000\n"}},
     8,
     0,
     8},
    {"rubbish", STATUS("0-7"), "0\n::\n7:cpu\n", {{"sys/fs/cgroup/cpu.max", "many 100000\n"}}, 8, 0, 8},
};

static void try_row(const struct row *row)
{
    struct cpus cpus;
    assert_int_equal(set_up(NULL), 0);
    put("proc/self/status", row->status);
    put("proc/self/cgroup", row->cgroup);
    for (size_t i = 0; i < 3 && row->files[i][0]; i++)
        put(row->files[i][0], row->files[i][1]);
    cpus_read(root, &cpus);
    assert_int_equal(tear_down(NULL), 0);
    if (cpus.allowed != row->allowed || cpus.quota_milli != row->quota_milli ||
        cpus_usable(&cpus) != row->usable)
        fail_msg("%s: %d allowed, %d milli, %d usable", row->what, cpus.allowed, (int)cpus.quota_milli,
                 cpus_usable(&cpus));
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        try_row(&rows[i]);
}

/* Where nothing can be read, there is what the system says is there. */
static void test_nothing_to_read(void **state)
{
    (void)state;
    struct cpus cpus;
    cpus_read("/nowhere", &cpus);
    assert_true(cpus.allowed >= 1);
    assert_int_equal(cpus.quota_milli, 0);
    assert_int_equal(cpus_usable(&(struct cpus){0}), 1);
}

static void test_this_machine(void **state)
{
    (void)state;
    struct cpus cpus;
    cpus_read("", &cpus);
    assert_in_range(cpus_usable(&cpus), 1, sysconf(_SC_NPROCESSORS_CONF));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_nothing_to_read),
        cmocka_unit_test(test_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
