#include "audit/form.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "avro/decode.h"
#include "avro/json.h"
#include "weir/pipeline.h"

/* What ends the text of a JSON number or text. */
#define NUMBER_CHARACTERS "+-.0123456789eE"
#define NONE              SIZE_MAX

struct form {
    const struct weir_node *root;
    struct resolution *decode; /* of Avro */
    struct json_reader *json;  /* of JSON */
    size_t partition, offset;  /* numbers of the fields; NONE */
    bool *is_now;              /* for each field */
    uint8_t *memory;
    size_t cap;
};

static void find_fields(struct form *form, const struct weir_pipeline_spec *spec)
{
    form->partition = form->offset = NONE;
    for (size_t i = 0; i < spec->n_set; i++) {
        const struct weir_set_spec *set = &spec->set[i];
        int field = weir_schema_field(form->root, set->field);
        if (field < 0)
            continue;
        if (set->kind == WEIR_SET_NOW)
            form->is_now[field] = true;
        if (set->kind == WEIR_SET_SOURCE && strcmp(set->arg, "partition") == 0)
            form->partition = (size_t)field;
        if (set->kind == WEIR_SET_SOURCE && strcmp(set->arg, "offset") == 0)
            form->offset = (size_t)field;
    }
}

enum weir_err_code form_new(const struct weir_pipeline_spec *spec, const struct weir_schema *output,
                            struct form **out, struct weir_err *err)
{
    /* What weir has written can be read again: doubles that JSON has no number for are texts there. */
    const struct json_options options = {WEIR_UNKNOWN_REJECT, WEIR_UNIONS_AUTO, WEIR_NUMBERS_TEXT};
    struct form *form = calloc(1, sizeof *form);
    bool *is_now = calloc(output->root->n + 1, sizeof *is_now);
    enum weir_err_code code = WEIR_OK;
    if (!form || !is_now) {
        free(form);
        free(is_now);
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the output's form");
    }
    form->is_now = is_now;
    form->root = output->root;
    if (spec->output_format == WEIR_FORMAT_JSON)
        code = json_reader_new(output, &options, &form->json, err);
    else
        code = resolve_new(output->root, output->root, &form->decode, err);
    if (code == WEIR_OK) {
        find_fields(form, spec);
        *out = form;
    } else {
        form_free(form);
    }
    return code;
}

void form_free(struct form *form)
{
    if (!form)
        return;
    resolve_free(form->decode);
    json_reader_free(form->json);
    free(form->is_now);
    free(form->memory);
    free(form);
}

bool form_has_place(const struct form *form)
{
    return form->partition != NONE && form->offset != NONE;
}

/* Slots, the room that reading takes, and a copy of the value to be hashed. */
static bool need_memory(struct form *form, size_t len, size_t *scratch)
{
    size_t slots = (form->root->n + 1) * sizeof(struct slot);
    *scratch = form->json ? json_scratch(form->json, len) : resolve_scratch(form->decode, len);
    size_t need = slots + *scratch + len + form->root->n + WEIR_WIRE_PREFIX;
    if (need <= form->cap)
        return true;
    uint8_t *grown = realloc(form->memory, need);
    if (!grown)
        return false;
    form->memory = grown;
    form->cap = need;
    return true;
}

static bool integer_of(const struct slot *slot, int64_t least, int64_t most, int64_t *out)
{
    *out = slot->v.i;
    return slot->kind == SLOT_INTEGER && *out >= least && *out <= most;
}

static void find_place(const struct form *form, const struct slot *slots, struct form_reading *reading)
{
    int64_t partition, offset;
    if (!form_has_place(form) || !integer_of(&slots[form->partition], 0, INT32_MAX - 1, &partition) ||
        !integer_of(&slots[form->offset], 0, INT64_MAX - 1, &offset))
        return;
    reading->placed = true;
    reading->partition = (int32_t)partition;
    reading->offset = offset;
}

static struct weir_bytes gather_avro(const struct form *form, struct weir_bytes value,
                                     const struct slot *slots, uint8_t *to)
{
    size_t len = WEIR_WIRE_PREFIX;
    memcpy(to, value.data, WEIR_WIRE_PREFIX);
    for (size_t i = 0; i < form->root->n; i++) {
        if (form->is_now[i]) {
            to[len++] = slots[i].kind;
            continue;
        }
        memcpy(to + len, slots[i].raw.data, slots[i].raw.len);
        len += slots[i].raw.len;
    }
    return (struct weir_bytes){to, len};
}

/* The text without the numbers that `now` has filled in. */
static struct weir_bytes gather_json(const struct form *form, struct weir_bytes value,
                                     const struct slot *slots, uint8_t *to)
{
    size_t len = 0;
    for (size_t at = 0; at < value.len;) {
        bool cut = false;
        for (size_t i = 0; i < form->root->n && !cut; i++)
            cut = form->is_now[i] && !slots[i].defaulted && slots[i].at == at;
        if (!cut || !memchr(NUMBER_CHARACTERS, value.data[at], sizeof NUMBER_CHARACTERS - 1)) {
            to[len++] = value.data[at++];
            continue;
        }
        while (at < value.len && memchr(NUMBER_CHARACTERS, value.data[at], sizeof NUMBER_CHARACTERS - 1))
            at++;
    }
    return (struct weir_bytes){to, len};
}

/* False for what is no value of the schema. */
static bool read_slots(const struct form *form, struct weir_bytes value, struct weir_arena *scratch,
                       struct slot *slots)
{
    struct weir_reason why;
    uint32_t unknown;
    if (form->json)
        return json_read(form->json, value, scratch, slots, &unknown, &why);
    if (value.len < WEIR_WIRE_PREFIX || value.data[0] != 0)
        return false;
    struct weir_bytes payload = {value.data + WEIR_WIRE_PREFIX, value.len - WEIR_WIRE_PREFIX};
    return decode_record(form->decode, payload, WEIR_WIRE_PREFIX, scratch, slots, &why);
}

enum weir_err_code form_read(struct form *form, const struct sip_key *key, struct weir_bytes value,
                             struct form_reading *reading, struct weir_err *err)
{
    struct weir_arena scratch;
    struct weir_bytes gathered = value;
    size_t room;
    *reading = (struct form_reading){.placed = false};
    if (!value.data)
        return WEIR_OK;
    if (!need_memory(form, value.len, &room))
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for an output of %zu bytes", value.len);
    struct slot *slots = (struct slot *)(void *)form->memory;
    uint8_t *after = form->memory + (form->root->n + 1) * sizeof *slots;
    weir_arena_init(&scratch, after, room);
    if (read_slots(form, value, &scratch, slots)) {
        find_place(form, slots, reading);
        gathered = form->json ? gather_json(form, value, slots, after + room)
                              : gather_avro(form, value, slots, after + room);
    }
    reading->digest = sip_hash(key, gathered);
    return WEIR_OK;
}
