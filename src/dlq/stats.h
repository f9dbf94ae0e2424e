/* Letters counted: by code, field, schema id, hour, source partition and state. */
#ifndef WEIR_DLQ_STATS_H
#define WEIR_DLQ_STATS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "dlq/letter.h"
#include "dlq/ledger.h"
#include "weir/err.h"

/* Most different values of one kind that are counted apart; the rest are counted together. */
#define STATS_ROWS_MAX 4096
/* Longest value that is told apart. */
#define STATS_NAME_MAX 64

enum stats_kind {
    STATS_CODE,
    STATS_FIELD,
    STATS_SCHEMA,
    STATS_PARTITION,
    STATS_HOUR,
    STATS_STATE,
    STATS_KINDS
};

struct stats;

/* NULL when memory is short. */
struct stats *stats_new(void);
void stats_free(struct stats *stats);

/* Counts a letter. WEIR_ERR_NO_MEMORY. */
enum weir_err_code stats_add(struct stats *stats, const struct letter *letter,
                             const struct ledger_entry *entry, struct weir_err *err);

/* Prints tables for a person, most frequent first (hours in their order), or one JSON object. False when it
 * could not be written. */
bool stats_print(struct stats *stats, bool json, int64_t now_ms, FILE *to);

#endif
