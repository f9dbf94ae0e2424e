#include "engine/breaker.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sys/log.h"

#define MILLION 1000000
/* It closes below this part of the ratio at which it opens, so that it does not flutter. */
#define CALM_DIVISOR 2

void breaker_init(struct breaker *breaker, const struct weir_spec *spec)
{
    *breaker = (struct breaker){.on = spec->breaker.on == WEIR_ON,
                                .ratio = spec->breaker.ratio,
                                .min_records = spec->breaker.min_records,
                                .max_hold_ms = spec->breaker.max_hold_ms};
    breaker->slot = (uint32_t)((spec->breaker.min_records + BREAKER_SLOTS - 1) / BREAKER_SLOTS);
}

void breaker_release(struct breaker *breaker)
{
    free(breaker->rows);
    breaker->rows = NULL;
    breaker->n_rows = 0;
}

/* --- windows --- */

static void push(struct breaker_window *window, uint32_t slot, bool rejected)
{
    window->slots[window->at].n++;
    window->slots[window->at].rejected += rejected;
    window->n++;
    window->rejected += rejected;
    if (window->slots[window->at].n < slot)
        return;
    window->at = (window->at + 1) % (BREAKER_SLOTS + 1);
    window->n -= window->slots[window->at].n;
    window->rejected -= window->slots[window->at].rejected;
    window->slots[window->at].n = window->slots[window->at].rejected = 0;
}

static bool full(const struct breaker *breaker, const struct breaker_window *window)
{
    return (int64_t)window->n >= breaker->min_records;
}

/* True when so many of n are the share at which it opens. */
static bool most(const struct breaker *breaker, uint64_t rejected, uint64_t n)
{
    return rejected * MILLION >= (uint64_t)breaker->ratio * n;
}

/* --- rows --- */

static bool grow(struct breaker *breaker, int32_t n)
{
    if (n <= breaker->n_rows)
        return true;
    struct breaker_row *rows = realloc(breaker->rows, (size_t)n * sizeof *rows);
    if (!rows)
        return false;
    memset(rows + breaker->n_rows, 0, (size_t)(n - breaker->n_rows) * sizeof *rows);
    breaker->rows = rows;
    breaker->n_rows = n;
    return true;
}

/* Under a new assignment. Where the partition stands as we left it, nobody has gone on with it meanwhile. */
static void join(struct breaker_row *row, const struct batch_run *run)
{
    if (row->epoch == 0 || row->next != run->first)
        *row = (struct breaker_row){0};
    row->epoch = run->epoch;
    row->serial = 0;
}

/* The run's row, ready for the batch. NULL: no memory. */
static struct breaker_row *row_of(struct breaker *breaker, const struct batch_run *run)
{
    if (!grow(breaker, run->partition + 1))
        return NULL;
    struct breaker_row *row = &breaker->rows[run->partition];
    if (row->epoch != run->epoch)
        join(row, run);
    if (row->serial != breaker->serial) {
        row->serial = breaker->serial;
        row->trial = row->window;
        row->seen = row->bad = 0;
    }
    return row;
}

/* The row of a run that was judged in this batch, else NULL. */
static struct breaker_row *judged(struct breaker *breaker, const struct batch_run *run)
{
    if (run->gone || run->partition >= breaker->n_rows)
        return NULL;
    struct breaker_row *row = &breaker->rows[run->partition];
    return row->epoch == run->epoch && row->serial == breaker->serial ? row : NULL;
}

/* --- opening --- */

/* The text names no partition: what opens for many at once is one trouble. */
static void hold(struct breaker_row *row, struct batch *batch, const struct batch_item *item)
{
    struct weir_err why;
    (void)weir_fail(&why, WEIR_ERR_BREAKER_OPEN,
                    "most records would be rejected, as %s above all; nothing of such a partition is written "
                    "(breaker)",
                    weir_code_name(row->mostly));
    row->next = item->in.record.offset;
    batch_cut(batch, item, &why);
}

/* Of the window's records that are in the batch, the first that would be rejected; *mostly is why most are.
 */
static size_t first_rejected(const struct batch *batch, size_t last, uint64_t within, enum weir_code *mostly)
{
    uint64_t codes[WEIR_CODE_COUNT] = {0};
    size_t first = last;
    for (size_t i = last + 1; i-- > 0 && within > 0;) {
        const struct batch_item *item = &batch->items[i];
        if (item->run != batch->items[last].run)
            continue;
        within--;
        if (item->outcome.verdict != WEIR_REJECT)
            continue;
        first = i;
        codes[item->outcome.why.code]++;
    }
    *mostly = batch->items[last].outcome.why.code;
    for (int code = WEIR_CODE_NONE + 1; code < WEIR_CODE_COUNT; code++)
        if (codes[code] > codes[*mostly])
            *mostly = (enum weir_code)code;
    return first;
}

