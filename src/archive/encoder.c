#include "archive/encoder.h"

#include <avro.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct field {
    const char *name;
    enum encoder_kind kind;
    size_t prefix;       /* bytes of the union's branch number */
    avro_value_t slot;   /* what is written */
    avro_value_t inside; /* what is set: the slot itself, or the branch of a union; both borrowed */
};

struct encoder {
    avro_schema_t schema;
    avro_value_iface_t *class;
    avro_value_t record;
    avro_writer_t writer;
    size_t n;
    struct field fields[ENCODER_FIELDS_MAX];
};

/* Index of the first branch of that type, -1 when there is none. */
static int branch_of(avro_schema_t schema, avro_type_t type)
{
    size_t n = avro_schema_union_size(schema);
    for (size_t i = 0; i < n; i++)
        if (avro_typeof(avro_schema_union_branch(schema, (int)i)) == type)
            return (int)i;
    return -1;
}

/* Chooses the branch of a union field once: it stays chosen, since values are overwritten and never reset. */
static bool enter_union(struct field *field, avro_schema_t schema)
{
    int text = branch_of(schema, AVRO_STRING);
    int branch = text >= 0 ? text : branch_of(schema, AVRO_NULL);
    if (branch < 0 || avro_value_set_branch(&field->slot, branch, &field->inside) != 0)
        return false;
    field->kind = text >= 0 ? ENCODER_TEXT : ENCODER_NULLABLE;
    field->prefix = branch < 64 ? 1 : 2;
    return text >= 0 || avro_value_set_null(&field->inside) == 0;
}

static bool open_field(struct encoder *encoder, size_t i)
{
    struct field *field = &encoder->fields[i];
    if (avro_value_get_by_index(&encoder->record, i, &field->slot, &field->name) != 0)
        return false;
    avro_schema_t schema = avro_value_get_schema(&field->slot);
    if (avro_typeof(schema) == AVRO_UNION && !enter_union(field, schema))
        return false;
    if (avro_typeof(schema) == AVRO_STRING) {
        field->kind = ENCODER_TEXT;
        field->inside = field->slot;
    } else if (avro_typeof(schema) != AVRO_UNION) {
        return false;
    }
    return field->kind != ENCODER_TEXT || encoder_set_text(encoder, i, "", 0);
}

static enum weir_err_code open_fields(struct encoder *encoder, struct weir_err *err)
{
    size_t n = 0;
    if (avro_value_get_size(&encoder->record, &n) != 0 || n > ENCODER_FIELDS_MAX)
        return weir_fail(err, WEIR_ERR_BAD_SCHEMA, "a record may have at most %d fields here",
                         ENCODER_FIELDS_MAX);
    for (encoder->n = 0; encoder->n < n; encoder->n++)
        if (!open_field(encoder, encoder->n))
            return weir_fail(err, WEIR_ERR_BAD_SCHEMA,
                             "field '%s' is neither a string nor a union with string or null",
                             avro_schema_record_field_name(encoder->schema, (int)encoder->n));
    return WEIR_OK;
}

static enum weir_err_code open_record(struct encoder *encoder, struct weir_bytes schema, struct weir_err *err)
{
    if (avro_schema_from_json_length((const char *)schema.data, schema.len, &encoder->schema) != 0)
        return weir_fail(err, WEIR_ERR_BAD_SCHEMA, "libavro cannot read the schema: %s", avro_strerror());
    if (avro_typeof(encoder->schema) != AVRO_RECORD)
        return weir_fail(err, WEIR_ERR_BAD_SCHEMA, "the schema is not a record");
    encoder->class = avro_generic_class_from_schema(encoder->schema);
    if (!encoder->class || avro_generic_value_new(encoder->class, &encoder->record) != 0)
        return weir_fail(err, WEIR_ERR_BAD_SCHEMA, "libavro cannot write the schema: %s", avro_strerror());
    /* The place to write to is given at each encoder_write. */
    encoder->writer = avro_writer_memory("", 0);
    if (!encoder->writer)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for an Avro writer");
    return open_fields(encoder, err);
}

enum weir_err_code encoder_open(struct weir_bytes schema, struct encoder **out, struct weir_err *err)
{
    struct encoder *encoder = calloc(1, sizeof *encoder);
    if (!encoder)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for an Avro record");
    enum weir_err_code code = open_record(encoder, schema, err);
    if (code != WEIR_OK) {
        encoder_close(encoder);
        return code;
    }
    *out = encoder;
    return WEIR_OK;
}

void encoder_close(struct encoder *encoder)
{
    if (!encoder)
        return;
    if (encoder->writer)
        avro_writer_free(encoder->writer);
    if (encoder->record.iface)
        avro_value_decref(&encoder->record);
    if (encoder->class)
        avro_value_iface_decref(encoder->class);
    if (encoder->schema)
        avro_schema_decref(encoder->schema);
    free(encoder);
}

size_t encoder_count(const struct encoder *encoder)
{
    return encoder->n;
}

const char *encoder_name(const struct encoder *encoder, size_t i)
{
    assert(i < encoder->n);
    return encoder->fields[i].name;
}

enum encoder_kind encoder_kind(const struct encoder *encoder, size_t i)
{
    assert(i < encoder->n);
    return encoder->fields[i].kind;
}

bool encoder_set_text(struct encoder *encoder, size_t i, const char *text, size_t len)
{
    assert(encoder->fields[i].kind == ENCODER_TEXT && text[len] == '\0');
    /* libavro counts the NUL, and takes a char * that it only reads. */
    return avro_value_set_string_len(&encoder->fields[i].inside, (char *)(uintptr_t)text, len + 1) == 0;
}

bool encoder_write(struct encoder *encoder, struct weir_arena *out, size_t *starts)
{
    uint8_t *to = out->base + out->used;
    avro_writer_memory_set_dest(encoder->writer, (const char *)to, (int64_t)weir_arena_left(out));
    /* Field by field, which is how Avro encodes a record, so as to learn where each begins. */
    for (size_t i = 0; i < encoder->n; i++) {
        if (starts)
            starts[i] = (size_t)avro_writer_tell(encoder->writer) + encoder->fields[i].prefix;
        if (avro_value_write(encoder->writer, &encoder->fields[i].slot) != 0)
            return false;
    }
    out->used += (size_t)avro_writer_tell(encoder->writer);
    return true;
}
