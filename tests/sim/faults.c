#include "sim/faults.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* An error that ends the process is drawn once where another one is drawn so many times. */
#define MILDER 6
/* One fault in so many is a delay alone, and one in so many of those that the brokers answer taints. */
#define DELAYS 4
#define TAINTS 3
/* One call in so many is the last of its process, or the one that it sleeps before: the rarer calls are, the
 * more often. */
#define DEATHS_RARE  150
#define DEATHS_OFTEN 5000
#define SLEEPS_RARE  250
#define SLEEPS_OFTEN 8000

static const struct row {
    enum twin_op op;
    enum weir_err_code code;
    const char *fates;
} rows[] = {
#define SIM_FAULT(OP, CODE, fates) {TWIN_##OP, WEIR_ERR_##CODE, fates},
#include "sim/faults.def"
#undef SIM_FAULT
};

/* One call in so many fails: rarer calls fail more often, so that each fault meets each. */
static const uint32_t rarity[TWIN_OPS] = {
    [TWIN_START] = 15,  [TWIN_POLL] = 60,    [TWIN_REJOIN] = 8,    [TWIN_SEEK] = 60,   [TWIN_PAUSE] = 60,
    [TWIN_RESUME] = 60, [TWIN_QUIET] = 60,   [TWIN_COMMITTED] = 4, [TWIN_STAMP] = 25,  [TWIN_TAKEN] = 3,
    [TWIN_OPEN] = 5,    [TWIN_REFRESH] = 25, [TWIN_BEGIN] = 40,    [TWIN_SEND] = 300,  [TWIN_COMMIT] = 6,
    [TWIN_ABORT] = 4,   [TWIN_BY_KEY] = 10,  [TWIN_SUBJECT] = 8,   [TWIN_CHECK] = 3000};

/* Just a moment; as long as an answer may take; beyond the session; beyond any transaction. */
static const int64_t delays_ms[] = {20, 2000, 11000, 70000};
static const char *const delay_names[] = {"20 ms", "2 s", "11 s", "70 s"};

static struct {
    uint64_t faults[COUNT(rows)][TWIN_LATE + 1];
    uint64_t delays[TWIN_OPS][COUNT(delays_ms)];
    uint64_t taints[TWIN_OPS];
    uint64_t deaths[TWIN_OPS][2]; /* before the call; within it */
    uint64_t sleeps[TWIN_OPS];
} drawn;

void faults_clear(void)
{
    memset(&drawn, 0, sizeof drawn);
}

static bool often(enum twin_op op)
{
    return op == TWIN_POLL || op == TWIN_SEND || op == TWIN_CHECK || op == TWIN_SEEK || op == TWIN_PAUSE ||
           op == TWIN_RESUME || op == TWIN_REFRESH || op == TWIN_STAMP || op == TWIN_BY_KEY;
}

static uint32_t weight(enum weir_err_code code)
{
    return weir_err_class(code) == WEIR_CLASS_FATAL ? 1 : MILDER;
}

static bool allowed(const struct row *row, enum twin_op op, bool honest)
{
    return row->op == op && !(honest && row->code == WEIR_ERR_NOT_FOUND && op == TWIN_BY_KEY);
}

/* A row of the operation, by weight; COUNT(rows): there is none. */
static size_t draw_row(struct twin_world *world, enum twin_op op, bool honest)
{
    uint32_t all = 0;
    for (size_t i = 0; i < COUNT(rows); i++)
        all += allowed(&rows[i], op, honest) ? weight(rows[i].code) : 0;
    uint32_t left = twin_random(world, all);
    for (size_t i = 0; i < COUNT(rows) && all > 0; i++) {
        if (!allowed(&rows[i], op, honest))
            continue;
        if (left < weight(rows[i].code))
            return i;
        left -= weight(rows[i].code);
    }
    return COUNT(rows);
}

static enum twin_fate fate_of(char letter)
{
    return letter == 'D' ? TWIN_DONE : (letter == 'L' ? TWIN_LATE : TWIN_UNDONE);
}

/* The registry is asked by a thread of its own, and a topic's look or a clock's costs no time that matters.
 */
static bool takes_time(enum twin_op op)
{
    return op != TWIN_SUBJECT && op != TWIN_CHECK;
}

static void delay(struct twin_world *world, enum twin_op op, struct twin_fault *fault)
{
    if (!takes_time(op))
        return;
    size_t which = twin_random(world, COUNT(delays_ms));
    drawn.delays[op][which]++;
    fault->took_ms = 1 + twin_random(world, (uint32_t)delays_ms[which]) / 4 + delays_ms[which] * 3 / 4;
}

