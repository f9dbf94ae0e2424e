/*
 * The load: which of the records are good, lack a field, are malformed and so on, and what must become of
 * each. Record i of a seed is always the same, whatever the rate and whatever came before it. Pure.
 */
#ifndef WEIR_GENERATE_MIX_H
#define WEIR_GENERATE_MIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "generate/malform.h"
#include "generate/pack.h"
#include "weir/arena.h"
#include "weir/err.h"
#include "weir/pipeline.h"

enum mix_form { MIX_BOTH, MIX_AVRO, MIX_JSON };

struct mix {
    uint64_t seed;
    enum mix_form form;
    struct pack *const *packs; /* for Avro: the first lacks no field of a login, the others each lack some */
    size_t n_packs;            /* 0 with MIX_JSON */
    /* Shares of all records, 0 to 1 each and together. */
    double malformed, missing, tombstones, unknown_ids;
    double headers;          /* share of all records that carry headers of others, as tracing adds them */
    bool keyed;              /* the key is the user_id */
    bool expect;             /* add the two headers below */
    const char *drop_locale; /* logins from there are to be dropped: the pipeline's drop_when; or NULL */
    uint32_t users;          /* 1 .. LOGIN_USERS_MAX */
    int64_t start_s;         /* epoch seconds of the first login, 0 or later */
    bool now;                /* instead of start_s, the time at which the record is made */
};

/* Logins a second in the logins' own time, when that is not now. */
#define MIX_PER_SECOND 1000

/* A login's time is up to so many seconds older than it should be, as logins arrive out of order. */
#define MIX_LATE_S 5

/* What must become of the record: "PASS", "DROP" or "REJECT <code>". */
#define MIX_HEADER_EXPECT "weir-expect"

/* The record's number, so that a judge need not trust the source offset that the pipeline writes. */
#define MIX_HEADER_SEQ "weir-seq"

#define MIX_HEADERS_MAX 8

/* Room that an arena must have for one record. */
#define MIX_ROOM (MALFORM_ROOM + 512)

struct mix_record {
    struct weir_bytes key, value;
    struct weir_header headers[MIX_HEADERS_MAX];
    size_t n_headers;
    enum weir_verdict verdict; /* what must become of it */
    enum weir_code code;       /* REJECT: why */
};

/*
 * Makes record number i, to be sent at now_ms. It borrows from out, which must have MIX_ROOM left.
 * Fails with WEIR_ERR_NO_MEMORY.
 */
enum weir_err_code mix_make(const struct mix *mix, uint64_t i, int64_t now_ms, struct weir_arena *out,
                            struct mix_record *record, struct weir_err *err);

/* The text of MIX_HEADER_EXPECT. */
const char *mix_expectation(enum weir_verdict verdict, enum weir_code code);

#endif
