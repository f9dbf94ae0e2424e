/* A configuration's scalar as a value of an Avro type. */
#include <inttypes.h>
#include <string.h>

#include "avro/encode.h"
#include "avro/number.h"

/* Most of a scalar that a message shows. */
#define SCALAR_SHOWN 60

/* What became of a scalar: it is no value of the type, not in its range, or the arena is full. */
enum fit { FIT, UNFIT, OUT_OF_RANGE, FULL };

struct scalar {
    const char *text;
    bool quoted;
};

static enum fit put(bool done)
{
    return done ? FIT : FULL;
}

static enum fit put_boolean(const struct scalar *scalar, struct weir_arena *out)
{
    bool is_true = strcmp(scalar->text, "true") == 0;
    if (scalar->quoted || (!is_true && strcmp(scalar->text, "false") != 0))
        return UNFIT;
    return put(encode_boolean(out, is_true));
}

static enum fit put_long(const struct number *number, int64_t min, int64_t max, struct weir_arena *out)
{
    int64_t value;
    switch (number_to_long(number, min, max, &value)) {
    case NUMBER_FITS: return put(encode_long(out, value));
    case NUMBER_TOO_LARGE: return OUT_OF_RANGE;
    case NUMBER_FRACTION: break;
    }
    return UNFIT;
}

static enum fit put_number(const struct scalar *scalar, enum weir_type type, struct weir_arena *out)
{
    struct number number;
    size_t len = strlen(scalar->text);
    if (scalar->quoted || len == 0 || number_scan(weir_bytes_of(scalar->text), &number) != len)
        return UNFIT;
    if (type == WEIR_TYPE_INT)
        return put_long(&number, INT32_MIN, INT32_MAX, out);
    if (type == WEIR_TYPE_LONG)
        return put_long(&number, INT64_MIN, INT64_MAX, out);
    if (type == WEIR_TYPE_FLOAT) {
        float value;
        return number_to_float(&number, &value) == NUMBER_FITS ? put(encode_float(out, value)) : OUT_OF_RANGE;
    }
    double value;
    return number_to_double(&number, &value) == NUMBER_FITS ? put(encode_double(out, value)) : OUT_OF_RANGE;
}

static enum fit put_text(const struct scalar *scalar, enum weir_type type, struct weir_arena *out)
{
    struct weir_bytes text = weir_bytes_of(scalar->text);
    if (type == WEIR_TYPE_STRING && !weir_utf8_valid(text, NULL))
        return UNFIT;
    return put(encode_text(out, text));
}

/* The very bytes, and as many as there must be. */
static enum fit put_fixed(const struct scalar *scalar, const struct weir_node *type, struct weir_arena *out)
{
    struct weir_bytes text = weir_bytes_of(scalar->text);
    return text.len == type->size ? put(encode_raw(out, text)) : UNFIT;
}

static enum fit put_enum(const struct scalar *scalar, const struct weir_node *type, struct weir_arena *out)
{
    for (size_t i = 0; i < type->n; i++)
        if (strcmp(type->symbols[i], scalar->text) == 0)
            return put(encode_long(out, (int64_t)i));
    return UNFIT;
}

/* A scalar as a value of any type but a union. */
static enum fit put_simple(const struct scalar *scalar, const struct weir_node *type, struct weir_arena *out)
{
    switch (type->type) {
    case WEIR_TYPE_NULL: return !scalar->quoted && strcmp(scalar->text, "null") == 0 ? FIT : UNFIT;
    case WEIR_TYPE_BOOLEAN: return put_boolean(scalar, out);
    case WEIR_TYPE_INT:
    case WEIR_TYPE_LONG:
    case WEIR_TYPE_FLOAT:
    case WEIR_TYPE_DOUBLE: return put_number(scalar, type->type, out);
    case WEIR_TYPE_BYTES:
    case WEIR_TYPE_STRING: return put_text(scalar, type->type, out);
    case WEIR_TYPE_FIXED: return put_fixed(scalar, type, out);
    case WEIR_TYPE_ENUM: return put_enum(scalar, type, out);
    case WEIR_TYPE_ARRAY:
    case WEIR_TYPE_MAP:
    case WEIR_TYPE_UNION:
    case WEIR_TYPE_RECORD: break;
    }
    return UNFIT;
}

/* The first branch that takes it; but null without quotes is no text where the union has a null. */
static enum fit put_union(const struct scalar *scalar, const struct weir_node *type, struct weir_arena *out)
{
    const struct weir_node null = {.type = WEIR_TYPE_NULL};
    bool is_null = put_simple(scalar, &null, out) == FIT;
    size_t used = out->used;
    for (int pass = is_null ? 0 : 1; pass < 2; pass++) {
        for (size_t i = 0; i < type->n; i++) {
            const struct weir_node *branch = type->branches[i];
            if (pass == 0 && branch->type != WEIR_TYPE_NULL)
                continue;
            enum fit fit = encode_long(out, (int64_t)i) ? put_simple(scalar, branch, out) : FULL;
            if (fit == FIT || fit == FULL)
                return fit;
            out->used = used;
        }
    }
    return UNFIT;
}

enum weir_err_code encode_scalar(const struct weir_node *type, const char *text, bool quoted,
                                 struct weir_arena *out, struct weir_err *err)
{
    const struct scalar scalar = {text, quoted};
    size_t used = out->used;
    enum fit fit =
        type->type == WEIR_TYPE_UNION ? put_union(&scalar, type, out) : put_simple(&scalar, type, out);
    if (fit == FIT)
        return WEIR_OK;
    out->used = used;
    const char *quote = quoted ? "\"" : "'";
    if (fit == FULL)
        return weir_fail(err, WEIR_ERR_CONFIG, "%s%.*s%s is too long", quote, SCALAR_SHOWN, text, quote);
    return weir_fail(err, WEIR_ERR_CONFIG, "%s%.*s%s is not %s %s%s%s", quote, SCALAR_SHOWN, text, quote,
                     fit == OUT_OF_RANGE ? "in the range of" : "a value of type", weir_type_name(type->type),
                     type->name ? " " : "", type->name ? type->name : "");
}
