#include "dlq/replay.h"

#include <stdlib.h>
#include <string.h>

#include "core/envelope.h"
#include "core/route.h"
#include "kafka/measure.h"
#include "sys/clock.h"

/* The session's topics. */
enum { TO_TARGET = SESSION_TARGETS, TO_PARKING };
/* Room for the values of a letter's headers. */
#define LETTER_SCRATCH 1024
/* Longest sleep between two looks at what is to be done. */
#define NAP_MS 200

struct replay {
    const struct replay_options *options;
    struct session *session;
    struct session_counts *counts; /* committed */
    struct session_counts open;    /* of the open transaction */
    size_t letters, bytes;         /* of the open transaction */
    int64_t opened_ms;
    int64_t began_ms;                       /* the run */
    uint8_t text[WEIR_REASON_TEXT_MAX + 1]; /* of a reason found here */
};

static uint64_t done_of(const struct session_counts *counts)
{
    return counts->replayed + counts->failed + counts->parked + counts->discarded;
}

static void add_counts(struct session_counts *to, const struct session_counts *from)
{
    to->replayed += from->replayed;
    to->failed += from->failed;
    to->parked += from->parked;
    to->discarded += from->discarded;
    to->skipped += from->skipped;
}

bool replay_may_act(enum replay_verb verb, enum ledger_state state)
{
    return state == LEDGER_OPEN || (state == LEDGER_PARKED && verb != REPLAY_PARK);
}

/* --- one letter --- */

/* A copy in the parking topic, so that it outlives the dead-letter topic's prefix. */
static enum weir_err_code send_parked(struct replay *replay, const struct view_item *item,
                                      const struct weir_header *headers, size_t n_headers,
                                      struct weir_err *err)
{
    const struct weir_record *record = item->letter.record;
    struct post_record out = {.topic = TO_PARKING,
                              .timestamp_ms = record->timestamp_ms,
                              .key = record->key,
                              .value = record->value,
                              .headers = headers,
                              .n_headers = n_headers};
    out.partition =
        item->letter.source.partition % post_partitions(session_post(replay->session), TO_PARKING);
    return session_send(replay->session, &out, err);
}

static enum weir_err_code park(struct replay *replay, const struct view_item *item, struct weir_err *err)
{
    struct ledger_entry entry = item->entry;
    entry.state = LEDGER_PARKED;
    enum weir_err_code code =
        send_parked(replay, item, item->letter.record->headers, item->letter.record->n_headers, err);
    if (code == WEIR_OK)
        code = session_mark(replay->session, &item->letter.source, entry,
                            replay->options->view.spec->dead_letter.parking, NULL, err);
    replay->open.parked += code == WEIR_OK;
    return code;
}

static enum weir_err_code discard(struct replay *replay, const struct view_item *item, const char *target,
                                  struct weir_err *err)
{
    struct ledger_entry entry = item->entry;
    entry.state = LEDGER_DISCARDED;
    enum weir_err_code code = session_mark(replay->session, &item->letter.source, entry, target, NULL, err);
    replay->open.discarded += code == WEIR_OK;
    return code;
}

