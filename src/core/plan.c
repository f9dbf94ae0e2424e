#include "core/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "avro/encode.h"
#include "core/complain.h"
#include "core/shape.h"

/* Longest "check[…]". */
#define RULE_NAME_MAX 48

/* What is compiled, and what of it is at hand only while compiling. */
struct compiler {
    const struct weir_plan_request *request;
    struct weir_plan *plan;
    const struct weir_set_spec *
        *set_of; /* for each of the output's fields, NULL where set does not name it */
    struct weir_err *err;
};

/* --- what comes in --- */

static enum weir_err_code compile_input(const struct compiler *c)
{
    struct weir_plan *plan = c->plan;
    const struct weir_schema *writer = c->request->writer;
    if (writer && writer->root->type != WEIR_TYPE_RECORD)
        return weir_fail(c->err, WEIR_ERR_INCOMPATIBLE, "the writer's schema is a %s, not a record",
                         weir_type_name(writer->root->type));
    if (writer)
        return resolve_new(writer->root, plan->reader, &plan->decode, c->err);
    if (plan->spec->input_format == WEIR_FORMAT_AVRO)
        return WEIR_OK;
    const struct json_options options = {plan->spec->unknown_fields, plan->spec->unions, plan->spec->numbers};
    return json_reader_new(c->request->reader, &options, &plan->json, c->err);
}

/* --- rules --- */

static enum weir_err_code compile_rules(const struct compiler *c, const char *list,
                                        const struct weir_rule_spec *specs, size_t n, struct rule **out)
{
    struct rule *rules = region_alloc(&c->plan->region, n * sizeof *rules);
    if (!rules)
        return complain_memory(c->err);
    for (size_t i = 0; i < n; i++) {
        char text[RULE_NAME_MAX];
        (void)snprintf(text, sizeof text, "%s[%zu]", list, i);
        const char *name = region_text(&c->plan->region, weir_bytes_of(text));
        if (!name)
            return complain_memory(c->err);
        enum weir_err_code code =
            rule_compile(&specs[i], name, c->plan->reader, &c->plan->region, &rules[i], c->err);
        if (code != WEIR_OK)
            return code;
    }
    *out = rules;
    return WEIR_OK;
}

/* True when every value of the type is null or has a text that is its own. */
static bool can_route(const struct weir_node *type, const struct weir_node **enumeration)
{
    const unsigned texts = SHAPE(WEIR_TYPE_NULL) | SHAPE(WEIR_TYPE_STRING) | SHAPE(WEIR_TYPE_BYTES) |
                           SHAPE(WEIR_TYPE_INT) | SHAPE(WEIR_TYPE_LONG) | SHAPE(WEIR_TYPE_ENUM);
    size_t enums = 0;
    for (size_t i = 0; i < shape_branches(type); i++) {
        if (shape_branch(type, i)->type != WEIR_TYPE_ENUM)
            continue;
        *enumeration = shape_branch(type, i);
        enums++;
    }
    return (shape_of(type) & ~texts) == 0 && enums <= 1;
}

static enum weir_err_code compile_route(const struct compiler *c)
{
    struct weir_plan *plan = c->plan;
    const char *name = plan->spec->partition_field;
    const struct weir_at nowhere = {0};
    plan->route_slot = -1;
    if (!name)
        return WEIR_OK;
    int field = weir_schema_field(plan->reader, name);
    if (field < 0)
        return complain_field(c->err, nowhere, "output.partition", plan->reader, name);
    if (!can_route(plan->reader->fields[field].type, &plan->route_enum))
        return complain(c->err, nowhere,
                        "output.partition: field '%s' is a %s; a text, a whole number or an enum is needed",
                        name, weir_type_name(plan->reader->fields[field].type->type));
    plan->route_slot = field;
    return WEIR_OK;
}

/* --- what goes out --- */

