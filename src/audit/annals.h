/*
 * The journal as an audit reads it (docs/journal.md): its texts, its plans, and for each partition of the
 * input the unbroken chain of batches that leads to a committed offset. Takes records, knows no Kafka.
 *
 * In memory a batch takes 80 bytes and what it names of writers and given ranges 28 and 24 bytes each; arrays
 * double as they grow.
 */
#ifndef WEIR_AUDIT_ANNALS_H
#define WEIR_AUDIT_ANNALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/journal.h"
#include "weir/err.h"

/* Most batches, plans and texts that are read, and parts of a text. */
#define ANNALS_BATCHES_MAX ((size_t)1 << 22)
#define ANNALS_PLANS_MAX   1024
#define ANNALS_TEXTS_MAX   4096
#define ANNALS_PARTS_MAX   1024

/* Where a list that batches share begins, and how long it is. */
struct annals_list {
    uint32_t at, n;
};

struct annals_batch {
    int64_t from, first, next;
    uint64_t hash;   /* of the verdicts */
    uint64_t counts; /* annals_count of each, summed up */
    uint64_t records;
    uint32_t plan;   /* its number */
    uint32_t serial; /* in the order of the journal, from 0 on */
    struct annals_list writers, given;
    bool begins;
    bool provable; /* true at first; for whoever recomputes */
};

struct annals_writer {
    struct weir_schema_key key;
    uint32_t text; /* its number */
};

/* A text: a schema or a configuration; no value as long as not all of it was met. */
struct annals_text {
    struct journal_print print;
    struct weir_bytes text;
    struct weir_bytes *parts;
    size_t n_parts, n_met;
};

struct annals_plan {
    struct journal_print print;
    bool met;
    uint32_t config, reader, output; /* texts */
    uint32_t output_id;
    int64_t reader_version;
};

/* How a chain begins. */
enum annals_start {
    ANNALS_NONE,    /* there is no batch of this partition, or nothing was committed */
    ANNALS_BEGINS,  /* where the group began */
    ANNALS_EXPIRED, /* with the oldest batch that is left in the journal */
    ANNALS_GAP,     /* behind a gap: there are older batches, and none leads to it */
    ANNALS_ASTRAY   /* there is no chain: batches there are, and none ends where the group has committed */
};

struct annals_chain {
    struct annals_batch *batches; /* in the order of their offsets; each goes on where the last ended */
    size_t n;
    size_t ahead; /* batches that go on from where it ends: the pipeline has been at work meanwhile */
    enum annals_start start;
    int64_t from, until; /* what it covers */
};

/* One thread. */
struct annals;

/* topic: the input's, borrowed; batches of another one are passed over. partitions: how many it has.
 * NO_MEMORY. */
enum weir_err_code annals_new(const char *topic, int32_t partitions, struct annals **out,
                              struct weir_err *err);
/* NULL is fine. */
void annals_free(struct annals *annals);

/*
 * Takes a record of the journal, in the order of their partitions. A version that is newer than ours:
 * CONFIG. More than the limits above: USAGE. NO_MEMORY. What is not what its key says is counted, and said by
 * annals_stray.
 */
enum weir_err_code annals_take(struct annals *annals, const struct weir_record *record, struct weir_err *err);

/* How many records are not what their key says, and the first of them: its partition and offset. */
uint64_t annals_stray(const struct annals *annals, int32_t *partition, int64_t *offset);

/* Once all is taken: finds the chains. committed: the group's offset of each partition, -1 for none. */
void annals_link(struct annals *annals, const int64_t *committed);

/* Leaves out of the chain the batches that begin before that offset, whose records are gone. */
void annals_trim(struct annals *annals, int32_t partition, int64_t first);

/* After annals_link. */
struct annals_chain annals_chain(const struct annals *annals, int32_t partition);

/* The batch of the chain that holds the offset, NULL when none does. */
struct annals_batch *annals_find(const struct annals *annals, int32_t partition, int64_t offset);

size_t annals_plans(const struct annals *annals);
const struct annals_plan *annals_plan(const struct annals *annals, size_t number);
size_t annals_texts(const struct annals *annals);
const struct annals_text *annals_text(const struct annals *annals, size_t number);
const struct annals_writer *annals_writers(const struct annals *annals, const struct annals_batch *batch);
const struct journal_given *annals_given(const struct annals *annals, const struct annals_batch *batch);

/* What a record of that kind (journal_kind) adds to the counts of a batch. */
uint64_t annals_count(const struct annals *annals, unsigned kind);
const struct journal_words *annals_words(const struct annals *annals);

#endif
