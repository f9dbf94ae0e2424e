#include "dlq/purge.h"

#include <stdlib.h>

#include "kafka/admin.h"

/* How long one look for a record may take, and deleting. */
#define LOOK_MS   100
#define DELETE_MS 30000

static void look_at(const struct weir_spec *spec, const struct ledger *ledger, struct purge_part *part,
                    const struct weir_record *record)
{
    struct letter letter;
    bool ours = letter_read(record, &letter) && letter_is_of(&letter, spec->core.pipeline);
    bool blocked = record->offset >= part->keep;
    bool goes = ours && ledger_find(ledger, &letter.source).state != LEDGER_OPEN;
    if (goes && blocked) {
        part->behind++;
    } else if (goes) {
        part->letters++;
    } else if (!blocked) {
        part->keep = record->offset;
        part->held = ours;
        if (ours)
            part->by = letter.source;
    }
}

static enum weir_err_code read_all(struct range *range, const struct weir_spec *spec,
                                   const struct ledger *ledger, struct purge *purge, struct weir_err *err)
{
    for (;;) {
        const struct weir_record *record;
        enum weir_err_code code = range_next(range, LOOK_MS, &record, err);
        if (code != WEIR_OK || (!record && range_done(range)))
            return code;
        if (!record)
            continue;
        look_at(spec, ledger, &purge->parts[record->partition], record);
    }
}

enum weir_err_code purge_plan(const struct weir_spec *spec, rd_kafka_t *client, const struct ledger *ledger,
                              struct purge *purge, struct weir_err *err)
{
    struct range *range = NULL;
    const struct range_options options = {
        .spec = spec, .client = client, .topic = spec->dead_letter.topic, .since_ms = -1};
    *purge = (struct purge){.n = 0};
    enum weir_err_code code = range_open(&options, &range, err);
    if (code != WEIR_OK)
        return code;
    purge->n = range_partitions(range);
    purge->parts = calloc((size_t)purge->n, sizeof *purge->parts);
    if (!purge->parts)
        code = weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a purge");
    for (int32_t p = 0; p < purge->n && code == WEIR_OK; p++) {
        struct range_span span = range_span_of(range, p);
        purge->parts[p] = (struct purge_part){.first = span.from, .keep = span.until};
    }
    if (code == WEIR_OK)
        code = read_all(range, spec, ledger, purge, err);
    range_close(range);
    return code;
}

enum weir_err_code purge_do(const struct weir_spec *spec, rd_kafka_t *client, const struct purge *purge,
                            struct weir_err *err)
{
    int64_t *before = calloc((size_t)purge->n, sizeof *before);
    if (!before)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a purge");
    bool any = false;
    for (int32_t p = 0; p < purge->n; p++) {
        bool some = purge->parts[p].keep > purge->parts[p].first;
        before[p] = some ? purge->parts[p].keep : -1;
        any = any || some;
    }
    enum weir_err_code code =
        any ? admin_delete(client, spec->dead_letter.topic, before, purge->n, DELETE_MS, err) : WEIR_OK;
    free(before);
    return code;
}

void purge_release(struct purge *purge)
{
    free(purge->parts);
    *purge = (struct purge){.n = 0};
}

uint64_t purge_letters(const struct purge *purge)
{
    uint64_t letters = 0;
    for (int32_t p = 0; p < purge->n; p++)
        letters += purge->parts[p].letters;
    return letters;
}
