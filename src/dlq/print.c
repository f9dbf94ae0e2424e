#include "dlq/print.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/format.h"
#include "dlq/payload.h"
#include "dlq/text.h"

#define CELL_MAX    64
#define MESSAGE_MAX 400
/* Longest key or header value that is shown, before it is cut. */
#define BYTES_SHOWN 200
#define HEX_WIDTH   32
/* The name by which a mask hides the record's key. */
#define MASKED_KEY "key"

/* --- the table --- */

bool print_heading(const struct print_options *options, FILE *to)
{
    if (options->json)
        return true;
    return fprintf(to, "%-28s  %-20s  %-16s  %-14s  %10s  %5s  %-9s  %s%s\n", "LETTER", "FAILED", "CODE",
                   "FIELD", "SCHEMA", "TRIES", "STATE", options->verdict ? "NOW               " : "",
                   "MESSAGE") > 0;
}

/* What a letter's message says may come from its field. */
static struct weir_bytes message_of(const struct print_options *options, const struct letter *letter)
{
    bool masked = letter->field.data && payload_hides(options->mask, letter->field);
    return masked ? weir_bytes_of(PAYLOAD_MASKED) : letter->message;
}

static const char *verdict_text(const struct view_item *item)
{
    if (!item->judged)
        return item->letter.reference ? "(reference)" : "-";
    if (item->outcome.verdict != WEIR_REJECT)
        return weir_verdict_name(item->outcome.verdict);
    return weir_code_name(item->outcome.why.code);
}

static bool print_row(const struct print_options *options, const struct view_item *item, FILE *to)
{
    const struct letter *letter = &item->letter;
    char place[LETTER_PLACE_MAX], time[TEXT_TIME_MAX], code[CELL_MAX], field[CELL_MAX], message[MESSAGE_MAX],
        schema[CELL_MAX];
    (void)fprintf(to, "%-28s  %-20s  %-16s  %-14s  %10s  %5" PRIu32 "  %-9s  ",
                  letter_place_print(&letter->source, place),
                  text_time(letter_time_ms(letter), time, sizeof time),
                  text_print(letter->code, code, sizeof code), text_print(letter->field, field, sizeof field),
                  text_print(letter->schema_id, schema, sizeof schema), item->entry.attempts,
                  ledger_states[item->entry.state]);
    if (options->verdict)
        (void)fprintf(to, "%-16s  ", verdict_text(item));
    return fprintf(to, "%s\n", text_print(message_of(options, letter), message, sizeof message)) > 0;
}

/* --- JSON --- */

/* Bytes as a text where they are one, else as {"hex": …}, which no text is. */
static json_t *json_bytes(struct weir_bytes bytes)
{
    static const char digits[] = "0123456789abcdef";
    if (!bytes.data)
        return json_null();
    json_t *text = json_stringn((const char *)bytes.data, bytes.len);
    if (text)
        return text;
    char *hex = malloc(bytes.len * 2 + 1);
    if (!hex)
        return json_null();
    for (size_t i = 0; i < bytes.len; i++) {
        hex[2 * i] = digits[bytes.data[i] >> 4];
        hex[2 * i + 1] = digits[bytes.data[i] & 15];
    }
    text = json_pack("{s:s#}", "hex", hex, (int)(bytes.len * 2));
    free(hex);
    return text;
}

static json_t *json_number(int64_t number)
{
    return number >= 0 ? json_integer((json_int_t)number) : json_null();
}

/* A number where the schema is named by one, else the text of its GUID. */
static json_t *json_schema(struct weir_bytes id)
{
    int64_t number;
    return id.data && format_integer(id, &number) ? json_number(number) : json_bytes(id);
}

static json_t *json_verdict(const struct print_options *options, const struct view_item *item)
{
    if (!item->judged)
        return json_null();
    const struct weir_reason *why = &item->outcome.why;
    json_t *object = json_pack("{s:s}", "verdict", weir_verdict_name(item->outcome.verdict));
    if (item->outcome.verdict != WEIR_REJECT)
        return object;
    bool masked = why->field && payload_hides(options->mask, weir_bytes_of(why->field));
    (void)json_object_set_new(object, "code", json_string(weir_code_name(why->code)));
    (void)json_object_set_new(object, "field", why->field ? json_string(why->field) : json_null());
    (void)json_object_set_new(object, "message",
                              masked ? json_string(PAYLOAD_MASKED) : json_bytes(why->text));
    return object;
}

