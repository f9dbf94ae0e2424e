/* Wire → decode → drop_when → check → transform → encode: the way of one record through its plan. */
#include "weir/pipeline.h"

#include <assert.h>
#include <inttypes.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "avro/decode.h"
#include "avro/encode.h"
#include "avro/json.h"
#include "base/least.h"
#include "core/code.h"
#include "core/plan.h"

/* Rules of drops that no entry of drop_when causes. */
#define TOMBSTONE_RULE "input.tombstone"

/* How many fields the outcome's bitmap of defaults can tell. */
#define DEFAULTED_MAX 64

/* One record on its way. */
struct run {
    const struct weir_plan *plan;
    const struct weir_record *in;
    int64_t now_ms;
    struct slot *slots;
    /* The scratch in two: what the outcome keeps, and behind it what the next record may overwrite. */
    struct weir_arena result, temporary;
    struct weir_outcome *out;
};

static void decide_code(struct weir_outcome *out, enum weir_code code)
{
    *out = (struct weir_outcome){.verdict = WEIR_REJECT, .why = {.code = code, .byte_offset = -1}};
}

void weir_pipeline_reject(struct weir_outcome *out, enum weir_code code, struct weir_arena *scratch,
                          const char *format, ...)
{
    char text[WEIR_REASON_TEXT_MAX + 1];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    decide_code(out, code);
    out->why.text = weir_arena_copy(scratch, weir_bytes_of(text));
}

static bool reject_value(struct run *run, enum weir_code code, const char *text)
{
    decide_code(run->out, code);
    run->out->why.byte_offset = 0;
    run->out->why.text = weir_bytes_of(text);
    return false;
}

/* --- the steps; each returns false when the outcome is decided --- */

static bool decide_tombstone(struct run *run)
{
    switch (run->plan->spec->tombstone) {
    case WEIR_TOMBSTONE_PASS: run->out->verdict = WEIR_PASS; return false;
    case WEIR_TOMBSTONE_DROP:
        run->out->verdict = WEIR_DROP;
        run->out->why.rule = TOMBSTONE_RULE;
        return false;
    case WEIR_TOMBSTONE_REJECT: break;
    }
    decide_code(run->out, WEIR_CODE_EMPTY_VALUE);
    run->out->why.text = weir_bytes_of("the value is null, and input.tombstone says reject");
    return false;
}

static bool take_slots(struct run *run)
{
    size_t size = run->plan->reader->n * sizeof *run->slots;
    run->slots = weir_arena_alloc(&run->temporary, size, alignof(struct slot));
    return run->slots || reject_value(run, WEIR_CODE_TOO_LARGE, "");
}

static bool read_value(struct run *run)
{
    const struct weir_plan *plan = run->plan;
    struct weir_bytes value = run->in->value;
    struct weir_wire wire = weir_wire_read(plan->spec->input_format, run->in);
    assert((plan->decode != NULL) == (wire.kind == WEIR_WIRE_AVRO));
    struct weir_reason *why = &run->out->why;
    uint32_t unknown = 0;
    bool ok = true;
    switch (wire.kind) {
    case WEIR_WIRE_TOMBSTONE: return decide_tombstone(run);
    case WEIR_WIRE_EMPTY: return reject_value(run, WEIR_CODE_EMPTY_VALUE, "the value has no bytes");
    case WEIR_WIRE_BAD_HEADER:
        decide_code(run->out, WEIR_CODE_BAD_MAGIC);
        run->out->why.text = weir_bytes_of("the header " WEIR_WIRE_HEADER " names no schema");
        return false;
    case WEIR_WIRE_UNKNOWN: return reject_value(run, WEIR_CODE_BAD_MAGIC, "");
    case WEIR_WIRE_JSON:
        ok = take_slots(run) && json_read(plan->json, value, &run->temporary, run->slots, &unknown, why);
        break;
    case WEIR_WIRE_AVRO: {
        struct weir_bytes payload = {value.data + wire.prefix, value.len - wire.prefix};
        ok = take_slots(run) &&
             decode_record(plan->decode, payload, wire.prefix, &run->temporary, run->slots, why);
        break;
    }
    }
    if (!ok)
        run->out->verdict = WEIR_REJECT;
    else if (plan->spec->unknown_fields == WEIR_UNKNOWN_COUNT)
        run->out->unknown_fields = unknown;
    return ok;
}

static void note_defaulted(struct run *run)
{
    size_t n = run->plan->reader->n < DEFAULTED_MAX ? run->plan->reader->n : DEFAULTED_MAX;
    for (size_t i = 0; i < n; i++)
        run->out->defaulted |= (uint64_t)run->slots[i].defaulted << i;
}

static bool apply_drop_when(struct run *run)
{
    for (size_t i = 0; i < run->plan->spec->n_drop_when; i++) {
        const struct rule *rule = &run->plan->drop_when[i];
        if (rule_first_failing(rule, run->slots))
            continue;
        run->out->verdict = WEIR_DROP;
        run->out->why.rule = rule->name;
        run->out->why.field = rule->field;
        return false;
    }
    return true;
}

static bool apply_checks(struct run *run)
{
    for (size_t i = 0; i < run->plan->spec->n_check; i++) {
        const struct rule *rule = &run->plan->check[i];
        const struct slot *slot = &run->slots[rule->slot];
        if (slot->defaulted || slot->kind == SLOT_NULL)
            continue;
        const struct rule_test *failing = rule_first_failing(rule, run->slots);
        if (!failing)
            continue;
        run->out->verdict = WEIR_REJECT;
        run->out->why = (struct weir_reason){WEIR_CODE_RULE_FAILED, rule->field, slot->at, rule->name, {0}};
        run->out->why.text = weir_arena_printf(&run->temporary, WEIR_REASON_TEXT_MAX, "%s %s", rule->field,
                                               failing->complaint);
        return false;
    }
    return true;
}

