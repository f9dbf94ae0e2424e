#include "core/journal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "avro/json.h"
#include "weir/sha256.h"

/* Bytes of a SHA-256 that make a fingerprint: half of them name anything that will ever be written. */
#define PRINT_BYTES 16

void journal_print_of(struct weir_bytes text, struct journal_print *out)
{
    uint8_t digest[WEIR_SHA256_BYTES];
    weir_sha256(text, digest);
    for (size_t i = 0; i < PRINT_BYTES; i++)
        (void)snprintf(out->hex + 2 * i, 3, "%02x", digest[i]);
}

static struct weir_bytes written(const struct weir_arena *arena)
{
    return (struct weir_bytes){arena->base, arena->used};
}

/* printf at the end; what is written here is bounded by the limits of what it is made of, and asserted. */
#define PUT(arena, ...)                                                                                      \
    do {                                                                                                     \
        (void)weir_arena_printf((arena), weir_arena_left(arena), __VA_ARGS__);                               \
        assert(weir_arena_left(arena) > 0);                                                                  \
    } while (0)

/* --- plans and texts --- */

static void put_schema(struct weir_arena *arena, const char *name, const struct journal_schema *schema)
{
    struct journal_print print;
    journal_print_of(schema->text, &print);
    PUT(arena, ",\"%s\":{\"subject\":", name);
    bool fits = json_write_text(arena, weir_bytes_of(schema->subject));
    assert(fits);
    (void)fits;
    PUT(arena, ",\"version\":%" PRId64 ",\"id\":%" PRIu32 ",\"text\":\"%s\"}", schema->version, schema->id,
        print.hex);
}

struct weir_bytes journal_write_plan(const struct journal_plan *plan, uint8_t buffer[JOURNAL_VALUE_MAX],
                                     struct journal_print *print)
{
    struct weir_arena arena;
    weir_arena_init(&arena, buffer, JOURNAL_VALUE_MAX);
    journal_print_of(plan->config, print);
    PUT(&arena, "{\"v\":%d,\"kind\":\"plan\",\"pipeline\":\"%s\",\"program\":\"weir %s\",\"config\":\"%s\"",
        JOURNAL_VERSION, plan->pipeline, plan->program, print->hex);
    put_schema(&arena, "reader", &plan->reader);
    put_schema(&arena, "output", &plan->output);
    PUT(&arena, "}");
    journal_print_of(written(&arena), print);
    return written(&arena);
}

size_t journal_cut(struct weir_bytes text, size_t max)
{
    assert(max >= 4);
    if (text.len <= max)
        return text.len;
    /* A character has at most three bytes that go on; text that is none is cut anywhere. */
    size_t len = max;
    while (len > max - 4 && (text.data[len] & 0xC0) == 0x80)
        len--;
    return len > max - 4 ? len : max;
}

bool journal_write_text(struct weir_bytes part, size_t number, size_t of, struct weir_arena *arena,
                        struct weir_bytes *value)
{
    if (weir_arena_left(arena) < part.len * JOURNAL_TEXT_GROWTH + JOURNAL_TEXT_FRAME)
        return false;
    size_t from = arena->used;
    PUT(arena, "{\"v\":%d,\"kind\":\"text\",\"part\":%zu,\"parts\":%zu,\"text\":", JOURNAL_VERSION, number,
        of);
    if (!json_write_text(arena, part))
        return false;
    PUT(arena, "}");
    *value = (struct weir_bytes){arena->base + from, arena->used - from};
    return true;
}

/* --- keys --- */

static struct weir_bytes key(uint8_t buffer[JOURNAL_KEY_MAX], int length)
{
    assert(length > 0 && length < JOURNAL_KEY_MAX);
    return (struct weir_bytes){buffer, (size_t)length};
}

struct weir_bytes journal_key_batch(const char *topic, int32_t partition, uint8_t buffer[JOURNAL_KEY_MAX])
{
    return key(buffer, snprintf((char *)buffer, JOURNAL_KEY_MAX, "batch:%s:%" PRId32, topic, partition));
}

struct weir_bytes journal_key_plan(const struct journal_print *print, uint8_t buffer[JOURNAL_KEY_MAX])
{
    return key(buffer, snprintf((char *)buffer, JOURNAL_KEY_MAX, "plan:%s", print->hex));
}

struct weir_bytes journal_key_text(const struct journal_print *print, size_t number,
                                   uint8_t buffer[JOURNAL_KEY_MAX])
{
    return key(buffer, snprintf((char *)buffer, JOURNAL_KEY_MAX, "text:%s:%zu", print->hex, number));
}

/* --- batches --- */

static uint64_t fnv1a(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    return hash;
}

void journal_words_init(struct journal_words *words)
{
    const uint64_t basis = UINT64_C(0xcbf29ce484222325);
    words->of[WEIR_CODE_NONE] = fnv1a(basis, weir_verdict_name(WEIR_PASS));
    words->of[JOURNAL_DROP] = fnv1a(basis, weir_verdict_name(WEIR_DROP));
    for (int code = WEIR_CODE_NONE + 1; code < WEIR_CODE_COUNT; code++)
        words->of[code] = fnv1a(fnv1a(fnv1a(basis, weir_verdict_name(WEIR_REJECT)), " "),
                                weir_code_name((enum weir_code)code));
}