static json_t *json_letter(const struct print_options *options, const struct view_item *item)
{
    char place[LETTER_PLACE_MAX];
    const struct letter *letter = &item->letter;
    json_t *object = json_object();
    (void)json_object_set_new(object, "letter", json_string(letter_place_print(&letter->source, place)));
    (void)json_object_set_new(object, "topic", json_string(letter->source.topic));
    (void)json_object_set_new(object, "partition", json_integer(letter->source.partition));
    (void)json_object_set_new(object, "offset", json_integer((json_int_t)letter->source.offset));
    (void)json_object_set_new(object, "timestamp", json_number(letter->timestamp_ms));
    (void)json_object_set_new(object, "first_failed", json_number(letter_time_ms(letter)));
    (void)json_object_set_new(object, "code", json_bytes(letter->code));
    (void)json_object_set_new(object, "stage", json_bytes(letter->stage));
    (void)json_object_set_new(object, "field", json_bytes(letter->field));
    (void)json_object_set_new(object, "message", json_bytes(message_of(options, letter)));
    (void)json_object_set_new(object, "schema_id", json_schema(letter->schema_id));
    (void)json_object_set_new(object, "reader_version", json_number(letter->reader_version));
    (void)json_object_set_new(object, "state", json_string(ledger_states[item->entry.state]));
    (void)json_object_set_new(object, "attempts", json_integer(item->entry.attempts));
    (void)json_object_set_new(object, "dlq_partition", json_integer(letter->record->partition));
    (void)json_object_set_new(object, "dlq_offset", json_integer((json_int_t)letter->record->offset));
    if (options->verdict)
        (void)json_object_set_new(object, "now", json_verdict(options, item));
    return object;
}

static bool dump(json_t *object, FILE *to)
{
    bool good = json_dumpf(object, to, JSON_COMPACT) == 0 && fputc('\n', to) != EOF;
    json_decref(object);
    return good;
}

bool print_line(const struct print_options *options, const struct view_item *item, FILE *to)
{
    return options->json ? dump(json_letter(options, item), to) : print_row(options, item, to);
}

/* --- one letter --- */

/* A key or a header's value, hidden where the mask has its name. */
static struct weir_bytes shown(const struct print_options *options, const char *name, struct weir_bytes value)
{
    bool masked = value.data && payload_is_masked(options->mask, weir_bytes_of(name));
    return masked ? weir_bytes_of(PAYLOAD_MASKED) : value;
}

static json_t *json_headers(const struct print_options *options, const struct view_item *item)
{
    json_t *list = json_array();
    for (size_t i = 0; i < item->original.n_headers; i++) {
        const struct weir_header *header = &item->original.headers[i];
        json_t *pair = json_array();
        (void)json_array_append_new(pair, json_bytes(weir_bytes_of(header->name)));
        (void)json_array_append_new(pair, json_bytes(shown(options, header->name, header->value)));
        (void)json_array_append_new(list, pair);
    }
    return list;
}

static bool print_whole_json(const struct print_options *options, const struct view_item *item, json_t *value,
                             const char *why, FILE *to)
{
    json_t *object = json_letter(options, item);
    (void)json_object_set_new(object, "key", json_bytes(shown(options, MASKED_KEY, item->original.key)));
    (void)json_object_set_new(object, "headers", json_headers(options, item));
    (void)json_object_set_new(object, "size", json_integer((json_int_t)item->original.value.len));
    if (value) {
        (void)json_object_set(object, "value", value);
    } else {
        (void)json_object_set_new(object, "not_decoded", json_string(why));
        if (!options->mask)
            (void)json_object_set_new(object, "value", json_bytes(item->original.value));
    }
    return dump(object, to);
}

static void line(FILE *to, const char *name, struct weir_bytes value)
{
    char text[MESSAGE_MAX];
    if (value.data)
        (void)fprintf(to, "%-14s %s\n", name, text_print(value, text, sizeof text));
}

static void number_line(FILE *to, const char *name, int64_t number)
{
    if (number >= 0)
        (void)fprintf(to, "%-14s %" PRId64 "\n", name, number);
}

static void time_line(FILE *to, const char *name, int64_t ms)
{
    char text[TEXT_TIME_MAX];
    if (ms >= 0)
        (void)fprintf(to, "%-14s %s\n", name, text_time(ms, text, sizeof text));
}

