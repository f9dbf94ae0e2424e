/* Defaults of fields, checked and encoded ahead (Avro 1.12, "Complex Types: Records", attribute default). */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "avro/encode.h"
#include "avro/schema_parts.h"

/* What became of a default: it is no value of the type, or the room for defaults is full. */
enum fit { FIT, UNFIT, FULL };

static enum fit put(bool done)
{
    return done ? FIT : FULL;
}

static enum fit put_value(const json_t *value, const struct weir_node *type, struct weir_arena *out);

static enum fit put_integer(const json_t *value, int64_t min, int64_t max, struct weir_arena *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < min || json_integer_value(value) > max)
        return UNFIT;
    return put(encode_long(out, json_integer_value(value)));
}

static enum fit put_real(const json_t *value, enum weir_type type, struct weir_arena *out)
{
    if (!json_is_number(value))
        return UNFIT;
    double real = json_number_value(value);
    if (type == WEIR_TYPE_DOUBLE)
        return put(encode_double(out, real));
    return isfinite((float)real) ? put(encode_float(out, (float)real)) : UNFIT;
}

/* Bytes stand in JSON as a character per byte; jansson has checked the UTF-8. */
static enum fit put_bytes(const json_t *value, struct weir_arena *out)
{
    const uint8_t *text = (const uint8_t *)json_string_value(value);
    if (!text)
        return UNFIT;
    size_t len = json_string_length(value), n = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] > 0xC3)
            return UNFIT;
        n += (text[i] & 0xC0) != 0x80;
    }
    if (!encode_long(out, (int64_t)n))
        return FULL;
    uint8_t *bytes = weir_arena_alloc(out, n, 1);
    if (!bytes)
        return FULL;
    for (size_t i = 0; i < len; i++) {
        if (text[i] >= 0xC2)
            *bytes++ = (uint8_t)((text[i] & 0x03) << 6 | (text[i + 1] & 0x3F));
        else if (text[i] < 0x80)
            *bytes++ = text[i];
    }
    return FIT;
}

static enum fit put_text(const json_t *value, struct weir_arena *out)
{
    if (!json_is_string(value))
        return UNFIT;
    struct weir_bytes text = {(const uint8_t *)json_string_value(value), json_string_length(value)};
    return put(encode_text(out, text));
}

static enum fit put_enum(const json_t *value, const struct weir_node *type, struct weir_arena *out)
{
    const char *text = json_string_value(value);
    for (size_t i = 0; text && i < type->n; i++)
        if (strcmp(type->symbols[i], text) == 0 && strlen(text) == json_string_length(value))
            return put(encode_long(out, (int64_t)i));
    return UNFIT;
}

/* The default of a union may be of any branch, since 1.12; the first that takes it has it. */
static enum fit put_union(const json_t *value, const struct weir_node *type, struct weir_arena *out)
{
    size_t used = out->used;
    for (size_t i = 0; i < type->n; i++) {
        enum fit fit = put(encode_long(out, (int64_t)i));
        if (fit == FIT)
            fit = put_value(value, type->branches[i], out);
        if (fit != UNFIT)
            return fit;
        out->used = used;
    }
    return UNFIT;
}

/* A field that the default leaves out takes its own default. */
static enum fit put_record(const json_t *value, const struct weir_node *type, struct weir_arena *out)
{
    if (!json_is_object(value))
        return UNFIT;
    for (size_t i = 0; i < type->n; i++) {
        const struct weir_field *field = &type->fields[i];
        const json_t *own = json_object_get(value, field->name);
        enum fit fit = UNFIT;
        if (own)
            fit = put_value(own, field->type, out);
        else if (field->has_default)
            fit = put(encode_raw(out, field->default_value));
        if (fit != FIT)
            return fit;
    }
    return FIT;
}

static enum fit put_value(const json_t *value, const struct weir_node *type, struct weir_arena *out)
{
    switch (type->type) {
    case WEIR_TYPE_NULL: return json_is_null(value) ? FIT : UNFIT;
    case WEIR_TYPE_BOOLEAN:
        return json_is_boolean(value) ? put(encode_boolean(out, json_is_true(value))) : UNFIT;
    case WEIR_TYPE_INT: return put_integer(value, INT32_MIN, INT32_MAX, out);
    case WEIR_TYPE_LONG: return put_integer(value, INT64_MIN, INT64_MAX, out);
    case WEIR_TYPE_FLOAT:
    case WEIR_TYPE_DOUBLE: return put_real(value, type->type, out);
    case WEIR_TYPE_BYTES: return put_bytes(value, out);
    case WEIR_TYPE_STRING: return put_text(value, out);
    case WEIR_TYPE_ENUM: return put_enum(value, type, out);
    case WEIR_TYPE_UNION: return put_union(value, type, out);
    case WEIR_TYPE_RECORD: return put_record(value, type, out);
    }
    assert(!"a type without a case");
    return UNFIT;
}

bool schema_default(struct schema_reading *reading, const json_t *value, const struct weir_node *type,
                    const struct schema_place *place, struct weir_bytes *encoded)
{
    struct weir_arena *out = &reading->schema->defaults;
    if (!out->base) {
        void *memory = region_alloc(&reading->schema->region, SCHEMA_DEFAULTS_MAX);
        if (!memory)
            return schema_no_memory(reading);
        weir_arena_init(out, memory, SCHEMA_DEFAULTS_MAX);
    }
    size_t begin = out->used;
    switch (put_value(value, type, out)) {
    case FIT: *encoded = (struct weir_bytes){out->base + begin, out->used - begin}; return true;
    case UNFIT:
        return schema_bad(reading, place, "the default is not a value of type %s",
                          weir_type_name(type->type));
    case FULL: break;
    }
    return schema_bad(reading, place, "the defaults take more than %d bytes together", SCHEMA_DEFAULTS_MAX);
}
