#include "engine/chain.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SPANS 64
#define FIRST_TOLD  16
/* Plans and texts belong to no partition of the input. */
#define PLAN_PARTITION 0

void chain_init(struct chain *chain, const struct chain_parts *parts)
{
    *chain = (struct chain){.parts = *parts, .plan_said_ms = JOURNAL_UNSAID};
    chain->on = ports_topic_name(parts->spec, SINK_JOURNAL) != NULL;
    journal_words_init(&chain->words);
}

void chain_release(struct chain *chain)
{
    free(chain->links);
    free(chain->spans);
    free(chain->told);
    chain->links = NULL;
    chain->spans = NULL;
    chain->told = NULL;
}

static struct journal_schema describe(const struct schemas_version *version, const char *subject)
{
    const struct weir_schema *schema = version->schema;
    return (struct journal_schema){
        subject, version->version, version->id, {(const uint8_t *)schema->text, schema->text_len}};
}

void chain_use(struct chain *chain, const struct edition *edition)
{
    if (!chain->on)
        return;
    const struct weir_spec *spec = chain->parts.spec;
    const struct journal_plan plan = {.pipeline = spec->core.pipeline,
                                      .program = chain->parts.program,
                                      .config = weir_bytes_of(chain->parts.config_text),
                                      .reader = describe(edition_reader(edition), spec->input.schema.subject),
                                      .output =
                                          describe(edition_output(edition), spec->output.schema.subject)};
    const struct weir_bytes texts[CHAIN_TEXTS] = {plan.config, plan.reader.text, plan.output.text};
    struct journal_print before = chain->plan;
    chain->plan_len = journal_write_plan(&plan, chain->plan_value, &chain->plan).len;
    for (size_t i = 0; i < CHAIN_TEXTS; i++) {
        chain->texts[i] = (struct journal_writer){.text = texts[i], .said_ms = JOURNAL_UNSAID};
        journal_print_of(texts[i], &chain->texts[i].print);
    }
    if (strcmp(before.hex, chain->plan.hex) != 0)
        chain->plan_said_ms = JOURNAL_UNSAID;
}

/* --- where partitions are --- */

static struct chain_link *link_at(struct chain *chain, int32_t partition)
{
    return partition < chain->n_links ? &chain->links[partition] : NULL;
}

static bool grow_links(struct chain *chain, int32_t n)
{
    if (n <= chain->n_links)
        return true;
    struct chain_link *links = realloc(chain->links, (size_t)n * sizeof *links);
    if (!links)
        return false;
    memset(links + chain->n_links, 0, (size_t)(n - chain->n_links) * sizeof *links);
    chain->links = links;
    chain->n_links = n;
    return true;
}

/* The link that the run goes on from: as we left it, or as the assignment began. NULL: no memory. */
static const struct chain_link *link_of(struct chain *chain, const struct batch_run *run)
{
    if (!grow_links(chain, run->partition + 1))
        return NULL;
    struct chain_link *link = link_at(chain, run->partition);
    if (link->epoch != run->epoch) {
        link->epoch = run->epoch;
        link->next = chain->parts.source->ops->began(chain->parts.source, run->partition, &link->begins);
    }
    return link;
}

void chain_passed(struct chain *chain, int32_t partition, uint32_t epoch, int64_t offset)
{
    struct chain_link *link = link_at(chain, partition);
    if (!link || link->epoch != epoch || offset <= link->next)
        return;
    link->next = offset;
    link->begins = false;
}

/* --- a batch --- */

static enum weir_err_code no_memory(struct weir_err *err)
{
    return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the journal");
}

static bool grow_spans(struct chain *chain, size_t n)
{
    if (n <= chain->cap_spans)
        return true;
    size_t cap = n > FIRST_SPANS ? n * 2 : FIRST_SPANS;
    struct journal_span *spans = realloc(chain->spans, cap * sizeof *spans);
    if (!spans)
        return false;
    chain->spans = spans;
    chain->cap_spans = cap;
    return true;
}

