/*
 * What became of each letter, by the record that failed: kept in a compacted topic, one record a letter,
 * whose key is "topic:partition:offset" and whose value is JSON (docs/dead-letters.md, "The ledger"). A
 * letter that is not in it is open and was never tried. Here it lies in memory.
 */
#ifndef WEIR_DLQ_LEDGER_H
#define WEIR_DLQ_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dlq/letter.h"
#include "weir/err.h"

/* Most letters, and most topics that they come from. */
#define LEDGER_MAX        ((size_t)1 << 26)
#define LEDGER_TOPICS_MAX 64
/* Longest value of a record; what is longer is not ours. */
#define LEDGER_VALUE_MAX 2048
/* Longest name of a run, its NUL included. */
#define LEDGER_RUN_MAX 48
/* The version of the value's format that is written, and the newest that is read. */
#define LEDGER_VERSION 1

enum ledger_state { LEDGER_OPEN, LEDGER_REPLAYED, LEDGER_PARKED, LEDGER_DISCARDED, LEDGER_STATES };

/* "open" and the like, in the order of the enum. */
extern const char *const ledger_states[LEDGER_STATES];

struct ledger_entry {
    enum ledger_state state;
    uint32_t attempts; /* replays that failed */
    uint32_t change;   /* counts the changes of this letter: of two records the one with more is newer */
    int64_t at_ms;     /* of the last change */
};

struct ledger;

/* An empty one; NULL when memory is short. */
struct ledger *ledger_new(void);
void ledger_free(struct ledger *ledger);
/* Forgets everything; it is as a new one, and stays where it is. */
void ledger_clear(struct ledger *ledger);

/* The letter's entry; an open one, never tried, when there is none. */
struct ledger_entry ledger_find(const struct ledger *ledger, const struct letter_place *place);

/* Takes an entry in place of the one there, unless that is newer. NO_MEMORY; KAFKA when there are too many.
 */
enum weir_err_code ledger_put(struct ledger *ledger, const struct letter_place *place,
                              const struct ledger_entry *entry, struct weir_err *err);

/* How many letters are in it, and how many in each state. */
size_t ledger_count(const struct ledger *ledger);
void ledger_tally(const struct ledger *ledger, uint64_t by_state[LEDGER_STATES]);

/* What a record of the ledger says beside its entry. NULL texts are left out. */
struct ledger_note {
    const char *run;    /* of whom */
    const char *by;     /* user@host */
    const char *reason; /* given on the command line */
    const char *target; /* the topic that it was replayed into or parked in */
    const char *code;   /* why it failed again, "" when it did not */
};

/* Writes the value of a record into text (LEDGER_VALUE_MAX bytes); returns its length. */
size_t ledger_print(const struct ledger_entry *entry, const struct ledger_note *note, char *text);

/*
 * Reads a record of the topic into the ledger; a null value takes the letter out. Records whose key is no
 * letter's place are passed over. WEIR_ERR_CONFIG when a value is of a newer version or no value of a
 * ledger: err->text says where; NO_MEMORY, KAFKA.
 */
enum weir_err_code ledger_take(struct ledger *ledger, const struct weir_record *record, struct weir_err *err);

#endif
