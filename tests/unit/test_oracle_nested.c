/*
 * Random values that hold others, written by libavro-c in the writer's schema, resolved by us, read by
 * libavro-c in the reader's, and compared value by value. As in test_oracle.c it sees one schema at a time,
 * and only valid bytes.
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
#include "support/given.h"

#define ROUNDS    300
#define BYTES_MAX 65536
#define DEPTH_MAX 6

#define RECORD(name, fields) "{'type':'record','name':'" name "','fields':[" fields "]}"
#define F(name, type)        GIVEN_FIELD(name, type)
#define ARRAY(items)         "{'type':'array','items':" items "}"
#define MAP(values)          "{'type':'map','values':" values "}"
#define FIXED                "{'type':'fixed','name':'x','size':5}"
#define ENUM(symbols)        "{'type':'enum','name':'e','symbols':[" symbols "]}"

static const char *const pairs[][2] = {
    {RECORD("r", F("a", ARRAY("'int'")) "," F("m", MAP("'string'")) "," F("x", FIXED)),
     RECORD("r", F("x", FIXED) "," F("m", MAP("'bytes'")) "," F("a", ARRAY("'double'")))},
    {RECORD("r", F("a", ARRAY(RECORD("s", F("b", "'boolean'") "," F("c", "'string'") "," F(
                                              "d", "'long'")))) "," F("z", "'int'")),
     RECORD("r", F("z", "'long'") "," F("a", ARRAY(RECORD("s", F("d", "'long'") "," F("b", "'boolean'")))))},
    {RECORD("r", F("a", ARRAY(RECORD("s", F("b", "'boolean'") "," F("c", "'string'") "," F("d", "'long'"))))),
     RECORD("r", F("a", ARRAY(RECORD("s", F("b", "'boolean'") "," GIVEN_DEFAULT(
                                              "n", ARRAY("'int'"), "[1,2]") "," F("d", "'double'")))))},
    {RECORD("t", F("v", "'int'") "," F("l", "['null','t']") "," F("k", ARRAY("'t'")) "," F("m", MAP("'t'"))),
     RECORD("t",
            F("m", MAP("'t'")) "," F("l", "['t','null']") "," F("v", "'float'") "," F("k", ARRAY("'t'")))},
    {RECORD("r", F("u", "['null'," ARRAY("['int','string']") "," MAP(
                            ENUM("'A','B','C'")) "," FIXED "]") "," F("w", "'e'")),
     RECORD("r", F("w", "['null'," ENUM("'C','A','B'") "]") "," F(
                     "u", "[" FIXED "," MAP("'e'") ",'null'," ARRAY("['bytes','long']") "]"))},
    {RECORD("r", F("a", ARRAY(ARRAY("'float'"))) "," F(
                     "s", RECORD("s", F("a", "'bytes'") "," F("b", RECORD("q", ""))))),
     RECORD("r", F("s", RECORD("s", F("b", RECORD("q", "")) "," F("a", "'bytes'"))) "," F(
                     "a", ARRAY(ARRAY("'double'"))))},
};

static uint64_t seed;

static uint64_t below(uint64_t n)
{
    return given_random(&seed) % n;
}

/* --- values at random --- */

static void fill(avro_value_t *value, int depth);

static void fill_items(avro_value_t *value, int depth, bool is_map)
{
    uint64_t n = depth >= DEPTH_MAX ? 0 : below(4);
    for (uint64_t i = 0; i < n; i++) {
        avro_value_t item;
        char key[32];
        snprintf(key, sizeof key, "k%d", (int)i);
        assert_int_equal(is_map ? avro_value_add(value, key, &item, NULL, NULL)
                                : avro_value_append(value, &item, NULL),
                         0);
        fill(&item, depth + 1);
    }
}

static void fill_union(avro_value_t *value, int depth)
{
    avro_schema_t schema = avro_value_get_schema(value);
    avro_value_t branch;
    uint64_t n = avro_schema_union_size(schema);
    /* The first branch ends what could go on. */
    assert_int_equal(avro_value_set_branch(value, depth >= DEPTH_MAX ? 0 : (int)below(n), &branch), 0);
    fill(&branch, depth);
}

static void fill_record(avro_value_t *value, int depth)
{
    size_t n = 0;
    avro_value_t field;
    assert_int_equal(avro_value_get_size(value, &n), 0);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(avro_value_get_by_index(value, i, &field, NULL), 0);
        fill(&field, depth + 1);
    }
}

