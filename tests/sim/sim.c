/*
 * sim: the simulator. Runs the engine on the twin of a cluster, seed by seed, with a fault at every port
 * call.
 *
 *     sim [--seed N] [--runs N | --steps N | --minutes N] [--twice] [--cover] [--without LIST --find] [-v]
 *
 * Ends with 1 when something was found: the seed, the step and what it was, and how to see it again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/faults.h"
#include "sim/run.h"
#include "support/twin_log.h"
#include "sys/remedy.h"

static const char usage[] =
    "usage: sim [--seed N] [--runs N | --steps N | --minutes N] [--twice] [--cover] [--without LIST] "
    "[--find] [-v]\n"
    "  --seed N      the first seed (1)\n"
    "  --runs N      so many seeds from there on (1)\n"
    "  --steps N     as many seeds as make so many steps; --minutes N: as take so long\n"
    "  --twice       runs each seed twice: both must be the very same run\n"
    "  --cover       fails when a fault of tests/sim/faults.def was never injected\n"
    "  --without L   switches remedies of src/sys/remedies.def off (builds with WEIR_REMEDY_SWITCHES)\n"
    "  --find        ends at the first finding, and fails when there is none\n"
    "  -v            writes each port call with its fault\n";

struct settings {
    uint64_t seed, runs, steps, minutes;
    bool twice, cover, find, verbose;
    const char *without;
};

struct totals {
    uint64_t runs, steps, calls, records, starts, findings;
    int64_t calm_ms; /* the longest */
};

/* --- options --- */

static bool read_number(const char *text, uint64_t *out)
{
    char *end = NULL;
    *out = text ? strtoull(text, &end, 10) : 0;
    return text && *text >= '0' && *text <= '9' && *end == '\0';
}

static bool read_flag(const char *word, struct settings *settings)
{
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"--twice", &settings->twice},
                 {"--cover", &settings->cover},
                 {"--find", &settings->find},
                 {"-v", &settings->verbose}};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (strcmp(word, flags[i].name) == 0)
            return *flags[i].flag = true;
    return false;
}

static bool read_value(const char *word, const char *value, struct settings *settings)
{
    const struct {
        const char *name;
        uint64_t *number;
    } numbers[] = {{"--seed", &settings->seed},
                   {"--runs", &settings->runs},
                   {"--steps", &settings->steps},
                   {"--minutes", &settings->minutes}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(word, numbers[i].name) == 0)
            return read_number(value, numbers[i].number);
    settings->without = value;
    return strcmp(word, "--without") == 0 && value;
}

static bool read_options(int argc, char **argv, struct settings *settings)
{
    *settings = (struct settings){.seed = 1};
    for (int i = 1; i < argc; i++) {
        if (read_flag(argv[i], settings))
            continue;
        if (!read_value(argv[i], i + 1 < argc ? argv[i + 1] : NULL, settings))
            return false;
        i++;
    }
    if (settings->runs == 0 && settings->steps == 0 && settings->minutes == 0)
        settings->runs = 1;
    return true;
}

/* --- running --- */

static int64_t wall_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void report_finding(const struct settings *settings, uint64_t seed, const struct run_result *result)
{
    if (settings->find)
        printf("found: seed %" PRIu64 ", step %" PRIu64 ": %s\n", seed, result->steps, result->finding);
    if (settings->find)
        return;
    twin_log_show();
    (void)fflush(stdout);
    (void)fprintf(stderr,
                  "sim: seed %" PRIu64 ", step %" PRIu64 ": %s\nsim: again: sim --seed %" PRIu64 " -v%s%s\n",
                  seed, result->steps, result->finding, seed, settings->without ? " --without " : "",
                  settings->without ? settings->without : "");
}

/* One seed. False: something was found. */
static bool run_one(const struct settings *settings, uint64_t seed, struct totals *totals)
{
    struct run_result result, again;
    const struct run_options options = {seed, settings->verbose};
    run_seed(&options, &result);
    if (settings->twice && !result.finding[0]) {
        run_seed(&options, &again);
        if (again.hash != result.hash || again.steps != result.steps)
            (void)snprintf(result.finding, sizeof result.finding,
                           "two runs of one seed differ: %" PRIu64 " and %" PRIu64 " steps", result.steps,
                           again.steps);
    }
    totals->runs++;
    totals->steps += result.steps;
    totals->calls += result.calls;
    totals->records += result.records;
    totals->starts += result.starts;
    totals->calm_ms = result.calm_ms > totals->calm_ms ? result.calm_ms : totals->calm_ms;
    totals->findings += result.finding[0] != '\0';
    if (result.finding[0])
        report_finding(settings, seed, &result);
    return !result.finding[0];
}

static bool enough(const struct settings *settings, const struct totals *totals, int64_t began_s)
{
    if (settings->runs > 0)
        return totals->runs >= settings->runs;
    if (settings->steps > 0)
        return totals->steps >= settings->steps;
    return wall_s() - began_s >= (int64_t)settings->minutes * 60;
}

static int conclude(const struct settings *settings, const struct totals *totals, int64_t took_s)
{
    if (settings->find) {
        if (totals->findings == 0)
            (void)fprintf(stderr, "sim: nothing was found in %" PRIu64 " seeds\n", totals->runs);
        return totals->findings > 0 ? 0 : 1;
    }
    size_t missing = faults_report();
    printf("%" PRIu64 " seeds from %" PRIu64 " on: %" PRIu64 " steps, %" PRIu64 " port calls, %" PRIu64
           " records, %" PRIu64 " processes, in %" PRId64 " s; at rest within %.1f s; %" PRIu64 " findings\n",
           totals->runs, settings->seed, totals->steps, totals->calls, totals->records, totals->starts,
           took_s, (double)totals->calm_ms / 1000.0, totals->findings);
    if (settings->cover && missing > 0)
        (void)fprintf(stderr, "sim: %zu kinds of faults were never injected\n", missing);
    return totals->findings > 0 || (settings->cover && missing > 0) ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct settings settings;
    struct totals totals = {0};
    struct weir_err err;
    int64_t began_s = wall_s();
    if (!read_options(argc, argv, &settings)) {
        (void)fputs(usage, stderr);
        return 64;
    }
#ifndef WEIR_REMEDY_SWITCHES
    if (settings.without) {
        (void)fputs("sim: this build has no switches of remedies: the debug preset has\n", stderr);
        return 64;
    }
#endif
    if (remedy_setup(settings.without, &err) != WEIR_OK) {
        (void)fprintf(stderr, "sim: %s\n", err.text);
        return 64;
    }
    bool clean = true;
    for (uint64_t seed = settings.seed; clean && !enough(&settings, &totals, began_s); seed++)
        clean = run_one(&settings, seed, &totals);
    run_release();
    return conclude(&settings, &totals, wall_s() - began_s);
}
