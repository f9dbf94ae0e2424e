#include "core/transform.h"

#include "support/core.h"

#define NOW INT64_C(1694479552123)

#define MILLIS   "{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}"
#define MICROS   "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}"
#define NULLABLE "[\"null\",\"string\"]"

static const struct weir_record record = {.partition = 3, .offset = 1000, .timestamp_ms = 1694479551000};

/* A set on the output's field o, fed by the reader's field f. */
struct row {
    enum weir_set_kind kind;
    const char *arg;
    const char *source; /* type and default of f: "\"string\"", "\"string\",\"default\":\"x\"" */
    const char *target; /* likewise of o */
    struct slot slot;
    const char *hex;     /* what comes out; NULL: transform_failed */
    const char *message; /* in the reason of a failure */
};

struct set {
    struct weir_schema *reader, *output;
    struct region region;
    struct step step;
    struct weir_err err;
};

static enum weir_err_code compile(struct set *set, const struct weir_set_spec *spec, const char *source,
                                  const char *target)
{
    char fields[1024];
    *set = (struct set){0};
    (void)snprintf(fields, sizeof fields, "{\"name\":\"f\",\"type\":%s}", source);
    set->reader = support_record("in", fields);
    (void)snprintf(fields, sizeof fields, "{\"name\":\"o\",\"type\":%s}", target);
    set->output = support_record("out", fields);
    return transform_compile(spec, "set.o", "user-login", set->reader->root, &set->output->root->fields[0],
                             &set->region, &set->step, &set->err);
}

static void release(struct set *set)
{
    resolve_free(set->step.rewrite);
    region_release(&set->region);
    weir_schema_free(set->reader);
    weir_schema_free(set->output);
}

static bool run(const struct set *set, const struct slot *slot, const struct weir_record *from,
                struct weir_arena *out, struct weir_arena *scratch, struct weir_reason *why)
{
    const struct transform_in in = {slot, from, NOW};
    return transform_run(&set->step, 1, &in, out, scratch, why);
}

static void check_row(const struct row *row, size_t number)
{
    struct set set;
    struct weir_set_spec spec = {.field = "o", .kind = row->kind, .arg = row->arg, .at = {4, 3}};
    if (compile(&set, &spec, row->source, row->target) != WEIR_OK)
        fail_msg("row %zu: %s", number, set.err.text);
    char what[32];
    (void)snprintf(what, sizeof what, "row %zu", number);
    uint8_t memory[SUPPORT_BYTES_MAX], text[SUPPORT_BYTES_MAX];
    struct weir_arena out, scratch;
    struct weir_reason why = {0};
    weir_arena_init(&out, memory, sizeof memory);
    weir_arena_init(&scratch, text, sizeof text);
    if (run(&set, &row->slot, &record, &out, &scratch, &why) != (row->hex != NULL))
        fail_msg("%s: should%s fail", what, row->hex ? " not" : "");
    if (row->hex) {
        support_expect_hex(what, (struct weir_bytes){memory, out.used}, row->hex);
    } else {
        char said[SUPPORT_BYTES_MAX + 1];
        (void)snprintf(said, sizeof said, "%.*s", (int)why.text.len, (const char *)why.text.data);
        support_expect_text(what, said, row->message);
        assert_int_equal(why.code, WEIR_CODE_TRANSFORM_FAILED);
        assert_string_equal(why.rule, "set.o");
    }
    release(&set);
}

