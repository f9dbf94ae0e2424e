#include "core/transform.h"

#include <assert.h>
#include <string.h>

#include "avro/decode.h"
#include "avro/encode.h"
#include "base/copy.h"
#include "core/complain.h"
#include "core/format.h"
#include "core/shape.h"

/* Units of time, as how many there are in a second. */
#define SECONDS INT64_C(1)
#define MILLIS  INT64_C(1000)
#define MICROS  INT64_C(1000000)

/* A number that is no time. */
#define NO_UNIT INT64_C(0)

bool transform_may_lack(const struct weir_field *field)
{
    return field->has_default || shape_nullable(field->type);
}

/* --- compiling --- */

struct compiler {
    const struct weir_set_spec *spec;
    const char *rule;
    const struct weir_node *reader;
    const struct weir_field *output;
    struct region *region;
    struct weir_err *err;
};

/* What kind of number a step has to write. */
struct number {
    int64_t unit;     /* NO_UNIT, or in which the number comes */
    bool convertible; /* may be turned into the unit of the output's logical type */
    bool small;       /* fits an int */
};

static int64_t unit_of(const struct weir_node *type)
{
    if (type->logical == WEIR_LOGICAL_TIMESTAMP_MILLIS)
        return MILLIS;
    return type->logical == WEIR_LOGICAL_TIMESTAMP_MICROS ? MICROS : NO_UNIT;
}

static bool takes_number(const struct weir_node *type, const struct number *number)
{
    int64_t unit = unit_of(type);
    if (type->type == WEIR_TYPE_INT)
        return unit == NO_UNIT && number->small;
    if (type->type != WEIR_TYPE_LONG)
        return false;
    return unit == NO_UNIT || unit == number->unit || (number->convertible && number->unit != NO_UNIT);
}

/* The index of branch i of the output's type, encoded; nothing where it is no union. */
static enum weir_err_code set_prefix(const struct compiler *c, size_t i, struct step *step)
{
    if (c->output->type->type != WEIR_TYPE_UNION)
        return WEIR_OK;
    uint8_t *prefix = region_alloc(c->region, ENCODE_LONG_MAX);
    if (!prefix)
        return complain_memory(c->err);
    step->prefix = (struct weir_bytes){prefix, encode_long_to(prefix, (int64_t)i)};
    return WEIR_OK;
}

static enum weir_err_code target_number(const struct compiler *c, const struct number *number,
                                        struct step *step)
{
    for (size_t i = 0; i < shape_branches(c->output->type); i++) {
        const struct weir_node *type = shape_branch(c->output->type, i);
        if (!takes_number(type, number))
            continue;
        bool is_int = type->type == WEIR_TYPE_INT;
        step->least = is_int ? INT32_MIN : INT64_MIN;
        step->greatest = is_int ? INT32_MAX : INT64_MAX;
        int64_t to = number->convertible && unit_of(type) != NO_UNIT ? unit_of(type) : number->unit;
        step->multiply = number->unit != NO_UNIT && to > number->unit ? to / number->unit : 1;
        return set_prefix(c, i, step);
    }
    return complain(c->err, c->spec->at, "%s: the output's field is a %s, which does not take this %s",
                    c->rule, weir_type_name(c->output->type->type),
                    number->unit == NO_UNIT ? "number" : "time");
}

static enum weir_err_code target_text(const struct compiler *c, struct step *step)
{
    for (size_t i = 0; i < shape_branches(c->output->type); i++)
        if (shape_branch(c->output->type, i)->type == WEIR_TYPE_STRING)
            return set_prefix(c, i, step);
    return complain(c->err, c->spec->at, "%s: the output's field is a %s, which does not take a text",
                    c->rule, weir_type_name(c->output->type->type));
}

