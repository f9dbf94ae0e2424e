#include "engine/batch.h"

#include <stdlib.h>

#define FIRST_RUNS 64

enum weir_err_code batch_init(struct batch *batch, size_t cap, struct weir_err *err)
{
    *batch = (struct batch){.cap = cap};
    heap_init(&batch->heap);
    batch->items = calloc(cap, sizeof *batch->items);
    batch->landing = calloc(cap, sizeof *batch->landing);
    if (batch->items && batch->landing)
        return WEIR_OK;
    batch_free(batch);
    return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a batch of %zu records", cap);
}

void batch_free(struct batch *batch)
{
    heap_release(&batch->heap);
    free(batch->items);
    free(batch->landing);
    free(batch->runs);
    *batch = (struct batch){0};
}

/* The last run of the partition; looked for from the end, where it mostly is. */
static struct batch_run *last_run(const struct batch *batch, int32_t partition)
{
    for (size_t i = batch->n_runs; i-- > 0;)
        if (batch->runs[i].partition == partition)
            return &batch->runs[i];
    return NULL;
}

static struct batch_run *new_run(struct batch *batch, const struct source_record *in)
{
    if (batch->n_runs == batch->cap_runs) {
        size_t cap = batch->cap_runs ? batch->cap_runs * 2 : FIRST_RUNS;
        struct batch_run *runs = realloc(batch->runs, cap * sizeof *runs);
        if (!runs)
            return NULL;
        batch->runs = runs;
        batch->cap_runs = cap;
    }
    struct batch_run *run = &batch->runs[batch->n_runs++];
    run->partition = in->record.partition;
    run->epoch = in->epoch;
    run->first = run->next = in->record.offset;
    run->gone = run->cut = false;
    return run;
}

static struct batch_run *run_of(struct batch *batch, const struct source_record *in)
{
    /* Records come in runs of one partition: the run of the record before is nearly always the one. */
    struct batch_run *run = batch->n ? &batch->runs[batch->items[batch->n - 1].run] : NULL;
    if (!run || run->partition != in->record.partition)
        run = last_run(batch, in->record.partition);
    if (run && run->epoch == in->epoch)
        return run;
    if (run)
        run->gone = true;
    return new_run(batch, in);
}

enum weir_err_code batch_take(struct batch *batch, size_t n, struct weir_err *err)
{
    size_t before = batch->n;
    for (size_t i = 0; i < n; i++) {
        const struct source_record *in = &batch->landing[i];
        struct batch_run *run = run_of(batch, in);
        if (!run) {
            batch->n = before;
            return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the runs of a batch");
        }
        struct batch_item *item = &batch->items[batch->n++];
        item->in = *in;
        item->run = (uint32_t)(run - batch->runs);
        item->own = item->given = false;
        item->writer = NULL;
        /* Behind a cut nothing is done, whatever comes. */
        if (!run->cut)
            run->next = in->record.offset + 1;
        batch->bytes += in->record.key.len + in->record.value.len;
    }
    return WEIR_OK;
}

void batch_cut(struct batch *batch, const struct batch_item *item, const struct weir_err *why)
{
    struct batch_run *run = &batch->runs[item->run];
    run->next = item->in.record.offset;
    run->cut = true;
    run->why = *why;
}

size_t batch_next(const struct batch *batch, struct position *out)
{
    size_t n = 0;
    for (size_t i = 0; i < batch->n_runs; i++) {
        const struct batch_run *run = &batch->runs[i];
        if (!run->gone && run->next > run->first)
            out[n++] = (struct position){run->partition, run->epoch, run->next};
    }
    return n;
}

void batch_processed(struct batch *batch, struct source *source)
{
    for (size_t i = batch->fresh; i < batch->n; i++) {
        struct batch_item *item = &batch->items[i];
        if (!item->own)
            continue;
        source->ops->release(source, &item->in, 1);
        item->in.held = NULL;
        item->in.record.key = item->in.record.value = WEIR_NO_BYTES;
        item->in.record.headers = NULL;
        item->in.record.n_headers = 0;
    }
    batch->fresh = batch->n;
}

void batch_release(struct batch *batch, struct source *source)
{
    for (size_t i = 0; i < batch->n; i++)
        if (!batch->items[i].own || i >= batch->fresh)
            source->ops->release(source, &batch->items[i].in, 1);
    batch->n = batch->fresh = 0;
    batch->n_runs = 0;
    batch->bytes = 0;
    heap_reset(&batch->heap);
}
