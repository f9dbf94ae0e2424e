#include "cmd/trial.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "avro/encode.h"
#include "avro/json.h"
#include "registry/registry.h"

/* Longest decimal of 64 bits with its sign and its NUL. */
#define DECIMAL_MAX 21
/* What the line's buffer begins with, and is doubled from. */
#define LINE_ROOM ((size_t)64 * 1024)
/* No line is longer, since no record is. */
#define LINE_ROOM_MAX ((size_t)1 << 32)

/* The plan for the records of one writer, or why there is none. */
struct writer {
    struct weir_schema_key key;
    struct weir_plan *plan;
    struct weir_err why;
};

struct buffer {
    uint8_t *memory;
    size_t cap;
};

struct trial {
    const struct weir_spec *spec;
    struct registry *registry;
    struct weir_plan_request request;
    struct weir_plan *plain; /* for what is not Avro */
    struct writer *writers;  /* as many as the known ids that came so far */
    size_t n_writers;
    struct buffer scratch, line;
};

/* --- opening --- */

static enum weir_err_code no_memory(struct weir_err *err)
{
    return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for trying records");
}

static enum weir_err_code open_trial(struct trial *trial, const char *schemas, struct weir_err *err)
{
    const struct weir_spec *spec = trial->spec;
    const struct registry_options options = {.spec = spec, .dir = schemas};
    struct schemas_version reader, output;
    enum weir_err_code code = registry_open(&options, &trial->registry, err);
    if (code == WEIR_OK)
        code = registry_subject(trial->registry, &spec->input.schema, &reader, err);
    if (code == WEIR_OK)
        code = registry_subject(trial->registry, &spec->output.schema, &output, err);
    if (code != WEIR_OK)
        return code;
    trial->request = (struct weir_plan_request){.spec = &spec->core,
                                                .reader = reader.schema,
                                                .reader_version = reader.version,
                                                .output = output.schema,
                                                .output_id = output.id};
    return weir_plan_new(&trial->request, &trial->plain, err);
}

enum weir_err_code trial_new(const struct weir_spec *spec, const char *schemas, struct trial **out,
                             struct weir_err *err)
{
    struct trial *trial = calloc(1, sizeof *trial);
    if (!trial)
        return no_memory(err);
    trial->spec = spec;
    enum weir_err_code code = open_trial(trial, schemas, err);
    if (code == WEIR_OK)
        *out = trial;
    else
        trial_free(trial);
    return code;
}

void trial_free(struct trial *trial)
{
    if (!trial)
        return;
    for (size_t i = 0; i < trial->n_writers; i++)
        weir_plan_free(trial->writers[i].plan);
    free(trial->writers);
    weir_plan_free(trial->plain);
    registry_close(trial->registry);
    free(trial->scratch.memory);
    free(trial->line.memory);
    free(trial);
}

/* --- plans --- */

