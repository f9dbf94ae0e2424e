#include "dlq/letter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/envelope.h"
#include "core/format.h"

/* What the name of a topic is made of (org.apache.kafka.common.internals.Topic). */
#define TOPIC_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

#define OWN(name) ENVELOPE_PREFIX "errors." name

/* The last header of that name, as Kafka's clients choose; no value when there is none. */
static struct weir_bytes find(const struct weir_record *record, const char *name)
{
    for (size_t i = record->n_headers; i > 0; i--)
        if (strcmp(record->headers[i - 1].name, name) == 0)
            return record->headers[i - 1].value;
    return WEIR_NO_BYTES;
}

static int64_t find_number(const struct weir_record *record, const char *name)
{
    int64_t number = -1;
    struct weir_bytes text = find(record, name);
    return text.data && format_integer(text, &number) && number >= 0 ? number : -1;
}

static bool set_place(struct letter_place *place, struct weir_bytes topic, int64_t partition, int64_t offset)
{
    if (!topic.data || topic.len == 0 || topic.len >= sizeof place->topic || partition < 0 ||
        partition > INT32_MAX || offset < 0)
        return false;
    memcpy(place->topic, topic.data, topic.len);
    place->topic[topic.len] = '\0';
    place->partition = (int32_t)partition;
    place->offset = offset;
    /* A header can be forged; what is no name that Kafka allows came from nowhere. */
    return strspn(place->topic, TOPIC_CHARACTERS) == topic.len;
}

bool letter_read(const struct weir_record *record, struct letter *letter)
{
    *letter = (struct letter){
        .record = record,
        .code = find(record, OWN("code")),
        .stage = find(record, OWN("stage")),
        .message = find(record, OWN("message")),
        .field = find(record, OWN("field")),
        .pipeline = find(record, OWN("pipeline")),
        .version = find(record, OWN("version")),
        .timestamp_ms = find_number(record, OWN("timestamp")),
        .first_failed_ms = find_number(record, OWN("first.failed")),
        .schema_id = find(record, OWN("schema.id")),
        .reader_version = find_number(record, OWN("reader.version")),
        .reference = find(record, ENVELOPE_REFERENCE_NAME).data != NULL,
    };
    return letter->code.data &&
           set_place(&letter->source, find(record, OWN("topic")), find_number(record, OWN("partition")),
                     find_number(record, OWN("offset")));
}

bool letter_is_of(const struct letter *letter, const char *pipeline)
{
    return weir_bytes_equal(letter->pipeline, weir_bytes_of(pipeline));
}

void letter_original(const struct letter *letter, enum weir_dialect dialect, struct weir_header *headers,
                     struct weir_record *out)
{
    const struct weir_record *record = letter->record;
    size_t n = 0;
    for (size_t i = 0; i < record->n_headers; i++)
        if (!envelope_is_added(record->headers[i].name, dialect))
            headers[n++] = record->headers[i];
    *out = (struct weir_record){
        .key = record->key,
        .value = record->value,
        .headers = headers,
        .n_headers = n,
        .partition = letter->source.partition,
        .offset = letter->source.offset,
        .timestamp_ms = letter->timestamp_ms >= 0 ? letter->timestamp_ms : record->timestamp_ms,
    };
}

int64_t letter_time_ms(const struct letter *letter)
{
    return letter->first_failed_ms >= 0 ? letter->first_failed_ms : letter->record->timestamp_ms;
}

const char *letter_place_print(const struct letter_place *place, char text[LETTER_PLACE_MAX])
{
    (void)snprintf(text, LETTER_PLACE_MAX, "%s:%" PRId32 ":%" PRId64, place->topic, place->partition,
                   place->offset);
    return text;
}

static int64_t number_of(const char *text, size_t len)
{
    int64_t number = -1;
    bool decimal = len > 0 && strspn(text, "0123456789") >= len;
    return decimal && format_integer((struct weir_bytes){(const uint8_t *)text, len}, &number) ? number : -1;
}

bool letter_place_parse(const char *text, const char *topic, struct letter_place *place)
{
    const char *last = strrchr(text, ':');
    if (!last)
        return false;
    const char *middle = last;
    while (middle > text && middle[-1] != ':')
        middle--;
    struct weir_bytes name = weir_bytes_of(topic);
    if (middle > text)
        name = (struct weir_bytes){(const uint8_t *)text, (size_t)(middle - text) - 1};
    return set_place(place, name, number_of(middle, (size_t)(last - middle)),
                     number_of(last + 1, strlen(last + 1)));
}