/* Where the source may lack a value the output's default stands in; there must be one. */
static enum weir_err_code set_fallback(const struct compiler *c, const struct weir_field *source,
                                       struct step *step)
{
    step->fallback = c->output->has_default;
    step->bytes = c->output->default_value;
    if (step->fallback || !transform_may_lack(source))
        return WEIR_OK;
    return complain(
        c->err, c->spec->at,
        "%s: the input's field '%s' can be missing or null, and the output's field has no default", c->rule,
        source->name);
}

/* The reader's field that arg names, whose values must all be null or of the types wanted. */
static enum weir_err_code source_field(const struct compiler *c, unsigned types, struct step *step,
                                       const struct weir_field **source)
{
    int field = weir_schema_field(c->reader, c->spec->arg);
    if (field < 0)
        return complain_field(c->err, c->spec->at, c->rule, c->reader, c->spec->arg);
    *source = &c->reader->fields[field];
    unsigned shape = shape_of((*source)->type) & ~SHAPE(WEIR_TYPE_NULL);
    if (shape == 0 || (shape & ~types) != 0)
        return complain(c->err, c->spec->at, "%s: the input's field '%s' is a %s, which has no such reading",
                        c->rule, c->spec->arg, weir_type_name((*source)->type->type));
    step->slot = (size_t)field;
    step->field = (*source)->name;
    return WEIR_OK;
}

static enum weir_err_code compile_constant(const struct compiler *c, struct step *step)
{
    const struct weir_scalar *value = &c->spec->value;
    size_t cap = strlen(value->text) + 2 * ENCODE_LONG_MAX;
    void *memory = region_alloc(c->region, cap);
    if (!memory)
        return complain_memory(c->err);
    struct weir_arena arena;
    struct weir_err why;
    weir_arena_init(&arena, memory, cap);
    if (encode_scalar(c->output->type, value->text, value->quoted, &arena, &why) != WEIR_OK)
        return complain(c->err, value->at.line ? value->at : c->spec->at, "%s: %s", c->rule, why.text);
    step->bytes = (struct weir_bytes){arena.base, arena.used};
    return WEIR_OK;
}

static enum weir_err_code compile_case(const struct compiler *c, struct step *step)
{
    step->kind = c->spec->kind == WEIR_SET_LOWER ? STEP_LOWER : STEP_UPPER;
    const struct weir_field *source;
    enum weir_err_code code = source_field(c, SHAPE(WEIR_TYPE_STRING), step, &source);
    if (code == WEIR_OK)
        code = target_text(c, step);
    return code == WEIR_OK ? set_fallback(c, source, step) : code;
}

static enum weir_err_code compile_epoch(const struct compiler *c, struct step *step)
{
    step->kind = STEP_EPOCH;
    const unsigned types = SHAPE(WEIR_TYPE_STRING) | SHAPE(WEIR_TYPE_INT) | SHAPE(WEIR_TYPE_LONG);
    bool seconds = c->spec->kind == WEIR_SET_EPOCH_SECONDS;
    struct number number = {.unit = seconds ? SECONDS : MILLIS, .convertible = true, .small = seconds};
    const struct weir_field *source;
    enum weir_err_code code = source_field(c, types, step, &source);
    if (code == WEIR_OK)
        code = target_number(c, &number, step);
    return code == WEIR_OK ? set_fallback(c, source, step) : code;
}

static enum weir_err_code compile_now(const struct compiler *c, struct step *step)
{
    step->kind = STEP_NOW;
    struct number number = {0};
    if (strcmp(c->spec->arg, "seconds") == 0)
        number = (struct number){.unit = SECONDS, .small = true};
    else if (strcmp(c->spec->arg, "millis") == 0)
        number.unit = MILLIS;
    else if (strcmp(c->spec->arg, "micros") == 0)
        number.unit = MICROS;
    else
        return complain(c->err, c->spec->at, "%s: now is seconds, millis or micros, not '%s'", c->rule,
                        c->spec->arg);
    enum weir_err_code code = target_number(c, &number, step);
    step->multiply = number.unit == MICROS ? MICROS / MILLIS : 1;
    step->in_seconds = number.unit == SECONDS;
    return code;
}