struct twin_fault faults_draw(struct twin_world *world, enum twin_op op, uint32_t weather, bool honest)
{
    struct twin_fault fault = {0};
    if (twin_random(world, rarity[op] * weather) != 0)
        return fault;
    if (twin_random(world, DELAYS) == 0)
        delay(world, op, &fault);
    else {
        size_t row = draw_row(world, op, honest);
        if (row == COUNT(rows))
            return fault;
        fault.code = rows[row].code;
        fault.fate = fate_of(rows[row].fates[twin_random(world, (uint32_t)strlen(rows[row].fates))]);
        drawn.faults[row][fault.fate]++;
        if (twin_random(world, DELAYS) == 0)
            delay(world, op, &fault);
    }
    fault.taints = (op == TWIN_COMMIT || op == TWIN_ABORT) && twin_random(world, TAINTS) == 0;
    drawn.taints[op] += fault.taints;
    return fault;
}

bool faults_kill(struct twin_world *world, enum twin_op op, uint32_t weather, bool within)
{
    bool killed = twin_random(world, (often(op) ? DEATHS_OFTEN : DEATHS_RARE) * weather) == 0;
    drawn.deaths[op][within] += killed;
    return killed;
}

int64_t faults_sleep(struct twin_world *world, enum twin_op op, uint32_t weather)
{
    if (op == TWIN_SUBJECT || twin_random(world, (often(op) ? SLEEPS_OFTEN : SLEEPS_RARE) * weather) != 0)
        return 0;
    drawn.sleeps[op]++;
    return 1000 + twin_random(world, 40000);
}

/* --- the report --- */

static size_t never(const char *what, enum twin_op op, const char *detail)
{
    printf("never: %s %s %s\n", twin_op_name(op), what, detail);
    return 1;
}

static size_t report_op(enum twin_op op)
{
    size_t missing = 0;
    printf("%-10s", twin_op_name(op));
    for (size_t i = 0; i < COUNT(rows); i++)
        for (const char *fate = rows[i].fates; rows[i].op == op && *fate; fate++)
            printf(" %s/%c %" PRIu64, weir_err_name(rows[i].code), *fate, drawn.faults[i][fate_of(*fate)]);
    printf("; delays");
    for (size_t i = 0; i < COUNT(delays_ms); i++)
        printf(" %" PRIu64, drawn.delays[op][i]);
    printf("; killed %" PRIu64 "+%" PRIu64 ", stopped %" PRIu64 ", tainted %" PRIu64 "\n",
           drawn.deaths[op][0], drawn.deaths[op][1], drawn.sleeps[op], drawn.taints[op]);
    for (size_t i = 0; i < COUNT(rows); i++)
        for (const char *fate = rows[i].fates; rows[i].op == op && *fate; fate++)
            if (drawn.faults[i][fate_of(*fate)] == 0)
                missing += never(weir_err_name(rows[i].code), op, (const char[]){*fate, '\0'});
    for (size_t i = 0; i < COUNT(delays_ms) && takes_time(op); i++)
        if (drawn.delays[op][i] == 0)
            missing += never("delayed for", op, delay_names[i]);
    return missing;
}

/* Where a process may die or sleep: anywhere but in the thread that looks for newer schemas. */
static size_t report_ends(enum twin_op op)
{
    size_t missing = 0;
    bool parts = op == TWIN_COMMIT || op == TWIN_ABORT || op == TWIN_OPEN;
    if (op == TWIN_SUBJECT)
        return 0;
    if (drawn.deaths[op][0] == 0)
        missing += never("killed", op, "before");
    if (parts && drawn.deaths[op][1] == 0)
        missing += never("killed", op, "within");
    if (drawn.sleeps[op] == 0)
        missing += never("stopped", op, "");
    if ((op == TWIN_COMMIT || op == TWIN_ABORT) && drawn.taints[op] == 0)
        missing += never("tainted", op, "");
    return missing;
}

size_t faults_report(void)
{
    size_t missing = 0;
    printf(
        "faults: error/fate count; delays of about 20 ms, 2 s, 11 s, 70 s; killed before+within the call\n");
    for (int op = 0; op < TWIN_OPS; op++)
        missing += report_op((enum twin_op)op) + report_ends((enum twin_op)op);
    return missing;
}
