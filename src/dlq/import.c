#include "dlq/import.h"

#include <stdlib.h>

#include "archive/unpacker.h"
#include "kafka/measure.h"
#include "kafka/range.h"

/* How long one look for a record may take. */
#define LOOK_MS 100

struct import {
    const struct import_options *options;
    struct import_counts *counts;
    /* Sets of letters: what was in the topic at the start, what is there after a transaction of which the
     * outcome was not known (NULL before there was one), and what was met in the file. */
    struct ledger *before, *now, *met;
    uint64_t letters; /* of the open transaction */
    size_t bytes;
};

static enum weir_err_code no_memory(struct weir_err *err)
{
    return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for letters");
}

/* --- sets of letters --- */

static bool has(const struct ledger *set, const struct letter_place *place)
{
    return ledger_find(set, place).change > 0;
}

static enum weir_err_code add(struct ledger *set, const struct letter_place *place, struct weir_err *err)
{
    const struct ledger_entry entry = {.change = 1};
    return ledger_put(set, place, &entry, err);
}

static enum weir_err_code fill(struct ledger *set, struct range *range, const struct weir_spec *spec,
                               struct weir_err *err)
{
    for (;;) {
        struct letter letter;
        const struct weir_record *record;
        enum weir_err_code code = range_next(range, LOOK_MS, &record, err);
        if (code != WEIR_OK || (!record && range_done(range)))
            return code;
        if (record && letter_read(record, &letter) && letter_is_of(&letter, spec->core.pipeline))
            code = add(set, &letter.source, err);
        if (code != WEIR_OK)
            return code;
    }
}

/* What lies behind an open transaction counts too: it may be what a run before this one has imported. */
static enum weir_err_code look(const struct import_options *options, struct ledger **out,
                               struct weir_err *err)
{
    struct range *range = NULL;
    struct ledger *set = ledger_new();
    const struct range_options what = {.spec = options->spec,
                                       .client = options->client,
                                       .topic = options->spec->dead_letter.topic,
                                       .end = options->session ? RANGE_WRITTEN : RANGE_COMMITTED,
                                       .since_ms = -1};
    ledger_free(*out);
    *out = set;
    if (!set)
        return no_memory(err);
    enum weir_err_code code = range_open(&what, &range, err);
    if (code == WEIR_OK)
        code = fill(set, range, options->spec, err);
    range_close(range);
    return code;
}

/* --- one letter --- */

static enum weir_err_code put(struct import *import, const struct weir_record *record,
                              const struct letter *letter, struct weir_err *err)
{
    const struct import_options *options = import->options;
    const struct post *post = session_post(options->session);
    struct post_record out = {.topic = SESSION_TARGETS,
                              .timestamp_ms = record->timestamp_ms,
                              .key = record->key,
                              .value = record->value,
                              .headers = record->headers,
                              .n_headers = record->n_headers};
    char place[LETTER_PLACE_MAX];
    size_t size = measure_record(out.key, out.value, out.headers, out.n_headers);
    if (size > post_max_bytes(post, out.topic))
        return weir_fail(err, WEIR_ERR_LETTER_TOO_LARGE,
                         "letter %s has %zu bytes: raise max.message.bytes of topic %s (now %zu)",
                         letter_place_print(&letter->source, place), size, options->spec->dead_letter.topic,
                         post_max_bytes(post, out.topic));
    out.partition = letter->source.partition % post_partitions(post, out.topic);
    import->letters++;
    import->bytes += size;
    return session_send(options->session, &out, err);
}

static enum weir_err_code take(struct import *import, const struct weir_record *record, struct weir_err *err)
{
    struct letter letter;
    const struct import_options *options = import->options;
    struct import_counts *counts = import->counts;
    if (!letter_read(record, &letter) || !letter_is_of(&letter, options->spec->core.pipeline)) {
        counts->foreign++;
        return WEIR_OK;
    }
    counts->letters++;
    const struct ledger *ledger = options->session ? session_ledger(options->session) : options->ledger;
    enum ledger_state state = ledger_find(ledger, &letter.source).state;
    bool closed = state == LEDGER_REPLAYED || state == LEDGER_DISCARDED;
    bool present = has(import->before, &letter.source) || has(import->met, &letter.source);
    if (present || closed) {
        counts->present += present;
        counts->closed += !present;
        return WEIR_OK;
    }
    counts->imported++;
    if (record->timestamp_ms < counts->oldest_ms)
        counts->oldest_ms = record->timestamp_ms;
    enum weir_err_code code = add(import->met, &letter.source, err);
    bool sent = import->now && has(import->now, &letter.source);
    return code == WEIR_OK && options->session && !sent ? put(import, record, &letter, err) : code;
}

/* --- the file --- */

static enum weir_err_code commit(struct import *import, bool last, struct weir_err *err)
{
    bool due = import->letters >= IMPORT_BATCH_LETTERS || import->bytes >= IMPORT_BATCH_BYTES;
    if (import->letters == 0 || !(last || due))
        return WEIR_OK;
    import->letters = import->bytes = 0;
    return session_commit(import->options->session, err);
}

static enum weir_err_code read_file(struct import *import, struct unpacker *unpacker, struct weir_err *err)
{
    for (;;) {
        const struct weir_record *record;
        enum weir_err_code code = unpacker_next(unpacker, &record, err);
        bool stop = *import->options->stopping != 0;
        if (code == WEIR_OK && record && !stop)
            code = take(import, record, err);
        if (code == WEIR_OK)
            code = commit(import, !record || stop, err);
        if (code != WEIR_OK || !record || stop)
            return code;
    }
}

static enum weir_err_code pass(struct import *import, struct weir_err *err)
{
    struct unpacker *unpacker = NULL;
    *import->counts = (struct import_counts){.oldest_ms = INT64_MAX};
    import->letters = import->bytes = 0;
    ledger_free(import->met);
    import->met = ledger_new();
    if (!import->met)
        return no_memory(err);
    enum weir_err_code code = unpacker_open(import->options->path, &unpacker, err);
    if (code == WEIR_OK)
        code = look(import->options, import->before ? &import->now : &import->before, err);
    if (code == WEIR_OK)
        code = read_file(import, unpacker, err);
    unpacker_close(unpacker);
    return code;
}

enum weir_err_code import_run(const struct import_options *options, struct import_counts *counts,
                              struct weir_err *err)
{
    struct import import = {.options = options, .counts = counts};
    struct session *session = options->session;
    struct weir_err ignored;
    enum weir_err_code code = pass(&import, err);
    for (int i = 0; session && i < SESSION_REOPENS_MAX && session_mends(code); i++) {
        code = session_reopen(session, err);
        if (code == WEIR_OK)
            code = pass(&import, err);
    }
    if (session && code != WEIR_OK)
        (void)session_abandon(session, &ignored);
    ledger_free(import.before);
    ledger_free(import.now);
    ledger_free(import.met);
    return code;
}
