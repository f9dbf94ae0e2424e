#include "audit/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/expiry.h"
#include "audit/final.h"
#include "audit/sight.h"
#include "core/journal.h"
#include "kafka/admin.h"
#include "kafka/offsets.h"
#include "kafka/range.h"
#include "sys/clock.h"

/* How long a question may take, and one wait for a record. */
#define ASK_MS  15000
#define LOOK_MS 100
/* How long transactions that are open are awaited, and between two looks: a producer that has died keeps one
 * open for transaction.timeout.ms, a minute, and the coordinator looks for such every ten seconds. */
#define OPEN_MS      90000
#define OPEN_LOOK_MS 200
/* Records between two words about progress; a power of two. */
#define PROGRESS_EVERY 8192

/* How far the batches of an input partition are checked. */
struct walk {
    size_t batch; /* of the chain */
    uint64_t hash, counts, records;
    int64_t first;
};

struct audit {
    const struct audit_options *options;
    struct audit_totals *totals;
    int32_t n_input;
    int64_t *committed, *oldest; /* by input partition */
    struct annals *annals;
    struct recompute *recompute;
    struct compare *compare;
    struct final *final;
    struct ledger *references; /* the letters that are only references, by their records */
    struct expiry outputs_gone, letters_gone;
    struct sight_world world;
    struct walk *walks;
    bool looking;        /* the second look: findings only */
    uint64_t unplaced;   /* outputs without coordinates that must be, less those that are */
    uint64_t found, due; /* outputs in all, where only counts are compared */
};

static enum weir_err_code no_memory(struct weir_err *err)
{
    return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for an audit");
}

static void tell(struct audit *audit, const struct audit_finding *finding)
{
    audit->totals->findings++;
    audit->options->finding(audit->options->context, finding);
}

/* Why something is not provable: the first reason is kept. */
static void note(struct audit *audit, const char *why, const char *more)
{
    char *text = audit->totals->why_unprovable;
    if (!text[0])
        (void)snprintf(text, AUDIT_TEXT_MAX, "%s%s", why, more);
}

/* --- reading --- */

typedef enum weir_err_code (*visitor)(struct audit *audit, const struct weir_record *record,
                                      struct weir_err *err);

static enum weir_err_code read_range(struct audit *audit, struct range *range, const char *what,
                                     visitor visit, struct weir_err *err)
{
    const struct audit_options *options = audit->options;
    for (;;) {
        const struct weir_record *record;
        int64_t done, total;
        enum weir_err_code code = range_next(range, LOOK_MS, &record, err);
        if (code == WEIR_OK && record)
            code = visit(audit, record, err);
        if (code != WEIR_OK)
            return code;
        audit->totals->read += record != NULL;
        if (*options->stopping)
            return weir_fail(err, WEIR_ERR_TRANSIENT, "stopped; nothing is proven");
        if (!record && range_done(range))
            return WEIR_OK;
        if (!record || audit->totals->read % PROGRESS_EVERY == 0) {
            range_progress(range, &done, &total);
            options->progress(options->context, what, done, total);
        }
    }
}

static bool all_stable(const int64_t *written, const int64_t *stable, int32_t n)
{
    for (int32_t p = 0; p < n; p++)
        if (stable[p] < written[p])
            return false;
    return true;
}

/* Waits until each transaction that is open now has ended: what it wrote may be committed already. */
static enum weir_err_code await_offsets(struct audit *audit, const char *topic, int64_t *written,
                                        int64_t *stable, int32_t n, struct weir_err *err)
{
    const struct audit_options *options = audit->options;
    int64_t began_ms = clock_monotonic_ms(), waited_ms = 0;
    enum weir_err_code code =
        offsets_ask(options->client, topic, n, OFFSETS_WRITTEN, 0, ASK_MS, written, err);
    while (code == WEIR_OK) {
        code = offsets_ask(options->client, topic, n, OFFSETS_COMMITTED, 0, ASK_MS, stable, err);
        if (code != WEIR_OK || all_stable(written, stable, n))
            return code;
        waited_ms = clock_monotonic_ms() - began_ms;
        if (waited_ms > OPEN_MS)
            return weir_fail(err, WEIR_ERR_TRANSIENT,
                             "a transaction in topic %s has been open for %d s: what it hides cannot be seen",
                             topic, OPEN_MS / 1000);
        if (*options->stopping)
            return weir_fail(err, WEIR_ERR_TRANSIENT, "stopped; nothing is proven");
        options->progress(options->context, "waiting for open transactions", waited_ms, OPEN_MS);
        clock_sleep_ms(OPEN_LOOK_MS);
    }
    return code;
}

