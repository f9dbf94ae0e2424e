/*
 * The judge of a twin world: every change of what read_committed readers see is checked when it happens, and
 * the first breach stays in world->damage. Each input record has exactly the outcome that was expected of it,
 * once, in the transaction that commits its offset; order within a partition is kept.
 */
#ifndef SUPPORT_TWIN_JUDGE_H
#define SUPPORT_TWIN_JUDGE_H

#include "support/twin.h"

/* Notes a breach, when it is the first. */
void twin_damage(struct twin_world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A record has become visible in a transaction that commits these offsets. */
void twin_judge_output(struct twin_world *world, struct twin_output *output, const struct position *offsets,
                       size_t n);
/* A partition's committed offset moves from where it is to offset: all before it must be done. */
void twin_judge_offset(struct twin_world *world, int32_t partition, int64_t offset);

/* True when every record has its outcome and all offsets are committed; otherwise false, and when insist is
 * set the first one that is not done becomes damage. */
bool twin_all_done(struct twin_world *world, bool insist);

/* The record at that offset; NULL when there is none. */
struct twin_input *twin_input_at(struct twin_world *world, int32_t partition, int64_t offset);

/* The header of that name; NULL when there is none. */
const struct weir_header *twin_header(const struct weir_header *headers, size_t n, const char *name);

#endif