enum weir_err_code chain_open(struct chain *chain, struct batch *batch, struct weir_err *err)
{
    if (!chain->on)
        return WEIR_OK;
    chain->batch = batch;
    chain->serial++;
    chain->n_told = 0;
    chain->told_plan = false;
    if (!grow_spans(chain, batch->n_runs))
        return no_memory(err);
    for (size_t i = 0; i < batch->n_runs; i++) {
        const struct batch_run *run = &batch->runs[i];
        if (run->gone)
            continue;
        const struct chain_link *link = link_of(chain, run);
        if (!link)
            return no_memory(err);
        journal_span_begin(&chain->spans[i], run->partition, link->next, link->begins);
    }
    return WEIR_OK;
}

/* Sends one record of the journal; key and value go into the batch's memory, which outlives the transaction.
 */
static enum weir_err_code send(struct chain *chain, int32_t partition, struct weir_bytes key,
                               struct weir_bytes value, struct weir_err *err)
{
    struct sink_target target = chain->parts.sink->ops->target(chain->parts.sink, SINK_JOURNAL);
    struct weir_arena *arena = heap_arena(&chain->batch->heap, key.len + value.len);
    struct sink_record record = {.topic = SINK_JOURNAL, .timestamp_ms = -1};
    if (!arena)
        return no_memory(err);
    record.partition = target.partitions > 0 ? partition % target.partitions : 0;
    record.key = weir_arena_copy(arena, key);
    record.value = weir_arena_copy(arena, value);
    return chain->parts.sink->ops->send(chain->parts.sink, &record, err);
}

/* The most bytes of a text that one record of this topic surely takes, whatever they are. */
static size_t part_max(struct chain *chain)
{
    size_t limit = chain->parts.sink->ops->target(chain->parts.sink, SINK_JOURNAL).max_message_bytes;
    size_t room = limit > JOURNAL_LIMIT_MIN ? limit : JOURNAL_LIMIT_MIN;
    size_t max = (room - JOURNAL_TEXT_FRAME - JOURNAL_KEY_MAX) / JOURNAL_TEXT_GROWTH;
    return max < JOURNAL_PART_MAX ? max : JOURNAL_PART_MAX;
}

static size_t count_parts(struct weir_bytes text, size_t max)
{
    size_t n = 1;
    for (size_t at = journal_cut(text, max); at < text.len; n++)
        at += journal_cut((struct weir_bytes){text.data + at, text.len - at}, max);
    return n;
}

static enum weir_err_code send_text(struct chain *chain, const struct journal_writer *text,
                                    struct weir_err *err)
{
    uint8_t key[JOURNAL_KEY_MAX];
    enum weir_err_code code = WEIR_OK;
    struct weir_bytes rest = text->text;
    size_t max = part_max(chain);
    size_t of = count_parts(rest, max);
    for (size_t i = 0; i < of && code == WEIR_OK; i++) {
        struct weir_bytes value;
        struct weir_bytes part = {rest.data, journal_cut(rest, max)};
        struct weir_arena *arena =
            heap_arena(&chain->batch->heap, part.len * JOURNAL_TEXT_GROWTH + JOURNAL_TEXT_FRAME);
        if (!arena || !journal_write_text(part, i, of, arena, &value))
            return no_memory(err);
        rest = (struct weir_bytes){rest.data + part.len, rest.len - part.len};
        code = send(chain, PLAN_PARTITION, journal_key_text(&text->print, i, key), value, err);
    }
    return code;
}

static bool due(const struct chain *chain, int64_t said_ms)
{
    return said_ms == JOURNAL_UNSAID ||
           chain->parts.timer->ops->monotonic_ms(chain->parts.timer) - said_ms >= CHAIN_REPEAT_MS;
}

