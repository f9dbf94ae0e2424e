#include "dlq/verdict.h"

#include <stdlib.h>

/* The plan for the records of one writer, or why there is none. */
struct writer {
    struct weir_schema_key key;
    struct weir_plan *plan;
    struct weir_err why;
};

struct verdict {
    const struct weir_spec *spec;
    struct registry *registry;
    struct verdict_supposed supposed;
    struct weir_plan_request request;
    struct weir_plan *plain; /* for what is not Avro */
    struct writer *writers;
    size_t n_writers;
    uint8_t *scratch;
    size_t scratch_size;
    int64_t looked_ms;
};

static enum weir_err_code no_memory(struct weir_err *err)
{
    return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for verdicts");
}

static void forget_plans(struct verdict *verdict)
{
    for (size_t i = 0; i < verdict->n_writers; i++)
        weir_plan_free(verdict->writers[i].plan);
    verdict->n_writers = 0;
}

/* The subject's version; what is supposed instead has neither a version nor an id yet. */
static enum weir_err_code look_up(struct verdict *verdict, const struct weir_subject_spec *subject,
                                  const struct weir_schema *supposed, struct schemas_version *out,
                                  struct weir_err *err)
{
    *out = (struct schemas_version){.schema = supposed};
    return supposed ? WEIR_OK : registry_subject(verdict->registry, subject, out, err);
}

static enum weir_err_code look(struct verdict *verdict, struct weir_plan_request *request,
                               struct weir_err *err)
{
    const struct weir_spec *spec = verdict->spec;
    const struct verdict_supposed *supposed = &verdict->supposed;
    struct schemas_version reader, output;
    enum weir_err_code code = look_up(verdict, &spec->input.schema, supposed->reader, &reader, err);
    if (code == WEIR_OK)
        code = look_up(verdict, &spec->output.schema, supposed->output, &output, err);
    if (code != WEIR_OK)
        return code;
    *request = (struct weir_plan_request){.spec = &spec->core,
                                          .reader = reader.schema,
                                          .reader_version = reader.version,
                                          .output = output.schema,
                                          .output_id = output.id};
    return WEIR_OK;
}

enum weir_err_code verdict_new(const struct weir_spec *spec, struct registry *registry, struct verdict **out,
                               struct weir_err *err)
{
    return verdict_suppose(spec, registry, &(struct verdict_supposed){NULL, NULL}, out, err);
}

enum weir_err_code verdict_suppose(const struct weir_spec *spec, struct registry *registry,
                                   const struct verdict_supposed *supposed, struct verdict **out,
                                   struct weir_err *err)
{
    struct verdict *verdict = calloc(1, sizeof *verdict);
    if (!verdict)
        return no_memory(err);
    verdict->spec = spec;
    verdict->registry = registry;
    verdict->supposed = *supposed;
    enum weir_err_code code = look(verdict, &verdict->request, err);
    if (code == WEIR_OK)
        code = weir_plan_new(&verdict->request, &verdict->plain, err);
    if (code == WEIR_OK)
        *out = verdict;
    else
        verdict_free(verdict);
    return code;
}

void verdict_free(struct verdict *verdict)
{
    if (!verdict)
        return;
    forget_plans(verdict);
    weir_plan_free(verdict->plain);
    free(verdict->writers);
    free(verdict->scratch);
    free(verdict);
}

enum weir_err_code verdict_refresh(struct verdict *verdict, int64_t monotonic_ms, struct weir_err *err)
{
    struct weir_plan_request request;
    struct weir_plan *plain = NULL;
    if (verdict->looked_ms != 0 && monotonic_ms - verdict->looked_ms < verdict->spec->registry.poll_ms)
        return WEIR_OK;
    enum weir_err_code code = look(verdict, &request, err);
    if (code != WEIR_OK)
        return code;
    verdict->looked_ms = monotonic_ms;
    if (request.reader == verdict->request.reader && request.output == verdict->request.output &&
        request.output_id == verdict->request.output_id)
        return WEIR_OK;
    code = weir_plan_new(&request, &plain, err);
    if (code != WEIR_OK)
        return code;
    forget_plans(verdict);
    weir_plan_free(verdict->plain);
    verdict->plain = plain;
    verdict->request = request;
    return WEIR_OK;
}

