/*
 * What is wrong at the moment, said once when it begins and once when it is over.
 * A trouble is an error code with its text; several partitions may share one.
 */
#ifndef WEIR_ENGINE_TROUBLE_H
#define WEIR_ENGINE_TROUBLE_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/err.h"

/* More different troubles than this at once share the last place. */
#define TROUBLE_MAX 32

struct trouble {
    struct {
        struct weir_err err;
        int64_t since_ms;
        unsigned holders; /* 0: free */
    } rows[TROUBLE_MAX];
};

/*
 * Adds a holder to the trouble and says it when it is the first. Returns a number for trouble_leave.
 * Texts of brokers or a registry that are down differ from call to call, so those are one trouble whatever
 * the text.
 */
int trouble_join(struct trouble *trouble, const struct weir_err *err, int64_t now_ms);

/* Takes a holder away; the last one says that it is over. */
void trouble_leave(struct trouble *trouble, int row, int64_t now_ms);

/* Takes a holder away whose partition others have now; the last one says so, since nothing is known to be
 * over.
 */
void trouble_hand_over(struct trouble *trouble, int row);

#endif
