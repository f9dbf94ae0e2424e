#include "sim/setting.h"

#include <stdlib.h>

#include "support/twin_rig.h"

#define SMALL_BYTES 1000
#define LARGE_BYTES ((size_t)1048588)
#define LARGE_TEXT  2000
#define TROUBLE_MS  20000
#define FIRST_ID    100
#define IDS_MAX     200
#define UNUSABLE_ID 9
#define READER      "in-value"
#define OUTPUT      "out-value"
#define FIELD(extra)                                                                                         \
    "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"v\",\"type\":\"string\",\"default\":"       \
    "\"\"}" extra "]}"

static const char *const texts[SETTING_VERSIONS] = {
    FIELD(""), FIELD(",{\"name\":\"w\",\"type\":\"int\",\"default\":1}"),
    FIELD(",{\"name\":\"x\",\"type\":[\"null\",\"string\"],\"default\":null}")};

static struct weir_schema *parse(const char *text)
{
    struct weir_schema *schema = NULL;
    struct weir_err err = {0};
    if (weir_schema_parse(weir_bytes_of(text), &schema, &err) != WEIR_OK)
        abort();
    return schema;
}

/* --- making it --- */

#define PICK(world, ...)                                                                                     \
    ((const int64_t[]){__VA_ARGS__})[twin_random(                                                            \
        world, (uint32_t)(sizeof(const int64_t[]){__VA_ARGS__} / sizeof(int64_t)))]

static bool one_in(struct twin_world *world, uint32_t n)
{
    return twin_random(world, n) == 0;
}

/* Chance of its own, since the world is made with what it says. */
static struct rig_options draw_options(struct twin_world *dice)
{
    struct rig_options options = {.partitions = 1 + (int32_t)twin_random(dice, 8),
                                  .max_records = PICK(dice, 1, 2, 7, 20, 50, 50, 200),
                                  .max_bytes = PICK(dice, 1, 100, 1000, 1 << 20, 1 << 20, 1 << 20),
                                  .follows = one_in(dice, 2),
                                  .journal = !one_in(dice, 4)};
    options.deadline_ms = one_in(dice, 3) ? PICK(dice, 500, 5000, 20000) : INT64_MAX;
    if (!one_in(dice, 2))
        return options;
    options.breaker_ratio = PICK(dice, 100000, 500000, 900000);
    options.breaker_records = PICK(dice, 4, 20, 100);
    options.breaker_hold_ms = PICK(dice, 500, 5000, 20000);
    return options;
}

static void add_schemas(struct setting *setting, struct twin_world *world)
{
    for (size_t i = 0; i < SETTING_VERSIONS; i++)
        setting->schemas[i] = parse(texts[i]);
    setting->misfit = parse(rig_misfit_text);
    twin_add_schema(world, RIG_ID, setting->schemas[0]);
    twin_add_schema(world, RIG_MISFIT, setting->misfit);
    twin_add_schema(world, UNUSABLE_ID, NULL);
    for (size_t i = 0; i < 2; i++)
        setting->first[i] = (struct schemas_version){.schema = setting->schemas[0], .id = 1, .version = 1};
    setting->version = 1;
    setting->next_id = FIRST_ID;
    twin_register(world, READER, 1, setting->schemas[0]);
    twin_register(world, OUTPUT, 1, setting->schemas[0]);
}

/* How the brokers are. */
static void make_cluster(struct setting *setting, struct twin_world *world)
{
    world->n_members = 1 + (int)twin_random(world, TWIN_MEMBERS_MAX);
    world->transaction_timeout_ms = PICK(world, 1500, 5000, 30000, 60000);
    world->requests_linger = twin_random(world, 4);
    world->joins_unseen = one_in(world, 2);
    world->late_ms = PICK(world, 0, 1000, 20000);
    setting->large = one_in(world, 3);
    for (int i = 0; i < SINK_TOPICS; i++)
        world->topics[i].partitions = 1 + (int32_t)twin_random(world, 8);
    if (setting->large)
        world->topics[SINK_OUTPUT].max_message_bytes = SMALL_BYTES;
}

void setting_make(struct setting *setting, struct twin_world *world, uint64_t seed)
{
    static struct twin_world dice;
    dice.seed = seed * UINT64_C(0x2545f4914f6cdd1d);
    struct rig_options options = draw_options(&dice);
    *setting = (struct setting){.follows = options.follows,
                                .honest = options.deadline_ms != INT64_MAX,
                                .deadline_ms = options.deadline_ms};
    twin_world_init(world, options.partitions, seed);
    world->has_journal = options.journal;
    rig_fill_spec(&setting->spec, &options);
    setting->spec.transaction.interval_ms = PICK(world, 1, 20, 100);
    setting->weather = (uint32_t)PICK(world, 1, 2, 4, 10);
    setting->chunk = (uint32_t)PICK(world, 1, 5, 20, 100);
    setting->backlog = (uint32_t)PICK(world, 5, 30, 100);
    setting->steps = 500 + twin_random(world, 3000);
    make_cluster(setting, world);
    add_schemas(setting, world);
}