static void print_envelope(const struct print_options *options, const struct view_item *item, FILE *to)
{
    const struct letter *letter = &item->letter;
    char place[LETTER_PLACE_MAX];
    (void)fprintf(to, "%-14s %s\n", "letter", letter_place_print(&letter->source, place));
    line(to, "code", letter->code);
    line(to, "message", message_of(options, letter));
    line(to, "field", letter->field);
    line(to, "stage", letter->stage);
    time_line(to, "written", letter->timestamp_ms);
    time_line(to, "first failed", letter_time_ms(letter));
    line(to, "schema id", letter->schema_id);
    number_line(to, "reader version", letter->reader_version);
    (void)fprintf(to, "%-14s partition %" PRId32 " offset %" PRId64 "\n", "in the DLQ",
                  letter->record->partition, letter->record->offset);
    (void)fprintf(to, "%-14s %s, %" PRIu32 " failed attempt%s\n", "state", ledger_states[item->entry.state],
                  item->entry.attempts, item->entry.attempts == 1 ? "" : "s");
    (void)fprintf(to, "%-14s %s\n", "would be now", verdict_text(item));
    line(to, "key", shown(options, MASKED_KEY, item->original.key));
    for (size_t i = 0; i < item->original.n_headers; i++) {
        char name[CELL_MAX], value[BYTES_SHOWN];
        const struct weir_header *header = &item->original.headers[i];
        (void)fprintf(to, "%-14s %s = %s\n", "header",
                      text_print(weir_bytes_of(header->name), name, sizeof name),
                      text_print(shown(options, header->name, header->value), value, sizeof value));
    }
}

static void print_hex(struct weir_bytes value, FILE *to)
{
    size_t len = value.len < PRINT_VALUE_MAX ? value.len : PRINT_VALUE_MAX;
    for (size_t i = 0; i < len; i++)
        (void)fprintf(to, "%s%02x%s", i % HEX_WIDTH == 0 ? "  " : "", value.data[i],
                      i % HEX_WIDTH == HEX_WIDTH - 1 || i + 1 == len ? "\n" : " ");
    if (len < value.len)
        (void)fprintf(to, "  and %zu bytes more\n", value.len - len);
}

/* What is nearly JSON is read more easily as it is than in hexadecimal. */
static bool is_text(struct weir_bytes value)
{
    size_t ignored;
    for (size_t i = 0; i < value.len; i++)
        if (value.data[i] < ' ' && value.data[i] != '\n' && value.data[i] != '\r' && value.data[i] != '\t')
            return false;
    return value.len > 0 && weir_utf8_valid(value, &ignored);
}

static void print_raw(struct weir_bytes value, FILE *to)
{
    char text[PRINT_VALUE_MAX + 1];
    if (is_text(value))
        (void)fprintf(to, "  %s%s\n", text_print(value, text, sizeof text),
                      value.len > PRINT_VALUE_MAX ? " ..." : "");
    else
        print_hex(value, to);
}

static bool print_whole_text(const struct print_options *options, const struct view_item *item, json_t *value,
                             const char *why, FILE *to)
{
    struct weir_bytes bytes = item->original.value;
    print_envelope(options, item, to);
    (void)fprintf(to, "%-14s %zu bytes", "value", bytes.len);
    if (!bytes.data)
        return fputs(", null\n", to) != EOF;
    if (value) {
        (void)fputs("\n", to);
        (void)json_dumpf(value, to, JSON_INDENT(2));
        return fputs("\n", to) != EOF;
    }
    (void)fprintf(to, ", not decoded: %s\n", why);
    if (options->mask)
        return fputs("  not shown, since fields are masked\n", to) != EOF;
    print_raw(bytes, to);
    return !ferror(to);
}

bool print_letter(const struct print_options *options, const struct view_item *item,
                  struct registry *registry, enum weir_format format, FILE *to)
{
    struct weir_err why = {.text = ""};
    json_t *value = payload_decode(registry, item->letter.reference ? WEIR_FORMAT_JSON : format,
                                   &item->original, options->mask, &why);
    bool good = options->json ? print_whole_json(options, item, value, why.text, to)
                              : print_whole_text(options, item, value, why.text, to);
    json_decref(value);
    return good;
}