static enum weir_err_code await_topic(struct audit *audit, const char *topic, struct weir_err *err)
{
    struct sink_target target = {0};
    enum weir_err_code code = admin_look(audit->options->client, topic, ASK_MS, &target, err);
    if (code != WEIR_OK || target.state != WEIR_OK)
        return code;
    int64_t *offsets = calloc((size_t)target.partitions * 2, sizeof *offsets);
    if (!offsets)
        return no_memory(err);
    code = await_offsets(audit, topic, offsets, offsets + target.partitions, target.partitions, err);
    free(offsets);
    return code;
}

/* All that is committed in a topic of weir's by now. */
static enum weir_err_code read_topic(struct audit *audit, const char *topic, const char *what, visitor visit,
                                     struct expiry *gone, struct weir_err *err)
{
    const struct range_options options = {.spec = audit->options->spec,
                                          .client = audit->options->client,
                                          .topic = topic,
                                          .end = RANGE_COMMITTED,
                                          .since_ms = -1};
    struct range *range = NULL;
    enum weir_err_code code = await_topic(audit, topic, err);
    if (code == WEIR_OK)
        code = range_open(&options, &range, err);
    if (code != WEIR_OK)
        return code;
    if (gone && !gone->first && !expiry_init(gone, audit->n_input, range_partitions(range)))
        code = no_memory(err);
    for (int32_t p = 0; code == WEIR_OK && gone && p < gone->n; p++)
        if (range_span_of(range, p).from > 0)
            expiry_cut(gone, p);
    if (code == WEIR_OK)
        code = read_range(audit, range, what, visit, err);
    range_close(range);
    return code;
}

static enum weir_err_code take_journal(struct audit *audit, const struct weir_record *record,
                                       struct weir_err *err)
{
    return annals_take(audit->annals, record, err);
}

static enum weir_err_code take_ledger(struct audit *audit, const struct weir_record *record,
                                      struct weir_err *err)
{
    return final_take(audit->final, record, err);
}

/* --- what is found --- */

static void find(struct audit *audit, const struct weir_record *record, struct compare_sight *sight)
{
    sight->at_partition = record->partition;
    sight->at = record->offset;
    if (audit->options->any_partition)
        sight->to = 0;
    compare_find(audit->compare, sight);
}

static void expect(struct audit *audit, struct compare_sight *sight)
{
    if (audit->options->any_partition)
        sight->to = 0;
    compare_expect(audit->compare, sight);
}

/* The batch of a source that is judged; NULL where it is not. */
static const struct annals_batch *batch_of(const struct audit *audit, int32_t partition, int64_t offset)
{
    if (!compare_covers(audit->compare, partition, offset))
        return NULL;
    const struct annals_batch *batch = annals_find(audit->annals, partition, offset);
    return batch && batch->provable ? batch : NULL;
}

static void tell_unreadable(struct audit *audit, const struct weir_record *record)
{
    struct audit_finding finding = {.kind = "unreadable",
                                    .partition = -1,
                                    .offset = -1,
                                    .topic = audit->options->spec->output.topic,
                                    .at_partition = record->partition,
                                    .at_offset = record->offset};
    (void)snprintf(finding.text, sizeof finding.text,
                   "it has the schema id of an output and is no value of that schema");
    tell(audit, &finding);
}

static enum weir_err_code find_unplaced(struct audit *audit, const struct weir_record *record, bool known)
{
    if (audit->looking)
        return WEIR_OK;
    if (!record->value.data)
        audit->unplaced--;
    else if (known)
        tell_unreadable(audit, record);
    else
        audit->totals->outside++;
    return WEIR_OK;
}