/* The input's topic is known now, so it is a constant. */
static enum weir_err_code compile_topic(const struct compiler *c, const char *topic, struct step *step)
{
    enum weir_err_code code = target_text(c, step);
    if (code != WEIR_OK)
        return code;
    size_t cap = strlen(topic) + 2 * ENCODE_LONG_MAX;
    void *memory = region_alloc(c->region, cap);
    if (!memory)
        return complain_memory(c->err);
    struct weir_arena arena;
    weir_arena_init(&arena, memory, cap);
    bool fits = encode_raw(&arena, step->prefix) && encode_text(&arena, weir_bytes_of(topic));
    assert(fits);
    (void)fits;
    step->kind = STEP_BYTES;
    step->bytes = (struct weir_bytes){arena.base, arena.used};
    return WEIR_OK;
}

static enum weir_err_code compile_source(const struct compiler *c, const char *topic, struct step *step)
{
    const char *arg = c->spec->arg;
    struct number number = {0};
    if (strcmp(arg, "topic") == 0)
        return compile_topic(c, topic, step);
    if (strcmp(arg, "partition") == 0) {
        step->kind = STEP_PARTITION;
        number.small = true;
    } else if (strcmp(arg, "offset") == 0) {
        step->kind = STEP_OFFSET;
    } else if (strcmp(arg, "timestamp") == 0) {
        step->kind = STEP_TIMESTAMP;
        number = (struct number){.unit = MILLIS, .convertible = true};
        step->fallback = c->output->has_default;
        step->bytes = c->output->default_value;
    } else {
        return complain(c->err, c->spec->at, "%s: source is topic, partition, offset or timestamp, not '%s'",
                        c->rule, arg);
    }
    return target_number(c, &number, step);
}

enum weir_err_code transform_take(const struct weir_node *reader, size_t slot,
                                  const struct weir_field *output, struct step *step, struct weir_err *err)
{
    const struct weir_field *source = &reader->fields[slot];
    struct resolution *resolution = NULL;
    step->slot = slot;
    step->field = source->name;
    enum weir_err_code code = resolve_new(source->type, output->type, &resolution, err);
    if (code != WEIR_OK)
        return code;
    step->kind = resolve_is_copy(resolution) ? STEP_COPY : STEP_REWRITE;
    step->rewrite = resolution;
    return WEIR_OK;
}

static enum weir_err_code compile_copy(const struct compiler *c, struct step *step)
{
    const struct weir_field *source;
    enum weir_err_code code = source_field(c, ~0u, step, &source);
    if (code != WEIR_OK)
        return code;
    struct weir_err why;
    code = transform_take(c->reader, step->slot, c->output, step, &why);
    if (code == WEIR_ERR_NO_MEMORY)
        return complain_memory(c->err);
    if (code != WEIR_OK)
        return complain(c->err, c->spec->at, "%s: %s", c->rule, why.text);
    /* Where the output has no default, what the reader's default gave is copied, and null where it fits. */
    bool null_fits = shape_nullable(c->output->type) || !shape_nullable(source->type);
    if (!c->output->has_default && null_fits)
        return WEIR_OK;
    return set_fallback(c, source, step);
}

static enum weir_err_code compile_kind(const struct compiler *c, const char *topic, struct step *step)
{
    switch (c->spec->kind) {
    case WEIR_SET_CONSTANT: return compile_constant(c, step);
    case WEIR_SET_NOW: return compile_now(c, step);
    case WEIR_SET_SOURCE: return compile_source(c, topic, step);
    case WEIR_SET_COPY: return compile_copy(c, step);
    case WEIR_SET_LOWER:
    case WEIR_SET_UPPER: return compile_case(c, step);
    case WEIR_SET_EPOCH_SECONDS:
    case WEIR_SET_EPOCH_MILLIS: return compile_epoch(c, step);
    }
    assert(false && "a set that does not exist");
    return WEIR_ERR_CONFIG;
}

