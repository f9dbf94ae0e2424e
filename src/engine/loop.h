/*
 * The transaction loop of one worker (docs/ARCHITECTURE.md, "The way of one record"):
 * gather, process and fill the outbox → seal → begin, send, commit → settle. What happens on each class of
 * error is here.
 */
#ifndef WEIR_ENGINE_LOOP_H
#define WEIR_ENGINE_LOOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/batch.h"
#include "engine/breaker.h"
#include "engine/chain.h"
#include "engine/holds.h"
#include "engine/outbox.h"
#include "engine/plans.h"
#include "engine/ports.h"
#include "engine/trouble.h"
#include "metrics/counters.h"

/*
 * How long one commit may take before its outcome counts as unknown, and how long it may take to stop: with
 * what slices and taking apart add, within the 10 s that containers are given by default.
 */
#define LOOP_COMMIT_DEADLINE_MS 30000
#define LOOP_STOP_DEADLINE_MS   5000
/* Of that, how long a call of the sink may still take that was under way when stop was set. */
#define LOOP_STOP_CALL_MS 3000
/* How often the topics are looked at when all is well, and when something is missing. */
#define LOOP_REFRESH_MS      60000
#define LOOP_REFRESH_SOON_MS 1000

/* What others may ask of all running loops, from any thread or a signal handler. */
struct loop_control {
    _Atomic int stop;       /* 1: finish what is gathered, then return */
    _Atomic unsigned hurry; /* counted up: try again now what waits; each loop notices for itself */
};

/* The ports and parts that a loop runs on; all borrowed, all for this worker alone but spec, trouble,
 * counters and control. */
struct loop_parts {
    const struct weir_spec *spec;
    struct source *source;
    struct sink *sink;
    struct timer *timer;
    struct plans *plans;
    struct outbox outbox;
    struct trouble *trouble;
    const char *config_text; /* the part of the configuration that decides, for the journal */
    struct counters *counters;
    struct loop_control *control;
};

enum loop_state {
    LOOP_OPENING,  /* the sink is being made, or made anew */
    LOOP_ASKING,   /* before it is made anew: has another process our name? The group is asked */
    LOOP_FENCED,   /* the same, and the answer must be had: we were fenced */
    LOOP_LEARNING, /* the sink is open; what became of the batch is being read from the committed offsets */
    LOOP_RUNNING
};

struct loop {
    struct loop_parts parts;
    enum loop_state state;
    struct batch batch;
    struct holds holds;
    struct chain chain;
    struct breaker breaker;
    uint64_t edition;      /* the number of the one that the batch is of */
    struct position *next; /* scratch for a batch's offsets */
    size_t cap_next;
    struct stamp *stamp; /* of the batch, from seal to settle */
    bool started;        /* the source has joined the group */
    bool quiet;          /* the source is told to return nothing while the sink is not open */
    int down;            /* trouble row of brokers that are down, -1: they answer */
    bool expired;        /* the source must join anew before anything else is gathered */
    bool poll_down;      /* the last poll said that brokers are down */
    int no_input;        /* trouble row of an input topic that does not exist, -1: it does */
    unsigned hurried;    /* what control->hurry was when it was last looked at */
    int64_t refresh_at_ms;
    unsigned fails_in_row; /* transactions since the last that was committed */
    int failing;           /* trouble row of failures in a row, -1: none */
    int64_t again_at_ms;   /* nothing is gathered or opened before that */
    int64_t gathered_ms;   /* when the last batch was full enough */
    int64_t stop_at_ms;    /* when to give up stopping; 0: not stopping */
};

/* WEIR_ERR_NO_MEMORY. */
enum weir_err_code loop_init(struct loop *loop, const struct loop_parts *parts, struct weir_err *err);
/* The sink must be freed before, or have no transaction open: it borrows what goes here. The source must not.
 */
void loop_release(struct loop *loop);

/*
 * Runs until control->stop or a FATAL error, which is returned. Once stop is set it returns within
 * LOOP_STOP_DEADLINE_MS and a slice of a port: WEIR_OK when nothing is under way any more, else
 * WEIR_ERR_TRANSIENT: what became of the last records is not known, the next start sees to them. The sink's
 * commit and abort are to return within LOOP_STOP_CALL_MS of a stop.
 */
enum weir_err_code loop_run(struct loop *loop, struct weir_err *err);

/* One round of loop_run, for tests and the simulator. */
enum weir_err_code loop_step(struct loop *loop, struct weir_err *err);

#endif