void setting_release(struct setting *setting, struct twin_world *world)
{
    twin_world_release(world);
    for (size_t i = 0; i < SETTING_VERSIONS; i++)
        weir_schema_free(setting->schemas[i]);
    weir_schema_free(setting->misfit);
}

/* --- records --- */

static struct twin_input *reject(struct twin_input *input, enum weir_code code)
{
    input->expect = WEIR_REJECT;
    input->code = code;
    return input;
}

/* Records of a writer that is not simply well. */
static struct twin_input *put_writer(struct setting *setting, struct twin_world *world, int32_t partition)
{
    bool more = setting->next_id < FIRST_ID + IDS_MAX;
    switch (twin_random(world, more ? 3 : 2)) {
    case 0: return reject(rig_produce_avro(world, partition, RIG_MISFIT, "1"), WEIR_CODE_SCHEMA_MISMATCH);
    case 1: {
        struct twin_input *input =
            reject(rig_produce_avro(world, partition, UNUSABLE_ID, "1"), WEIR_CODE_SCHEMA_MISMATCH);
        input->given = true;
        return input;
    }
    default: {
        struct twin_input *input = rig_produce_avro(world, partition, setting->next_id, "late");
        return setting->honest ? reject(input, WEIR_CODE_UNKNOWN_SCHEMA) : input;
    }
    }
}

static struct twin_input *put_large(const struct setting *setting, struct twin_world *world,
                                    int32_t partition)
{
    struct twin_input *input = rig_produce_long(world, partition, LARGE_TEXT + twin_random(world, 100));
    return setting->large ? reject(input, WEIR_CODE_TOO_LARGE) : input;
}

static void put_one(struct setting *setting, struct twin_world *world, int32_t partition)
{
    static const struct weir_header headers[] = {{"trace", {(const uint8_t *)"1", 1}},
                                                 {"__weir.errors.code", {(const uint8_t *)"old", 3}},
                                                 {"trace", {NULL, 0}}};
    struct twin_input *input = NULL;
    uint32_t dice = twin_random(world, 100);
    if (dice == 0)
        input = put_writer(setting, world, partition);
    else if (dice == 1)
        input = put_large(setting, world, partition);
    else
        input = rig_produce(world, partition, (enum rig_kind)(dice < 40 ? RIG_PASS : dice % RIG_KINDS));
    if (one_in(world, 20))
        twin_set_headers(input, headers, COUNT(headers));
}

void setting_produce(struct setting *setting, struct twin_world *world)
{
    int32_t partition = (int32_t)twin_random(world, (uint32_t)world->n_partitions);
    const struct twin_partition *at = &world->partitions[partition];
    uint32_t n = twin_random(world, 12);
    if (one_in(world, 10))
        twin_gap(world, partition, 1 + twin_random(world, 3));
    if (at->end - (at->committed > 0 ? at->committed : 0) > setting->backlog)
        return;
    for (uint32_t i = 0; i < n; i++)
        put_one(setting, world, partition);
}

/* --- what fails --- */

static void mend(void *context)
{
    struct twin_world *world = context;
    world->brokers_down = world->registry_down = world->input_missing = false;
    for (int i = 0; i < SINK_TOPICS; i++)
        world->topics[i].state = WEIR_OK;
    world->topics[SINK_DEAD_LETTER].max_message_bytes = LARGE_BYTES;
    world->topics[SINK_JOURNAL].max_message_bytes = LARGE_BYTES;
}

void setting_break(struct setting *setting, struct twin_world *world)
{
    static const enum weir_err_code states[] = {WEIR_ERR_TOPIC_MISSING, WEIR_ERR_TOPIC_DENIED};
    (void)setting;
    switch (twin_random(world, 8)) {
    case 0:
    case 1: world->brokers_down = true; break;
    case 2: world->registry_down = true; break;
    case 3: world->input_missing = true; break;
    case 4: world->topics[SINK_DEAD_LETTER].max_message_bytes = SMALL_BYTES; break;
    case 5: world->topics[SINK_JOURNAL].max_message_bytes = SMALL_BYTES; break;
    default: world->topics[twin_random(world, SINK_TOPICS)].state = states[twin_random(world, COUNT(states))];
    }
    if (world->n_events < TWIN_EVENTS_MAX)
        twin_after(world, 1 + twin_random(world, one_in(world, 4) ? 4 * TROUBLE_MS : TROUBLE_MS / 4), mend,
                   world);
}

/* --- schemas --- */

static void publish(struct setting *setting, struct twin_world *world)
{
    if (setting->honest || setting->next_id == FIRST_ID + IDS_MAX)
        return;
    twin_add_schema(world, setting->next_id++, setting->schemas[0]);
}

void setting_register(struct setting *setting, struct twin_world *world)
{
    publish(setting, world);
    const struct weir_schema *schema = setting->schemas[twin_random(world, SETTING_VERSIONS)];
    if (one_in(world, 6))
        schema = one_in(world, 2) ? setting->misfit : NULL;
    twin_register(world, one_in(world, 3) ? OUTPUT : READER, ++setting->version, schema);
}

void setting_mend(struct setting *setting, struct twin_world *world)
{
    world->n_events = 0;
    mend(world);
    publish(setting, world);
}
