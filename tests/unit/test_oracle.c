/*
 * Random records, written by libavro-c in the writer's schema, read by us into a reader's schema with other
 * fields in another order, read again by libavro-c. libavro-c does not resolve schemas well, so it only ever
 * sees one schema at a time, and only valid bytes.
 */
#include <avro.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "avro/decode.h"
#include "avro/encode.h"
#include "support/given.h"

#define ROUNDS     2000
#define FIELDS_MAX 8
#define TEXT_MAX   70

/* A type of the writer, what it may become, and how a value's number becomes the reader's. */
enum form {
    FORM_NULL,
    FORM_BOOLEAN,
    FORM_INT,
    FORM_LONG,
    FORM_FLOAT,
    FORM_DOUBLE,
    FORM_BYTES,
    FORM_STRING,
    FORM_ENUM,
    FORM_COUNT
};

static const char *const form_names[FORM_COUNT] = {"null",   "boolean", "int",    "long", "float",
                                                   "double", "bytes",   "string", NULL};

/* What each form may become, the last ones repeated. */
static const enum form becomes[FORM_COUNT][4] = {
    {FORM_NULL, FORM_NULL, FORM_NULL, FORM_NULL},
    {FORM_BOOLEAN, FORM_BOOLEAN, FORM_BOOLEAN, FORM_BOOLEAN},
    {FORM_INT, FORM_LONG, FORM_FLOAT, FORM_DOUBLE},
    {FORM_LONG, FORM_FLOAT, FORM_DOUBLE, FORM_LONG},
    {FORM_FLOAT, FORM_DOUBLE, FORM_FLOAT, FORM_DOUBLE},
    {FORM_DOUBLE, FORM_DOUBLE, FORM_DOUBLE, FORM_DOUBLE},
    {FORM_BYTES, FORM_STRING, FORM_BYTES, FORM_BYTES},
    {FORM_STRING, FORM_BYTES, FORM_STRING, FORM_STRING},
    {FORM_ENUM, FORM_ENUM, FORM_ENUM, FORM_ENUM},
};

struct field {
    enum form from, to;
    bool from_nullable, to_nullable;
    bool is_null;
    int64_t i;
    double d;
    char text[TEXT_MAX];
    size_t len;
};

static uint64_t seed;

static uint64_t below(uint64_t n)
{
    return given_random(&seed) % n;
}

/* The enum's symbols stand in another order at the reader's. */
static int print_type(char *text, size_t cap, enum form form, bool nullable, bool is_reader, size_t i)
{
    char type[120];
    if (form == FORM_ENUM)
        snprintf(type, sizeof type, "{\"type\":\"enum\",\"name\":\"e%zu\",\"symbols\":[%s]}", i,
                 is_reader ? "\"Z\",\"C\",\"B\",\"A\"" : "\"A\",\"B\",\"C\"");
    else
        snprintf(type, sizeof type, "\"%s\"", form_names[form]);
    return snprintf(text, cap, nullable ? (is_reader ? "[%s,\"null\"]" : "[\"null\",%s]") : "%s", type);
}

static void print_schema(char *text, size_t cap, const struct field *fields, size_t n, const size_t *order)
{
    int len = snprintf(text, cap, "{\"type\":\"record\",\"name\":\"r\",\"fields\":[");
    for (size_t i = 0; i < n; i++) {
        const struct field *field = &fields[order ? order[i] : i];
        len += snprintf(text + len, cap - (size_t)len, "%s{\"name\":\"f%zu\",\"type\":", i ? "," : "",
                        (size_t)(field - fields));
        len += print_type(text + len, cap - (size_t)len, order ? field->to : field->from,
                          order ? field->to_nullable : field->from_nullable, order != NULL,
                          (size_t)(field - fields));
        len += snprintf(text + len, cap - (size_t)len, "}");
    }
    if (order)
        len += snprintf(text + len, cap - (size_t)len,
                        ",{\"name\":\"added\",\"type\":\"string\",\"default\":\"new\"}");
    snprintf(text + len, cap - (size_t)len, "]}");
}

