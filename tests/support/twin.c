#include "support/twin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/twin_journal.h"
#include "support/twin_judge.h"

#define START_MS       1000
#define WALL_OFFSET_MS 1700000000000
#define MAX_BYTES      ((size_t)1048588)
#define CHUNK          100

/* A test that runs out of memory has nothing left to say. */
static void *need(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

/* Holds in every build, unlike assert: a test beyond the limits of its twin would prove nothing. */
static void must(bool holds)
{
    if (!holds)
        abort();
}

/* --- life --- */

void twin_world_init(struct twin_world *world, int32_t n_partitions, uint64_t seed)
{
    must(n_partitions > 0 && n_partitions <= TWIN_PARTITIONS_MAX);
    *world = (struct twin_world){.now_ms = START_MS,
                                 .wall_offset_ms = WALL_OFFSET_MS,
                                 .seed = seed,
                                 .n_partitions = n_partitions,
                                 .generation = 1,
                                 .transaction_timeout_ms = 30000};
    for (int32_t i = 0; i < n_partitions; i++) {
        world->partitions[i].committed = -1;
        world->partitions[i].owner = TWIN_NOBODY;
    }
    for (int i = 0; i < SINK_TOPICS; i++)
        world->topics[i] = (struct sink_target){WEIR_OK, n_partitions, MAX_BYTES};
    memset(world->last_order, -1, sizeof world->last_order);
}

static void free_headers(struct weir_header *headers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free((void *)(uintptr_t)headers[i].value.data);
    free(headers);
}

static void free_partition(struct twin_partition *partition)
{
    for (size_t i = 0; i < partition->n; i++) {
        struct twin_input *input = &partition->records[i];
        free((void *)(uintptr_t)input->key.data);
        free((void *)(uintptr_t)input->value.data);
        free_headers(input->headers, input->n_headers);
    }
    free(partition->records);
}

void twin_world_release(struct twin_world *world)
{
    for (int32_t i = 0; i < world->n_partitions; i++)
        free_partition(&world->partitions[i]);
    for (int i = 0; i < TWIN_MEMBERS_MAX; i++)
        twin_end_txn(world, &world->txns[i]);
    for (size_t i = 0; i < world->n_visible; i++) {
        struct sink_record *record = &world->visible[i].record;
        free((void *)(uintptr_t)record->key.data);
        free((void *)(uintptr_t)record->value.data);
        for (size_t h = 0; h < record->n_headers; h++)
            free((void *)(uintptr_t)record->headers[h].name);
        free_headers((struct weir_header *)(uintptr_t)record->headers, record->n_headers);
    }
    free(world->visible);
    free(world->texts.prints);
    free(world->texts.parts);
    *world = (struct twin_world){0};
}

/* --- time and chance --- */

void twin_after(struct twin_world *world, int64_t in_ms, void (*happen)(void *context), void *context)
{
    must(world->n_events < TWIN_EVENTS_MAX);
    world->events[world->n_events++] = (struct twin_event){world->now_ms + in_ms, happen, context};
}

/* The coordinator gives up on transactions that are open too long, and fences who opened them. */
static void time_out_txns(struct twin_world *world)
{
    for (int i = 0; i < world->n_members; i++) {
        struct twin_txn *txn = &world->txns[i];
        if (txn->state == TWIN_DECIDED && txn->effect_ms > 0 && world->now_ms >= txn->effect_ms)
            twin_end_txn(world, txn);
        if (txn->state == TWIN_IDLE || world->now_ms - txn->begun_ms <= world->transaction_timeout_ms)
            continue;
        twin_end_txn(world, txn);
        txn->epoch++;
    }
}

/* The index of the next event up to a time, n_events when there is none. */
static size_t next_event(const struct twin_world *world, int64_t until_ms)
{
    size_t found = world->n_events;
    for (size_t i = 0; i < world->n_events; i++)
        if (world->events[i].at_ms <= until_ms &&
            (found == world->n_events || world->events[i].at_ms < world->events[found].at_ms))
            found = i;
    return found;
}

void twin_advance(struct twin_world *world, int64_t ms)
{
    int64_t until = world->now_ms + ms;
    for (size_t i = next_event(world, until); i < world->n_events; i = next_event(world, until)) {
        struct twin_event event = world->events[i];
        world->events[i] = world->events[--world->n_events];
        world->now_ms = event.at_ms > world->now_ms ? event.at_ms : world->now_ms;
        event.happen(event.context);
    }
    world->now_ms = until;
    time_out_txns(world);
}

void twin_wait(struct twin_member *member, int64_t ms)
{
    struct twin_world *world = member->world;
    if (world->wait)
        world->wait(world->context, member, ms);
    else
        twin_advance(world, ms);
}

void twin_moment(struct twin_member *member, enum twin_op op)
{
    if (member->world->moment)
        member->world->moment(member->world->context, member, op);
}

/* splitmix64 */
uint32_t twin_random(struct twin_world *world, uint32_t below)
{
    uint64_t z = world->seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return below == 0 ? 0 : (uint32_t)((z >> 32) % below);
}

/* --- the input --- */

static struct weir_bytes copy_of(struct weir_bytes bytes)
{
    if (!bytes.data)
        return WEIR_NO_BYTES;
    uint8_t *copy = need(malloc(bytes.len + 1));
    memcpy(copy, bytes.data, bytes.len);
    return (struct weir_bytes){copy, bytes.len};
}

struct twin_input *twin_produce(struct twin_world *world, int32_t partition, struct weir_bytes value)
{
    struct twin_partition *at = &world->partitions[partition];
    char key[32];
    if (at->n == at->cap) {
        at->cap = at->cap ? at->cap * 2 : 64;
        at->records = need(realloc(at->records, at->cap * sizeof *at->records));
    }
    struct twin_input *input = &at->records[at->n++];
    *input = (struct twin_input){.offset = at->end++,
                                 .timestamp_ms = world->now_ms + world->wall_offset_ms,
                                 .value = copy_of(value),
                                 .expect = WEIR_PASS};
    (void)snprintf(key, sizeof key, "%" PRId32 ":%" PRId64, partition, input->offset);
    input->key = copy_of(weir_bytes_of(key));
    return input;
}

void twin_set_headers(struct twin_input *input, const struct weir_header *headers, size_t n)
{
    input->headers = need(calloc(n, sizeof *headers));
    input->n_headers = n;
    for (size_t i = 0; i < n; i++)
        input->headers[i] = (struct weir_header){headers[i].name, copy_of(headers[i].value)};
}

void twin_gap(struct twin_world *world, int32_t partition, int64_t n)
{
    world->partitions[partition].end += n;
}

/* --- the group --- */

void twin_rebalance(struct twin_world *world, const int *owners)
{
    world->generation++;
    for (int32_t i = 0; i < world->n_partitions; i++)
        world->partitions[i].owner = owners[i];
}

void twin_assign_all(struct twin_world *world, int owner)
{
    int owners[TWIN_PARTITIONS_MAX];
    for (int i = 0; i < TWIN_PARTITIONS_MAX; i++)
        owners[i] = owner;
    twin_rebalance(world, owners);
}

void twin_done_by_another(struct twin_world *world, int32_t partition, int64_t offset)
{
    struct twin_partition *at = &world->partitions[partition];
    for (size_t i = twin_index_from(at, at->committed); i < at->n && at->records[i].offset < offset; i++)
        at->records[i].outcomes += at->records[i].expect != WEIR_DROP;
    twin_judge_offset(world, partition, offset);
    at->committed = offset;
}

bool twin_unstable(const struct twin_world *world, int32_t partition)
{
    for (int i = 0; i < TWIN_MEMBERS_MAX; i++)
        for (size_t j = 0; world->txns[i].state != TWIN_IDLE && j < world->txns[i].n_offsets; j++)
            if (world->txns[i].offsets[j].partition == partition)
                return true;
    return false;
}

/* --- transactions --- */

void twin_fence(struct twin_world *world, int member)
{
    twin_end_txn(world, &world->txns[member]);
    world->txns[member].epoch++;
    world->txns[member].process = 0;
}

void twin_expel(struct twin_world *world, int member)
{
    world->place[member] = 0;
}

void twin_succeed(struct twin_world *world, int member)
{
    twin_fence(world, member);
    world->succeeded_ms[member] = world->now_ms;
    twin_assign_all(world, TWIN_NOBODY);
}

static void publish(struct twin_world *world, struct twin_txn *txn, const struct sink_record *record)
{
    if (world->n_visible == world->cap_visible) {
        world->cap_visible = world->cap_visible ? world->cap_visible * 2 : 256;
        world->visible = need(realloc(world->visible, world->cap_visible * sizeof *world->visible));
    }
    struct twin_output *output = &world->visible[world->n_visible++];
    *output = (struct twin_output){.record = *record, .source_partition = -1};
    if (record->topic == SINK_JOURNAL)
        twin_journal_judge(world, record);
    else
        twin_judge_output(world, output, txn->offsets, txn->n_offsets);
}

void twin_apply(struct twin_world *world, struct twin_txn *txn)
{
    twin_journal_begin(world);
    for (size_t i = 0; i < txn->n_records; i++)
        publish(world, txn, &txn->records[i]);
    txn->n_records = 0;
    twin_journal_end(world, txn->offsets, txn->n_offsets);
    for (size_t i = 0; i < txn->n_offsets; i++) {
        twin_judge_offset(world, txn->offsets[i].partition, txn->offsets[i].offset);
        world->partitions[txn->offsets[i].partition].committed = txn->offsets[i].offset;
    }
}

void twin_end_txn(struct twin_world *world, struct twin_txn *txn)
{
    if (txn->state == TWIN_DECIDED)
        twin_apply(world, txn);
    must(txn->n_records == 0);
    free(txn->records);
    *txn = (struct twin_txn){.epoch = txn->epoch, .process = txn->process};
}

/* --- the registry --- */

void twin_add_schema(struct twin_world *world, uint32_t id, const struct weir_schema *schema)
{
    must(world->n_schemas < TWIN_SCHEMAS_MAX);
    world->schemas[world->n_schemas++] = (struct twin_schema){id, schema};
}

void twin_register(struct twin_world *world, const char *subject, int64_t version,
                   const struct weir_schema *schema)
{
    size_t i = 0;
    while (i < world->n_subjects && strcmp(world->subjects[i].name, subject) != 0)
        i++;
    must(i < TWIN_SUBJECTS_MAX);
    world->n_subjects = i == world->n_subjects ? i + 1 : world->n_subjects;
    world->subjects[i] = (struct twin_subject){subject, {schema, (uint32_t)version, version}};
}

static struct twin_member *of_schemas(struct schemas *schemas)
{
    return (struct twin_member *)((char *)schemas - offsetof(struct twin_member, schemas));
}

static enum weir_err_code by_key(struct schemas *schemas, const struct weir_schema_key *key,
                                 const struct weir_schema **out, struct weir_err *err)
{
    struct twin_member *member = of_schemas(schemas);
    const struct twin_world *world = member->world;
    struct twin_fault fault = twin_call(member, TWIN_BY_KEY, err);
    if (fault.code != WEIR_OK)
        return fault.code;
    if (world->registry_down)
        return weir_fail(err, WEIR_ERR_REGISTRY_DOWN, "the registry does not answer");
    for (size_t i = 0; i < world->n_schemas; i++) {
        if (key->by_guid || world->schemas[i].id != key->id)
            continue;
        *out = world->schemas[i].schema;
        return *out ? WEIR_OK
                    : weir_fail(err, WEIR_ERR_BAD_SCHEMA, "schema %u: unknown type 'strnig'", key->id);
    }
    return weir_fail(err, WEIR_ERR_NOT_FOUND, "no schema has id %u", key->id);
}

static enum weir_err_code subject(struct schemas *schemas, const struct weir_subject_spec *wanted,
                                  struct schemas_version *out, struct weir_err *err)
{
    struct twin_member *member = of_schemas(schemas);
    const struct twin_world *world = member->world;
    struct twin_fault fault = twin_call(member, TWIN_SUBJECT, err);
    if (fault.code != WEIR_OK)
        return fault.code;
    if (world->registry_down)
        return weir_fail(err, WEIR_ERR_REGISTRY_DOWN, "the registry does not answer");
    for (size_t i = 0; i < world->n_subjects; i++) {
        if (strcmp(world->subjects[i].name, wanted->subject) != 0)
            continue;
        if (!world->subjects[i].latest.schema)
            return weir_fail(err, WEIR_ERR_BAD_SCHEMA, "unknown type 'strnig'");
        *out = world->subjects[i].latest;
        return WEIR_OK;
    }
    return weir_fail(err, WEIR_ERR_NOT_FOUND, "there is no subject '%s'", wanted->subject);
}

static enum weir_err_code check(struct schemas *schemas, struct weir_err *err)
{
    return twin_call(of_schemas(schemas), TWIN_CHECK, err).code;
}

static const struct schemas_ops schemas_ops = {.by_key = by_key, .subject = subject, .check = check};

/* --- the clock --- */

static struct twin_world *world_of_timer(struct timer *timer)
{
    return ((struct twin_member *)((char *)timer - offsetof(struct twin_member, timer)))->world;
}

static int64_t monotonic_ms(struct timer *timer)
{
    return world_of_timer(timer)->now_ms;
}

static int64_t wall_ms(struct timer *timer)
{
    const struct twin_world *world = world_of_timer(timer);
    return world->now_ms + world->wall_offset_ms;
}

static uint32_t random_below(struct timer *timer, uint32_t below)
{
    return twin_random(world_of_timer(timer), below);
}

static const struct timer_ops timer_ops = {monotonic_ms, wall_ms, random_below};

/* --- members --- */

static void init_member(struct twin_member *member, struct twin_world *world, int index)
{
    *member = (struct twin_member){.source = {&twin_source_ops},
                                   .sink = {&twin_sink_ops},
                                   .schemas = {&schemas_ops},
                                   .timer = {&timer_ops},
                                   .world = world,
                                   .index = index,
                                   .process = ++world->processes,
                                   .chunk = CHUNK};
    for (int i = 0; i < SINK_TOPICS; i++)
        member->targets[i].state = WEIR_ERR_BROKER_DOWN;
}

void twin_member_init(struct twin_member *member, struct twin_world *world)
{
    must(world->n_members < TWIN_MEMBERS_MAX);
    init_member(member, world, world->n_members++);
}

void twin_member_rival(struct twin_member *member, struct twin_world *world, int index)
{
    must(index < world->n_members);
    init_member(member, world, index);
}

void twin_member_restart(struct twin_member *member)
{
    struct twin_world *world = member->world;
    int index = member->index;
    twin_member_release(member);
    init_member(member, world, index);
}

void twin_member_release(struct twin_member *member)
{
    if (member->outstanding > 0)
        twin_damage(member->world, "%zu records were never given back", member->outstanding);
    twin_close_sink(member);
    free(member->borrowed);
    member->borrowed = NULL;
    member->cap_borrowed = 0;
}

/* --- faults --- */

void twin_script(struct twin_member *member, enum twin_op op, uint64_t nth, uint64_t times,
                 struct twin_fault fault)
{
    must(member->n_rules < TWIN_RULES_MAX && nth > 0);
    uint64_t from = member->calls[op] + nth - 1;
    member->rules[member->n_rules++] = (struct twin_rule){op, from, from + times, fault};
}

static struct twin_fault find_fault(struct twin_member *member, enum twin_op op)
{
    uint64_t call = member->calls[op]++;
    for (size_t i = 0; i < member->n_rules; i++) {
        const struct twin_rule *rule = &member->rules[i];
        if (rule->op == op && call >= rule->from && call < rule->until)
            return rule->fault;
    }
    return member->decide ? member->decide(member->context, member, op) : (struct twin_fault){0};
}

struct twin_fault twin_call(struct twin_member *member, enum twin_op op, struct weir_err *err)
{
    struct twin_fault fault = find_fault(member, op);
    if (fault.took_ms > 0)
        twin_wait(member, fault.took_ms);
    member->taint = member->taint || fault.taints;
    if (fault.code != WEIR_OK)
        (void)weir_fail(err, fault.code, "%s: %s", twin_op_name(op),
                        fault.text ? fault.text : weir_err_name(fault.code));
    return fault;
}

const char *twin_op_name(enum twin_op op)
{
    static const char *const names[TWIN_OPS] = {
        "start", "poll",    "rejoin", "seek", "pause",  "resume", "quiet",  "committed", "stamp", "taken",
        "open",  "refresh", "begin",  "send", "commit", "abort",  "by_key", "subject",   "check"};
    return names[op];
}