static enum weir_err_code find_output(struct audit *audit, const struct weir_record *record,
                                      struct weir_err *err)
{
    struct form_reading reading;
    struct compare_sight sight;
    bool known;
    audit->found++;
    if (audit->totals->counts_only)
        return WEIR_OK;
    enum weir_err_code code = recompute_find(audit->recompute, record->value, &reading, &known, err);
    if (code != WEIR_OK)
        return code;
    if (!reading.placed)
        return find_unplaced(audit, record, known);
    const struct annals_batch *batch = batch_of(audit, reading.partition, reading.offset);
    bool replayed = final_in_output(audit->final, reading.partition, reading.offset);
    if (!replayed && !audit->looking)
        expiry_meet(&audit->outputs_gone, reading.partition, reading.offset, record->partition);
    bool gone = replayed
                    ? audit->outputs_gone.any
                    : expiry_took(&audit->outputs_gone, reading.partition, reading.offset, record->partition);
    if (!batch || gone) {
        audit->totals->outside += !audit->looking;
        return WEIR_OK;
    }
    audit->totals->outputs += !audit->looking;
    if (replayed)
        sight_replay(&audit->world, reading.partition, reading.offset, record->key, &sight);
    else
        sight_output(&audit->world, recompute_spec(audit->recompute, batch->plan), record, &reading, &sight);
    find(audit, record, &sight);
    return WEIR_OK;
}

static enum weir_err_code find_letter(struct audit *audit, const struct weir_record *record,
                                      struct weir_err *err)
{
    struct letter letter;
    struct compare_sight sight;
    const struct weir_spec *spec = audit->options->spec;
    bool ours = letter_read(record, &letter) && letter_is_of(&letter, spec->core.pipeline) &&
                strcmp(letter.source.topic, spec->core.input_topic) == 0;
    if (!ours)
        return WEIR_OK;
    int32_t partition = letter.source.partition;
    int64_t offset = letter.source.offset;
    const struct annals_batch *batch = batch_of(audit, partition, offset);
    if (!audit->looking)
        expiry_meet(&audit->letters_gone, partition, offset, record->partition);
    if (!batch || expiry_took(&audit->letters_gone, partition, offset, record->partition)) {
        audit->totals->outside += !audit->looking;
        return WEIR_OK;
    }
    const struct ledger_entry mark = {.change = 1};
    if (letter.reference && !audit->looking &&
        ledger_put(audit->references, &letter.source, &mark, err) != WEIR_OK)
        return err->code;
    audit->totals->letters += !audit->looking;
    sight_letter(&audit->world, recompute_spec(audit->recompute, batch->plan)->dead_letter.dialect, &letter,
                 &sight);
    find(audit, record, &sight);
    return WEIR_OK;
}

/* --- what must be --- */

static void tell_batch(struct audit *audit, int32_t partition, const struct annals_batch *batch,
                       const char *what)
{
    struct audit_finding finding = {.kind = "batch", .partition = partition, .offset = batch->from};
    (void)snprintf(finding.text, sizeof finding.text,
                   "offsets %" PRId64 " to %" PRId64 ": the journal has %s than the input comes to under "
                   "plan %s",
                   batch->from, batch->next - 1, what, annals_plan(audit->annals, batch->plan)->print.hex);
    tell(audit, &finding);
}

/* The batch is over: what was computed must be what the journal says. */
static void end_batch(struct audit *audit, int32_t partition)
{
    struct walk *walk = &audit->walks[partition];
    struct annals_chain chain = annals_chain(audit->annals, partition);
    const struct annals_batch *batch = &chain.batches[walk->batch];
    audit->totals->batches++;
    if (batch->provable && (batch->counts != walk->counts || batch->records != walk->records))
        tell_batch(audit, partition, batch, "other counts");
    else if (batch->provable && batch->hash != walk->hash)
        tell_batch(audit, partition, batch, "another hash");
    else if (batch->provable && batch->first != walk->first)
        tell_batch(audit, partition, batch, "another first record");
    *walk = (struct walk){.batch = walk->batch + 1};
}