static enum weir_err_code match_sets(struct compiler *c)
{
    const struct weir_node *output = c->plan->output;
    c->set_of = region_alloc(&c->plan->region, output->n * sizeof *c->set_of);
    if (!c->set_of)
        return complain_memory(c->err);
    for (size_t i = 0; i < c->plan->spec->n_set; i++) {
        const struct weir_set_spec *set = &c->plan->spec->set[i];
        int field = weir_schema_field(output, set->field);
        if (field < 0)
            return complain_field(c->err, set->at, "set", output, set->field);
        if (c->set_of[field])
            return complain(c->err, set->at, "set.%s: set twice", set->field);
        c->set_of[field] = set;
    }
    return WEIR_OK;
}

/* The reader's field that an output's field takes by name, or by one of its aliases; -1 when there is none.
 */
static int find_by_name(const struct weir_node *reader, const struct weir_field *output)
{
    int field = weir_schema_field(reader, output->name);
    for (size_t i = 0; field < 0 && i < output->n_aliases; i++)
        field = weir_schema_field(reader, output->aliases[i]);
    return field;
}

static enum weir_err_code fill_by_name(const struct compiler *c, const struct weir_field *output,
                                       struct step *step)
{
    struct weir_err why;
    *step = (struct step){.multiply = 1, .field = output->name};
    int field = find_by_name(c->plan->reader, output);
    if (field >= 0) {
        enum weir_err_code code = transform_take(c->plan->reader, (size_t)field, output, step, &why);
        if (code == WEIR_OK || code == WEIR_ERR_NO_MEMORY)
            return code == WEIR_OK ? code : complain_memory(c->err);
        return weir_fail(c->err, code, "output field '%s': %s", output->name, why.text);
    }
    if (!output->has_default)
        return weir_fail(
            c->err, WEIR_ERR_INCOMPATIBLE,
            "output field '%s': the input has no such field, set does not name it, and it has no "
            "default",
            output->name);
    step->kind = STEP_BYTES;
    step->bytes = output->default_value;
    return WEIR_OK;
}

static enum weir_err_code compile_step(const struct compiler *c, size_t i, struct step *step)
{
    const struct weir_field *output = &c->plan->output->fields[i];
    const struct weir_set_spec *set = c->set_of[i];
    if (!set)
        return fill_by_name(c, output, step);
    const char *rule = region_join(&c->plan->region, "set", ".", set->field);
    if (!rule)
        return complain_memory(c->err);
    return transform_compile(set, rule, c->plan->spec->input_topic, c->plan->reader, output, &c->plan->region,
                             step, c->err);
}

/* Neighbours that are the same for every record become one run of bytes. */
static enum weir_err_code merge_bytes(struct weir_plan *plan, struct step *before, const struct step *step)
{
    size_t len = before->bytes.len + step->bytes.len;
    uint8_t *joined = region_alloc(&plan->region, len);
    if (!joined)
        return WEIR_ERR_NO_MEMORY;
    if (before->bytes.len > 0)
        memcpy(joined, before->bytes.data, before->bytes.len);
    if (step->bytes.len > 0)
        memcpy(joined + before->bytes.len, step->bytes.data, step->bytes.len);
    before->bytes = (struct weir_bytes){joined, len};
    return WEIR_OK;
}

static enum weir_err_code append_step(const struct compiler *c, const struct step *step)
{
    struct weir_plan *plan = c->plan;
    struct step *before = plan->n_steps > 0 ? &plan->steps[plan->n_steps - 1] : NULL;
    if (!before || before->kind != STEP_BYTES || step->kind != STEP_BYTES) {
        plan->steps[plan->n_steps++] = *step;
        return WEIR_OK;
    }
    return merge_bytes(plan, before, step) == WEIR_OK ? WEIR_OK : complain_memory(c->err);
}