static bool write_avro(struct run *run, struct weir_arena *arena, struct weir_bytes *payload)
{
    const struct transform_in in = {run->slots, run->in, run->now_ms};
    size_t begin = arena->used;
    if (!transform_run(run->plan->steps, run->plan->n_steps, &in, arena, &run->temporary, &run->out->why)) {
        run->out->verdict = WEIR_REJECT;
        return false;
    }
    *payload = (struct weir_bytes){arena->base + begin, arena->used - begin};
    return true;
}

static bool write_wire(struct run *run)
{
    uint32_t id = run->plan->output_id;
    const uint8_t prefix[WEIR_WIRE_PREFIX] = {0, (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8),
                                              (uint8_t)id};
    struct weir_bytes payload;
    if (!encode_raw(&run->result, (struct weir_bytes){prefix, sizeof prefix}))
        return reject_value(run, WEIR_CODE_TOO_LARGE, "");
    if (!write_avro(run, &run->result, &payload))
        return false;
    run->out->value = (struct weir_bytes){payload.data - sizeof prefix, payload.len + sizeof prefix};
    return true;
}

static bool write_json(struct run *run)
{
    struct weir_bytes payload;
    if (!write_avro(run, &run->temporary, &payload))
        return false;
    if (!json_write(run->plan->output, payload, &run->result, &run->out->value))
        return reject_value(run, WEIR_CODE_TOO_LARGE, "");
    return true;
}

/* The text of the field that decides the partition; it may lie in the temporary part, so it is copied. */
static bool write_route_key(struct run *run)
{
    if (run->plan->route_slot < 0)
        return true;
    const struct slot *slot = &run->slots[run->plan->route_slot];
    struct weir_bytes text = slot->v.text;
    char decimal[ENCODE_LONG_MAX * 2 + 1];
    if (slot->kind == SLOT_NULL)
        return true;
    if (slot->kind == SLOT_SYMBOL) {
        text = weir_bytes_of(run->plan->route_enum->symbols[slot->v.i]);
    } else if (slot->kind == SLOT_INTEGER) {
        (void)snprintf(decimal, sizeof decimal, "%" PRId64, slot->v.i);
        text = weir_bytes_of(decimal);
    }
    run->out->route_key = weir_arena_copy(&run->result, text);
    return run->out->route_key.data || reject_value(run, WEIR_CODE_TOO_LARGE, "");
}

static bool write_value(struct run *run)
{
    return run->plan->spec->output_format == WEIR_FORMAT_JSON ? write_json(run) : write_wire(run);
}

/* --- the whole --- */

static size_t room_for(struct plan_room room, size_t len)
{
    return room.fixed + room.factor * len;
}

size_t weir_pipeline_scratch(const struct weir_plan *plan, size_t value_len)
{
    return room_for(plan->result, value_len) + room_for(plan->temporary, value_len);
}

/* Exactly as much as the plan asks for, however much there is: so what is too large depends on nothing else.
 */
static void split_scratch(struct run *run, const struct weir_arena *scratch)
{
    size_t left = weir_arena_left(scratch);
    size_t result = least(room_for(run->plan->result, run->in->value.len), left);
    size_t temporary = least(room_for(run->plan->temporary, run->in->value.len), left - result);
    weir_arena_init(&run->result, scratch->base + scratch->used, result);
    weir_arena_init(&run->temporary, scratch->base + scratch->used + result, temporary);
}

/* True when the text lies in the part of the scratch that the next record overwrites. */
static bool is_temporary(const struct run *run, const char *text)
{
    const uint8_t *p = (const uint8_t *)text;
    return text && p >= run->temporary.base && p < run->temporary.base + run->temporary.cap;
}

/* The path of a field within others, moved; NULL, as if none were known, when there is no room. */
static const char *keep_field(struct run *run, const char *field)
{
    if (!is_temporary(run, field))
        return field;
    const struct weir_bytes path = {(const uint8_t *)field, strlen(field) + 1};
    return (const char *)weir_arena_copy(&run->result, path).data;
}

/* Half an output may have been written: only what the reason says stays, moved to where the outcome is kept.
 */
static void settle_reject(struct run *run)
{
    struct weir_reason *why = &run->out->why;
    run->out->value = run->out->route_key = WEIR_NO_BYTES;
    run->result.used = 0;
    why->field = keep_field(run, why->field);
    why->text.len = least(why->text.len, WEIR_REASON_TEXT_MAX);
    if (why->text.len > 0)
        why->text = weir_arena_copy(&run->result, why->text);
    if (why->text.len == 0)
        why->text = weir_bytes_of(code_meaning(why->code));
}

void weir_pipeline_process(const struct weir_plan *plan, const struct weir_record *in, int64_t now_ms,
                           struct weir_arena *scratch, struct weir_outcome *out)
{
    struct run run = {.plan = plan, .in = in, .now_ms = now_ms, .out = out};
    *out = (struct weir_outcome){.verdict = WEIR_PASS, .why = {.byte_offset = -1}};
    split_scratch(&run, scratch);
    if (read_value(&run)) {
        note_defaulted(&run);
        /* The first step that decides otherwise than PASS ends the way. */
        (void)(apply_drop_when(&run) && apply_checks(&run) && write_value(&run) && write_route_key(&run));
    }
    if (out->verdict == WEIR_REJECT)
        settle_reject(&run);
    scratch->used += run.result.used;
}
