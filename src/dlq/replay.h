/*
 * What `weir dlq replay`, `park` and `discard` do: letters are taken one after the other, what becomes of
 * each and what the ledger says of it go into the same transaction, so that a run may stop anywhere and be
 * started again: nothing is done twice, and nothing is left out.
 */
#ifndef WEIR_DLQ_REPLAY_H
#define WEIR_DLQ_REPLAY_H

#include "dlq/newer.h"
#include "dlq/session.h"
#include "dlq/view.h"

/* Most letters and bytes of one transaction, and how long one stays open while it is filled. */
#define REPLAY_BATCH_LETTERS 500
#define REPLAY_BATCH_BYTES   ((size_t)8 * 1024 * 1024)
#define REPLAY_BATCH_MS      1000
/* From how many letters on a failure ratio means something. */
#define REPLAY_RATIO_LEAST 20

enum replay_verb { REPLAY_REPLAY, REPLAY_PARK, REPLAY_DISCARD };

enum replay_target {
    REPLAY_PIPELINE, /* through the pipeline into the output */
    REPLAY_SOURCE,   /* as it was, into the source topic; only what would pass now */
    REPLAY_TOPIC     /* as it was, into another topic */
};

struct replay_options {
    struct view_options view; /* ledger is the session's */
    struct session *session;
    enum replay_verb verb;
    enum replay_target target;
    const char *target_topic;  /* of REPLAY; index SESSION_TARGETS of the session's topics, the parking topic
                                  being the next one */
    int32_t source_partitions; /* of the input topic */
    const char *version;       /* weir's, for letters that are parked */
    uint64_t limit;            /* 0: none */
    double rate;               /* letters a second; 0: as fast as it goes */
    double max_failure_ratio;  /* 1: never stops for it */
    uint32_t max_attempts;     /* a letter that failed so often is parked; 0: never */
    const struct newer *newer; /* letters that it has a newer record for are skipped; NULL: none are */
    const _Atomic int *stopping;
    /* Called now and then. */
    void (*progress)(void *context, const struct session_counts *counts, int64_t done, int64_t total);
    void *context;
};

/* True where a letter in that state may be acted on: one that was replayed or discarded is closed for ever,
 * one that was parked may still be replayed or discarded, where the filter names that state. Pure. */
bool replay_may_act(enum replay_verb verb, enum ledger_state state);

enum replay_end { REPLAY_DONE, REPLAY_STOPPED, REPLAY_LIMIT, REPLAY_TOO_MANY_FAILED };

/*
 * Runs to the end, and says how it ended in *end. counts has what was committed, whatever is returned.
 * Errors: what is not over after SESSION_REOPENS_MAX tries; REGISTRY_DOWN: no verdict can be given;
 * DUPLICATE_IDENTITY: another run has taken over.
 */
enum weir_err_code replay_run(const struct replay_options *options, struct session_counts *counts,
                              enum replay_end *end, struct weir_err *err);

#endif
