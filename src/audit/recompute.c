#include "audit/recompute.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A plan of the journal, made usable. */
struct ready {
    struct weir_spec *spec;
    struct weir_schema *reader, *output;
    struct form *form;
    struct weir_plan *plain; /* NULL: it cannot be used, and why says for what reason */
    struct weir_err why;
};

struct compiled {
    uint32_t plan, text;
    struct weir_plan *code; /* NULL: that writer cannot be read */
};

struct recompute {
    struct annals *annals;
    const struct recompute_config *config;
    const struct sip_key *key;
    struct ready *plans;
    size_t n_plans;
    struct weir_schema **writers; /* by text; NULL: none that can be used */
    size_t n_texts;
    struct compiled *compiled;
    size_t n_compiled, last;
    uint32_t last_found; /* the plan whose form has read the last output */
    uint8_t *scratch;
    size_t scratch_size;
    char why[WEIR_ERR_TEXT_MAX];
};

static enum weir_err_code no_memory(struct weir_err *err)
{
    return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for verdicts");
}

static void note(struct recompute *recompute, const char *what, const struct journal_print *print,
                 const char *why)
{
    if (!recompute->why[0])
        (void)snprintf(recompute->why, sizeof recompute->why, "%s %s: %.400s", what, print->hex, why);
}

/* --- plans --- */

static enum weir_err_code parse_schema(const struct annals *annals, uint32_t text, struct weir_schema **out,
                                       struct weir_err *err)
{
    const struct annals_text *found = annals_text(annals, text);
    if (!found->text.data)
        return weir_fail(err, WEIR_ERR_NOT_FOUND, "text %s is not in the journal any more", found->print.hex);
    return weir_schema_parse(found->text, out, err);
}

static enum weir_err_code parse_config(const struct recompute *recompute, uint32_t text,
                                       struct weir_spec **out, struct weir_err *err)
{
    const struct annals_text *found = annals_text(recompute->annals, text);
    if (!found->text.data)
        return weir_fail(err, WEIR_ERR_NOT_FOUND, "text %s is not in the journal any more", found->print.hex);
    return recompute->config->parse(recompute->config->context, found->text, out, err);
}

static struct weir_plan_request request_of(const struct recompute *recompute, uint32_t plan)
{
    const struct ready *ready = &recompute->plans[plan];
    const struct annals_plan *named = annals_plan(recompute->annals, plan);
    return (struct weir_plan_request){.spec = &ready->spec->core,
                                      .reader = ready->reader,
                                      .output = ready->output,
                                      .output_id = named->output_id,
                                      .reader_version = named->reader_version};
}

static enum weir_err_code make_ready(struct recompute *recompute, uint32_t plan, struct weir_err *err)
{
    struct ready *ready = &recompute->plans[plan];
    const struct annals_plan *named = annals_plan(recompute->annals, plan);
    if (!named->met)
        return weir_fail(err, WEIR_ERR_NOT_FOUND, "it is not in the journal any more");
    enum weir_err_code code = parse_config(recompute, named->config, &ready->spec, err);
    if (code == WEIR_OK)
        code = parse_schema(recompute->annals, named->reader, &ready->reader, err);
    if (code == WEIR_OK)
        code = parse_schema(recompute->annals, named->output, &ready->output, err);
    if (code != WEIR_OK)
        return code;
    struct weir_plan_request request = request_of(recompute, plan);
    struct weir_plan *plain = NULL;
    code = weir_plan_new(&request, &plain, err);
    if (code == WEIR_OK)
        code = form_new(&ready->spec->core, ready->output, &ready->form, err);
    if (code == WEIR_OK)
        ready->plain = plain;
    else
        weir_plan_free(plain);
    return code;
}

/* --- which batches can be proven --- */

/* The schema of a writer: parsed when first asked for. False: none that can be used. */
static enum weir_err_code learn_writer(struct recompute *recompute, uint32_t text, bool *usable,
                                       struct weir_err *err)
{
    struct weir_err why;
    enum weir_err_code code = WEIR_OK;
    if (!recompute->writers[text])
        code = parse_schema(recompute->annals, text, &recompute->writers[text], &why);
    *usable = code == WEIR_OK;
    if (code == WEIR_ERR_NO_MEMORY)
        return no_memory(err);
    if (code != WEIR_OK)
        note(recompute, "writer's schema", &annals_text(recompute->annals, text)->print, why.text);
    return WEIR_OK;
}

static enum weir_err_code mark(struct recompute *recompute, struct annals_batch *batch, struct weir_err *err)
{
    const struct annals_writer *writers = annals_writers(recompute->annals, batch);
    const struct ready *ready = &recompute->plans[batch->plan];
    batch->provable = ready->plain != NULL;
    if (!batch->provable)
        note(recompute, "plan", &annals_plan(recompute->annals, batch->plan)->print, ready->why.text);
    for (size_t i = 0; i < batch->writers.n && batch->provable; i++) {
        enum weir_err_code code = learn_writer(recompute, writers[i].text, &batch->provable, err);
        if (code != WEIR_OK)
            return code;
    }
    return WEIR_OK;
}