static void times_from_text(void **state)
{
    (void)state;
    const char *const string = "\"string\"", *const unknown = "\"string\",\"default\":\"unknown\"";
    const char *const nullable_millis = "[\"null\"," MILLIS "],\"default\":null";
    const struct row table[] = {
        {WEIR_SET_EPOCH_SECONDS, "f", string, MILLIS, SLOT_OF_TEXT("1694479551"), "b0a8d0edd062", NULL},
        {WEIR_SET_EPOCH_SECONDS, "f", string, "\"long\"", SLOT_OF_TEXT("1"), "02", NULL},
        {WEIR_SET_EPOCH_SECONDS, "f", string, "\"int\"", SLOT_OF_TEXT("-1"), "01", NULL},
        {WEIR_SET_EPOCH_SECONDS, "f", string, MILLIS, SLOT_OF_TEXT("1"), "d00f", NULL},
        {WEIR_SET_EPOCH_SECONDS, "f", string, MICROS, SLOT_OF_TEXT("1"), "80897a", NULL},
        {WEIR_SET_EPOCH_MILLIS, "f", string, MILLIS, SLOT_OF_TEXT("1"), "02", NULL},
        {WEIR_SET_EPOCH_MILLIS, "f", string, MICROS, SLOT_OF_TEXT("1"), "d00f", NULL},
        {WEIR_SET_EPOCH_MILLIS, "f", string, "\"long\"", SLOT_OF_TEXT("+1"), "02", NULL},
        {WEIR_SET_EPOCH_SECONDS, "f", unknown, nullable_millis, SLOT_OF_TEXT("1"), "02d00f", NULL},
        {WEIR_SET_EPOCH_SECONDS, "f", "\"long\"", MILLIS, SLOT_OF_INTEGER(1), "d00f", NULL},
        {WEIR_SET_EPOCH_SECONDS, "f", string, MILLIS, SLOT_OF_TEXT("9223372036854775"),
         "b0f3ffffffffffffff01", NULL},
        {WEIR_SET_EPOCH_SECONDS, "f", string, MILLIS, SLOT_OF_TEXT("9223372036854776"), NULL,
         "f: the number is out of range"},
        {WEIR_SET_EPOCH_SECONDS, "f", string, "\"int\"", SLOT_OF_TEXT("2147483648"), NULL, "out of range"},
        {WEIR_SET_EPOCH_SECONDS, "f", string, MILLIS, SLOT_OF_TEXT(" 1"), NULL, "not a decimal number"},
        {WEIR_SET_EPOCH_SECONDS, "f", string, MILLIS, SLOT_OF_TEXT(""), NULL, "not a decimal number"},
        {WEIR_SET_EPOCH_SECONDS, "f", string, MILLIS, SLOT_OF_TEXT("1.5"), NULL, "not a decimal number"},
        {WEIR_SET_EPOCH_SECONDS, "f", string, MILLIS, SLOT_OF_TEXT("unknown"), NULL, "not a decimal number"},
        /* What took its default, or is null, gives way to the output's default. */
        {WEIR_SET_EPOCH_SECONDS,
         "f",
         unknown,
         nullable_millis,
         {.kind = SLOT_TEXT, .defaulted = true},
         "00",
         NULL},
        {WEIR_SET_EPOCH_SECONDS, "f", NULLABLE, MILLIS ",\"default\":-1", SLOT_OF_NULL, "01", NULL},
    };
    for (size_t i = 0; i < COUNT(table); i++)
        check_row(&table[i], i);
}

