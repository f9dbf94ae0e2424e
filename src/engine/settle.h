/* What becomes of a batch after its transaction, well or not, and how the loop gets back to running. Part of
 * the loop. */
#ifndef WEIR_ENGINE_SETTLE_H
#define WEIR_ENGINE_SETTLE_H

#include "engine/loop.h"

/* The transaction is committed, or none was needed: counts, lets cut runs wait, releases the batch. FATAL
 * errors. */
enum weir_err_code settle_commit(struct loop *loop, struct weir_err *err);

/*
 * A step of the transaction failed with *why: does what its class asks for (aborts and rewinds, holds, or
 * sets out to rebuild). Returns WEIR_OK when the loop can go on, else the FATAL error.
 */
enum weir_err_code settle_failure(struct loop *loop, const struct weir_err *why, struct weir_err *err);

/* The batch failed before its transaction began (*why): it is rewound and done again, or the FATAL error is
 * returned. */
enum weir_err_code settle_unsent(struct loop *loop, const struct weir_err *why, struct weir_err *err);

/* One slice of work in LOOP_OPENING or LOOP_LEARNING, or of the pause between failures in a row; keeps the
 * group membership alive meanwhile. FATAL errors. */
enum weir_err_code settle_recover(struct loop *loop, struct weir_err *err);

/* How long a commit or an abort may take now: less when the loop is to stop. */
int64_t settle_deadline_ms(const struct loop *loop);

/* Looks whether a poll's *why says that the group has timed this member out, and says so once. */
void settle_note_expired(struct loop *loop, const struct weir_err *why);

/* Joins the group anew. Needs: LOOP_RUNNING, the batch is empty. FATAL errors. */
enum weir_err_code settle_rejoin(struct loop *loop, struct weir_err *err);

/* Brokers were seen down, or answering. */
void settle_down(struct loop *loop, const struct weir_err *why);
void settle_up(struct loop *loop);

#endif