static void fill_bytes(avro_value_t *value, avro_type_t type)
{
    char text[8];
    size_t len = type == AVRO_FIXED ? 5 : below(7);
    for (size_t i = 0; i < len; i++)
        text[i] = (char)('a' + below(26));
    text[len] = '\0';
    if (type == AVRO_STRING)
        assert_int_equal(avro_value_set_string_len(value, text, len + 1), 0);
    else
        assert_int_equal(type == AVRO_FIXED ? avro_value_set_fixed(value, text, len)
                                            : avro_value_set_bytes(value, text, len),
                         0);
}

static void fill_number(avro_value_t *value, avro_type_t type)
{
    /* What a float holds. */
    int32_t number = (int32_t)below(1 << 24) - (1 << 23);
    int failed = type == AVRO_INT32   ? avro_value_set_int(value, number)
                 : type == AVRO_INT64 ? avro_value_set_long(value, number)
                 : type == AVRO_FLOAT ? avro_value_set_float(value, (float)number)
                                      : avro_value_set_double(value, number);
    assert_int_equal(failed, 0);
}

static void fill(avro_value_t *value, int depth)
{
    avro_type_t type = avro_value_get_type(value);
    switch (type) {
    case AVRO_NULL: assert_int_equal(avro_value_set_null(value), 0); return;
    case AVRO_BOOLEAN: assert_int_equal(avro_value_set_boolean(value, (int)below(2)), 0); return;
    case AVRO_ENUM: assert_int_equal(avro_value_set_enum(value, (int)below(3)), 0); return;
    case AVRO_STRING:
    case AVRO_BYTES:
    case AVRO_FIXED: fill_bytes(value, type); return;
    case AVRO_ARRAY: fill_items(value, depth, false); return;
    case AVRO_MAP: fill_items(value, depth, true); return;
    case AVRO_UNION: fill_union(value, depth); return;
    case AVRO_RECORD: fill_record(value, depth); return;
    default: fill_number(value, type);
    }
}

/* --- comparing --- */

static avro_value_t unwrapped(const avro_value_t *value)
{
    avro_value_t branch = *value;
    if (avro_value_get_type(value) == AVRO_UNION)
        assert_int_equal(avro_value_get_current_branch(value, &branch), 0);
    return branch;
}

static double number_of(const avro_value_t *value)
{
    int32_t i = 0;
    int64_t l = 0;
    float f = 0;
    double d = 0;
    switch (avro_value_get_type(value)) {
    case AVRO_INT32: assert_int_equal(avro_value_get_int(value, &i), 0); return i;
    case AVRO_INT64: assert_int_equal(avro_value_get_long(value, &l), 0); return (double)l;
    case AVRO_FLOAT: assert_int_equal(avro_value_get_float(value, &f), 0); return (double)f;
    default: assert_int_equal(avro_value_get_double(value, &d), 0); return d;
    }
}

static struct weir_bytes bytes_of(const avro_value_t *value)
{
    const void *data = NULL;
    const char *text = NULL;
    size_t len = 0;
    switch (avro_value_get_type(value)) {
    case AVRO_STRING:
        assert_int_equal(avro_value_get_string(value, &text, &len), 0);
        return (struct weir_bytes){(const uint8_t *)text, len - 1};
    case AVRO_FIXED: assert_int_equal(avro_value_get_fixed(value, &data, &len), 0); break;
    default: assert_int_equal(avro_value_get_bytes(value, &data, &len), 0);
    }
    return (struct weir_bytes){data, len};
}

static const char *symbol_of(const avro_value_t *value)
{
    int index = 0;
    assert_int_equal(avro_value_get_enum(value, &index), 0);
    return avro_schema_enum_get(avro_value_get_schema(value), index);
}

static void compare(const avro_value_t *from, const avro_value_t *to);

/* Items and entries by their place, which stays. */
static void compare_items(const avro_value_t *from, const avro_value_t *to)
{
    size_t n = 0, n_to = 0;
    assert_int_equal(avro_value_get_size(from, &n), 0);
    assert_int_equal(avro_value_get_size(to, &n_to), 0);
    assert_int_equal(n, n_to);
    for (size_t i = 0; i < n; i++) {
        avro_value_t a, b;
        const char *key = NULL, *key_to = NULL;
        assert_int_equal(avro_value_get_by_index(from, i, &a, &key), 0);
        assert_int_equal(avro_value_get_by_index(to, i, &b, &key_to), 0);
        if (key)
            assert_string_equal(key, key_to);
        compare(&a, &b);
    }
}

