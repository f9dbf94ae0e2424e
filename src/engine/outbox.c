#include "engine/outbox.h"

#include <string.h>

#include "core/route.h"
#include "sys/log.h"
#include "sys/remedy.h"

/* Room for the values of a letter's headers, and for a reference in place of its value. */
#define LETTER_SCRATCH (1024 + ENVELOPE_REFERENCE_MAX)

static const char *topic_name(const struct outbox *outbox, enum sink_topic topic)
{
    return ports_topic_name(outbox->spec, topic);
}

/* Why the topic is not there to be written to; WEIR_OK when it is. */
static enum weir_err_code judge_target(const struct outbox *outbox, enum sink_topic topic,
                                       struct sink_target *target, struct weir_err *why)
{
    const char *name = topic_name(outbox, topic);
    *target = outbox->sink->ops->target(outbox->sink, topic);
    if (target->state == WEIR_OK)
        return WEIR_OK;
    if (target->state == WEIR_ERR_TOPIC_MISSING)
        return weir_fail(why, target->state, "topic %s does not exist", name);
    if (target->state == WEIR_ERR_TOPIC_DENIED)
        return weir_fail(why, target->state, "no permission to write to topic %s", name);
    return weir_fail(why, target->state, "nothing is known of topic %s", name);
}

/* Why the journal cannot be written to; WEIR_OK when it can, or when there is none. */
static enum weir_err_code judge_journal(const struct outbox *outbox, struct weir_err *why)
{
    struct sink_target target;
    const char *name = topic_name(outbox, SINK_JOURNAL);
    if (!name)
        return WEIR_OK;
    enum weir_err_code code = judge_target(outbox, SINK_JOURNAL, &target, why);
    if (code == WEIR_ERR_TOPIC_MISSING)
        return weir_fail(why, code, "topic %s does not exist (the journal; create it, or say journal: off)",
                         name);
    if (code == WEIR_OK && target.max_message_bytes < JOURNAL_LIMIT_MIN)
        return weir_fail(why, WEIR_ERR_OUTPUT_REFUSED, "max.message.bytes of %s is %zu: a journal needs %zu",
                         name, target.max_message_bytes, JOURNAL_LIMIT_MIN);
    return code;
}

bool outbox_topic_trouble(const struct outbox *outbox, struct weir_err *why)
{
    struct sink_target target;
    for (int topic = 0; topic < SINK_JOURNAL; topic++)
        if (judge_target(outbox, (enum sink_topic)topic, &target, why) != WEIR_OK)
            return true;
    return judge_journal(outbox, why) != WEIR_OK;
}

/* Cuts the item's run when its topic is not there to be written to. */
static bool open_target(const struct outbox *outbox, struct batch *batch, struct batch_item *item,
                        enum sink_topic topic, struct sink_target *target)
{
    struct weir_err why;
    if (judge_target(outbox, topic, target, &why) == WEIR_OK)
        return true;
    batch_cut(batch, item, &why);
    return false;
}

/* Headers of ours tell of a record that was rejected, and the one that names the input's schema would lie
 * about the output's. What names the key's schema stays, as the key does. */
static bool must_go(const struct weir_header *header)
{
    return envelope_is_own(header->name) || strcmp(header->name, WEIR_WIRE_HEADER) == 0;
}

/* The record's headers without those that must go, in the heap when there are such. False: no memory. */
static bool strip_headers(struct batch *batch, struct batch_item *item)
{
    const struct weir_record *in = &item->in.record;
    item->out.headers = in->headers;
    item->out.n_headers = in->n_headers;
    size_t first = 0;
    while (first < in->n_headers && !must_go(&in->headers[first]))
        first++;
    if (first == in->n_headers)
        return true;
    size_t size = in->n_headers * sizeof *in->headers;
    struct weir_arena *arena = heap_arena(&batch->heap, size + _Alignof(struct weir_header));
    struct weir_header *kept = arena ? weir_arena_alloc(arena, size, _Alignof(struct weir_header)) : NULL;
    if (!kept)
        return false;
    size_t n = 0;
    for (size_t i = 0; i < in->n_headers; i++)
        if (!must_go(&in->headers[i]))
            kept[n++] = in->headers[i];
    item->out.headers = kept;
    item->out.n_headers = n;
    return true;
}