static void check_verdict(struct audit *audit, const struct weir_record *record,
                          const struct weir_outcome *outcome)
{
    struct walk *walk = &audit->walks[record->partition];
    struct audit_totals *totals = audit->totals;
    unsigned kind = journal_kind(outcome);
    walk->first = walk->records == 0 ? record->offset : walk->first;
    walk->records++;
    walk->counts += annals_count(audit->annals, kind);
    walk->hash = journal_step(walk->hash, annals_words(audit->annals), record->offset, kind);
    totals->records++;
    totals->passed += outcome->verdict == WEIR_PASS;
    totals->dropped += outcome->verdict == WEIR_DROP;
    if (outcome->verdict != WEIR_REJECT)
        return;
    totals->rejected++;
    totals->codes[outcome->why.code]++;
    totals->states[final_state(audit->final, record->partition, record->offset)]++;
}

static void miss(struct audit *audit, const char *topic)
{
    if (audit->looking)
        return;
    audit->totals->unprovable++;
    note(audit, "retention has taken older records of topic ", topic);
}

static enum weir_err_code expect_output(struct audit *audit, const struct annals_batch *batch,
                                        const struct weir_record *record, const struct weir_outcome *outcome,
                                        struct weir_err *err)
{
    struct form_reading reading;
    struct compare_sight sight;
    const struct weir_spec *spec = recompute_spec(audit->recompute, batch->plan);
    audit->due += !audit->looking;
    if (audit->totals->counts_only)
        return WEIR_OK;
    enum weir_err_code code = recompute_read(audit->recompute, batch, outcome->value, &reading, err);
    if (code != WEIR_OK)
        return code;
    if (!reading.placed) {
        audit->unplaced += !audit->looking;
        return WEIR_OK;
    }
    sight_expect_output(&audit->world, spec, record, outcome, &reading, &sight);
    if (expiry_took(&audit->outputs_gone, record->partition, record->offset, sight.to))
        miss(audit, spec->output.topic);
    else
        expect(audit, &sight);
    return WEIR_OK;
}

static void expect_letter(struct audit *audit, const struct annals_batch *batch,
                          const struct weir_record *record, enum weir_code code)
{
    struct compare_sight sight;
    const struct weir_spec *spec = recompute_spec(audit->recompute, batch->plan);
    struct letter_place place = {.partition = record->partition, .offset = record->offset};
    (void)snprintf(place.topic, sizeof place.topic, "%s", spec->core.input_topic);
    bool reference = ledger_find(audit->references, &place).change > 0;
    sight_expect_letter(&audit->world, spec, record, code, reference, &sight);
    if (expiry_took(&audit->letters_gone, record->partition, record->offset, sight.to))
        miss(audit, spec->dead_letter.topic);
    else
        expect(audit, &sight);
    if (!final_in_output(audit->final, record->partition, record->offset))
        return;
    audit->due += !audit->looking;
    if (audit->totals->counts_only || audit->outputs_gone.any)
        return;
    sight_replay(&audit->world, record->partition, record->offset, record->key, &sight);
    expect(audit, &sight);
}

static enum weir_err_code expect_record(struct audit *audit, const struct weir_record *record,
                                        struct weir_err *err)
{
    struct weir_outcome outcome;
    struct annals_chain chain = annals_chain(audit->annals, record->partition);
    const struct annals_batch *batch = annals_find(audit->annals, record->partition, record->offset);
    while (!audit->looking && batch && &chain.batches[audit->walks[record->partition].batch] != batch)
        end_batch(audit, record->partition);
    bool judged = batch && compare_covers(audit->compare, record->partition, record->offset);
    if (judged && !batch->provable)
        audit->totals->unprovable += !audit->looking;
    if (!judged || !batch->provable)
        return WEIR_OK;
    if (audit->looking && !compare_looks_at(audit->compare, record->partition, record->offset))
        return WEIR_OK;
    enum weir_err_code code =
        recompute_outcome(audit->recompute, batch, record, clock_wall_ms(), &outcome, err);
    if (code != WEIR_OK)
        return code;
    if (!audit->looking)
        check_verdict(audit, record, &outcome);
    if (outcome.verdict == WEIR_PASS)
        return expect_output(audit, batch, record, &outcome, err);
    if (outcome.verdict == WEIR_REJECT) {
        expect_letter(audit, batch, record, outcome.why.code);
        return WEIR_OK;
    }
    struct compare_sight nothing = {.partition = record->partition, .offset = record->offset};
    expect(audit, &nothing);
    return WEIR_OK;
}