static void trip(struct breaker_row *row, struct batch *batch, size_t i, int64_t now_ms)
{
    const struct batch_item *at = &batch->items[first_rejected(batch, i, row->trial.n, &row->mostly)];
    row->state = BREAKER_OPEN;
    row->opened_ms = now_ms;
    log_info("breaker",
             "partition %" PRId32 ": %" PRIu64 " of its last %" PRIu64
             " records would be rejected, as %s above all; it waits at offset %" PRId64,
             at->in.record.partition, row->trial.rejected, row->trial.n, weir_code_name(row->mostly),
             at->in.record.offset);
    hold(row, batch, at);
}

enum weir_err_code breaker_judge(struct breaker *breaker, struct batch *batch, int64_t now_ms, size_t *opened,
                                 struct weir_err *err)
{
    *opened = 0;
    if (!breaker->on)
        return WEIR_OK;
    breaker->serial += batch->fresh == 0;
    for (size_t i = batch->fresh; i < batch->n; i++) {
        const struct batch_item *item = &batch->items[i];
        if (!batch_live(batch, item))
            continue;
        struct breaker_row *row = row_of(breaker, &batch->runs[item->run]);
        if (!row)
            return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the breaker");
        bool rejected = item->outcome.verdict == WEIR_REJECT;
        row->seen++;
        row->bad += rejected;
        if (row->state == BREAKER_OPEN)
            continue;
        push(&row->trial, breaker->slot, rejected);
        if (!rejected || row->state == BREAKER_FORCED || !full(breaker, &row->trial) ||
            !most(breaker, row->trial.rejected, row->trial.n))
            continue;
        trip(row, batch, i, now_ms);
        ++*opened;
    }
    return WEIR_OK;
}

/* --- closing --- */

/* The first live item of a run; NULL when there is none. */
static const struct batch_item *first_live(const struct batch *batch, size_t run)
{
    for (size_t i = 0; i < batch->n; i++)
        if (batch->items[i].run == run && batch_live(batch, &batch->items[i]))
            return &batch->items[i];
    return NULL;
}

static void decide(const struct breaker *breaker, struct breaker_row *row, struct batch *batch, size_t run,
                   int64_t now_ms)
{
    const struct batch_item *first = first_live(batch, run);
    if (!first)
        return;
    if (!most(breaker, row->bad * CALM_DIVISOR, row->seen)) {
        row->state = BREAKER_CLOSED;
    } else if (now_ms - row->opened_ms >= breaker->max_hold_ms) {
        row->state = BREAKER_FORCED;
        log_warn(
            "breaker_max_hold",
            "partition %" PRId32 " has waited for %.0f s (breaker.max_hold): what is rejected goes to the "
            "dead-letter topic from offset %" PRId64 " on, until few records are",
            first->in.record.partition, (double)(now_ms - row->opened_ms) / 1000.0, first->in.record.offset);
    } else {
        hold(row, batch, first);
        return;
    }
    /* What made it open is a thing of the past. */
    row->window = row->trial = (struct breaker_window){0};
}

void breaker_settle(struct breaker *breaker, struct batch *batch, int64_t now_ms)
{
    for (size_t i = 0; breaker->on && i < batch->n_runs; i++) {
        struct breaker_row *row = judged(breaker, &batch->runs[i]);
        bool opened_now = batch->runs[i].cut && batch->runs[i].why.code == WEIR_ERR_BREAKER_OPEN;
        if (row && row->state == BREAKER_OPEN && !opened_now)
            decide(breaker, row, batch, i, now_ms);
    }
}

void breaker_committed(struct breaker *breaker, const struct batch *batch)
{
    for (size_t i = 0; breaker->on && i < batch->n_runs; i++) {
        struct breaker_row *row = judged(breaker, &batch->runs[i]);
        if (!row || batch->runs[i].next <= batch->runs[i].first)
            continue;
        row->window = row->trial;
        row->next = batch->runs[i].next;
        bool calm = full(breaker, &row->window) && !most(breaker, row->window.rejected, row->window.n);
        if (row->state == BREAKER_FORCED && calm)
            row->state = BREAKER_CLOSED;
    }
}

void breaker_rearm(struct breaker *breaker)
{
    for (int32_t i = 0; i < breaker->n_rows; i++)
        breaker->rows[i] = (struct breaker_row){0};
}