void journal_span_begin(struct journal_span *span, int32_t partition, int64_t from, bool begins)
{
    span->partition = partition;
    span->from = span->first = span->next = from;
    span->begins = begins;
    span->giving = span->any = false;
    span->hash = 0;
    span->n_given = span->n_writers = 0;
    for (size_t i = 0; i < JOURNAL_KINDS; i++)
        span->counts[i] = 0;
}

/* The last step of splitmix64: each bit of x moves half of the result's. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t journal_step(uint64_t hash, const struct journal_words *words, int64_t offset, unsigned kind)
{
    return mix(hash ^ ((uint64_t)offset + words->of[kind]));
}

/* False when there is no room for one more. Runs of one writer are the rule, so the last comes first. */
static bool note_writer(struct journal_span *span, struct journal_writer *writer)
{
    for (size_t i = span->n_writers; i-- > 0;)
        if (span->writers[i] == writer)
            return true;
    if (span->n_writers == JOURNAL_WRITERS_MAX)
        return false;
    span->writers[span->n_writers++] = writer;
    return true;
}

/* Records without another in between share a range: the one that the entry belongs to, or NULL. */
static struct journal_given *range_of(struct journal_span *span, const struct journal_entry *entry)
{
    struct journal_given *last = span->n_given ? &span->given[span->n_given - 1] : NULL;
    return span->giving && last && last->kind == entry->kind ? last : NULL;
}

static void note_given(struct journal_span *span, const struct journal_entry *entry)
{
    struct journal_given *range = range_of(span, entry);
    if (!range) {
        range = &span->given[span->n_given++];
        *range = (struct journal_given){.first = entry->offset, .kind = entry->kind};
    }
    range->last = entry->offset;
}

bool journal_span_add(struct journal_span *span, const struct journal_words *words,
                      const struct journal_entry *entry)
{
    if (entry->given && span->n_given == JOURNAL_GIVEN_MAX && !range_of(span, entry))
        return false;
    if (entry->writer && !note_writer(span, entry->writer))
        return false;
    if (entry->given)
        note_given(span, entry);
    span->giving = entry->given;
    if (!span->any)
        span->first = entry->offset;
    span->any = true;
    span->next = entry->offset + 1;
    span->counts[entry->kind]++;
    span->hash = journal_step(span->hash, words, entry->offset, entry->kind);
    return true;
}

static void put_counts(struct weir_arena *arena, const struct journal_span *span)
{
    uint64_t records = 0;
    for (size_t i = 0; i < JOURNAL_KINDS; i++)
        records += span->counts[i];
    PUT(arena, ",\"records\":%" PRIu64 ",\"pass\":%" PRIu32 ",\"drop\":%" PRIu32 ",\"reject\":{", records,
        span->counts[WEIR_CODE_NONE], span->counts[JOURNAL_DROP]);
    const char *joint = "";
    for (int code = WEIR_CODE_NONE + 1; code < WEIR_CODE_COUNT; code++) {
        if (span->counts[code] == 0)
            continue;
        PUT(arena, "%s\"%s\":%" PRIu32, joint, weir_code_name((enum weir_code)code), span->counts[code]);
        joint = ",";
    }
    PUT(arena, "}");
}

static void put_writers(struct weir_arena *arena, const struct journal_span *span)
{
    PUT(arena, ",\"writers\":{");
    for (size_t i = 0; i < span->n_writers; i++) {
        char key[WEIR_SCHEMA_KEY_TEXT];
        PUT(arena, "%s\"%s\":\"%s\"", i ? "," : "", weir_schema_key_print(&span->writers[i]->key, key),
            span->writers[i]->print.hex);
    }
    PUT(arena, "}");
}

static void put_given(struct weir_arena *arena, const struct journal_span *span)
{
    for (size_t i = 0; i < span->n_given; i++)
        PUT(arena, "%s{\"first\":%" PRId64 ",\"last\":%" PRId64 ",\"code\":\"%s\"}", i ? "," : ",\"given\":[",
            span->given[i].first, span->given[i].last, weir_code_name((enum weir_code)span->given[i].kind));
    if (span->n_given)
        PUT(arena, "]");
}

struct weir_bytes journal_write_batch(const struct journal_span *span, const char *topic,
                                      const struct journal_print *plan, uint8_t buffer[JOURNAL_VALUE_MAX])
{
    struct weir_arena arena;
    weir_arena_init(&arena, buffer, JOURNAL_VALUE_MAX);
    PUT(&arena,
        "{\"v\":%d,\"kind\":\"batch\",\"topic\":\"%s\",\"partition\":%" PRId32 ",\"from\":%" PRId64
        "%s,\"first\":%" PRId64 ",\"next\":%" PRId64 ",\"plan\":\"%s\"",
        JOURNAL_VERSION, topic, span->partition, span->from, span->begins ? ",\"begins\":true" : "",
        span->first, span->next, plan->hex);
    put_writers(&arena, span);
    put_counts(&arena, span);
    put_given(&arena, span);
    PUT(&arena, ",\"hash\":\"%016" PRIx64 "\"}", span->hash);
    return written(&arena);
}
