/*
 * Which edition is in use: one place for all workers, which change over between two batches, and for whoever
 * looks for newer versions.
 *
 * A look is numbered, since a writer that is new to us is read only after a look that began when it had been
 * met: a producer may register a schema and use it at once, and then its records belong to the version of
 * ours that was registered with it.
 *
 * Any thread may call any function, but for those of looks, which are one thread's.
 */
#ifndef WEIR_ENGINE_EDITIONS_H
#define WEIR_ENGINE_EDITIONS_H

#include "engine/edition.h"

struct editions;

/* Nobody looks for newer versions. */
#define EDITIONS_FIXED (-1)

/*
 * first, held once, is taken over. patience_ms: how long editions_await may wait, or EDITIONS_FIXED.
 * WEIR_ERR_NO_MEMORY: nothing was taken over.
 */
enum weir_err_code editions_new(struct edition *first, int64_t patience_ms, struct editions **out,
                                struct weir_err *err);

/* Nobody may ask for an edition any more; those that are held stay. NULL is fine. */
void editions_free(struct editions *editions);

/* Changes whenever another edition comes into use. Cheap: for between two batches. */
uint64_t editions_number(const struct editions *editions);

/* The edition in use, held for the caller, and its number. */
struct edition *editions_take(struct editions *editions, uint64_t *number);

/* Puts an edition, held once, into use; it is taken over. */
void editions_put(struct editions *editions, struct edition *edition);

/* Replaces an edition that is crowded by an empty one of the same versions, unless that is done already or
 * memory is short: then it is for next time. */
void editions_renew(struct editions *editions, struct edition *crowded);

/* --- looks --- */

/* The number of the first look that begins after now; 0 where nobody looks. */
uint64_t editions_next_look(const struct editions *editions);
/* True when that look was done: always, where nobody looks. */
bool editions_looked(const struct editions *editions, uint64_t look);

/* Asks for a look soon. */
void editions_want(struct editions *editions);

/* Waits for that look as long as patience allows; true when it was done. */
bool editions_await(struct editions *editions, uint64_t look);

/* Waits up to so long until a look is asked for; true when one was since the last time. */
bool editions_wanted(struct editions *editions, int64_t timeout_ms);

/* Around a look. Only one that got all its answers counts as done. */
void editions_begin_look(struct editions *editions);
void editions_end_look(struct editions *editions, bool done);

#endif
