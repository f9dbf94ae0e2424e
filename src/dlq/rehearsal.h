/*
 * A rehearsal: real records run through the very core twice, with the schemas of today and with those that
 * are wanted, and what that makes of each. Nothing is written or committed.
 */
#ifndef WEIR_DLQ_REHEARSAL_H
#define WEIR_DLQ_REHEARSAL_H

#include "dlq/ledger.h"
#include "dlq/verdict.h"
#include "kafka/range.h"

/* Most reasons that are told apart; records with others are only counted. */
#define REHEARSAL_REASONS_MAX 64
/* Most records of the input that may be asked for. */
#define REHEARSAL_RECORDS_MAX 1000000000

enum rehearsal_of { REHEARSAL_INPUT, REHEARSAL_LETTERS, REHEARSAL_SOURCES };
#define REHEARSAL_VERDICTS (WEIR_REJECT + 1)

struct rehearsal_sum {
    uint64_t records;
    uint64_t unjudged;                                   /* letters that only say where their record is */
    uint64_t by[REHEARSAL_VERDICTS][REHEARSAL_VERDICTS]; /* of each verdict today: of each verdict then */
};

/* What records would not pass for; texts that the verdict does not have are empty. */
struct rehearsal_reason {
    enum rehearsal_of of;
    enum weir_verdict now, then;
    enum weir_code code;
    char field[WEIR_REASON_FIELD_MAX + 1];
    char rule[WEIR_REASON_TEXT_MAX + 1];
    uint64_t count;
    struct letter_place example; /* the first that was met */
    char text[WEIR_REASON_TEXT_MAX + 1];
};

struct rehearsal {
    struct rehearsal_sum sums[REHEARSAL_SOURCES];
    struct rehearsal_reason reasons[REHEARSAL_REASONS_MAX];
    size_t n_reasons;
    uint64_t others; /* records for which there was no more room among the reasons */
};

/* Counts a record that has one outcome today and another one then. place names it. */
void rehearsal_add(struct rehearsal *rehearsal, enum rehearsal_of of, const struct letter_place *place,
                   const struct weir_outcome *now, const struct weir_outcome *then);

/* How many have that verdict today, and how many would then. */
uint64_t rehearsal_now(const struct rehearsal_sum *sum, enum weir_verdict verdict);
uint64_t rehearsal_then(const struct rehearsal_sum *sum, enum weir_verdict verdict);

/* How many would come off worse: what passes would be dropped or rejected, or what is dropped rejected. */
uint64_t rehearsal_worse(const struct rehearsal_sum *sum);

/*
 * Shares records out among the ends of n partitions that hold first[p] .. until[p] - 1: as many of each as
 * there are, or as of the others. spans gets a span of each partition; together they are at most so many.
 */
void rehearsal_share(const int64_t *first, const int64_t *until, int32_t n, int64_t records,
                     struct range_span *spans);

/* All of it is borrowed. */
struct rehearsal_options {
    const struct weir_spec *spec;
    rd_kafka_t *client; /* of admin_open */
    const struct ledger *ledger;
    struct verdict *now, *then;
    int64_t records; /* of the newest of the input; offsets are counted, so markers are too */
    const _Atomic int *stopping;
};

/*
 * Runs the input's newest records and all open letters of the pipeline, one at a time, as both topics are
 * now; out is zero at first. Fails as range_open, range_next, view_open and verdict_of; TRANSIENT when it is
 * to stop.
 */
enum weir_err_code rehearsal_run(const struct rehearsal_options *options, struct rehearsal *out,
                                 struct weir_err *err);

#endif
