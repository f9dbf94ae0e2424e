/*
 * Closed letters taken out of the dead-letter topic. Kafka deletes only prefixes, so in each partition all
 * goes that lies before the first record that must stay: a letter that is open, and whatever is no letter of
 * this pipeline.
 */
#ifndef WEIR_DLQ_PURGE_H
#define WEIR_DLQ_PURGE_H

#include "dlq/ledger.h"
#include "kafka/range.h"

struct purge_part {
    int64_t first;    /* the first offset that is still there */
    int64_t keep;     /* the first that stays */
    uint64_t letters; /* closed letters before it */
    uint64_t behind;  /* closed letters behind it, which stay for that */
    bool held;        /* an open letter is the first that stays */
    struct letter_place by;
};

struct purge {
    struct purge_part *parts;
    int32_t n;
};

/* Finds out what could go. *purge is for purge_release, whatever is returned. Fails as range_open and
 * range_next. */
enum weir_err_code purge_plan(const struct weir_spec *spec, rd_kafka_t *client, const struct ledger *ledger,
                              struct purge *purge, struct weir_err *err);
/* Deletes it. Fails as admin_delete. */
enum weir_err_code purge_do(const struct weir_spec *spec, rd_kafka_t *client, const struct purge *purge,
                            struct weir_err *err);
void purge_release(struct purge *purge);

/* How many letters purge_do takes out. */
uint64_t purge_letters(const struct purge *purge);

#endif
