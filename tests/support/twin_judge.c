#include "support/twin_judge.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/envelope.h"

#define WHERE    "partition %" PRId32 " offset %" PRId64 ": "
#define CODE_OWN ENVELOPE_PREFIX "errors.code"

void twin_damage(struct twin_world *world, const char *format, ...)
{
    if (world->damage[0])
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(world->damage, sizeof world->damage, format, args);
    va_end(args);
}

/* Records are in the order of their offsets. */
size_t twin_index_from(const struct twin_partition *at, int64_t offset)
{
    size_t low = 0;
    size_t high = at->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (at->records[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct twin_input *twin_input_at(struct twin_world *world, int32_t partition, int64_t offset)
{
    if (partition < 0 || partition >= world->n_partitions)
        return NULL;
    struct twin_partition *at = &world->partitions[partition];
    size_t i = twin_index_from(at, offset);
    return i < at->n && at->records[i].offset == offset ? &at->records[i] : NULL;
}

const struct weir_header *twin_header(const struct weir_header *headers, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(headers[i].name, name) == 0)
            return &headers[i];
    return NULL;
}

/* --- one output --- */

static bool read_identity(struct twin_output *output)
{
    char text[32];
    struct weir_bytes key = output->record.key;
    if (!key.data || key.len >= sizeof text)
        return false;
    memcpy(text, key.data, key.len);
    text[key.len] = '\0';
    return sscanf(text, "%" SCNd32 ":%" SCNd64, &output->source_partition, &output->source_offset) == 2;
}

/* The record's own headers must stand in the output in their order; ours must not, or only in letters. */
static void judge_headers(struct twin_world *world, const struct twin_output *output,
                          const struct twin_input *input)
{
    const struct sink_record *record = &output->record;
    size_t at = 0;
    for (size_t i = 0; i < input->n_headers; i++) {
        if (envelope_is_own(input->headers[i].name))
            continue;
        if (at >= record->n_headers || strcmp(record->headers[at].name, input->headers[i].name) != 0 ||
            !weir_bytes_equal(record->headers[at].value, input->headers[i].value))
            twin_damage(world, WHERE "header %s is gone", output->source_partition, output->source_offset,
                        input->headers[i].name);
        at++;
    }
    if (record->topic == SINK_OUTPUT && record->n_headers != at)
        twin_damage(world, WHERE "%zu headers instead of %zu", output->source_partition,
                    output->source_offset, record->n_headers, at);
}

static void judge_letter(struct twin_world *world, const struct twin_output *output,
                         const struct twin_input *input)
{
    const struct sink_record *record = &output->record;
    const struct weir_header *code = twin_header(record->headers, record->n_headers, CODE_OWN);
    if (!code || !weir_bytes_equal(code->value, weir_bytes_of(weir_code_name(input->code))))
        twin_damage(world, WHERE "letter with code %.*s instead of %s", output->source_partition,
                    output->source_offset, code ? (int)code->value.len : 0,
                    code ? (const char *)code->value.data : "", weir_code_name(input->code));
    if (!weir_bytes_equal(record->value, input->value) || record->timestamp_ms != input->timestamp_ms)
        twin_damage(world, WHERE "the letter is not the record as it was", output->source_partition,
                    output->source_offset);
}

/* Within one partition of a topic, records of one source partition keep their order. */
static void judge_order(struct twin_world *world, const struct twin_output *output)
{
    const struct sink_record *record = &output->record;
    if (record->partition < 0 || record->partition >= world->topics[record->topic].partitions) {
        twin_damage(world, WHERE "written to partition %" PRId32 ", which does not exist",
                    output->source_partition, output->source_offset, record->partition);
        return;
    }
    int64_t *last = &world->last_order[record->topic][record->partition][output->source_partition];
    if (output->source_offset <= *last)
        twin_damage(world, WHERE "visible behind offset %" PRId64, output->source_partition,
                    output->source_offset, *last);
    *last = output->source_offset;
}

/* An outcome belongs into the very transaction that commits its offset. */
static void judge_place(struct twin_world *world, const struct twin_output *output,
                        const struct position *offsets, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (offsets[i].partition == output->source_partition && output->source_offset < offsets[i].offset)
            return;
    twin_damage(world, WHERE "visible without its offset being committed", output->source_partition,
                output->source_offset);
}

void twin_judge_output(struct twin_world *world, struct twin_output *output, const struct position *offsets,
                       size_t n)
{
    struct twin_input *input = NULL;
    if (read_identity(output))
        input = twin_input_at(world, output->source_partition, output->source_offset);
    if (!input) {
        twin_damage(world, "a record is visible that comes from nowhere");
        return;
    }
    enum weir_verdict verdict = output->record.topic == SINK_OUTPUT ? WEIR_PASS : WEIR_REJECT;
    if (++input->outcomes > 1)
        twin_damage(world, WHERE "%u visible outcomes", output->source_partition, output->source_offset,
                    input->outcomes);
    if (verdict != input->expect)
        twin_damage(world, WHERE "%s instead of %s", output->source_partition, output->source_offset,
                    weir_verdict_name(verdict), weir_verdict_name(input->expect));
    else if (verdict == WEIR_REJECT)
        judge_letter(world, output, input);
    judge_headers(world, output, input);
    judge_place(world, output, offsets, n);
    judge_order(world, output);
}

/* --- offsets --- */

static bool is_done(const struct twin_input *input)
{
    return input->outcomes == (input->expect == WEIR_DROP ? 0 : 1);
}

void twin_judge_offset(struct twin_world *world, int32_t partition, int64_t offset)
{
    const struct twin_partition *at = &world->partitions[partition];
    if (offset < at->committed || offset > at->end)
        twin_damage(world, "partition %" PRId32 ": committed %" PRId64 " after %" PRId64, partition, offset,
                    at->committed);
    /* What was committed before was judged then. */
    for (size_t i = twin_index_from(at, at->committed); i < at->n && at->records[i].offset < offset; i++)
        if (!is_done(&at->records[i]))
            twin_damage(world, WHERE "committed with %u outcomes", partition, at->records[i].offset,
                        at->records[i].outcomes);
}

bool twin_all_done(struct twin_world *world, bool insist)
{
    for (int32_t p = 0; p < world->n_partitions; p++) {
        const struct twin_partition *at = &world->partitions[p];
        if (at->n == 0 || at->committed > at->records[at->n - 1].offset)
            continue;
        if (insist)
            twin_damage(world, "partition %" PRId32 " is committed at %" PRId64 " of %" PRId64, p,
                        at->committed, at->end);
        return false;
    }
    return true;
}
