#include "dlq/rehearsal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dlq/view.h"
#include "kafka/admin.h"
#include "kafka/offsets.h"
#include "sys/clock.h"

/* How long one look for a record may take, and a question about a topic. */
#define LOOK_MS 100
#define ASK_MS  15000

/* --- counting --- */

static bool is_reason(const struct rehearsal_reason *reason, const struct rehearsal_reason *other)
{
    return reason->of == other->of && reason->now == other->now && reason->then == other->then &&
           reason->code == other->code && strcmp(reason->field, other->field) == 0 &&
           strcmp(reason->rule, other->rule) == 0;
}

static void add_reason(struct rehearsal *rehearsal, const struct rehearsal_reason *reason)
{
    for (size_t i = 0; i < rehearsal->n_reasons; i++) {
        if (is_reason(&rehearsal->reasons[i], reason)) {
            rehearsal->reasons[i].count++;
            return;
        }
    }
    if (rehearsal->n_reasons == REHEARSAL_REASONS_MAX)
        rehearsal->others++;
    else
        rehearsal->reasons[rehearsal->n_reasons++] = *reason;
}

void rehearsal_add(struct rehearsal *rehearsal, enum rehearsal_of of, const struct letter_place *place,
                   const struct weir_outcome *now, const struct weir_outcome *then)
{
    struct rehearsal_sum *sum = &rehearsal->sums[of];
    const struct weir_reason *why = &then->why;
    sum->records++;
    sum->by[now->verdict][then->verdict]++;
    if (then->verdict == WEIR_PASS)
        return;
    struct rehearsal_reason reason = {.of = of,
                                      .now = now->verdict,
                                      .then = then->verdict,
                                      .code = then->verdict == WEIR_REJECT ? why->code : WEIR_CODE_NONE,
                                      .count = 1,
                                      .example = *place};
    (void)snprintf(reason.field, sizeof reason.field, "%s", why->field ? why->field : "");
    (void)snprintf(reason.rule, sizeof reason.rule, "%s", why->rule ? why->rule : "");
    if (then->verdict == WEIR_REJECT && why->text.len > 0)
        (void)snprintf(reason.text, sizeof reason.text, "%.*s", (int)why->text.len,
                       (const char *)why->text.data);
    add_reason(rehearsal, &reason);
}

uint64_t rehearsal_now(const struct rehearsal_sum *sum, enum weir_verdict verdict)
{
    uint64_t n = 0;
    for (int then = 0; then < REHEARSAL_VERDICTS; then++)
        n += sum->by[verdict][then];
    return n;
}

uint64_t rehearsal_then(const struct rehearsal_sum *sum, enum weir_verdict verdict)
{
    uint64_t n = 0;
    for (int now = 0; now < REHEARSAL_VERDICTS; now++)
        n += sum->by[now][verdict];
    return n;
}

uint64_t rehearsal_worse(const struct rehearsal_sum *sum)
{
    return sum->by[WEIR_PASS][WEIR_DROP] + sum->by[WEIR_PASS][WEIR_REJECT] + sum->by[WEIR_DROP][WEIR_REJECT];
}

/* --- the input --- */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t sum_of(const int64_t *first, const int64_t *until, int32_t n, int64_t each)
{
    int64_t sum = 0;
    for (int32_t p = 0; p < n; p++)
        sum += least(until[p] - first[p], each);
    return sum;
}

void rehearsal_share(const int64_t *first, const int64_t *until, int32_t n, int64_t records,
                     struct range_span *spans)
{
    /* The most of each partition that is not too much in all; what is left then is less than one of each. */
    int64_t each = 0, above = records + 1;
    while (above - each > 1) {
        int64_t middle = each + (above - each) / 2;
        if (sum_of(first, until, n, middle) <= records)
            each = middle;
        else
            above = middle;
    }
    int64_t left = records - sum_of(first, until, n, each);
    for (int32_t p = 0; p < n; p++) {
        int64_t there = until[p] - first[p], share = least(there, each);
        if (share < there && left > 0) {
            share++;
            left--;
        }
        spans[p] = (struct range_span){.partition = p, .from = until[p] - share, .until = until[p]};
    }
}

static enum weir_err_code find_newest(const struct rehearsal_options *options, int32_t n,
                                      struct range_span *spans, struct weir_err *err)
{
    const char *topic = options->spec->core.input_topic;
    int64_t *offsets = calloc((size_t)n * 2, sizeof *offsets);
    if (!offsets)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the partitions of topic %s", topic);
    int64_t *until = offsets + n;
    /* The end first: what is deleted between the two questions then lies before the beginning. */
    enum weir_err_code code =
        offsets_ask(options->client, topic, n, OFFSETS_COMMITTED, -1, ASK_MS, until, err);
    if (code == WEIR_OK)
        code = offsets_ask(options->client, topic, n, OFFSETS_FIRST, -1, ASK_MS, offsets, err);
    for (int32_t p = 0; p < n; p++)
        offsets[p] = least(offsets[p], until[p]);
    if (code == WEIR_OK)
        rehearsal_share(offsets, until, n, options->records, spans);
    free(offsets);
    return code;
}

