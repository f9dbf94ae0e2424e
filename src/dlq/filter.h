/*
 * The one language in which all of `weir dlq` says which letters are meant:
 *
 *   code = bad_enum and field = device_type and time >= 2026-01-31T12:00:00Z
 *   (code = rule_failed or age < 1h30m) and not key = "a b" and passes_now
 *
 * Comparisons (= != < <= > >=) of a name with a value, joined by and, or, not and parentheses; "not" binds
 * closest, then "and", then "or". docs/dead-letters.md lists the names.
 */
#ifndef WEIR_DLQ_FILTER_H
#define WEIR_DLQ_FILTER_H

#include <stdbool.h>

#include "dlq/ledger.h"
#include "dlq/letter.h"
#include "weir/err.h"

/* Longest text of a filter, most comparisons in it, and how deep parentheses may go. */
#define FILTER_TEXT_MAX  4096
#define FILTER_TERMS_MAX 64
#define FILTER_DEPTH_MAX 16

struct filter;

/* What is known of a letter when it is looked at. */
struct filter_facts {
    const struct letter *letter;
    const struct ledger_entry *entry;
    int64_t now_ms;
    bool passes_now; /* only looked at where filter_needs_verdict */
};

/*
 * Parses text. WEIR_ERR_USAGE: err->text says what is wrong at which character, and the nearest name;
 * NO_MEMORY.
 */
enum weir_err_code filter_parse(const char *text, struct filter **out, struct weir_err *err);
void filter_free(struct filter *filter);

/* True when the letter is meant. filter NULL: every letter is. Pure. */
bool filter_matches(const struct filter *filter, const struct filter_facts *facts);

/* True when the verdict decides, so that it must be known before filter_matches. */
bool filter_needs_verdict(const struct filter *filter);

/* True when the filter speaks of the letters' state: then it decides which states are meant. */
bool filter_names_state(const struct filter *filter);

/* "90m", "1h30m", "2d": a time span in ms; "2026-01-31", "2026-01-31T12:00:00Z", with a fraction or an offset
 * (+01:00): a time in ms since 1970. False for anything else. */
bool filter_read_span(const char *text, int64_t *ms);
bool filter_read_time(const char *text, int64_t *ms);

#endif
