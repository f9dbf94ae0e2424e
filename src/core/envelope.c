#include "core/envelope.h"

#include <assert.h>
#include <inttypes.h>
#include <stdalign.h>
#include <string.h>

#include "core/format.h"

#define OWN(name)     ENVELOPE_PREFIX "errors." name
#define CONNECT(name) "__connect.errors." name
#define STREAMS(name) "__streams.errors." name

static const char first_failed_name[] = OWN("first.failed");
static const char message_name[] = OWN("message");

/* What stays of ours however short a letter must be: it tells which record this is, and whose. */
static const char *const identifying[] = {OWN("code"),   OWN("topic"),    OWN("partition"),
                                          OWN("offset"), OWN("pipeline"), ENVELOPE_REFERENCE_NAME};

/* Longest decimal of 64 bits, its sign included. */
#define DECIMAL_MAX 20

/* The letter's headers while they are put together: room for all was made beforehand. */
struct list {
    struct weir_header *headers;
    size_t n;
    size_t room;
    struct weir_arena *arena;
    bool full;
};

bool envelope_is_own(const char *name)
{
    return strncmp(name, ENVELOPE_PREFIX, sizeof ENVELOPE_PREFIX - 1) == 0;
}

bool envelope_is_added(const char *name, enum weir_dialect dialect)
{
    static const char *const prefixes[] = {
        [WEIR_DIALECT_WEIR] = ENVELOPE_PREFIX,
        [WEIR_DIALECT_CONNECT] = CONNECT(""),
        [WEIR_DIALECT_STREAMS] = STREAMS(""),
    };
    return envelope_is_own(name) || strncmp(name, prefixes[dialect], strlen(prefixes[dialect])) == 0;
}

static void add(struct list *list, const char *name, struct weir_bytes value)
{
    assert(list->n < list->room);
    list->headers[list->n++] = (struct weir_header){name, value};
}

static void add_number(struct list *list, const char *name, int64_t number)
{
    /* A decimal cut short would be a wrong number, so it is written only where the longest fits. */
    if (weir_arena_left(list->arena) <= DECIMAL_MAX) {
        list->full = true;
        return;
    }
    add(list, name, weir_arena_printf(list->arena, DECIMAL_MAX, "%" PRId64, number));
}

static void add_key(struct list *list, const char *name, const struct weir_schema_key *key)
{
    char text[WEIR_SCHEMA_KEY_TEXT];
    struct weir_bytes copy = weir_arena_copy(list->arena, weir_bytes_of(weir_schema_key_print(key, text)));
    if (copy.data)
        add(list, name, copy);
    else
        list->full = true;
}

/* The text's length when cut to max bytes, without cutting a UTF-8 sequence in two. */
static size_t cut_length(struct weir_bytes text, size_t max)
{
    if (text.len <= max)
        return text.len;
    size_t len = max;
    while (len > 0 && (text.data[len] & 0xC0) == 0x80)
        len--;
    return len;
}

/* Texts that are absent, or empty, make no header. */
static void add_cut(struct list *list, const char *name, struct weir_bytes text, size_t max)
{
    if (text.data && text.len > 0)
        add(list, name, (struct weir_bytes){text.data, cut_length(text, max)});
}

/* The longest are topics, of 249 bytes. */
static void add_text(struct list *list, const char *name, const char *text)
{
    add_cut(list, name, weir_bytes_of(text), ENVELOPE_FIELD_MAX);
}

static void add_message(struct list *list, const char *name, struct weir_bytes text)
{
    add_cut(list, name, text, ENVELOPE_MESSAGE_MAX);
}

/* True for a number that add_number could have written. */
static bool is_number(struct weir_bytes text)
{
    int64_t ignored;
    return text.data && format_integer(text, &ignored);
}

/* The record's own headers stay as they are and in their order; ours go. Returns the time of the first
 * failure that the record carries already, the last valid one where there are several. */
static struct weir_bytes keep_foreign(struct list *list, const struct weir_record *record,
                                      enum weir_dialect dialect)
{
    struct weir_bytes first_failed = WEIR_NO_BYTES;
    for (size_t i = 0; i < record->n_headers; i++) {
        const struct weir_header *header = &record->headers[i];
        if (!envelope_is_added(header->name, dialect))
            add(list, header->name, header->value);
        else if (strcmp(header->name, first_failed_name) == 0 && is_number(header->value))
            first_failed = header->value;
    }
    return first_failed;
}

static void add_reason(struct list *list, const struct weir_reason *why)
{
    add_text(list, OWN("code"), weir_code_name(why->code));
    add_message(list, message_name, why->text);
    add_text(list, OWN("stage"), weir_code_stage(why->code));
    add_text(list, OWN("field"), why->field);
}

static void add_origin(struct list *list, const struct weir_record *record,
                       const struct envelope_context *context)
{
    add_text(list, OWN("topic"), context->topic);
    add_number(list, OWN("partition"), record->partition);
    add_number(list, OWN("offset"), record->offset);
    if (record->timestamp_ms >= 0)
        add_number(list, OWN("timestamp"), record->timestamp_ms);
    if (context->has_schema)
        add_key(list, OWN("schema.id"), &context->schema);
    if (context->reader_version > 0)
        add_number(list, OWN("reader.version"), context->reader_version);
}

