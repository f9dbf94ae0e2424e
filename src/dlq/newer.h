/*
 * Whether a newer record of a letter's key has come into the output since: then a replay would put an old
 * state behind a new one. Knows the keys of the letters that are meant, and for each the newest record in the
 * output.
 */
#ifndef WEIR_DLQ_NEWER_H
#define WEIR_DLQ_NEWER_H

#include <stdbool.h>
#include <stdint.h>

#include "dlq/view.h"

/* Most keys, and most bytes of them. */
#define NEWER_KEYS_MAX  ((size_t)1 << 24)
#define NEWER_BYTES_MAX ((size_t)1024 * 1024 * 1024)

/* One thread. */
struct newer;

/* NULL when memory is short. */
struct newer *newer_new(void);
/* NULL is fine. */
void newer_free(struct newer *newer);

/* Takes in a key that will be asked for; no value is passed over. USAGE when there are too many; NO_MEMORY.
 */
enum weir_err_code newer_want(struct newer *newer, struct weir_bytes key, struct weir_err *err);

/* A record of that key and time is in the output. */
void newer_see(struct newer *newer, struct weir_bytes key, int64_t time_ms);

/* True when one of that key was seen that is newer than time_ms. */
bool newer_has(const struct newer *newer, struct weir_bytes key, int64_t time_ms);

/*
 * The time at which a letter's record stands among those of the output: its own timestamp where outputs keep
 * the source's, else when it failed.
 */
int64_t newer_time_of(const struct weir_spec *spec, const struct letter *letter);

struct newer_options {
    struct view_options view; /* which letters */
    const _Atomic int *stopping;
    /* Called now and then; what: "letters" or "output". */
    void (*progress)(void *context, const char *what, int64_t done, int64_t total);
    void *context;
};

/* Reads the letters, and then the output from the oldest of them on, as both are now. Fails as view_open,
 * view_next, range_open, range_next and newer_want; TRANSIENT when it is to stop. */
enum weir_err_code newer_read(const struct newer_options *options, struct newer *newer, struct weir_err *err);

#endif