enum weir_err_code transform_compile(const struct weir_set_spec *spec, const char *rule, const char *topic,
                                     const struct weir_node *reader, const struct weir_field *output,
                                     struct region *region, struct step *step, struct weir_err *err)
{
    const struct compiler c = {spec, rule, reader, output, region, err};
    *step = (struct step){.multiply = 1, .rule = rule, .field = output->name};
    enum weir_err_code code = compile_kind(&c, topic, step);
    step->as_it_is = step->multiply == 1 && !step->in_seconds && step->prefix.len == 0;
    return code;
}

/* --- running --- */

/* One step on its way; the fields are those of transform_run. */
struct run {
    const struct transform_in *in;
    struct weir_arena *out, *scratch;
    struct weir_reason *why;
};

static bool refuse(const struct run *run, const struct step *step, enum weir_code code, const char *what)
{
    *run->why =
        (struct weir_reason){.code = code, .field = step->field, .byte_offset = -1, .rule = step->rule};
    if (transform_has_slot(step) && !run->in->slots[step->slot].defaulted)
        run->why->byte_offset = run->in->slots[step->slot].at;
    run->why->text = weir_arena_printf(run->scratch, WEIR_REASON_TEXT_MAX, "%s: %s", step->field, what);
    return false;
}

static bool refuse_full(const struct run *run, const struct step *step)
{
    return refuse(run, step, WEIR_CODE_TOO_LARGE, "the output is larger than allowed");
}

/* As encode_raw, but inline: a record is put together of a dozen short pieces. */
static inline bool append(struct weir_arena *out, struct weir_bytes bytes)
{
    if (bytes.len > weir_arena_left(out))
        return false;
    copy_short(out->base + out->used, bytes.data, bytes.len);
    out->used += bytes.len;
    return true;
}

static inline bool put(const struct run *run, const struct step *step, struct weir_bytes bytes)
{
    return append(run->out, bytes) || refuse_full(run, step);
}

/* Room for the longest of numbers saves writing it twice; whoever measures a plan counts on as much. */
static inline bool put_within(const struct run *run, const struct step *step, int64_t number)
{
    if (number < step->least || number > step->greatest)
        return refuse(run, step, WEIR_CODE_TRANSFORM_FAILED, "the number is out of range");
    if (weir_arena_left(run->out) < ENCODE_LONG_MAX)
        return refuse_full(run, step);
    run->out->used += encode_long_to(run->out->base + run->out->used, number);
    return true;
}

static bool put_scaled(const struct run *run, const struct step *step, int64_t number)
{
    int64_t scaled;
    if (__builtin_mul_overflow(number, step->multiply, &scaled))
        return refuse(run, step, WEIR_CODE_TRANSFORM_FAILED, "the number is out of range");
    if (step->in_seconds)
        scaled /= MILLIS / SECONDS;
    return put(run, step, step->prefix) && put_within(run, step, scaled);
}

static inline bool put_number(const struct run *run, const struct step *step, int64_t number)
{
    return step->as_it_is ? put_within(run, step, number) : put_scaled(run, step, number);
}

static bool put_epoch(const struct run *run, const struct step *step)
{
    const struct slot *slot = &run->in->slots[step->slot];
    int64_t number = slot->v.i;
    if (slot->kind == SLOT_TEXT && !format_integer(slot->v.text, &number))
        return refuse(run, step, WEIR_CODE_TRANSFORM_FAILED, "the text is not a decimal number of 64 bits");
    return put_number(run, step, number);
}