/* Reads of each input partition what is judged; on the second look, what is looked at. */
static enum weir_err_code read_input(struct audit *audit, struct weir_err *err)
{
    const struct weir_spec *spec = audit->options->spec;
    struct range_span *spans = calloc((size_t)audit->n_input, sizeof *spans);
    struct range *range = NULL;
    size_t n = 0;
    if (!spans)
        return no_memory(err);
    for (int32_t p = 0; p < audit->n_input; p++) {
        struct annals_chain chain = annals_chain(audit->annals, p);
        struct compare_range whole = {chain.from, chain.until};
        struct compare_range span = audit->looking ? compare_span(audit->compare, p) : whole;
        if (chain.n > 0 && span.until > span.from)
            spans[n++] = (struct range_span){p, span.from, span.until};
    }
    const struct range_options options = {.spec = spec,
                                          .client = audit->options->client,
                                          .topic = spec->core.input_topic,
                                          .end = RANGE_COMMITTED,
                                          .since_ms = -1,
                                          .spans = spans,
                                          .n_spans = n};
    enum weir_err_code code = range_open(&options, &range, err);
    if (code == WEIR_OK)
        code = read_range(audit, range, "input", expect_record, err);
    range_close(range);
    free(spans);
    for (int32_t p = 0; code == WEIR_OK && !audit->looking && p < audit->n_input; p++)
        while (audit->walks[p].batch < annals_chain(audit->annals, p).n)
            end_batch(audit, p);
    return code;
}

/* --- the verdict --- */

static const char *place_name(const struct weir_spec *spec, enum compare_where where)
{
    switch (where) {
    case COMPARE_LETTER: return spec->dead_letter.topic;
    case COMPARE_OUTPUT:
    case COMPARE_REPLAY: return spec->output.topic;
    default: return NULL;
    }
}

/* "value, key": room for all of them. */
#define PARTS_MAX 64

static void name_parts(unsigned parts, char text[PARTS_MAX])
{
    static const char *const names[] = {"value", "key", "headers or code", "timestamp", "partition"};
    size_t used = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (parts & 1U << i)
            used += (size_t)snprintf(text + used, PARTS_MAX - used, "%s%s", used ? ", " : "", names[i]);
}

static void word(const struct weir_spec *spec, const struct compare_finding *found, char text[AUDIT_TEXT_MAX])
{
    char parts[PARTS_MAX];
    const char *due = place_name(spec, found->expected);
    name_parts(found->parts, parts);
    switch (found->kind) {
    case COMPARE_LOST:
        (void)snprintf(text, AUDIT_TEXT_MAX, "%s came of it; due in topic %s%s",
                       found->found > 0 ? "less" : "nothing", due,
                       found->expected == COMPARE_REPLAY ? " by a replay" : "");
        break;
    case COMPARE_DOUBLED:
        (void)snprintf(text, AUDIT_TEXT_MAX, "%zu records came of it, not %zu", found->found, found->due);
        break;
    case COMPARE_MISROUTED:
        if (found->first.where == found->expected)
            (void)snprintf(text, AUDIT_TEXT_MAX, "it is in another partition than it must be");
        else
            (void)snprintf(text, AUDIT_TEXT_MAX, "it must be in %s%s", due ? "topic " : "no topic",
                           due ? due : "");
        break;
    case COMPARE_ALTERED: (void)snprintf(text, AUDIT_TEXT_MAX, "another %s", parts); break;
    default: (void)snprintf(text, AUDIT_TEXT_MAX, "there is no such input record"); break;
    }
}

static void tell_record(void *context, const struct compare_finding *found)
{
    struct audit *audit = context;
    struct audit_finding finding = {.kind = compare_kinds[found->kind],
                                    .partition = found->partition,
                                    .offset = found->offset,
                                    .topic = place_name(audit->options->spec, found->first.where),
                                    .at_partition = found->first.at_partition,
                                    .at_offset = found->first.at};
    word(audit->options->spec, found, finding.text);
    audit->totals->by_kind[found->kind]++;
    tell(audit, &finding);
}

