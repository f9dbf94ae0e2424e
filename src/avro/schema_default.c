/* Defaults of fields, checked and encoded ahead (Avro 1.12, "Complex Types: Records", attribute default). */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "avro/encode.h"
#include "avro/schema_parts.h"

/* Most values that the defaults of a schema may be made of, counted as often as a union's branches are tried
 * on them. */
#define DEFAULT_WORK_MAX (1024 * 1024)

/* What became of a default. */
enum fit {
    FIT,
    UNFIT, /* it is no value of the type */
    LATER, /* it takes another default that is not encoded yet */
    FULL,  /* the room for defaults is full */
    WORN   /* too much had to be looked at */
};

/* A default on its way into the schema's room for defaults. */
struct putting {
    struct weir_arena *out;
    size_t depth;
    size_t *work;
};

static enum fit put(bool done)
{
    return done ? FIT : FULL;
}

static enum fit put_value(struct putting *p, const json_t *value, const struct weir_node *type);

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

/* How many bytes a text stands for with a character each; SIZE_MAX when a character is none. jansson has
 * checked the UTF-8. */
static size_t count_bytes(const uint8_t *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] > 0xC3)
            return SIZE_MAX;
        n += (text[i] & 0xC0) != 0x80;
    }
    return n;
}

static enum fit put_bytes(const json_t *value, const struct weir_node *type, struct weir_arena *out)
{
    const uint8_t *text = (const uint8_t *)json_string_value(value);
    size_t len = json_string_length(value), n = text ? count_bytes(text, len) : SIZE_MAX;
    if (n == SIZE_MAX || (type->type == WEIR_TYPE_FIXED && n != type->size))
        return UNFIT;
    if (type->type == WEIR_TYPE_BYTES && !encode_long(out, (int64_t)n))
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

/* One block with all the items, and the end. */
static enum fit put_array(struct putting *p, const json_t *value, const struct weir_node *type)
{
    size_t n = json_array_size(value);
    if (!json_is_array(value))
        return UNFIT;
    enum fit fit = n == 0 ? FIT : put(encode_long(p->out, (int64_t)n));
    for (size_t i = 0; fit == FIT && i < n; i++)
        fit = put_value(p, json_array_get(value, i), type->items);
    return fit == FIT ? put(encode_long(p->out, 0)) : fit;
}

static enum fit put_map(struct putting *p, const json_t *value, const struct weir_node *type)
{
    size_t n = json_object_size(value);
    if (!json_is_object(value))
        return UNFIT;
    enum fit fit = n == 0 ? FIT : put(encode_long(p->out, (int64_t)n));
    const char *key;
    json_t *item;
    json_object_foreach((json_t *)(uintptr_t)value, key, item)
    {
        if (fit == FIT)
            fit = put(encode_text(p->out, weir_bytes_of(key)));
        if (fit == FIT)
            fit = put_value(p, item, type->items);
    }
    return fit == FIT ? put(encode_long(p->out, 0)) : fit;
}

/* The default of a union may be of any branch, since 1.12; the first that takes it has it. */
static enum fit put_union(struct putting *p, const json_t *value, const struct weir_node *type)
{
    size_t used = p->out->used;
    for (size_t i = 0; i < type->n; i++) {
        enum fit fit = put(encode_long(p->out, (int64_t)i));
        if (fit == FIT)
            fit = put_value(p, value, type->branches[i]);
        if (fit != UNFIT)
            return fit;
        p->out->used = used;
    }
    return UNFIT;
}

/* A field that the default leaves out takes its own default. */
static enum fit put_record(struct putting *p, const json_t *value, const struct weir_node *type)
{
    if (!json_is_object(value))
        return UNFIT;
    for (size_t i = 0; i < type->n; i++) {
        const struct weir_field *field = &type->fields[i];
        const json_t *own = json_object_get(value, field->name);
        enum fit fit = UNFIT;
        if (own)
            fit = put_value(p, own, field->type);
        else if (field->default_value.data)
            fit = put(encode_raw(p->out, field->default_value));
        else if (field->has_default)
            fit = LATER;
        if (fit != FIT)
            return fit;
    }
    return FIT;
}

static enum fit put_any(struct putting *p, const json_t *value, const struct weir_node *type)
{
    switch (type->type) {
    case WEIR_TYPE_NULL: return json_is_null(value) ? FIT : UNFIT;
    case WEIR_TYPE_BOOLEAN:
        return json_is_boolean(value) ? put(encode_boolean(p->out, json_is_true(value))) : UNFIT;
    case WEIR_TYPE_INT: return put_integer(value, INT32_MIN, INT32_MAX, p->out);
    case WEIR_TYPE_LONG: return put_integer(value, INT64_MIN, INT64_MAX, p->out);
    case WEIR_TYPE_FLOAT:
    case WEIR_TYPE_DOUBLE: return put_real(value, type->type, p->out);
    case WEIR_TYPE_BYTES:
    case WEIR_TYPE_FIXED: return put_bytes(value, type, p->out);
    case WEIR_TYPE_STRING: return put_text(value, p->out);
    case WEIR_TYPE_ENUM: return put_enum(value, type, p->out);
    case WEIR_TYPE_ARRAY: return put_array(p, value, type);
    case WEIR_TYPE_MAP: return put_map(p, value, type);
    case WEIR_TYPE_UNION: return put_union(p, value, type);
    case WEIR_TYPE_RECORD: return put_record(p, value, type);
    }
    assert(!"a type without a case");
    return UNFIT;
}

static enum fit put_value(struct putting *p, const json_t *value, const struct weir_node *type)
{
    if (++*p->work > DEFAULT_WORK_MAX || p->depth == WEIR_SCHEMA_DEPTH_MAX)
        return WORN;
    p->depth++;
    enum fit fit = put_any(p, value, type);
    p->depth--;
    return fit;
}

/* --- all defaults of a text --- */

/* One way through a text's declarations and the nodes that they became. */
struct walk {
    struct schema_reading *reading;
    size_t encoded; /* in this round */
    size_t later;   /* left to the next */
    bool last;      /* there is no next round */
};

static bool walk_type(struct walk *walk, const json_t *json, const struct weir_node *node,
                      const struct schema_place *place);

static bool fail_default(struct schema_reading *reading, const struct schema_place *place, enum fit fit,
                         const struct weir_node *type)
{
    if (fit == UNFIT)
        return schema_bad(reading, place, "the default is not a value of type %s",
                          weir_type_name(type->type));
    if (fit == LATER)
        return schema_bad(reading, place, "the default takes itself as a default");
    if (fit == WORN)
        return schema_bad(reading, place, "the defaults nest deeper than %d or are more than %d values",
                          WEIR_SCHEMA_DEPTH_MAX, DEFAULT_WORK_MAX);
    return schema_bad(reading, place, "the defaults take more than %d bytes together", SCHEMA_DEFAULTS_MAX);
}

static bool walk_default(struct walk *walk, const json_t *value, struct weir_field *field,
                         const struct schema_place *place)
{
    struct schema_reading *reading = walk->reading;
    struct weir_arena *out = &reading->schema->defaults;
    struct putting p = {out, 0, &reading->default_work};
    size_t begin = out->used;
    enum fit fit = put_value(&p, value, field->type);
    if (fit == FIT) {
        field->default_value = (struct weir_bytes){out->base + begin, out->used - begin};
        walk->encoded++;
        return true;
    }
    out->used = begin;
    if (fit != LATER || walk->last)
        return fail_default(reading, place, fit, field->type);
    walk->later++;
    return true;
}

static bool walk_record(struct walk *walk, const json_t *json, const struct weir_node *node,
                        const struct schema_place *place)
{
    const json_t *fields = json_object_get(json, "fields");
    for (size_t i = 0; i < node->n; i++) {
        /* The schema is not shown to anybody yet. */
        struct weir_field *field = (struct weir_field *)(uintptr_t)&node->fields[i];
        const json_t *declared = json_array_get(fields, i), *value = json_object_get(declared, "default");
        struct schema_place here = {place, ".fields", (int)i};
        struct schema_place type_place = {&here, ".type", -1}, default_place = {&here, ".default", -1};
        if (!walk_type(walk, json_object_get(declared, "type"), field->type, &type_place))
            return false;
        if (value && !field->default_value.data && !walk_default(walk, value, field, &default_place))
            return false;
    }
    return true;
}

static bool walk_object(struct walk *walk, const json_t *json, const struct weir_node *node,
                        const struct schema_place *place)
{
    const char *text = json_string_value(json_object_get(json, "type"));
    const struct schema_place items = {place, ".items", -1}, values = {place, ".values", -1};
    if (strcmp(text, "record") == 0)
        return walk_record(walk, json, node, place);
    if (strcmp(text, "array") == 0)
        return walk_type(walk, json_object_get(json, "items"), node->items, &items);
    if (strcmp(text, "map") == 0)
        return walk_type(walk, json_object_get(json, "values"), node->items, &values);
    return true;
}

static bool walk_type(struct walk *walk, const json_t *json, const struct weir_node *node,
                      const struct schema_place *place)
{
    if (json_is_object(json))
        return walk_object(walk, json, node, place);
    for (size_t i = 0; i < json_array_size(json); i++) {
        struct schema_place here = {place, "", (int)i};
        if (!walk_type(walk, json_array_get(json, i), node->branches[i], &here))
            return false;
    }
    return true;
}

/* A default may need that of a field that comes after it, so there are rounds as long as they get further. */
bool schema_defaults(struct schema_reading *reading, const json_t *json, const struct weir_node *root)
{
    const struct schema_place whole = {NULL, NULL, -1};
    struct weir_arena *out = &reading->schema->defaults;
    if (!out->base) {
        void *memory = region_alloc(&reading->schema->region, SCHEMA_DEFAULTS_MAX);
        if (!memory)
            return schema_no_memory(reading);
        weir_arena_init(out, memory, SCHEMA_DEFAULTS_MAX);
    }
    struct walk walk = {.reading = reading};
    do {
        walk.last = walk.later > 0 && walk.encoded == 0;
        walk.encoded = walk.later = 0;
        if (!walk_type(&walk, json, root, &whole))
            return false;
    } while (walk.later > 0);
    return true;
}