/* Only ASCII letters change, so text stays UTF-8 and has the same length. */
static bool put_case(const struct run *run, const struct step *step)
{
    struct weir_bytes text = run->in->slots[step->slot].v.text;
    uint8_t first = step->kind == STEP_LOWER ? 'A' : 'a';
    if (!append(run->out, step->prefix) || !encode_text(run->out, text))
        return refuse_full(run, step);
    uint8_t *copy = run->out->base + run->out->used - text.len;
    for (size_t i = 0; i < text.len; i++)
        if (copy[i] >= first && copy[i] < first + 26)
            copy[i] ^= 'a' ^ 'A';
    return true;
}

static bool put_rewritten(const struct run *run, const struct step *step)
{
    if (decode_rewrite(step->rewrite, run->in->slots[step->slot].raw, run->out, run->why))
        return true;
    /* What the resolution of schemas refuses is no fault of decoding here: the value was valid as it came. */
    if (run->why->code == WEIR_CODE_TOO_LARGE)
        return refuse_full(run, step);
    return refuse(run, step, WEIR_CODE_TRANSFORM_FAILED, "the value cannot be one of the output's type");
}

static bool put_timestamp(const struct run *run, const struct step *step)
{
    if (run->in->record->timestamp_ms >= 0)
        return put_number(run, step, run->in->record->timestamp_ms);
    if (step->fallback)
        return put(run, step, step->bytes);
    return refuse(run, step, WEIR_CODE_TRANSFORM_FAILED, "the record has no timestamp");
}

static bool put_from_slot(const struct run *run, const struct step *step)
{
    const struct slot *slot = &run->in->slots[step->slot];
    if (step->fallback && (slot->defaulted || slot->kind == SLOT_NULL))
        return put(run, step, step->bytes);
    if (step->kind == STEP_COPY)
        return put(run, step, slot->raw);
    if (step->kind == STEP_REWRITE)
        return put_rewritten(run, step);
    return step->kind == STEP_EPOCH ? put_epoch(run, step) : put_case(run, step);
}

static bool run_step(const struct run *run, const struct step *step)
{
    switch (step->kind) {
    case STEP_BYTES: return put(run, step, step->bytes);
    case STEP_COPY:
    case STEP_REWRITE:
    case STEP_LOWER:
    case STEP_UPPER:
    case STEP_EPOCH: return put_from_slot(run, step);
    case STEP_NOW: return put_number(run, step, run->in->now_ms);
    case STEP_PARTITION: return put_number(run, step, run->in->record->partition);
    case STEP_OFFSET: return put_number(run, step, run->in->record->offset);
    case STEP_TIMESTAMP: return put_timestamp(run, step);
    }
    assert(false && "a step that does not exist");
    return false;
}

/* What is copied, as long as it lies in one piece: the fields of input and output mostly stand alike. */
struct span {
    struct weir_bytes bytes;
    const struct step *first;
};

static inline bool span_flush(const struct run *run, struct span *span)
{
    struct weir_bytes bytes = span->bytes;
    span->bytes.len = 0;
    return bytes.len == 0 || put(run, span->first, bytes);
}

static inline bool span_add(const struct run *run, struct span *span, const struct step *step)
{
    struct weir_bytes raw = run->in->slots[step->slot].raw;
    if (span->bytes.len > 0 && raw.data == span->bytes.data + span->bytes.len) {
        span->bytes.len += raw.len;
        return true;
    }
    if (!span_flush(run, span))
        return false;
    *span = (struct span){raw, step};
    return true;
}

bool transform_run(const struct step *steps, size_t n, const struct transform_in *in, struct weir_arena *out,
                   struct weir_arena *scratch, struct weir_reason *why)
{
    const struct run run = {in, out, scratch, why};
    struct span span = {0};
    for (size_t i = 0; i < n; i++) {
        const struct step *step = &steps[i];
        bool done = step->kind == STEP_COPY && !step->fallback
                        ? span_add(&run, &span, step)
                        : span_flush(&run, &span) && run_step(&run, step);
        if (!done)
            return false;
    }
    return span_flush(&run, &span);
}
