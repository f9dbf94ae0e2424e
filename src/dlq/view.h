/* The letters that a filter means, one after the other, with what is known of each. */
#ifndef WEIR_DLQ_VIEW_H
#define WEIR_DLQ_VIEW_H

#include "dlq/filter.h"
#include "dlq/verdict.h"
#include "kafka/range.h"

/* All of it is borrowed and outlives the view. */
struct view_options {
    const struct weir_spec *spec;
    rd_kafka_t *client;
    const struct ledger *ledger;
    const struct filter *filter;       /* NULL: all */
    const struct letter_place *places; /* only these, where there are any */
    size_t n_places;
    struct verdict *verdict; /* NULL where neither the filter nor judge wants one */
    bool judge;              /* items have an outcome */
    bool closed;             /* letters that are not open too, also where the filter does not name states */
};

struct view_item {
    struct letter letter;
    struct weir_record original; /* the record as it was when it failed */
    struct ledger_entry entry;
    bool judged;
    struct weir_outcome outcome; /* the verdict it would get now, where judged; a reference never is */
};

struct view_counts {
    uint64_t read;    /* records of the dead-letter topic */
    uint64_t foreign; /* those that are no letters of this pipeline */
    uint64_t met;     /* letters that the filter means */
};

/* One thread. */
struct view;

/* Reads the dead-letter topic up to where it ends now. Fails as range_open. */
enum weir_err_code view_open(const struct view_options *options, struct view **out, struct weir_err *err);
/* NULL is fine. */
void view_close(struct view *view);

/*
 * The next letter that is meant, borrowed until the next call; NULL with WEIR_OK when none came for a while
 * or the end was reached (view_done). Fails as range_next and verdict_of.
 */
enum weir_err_code view_next(struct view *view, const struct view_item **out, struct weir_err *err);

bool view_done(const struct view *view);
struct view_counts view_counts(const struct view *view);
/* How far it is, in offsets; total is at least 1. */
void view_progress(const struct view *view, int64_t *done, int64_t *total);

#endif
