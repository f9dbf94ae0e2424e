/*
 * Letters from a file back into the dead-letter topic. A letter keeps its name, so what the ledger says of it
 * still holds: one that was replayed or discarded stays out, and so does one that is still in the topic.
 */
#ifndef WEIR_DLQ_IMPORT_H
#define WEIR_DLQ_IMPORT_H

#include "dlq/session.h"

/* Most letters and bytes of one transaction. */
#define IMPORT_BATCH_LETTERS 500
#define IMPORT_BATCH_BYTES   ((size_t)8 * 1024 * 1024)

struct import_options {
    const struct weir_spec *spec;
    rd_kafka_t *client;
    const char *path;
    const struct ledger *ledger; /* without session */
    struct session *session;     /* whose target is the dead-letter topic; NULL: only count */
    const _Atomic int *stopping;
};

struct import_counts {
    uint64_t letters;  /* of this pipeline, in the file */
    uint64_t foreign;  /* what is no letter of this pipeline */
    uint64_t present;  /* still in the topic, or twice in the file */
    uint64_t closed;   /* replayed or discarded */
    uint64_t imported; /* or to be imported */
    int64_t oldest_ms; /* the earliest timestamp of those; INT64_MAX when there are none */
};

/*
 * Reads the topic for what is there, then the file. A run that was stopped anywhere can be repeated. Fails as
 * unpacker_open, unpacker_next and range_open; LETTER_TOO_LARGE names the first that does not fit; and with
 * what is not over after SESSION_REOPENS_MAX tries.
 */
enum weir_err_code import_run(const struct import_options *options, struct import_counts *counts,
                              struct weir_err *err);

#endif
