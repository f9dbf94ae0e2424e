#include "audit/sight.h"

#include <string.h>

#include "core/envelope.h"
#include "core/route.h"

/* Which headers are left out, as they are on the way through the pipeline. */
typedef bool (*leave_out)(const char *name, enum weir_dialect dialect);

/* No value is not the same as an empty one. */
static uint64_t digest(const struct sight_world *world, struct weir_bytes bytes)
{
    return bytes.data ? sip_hash(&world->key, bytes) : 0;
}

static uint64_t chain(const struct sight_world *world, uint64_t so_far, uint64_t a, uint64_t b)
{
    const uint64_t words[] = {so_far, a, b};
    return sip_hash(&world->key, (struct weir_bytes){(const uint8_t *)words, sizeof words});
}

/* Names, values and order. */
static uint64_t digest_headers(const struct sight_world *world, const struct weir_record *record,
                               leave_out is_left_out, enum weir_dialect dialect)
{
    uint64_t all = 0;
    for (size_t i = 0; i < record->n_headers; i++) {
        const struct weir_header *header = &record->headers[i];
        if (!is_left_out(header->name, dialect))
            all = chain(world, all, digest(world, weir_bytes_of(header->name)), digest(world, header->value));
    }
    return all;
}

static bool none(const char *name, enum weir_dialect dialect)
{
    (void)name;
    (void)dialect;
    return false;
}

/* As outbox.c strips them. */
static bool goes_before_output(const char *name, enum weir_dialect dialect)
{
    (void)dialect;
    return envelope_is_own(name) || strcmp(name, WEIR_WIRE_HEADER) == 0;
}

static uint64_t time_of(bool kept, int64_t timestamp_ms)
{
    return kept ? (uint64_t)timestamp_ms : 0;
}

void sight_output(const struct sight_world *world, const struct weir_spec *spec,
                  const struct weir_record *found, const struct form_reading *reading,
                  struct compare_sight *sight)
{
    bool timed = world->output_time && spec->output.timestamp == WEIR_TIMESTAMP_SOURCE;
    *sight = (struct compare_sight){.partition = reading->partition,
                                    .offset = reading->offset,
                                    .where = COMPARE_OUTPUT,
                                    .to = found->partition,
                                    .value = reading->digest,
                                    .key = digest(world, found->key),
                                    .headers = digest_headers(world, found, none, WEIR_DIALECT_WEIR),
                                    .time = time_of(timed, found->timestamp_ms)};
}

void sight_expect_output(const struct sight_world *world, const struct weir_spec *spec,
                         const struct weir_record *in, const struct weir_outcome *outcome,
                         const struct form_reading *reading, struct compare_sight *sight)
{
    bool timed = world->output_time && spec->output.timestamp == WEIR_TIMESTAMP_SOURCE;
    int32_t to = route_partition(spec->output.partition, in->partition, world->input_partitions,
                                 world->output_partitions, in->key, outcome->route_key);
    *sight =
        (struct compare_sight){.partition = in->partition,
                               .offset = in->offset,
                               .where = COMPARE_OUTPUT,
                               .to = to,
                               .value = reading->digest,
                               .key = digest(world, in->key),
                               .headers = digest_headers(world, in, goes_before_output, WEIR_DIALECT_WEIR),
                               .time = time_of(timed, in->timestamp_ms)};
}

void sight_letter(const struct sight_world *world, enum weir_dialect dialect, const struct letter *letter,
                  struct compare_sight *sight)
{
    const struct weir_record *record = letter->record;
    *sight = (struct compare_sight){.partition = letter->source.partition,
                                    .offset = letter->source.offset,
                                    .where = COMPARE_LETTER,
                                    .to = record->partition,
                                    .time = time_of(world->letter_time, record->timestamp_ms)};
    sight->headers = chain(world, digest(world, letter->code), 0, 0);
    if (letter->reference)
        return;
    sight->value = digest(world, record->value);
    sight->key = digest(world, record->key);
    sight->headers = chain(world, digest(world, letter->code), 1,
                           digest_headers(world, record, envelope_is_added, dialect));
}

void sight_expect_letter(const struct sight_world *world, const struct weir_spec *spec,
                         const struct weir_record *in, enum weir_code code, bool reference,
                         struct compare_sight *sight)
{
    uint64_t name = digest(world, weir_bytes_of(weir_code_name(code)));
    int32_t to = route_partition(spec->dead_letter.partition, in->partition, world->input_partitions,
                                 world->letter_partitions, in->key, WEIR_NO_BYTES);
    *sight = (struct compare_sight){.partition = in->partition,
                                    .offset = in->offset,
                                    .where = COMPARE_LETTER,
                                    .to = to,
                                    .time = time_of(world->letter_time, in->timestamp_ms)};
    sight->headers = chain(world, name, 0, 0);
    if (reference)
        return;
    sight->value = digest(world, in->value);
    sight->key = digest(world, in->key);
    sight->headers =
        chain(world, name, 1, digest_headers(world, in, envelope_is_added, spec->dead_letter.dialect));
}

void sight_replay(const struct sight_world *world, int32_t partition, int64_t offset, struct weir_bytes key,
                  struct compare_sight *sight)
{
    *sight = (struct compare_sight){
        .partition = partition, .offset = offset, .where = COMPARE_REPLAY, .key = digest(world, key)};
}
