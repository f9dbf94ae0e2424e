/*
 * An audit of a pipeline on live topics (docs/audit.md): what the journal, the input and the plans say must
 * be, against what the output and the dead-letter topic hold.
 *
 * The topics are read as they come, and nothing of a record is kept: memory is that of the journal's batches
 * (annals.h), the sums of the judge (compare.h), the ledger (dlq/ledger.h) and librdkafka's queue.
 */
#ifndef WEIR_AUDIT_AUDIT_H
#define WEIR_AUDIT_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "audit/compare.h"
#include "audit/recompute.h"
#include "dlq/ledger.h"
#include "kafka/admin.h"
#include "weir/spec.h"

/* Most times that the topics are read once more for the windows that are damaged; what is damaged beyond is
 * counted in windows. */
#define AUDIT_LOOKS_MAX 64
#define AUDIT_TEXT_MAX  320

struct audit_finding {
    const char *kind;  /* of compare_kinds, or "chain", "batch", "journal", "unreadable", "count" */
    int32_t partition; /* of the input; -1: none */
    int64_t offset;    /* likewise */
    const char *topic; /* where the record is that is not as it must be; NULL: nowhere */
    int32_t at_partition;
    int64_t at_offset;
    char text[AUDIT_TEXT_MAX]; /* for a person */
};

struct audit_options {
    const struct weir_spec *spec;
    rd_kafka_t *client; /* of admin_open */
    struct recompute_config config;
    struct sip_key key;
    int32_t partition;  /* only this one of the input; -1: all */
    bool any_partition; /* which partition of its topic a record is in is not compared */
    const _Atomic int *stopping;
    void (*finding)(void *context, const struct audit_finding *finding);
    /* Called now and then; what: "journal", "output" and the like. */
    void (*progress)(void *context, const char *what, int64_t done, int64_t total);
    void *context;
};

struct audit_totals {
    uint64_t records, passed, dropped, rejected; /* input records that are judged, by their verdicts */
    uint64_t codes[WEIR_CODE_COUNT];
    uint64_t states[LEDGER_STATES]; /* of the rejected ones: their final outcome */
    uint64_t unprovable;            /* input records of the chains that cannot be judged */
    uint64_t outputs, letters;      /* that were compared */
    uint64_t outside;               /* outputs and letters of records that are not judged */
    uint64_t batches;
    uint64_t findings;
    uint64_t by_kind[COMPARE_KINDS];
    uint64_t windows_left;               /* damaged, and not looked at */
    int64_t read;                        /* records of all topics, how often ever they were read */
    bool counts_only;                    /* outputs have no coordinates: only their number was compared */
    char why_unprovable[AUDIT_TEXT_MAX]; /* "" where everything was provable */
};

/*
 * Runs it to the end; findings are told as they are met. CONFIG: a topic is compacted, or there is no
 * journal. DUPLICATE_IDENTITY: letters are being replayed. TRANSIENT: it was stopped, or letters were
 * replayed meanwhile. Else as range_open, range_next, offsets_committed, annals_take, recompute_new.
 */
enum weir_err_code audit_run(const struct audit_options *options, struct audit_totals *totals,
                             struct weir_err *err);

#endif
