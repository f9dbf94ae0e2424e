/*
 * The judge of an audit: what must be in the output and among the letters, against what is there. Pure; it
 * knows neither Kafka nor schemas.
 *
 * Whatever is expected is added to the sum of its window, WINDOW_OFFSETS offsets of one input partition, and
 * whatever is found is subtracted, in any order. A window that comes to zero is as it must be, by all but one
 * chance in 2^64: what is summed up are hashes under a key that is drawn for each audit. So 1,000,000,000
 * records take 2 MB. Windows that do not come to zero are looked at record by record when the topics are read
 * once more, as many of them at a time as memory is meant for.
 */
#ifndef WEIR_AUDIT_COMPARE_H
#define WEIR_AUDIT_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit/sip.h"
#include "weir/err.h"

#define COMPARE_WINDOW_BITS 12
#define COMPARE_WINDOW      ((int64_t)1 << COMPARE_WINDOW_BITS)
/* Most windows in all: 512 MiB of sums. */
#define COMPARE_SUMS_MAX ((size_t)1 << 26)
/* Most windows that are looked at record by record at a time, and most records that are kept of them: 80
 * bytes each. Where those are not enough, fewer windows are looked at at a time; in one alone, what is found
 * beyond is passed over, and then nothing of it is called lost. */
#define COMPARE_LOOKED_MAX  64
#define COMPARE_ENTRIES_MAX ((size_t)1 << 20)

/* Where a record stands: in the output, among the letters, in the output by a replay. */
enum compare_where { COMPARE_NOWHERE, COMPARE_OUTPUT, COMPARE_LETTER, COMPARE_REPLAY };

/* What can differ. */
enum compare_part {
    COMPARE_VALUE = 1,
    COMPARE_KEY = 2,
    COMPARE_HEADERS = 4,
    COMPARE_TIME = 8,
    COMPARE_PARTITION = 16
};

/* What comes, or came, of one input record. Parts that are not to be compared are 0 on both sides. */
struct compare_sight {
    int32_t partition; /* of the input record */
    int64_t offset;
    enum compare_where where;
    int32_t to; /* the partition there */
    uint64_t value, key, headers, time;
    int32_t at_partition; /* where exactly it was found; not compared */
    int64_t at;
};

/* Offsets from .. until - 1 of an input partition are judged; what belongs to others is passed over. */
struct compare_range {
    int64_t from, until;
};

/* One thread. */
struct compare;

/* ranges: of partitions 0 .. n - 1, copied. NO_MEMORY; USAGE where there are more than COMPARE_SUMS_MAX. */
enum weir_err_code compare_new(const struct compare_range *ranges, int32_t n, const struct sip_key *key,
                               struct compare **out, struct weir_err *err);
/* NULL is fine. */
void compare_free(struct compare *compare);

/* True for the coordinates of a record that is judged. */
bool compare_covers(const struct compare *compare, int32_t partition, int64_t offset);

/* What must be, and what is. The coordinates must be covered. COMPARE_NOWHERE: nothing must come of it. */
void compare_expect(struct compare *compare, const struct compare_sight *sight);
void compare_find(struct compare *compare, const struct compare_sight *sight);

/* --- the second look --- */

/*
 * Chooses the next damaged windows, and forgets the ones before; false when none is left. From now on
 * compare_expect and compare_find keep what belongs to them; expect all first. NO_MEMORY shows in
 * compare_tell.
 */
bool compare_look(struct compare *compare);

/* How many windows are being looked at. */
size_t compare_looked(const struct compare *compare);

/* True when the coordinates are of a window that is being looked at. */
bool compare_looks_at(const struct compare *compare, int32_t partition, int64_t offset);

/* The least range of a partition that all windows being looked at lie in; empty: from == until. */
struct compare_range compare_span(const struct compare *compare, int32_t partition);

enum compare_kind {
    COMPARE_LOST,      /* nothing came of it */
    COMPARE_DOUBLED,   /* more came of it than one record */
    COMPARE_MISROUTED, /* what came of it is elsewhere: other topic, or partition */
    COMPARE_ALTERED,   /* it is another one than it must be */
    COMPARE_FOREIGN,   /* there is no such input record */
    COMPARE_KINDS
};

/* "lost" and the like. */
extern const char *const compare_kinds[COMPARE_KINDS];

struct compare_finding {
    enum compare_kind kind;
    int32_t partition;
    int64_t offset;
    enum compare_where expected; /* the first that is missing; NOWHERE: nothing is */
    size_t due, found;           /* how many */
    struct compare_sight first;  /* of what was found, the first that is not as it must be */
    unsigned parts;              /* in which it differs; of ALTERED and MISROUTED */
};

/*
 * Tells each finding of the windows being looked at, in the order of their coordinates; one for each input
 * record. Nothing is told when they hold too much, and they come again, fewer at a time. NO_MEMORY.
 */
enum weir_err_code compare_tell(struct compare *compare,
                                void (*tell)(void *context, const struct compare_finding *finding),
                                void *context, struct weir_err *err);

#endif