static enum weir_err_code compile_steps(struct compiler *c)
{
    struct weir_plan *plan = c->plan;
    size_t n = plan->output->n, actions = 0;
    plan->steps = region_alloc(&plan->region, n * sizeof *plan->steps);
    plan->rewrites = region_alloc(&plan->region, n * sizeof *plan->rewrites);
    if (!plan->steps || !plan->rewrites)
        return complain_memory(c->err);
    enum weir_err_code code = match_sets(c);
    for (size_t i = 0; code == WEIR_OK && i < n; i++) {
        struct step step = {.kind = STEP_BYTES};
        code = compile_step(c, i, &step);
        plan->rewrites[i] = step.rewrite;
        actions += step.rewrite ? resolve_size(step.rewrite) : 0;
        if (code == WEIR_OK && actions > PLAN_ACTIONS_MAX)
            code = weir_fail(c->err, WEIR_ERR_INCOMPATIBLE,
                             "making the output of the input takes more than %d steps", PLAN_ACTIONS_MAX);
        if (code == WEIR_OK)
            code = append_step(c, &step);
    }
    return code;
}

/* --- how much room a record may need --- */

/* Most bytes that a record's output may have because its schemas let it grow; most times its own bytes that
 * its JSON may have because of names that stand again and again, and how often it is by characters alone. */
#define PLAN_GROWN_MAX       ((size_t)256 * 1024)
#define PLAN_JSON_FACTOR_MAX 64
#define JSON_FACTOR_USUAL    6

/* Most bytes that a value which a step makes has beyond its text: union index, and length or number. */
#define VALUE_MAX ((size_t)2 * ENCODE_LONG_MAX)

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* How many of the output's fields take their value from the reader's field that most of them take. */
static size_t most_copies(const struct weir_plan *plan)
{
    size_t copied = 1;
    for (size_t slot = 0; slot < plan->reader->n; slot++) {
        size_t copies = 0;
        for (size_t i = 0; i < plan->n_steps; i++)
            copies += transform_has_slot(&plan->steps[i]) && plan->steps[i].slot == slot;
        copied = most(copied, copies);
    }
    return copied;
}

/* What decoding takes, and with it all that it makes of a record. */
static struct plan_room decoding_room(const struct weir_plan *plan)
{
    if (plan->decode)
        return (struct plan_room){resolve_scratch(plan->decode, 0),
                                  resolve_scratch(plan->decode, 1) - resolve_scratch(plan->decode, 0)};
    if (plan->json)
        return (struct plan_room){json_scratch(plan->json, 0),
                                  json_scratch(plan->json, 1) - json_scratch(plan->json, 0)};
    return (struct plan_room){0};
}

/* The bytes of all slots: as they came, as decoding wrote them, or defaults. */
static struct plan_room slots_room(const struct weir_plan *plan)
{
    struct plan_room room = {0, 1};
    if (plan->decode) {
        struct resolve_room growth = resolve_growth(plan->decode);
        room = (struct plan_room){growth.fixed, most(growth.factor, 1)};
    } else if (plan->json) {
        struct json_room growth = json_growth(plan->json);
        room = (struct plan_room){growth.fixed, most(growth.factor, 1)};
    }
    for (size_t i = 0; i < plan->reader->n; i++)
        room.fixed += plan->reader->fields[i].default_value.len;
    return room;
}

/*
 * What the steps write: each slot's bytes as often as it is copied, rewritten, and what does not come from
 * slots. How much rewriting may add is bounded, so that a record never asks for more than a block of a
 * batch's memory because of what its schemas would allow.
 */
static struct plan_room output_room(const struct weir_plan *plan)
{
    struct plan_room slots = slots_room(plan);
    size_t copies = most_copies(plan), factor = 1, sum = WEIR_WIRE_PREFIX, grown = 0, passing = 0;
    for (size_t i = 0; i < plan->n_steps; i++) {
        const struct step *step = &plan->steps[i];
        sum += step->bytes.len + VALUE_MAX;
        if (!step->rewrite)
            continue;
        struct resolve_room growth = resolve_growth(step->rewrite), room = resolve_room(step->rewrite);
        grown += growth.fixed;
        passing = most(passing, room.fixed - growth.fixed + (room.factor > growth.factor ? slots.fixed : 0));
        factor = most(factor, room.factor);
    }
    grown += slots.fixed * copies * (factor - 1) + passing;
    return (struct plan_room){sum + slots.fixed * copies + least(grown, PLAN_GROWN_MAX),
                              most(least(slots.factor * factor, RESOLVE_FACTOR_MAX), 1) * copies};
}

