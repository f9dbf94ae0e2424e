/*
 * What is wrong at the moment, said once when it begins and once when it is over: once a process, whichever
 * of its workers noticed. A trouble is an error code with its text; workers and partitions may share one.
 *
 * Workers notice that something is over at different times, and one may meet the rest of it when others are
 * well again. So a trouble that nobody has any more is said to be over only when it has stayed away for a
 * while; whoever meets it within that time has the same trouble.
 */
#ifndef WEIR_ENGINE_TROUBLE_H
#define WEIR_ENGINE_TROUBLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "weir/err.h"

/* More different troubles than this at once share the last place. */
#define TROUBLE_MAX 128
/* How long a process waits before it says that a trouble is over: longer than workers need to notice that
 * brokers answer again. */
#define TROUBLE_LINGER_MS 5000

/* Any thread may call; each of its functions takes the lock, also while a line is written, so that lines
 * stand in the order of what happened. */
struct trouble {
    pthread_mutex_t lock;
    int64_t linger_ms;
    struct trouble_row {
        struct weir_err err;
        int64_t since_ms;
        int64_t left_ms;  /* when a holder last left it as over; 0: none since another joined */
        unsigned holders; /* none while it lingers */
        bool said;        /* and not yet said to be over; else the row is free */
    } rows[TROUBLE_MAX];
};

/* linger_ms: how long a trouble must stay away; with 0 the last holder says at once that it is over. */
void trouble_init(struct trouble *trouble, int64_t linger_ms);
void trouble_release(struct trouble *trouble);

/*
 * Adds a holder to the trouble and says it when it is the first. Returns a number for trouble_leave.
 * Texts of brokers or a registry that are down differ from call to call, so those are one trouble whatever
 * the text.
 */
int trouble_join(struct trouble *trouble, const struct weir_err *err, int64_t now_ms);

/* True while a trouble of that code has been said and not yet said to be over, whoever has it. */
bool trouble_known(struct trouble *trouble, enum weir_err_code code);

/* Takes a holder away; it is over when it was the last one. */
void trouble_leave(struct trouble *trouble, int row, int64_t now_ms);

/*
 * Takes a holder away whose partition others have now. When it was the last one that is said, since nothing
 * is known to be over; unless it was over for another holder before.
 */
void trouble_hand_over(struct trouble *trouble, int row);

/* Says of troubles that have stayed away that they are over. To be called now and then; at the end with
 * INT64_MAX, which is longer than any. */
void trouble_tend(struct trouble *trouble, int64_t now_ms);

#endif
