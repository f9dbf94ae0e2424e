/*
 * Any two texts as a writer's and a reader's schema, and any bytes as a value: the writer's text up to a NUL,
 * the reader's up to the next, then the bytes.
 */
#include "avro/decode.h"
#include "avro/encode.h"
#include "avro/json.h"
#include "fuzz/fuzz.h"
#include "weir/pipeline.h"

#define PAYLOAD_MAX 4096

struct pair {
    struct weir_schema *writer, *reader;
    struct resolution *resolution, *identity;
};

/* Takes what stands before the next NUL. */
static struct weir_bytes take_text(struct weir_bytes *rest)
{
    const uint8_t *nul = memchr(rest->data, 0, rest->len);
    size_t len = nul ? (size_t)(nul - rest->data) : rest->len;
    struct weir_bytes text = {rest->data, len};
    rest->data += nul ? len + 1 : len;
    rest->len -= nul ? len + 1 : len;
    return text;
}

static bool read_pair(struct pair *pair, struct weir_bytes *rest)
{
    struct weir_err err;
    struct weir_bytes writer = take_text(rest), reader = take_text(rest);
    return weir_schema_parse(writer, &pair->writer, &err) == WEIR_OK &&
           weir_schema_parse(reader, &pair->reader, &err) == WEIR_OK &&
           resolve_new(pair->writer->root, pair->reader->root, &pair->resolution, &err) == WEIR_OK &&
           resolve_new(pair->reader->root, pair->reader->root, &pair->identity, &err) == WEIR_OK;
}

static void free_pair(struct pair *pair)
{
    resolve_free(pair->resolution);
    resolve_free(pair->identity);
    weir_schema_free(pair->writer);
    weir_schema_free(pair->reader);
}

/* What json_write wrote reads back, unless it says of binary what JSON may not say; it need not be the same
 * branches of unions, but it is a value of the schema. */
static void check_json(const struct pair *pair, struct weir_bytes text)
{
    struct json_reader *reader;
    struct weir_err err;
    struct weir_reason why;
    struct weir_bytes avro;
    FUZZ_HOLDS(json_reader_new(pair->reader, &(struct json_options){.unions = WEIR_UNIONS_PLAIN}, &reader,
                               &err) == WEIR_OK);
    struct json_room growth = json_growth(reader);
    struct weir_arena out = fuzz_arena(json_scratch(reader, text.len));
    if (json_read_value(reader, text, &out, &avro, &why)) {
        struct weir_arena again = fuzz_arena(resolve_scratch(pair->identity, avro.len));
        FUZZ_HOLDS(decode_rewrite(pair->identity, avro, &again, &why) || why.code == WEIR_CODE_TOO_LARGE);
        free(again.base);
    } else if (why.code == WEIR_CODE_TOO_LARGE) {
        FUZZ_HOLDS(growth.factor == RESOLVE_FACTOR_MAX || growth.fixed == RESOLVE_FIXED_MAX ||
                   json_scratch(reader, 0) >= RESOLVE_PLACES_MAX || text.len > RESOLVE_EMPTY_MAX);
    } else {
        /* U+0000, a key that stands twice, or unions whose branches are tried too often. */
        FUZZ_HOLDS(why.code == WEIR_CODE_BAD_UTF8 || why.code == WEIR_CODE_DUPLICATE_FIELD ||
                   why.code == WEIR_CODE_WRONG_TYPE || why.code == WEIR_CODE_TOO_DEEP);
    }
    free(out.base);
    json_reader_free(reader);
}

/* What came out is a value of the reader's schema, whose bytes stay as they are, and which can be said as
 * JSON unless that is long. */
static void check_value(const struct pair *pair, struct weir_bytes value)
{
    struct json_room room;
    struct weir_reason why;
    struct weir_bytes text;
    FUZZ_HOLDS(json_room(pair->reader, &room));
    struct weir_arena again = fuzz_arena(resolve_scratch(pair->identity, value.len)),
                      json = fuzz_arena(room.fixed + room.factor * value.len);
    if (decode_rewrite(pair->identity, value, &again, &why))
        FUZZ_HOLDS(again.used == value.len && memcmp(again.base, value.data, value.len) == 0);
    else
        FUZZ_HOLDS(why.code == WEIR_CODE_TOO_DEEP || why.code == WEIR_CODE_TOO_LARGE);
    if (json_write(pair->reader->root, value, &json, &text)) {
        FUZZ_HOLDS(weir_utf8_valid(text, NULL));
        check_json(pair, text);
    } else {
        FUZZ_HOLDS(room.fixed == JSON_FIXED_MAX || room.factor == JSON_FACTOR_MAX);
    }
    free(again.base);
    free(json.base);
}