/* Remembers whose text is in this transaction. False: no memory. */
static bool tell(struct chain *chain, struct journal_writer *writer)
{
    if (chain->n_told == chain->cap_told) {
        size_t cap = chain->cap_told ? chain->cap_told * 2 : FIRST_TOLD;
        struct journal_writer **told = realloc(chain->told, cap * sizeof(*told));
        if (!told)
            return false;
        chain->told = told;
        chain->cap_told = cap;
    }
    writer->serial = chain->serial;
    chain->told[chain->n_told++] = writer;
    return true;
}

/* Sends the writer's text unless it is known already. */
static enum weir_err_code send_writer(struct chain *chain, struct journal_writer *writer,
                                      struct weir_err *err)
{
    if (writer->serial == chain->serial || !due(chain, writer->said_ms))
        return WEIR_OK;
    if (!tell(chain, writer))
        return no_memory(err);
    return send_text(chain, writer, err);
}

/* Sends the plan and its texts unless they are known already. */
static enum weir_err_code send_plan(struct chain *chain, struct weir_err *err)
{
    uint8_t key[JOURNAL_KEY_MAX];
    if (chain->told_plan || !due(chain, chain->plan_said_ms))
        return WEIR_OK;
    chain->told_plan = true;
    enum weir_err_code code = WEIR_OK;
    for (size_t i = 0; i < CHAIN_TEXTS && code == WEIR_OK; i++)
        code = send_text(chain, &chain->texts[i], err);
    if (code != WEIR_OK)
        return code;
    return send(chain, PLAN_PARTITION, journal_key_plan(&chain->plan, key),
                (struct weir_bytes){chain->plan_value, chain->plan_len}, err);
}

static enum weir_err_code send_span(struct chain *chain, const struct journal_span *span,
                                    struct weir_err *err)
{
    uint8_t key[JOURNAL_KEY_MAX], value[JOURNAL_VALUE_MAX];
    enum weir_err_code code = send_plan(chain, err);
    for (size_t i = 0; i < span->n_writers && code == WEIR_OK; i++)
        code = send_writer(chain, span->writers[i], err);
    if (code != WEIR_OK)
        return code;
    const char *topic = chain->parts.spec->core.input_topic;
    return send(chain, span->partition, journal_key_batch(topic, span->partition, key),
                journal_write_batch(span, topic, &chain->plan, value), err);
}

enum weir_err_code chain_add(struct chain *chain, const struct batch_item *item, struct weir_err *err)
{
    if (!chain->on)
        return WEIR_OK;
    const struct journal_entry entry = {item->in.record.offset, journal_kind(&item->outcome), item->given,
                                        item->writer};
    struct journal_span *span = &chain->spans[item->run];
    if (journal_span_add(span, &chain->words, &entry))
        return WEIR_OK;
    enum weir_err_code code = send_span(chain, span, err);
    if (code != WEIR_OK)
        return code;
    journal_span_begin(span, span->partition, span->next, false);
    (void)journal_span_add(span, &chain->words, &entry);
    return WEIR_OK;
}

enum weir_err_code chain_send(struct chain *chain, struct weir_err *err)
{
    if (!chain->on)
        return WEIR_OK;
    enum weir_err_code code = WEIR_OK;
    for (size_t i = 0; i < chain->batch->n_runs && code == WEIR_OK; i++) {
        const struct batch_run *run = &chain->batch->runs[i];
        if (run->gone || !chain->spans[i].any)
            continue;
        /* What is committed is the run's next offset, which may lie behind a gap. */
        chain->spans[i].next = run->next;
        code = send_span(chain, &chain->spans[i], err);
    }
    return code;
}

void chain_committed(struct chain *chain)
{
    if (!chain->on || !chain->batch)
        return;
    int64_t now = chain->parts.timer->ops->monotonic_ms(chain->parts.timer);
    for (size_t i = 0; i < chain->n_told; i++)
        chain->told[i]->said_ms = now;
    if (chain->told_plan)
        chain->plan_said_ms = now;
    for (size_t i = 0; i < chain->batch->n_runs; i++) {
        const struct batch_run *run = &chain->batch->runs[i];
        if (!run->gone && run->next > run->first)
            chain_passed(chain, run->partition, run->epoch, run->next);
    }
}
