#include "support/twin_journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "support/twin_judge.h"
#include "weir/sha256.h"

#define WHERE "journal of partition %" PRId32 ": "

/* The member as a number; -1 when it is none. */
static int64_t number(const json_t *object, const char *name)
{
    const json_t *member = json_object_get(object, name);
    return json_is_integer(member) ? json_integer_value(member) : -1;
}

static const char *text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value ? value : "";
}

/* --- plans and texts --- */

static bool known(const struct twin_texts *texts, const char *print)
{
    for (size_t i = 0; i < texts->n; i++)
        if (strcmp(texts->prints[i], print) == 0)
            return true;
    return false;
}

static void keep(struct twin_texts *texts, const char *print)
{
    if (known(texts, print))
        return;
    if (texts->n == texts->cap) {
        texts->cap = texts->cap ? texts->cap * 2 : 16;
        texts->prints = realloc(texts->prints, texts->cap * sizeof *texts->prints);
        if (!texts->prints)
            abort();
    }
    (void)snprintf(texts->prints[texts->n++], sizeof *texts->prints, "%s", print);
}

/* What the key says behind its kind must be the fingerprint of the content. */
static void judge_content(struct twin_world *world, const char *key, struct weir_bytes content)
{
    uint8_t digest[WEIR_SHA256_BYTES];
    char print[TWIN_PRINT];
    const char *named = strchr(key, ':');
    weir_sha256(content, digest);
    for (size_t i = 0; i < TWIN_PRINT / 2; i++)
        (void)snprintf(print + 2 * i, 3, "%02x", digest[i]);
    if (!named || strncmp(named + 1, print, TWIN_PRINT - 1) != 0)
        twin_damage(world, "journal: %s holds what has the fingerprint %s", key, print);
    keep(&world->texts, print);
}

/* Parts come one behind the other; with the last of them the text is whole. */
static void judge_text(struct twin_world *world, const char *key, const json_t *value)
{
    struct twin_texts *texts = &world->texts;
    const char *part = text(value, "text");
    texts->parts = realloc(texts->parts, texts->len + strlen(part) + 1);
    if (!texts->parts)
        abort();
    memcpy(texts->parts + texts->len, part, strlen(part) + 1);
    texts->len += strlen(part);
    if (number(value, "part") + 1 < number(value, "parts"))
        return;
    judge_content(world, key, weir_bytes_of(texts->parts));
    texts->len = 0;
}

static void judge_plan(struct twin_world *world, const char *key, const json_t *value,
                       struct weir_bytes bytes)
{
    judge_content(world, key, bytes);
    const char *const needs[] = {text(value, "config"), text(json_object_get(value, "reader"), "text"),
                                 text(json_object_get(value, "output"), "text")};
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        if (!known(&world->texts, needs[i]))
            twin_damage(world, "journal: %s names a text that is not there", key);
}

/* --- batches --- */