static void times_and_places_of_the_record(void **state)
{
    (void)state;
    const char *const any = "\"string\"";
    const struct row table[] = {
        {WEIR_SET_NOW, "seconds", any, "\"int\"", SLOT_OF_NULL, "80d3fdcf0c", NULL},
        {WEIR_SET_NOW, "seconds", any, "\"long\"", SLOT_OF_NULL, "80d3fdcf0c", NULL},
        {WEIR_SET_NOW, "millis", any, MILLIS, SLOT_OF_NULL, "f6b9d0edd062", NULL},
        {WEIR_SET_NOW, "millis", any, "\"long\"", SLOT_OF_NULL, "f6b9d0edd062", NULL},
        {WEIR_SET_NOW, "micros", any, MICROS, SLOT_OF_NULL, "f0c1c4bcd8c78206", NULL},
        {WEIR_SET_NOW, "millis", any, "[\"string\",\"int\"," MILLIS "]", SLOT_OF_NULL, "04f6b9d0edd062",
         NULL},
        {WEIR_SET_SOURCE, "topic", any, "\"string\"", SLOT_OF_NULL, "14757365722d6c6f67696e", NULL},
        {WEIR_SET_SOURCE, "topic", any, NULLABLE, SLOT_OF_NULL, "0214757365722d6c6f67696e", NULL},
        {WEIR_SET_SOURCE, "partition", any, "\"int\"", SLOT_OF_NULL, "06", NULL},
        {WEIR_SET_SOURCE, "partition", any, "[\"null\",\"long\"]", SLOT_OF_NULL, "0206", NULL},
        {WEIR_SET_SOURCE, "offset", any, "\"long\"", SLOT_OF_NULL, "d00f", NULL},
        {WEIR_SET_SOURCE, "timestamp", any, "\"long\"", SLOT_OF_NULL, "b0a8d0edd062", NULL},
        {WEIR_SET_SOURCE, "timestamp", any, MICROS, SLOT_OF_NULL, "80b7bbbbd8c78206", NULL},
    };
    for (size_t i = 0; i < COUNT(table); i++)
        check_row(&table[i], i);
}

static void a_record_without_timestamp(void **state)
{
    (void)state;
    const struct weir_record bare = {.timestamp_ms = -1};
    struct weir_set_spec spec = {.field = "o", .kind = WEIR_SET_SOURCE, .arg = "timestamp"};
    uint8_t memory[SUPPORT_BYTES_MAX], text[SUPPORT_BYTES_MAX];
    struct weir_arena out, scratch;
    struct weir_reason why = {0};
    struct slot slot = SLOT_OF_NULL;
    struct set set;
    weir_arena_init(&out, memory, sizeof memory);
    weir_arena_init(&scratch, text, sizeof text);
    assert_int_equal(compile(&set, &spec, "\"string\"", "[\"null\"," MILLIS "],\"default\":null"), WEIR_OK);
    assert_true(run(&set, &slot, &bare, &out, &scratch, &why));
    support_expect_hex("default", (struct weir_bytes){memory, out.used}, "00");
    release(&set);
    assert_int_equal(compile(&set, &spec, "\"string\"", MILLIS), WEIR_OK);
    assert_false(run(&set, &slot, &bare, &out, &scratch, &why));
    assert_int_equal(why.code, WEIR_CODE_TRANSFORM_FAILED);
    assert_int_equal(why.byte_offset, -1);
    release(&set);
}

#define RAW_SLOT(s, ...)                                                                                     \
    {                                                                                                        \
        .raw = {(const uint8_t *)(s), sizeof(s) - 1}, __VA_ARGS__                                            \
    }

static void texts(void **state)
{
    (void)state;
    const char *const string = "\"string\"", *const unknown = "\"string\",\"default\":\"unknown\"";
    const char *const other = "\"string\",\"default\":\"-\"";
    const struct slot took_default = RAW_SLOT("\x0eunknown", .kind = SLOT_TEXT, .defaulted = true);
    const struct slot null_slot = RAW_SLOT("\x00", .kind = SLOT_NULL);
    const struct slot four = RAW_SLOT("\x08", .kind = SLOT_INTEGER, .v.i = 4);
    const struct row table[] = {
        {WEIR_SET_LOWER, "f", string, string, SLOT_OF_TEXT("AZaz@[`{\xc3\x84"), "14617a617a405b607bc384",
         NULL},
        {WEIR_SET_LOWER, "f", string, string, SLOT_OF_TEXT("RU"), "047275", NULL},
        {WEIR_SET_UPPER, "f", string, NULLABLE, SLOT_OF_TEXT("ru"), "02045255", NULL},
        {WEIR_SET_UPPER, "f", string, string, SLOT_OF_TEXT(""), "00", NULL},
        {WEIR_SET_LOWER, "f", unknown, other, took_default, "022d", NULL},
        {WEIR_SET_UPPER, "f", NULLABLE, other, null_slot, "022d", NULL},
        {WEIR_SET_COPY, "f", string, string, RAW_SLOT("\x04RU", .kind = SLOT_TEXT), "045255", NULL},
        {WEIR_SET_COPY, "f", string, NULLABLE, RAW_SLOT("\x04RU", .kind = SLOT_TEXT), "02045255", NULL},
        {WEIR_SET_COPY, "f", "\"int\"", "\"double\"", four, "0000000000001040", NULL},
        {WEIR_SET_COPY, "f", unknown, string, took_default, "0e756e6b6e6f776e", NULL},
        {WEIR_SET_COPY, "f", unknown, other, took_default, "022d", NULL},
        {WEIR_SET_COPY, "f", NULLABLE, NULLABLE, null_slot, "00", NULL},
        {WEIR_SET_COPY, "f", NULLABLE, other, null_slot, "022d", NULL},
    };
    for (size_t i = 0; i < COUNT(table); i++)
        check_row(&table[i], i);
}

