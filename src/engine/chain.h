/*
 * The journal of a worker: for each partition the chain of batch records, of which each goes on from the
 * offset that the one before has committed, and the plans and texts that they name. It is written in the
 * transactions that it tells of, so what is committed is written down, and nothing else is.
 *
 * Without a journal (`journal: off`) every call does nothing.
 */
#ifndef WEIR_ENGINE_CHAIN_H
#define WEIR_ENGINE_CHAIN_H

#include "core/journal.h"
#include "engine/batch.h"
#include "engine/edition.h"
#include "engine/ports.h"

/*
 * Plans and texts are written again after so long. The journal's topic forgets what is older than its
 * retention, and a plan can be in use for months.
 */
#define CHAIN_REPEAT_MS ((int64_t)60 * 60 * 1000)
/* The reader's schema, the output's, and the configuration. */
#define CHAIN_TEXTS 3

/* How far a partition is. */
struct chain_link {
    uint32_t epoch; /* of the assignment that it holds under; 0: none yet */
    bool begins;    /* nothing was committed so far */
    int64_t next;
};

/* What a chain is made of; all borrowed. */
struct chain_parts {
    const struct weir_spec *spec;
    const char *config_text; /* the part of the configuration that decides (config_deciding) */
    const char *program;     /* weir's version */
    struct source *source;
    struct sink *sink;
    struct timer *timer;
};

struct chain {
    struct chain_parts parts;
    bool on;
    struct journal_words words;

    struct journal_print plan;
    uint8_t plan_value[JOURNAL_VALUE_MAX];
    size_t plan_len;
    struct journal_writer texts[CHAIN_TEXTS]; /* without id */
    int64_t plan_said_ms;

    struct chain_link *links; /* by partition */
    int32_t n_links;

    /* Of the batch that is being written. */
    struct batch *batch;
    struct journal_span *spans; /* by run */
    size_t cap_spans;
    uint64_t serial;              /* of its transaction */
    struct journal_writer **told; /* whose texts it holds */
    size_t n_told, cap_told;
    bool told_plan;
};

void chain_init(struct chain *chain, const struct chain_parts *parts);
void chain_release(struct chain *chain);

/*
 * From the next batch on this edition is in use; its schemas are borrowed until another one is. Between two
 * batches, and needed before the first. Versions that are the same as before are no other plan.
 */
void chain_use(struct chain *chain, const struct edition *edition);

/* A batch is about to be written. Before its transaction. NO_MEMORY. */
enum weir_err_code chain_open(struct chain *chain, struct batch *batch, struct weir_err *err);

/* Writes down a live item of the batch; inside the transaction, in the order of the batch. Errors of the
 * sink, NO_MEMORY. */
enum weir_err_code chain_add(struct chain *chain, const struct batch_item *item, struct weir_err *err);

/* Sends what is written down, the last thing of the transaction. Errors of the sink, NO_MEMORY. */
enum weir_err_code chain_send(struct chain *chain, struct weir_err *err);

/* The transaction of the batch is committed, as the sink itself has said: what it told is known from now on.
 */
void chain_committed(struct chain *chain);

/* The partition is committed at offset, whoever did it. */
void chain_passed(struct chain *chain, int32_t partition, uint32_t epoch, int64_t offset);

#endif