/* Parks a letter under the reason why it failed now. */
static enum weir_err_code park_failed(struct replay *replay, const struct view_item *item,
                                      struct ledger_entry entry, struct weir_err *err)
{
    const struct weir_spec *spec = replay->options->view.spec;
    const struct weir_record *record = item->letter.record;
    struct weir_wire wire = weir_wire_read(spec->core.input_format, &item->original);
    const struct envelope_context context = {
        .pipeline = spec->core.pipeline,
        .version = replay->options->version,
        .topic = item->letter.source.topic,
        .reader_version = verdict_reader_version(replay->options->view.verdict),
        .has_schema = wire.kind == WEIR_WIRE_AVRO,
        .schema = wire.key,
        .dialect = spec->dead_letter.dialect,
    };
    /* The envelope is that of the record that failed, with all the headers that its letter has. */
    struct weir_record failed = item->original;
    failed.headers = record->headers;
    failed.n_headers = record->n_headers;
    size_t size = (record->n_headers + ENVELOPE_HEADERS_MAX) * sizeof(struct weir_header) + LETTER_SCRATCH;
    void *memory = malloc(size);
    if (!memory)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a letter");
    struct weir_arena arena;
    struct weir_header *headers = NULL;
    size_t n = 0;
    weir_arena_init(&arena, memory, size);
    bool fits = envelope_wrap(&failed, &item->outcome, &context, clock_wall_ms(), &arena, &headers, &n);
    enum weir_err_code code = fits ? send_parked(replay, item, headers, n, err)
                                   : weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a letter");
    free(memory);
    entry.state = LEDGER_PARKED;
    if (code == WEIR_OK)
        code = session_mark(replay->session, &item->letter.source, entry, spec->dead_letter.parking,
                            weir_code_name(item->outcome.why.code), err);
    replay->open.parked += code == WEIR_OK;
    return code;
}

static enum weir_err_code fail_again(struct replay *replay, const struct view_item *item,
                                     struct weir_err *err)
{
    struct ledger_entry entry = item->entry;
    const struct replay_options *options = replay->options;
    entry.attempts++;
    if (options->max_attempts > 0 && entry.attempts >= options->max_attempts)
        return park_failed(replay, item, entry, err);
    entry.state = LEDGER_OPEN;
    enum weir_err_code code = session_mark(replay->session, &item->letter.source, entry, NULL,
                                           weir_code_name(item->outcome.why.code), err);
    replay->open.failed += code == WEIR_OK;
    return code;
}

/* What goes to the target: the outcome of the pipeline, or the record as it was. */
static struct post_record make_record(const struct replay *replay, const struct view_item *item)
{
    const struct replay_options *options = replay->options;
    const struct weir_spec *spec = options->view.spec;
    const struct weir_record *original = &item->original;
    int32_t partitions = post_partitions(session_post(replay->session), TO_TARGET);
    struct post_record out = {.topic = TO_TARGET,
                              .timestamp_ms = original->timestamp_ms,
                              .key = original->key,
                              .value = original->value,
                              .headers = original->headers,
                              .n_headers = original->n_headers};
    if (options->target != REPLAY_PIPELINE) {
        out.partition = route_partition(WEIR_PARTITION_SOURCE, original->partition,
                                        options->source_partitions, partitions, original->key, WEIR_NO_BYTES);
        return out;
    }
    out.value = item->outcome.value;
    if (spec->output.timestamp == WEIR_TIMESTAMP_NOW)
        out.timestamp_ms = -1;
    out.partition = route_partition(spec->output.partition, original->partition, options->source_partitions,
                                    partitions, original->key, item->outcome.route_key);
    return out;
}

/* Makes the outcome a REJECT where what would be written is larger than its topic takes. */
static void judge_size(struct replay *replay, struct view_item *item, const struct post_record *out)
{
    size_t size = measure_record(out->key, out->value, out->headers, out->n_headers);
    size_t most = post_max_bytes(session_post(replay->session), TO_TARGET);
    if (size <= most)
        return;
    struct weir_arena arena;
    weir_arena_init(&arena, replay->text, sizeof replay->text);
    weir_pipeline_reject(&item->outcome, WEIR_CODE_TOO_LARGE, &arena,
                         "the record would have %zu bytes; max.message.bytes of %s is %zu", size,
                         replay->options->target_topic, most);
}

static bool is_outdated(const struct replay_options *options, const struct view_item *item)
{
    return options->newer &&
           newer_has(options->newer, item->original.key, newer_time_of(options->view.spec, &item->letter));
}