static void constants(void **state)
{
    (void)state;
    const struct {
        struct weir_scalar value;
        const char *target, *hex;
    } table[] = {
        {SCALAR("true"), "\"boolean\"", "01"},
        {SCALAR("true"), "\"string\"", "0874727565"},
        {SCALAR("NO"), "\"string\"", "044e4f"},
        {SCALAR("-1"), "\"long\"", "01"},
        {SCALAR("1"), "\"double\"", "000000000000f03f"},
        {SCALAR("null"), NULLABLE, "00"},
        {SCALAR_QUOTED("null"), NULLABLE, "02086e756c6c"},
        {SCALAR("B"), "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"B\"]}", "02"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        struct set set;
        struct weir_set_spec spec = {.field = "o", .kind = WEIR_SET_CONSTANT, .value = table[i].value};
        if (compile(&set, &spec, "\"string\"", table[i].target) != WEIR_OK)
            fail_msg("row %zu: %s", i, set.err.text);
        assert_int_equal(set.step.kind, STEP_BYTES);
        support_expect_hex("constant", set.step.bytes, table[i].hex);
        release(&set);
    }
}

struct refusal {
    enum weir_set_kind kind;
    const char *arg, *source, *target, *says;
};

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    const char *const string = "\"string\"", *const unknown = "\"string\",\"default\":\"unknown\"";
    const struct refusal table[] = {
        {WEIR_SET_NOW, "millis", string, "\"int\"", "line 4, column 3: set.o: the output's field is a int"},
        {WEIR_SET_NOW, "millis", string, string, "does not take this time"},
        {WEIR_SET_NOW, "seconds", string, MILLIS, "does not take this time"},
        {WEIR_SET_NOW, "micros", string, MILLIS, "does not take this time"},
        {WEIR_SET_NOW, "hours", string, "\"long\"", "not 'hours'"},
        {WEIR_SET_SOURCE, "offset", string, "\"int\"", "does not take this number"},
        {WEIR_SET_SOURCE, "offset", string, MILLIS, "does not take this number"},
        {WEIR_SET_SOURCE, "topic", string, "\"long\"", "does not take a text"},
        {WEIR_SET_SOURCE, "timestamp", string, "\"int\"", "does not take this time"},
        {WEIR_SET_SOURCE, "host", string, string, "not 'host'"},
        {WEIR_SET_EPOCH_MILLIS, "f", string, "\"int\"", "does not take this time"},
        {WEIR_SET_EPOCH_SECONDS, "f", "\"double\"", "\"long\"", "the input's field 'f' is a double"},
        {WEIR_SET_EPOCH_SECONDS, "g", string, "\"long\"", "in has no field 'g'"},
        {WEIR_SET_EPOCH_SECONDS, "f", unknown, "\"long\"", "has no default"},
        {WEIR_SET_EPOCH_SECONDS, "f", NULLABLE, "\"long\"", "has no default"},
        {WEIR_SET_LOWER, "f", "\"long\"", string, "the input's field 'f' is a long"},
        {WEIR_SET_LOWER, "f", string, "\"long\"", "does not take a text"},
        {WEIR_SET_UPPER, "f", NULLABLE, string, "has no default"},
        {WEIR_SET_UPPER, "f", unknown, string, "has no default"},
        {WEIR_SET_COPY, "f", NULLABLE, string, "has no default"},
        {WEIR_SET_COPY, "f", string, "\"long\"", "line 4, column 3: set.o: "},
        {WEIR_SET_COPY, "h", string, string, "in has no field 'h'"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        struct set set;
        const struct refusal *row = &table[i];
        struct weir_set_spec spec = {.field = "o", .kind = row->kind, .arg = row->arg, .at = {4, 3}};
        if (compile(&set, &spec, row->source, row->target) != WEIR_ERR_CONFIG)
            fail_msg("row %zu is not refused", i);
        support_expect_text("refusal", set.err.text, row->says);
        release(&set);
    }
}

static void a_constant_that_is_none_is_refused(void **state)
{
    (void)state;
    struct set set;
    struct weir_set_spec spec = {
        .field = "o", .kind = WEIR_SET_CONSTANT, .value = SCALAR("abc"), .at = {4, 3}};
    assert_int_equal(compile(&set, &spec, "\"string\"", "\"long\""), WEIR_ERR_CONFIG);
    support_expect_text("constant", set.err.text, "line 7, column 9: set.o: 'abc'");
    release(&set);
}

/* However little room there is, the answer is too_large and nothing behind the arena is touched. */
static void a_full_output_is_too_large(void **state)
{
    (void)state;
    struct set set;
    struct weir_set_spec spec = {.field = "o", .kind = WEIR_SET_UPPER, .arg = "f"};
    assert_int_equal(compile(&set, &spec, "\"string\"", NULLABLE), WEIR_OK);
    struct slot slot = SLOT_OF_TEXT("some text");
    for (size_t cap = 0; cap <= 11; cap++) {
        uint8_t *memory = malloc(cap + 1), text[SUPPORT_BYTES_MAX];
        struct weir_arena out, scratch;
        struct weir_reason why = {0};
        weir_arena_init(&out, memory, cap);
        weir_arena_init(&scratch, text, sizeof text);
        assert_int_equal(run(&set, &slot, &record, &out, &scratch, &why), cap == 11);
        if (cap < 11) {
            assert_int_equal(why.code, WEIR_CODE_TOO_LARGE);
        }
        free(memory);
    }
    release(&set);
}

/* Where the output is JSON a step's output and its reason lie in the same arena: the reason must stay. */
static void the_reason_stays_behind_the_output(void **state)
{
    (void)state;
    struct set set;
    struct weir_set_spec spec = {.field = "o", .kind = WEIR_SET_EPOCH_SECONDS, .arg = "f"};
    assert_int_equal(compile(&set, &spec, "\"string\"", "[\"null\",\"int\"]"), WEIR_OK);
    struct slot slot = SLOT_OF_TEXT("2147483648");
    uint8_t memory[SUPPORT_BYTES_MAX];
    struct weir_arena both;
    struct weir_reason why = {0};
    weir_arena_init(&both, memory, sizeof memory);
    assert_false(run(&set, &slot, &record, &both, &both, &why));
    assert_int_equal(why.code, WEIR_CODE_TRANSFORM_FAILED);
    assert_true(why.text.len > 0);
    assert_true(why.text.data + why.text.len <= both.base + both.used);
    release(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_from_text),
        cmocka_unit_test(times_and_places_of_the_record),
        cmocka_unit_test(a_record_without_timestamp),
        cmocka_unit_test(texts),
        cmocka_unit_test(constants),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(a_constant_that_is_none_is_refused),
        cmocka_unit_test(a_full_output_is_too_large),
        cmocka_unit_test(the_reason_stays_behind_the_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