/* How long the JSON of so much can be. */
static enum weir_err_code measure_json(const struct compiler *c, struct plan_room avro,
                                       struct plan_room *room)
{
    struct json_room json;
    if (!json_room(c->request->output, &json))
        return complain_memory(c->err);
    size_t usual = least(json.factor, JSON_FACTOR_USUAL);
    room->fixed +=
        json.fixed + usual * avro.fixed + least((json.factor - usual) * avro.fixed, PLAN_GROWN_MAX);
    room->factor += most(least(json.factor * avro.factor, PLAN_JSON_FACTOR_MAX), usual * avro.factor);
    return WEIR_OK;
}

/* Upper bounds, so that what a record may use depends on nothing but the plan and the record's size. */
static enum weir_err_code measure_plan(const struct compiler *c)
{
    struct weir_plan *plan = c->plan;
    struct plan_room avro = output_room(plan);
    size_t reason = WEIR_REASON_TEXT_MAX + WEIR_REASON_FIELD_MAX + 2;
    plan->temporary = decoding_room(plan);
    plan->temporary.fixed += (plan->reader->n + 1) * sizeof(struct slot) + reason;
    plan->result = (struct plan_room){avro.fixed + reason, avro.factor};
    if (plan->route_slot >= 0) {
        /* The text that decides the partition is written once more. */
        plan->result.fixed += slots_room(plan).fixed + VALUE_MAX;
        plan->result.factor++;
    }
    if (plan->spec->output_format != WEIR_FORMAT_JSON)
        return WEIR_OK;
    plan->temporary.fixed += avro.fixed;
    plan->temporary.factor += avro.factor;
    return measure_json(c, avro, &plan->result);
}

/* --- the whole --- */

static enum weir_err_code need_record(const struct compiler *c, const struct weir_schema *schema,
                                      const char *side)
{
    if (schema->root->type == WEIR_TYPE_RECORD)
        return WEIR_OK;
    return weir_fail(c->err, WEIR_ERR_INCOMPATIBLE, "the %s schema is a %s, not a record", side,
                     weir_type_name(schema->root->type));
}

static enum weir_err_code compile(struct compiler *c)
{
    struct weir_plan *plan = c->plan;
    const struct weir_pipeline_spec *spec = plan->spec;
    enum weir_err_code code = need_record(c, c->request->reader, "input's");
    if (code == WEIR_OK)
        code = need_record(c, c->request->output, "output's");
    if (code == WEIR_OK)
        code = compile_input(c);
    if (code == WEIR_OK)
        code = compile_rules(c, "drop_when", spec->drop_when, spec->n_drop_when, &plan->drop_when);
    if (code == WEIR_OK)
        code = compile_rules(c, "check", spec->check, spec->n_check, &plan->check);
    if (code == WEIR_OK)
        code = compile_route(c);
    if (code == WEIR_OK)
        code = compile_steps(c);
    return code == WEIR_OK ? measure_plan(c) : code;
}

enum weir_err_code weir_plan_new(const struct weir_plan_request *request, struct weir_plan **out,
                                 struct weir_err *err)
{
    struct weir_plan *plan = calloc(1, sizeof *plan);
    if (!plan)
        return complain_memory(err);
    plan->spec = request->spec;
    plan->reader = request->reader->root;
    plan->output = request->output->root;
    plan->output_id = request->output_id;
    struct compiler c = {.request = request, .plan = plan, .err = err};
    enum weir_err_code code = compile(&c);
    if (code == WEIR_OK)
        *out = plan;
    else
        weir_plan_free(plan);
    return code;
}

void weir_plan_free(struct weir_plan *plan)
{
    if (!plan)
        return;
    for (size_t i = 0; plan->rewrites && i < plan->output->n; i++)
        resolve_free(plan->rewrites[i]);
    resolve_free(plan->decode);
    json_reader_free(plan->json);
    region_release(&plan->region);
    free(plan);
}