static enum weir_err_code replay_one(struct replay *replay, struct view_item *item, struct weir_err *err)
{
    const struct replay_options *options = replay->options;
    if (item->letter.reference || is_outdated(options, item)) {
        replay->open.skipped++;
        return WEIR_OK;
    }
    bool guarded = options->target != REPLAY_TOPIC;
    if (guarded && item->outcome.verdict == WEIR_DROP)
        return discard(replay, item, "dropped by a filter", err);
    struct post_record out = make_record(replay, item);
    if (!guarded || item->outcome.verdict == WEIR_PASS)
        judge_size(replay, item, &out);
    if (item->outcome.verdict == WEIR_REJECT && (guarded || item->outcome.why.code == WEIR_CODE_TOO_LARGE))
        return fail_again(replay, item, err);
    struct ledger_entry entry = item->entry;
    entry.state = LEDGER_REPLAYED;
    enum weir_err_code code = session_send(replay->session, &out, err);
    if (code == WEIR_OK)
        code = session_mark(replay->session, &item->letter.source, entry, options->target_topic, NULL, err);
    replay->open.replayed += code == WEIR_OK;
    replay->bytes += out.value.len;
    return code;
}

static enum weir_err_code do_one(struct replay *replay, struct view_item *item, struct weir_err *err)
{
    if (replay->letters == 0)
        replay->opened_ms = clock_monotonic_ms();
    replay->letters++;
    replay->bytes += item->letter.record->key.len + item->letter.record->value.len;
    switch (replay->options->verb) {
    case REPLAY_PARK: return park(replay, item, err);
    case REPLAY_DISCARD: return discard(replay, item, NULL, err);
    default: return replay_one(replay, item, err);
    }
}

/* --- transactions --- */

static void forget_open(struct replay *replay)
{
    replay->open = (struct session_counts){0};
    replay->letters = replay->bytes = 0;
}

static enum weir_err_code commit(struct replay *replay, struct weir_err *err)
{
    enum weir_err_code code = WEIR_OK;
    if (done_of(&replay->open) > 0)
        code = session_commit(replay->session, err);
    if (code == WEIR_OK)
        add_counts(replay->counts, &replay->open);
    if (code == WEIR_OK)
        forget_open(replay);
    return code;
}

static bool is_due(const struct replay *replay)
{
    const struct replay_options *options = replay->options;
    size_t most = REPLAY_BATCH_LETTERS;
    if (options->rate > 0 && options->rate < (double)most)
        most = options->rate > 1 ? (size_t)options->rate : 1;
    return replay->letters >= most || replay->bytes >= REPLAY_BATCH_BYTES ||
           (replay->letters > 0 && clock_monotonic_ms() - replay->opened_ms >= REPLAY_BATCH_MS);
}

static bool stopping(const struct replay *replay)
{
    return *replay->options->stopping != 0;
}

/* Nothing is open: waits until the next letter is due under the rate, and keeps the lease meanwhile. */
static enum weir_err_code keep_rate(struct replay *replay, struct weir_err *err)
{
    double rate = replay->options->rate;
    enum weir_err_code code = WEIR_OK;
    while (rate > 0 && code == WEIR_OK && !stopping(replay)) {
        int64_t due_ms = replay->began_ms + (int64_t)((double)done_of(replay->counts) * 1000.0 / rate);
        int64_t left_ms = due_ms - clock_monotonic_ms();
        if (left_ms <= 0)
            break;
        clock_sleep_ms(left_ms < NAP_MS ? left_ms : NAP_MS);
        code = session_renew(replay->session, err);
    }
    return code;
}

static bool failed_too_often(const struct replay *replay)
{
    const struct session_counts *counts = replay->counts;
    uint64_t tried = counts->replayed + counts->failed + counts->parked + counts->discarded;
    return replay->options->verb == REPLAY_REPLAY && tried >= REPLAY_RATIO_LEAST &&
           (double)(counts->failed + counts->parked) > replay->options->max_failure_ratio * (double)tried;
}

static bool limit_reached(const struct replay *replay)
{
    uint64_t limit = replay->options->limit;
    return limit > 0 && done_of(replay->counts) + done_of(&replay->open) >= limit;
}