/* A new writer without plan; NULL: no memory. */
static struct writer *add_writer(struct trial *trial, const struct weir_schema_key *key)
{
    struct writer *grown = realloc(trial->writers, (trial->n_writers + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    trial->writers = grown;
    struct writer *writer = &grown[trial->n_writers++];
    *writer = (struct writer){.key = *key};
    return writer;
}

/* The plan without writer compiled, so whatever fails here is a matter of this writer. */
static enum weir_err_code compile(const struct trial *trial, struct writer *writer,
                                  const struct weir_schema *schema, struct weir_err *err)
{
    struct weir_plan_request request = trial->request;
    request.writer = schema;
    enum weir_err_code code = weir_plan_new(&request, &writer->plan, &writer->why);
    return code == WEIR_ERR_NO_MEMORY ? no_memory(err) : WEIR_OK;
}

/* Asks for an id; *writer is NULL when there is no such schema. */
static enum weir_err_code learn_writer(struct trial *trial, const struct weir_schema_key *key,
                                       const struct writer **writer, struct weir_err *err)
{
    const struct weir_schema *schema = NULL;
    struct weir_err why = {0};
    *writer = NULL;
    enum weir_err_code code = registry_by_key(trial->registry, key, &schema, &why);
    if (code == WEIR_ERR_NOT_FOUND)
        return WEIR_OK;
    if (code != WEIR_OK && code != WEIR_ERR_BAD_SCHEMA)
        return weir_fail(err, code, "%s", why.text);
    struct writer *added = add_writer(trial, key);
    if (!added)
        return no_memory(err);
    added->why = why;
    *writer = added;
    return schema ? compile(trial, added, schema, err) : WEIR_OK;
}

static enum weir_err_code find_writer(struct trial *trial, const struct weir_schema_key *key,
                                      const struct writer **writer, struct weir_err *err)
{
    for (size_t i = 0; i < trial->n_writers; i++) {
        *writer = &trial->writers[i];
        if (weir_schema_key_equal(&(*writer)->key, key))
            return WEIR_OK;
    }
    return learn_writer(trial, key, writer, err);
}

/* --- a record --- */

static enum weir_err_code buffer_need(struct buffer *buffer, size_t cap, struct weir_err *err)
{
    if (cap <= buffer->cap)
        return WEIR_OK;
    uint8_t *memory = realloc(buffer->memory, cap);
    if (!memory)
        return no_memory(err);
    *buffer = (struct buffer){memory, cap};
    return WEIR_OK;
}

static enum weir_err_code process_with(struct trial *trial, const struct weir_plan *plan,
                                       const struct weir_record *record, int64_t now_ms,
                                       struct weir_outcome *outcome, struct weir_err *err)
{
    enum weir_err_code code =
        buffer_need(&trial->scratch, weir_pipeline_scratch(plan, record->value.len), err);
    if (code != WEIR_OK)
        return code;
    struct weir_arena scratch;
    weir_arena_init(&scratch, trial->scratch.memory, trial->scratch.cap);
    weir_pipeline_process(plan, record, now_ms, &scratch, outcome);
    return WEIR_OK;
}

static enum weir_err_code process(struct trial *trial, const struct weir_record *record, int64_t now_ms,
                                  struct weir_outcome *outcome, struct weir_err *err)
{
    struct weir_wire wire = weir_wire_read(trial->spec->core.input_format, record);
    if (wire.kind != WEIR_WIRE_AVRO)
        return process_with(trial, trial->plain, record, now_ms, outcome, err);
    const struct writer *writer;
    enum weir_err_code code = find_writer(trial, &wire.key, &writer, err);
    if (code == WEIR_OK)
        code = buffer_need(&trial->scratch, WEIR_ERR_TEXT_MAX, err);
    if (code != WEIR_OK)
        return code;
    struct weir_arena scratch;
    weir_arena_init(&scratch, trial->scratch.memory, trial->scratch.cap);
    if (writer && writer->plan)
        return process_with(trial, writer->plan, record, now_ms, outcome, err);
    if (writer)
        weir_pipeline_reject(outcome, WEIR_CODE_SCHEMA_MISMATCH, &scratch, "%s", writer->why.text);
    else
        weir_pipeline_reject(outcome, WEIR_CODE_UNKNOWN_SCHEMA, &scratch, "no schema has the id %s",
                             weir_schema_key_print(&wire.key, (char[WEIR_SCHEMA_KEY_TEXT]){0}));
    return WEIR_OK;
}

/* --- its line; each is false when the arena is full --- */

static bool put_plain(struct weir_arena *line, const char *text)
{
    return encode_raw(line, weir_bytes_of(text));
}

static bool put_name(struct weir_arena *line, const char *name)
{
    return put_plain(line, line->used > 1 ? ",\"" : "\"") && put_plain(line, name) && put_plain(line, "\":");
}

/* A text, or null where there is none. */
static bool put_text(struct weir_arena *line, const char *name, struct weir_bytes text)
{
    return put_name(line, name) && (text.data ? json_write_text(line, text) : put_plain(line, "null"));
}

static bool put_offset(struct weir_arena *line, const struct weir_outcome *outcome)
{
    char decimal[DECIMAL_MAX];
    (void)snprintf(decimal, sizeof decimal, "%" PRId64, outcome->why.byte_offset);
    return put_name(line, "byte_offset") && put_plain(line, outcome->why.byte_offset >= 0 ? decimal : "null");
}

static bool put_defaulted(struct weir_arena *line, const struct weir_node *reader, uint64_t defaulted)
{
    bool fits = put_name(line, "defaulted") && put_plain(line, "[");
    const char *separator = "";
    for (size_t i = 0; fits && i < reader->n && i < 64; i++) {
        if (!(defaulted >> i & 1))
            continue;
        fits = put_plain(line, separator) && json_write_text(line, weir_bytes_of(reader->fields[i].name));
        separator = ",";
    }
    return fits && put_plain(line, "]");
}

static bool put_output(struct weir_arena *line, const struct trial *trial, struct weir_bytes value)
{
    struct weir_bytes written;
    if (!put_name(line, "output"))
        return false;
    if (!value.data)
        return put_plain(line, "null");
    if (trial->spec->core.output_format == WEIR_FORMAT_JSON)
        return encode_raw(line, value);
    struct weir_bytes avro = {value.data + WEIR_WIRE_PREFIX, value.len - WEIR_WIRE_PREFIX};
    return json_write(trial->request.output->root, avro, line, &written);
}

static bool put_hex(struct weir_arena *line, struct weir_bytes value)
{
    static const char digits[] = "0123456789abcdef";
    if (!put_name(line, "output_hex"))
        return false;
    if (!value.data)
        return put_plain(line, "null");
    uint8_t *p = weir_arena_alloc(line, value.len * 2 + 2, 1);
    if (!p)
        return false;
    *p++ = '"';
    for (size_t i = 0; i < value.len; i++) {
        *p++ = (uint8_t)digits[value.data[i] >> 4];
        *p++ = (uint8_t)digits[value.data[i] & 15];
    }
    *p = '"';
    return true;
}

static struct weir_bytes code_text(enum weir_code code)
{
    return code == WEIR_CODE_NONE ? WEIR_NO_BYTES : weir_bytes_of(weir_code_name(code));
}

static bool put_outcome(struct weir_arena *line, const struct trial *trial,
                        const struct weir_outcome *outcome)
{
    return put_plain(line, "{") &&
           put_text(line, "verdict", weir_bytes_of(weir_verdict_name(outcome->verdict))) &&
           put_text(line, "code", code_text(outcome->why.code)) &&
           put_text(line, "message", outcome->why.text) &&
           put_text(line, "field", weir_bytes_of(outcome->why.field)) && put_offset(line, outcome) &&
           put_text(line, "rule", weir_bytes_of(outcome->why.rule)) &&
           put_defaulted(line, trial->request.reader->root, outcome->defaulted) &&
           put_text(line, "route_key", outcome->route_key) && put_output(line, trial, outcome->value) &&
           put_hex(line, outcome->value) && put_plain(line, "}");
}

static enum weir_err_code render(struct trial *trial, const struct weir_outcome *outcome,
                                 struct weir_bytes *text, struct weir_err *err)
{
    size_t cap = trial->line.cap ? trial->line.cap : LINE_ROOM;
    for (; cap <= LINE_ROOM_MAX; cap *= 2) {
        struct weir_arena line;
        enum weir_err_code code = buffer_need(&trial->line, cap, err);
        if (code != WEIR_OK)
            return code;
        weir_arena_init(&line, trial->line.memory, trial->line.cap);
        if (put_outcome(&line, trial, outcome)) {
            *text = (struct weir_bytes){line.base, line.used};
            return WEIR_OK;
        }
    }
    return no_memory(err);
}

enum weir_err_code trial_run(struct trial *trial, const struct weir_record *record, int64_t now_ms,
                             struct weir_bytes *line, struct weir_err *err)
{
    struct weir_outcome outcome;
    enum weir_err_code code = process(trial, record, now_ms, &outcome, err);
    return code == WEIR_OK ? render(trial, &outcome, line, err) : code;
}
