#include "engine/job_process.h"

/* Room for the text of a reason that the engine gives. */
#define REJECT_SCRATCH (WEIR_REASON_TEXT_MAX + 1)

/* A record's age for the unknown_schema rule; one from the future has no age yet. */
static int64_t age_of(const struct weir_record *record, int64_t wall_ms)
{
    if (record->timestamp_ms < 0 || record->timestamp_ms > wall_ms)
        return 0;
    return wall_ms - record->timestamp_ms;
}

static enum weir_err_code process_item(struct batch *batch, struct batch_item *item, struct plans *plans,
                                       enum weir_format format, int64_t wall_ms, struct weir_err *err)
{
    const struct weir_record *record = &item->in.record;
    struct weir_wire wire = weir_wire_read(format, record);
    struct plans_answer answer = plans_find(plans, &wire, age_of(record, wall_ms));
    if (answer.wait != WEIR_OK) {
        if (weir_err_class(answer.wait) != WEIR_CLASS_WAIT)
            return weir_fail(err, answer.wait, "%s", answer.why->text);
        batch_cut(batch, item, answer.why);
        return WEIR_OK;
    }
    item->writer = answer.writer;
    /* That an id is unknown, or that its schema is of no use, is what the registry said at the time. */
    item->given = !answer.plan && !answer.writer;
    size_t need = answer.plan ? weir_pipeline_scratch(answer.plan, record->value.len) : REJECT_SCRATCH;
    struct weir_arena *arena = heap_arena(&batch->heap, need);
    if (!arena)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a record of %zu bytes", record->value.len);
    if (answer.plan)
        weir_pipeline_process(answer.plan, record, wall_ms, arena, &item->outcome);
    else
        weir_pipeline_reject(&item->outcome, answer.reject, arena, "%s", answer.why->text);
    return WEIR_OK;
}

enum weir_err_code job_process(struct batch *batch, struct plans *plans, enum weir_format format,
                               int64_t wall_ms, struct weir_err *err)
{
    for (size_t i = batch->fresh; i < batch->n; i++) {
        struct batch_item *item = &batch->items[i];
        if (!batch_live(batch, item))
            continue;
        enum weir_err_code code = process_item(batch, item, plans, format, wall_ms, err);
        if (code != WEIR_OK)
            return code;
    }
    return WEIR_OK;
}