static struct field random_field(void)
{
    struct field field = {.from = (enum form)below(FORM_COUNT)};
    field.to = becomes[field.from][below(4)];
    field.from_nullable = field.from != FORM_NULL && below(3) == 0;
    field.to_nullable = field.from != FORM_NULL && (field.from_nullable || below(3) == 0);
    field.is_null = field.from == FORM_NULL || (field.from_nullable && below(2) == 0);
    /* Small numbers and large ones alike, but such that a float holds them. */
    field.i = (int64_t)(given_random(&seed) >> below(64));
    if (field.from == FORM_INT)
        field.i = (int32_t)field.i;
    if (field.from == FORM_BOOLEAN)
        field.i &= 1;
    if (field.from == FORM_ENUM)
        field.i = (int64_t)below(3);
    field.d = field.from == FORM_FLOAT ? (double)(float)((double)field.i / 8) : (double)field.i / 8;
    field.len = below(TEXT_MAX);
    for (size_t i = 0; i < field.len; i++)
        field.text[i] = (char)(' ' + below(95));
    return field;
}

/* --- libavro-c --- */

static void set(avro_value_t *value, const struct field *field)
{
    avro_value_t branch = *value;
    if (field->from_nullable)
        assert_int_equal(avro_value_set_branch(value, field->is_null ? 0 : 1, &branch), 0);
    if (field->is_null) {
        assert_int_equal(avro_value_set_null(&branch), 0);
        return;
    }
    int failed = 1;
    switch (field->from) {
    case FORM_BOOLEAN: failed = avro_value_set_boolean(&branch, (int)field->i); break;
    case FORM_INT: failed = avro_value_set_int(&branch, (int32_t)field->i); break;
    case FORM_LONG: failed = avro_value_set_long(&branch, field->i); break;
    case FORM_FLOAT: failed = avro_value_set_float(&branch, (float)field->d); break;
    case FORM_DOUBLE: failed = avro_value_set_double(&branch, field->d); break;
    case FORM_BYTES:
        failed = avro_value_set_bytes(&branch, (void *)(uintptr_t)field->text, field->len);
        break;
    case FORM_STRING: {
        char text[TEXT_MAX + 1] = "";
        memcpy(text, field->text, field->len);
        failed = avro_value_set_string_len(&branch, text, field->len + 1);
        break;
    }
    case FORM_ENUM: failed = avro_value_set_enum(&branch, (int)field->i); break;
    default: break;
    }
    assert_int_equal(failed, 0);
}

static void check_number(const avro_value_t *value, const struct field *field)
{
    bool from_integer = field->from == FORM_INT || field->from == FORM_LONG;
    int32_t i = 0;
    int64_t l = 0;
    float f = 0;
    double d = 0;
    switch (field->to) {
    case FORM_INT:
        assert_int_equal(avro_value_get_int(value, &i), 0);
        assert_int_equal(i, field->i);
        break;
    case FORM_LONG:
        assert_int_equal(avro_value_get_long(value, &l), 0);
        assert_int_equal(l, field->i);
        break;
    case FORM_FLOAT:
        assert_int_equal(avro_value_get_float(value, &f), 0);
        assert_true(f == (from_integer ? (float)field->i : (float)field->d));
        break;
    default:
        assert_int_equal(avro_value_get_double(value, &d), 0);
        assert_true(d == (from_integer ? (double)field->i : field->d));
    }
}

static void check(const avro_value_t *value, const struct field *field)
{
    avro_value_t branch = *value;
    const void *bytes = NULL;
    const char *text = NULL;
    size_t len = 0;
    int number = -1;
    if (field->to_nullable) {
        assert_int_equal(avro_value_get_discriminant(value, &number), 0);
        assert_int_equal(number, field->is_null ? 1 : 0);
        assert_int_equal(avro_value_get_current_branch(value, &branch), 0);
    }
    if (field->is_null) {
        assert_int_equal(avro_value_get_null(&branch), 0);
        return;
    }
    switch (field->to) {
    case FORM_BOOLEAN:
        assert_int_equal(avro_value_get_boolean(&branch, &number), 0);
        assert_int_equal(number, field->i);
        break;
    case FORM_ENUM:
        assert_int_equal(avro_value_get_enum(&branch, &number), 0);
        assert_int_equal(number, 3 - field->i);
        break;
    case FORM_BYTES:
        assert_int_equal(avro_value_get_bytes(&branch, &bytes, &len), 0);
        assert_int_equal(len, field->len);
        assert_memory_equal(bytes, field->text, len);
        break;
    case FORM_STRING:
        assert_int_equal(avro_value_get_string(&branch, &text, &len), 0);
        assert_int_equal(len, field->len + 1);
        assert_memory_equal(text, field->text, field->len);
        break;
    default: check_number(&branch, field);
    }
}