/* What the writer has not is the default, [1,2]. */
static void compare_fields(const avro_value_t *from, const avro_value_t *to)
{
    size_t n = 0, items = 0;
    assert_int_equal(avro_value_get_size(to, &n), 0);
    for (size_t i = 0; i < n; i++) {
        avro_value_t a, b;
        const char *name = NULL;
        assert_int_equal(avro_value_get_by_index(to, i, &b, &name), 0);
        if (avro_value_get_by_name(from, name, &a, NULL) == 0) {
            compare(&a, &b);
            continue;
        }
        assert_int_equal(avro_value_get_size(&b, &items), 0);
        assert_int_equal(items, 2);
    }
}

static void compare(const avro_value_t *from, const avro_value_t *to)
{
    avro_value_t a = unwrapped(from), b = unwrapped(to);
    int left = 0, right = 0;
    switch (avro_value_get_type(&a)) {
    case AVRO_NULL: assert_int_equal(avro_value_get_type(&b), AVRO_NULL); return;
    case AVRO_BOOLEAN:
        assert_int_equal(avro_value_get_boolean(&a, &left), 0);
        assert_int_equal(avro_value_get_boolean(&b, &right), 0);
        assert_int_equal(left, right);
        return;
    case AVRO_ENUM: assert_string_equal(symbol_of(&a), symbol_of(&b)); return;
    case AVRO_STRING:
    case AVRO_BYTES:
    case AVRO_FIXED: assert_true(weir_bytes_equal(bytes_of(&a), bytes_of(&b))); return;
    case AVRO_ARRAY:
    case AVRO_MAP: compare_items(&a, &b); return;
    case AVRO_RECORD: compare_fields(&a, &b); return;
    default: assert_true(number_of(&a) == number_of(&b));
    }
}

/* --- one pair --- */

/* libavro-c's side of a schema. */
struct oracle {
    avro_schema_t schema;
    avro_value_iface_t *class;
    avro_value_t value;
};

static struct oracle oracle_new(const char *quoted)
{
    struct oracle oracle;
    char text[2000];
    size_t len = strlen(quoted);
    assert_true(len < sizeof text);
    for (size_t i = 0; i <= len; i++)
        text[i] = quoted[i] == '\'' ? '"' : quoted[i];
    if (avro_schema_from_json_length(text, len, &oracle.schema) != 0)
        fail_msg("%s: %s", text, avro_strerror());
    oracle.class = avro_generic_class_from_schema(oracle.schema);
    assert_int_equal(avro_generic_value_new(oracle.class, &oracle.value), 0);
    return oracle;
}

static void oracle_free(struct oracle *oracle)
{
    avro_value_decref(&oracle->value);
    avro_value_iface_decref(oracle->class);
    avro_schema_decref(oracle->schema);
}

static size_t oracle_write(struct oracle *oracle, char *out)
{
    assert_int_equal(avro_value_reset(&oracle->value), 0);
    fill(&oracle->value, 0);
    avro_writer_t writer = avro_writer_memory(out, BYTES_MAX);
    assert_int_equal(avro_value_write(writer, &oracle->value), 0);
    size_t len = (size_t)avro_writer_tell(writer);
    avro_writer_free(writer);
    return len;
}

static void oracle_read(struct oracle *oracle, struct weir_bytes bytes)
{
    assert_int_equal(avro_value_reset(&oracle->value), 0);
    avro_reader_t reader = avro_reader_memory((const char *)bytes.data, (int64_t)bytes.len);
    assert_int_equal(avro_value_read(reader, &oracle->value), 0);
    char more;
    assert_int_not_equal(avro_read(reader, &more, 1), 0);
    avro_reader_free(reader);
}

static void values_survive_resolution(void **state)
{
    (void)state;
    static char bytes[BYTES_MAX];
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct given_pair pair = given_pair(pairs[i][0], pairs[i][1]);
        struct oracle from = oracle_new(pairs[i][0]), to = oracle_new(pairs[i][1]);
        for (int round = 0; round < ROUNDS; round++) {
            size_t len = oracle_write(&from, bytes);
            struct weir_bytes in = given_copy((struct weir_bytes){(uint8_t *)bytes, len});
            struct weir_arena out = given_arena(resolve_scratch(pair.resolution, len));
            struct weir_reason why = {.text = WEIR_NO_BYTES};
            if (!decode_rewrite(pair.resolution, in, &out, &why))
                fail_msg("pair %zu, byte %d: %.*s", i, (int)why.byte_offset, (int)why.text.len,
                         (const char *)why.text.data);
            oracle_read(&to, (struct weir_bytes){out.base, out.used});
            compare(&from.value, &to.value);
            given_arena_free(&out);
            free((void *)(uintptr_t)in.data);
        }
        oracle_free(&from);
        oracle_free(&to);
        given_pair_free(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_survive_resolution),
    };
    seed = 20240301;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