/* The same mixing as docs/journal.md describes, written from there. */
static uint64_t add_to_hash(uint64_t hash, const struct twin_input *input)
{
    char said[64];
    uint64_t word = UINT64_C(0xcbf29ce484222325);
    bool rejected = input->expect == WEIR_REJECT;
    (void)snprintf(said, sizeof said, "%s%s%s", weir_verdict_name(input->expect), rejected ? " " : "",
                   rejected ? weir_code_name(input->code) : "");
    for (const char *p = said; *p; p++)
        word = (word ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
    uint64_t x = hash ^ ((uint64_t)input->offset + word);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* What the world says about the offsets of a batch record. */
struct truth {
    int64_t first, records, passed, dropped;
    int64_t rejected[WEIR_CODE_COUNT];
    uint64_t hash;
};

static struct truth truth_of(const struct twin_partition *at, int64_t from, int64_t next)
{
    struct truth truth = {.first = -1};
    for (size_t i = twin_index_from(at, from); i < at->n && at->records[i].offset < next; i++) {
        const struct twin_input *input = &at->records[i];
        truth.first = truth.first < 0 ? input->offset : truth.first;
        truth.records++;
        truth.passed += input->expect == WEIR_PASS;
        truth.dropped += input->expect == WEIR_DROP;
        truth.rejected[input->expect == WEIR_REJECT ? input->code : WEIR_CODE_NONE]++;
        truth.hash = add_to_hash(truth.hash, input);
    }
    return truth;
}

static void judge_counts(struct twin_world *world, int32_t partition, const json_t *value,
                         const struct truth *truth)
{
    char hash[17];
    (void)snprintf(hash, sizeof hash, "%016" PRIx64, truth->hash);
    const json_t *reject = json_object_get(value, "reject");
    if (number(value, "first") != truth->first || number(value, "records") != truth->records ||
        number(value, "pass") != truth->passed || number(value, "drop") != truth->dropped)
        twin_damage(world, WHERE "%" PRId64 " records instead of %" PRId64, partition,
                    number(value, "records"), truth->records);
    for (int code = WEIR_CODE_NONE + 1; code < WEIR_CODE_COUNT; code++) {
        int64_t said = number(reject, weir_code_name((enum weir_code)code));
        if ((said < 0 ? 0 : said) != truth->rejected[code])
            twin_damage(world, WHERE "%" PRId64 " %s instead of %" PRId64, partition, said,
                        weir_code_name((enum weir_code)code), truth->rejected[code]);
    }
    if (strcmp(text(value, "hash"), hash) != 0)
        twin_damage(world, WHERE "hash %s instead of %s", partition, text(value, "hash"), hash);
}

static bool is_given(const struct twin_input *input)
{
    bool by_code = input->code == WEIR_CODE_UNKNOWN_SCHEMA || input->code == WEIR_CODE_TOO_LARGE;
    return input->expect == WEIR_REJECT && (input->given || by_code);
}

/* Whose bytes do not tell that they are rejected must stand in a range. */
static void judge_given(struct twin_world *world, const struct twin_partition *at, int32_t partition,
                        const json_t *value)
{
    int64_t given = 0;
    int64_t expected = 0;
    size_t i;
    const json_t *range;
    json_array_foreach(json_object_get(value, "given"), i,
                       range) for (int64_t offset = number(range, "first"); offset <= number(range, "last");
                                   offset++)
    {
        const struct twin_input *input = twin_input_at(world, partition, offset);
        given += input && strcmp(text(range, "code"), weir_code_name(input->code)) == 0;
    }
    int64_t next = number(value, "next");
    for (size_t k = twin_index_from(at, number(value, "from")); k < at->n && at->records[k].offset < next;
         k++)
        expected += is_given(&at->records[k]);
    if (given != expected)
        twin_damage(world, WHERE "%" PRId64 " given verdicts instead of %" PRId64, partition, given,
                    expected);
}

static void judge_batch(struct twin_world *world, const char *key, const json_t *value)
{
    char wanted[64];
    int32_t partition = (int32_t)number(value, "partition");
    if (partition < 0 || partition >= world->n_partitions) {
        twin_damage(world, "journal: partition %" PRId32, partition);
        return;
    }
    (void)snprintf(wanted, sizeof wanted, "batch:in:%" PRId32, partition);
    struct twin_partition *at = &world->partitions[partition];
    int64_t from = at->journaled >= 0 ? at->journaled : at->committed;
    bool begins = from < 0;
    if (strcmp(key, wanted) != 0 || number(value, "from") != (begins ? at->start : from) ||
        json_is_true(json_object_get(value, "begins")) != begins)
        twin_damage(world, WHERE "%s goes on from %" PRId64 " where %" PRId64 " is committed", partition, key,
                    number(value, "from"), from);
    struct truth truth = truth_of(at, number(value, "from"), number(value, "next"));
    judge_counts(world, partition, value, &truth);
    judge_given(world, at, partition, value);
    if (!known(&world->texts, text(value, "plan")))
        twin_damage(world, WHERE "plan %s is not there", partition, text(value, "plan"));
    const char *id;
    const json_t *print;
    json_object_foreach(json_object_get(value, "writers"), id,
                        print) if (!known(&world->texts, json_string_value(print)))
        twin_damage(world, WHERE "the schema of writer %s is not there", partition, id);
    at->journaled = number(value, "next");
}

/* --- a transaction --- */

void twin_journal_begin(struct twin_world *world)
{
    for (int32_t i = 0; i < world->n_partitions; i++)
        world->partitions[i].journaled = -1;
}

void twin_journal_judge(struct twin_world *world, const struct sink_record *record)
{
    json_error_t error;
    json_t *value = json_loadb((const char *)record->value.data, record->value.len, 0, &error);
    /* The copies of a twin end in a NUL. */
    const char *key = (const char *)record->key.data;
    const char *kind = text(value, "kind");
    if (number(value, "v") != 1)
        twin_damage(world, "journal: %s is no JSON of this version", key);
    else if (strcmp(kind, "batch") == 0)
        judge_batch(world, key, value);
    else if (strcmp(kind, "plan") == 0)
        judge_plan(world, key, value, record->value);
    else if (strcmp(kind, "text") == 0)
        judge_text(world, key, value);
    else
        twin_damage(world, "journal: %s is of no kind", key);
    json_decref(value);
}

void twin_journal_end(struct twin_world *world, const struct position *offsets, size_t n)
{
    for (size_t i = 0; world->has_journal && i < n; i++)
        if (world->partitions[offsets[i].partition].journaled != offsets[i].offset)
            twin_damage(world, WHERE "written up to %" PRId64 ", committed up to %" PRId64,
                        offsets[i].partition, world->partitions[offsets[i].partition].journaled,
                        offsets[i].offset);
}