static enum weir_err_code look_once(struct audit *audit, struct weir_err *err)
{
    const struct weir_spec *spec = audit->options->spec;
    enum weir_err_code code = read_input(audit, err);
    if (code == WEIR_OK && !audit->totals->counts_only)
        code = read_topic(audit, spec->output.topic, "output again", find_output, NULL, err);
    if (code == WEIR_OK)
        code = read_topic(audit, spec->dead_letter.topic, "letters again", find_letter, NULL, err);
    return code == WEIR_OK ? compare_tell(audit->compare, tell_record, audit, err) : code;
}

static enum weir_err_code look_again(struct audit *audit, struct weir_err *err)
{
    enum weir_err_code code = WEIR_OK;
    audit->looking = true;
    int looks = 0;
    while (code == WEIR_OK && compare_look(audit->compare)) {
        if (looks++ == AUDIT_LOOKS_MAX)
            audit->totals->windows_left += compare_looked(audit->compare);
        else
            code = look_once(audit, err);
    }
    return code;
}

/* What has no coordinates is only counted. */
static void tell_counts(struct audit *audit)
{
    struct audit_finding finding = {
        .kind = "count", .partition = -1, .offset = -1, .topic = audit->options->spec->output.topic};
    bool whole = !audit->outputs_gone.any && audit->options->partition < 0;
    int64_t over =
        audit->totals->counts_only ? (int64_t)(audit->found - audit->due) : -(int64_t)audit->unplaced;
    for (int32_t p = 0; p < audit->n_input; p++) {
        struct annals_chain chain = annals_chain(audit->annals, p);
        whole = whole &&
                (chain.n > 0 ? chain.start == ANNALS_BEGINS && chain.ahead == 0 : audit->committed[p] < 0);
    }
    if (over == 0 || audit->outputs_gone.any || (over > 0 && !whole))
        return;
    (void)snprintf(finding.text, sizeof finding.text, "%" PRId64 " records without coordinates %s",
                   over > 0 ? over : -over, over > 0 ? "too many" : "are missing");
    tell(audit, &finding);
}

/* --- the beginning --- */

static enum weir_err_code setting_of(const struct audit *audit, const char *topic, const char *name,
                                     char text[64], struct weir_err *err)
{
    text[0] = '\0';
    return admin_setting(audit->options->client, topic, name, ASK_MS, text, 64, err);
}

static enum weir_err_code refuse_compacted(const struct audit *audit, const char *topic, struct weir_err *err)
{
    char policy[64];
    enum weir_err_code code = setting_of(audit, topic, "cleanup.policy", policy, err);
    if (code == WEIR_OK && !*policy)
        code = weir_fail(err, WEIR_ERR_TOPIC_DENIED,
                         "no permission to see whether topic %s is compacted: grant DESCRIBE_CONFIGS on it",
                         topic);
    if (code == WEIR_OK && strstr(policy, "compact"))
        code = weir_fail(err, WEIR_ERR_CONFIG,
                         "topic %s has cleanup.policy=%s: Kafka takes records out of it, so nothing can be "
                         "proven by it",
                         topic, policy);
    return code;
}

static enum weir_err_code learn_topic(const struct audit *audit, const char *topic, int32_t *partitions,
                                      bool *keeps_time, struct weir_err *err)
{
    char type[64];
    struct sink_target target = {0};
    enum weir_err_code code = admin_look(audit->options->client, topic, ASK_MS, &target, err);
    if (code == WEIR_OK && target.state != WEIR_OK)
        code = weir_fail(err, target.state, "topic %s %s", topic,
                         target.state == WEIR_ERR_TOPIC_MISSING ? "does not exist" : "may not be read");
    if (code == WEIR_OK)
        code = refuse_compacted(audit, topic, err);
    if (code == WEIR_OK)
        code = setting_of(audit, topic, "message.timestamp.type", type, err);
    *partitions = target.partitions;
    *keeps_time = strcmp(type, "LogAppendTime") != 0;
    return code;
}