/*
 * Makes a record of its own of an output that still borrows its key, so that the source's can go at once. One
 * with headers goes on borrowing: they are rare, and many small pieces. False: no memory.
 */
static bool own_key(struct batch *batch, struct batch_item *item)
{
    if (item->in.record.n_headers > 0)
        return true;
    item->own = true;
    if (!item->out.key.data)
        return true;
    struct weir_arena *arena = heap_arena(&batch->heap, item->out.key.len);
    item->out.key = arena ? weir_arena_copy(arena, item->out.key) : WEIR_NO_BYTES;
    return item->out.key.data != NULL;
}

static bool too_large(const struct outbox *outbox, const struct batch_item *item,
                      const struct sink_target *target)
{
    return outbox->sink->ops->size_of(&item->out) > target->max_message_bytes && remedy_on(REMEDY_OVERSIZE);
}

static enum weir_err_code fill_output(const struct outbox *outbox, struct batch *batch,
                                      struct batch_item *item, struct weir_err *err)
{
    const struct weir_record *in = &item->in.record;
    struct sink_target target;
    if (!open_target(outbox, batch, item, SINK_OUTPUT, &target))
        return WEIR_OK;
    bool keep_time = outbox->spec->output.timestamp == WEIR_TIMESTAMP_SOURCE;
    item->out = (struct sink_record){.topic = SINK_OUTPUT,
                                     .timestamp_ms = keep_time ? in->timestamp_ms : -1,
                                     .key = in->key,
                                     .value = item->outcome.value};
    item->out.partition = route_partition(outbox->spec->output.partition, in->partition,
                                          outbox->sink->ops->source_partitions(outbox->sink),
                                          target.partitions, in->key, item->outcome.route_key);
    if (!strip_headers(batch, item))
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the headers of a record");
    if (!too_large(outbox, item, &target))
        return own_key(batch, item) ? WEIR_OK
                                    : weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the key of a record");
    struct weir_arena *arena = heap_arena(&batch->heap, WEIR_REASON_TEXT_MAX + 1);
    if (!arena)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a reason");
    weir_pipeline_reject(&item->outcome, WEIR_CODE_TOO_LARGE, arena,
                         "the output record would have %zu bytes; max.message.bytes of %s is %zu",
                         outbox->sink->ops->size_of(&item->out), topic_name(outbox, SINK_OUTPUT),
                         target.max_message_bytes);
    item->given = true;
    return WEIR_OK;
}

/* A letter while it is made: its headers can still be shortened. */
struct draft {
    struct weir_header *headers;
    size_t n;
    struct weir_arena *arena;
};

/* The letter itself: the record as it came, with our headers. False: no memory. */
static bool wrap(const struct outbox *outbox, struct batch *batch, struct batch_item *item,
                 const struct sink_target *target, int64_t wall_ms, struct draft *draft)
{
    const struct weir_record *in = &item->in.record;
    struct weir_wire wire = weir_wire_read(outbox->spec->core.input_format, in);
    struct envelope_context context = {.pipeline = outbox->spec->core.pipeline,
                                       .version = outbox->version,
                                       .topic = outbox->spec->core.input_topic,
                                       .reader_version = outbox->reader_version,
                                       .has_schema = wire.kind == WEIR_WIRE_AVRO,
                                       .schema = wire.key,
                                       .dialect = outbox->spec->dead_letter.dialect};
    size_t table = (in->n_headers + ENVELOPE_HEADERS_MAX) * sizeof(struct weir_header);
    draft->arena = heap_arena(&batch->heap, table + LETTER_SCRATCH);
    item->out = (struct sink_record){
        .topic = SINK_DEAD_LETTER, .timestamp_ms = in->timestamp_ms, .key = in->key, .value = in->value};
    item->out.partition = route_partition(outbox->spec->dead_letter.partition, in->partition,
                                          outbox->sink->ops->source_partitions(outbox->sink),
                                          target->partitions, in->key, WEIR_NO_BYTES);
    if (!draft->arena ||
        !envelope_wrap(in, &item->outcome, &context, wall_ms, draft->arena, &draft->headers, &draft->n))
        return false;
    item->out.headers = draft->headers;
    item->out.n_headers = draft->n;
    return true;
}