static enum weir_err_code make_all(struct recompute *recompute, int32_t partitions, struct weir_err *err)
{
    for (size_t i = 0; i < recompute->n_plans; i++) {
        if (make_ready(recompute, (uint32_t)i, &recompute->plans[i].why) == WEIR_ERR_NO_MEMORY)
            return no_memory(err);
    }
    for (int32_t p = 0; p < partitions; p++) {
        struct annals_chain chain = annals_chain(recompute->annals, p);
        for (size_t i = 0; i < chain.n; i++) {
            enum weir_err_code code = mark(recompute, &chain.batches[i], err);
            if (code != WEIR_OK)
                return code;
        }
    }
    return WEIR_OK;
}

enum weir_err_code recompute_new(struct annals *annals, int32_t partitions,
                                 const struct recompute_config *config, const struct sip_key *key,
                                 struct recompute **out, struct weir_err *err)
{
    struct recompute *recompute = calloc(1, sizeof *recompute);
    if (!recompute)
        return no_memory(err);
    recompute->annals = annals;
    recompute->config = config;
    recompute->key = key;
    recompute->n_plans = annals_plans(annals);
    recompute->n_texts = annals_texts(annals);
    recompute->plans = calloc(recompute->n_plans + 1, sizeof *recompute->plans);
    recompute->writers = calloc(recompute->n_texts + 1, sizeof(struct weir_schema *));
    recompute->compiled = calloc(RECOMPUTE_COMPILED_MAX, sizeof *recompute->compiled);
    enum weir_err_code code = recompute->plans && recompute->writers && recompute->compiled
                                  ? make_all(recompute, partitions, err)
                                  : no_memory(err);
    if (code == WEIR_OK)
        *out = recompute;
    else
        recompute_free(recompute);
    return code;
}

static void forget_compiled(struct recompute *recompute)
{
    for (size_t i = 0; i < recompute->n_compiled; i++)
        weir_plan_free(recompute->compiled[i].code);
    recompute->n_compiled = recompute->last = 0;
}

void recompute_free(struct recompute *recompute)
{
    if (!recompute)
        return;
    forget_compiled(recompute);
    for (size_t i = 0; recompute->plans && i < recompute->n_plans; i++) {
        struct ready *ready = &recompute->plans[i];
        weir_plan_free(ready->plain);
        form_free(ready->form);
        weir_schema_free(ready->reader);
        weir_schema_free(ready->output);
        if (ready->spec)
            recompute->config->release(ready->spec);
    }
    for (size_t i = 0; recompute->writers && i < recompute->n_texts; i++)
        weir_schema_free(recompute->writers[i]);
    free(recompute->plans);
    free((void *)recompute->writers);
    free(recompute->compiled);
    free(recompute->scratch);
    free(recompute);
}

const char *recompute_why(const struct recompute *recompute)
{
    return recompute->why;
}

const struct weir_spec *recompute_spec(const struct recompute *recompute, uint32_t plan)
{
    return recompute->plans[plan].plain ? recompute->plans[plan].spec : NULL;
}

/* --- verdicts --- */

static enum weir_err_code compile(struct recompute *recompute, uint32_t plan, uint32_t text,
                                  struct weir_plan **out, struct weir_err *err)
{
    struct weir_err why;
    for (size_t i = 0, n = recompute->n_compiled; i < n; i++) {
        const struct compiled *known = &recompute->compiled[(recompute->last + i) % n];
        if (known->plan != plan || known->text != text)
            continue;
        recompute->last = (recompute->last + i) % n;
        *out = known->code;
        return WEIR_OK;
    }
    if (recompute->n_compiled == RECOMPUTE_COMPILED_MAX)
        forget_compiled(recompute);
    struct weir_plan_request request = request_of(recompute, plan);
    request.writer = recompute->writers[text];
    *out = NULL;
    if (weir_plan_new(&request, out, &why) == WEIR_ERR_NO_MEMORY)
        return no_memory(err);
    recompute->last = recompute->n_compiled++;
    recompute->compiled[recompute->last] = (struct compiled){plan, text, *out};
    return WEIR_OK;
}

static const struct annals_writer *writer_of(const struct recompute *recompute,
                                             const struct annals_batch *batch,
                                             const struct weir_schema_key *key)
{
    const struct annals_writer *writers = annals_writers(recompute->annals, batch);
    for (size_t i = 0; i < batch->writers.n; i++)
        if (weir_schema_key_equal(&writers[i].key, key))
            return &writers[i];
    return NULL;
}

static void decide(struct weir_outcome *outcome, enum weir_code code)
{
    *outcome = (struct weir_outcome){.verdict = WEIR_REJECT, .why = {.code = code, .byte_offset = -1}};
}