static enum weir_err_code learn_world(struct audit *audit, struct weir_err *err)
{
    const struct weir_spec *spec = audit->options->spec;
    bool ignored;
    if (spec->journal.on != WEIR_ON)
        return weir_fail(err, WEIR_ERR_CONFIG,
                         "journal is off: without it nothing tells what was done, and nothing can be proven");
    audit->world.key = audit->options->key;
    enum weir_err_code code =
        learn_topic(audit, spec->core.input_topic, &audit->world.input_partitions, &ignored, err);
    if (code == WEIR_OK)
        code = learn_topic(audit, spec->output.topic, &audit->world.output_partitions,
                           &audit->world.output_time, err);
    if (code == WEIR_OK)
        code = learn_topic(audit, spec->dead_letter.topic, &audit->world.letter_partitions,
                           &audit->world.letter_time, err);
    if (code == WEIR_OK)
        code = refuse_compacted(audit, spec->journal.topic, err);
    audit->n_input = audit->world.input_partitions;
    if (code == WEIR_OK && audit->options->partition >= audit->n_input)
        code = weir_fail(err, WEIR_ERR_USAGE, "topic %s has no partition %d", spec->core.input_topic,
                         audit->options->partition);
    return code;
}

/* The offsets first: whatever they tell of is in the topics by then, or kept back by an open transaction. */
static enum weir_err_code learn_offsets(struct audit *audit, struct weir_err *err)
{
    const struct audit_options *options = audit->options;
    const struct weir_spec *spec = options->spec;
    size_t n = (size_t)audit->n_input;
    audit->committed = calloc(n, sizeof *audit->committed);
    audit->oldest = calloc(n, sizeof *audit->oldest);
    audit->walks = calloc(n, sizeof *audit->walks);
    audit->references = ledger_new();
    if (!audit->committed || !audit->oldest || !audit->walks || !audit->references)
        return no_memory(err);
    enum weir_err_code code = offsets_committed(options->client, spec->core.pipeline, spec->core.input_topic,
                                                audit->n_input, ASK_MS, audit->committed, err);
    if (code == WEIR_OK)
        code = offsets_ask(options->client, spec->core.input_topic, audit->n_input, OFFSETS_FIRST, 0, ASK_MS,
                           audit->oldest, err);
    for (int32_t p = 0; code == WEIR_OK && p < audit->n_input; p++)
        if (options->partition >= 0 && p != options->partition)
            audit->committed[p] = -1;
    return code;
}

static void tell_chain(struct audit *audit, int32_t partition, const struct annals_chain *chain)
{
    struct audit_finding finding = {.kind = "chain", .partition = partition, .offset = chain->from};
    if (chain->start == ANNALS_GAP)
        (void)snprintf(finding.text, sizeof finding.text,
                       "no batch of the journal leads to offset %" PRId64
                       ", though there are older ones: batches are missing, or offsets were reset",
                       chain->from);
    else
        (void)snprintf(finding.text, sizeof finding.text,
                       "no batch of the journal ends at %" PRId64
                       ", which the group has committed: somebody else did",
                       chain->until);
    tell(audit, &finding);
}

static void tell_strays(struct audit *audit)
{
    struct audit_finding finding = {
        .kind = "journal", .partition = -1, .offset = -1, .topic = audit->options->spec->journal.topic};
    uint64_t n = annals_stray(audit->annals, &finding.at_partition, &finding.at_offset);
    if (n == 0)
        return;
    (void)snprintf(finding.text, sizeof finding.text,
                   "%" PRIu64 " records are not what their keys say; this is the first", n);
    tell(audit, &finding);
}

/* What the chains cover, less what is gone of the input. */
static enum weir_err_code lay_ranges(struct audit *audit, struct weir_err *err)
{
    struct compare_range *ranges = calloc((size_t)audit->n_input, sizeof *ranges);
    if (!ranges)
        return no_memory(err);
    for (int32_t p = 0; p < audit->n_input; p++) {
        struct annals_chain chain = annals_chain(audit->annals, p);
        if (chain.start == ANNALS_GAP || chain.start == ANNALS_ASTRAY)
            tell_chain(audit, p, &chain);
        if (chain.start == ANNALS_EXPIRED)
            note(audit, "retention has taken older batches of topic ", audit->options->spec->journal.topic);
        if (chain.start == ANNALS_NONE && audit->committed[p] >= 0)
            note(audit, "of some partitions there is nothing in topic ", audit->options->spec->journal.topic);
        annals_trim(audit->annals, p, audit->oldest[p]);
        if (annals_chain(audit->annals, p).n < chain.n)
            note(audit, "retention has taken older records of topic ",
                 audit->options->spec->core.input_topic);
        chain = annals_chain(audit->annals, p);
        if (chain.n > 0)
            ranges[p] = (struct compare_range){chain.from, chain.until};
    }
    enum weir_err_code code = compare_new(ranges, audit->n_input, &audit->world.key, &audit->compare, err);
    free(ranges);
    return code;
}

