/*
 * The breaker: when most of a partition's recent records would be rejected, something is wrong with all of
 * them at once, and the partition waits in place of filling the dead-letter topic. docs/breaker.md has the
 * rules; they are judged before a transaction opens, so nothing of what is judged is written.
 *
 * The window of a partition is that of the last records of it that were done here: min_records of them, and
 * up to a sixteenth more. With fewer there is no judgement. Each verdict counts, whoever gave it; what is
 * dropped by a filter was not rejected. A partition that a rebalance takes away and gives back is judged anew
 * when others have gone on with it; where it comes back as it left, window and state come back too.
 *
 * Once open for a partition it closes
 * - when less than half of the ratio of the records at hand would be rejected, tried anew at each retry;
 * - when the plan changes (breaker_rearm);
 * - after max_hold: then letters are written until the window is calm, and only then it may open again.
 */
#ifndef WEIR_ENGINE_BREAKER_H
#define WEIR_ENGINE_BREAKER_H

#include "engine/batch.h"
#include "weir/spec.h"

/* The window moves on by so many parts of min_records. */
#define BREAKER_SLOTS 16

struct breaker_window {
    struct {
        uint32_t n, rejected;
    } slots[BREAKER_SLOTS + 1];
    size_t at; /* the slot that is being filled; the one behind it is the oldest */
    uint64_t n, rejected;
};

enum breaker_state {
    BREAKER_CLOSED,
    BREAKER_OPEN,
    BREAKER_FORCED /* max_hold has passed: it stays shut until the window is calm */
};

struct breaker_row {
    uint32_t epoch; /* of the assignment that it holds under; 0: none yet */
    int64_t next;   /* where the partition stands: what comes from there on is judged by this row */
    enum breaker_state state;
    enum weir_code mostly; /* why records were rejected when it opened */
    int64_t opened_ms;
    struct breaker_window window; /* of what is committed */
    struct breaker_window trial;  /* and of the batch at hand */
    uint64_t serial;              /* of the batch that trial, seen and bad are of */
    uint64_t seen, bad;           /* records of the batch, while it is open */
};

struct breaker {
    bool on;
    int64_t ratio; /* in millionths */
    int64_t min_records, max_hold_ms;
    uint32_t slot; /* records of a slot */
    uint64_t serial;
    struct breaker_row *rows; /* by partition */
    int32_t n_rows;
};

void breaker_init(struct breaker *breaker, const struct weir_spec *spec);
void breaker_release(struct breaker *breaker);

/*
 * Judges the fresh items of a batch, whose verdicts are there. Where the breaker opens it cuts the run at the
 * first of the window's records that would be rejected and is not committed yet. Returns how many partitions
 * it opened for in *opened. NO_MEMORY.
 */
enum weir_err_code breaker_judge(struct breaker *breaker, struct batch *batch, int64_t now_ms, size_t *opened,
                                 struct weir_err *err);

/* The batch is gathered: decides whether what is open closes, else cuts its run at its first record. */
void breaker_settle(struct breaker *breaker, struct batch *batch, int64_t now_ms);

/* The batch is committed. */
void breaker_committed(struct breaker *breaker, const struct batch *batch);

/* There is another edition of the schemas: everything is forgotten. Between two batches. */
void breaker_rearm(struct breaker *breaker);

#endif