static bool need_scratch(struct verdict *verdict, size_t size)
{
    if (size <= verdict->scratch_size)
        return true;
    uint8_t *grown = realloc(verdict->scratch, size);
    if (!grown)
        return false;
    verdict->scratch = grown;
    verdict->scratch_size = size;
    return true;
}

/* The plan without writer compiled, so whatever fails here is a matter of this writer. */
static enum weir_err_code learn(struct verdict *verdict, const struct weir_schema_key *key,
                                struct writer *writer, struct weir_err *err)
{
    struct weir_plan_request request = verdict->request;
    *writer = (struct writer){.key = *key};
    enum weir_err_code code = registry_by_key(verdict->registry, key, &request.writer, &writer->why);
    if (code == WEIR_OK)
        code = weir_plan_new(&request, &writer->plan, &writer->why);
    bool judged = code == WEIR_OK || code == WEIR_ERR_BAD_SCHEMA || code == WEIR_ERR_INCOMPATIBLE ||
                  code == WEIR_ERR_CONFIG || code == WEIR_ERR_NOT_FOUND;
    return judged ? WEIR_OK : weir_fail(err, code, "%s", writer->why.text);
}

/* The plan of an id, or why there is none. An id that the registry does not know is asked for each time. */
static enum weir_err_code find(struct verdict *verdict, const struct weir_schema_key *key, struct writer *out,
                               struct weir_err *err)
{
    for (size_t i = 0; i < verdict->n_writers; i++) {
        if (!weir_schema_key_equal(&verdict->writers[i].key, key))
            continue;
        *out = verdict->writers[i];
        return WEIR_OK;
    }
    enum weir_err_code code = learn(verdict, key, out, err);
    if (code != WEIR_OK || out->why.code == WEIR_ERR_NOT_FOUND)
        return code;
    if (verdict->n_writers == VERDICT_PLANS_MAX)
        forget_plans(verdict);
    struct writer *grown = realloc(verdict->writers, (verdict->n_writers + 1) * sizeof *grown);
    if (!grown) {
        weir_plan_free(out->plan);
        return no_memory(err);
    }
    verdict->writers = grown;
    grown[verdict->n_writers++] = *out;
    return WEIR_OK;
}

static enum weir_err_code run(struct verdict *verdict, const struct weir_plan *plan,
                              const struct weir_record *record, int64_t now_ms, struct weir_outcome *outcome,
                              struct weir_err *err)
{
    struct weir_arena scratch;
    if (!need_scratch(verdict, weir_pipeline_scratch(plan, record->value.len)))
        return no_memory(err);
    weir_arena_init(&scratch, verdict->scratch, verdict->scratch_size);
    weir_pipeline_process(plan, record, now_ms, &scratch, outcome);
    return WEIR_OK;
}

enum weir_err_code verdict_of(struct verdict *verdict, const struct weir_record *record, int64_t now_ms,
                              struct weir_outcome *outcome, struct weir_err *err)
{
    struct weir_wire wire = weir_wire_read(verdict->spec->core.input_format, record);
    struct writer writer;
    struct weir_arena scratch;
    char name[WEIR_SCHEMA_KEY_TEXT];
    if (wire.kind != WEIR_WIRE_AVRO)
        return run(verdict, verdict->plain, record, now_ms, outcome, err);
    enum weir_err_code code = find(verdict, &wire.key, &writer, err);
    if (code != WEIR_OK)
        return code;
    if (writer.plan)
        return run(verdict, writer.plan, record, now_ms, outcome, err);
    if (!need_scratch(verdict, WEIR_ERR_TEXT_MAX))
        return no_memory(err);
    weir_arena_init(&scratch, verdict->scratch, verdict->scratch_size);
    if (writer.why.code == WEIR_ERR_NOT_FOUND)
        weir_pipeline_reject(outcome, WEIR_CODE_UNKNOWN_SCHEMA, &scratch, "no schema has the id %s",
                             weir_schema_key_print(&wire.key, name));
    else
        weir_pipeline_reject(outcome, WEIR_CODE_SCHEMA_MISMATCH, &scratch, "%s", writer.why.text);
    return WEIR_OK;
}

int64_t verdict_reader_version(const struct verdict *verdict)
{
    return verdict->request.reader_version;
}