/* Only weir's own headers may be shortened, and only as far as the topic demands. */
static void shorten(const struct outbox *outbox, struct batch_item *item, const struct sink_target *target,
                    struct draft *draft)
{
    size_t size = outbox->sink->ops->size_of(&item->out);
    if (size <= target->max_message_bytes)
        return;
    draft->n = envelope_shorten(draft->headers, draft->n, outbox->spec->dead_letter.dialect,
                                size - target->max_message_bytes);
    item->out.n_headers = draft->n;
}

/*
 * A reference in the letter's place. The record keeps its key and its headers where they are, so what does
 * not fit of them is left out too: the reference leads to all. False: no memory.
 */
static bool refer(const struct outbox *outbox, struct batch_item *item, const struct sink_target *target,
                  struct draft *draft)
{
    const struct weir_record *in = &item->in.record;
    if (!envelope_refer(in, outbox->spec->core.input_topic, draft->arena, draft->headers, &draft->n,
                        &item->out.value))
        return false;
    item->out.n_headers = draft->n;
    if (!too_large(outbox, item, target))
        return true;
    size_t first = 0;
    while (first < draft->n && !envelope_is_own(draft->headers[first].name))
        first++;
    item->out.headers += first;
    item->out.n_headers -= first;
    if (too_large(outbox, item, target))
        item->out.key = WEIR_NO_BYTES;
    return true;
}

/*
 * The size is given as the next power of two: letters in several partitions are one trouble then, said once,
 * and what it asks for is enough for all of them.
 */
static void cut_for_size(const struct outbox *outbox, struct batch *batch, const struct batch_item *item,
                         const struct sink_target *target)
{
    struct weir_err why;
    const char *name = topic_name(outbox, SINK_DEAD_LETTER);
    size_t size = outbox->sink->ops->size_of(&item->out);
    size_t enough = 1;
    while (enough < size)
        enough *= 2;
    log_debug("letter_too_large", "partition %d offset %lld: its letter has %zu bytes",
              item->in.record.partition, (long long)item->in.record.offset, size);
    (void)weir_fail(&why, WEIR_ERR_LETTER_TOO_LARGE,
                    "topic %s takes records of up to %zu bytes, and a letter has more: raise its "
                    "max.message.bytes to %zu (level debug names the records), or set dead_letter.oversize: "
                    "reference",
                    name, target->max_message_bytes, enough);
    batch_cut(batch, item, &why);
}

static enum weir_err_code fill_letter(const struct outbox *outbox, struct batch *batch,
                                      struct batch_item *item, int64_t wall_ms, struct weir_err *err)
{
    struct sink_target target;
    struct draft draft;
    if (!open_target(outbox, batch, item, SINK_DEAD_LETTER, &target))
        return WEIR_OK;
    if (!wrap(outbox, batch, item, &target, wall_ms, &draft))
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a letter");
    shorten(outbox, item, &target, &draft);
    if (!too_large(outbox, item, &target))
        return WEIR_OK;
    if (outbox->spec->dead_letter.oversize == WEIR_OVERSIZE_REFERENCE &&
        !refer(outbox, item, &target, &draft))
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a reference");
    if (too_large(outbox, item, &target))
        cut_for_size(outbox, batch, item, &target);
    return WEIR_OK;
}

enum weir_err_code outbox_fill(const struct outbox *outbox, struct batch *batch, int64_t wall_ms,
                               struct weir_err *err)
{
    struct weir_err why;
    enum weir_err_code code = WEIR_OK;
    bool unwritten = judge_journal(outbox, &why) != WEIR_OK;
    for (size_t i = batch->fresh; i < batch->n && code == WEIR_OK; i++) {
        struct batch_item *item = &batch->items[i];
        if (!batch_live(batch, item))
            continue;
        /* Nothing may be done that cannot be written down. */
        if (unwritten) {
            batch_cut(batch, item, &why);
            continue;
        }
        if (item->outcome.verdict == WEIR_PASS)
            code = fill_output(outbox, batch, item, err);
        /* Not else: an output record that is too large has just become a letter. */
        if (code == WEIR_OK && item->outcome.verdict == WEIR_REJECT && batch_live(batch, item))
            code = fill_letter(outbox, batch, item, wall_ms, err);
    }
    return code;
}
