#include "core/envelope.h"

#include <assert.h>
#include <inttypes.h>
#include <stdalign.h>
#include <string.h>

#include "core/format.h"

#define OWN(name) ENVELOPE_PREFIX "errors." name

static const char first_failed_name[] = OWN("first.failed");

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

static void add(struct list *list, const char *name, struct weir_bytes value)
{
    assert(list->n < list->room);
    list->headers[list->n++] = (struct weir_header){name, value};
}

/* Texts that are absent, or empty, make no header. */
static void add_text(struct list *list, const char *name, const char *text)
{
    if (text && *text)
        add(list, name, weir_bytes_of(text));
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

static void add_message(struct list *list, struct weir_bytes text)
{
    if (text.data && text.len > 0)
        add(list, OWN("message"), (struct weir_bytes){text.data, cut_length(text, ENVELOPE_MESSAGE_MAX)});
}

/* True for a number that add_number could have written. */
static bool is_number(struct weir_bytes text)
{
    int64_t ignored;
    return text.data && format_integer(text, &ignored);
}

/* The record's own headers stay as they are and in their order; ours go. Returns the time of the first
 * failure that the record carries already, the last valid one where there are several. */
static struct weir_bytes keep_foreign(struct list *list, const struct weir_record *record)
{
    struct weir_bytes first_failed = WEIR_NO_BYTES;
    for (size_t i = 0; i < record->n_headers; i++) {
        const struct weir_header *header = &record->headers[i];
        if (!envelope_is_own(header->name))
            add(list, header->name, header->value);
        else if (strcmp(header->name, first_failed_name) == 0 && is_number(header->value))
            first_failed = header->value;
    }
    return first_failed;
}

static void add_reason(struct list *list, const struct weir_reason *why)
{
    add_text(list, OWN("code"), weir_code_name(why->code));
    add_message(list, why->text);
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

bool envelope_wrap(const struct weir_record *record, const struct weir_outcome *outcome,
                   const struct envelope_context *context, int64_t now_ms, struct weir_arena *arena,
                   const struct weir_header **headers, size_t *n_headers)
{
    assert(outcome->verdict == WEIR_REJECT);
    struct list list = {.room = record->n_headers + ENVELOPE_HEADERS_MAX, .arena = arena};
    list.headers = weir_arena_alloc(arena, list.room * sizeof *list.headers, alignof(struct weir_header));
    if (!list.headers)
        return false;
    struct weir_bytes first_failed = keep_foreign(&list, record);
    add_reason(&list, &outcome->why);
    add_origin(&list, record, context);
    if (first_failed.data)
        add(&list, first_failed_name, first_failed);
    else
        add_number(&list, first_failed_name, now_ms);
    add_text(&list, OWN("pipeline"), context->pipeline);
    add_text(&list, OWN("version"), context->version);
    *headers = list.headers;
    *n_headers = list.n;
    return !list.full;
}