/* Where in Kafka Connect's way of a record the like happens (its enum Stage). */
static const char *connect_stage(enum weir_code code)
{
    static const struct {
        const char *ours, *theirs;
    } stages[] = {
        {"wire", "VALUE_CONVERTER"},     {"decode", "VALUE_CONVERTER"}, {"check", "TRANSFORMATION"},
        {"transform", "TRANSFORMATION"}, {"output", "TASK_PUT"},
    };
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++)
        if (strcmp(stages[i].ours, weir_code_stage(code)) == 0)
            return stages[i].theirs;
    return NULL;
}

static void add_connect(struct list *list, const struct weir_record *record, const struct weir_reason *why,
                        const struct envelope_context *context)
{
    add_text(list, CONNECT("topic"), context->topic);
    add_number(list, CONNECT("partition"), record->partition);
    add_number(list, CONNECT("offset"), record->offset);
    add_text(list, CONNECT("connector.name"), context->pipeline);
    add_text(list, CONNECT("stage"), connect_stage(why->code));
    add_text(list, CONNECT("class.name"), "weir");
    add_text(list, CONNECT("exception.class.name"), weir_code_name(why->code));
    add_message(list, CONNECT("exception.message"), why->text);
}

static void add_streams(struct list *list, const struct weir_record *record, const struct weir_reason *why,
                        const struct envelope_context *context)
{
    add_text(list, STREAMS("exception"), weir_code_name(why->code));
    add_message(list, STREAMS("message"), why->text);
    add_text(list, STREAMS("topic"), context->topic);
    add_number(list, STREAMS("partition"), record->partition);
    add_number(list, STREAMS("offset"), record->offset);
}

static void add_dialect(struct list *list, const struct weir_record *record, const struct weir_reason *why,
                        const struct envelope_context *context)
{
    if (context->dialect == WEIR_DIALECT_CONNECT)
        add_connect(list, record, why, context);
    else if (context->dialect == WEIR_DIALECT_STREAMS)
        add_streams(list, record, why, context);
}

bool envelope_wrap(const struct weir_record *record, const struct weir_outcome *outcome,
                   const struct envelope_context *context, int64_t now_ms, struct weir_arena *arena,
                   struct weir_header **headers, size_t *n_headers)
{
    assert(outcome->verdict == WEIR_REJECT);
    struct list list = {.room = record->n_headers + ENVELOPE_HEADERS_MAX, .arena = arena};
    list.headers = weir_arena_alloc(arena, list.room * sizeof *list.headers, alignof(struct weir_header));
    if (!list.headers)
        return false;
    struct weir_bytes first_failed = keep_foreign(&list, record, context->dialect);
    add_reason(&list, &outcome->why);
    add_origin(&list, record, context);
    if (first_failed.data)
        add(&list, first_failed_name, first_failed);
    else
        add_number(&list, first_failed_name, now_ms);
    add_text(&list, OWN("pipeline"), context->pipeline);
    add_text(&list, OWN("version"), context->version);
    add_dialect(&list, record, &outcome->why, context);
    *headers = list.headers;
    *n_headers = list.n;
    return !list.full;
}

static bool is_identifying(const char *name)
{
    for (size_t i = 0; i < sizeof identifying / sizeof identifying[0]; i++)
        if (strcmp(identifying[i], name) == 0)
            return true;
    return false;
}

/* Cuts the message by at least excess bytes, if it has them. Returns what was saved. */
static size_t cut_message(struct weir_header *headers, size_t n, size_t excess)
{
    for (size_t i = 0; i < n; i++) {
        struct weir_bytes *text = &headers[i].value;
        if (strcmp(headers[i].name, message_name) != 0 || text->len <= excess)
            continue;
        size_t len = cut_length(*text, text->len - excess);
        size_t saved = text->len - len;
        text->len = len;
        return len > 0 ? saved : 0;
    }
    return 0;
}

size_t envelope_shorten(struct weir_header *headers, size_t n, enum weir_dialect dialect, size_t excess)
{
    if (cut_message(headers, n, excess) >= excess)
        return n;
    size_t saved = 0, kept = 0;
    for (int message = 1; message >= 0 && saved < excess; message--) {
        kept = 0;
        for (size_t i = 0; i < n; i++) {
            const char *name = headers[i].name;
            bool goes = envelope_is_added(name, dialect) && !is_identifying(name) &&
                        (strcmp(name, message_name) == 0) == (message == 1) && saved < excess;
            if (goes)
                saved += strlen(name) + headers[i].value.len;
            else
                headers[kept++] = headers[i];
        }
        n = kept;
    }
    return n;
}

bool envelope_refer(const struct weir_record *record, const char *topic, struct weir_arena *arena,
                    struct weir_header *headers, size_t *n_headers, struct weir_bytes *value)
{
    if (weir_arena_left(arena) <= ENVELOPE_REFERENCE_MAX)
        return false;
    *value =
        weir_arena_printf(arena, ENVELOPE_REFERENCE_MAX,
                          "{\"topic\":\"%s\",\"partition\":%" PRId32 ",\"offset\":%" PRId64 ",\"size\":%zu}",
                          topic, record->partition, record->offset, record->value.len);
    headers[(*n_headers)++] = (struct weir_header){ENVELOPE_REFERENCE_NAME, weir_bytes_of("value")};
    return true;
}