static enum weir_err_code run_both(const struct rehearsal_options *options, enum rehearsal_of of,
                                   const struct letter_place *place, const struct weir_record *record,
                                   struct rehearsal *out, struct weir_err *err)
{
    struct weir_outcome now, then;
    int64_t now_ms = clock_wall_ms();
    enum weir_err_code code = verdict_of(options->now, record, now_ms, &now, err);
    if (code == WEIR_OK)
        code = verdict_of(options->then, record, now_ms, &then, err);
    if (code == WEIR_OK)
        rehearsal_add(out, of, place, &now, &then);
    return code;
}

static enum weir_err_code give_up(struct weir_err *err)
{
    return weir_fail(err, WEIR_ERR_TRANSIENT, "stopped before all records were run");
}

static enum weir_err_code run_range(const struct rehearsal_options *options, struct range *range,
                                    struct rehearsal *out, struct weir_err *err)
{
    struct letter_place place;
    (void)snprintf(place.topic, sizeof place.topic, "%s", options->spec->core.input_topic);
    for (;;) {
        const struct weir_record *record;
        if (*options->stopping)
            return give_up(err);
        enum weir_err_code code = range_next(range, LOOK_MS, &record, err);
        if (code == WEIR_OK && !record && range_done(range))
            return WEIR_OK;
        if (code == WEIR_OK && record) {
            place.partition = record->partition;
            place.offset = record->offset;
            code = run_both(options, REHEARSAL_INPUT, &place, record, out, err);
        }
        if (code != WEIR_OK)
            return code;
    }
}

static enum weir_err_code run_spans(const struct rehearsal_options *options, const struct range_span *spans,
                                    int32_t n, struct rehearsal *out, struct weir_err *err)
{
    struct range *range = NULL;
    const struct range_options what = {.spec = options->spec,
                                       .client = options->client,
                                       .topic = options->spec->core.input_topic,
                                       .end = RANGE_COMMITTED,
                                       .since_ms = -1,
                                       .spans = spans,
                                       .n_spans = (size_t)n};
    enum weir_err_code code = range_open(&what, &range, err);
    if (code == WEIR_OK)
        code = run_range(options, range, out, err);
    range_close(range);
    return code;
}

static enum weir_err_code run_input(const struct rehearsal_options *options, struct rehearsal *out,
                                    struct weir_err *err)
{
    const char *topic = options->spec->core.input_topic;
    struct sink_target target = {0};
    enum weir_err_code code = admin_look(options->client, topic, ASK_MS, &target, err);
    if (code != WEIR_OK)
        return code;
    if (target.state != WEIR_OK)
        return weir_fail(err, target.state, "topic %s %s", topic,
                         target.state == WEIR_ERR_TOPIC_MISSING ? "does not exist" : "may not be read");
    struct range_span *spans = calloc((size_t)target.partitions, sizeof *spans);
    if (!spans)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the partitions of topic %s", topic);
    code = find_newest(options, target.partitions, spans, err);
    if (code == WEIR_OK)
        code = run_spans(options, spans, target.partitions, out, err);
    free(spans);
    return code;
}

/* --- the letters --- */

static enum weir_err_code run_view(const struct rehearsal_options *options, struct view *view,
                                   struct rehearsal *out, struct weir_err *err)
{
    for (;;) {
        const struct view_item *item;
        if (*options->stopping)
            return give_up(err);
        enum weir_err_code code = view_next(view, &item, err);
        if (code == WEIR_OK && !item && view_done(view))
            return WEIR_OK;
        if (code == WEIR_OK && item && item->letter.reference)
            out->sums[REHEARSAL_LETTERS].unjudged++;
        else if (code == WEIR_OK && item)
            code = run_both(options, REHEARSAL_LETTERS, &item->letter.source, &item->original, out, err);
        if (code != WEIR_OK)
            return code;
    }
}

static enum weir_err_code run_letters(const struct rehearsal_options *options, struct rehearsal *out,
                                      struct weir_err *err)
{
    struct view *view = NULL;
    const struct view_options what = {
        .spec = options->spec, .client = options->client, .ledger = options->ledger};
    enum weir_err_code code = view_open(&what, &view, err);
    if (code == WEIR_OK)
        code = run_view(options, view, out, err);
    view_close(view);
    return code;
}

enum weir_err_code rehearsal_run(const struct rehearsal_options *options, struct rehearsal *out,
                                 struct weir_err *err)
{
    enum weir_err_code code = options->records > 0 ? run_input(options, out, err) : WEIR_OK;
    return code == WEIR_OK ? run_letters(options, out, err) : code;
}