static void check_reason(const struct weir_reason *why, size_t len)
{
    FUZZ_HOLDS(why->code != WEIR_CODE_NONE && why->text.len > 0);
    FUZZ_HOLDS(why->byte_offset >= 5 && why->byte_offset <= (int64_t)(5 + len));
    FUZZ_HOLDS(!why->field || strlen(why->field) <= WEIR_REASON_FIELD_MAX);
}

/* Field by field it comes to the same as at once. */
static void check_fields(const struct pair *pair, struct weir_bytes in, const struct weir_arena *whole,
                         enum weir_code code)
{
    size_t n = pair->reader->root->n, cap = resolve_scratch(pair->resolution, in.len);
    struct weir_arena scratch = fuzz_arena(cap), fields = fuzz_arena(whole->used + 1);
    struct slot *slots = calloc(n + 1, sizeof *slots);
    struct weir_reason why;
    bool done = decode_record(pair->resolution, in, 5, &scratch, slots, &why);
    FUZZ_HOLDS(done == (code == WEIR_CODE_NONE) || code == WEIR_CODE_TOO_LARGE);
    if (!done)
        check_reason(&why, in.len);
    for (size_t i = 0; done && code == WEIR_CODE_NONE && i < n; i++)
        FUZZ_HOLDS(encode_raw(&fields, slots[i].raw));
    if (done && code == WEIR_CODE_NONE)
        FUZZ_HOLDS(fields.used == whole->used && memcmp(fields.base, whole->base, fields.used) == 0);
    free(slots);
    free(scratch.base);
    free(fields.base);
}

/* The whole way of a record, to JSON. */
static void check_pipeline(const struct pair *pair, struct weir_bytes in, enum weir_code code)
{
    static const struct weir_pipeline_spec spec = {.input_format = WEIR_FORMAT_AVRO,
                                                   .output_format = WEIR_FORMAT_JSON};
    const struct weir_plan_request request = {
        .spec = &spec, .writer = pair->writer, .reader = pair->reader, .output = pair->reader};
    struct weir_plan *plan;
    struct weir_err err;
    struct weir_outcome out;
    uint8_t value[PAYLOAD_MAX + WEIR_WIRE_PREFIX] = {0};
    const struct weir_record record = {.value = {value, in.len + WEIR_WIRE_PREFIX}, .timestamp_ms = -1};
    if (in.len > 0)
        memcpy(value + WEIR_WIRE_PREFIX, in.data, in.len);
    if (weir_plan_new(&request, &plan, &err) != WEIR_OK) {
        FUZZ_HOLDS(err.code == WEIR_ERR_INCOMPATIBLE);
        return;
    }
    struct weir_arena scratch = fuzz_arena(weir_pipeline_scratch(plan, record.value.len));
    weir_pipeline_process(plan, &record, 0, &scratch, &out);
    /* What was too large for one room may find place in another. */
    FUZZ_HOLDS(out.verdict == WEIR_PASS ? code == WEIR_CODE_NONE || code == WEIR_CODE_TOO_LARGE
                                        : out.verdict == WEIR_REJECT && out.why.text.len > 0);
    if (code == WEIR_CODE_NONE && out.verdict != WEIR_PASS)
        FUZZ_HOLDS(out.why.code == WEIR_CODE_TOO_LARGE || out.why.code == WEIR_CODE_TOO_DEEP);
    free(scratch.base);
    weir_plan_free(plan);
}

static void run_pair(const struct pair *pair, struct weir_bytes in)
{
    struct weir_arena whole = fuzz_arena(resolve_scratch(pair->resolution, in.len));
    struct weir_reason why = {.code = WEIR_CODE_NONE};
    bool done = decode_rewrite(pair->resolution, in, &whole, &why);
    FUZZ_HOLDS(done == (why.code == WEIR_CODE_NONE));
    FUZZ_HOLDS(done || whole.used == 0);
    if (done)
        check_value(pair, (struct weir_bytes){whole.base, whole.used});
    bool records =
        pair->writer->root->type == WEIR_TYPE_RECORD && pair->reader->root->type == WEIR_TYPE_RECORD;
    if (records) {
        check_fields(pair, in, &whole, why.code);
        check_pipeline(pair, in, why.code);
    }
    free(whole.base);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weir_bytes rest = {data, size};
    struct pair pair = {NULL, NULL, NULL, NULL};
    if (size > 0 && read_pair(&pair, &rest) && rest.len <= PAYLOAD_MAX)
        run_pair(&pair, rest);
    free_pair(&pair);
    return 0;
}
