#include "cmd/trial.h"

#include <stdlib.h>

#include "cmd/line.h"
#include "registry/registry.h"

/* The plan for the records of one writer, or why there is none. */
struct writer {
    struct weir_schema_key key;
    struct weir_plan *plan;
    struct weir_err why;
};

struct trial {
    const struct weir_spec *spec;
    struct registry *registry;
    struct weir_plan_request request;
    struct weir_plan *plain; /* for what is not Avro */
    struct writer *writers;  /* as many as the known ids that came so far */
    size_t n_writers;
    struct line_buffer scratch, line;
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

static enum weir_err_code process_with(struct trial *trial, const struct weir_plan *plan,
                                       const struct weir_record *record, int64_t now_ms,
                                       struct weir_outcome *outcome, struct weir_err *err)
{
    enum weir_err_code code = line_need(&trial->scratch, weir_pipeline_scratch(plan, record->value.len), err);
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
        code = line_need(&trial->scratch, WEIR_ERR_TEXT_MAX, err);
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

enum weir_err_code trial_run(struct trial *trial, const struct weir_record *record, int64_t now_ms,
                             struct weir_bytes *line, struct weir_err *err)
{
    struct weir_outcome outcome;
    enum weir_err_code code = process(trial, record, now_ms, &outcome, err);
    const struct line_form form = {.reader = trial->request.reader->root,
                                   .output = trial->request.output->root,
                                   .is_json = trial->spec->core.output_format == WEIR_FORMAT_JSON,
                                   .prefix = WEIR_WIRE_PREFIX};
    return code == WEIR_OK ? line_write(&trial->line, &form, &outcome, line, err) : code;
}
