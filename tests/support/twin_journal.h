/*
 * The judge of the journal in a twin world. It reads the records as any JSON, knows from the world which
 * outcome each input record must have, and computes by itself what the journal must say: the chain is
 * unbroken, each record of the input is counted once, under its verdict, and plan and writers are there.
 */
#ifndef SUPPORT_TWIN_JOURNAL_H
#define SUPPORT_TWIN_JOURNAL_H

#include "support/twin.h"

/* A transaction takes effect; then each record of the journal in it; then its offsets, before they count. */
void twin_journal_begin(struct twin_world *world);
void twin_journal_judge(struct twin_world *world, const struct sink_record *record);
void twin_journal_end(struct twin_world *world, const struct position *offsets, size_t n);

#endif