/* Commits where that is due, or the end is near; *over when the run is. */
static enum weir_err_code settle(struct replay *replay, bool last, bool *over, enum replay_end *end,
                                 struct weir_err *err)
{
    bool full = limit_reached(replay), stop = stopping(replay);
    enum weir_err_code code = WEIR_OK;
    if (last || full || stop || is_due(replay))
        code = commit(replay, err);
    if (code != WEIR_OK)
        return code;
    *over = true;
    if (replay->letters == 0 && failed_too_often(replay))
        *end = REPLAY_TOO_MANY_FAILED;
    else if (full)
        *end = REPLAY_LIMIT;
    else if (stop)
        *end = REPLAY_STOPPED;
    else if (last)
        *end = REPLAY_DONE;
    else
        *over = false;
    return *over || replay->letters > 0 ? WEIR_OK : keep_rate(replay, err);
}

static void show_progress(const struct replay *replay, const struct view *view)
{
    int64_t done, total;
    if (!replay->options->progress)
        return;
    view_progress(view, &done, &total);
    replay->options->progress(replay->options->context, replay->counts, done, total);
}

static bool is_to_do(const struct replay *replay, const struct view_item *item)
{
    return replay_may_act(replay->options->verb, item->entry.state) &&
           !session_touched(replay->session, &item->letter.source);
}

/* Once through the dead-letter topic. */
static enum weir_err_code pass(struct replay *replay, struct view *view, enum replay_end *end,
                               struct weir_err *err)
{
    struct verdict *verdict = replay->options->view.verdict;
    for (bool over = false; !over;) {
        const struct view_item *met;
        enum weir_err_code code = WEIR_OK;
        /* Each batch is judged by the schemas of its time. */
        if (verdict && replay->letters == 0)
            code = verdict_refresh(verdict, clock_monotonic_ms(), err);
        if (code == WEIR_OK)
            code = view_next(view, &met, err);
        if (code == WEIR_OK && met && is_to_do(replay, met)) {
            struct view_item item = *met;
            code = do_one(replay, &item, err);
        }
        if (code == WEIR_OK)
            code = settle(replay, !met && view_done(view), &over, end, err);
        if (code == WEIR_OK && replay->letters == 0)
            code = session_renew(replay->session, err);
        if (code != WEIR_OK)
            return code;
        show_progress(replay, view);
    }
    return WEIR_OK;
}

static enum weir_err_code pass_anew(struct replay *replay, enum replay_end *end, struct weir_err *err)
{
    struct view *view = NULL;
    struct view_options options = replay->options->view;
    options.ledger = session_ledger(replay->session);
    options.judge = replay->options->verb == REPLAY_REPLAY;
    forget_open(replay);
    enum weir_err_code code = view_open(&options, &view, err);
    if (code == WEIR_OK)
        code = pass(replay, view, end, err);
    view_close(view);
    return code;
}

/* What this run has changed stands in the ledger, so the ledger knows it better than a memory from before a
 * transaction of which the outcome was unknown. */
static void recount(struct replay *replay)
{
    uint64_t tally[LEDGER_STATES];
    session_tally(replay->session, tally);
    replay->counts->replayed = tally[LEDGER_REPLAYED];
    replay->counts->failed = tally[LEDGER_OPEN];
    replay->counts->parked = tally[LEDGER_PARKED];
    replay->counts->discarded = tally[LEDGER_DISCARDED];
}

enum weir_err_code replay_run(const struct replay_options *options, struct session_counts *counts,
                              enum replay_end *end, struct weir_err *err)
{
    struct replay replay = {
        .options = options, .session = options->session, .counts = counts, .began_ms = clock_monotonic_ms()};
    *counts = (struct session_counts){0};
    *end = REPLAY_STOPPED;
    enum weir_err_code code = pass_anew(&replay, end, err);
    for (int i = 0; i < SESSION_REOPENS_MAX && session_mends(code) && !stopping(&replay); i++) {
        code = session_reopen(options->session, err);
        if (code == WEIR_OK)
            recount(&replay);
        if (code == WEIR_OK)
            code = pass_anew(&replay, end, err);
    }
    struct weir_err ignored;
    if (code != WEIR_OK)
        (void)session_abandon(options->session, &ignored);
    return code;
}
