/*
 * A batch: the records of one transaction in the order they came, in runs by partition. A run is cut at the
 * first record that must wait; what stands behind the cut is not done in this batch, and other partitions are
 * not held up.
 */
#ifndef WEIR_ENGINE_BATCH_H
#define WEIR_ENGINE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/journal.h"
#include "engine/heap.h"
#include "engine/ports.h"
#include "weir/pipeline.h"

struct batch_item {
    struct source_record in;
    struct weir_outcome outcome;
    struct sink_record out;        /* for PASS and REJECT, once routed */
    struct journal_writer *writer; /* of a record that has one that is known, else NULL */
    uint32_t run;
    bool own;   /* out borrows nothing of in: the record may go back to the source */
    bool given; /* the verdict came from outside: bytes, plan and writer alone do not tell it */
};

struct batch_run {
    int32_t partition;
    uint32_t epoch;
    int64_t first; /* offset of its first record */
    int64_t next;  /* offset behind its last record, or of the record that it is cut at */
    bool gone;     /* the partition is not ours any more: nothing of this run is done */
    bool cut;
    struct weir_err why; /* of the cut */
};

struct batch {
    struct batch_item *items;
    size_t n, cap;
    size_t fresh; /* the first item that is still to be processed: those before it are done */
    struct batch_run *runs;
    size_t n_runs, cap_runs;
    size_t bytes; /* of keys and values */
    struct heap heap;
    struct source_record *landing; /* where a poll puts its records: cap of them */
};

/* A batch of up to cap records. WEIR_ERR_NO_MEMORY. */
enum weir_err_code batch_init(struct batch *batch, size_t cap, struct weir_err *err);
/* Frees it all; records must have been released. */
void batch_free(struct batch *batch);

/*
 * Takes n records from landing. Records must come in the order of their offsets within a partition and epoch;
 * a later epoch of a partition makes its earlier run gone. WEIR_ERR_NO_MEMORY: none was taken.
 */
enum weir_err_code batch_take(struct batch *batch, size_t n, struct weir_err *err);

/* Cuts the item's run at the item. The reason is copied. Needs: the item is live. */
void batch_cut(struct batch *batch, const struct batch_item *item, const struct weir_err *why);

/* True while the item is to be done in this batch. */
static inline bool batch_live(const struct batch *batch, const struct batch_item *item)
{
    const struct batch_run *run = &batch->runs[item->run];
    return !run->gone && item->in.record.offset < run->next;
}

/* The next offset of each run in which something was done: out has room for n_runs. Returns how many. */
size_t batch_next(const struct batch *batch, struct position *out);

/*
 * The items from fresh on are processed: gives back to the source what is not needed any more, while it is
 * still in the processor's cache. Those items keep their partition, offset and time, nothing else of the
 * input.
 */
void batch_processed(struct batch *batch, struct source *source);

/* Gives the records back to the source and makes the batch empty. */
void batch_release(struct batch *batch, struct source *source);

#endif