static enum weir_err_code read_journal(struct audit *audit, struct weir_err *err)
{
    const struct audit_options *options = audit->options;
    enum weir_err_code code =
        annals_new(options->spec->core.input_topic, audit->n_input, &audit->annals, err);
    if (code == WEIR_OK)
        code = read_topic(audit, options->spec->journal.topic, "journal", take_journal, NULL, err);
    if (code != WEIR_OK)
        return code;
    annals_link(audit->annals, audit->committed);
    tell_strays(audit);
    code = lay_ranges(audit, err);
    if (code == WEIR_OK)
        code = recompute_new(audit->annals, audit->n_input, &options->config, &audit->world.key,
                             &audit->recompute, err);
    if (code == WEIR_OK && recompute_why(audit->recompute)[0])
        note(audit, recompute_why(audit->recompute), "");
    if (code == WEIR_OK)
        audit->totals->counts_only = !recompute_has_place(audit->recompute);
    return code;
}

static enum weir_err_code read_ledger(struct audit *audit, struct weir_err *err)
{
    const struct weir_spec *spec = audit->options->spec;
    enum weir_err_code code = final_new(spec->core.input_topic, spec->output.topic, &audit->final, err);
    if (code != WEIR_OK)
        return code;
    code = read_topic(audit, spec->dead_letter.ledger, "ledger", take_ledger, NULL, err);
    if (code == WEIR_ERR_TOPIC_MISSING)
        code = WEIR_OK;
    return code == WEIR_OK ? final_check(audit->final, clock_wall_ms(), err) : code;
}

/* A replay that ran meanwhile has made records that the ledger, as it was read, knows nothing of. */
static enum weir_err_code check_ledger(struct audit *audit, struct weir_err *err)
{
    struct final *before = audit->final;
    audit->final = NULL;
    enum weir_err_code code = read_ledger(audit, err);
    if (code == WEIR_ERR_DUPLICATE_IDENTITY || (code == WEIR_OK && !final_same(before, audit->final)))
        code = weir_fail(err, WEIR_ERR_TRANSIENT,
                         "letters were replayed, parked or discarded meanwhile: audit once more");
    final_free(before);
    return code;
}

static enum weir_err_code run(struct audit *audit, struct weir_err *err)
{
    const struct weir_spec *spec = audit->options->spec;
    enum weir_err_code code = learn_world(audit, err);
    if (code == WEIR_OK)
        code = learn_offsets(audit, err);
    if (code == WEIR_OK)
        code = read_journal(audit, err);
    if (code == WEIR_OK)
        code = read_ledger(audit, err);
    if (code == WEIR_OK)
        code = read_topic(audit, spec->output.topic, "output", find_output, &audit->outputs_gone, err);
    if (code == WEIR_OK)
        code = read_topic(audit, spec->dead_letter.topic, "letters", find_letter, &audit->letters_gone, err);
    if (code == WEIR_OK)
        code = read_input(audit, err);
    if (code == WEIR_OK)
        tell_counts(audit);
    if (code == WEIR_OK)
        code = look_again(audit, err);
    return code == WEIR_OK ? check_ledger(audit, err) : code;
}

enum weir_err_code audit_run(const struct audit_options *options, struct audit_totals *totals,
                             struct weir_err *err)
{
    struct audit audit = {.options = options, .totals = totals};
    *totals = (struct audit_totals){0};
    enum weir_err_code code = run(&audit, err);
    compare_free(audit.compare);
    recompute_free(audit.recompute);
    annals_free(audit.annals);
    final_free(audit.final);
    ledger_free(audit.references);
    expiry_release(&audit.outputs_gone);
    expiry_release(&audit.letters_gone);
    free(audit.committed);
    free(audit.oldest);
    free(audit.walks);
    return code;
}