static avro_value_iface_t *class_of(const char *text, avro_schema_t *schema)
{
    if (avro_schema_from_json_length(text, strlen(text), schema) != 0)
        fail_msg("%s: %s", text, avro_strerror());
    return avro_generic_class_from_schema(*schema);
}

static size_t oracle_write(const char *text, const struct field *fields, size_t n, char *out, size_t cap)
{
    avro_schema_t schema;
    avro_value_iface_t *class = class_of(text, &schema);
    avro_value_t record, value;
    assert_int_equal(avro_generic_value_new(class, &record), 0);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(avro_value_get_by_index(&record, i, &value, NULL), 0);
        set(&value, &fields[i]);
    }
    avro_writer_t writer = avro_writer_memory(out, (int64_t)cap);
    assert_int_equal(avro_value_write(writer, &record), 0);
    size_t len = (size_t)avro_writer_tell(writer);
    avro_writer_free(writer);
    avro_value_decref(&record);
    avro_value_iface_decref(class);
    avro_schema_decref(schema);
    return len;
}

static void oracle_read(const char *text, struct weir_bytes bytes, const struct field *fields, size_t n,
                        const size_t *order)
{
    avro_schema_t schema;
    avro_value_iface_t *class = class_of(text, &schema);
    avro_value_t record, value;
    const char *added;
    size_t len;
    assert_int_equal(avro_generic_value_new(class, &record), 0);
    avro_reader_t reader = avro_reader_memory((const char *)bytes.data, (int64_t)bytes.len);
    assert_int_equal(avro_value_read(reader, &record), 0);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(avro_value_get_by_index(&record, i, &value, NULL), 0);
        check(&value, &fields[order[i]]);
    }
    assert_int_equal(avro_value_get_by_index(&record, n, &value, NULL), 0);
    assert_int_equal(avro_value_get_string(&value, &added, &len), 0);
    assert_string_equal(added, "new");
    avro_reader_free(reader);
    avro_value_decref(&record);
    avro_value_iface_decref(class);
    avro_schema_decref(schema);
}

/* --- ours in the middle --- */

/* Both ways to the reader's encoding: field by field through slots, and at once. */
static void resolve_and_check(const char *writer, const char *reader, struct weir_bytes in,
                              const struct field *fields, size_t n, const size_t *order)
{
    struct given_pair pair = given_pair(writer, reader);
    struct weir_bytes copy = given_copy(in);
    struct weir_arena scratch = given_arena(resolve_scratch(pair.resolution, in.len)),
                      out = given_arena(4096), whole = given_arena(resolve_scratch(pair.resolution, in.len));
    struct slot slots[FIELDS_MAX + 1];
    struct weir_reason why;
    if (!decode_record(pair.resolution, copy, 0, &scratch, slots, &why))
        fail_msg("%s -> %s: %s: %.*s", writer, reader, why.field ? why.field : "-", (int)why.text.len,
                 (const char *)why.text.data);
    for (size_t i = 0; i <= n; i++)
        assert_true(encode_raw(&out, slots[i].raw));
    assert_true(decode_rewrite(pair.resolution, copy, &whole, &why));
    assert_int_equal(whole.used, out.used);
    assert_memory_equal(whole.base, out.base, out.used);
    oracle_read(reader, (struct weir_bytes){out.base, out.used}, fields, n, order);
    given_arena_free(&scratch);
    given_arena_free(&out);
    given_arena_free(&whole);
    free((void *)copy.data);
    given_pair_free(&pair);
}

static void random_records_survive_resolution(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct field fields[FIELDS_MAX];
        size_t order[FIELDS_MAX];
        char writer[2000], reader[2000], bytes[2000];
        size_t n = 1 + below(FIELDS_MAX);
        for (size_t i = 0; i < n; i++) {
            fields[i] = random_field();
            size_t j = below(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        print_schema(writer, sizeof writer, fields, n, NULL);
        /* Some of the writer's fields are dropped. */
        size_t kept = n - below(n);
        print_schema(reader, sizeof reader, fields, kept, order);
        size_t len = oracle_write(writer, fields, n, bytes, sizeof bytes);
        resolve_and_check(writer, reader, (struct weir_bytes){(uint8_t *)bytes, len}, fields, kept, order);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_records_survive_resolution),
    };
    seed = 20240229;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