static bool decide_given(const struct recompute *recompute, const struct annals_batch *batch, int64_t offset,
                         struct weir_outcome *outcome)
{
    const struct journal_given *given = annals_given(recompute->annals, batch);
    for (size_t i = 0; i < batch->given.n; i++)
        if (offset >= given[i].first && offset <= given[i].last) {
            decide(outcome, (enum weir_code)given[i].kind);
            return true;
        }
    return false;
}

static enum weir_err_code run(struct recompute *recompute, const struct weir_plan *plan,
                              const struct weir_record *record, int64_t now_ms, struct weir_outcome *outcome,
                              struct weir_err *err)
{
    struct weir_arena scratch;
    size_t size = weir_pipeline_scratch(plan, record->value.len);
    if (size > recompute->scratch_size) {
        uint8_t *grown = realloc(recompute->scratch, size);
        if (!grown)
            return no_memory(err);
        recompute->scratch = grown;
        recompute->scratch_size = size;
    }
    weir_arena_init(&scratch, recompute->scratch, recompute->scratch_size);
    weir_pipeline_process(plan, record, now_ms, &scratch, outcome);
    return WEIR_OK;
}

enum weir_err_code recompute_outcome(struct recompute *recompute, const struct annals_batch *batch,
                                     const struct weir_record *record, int64_t now_ms,
                                     struct weir_outcome *outcome, struct weir_err *err)
{
    const struct ready *ready = &recompute->plans[batch->plan];
    if (batch->given.n > 0 && decide_given(recompute, batch, record->offset, outcome))
        return WEIR_OK;
    struct weir_wire wire = weir_wire_read(ready->spec->core.input_format, record);
    if (wire.kind != WEIR_WIRE_AVRO)
        return run(recompute, ready->plain, record, now_ms, outcome, err);
    const struct annals_writer *writer = writer_of(recompute, batch, &wire.key);
    struct weir_plan *plan = NULL;
    decide(outcome, writer ? WEIR_CODE_SCHEMA_MISMATCH : WEIR_CODE_UNKNOWN_SCHEMA);
    if (!writer)
        return WEIR_OK;
    enum weir_err_code code = compile(recompute, batch->plan, writer->text, &plan, err);
    return code == WEIR_OK && plan ? run(recompute, plan, record, now_ms, outcome, err) : code;
}

/* --- outputs --- */

enum weir_err_code recompute_read(struct recompute *recompute, const struct annals_batch *batch,
                                  struct weir_bytes value, struct form_reading *reading, struct weir_err *err)
{
    return form_read(recompute->plans[batch->plan].form, recompute->key, value, reading, err);
}

/* True when the value may be of that plan: JSON says nothing of its schema, Avro its id. */
static bool may_be_of(const struct recompute *recompute, uint32_t plan, struct weir_bytes value)
{
    const struct ready *ready = &recompute->plans[plan];
    if (!ready->plain)
        return false;
    if (ready->spec->core.output_format == WEIR_FORMAT_JSON)
        return true;
    struct weir_record record = {.value = value};
    struct weir_wire wire = weir_wire_read(WEIR_FORMAT_AVRO, &record);
    return wire.kind == WEIR_WIRE_AVRO && !wire.key.by_guid &&
           wire.key.id == annals_plan(recompute->annals, plan)->output_id;
}

enum weir_err_code recompute_find(struct recompute *recompute, struct weir_bytes value,
                                  struct form_reading *reading, bool *known, struct weir_err *err)
{
    uint32_t last = recompute->last_found;
    *reading = (struct form_reading){.placed = false};
    *known = false;
    for (size_t i = 0; value.data && i < recompute->n_plans && !reading->placed; i++) {
        uint32_t plan = (uint32_t)((last + i) % recompute->n_plans);
        if (!may_be_of(recompute, plan, value))
            continue;
        *known = *known || recompute->plans[plan].spec->core.output_format != WEIR_FORMAT_JSON;
        enum weir_err_code code = form_read(recompute->plans[plan].form, recompute->key, value, reading, err);
        if (code != WEIR_OK)
            return code;
        recompute->last_found = plan;
    }
    if (!reading->placed)
        return WEIR_OK;
    /* Other plans may fill other fields with `now`. */
    const struct annals_batch *batch = annals_find(recompute->annals, reading->partition, reading->offset);
    if (!batch || batch->plan == recompute->last_found || !may_be_of(recompute, batch->plan, value))
        return WEIR_OK;
    struct form_reading again;
    enum weir_err_code code = recompute_read(recompute, batch, value, &again, err);
    if (code == WEIR_OK && again.placed)
        *reading = again;
    return code;
}

bool recompute_has_place(const struct recompute *recompute)
{
    for (size_t i = 0; i < recompute->n_plans; i++)
        if (recompute->plans[i].plain && !form_has_place(recompute->plans[i].form))
            return false;
    return true;
}
