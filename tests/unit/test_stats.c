#include "dlq/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOUR INT64_C(3600000)

static struct weir_err err;

static void add(struct stats *stats, const char *code, int32_t partition, int64_t time_ms)
{
    const struct weir_record record = {.timestamp_ms = time_ms};
    const struct letter letter = {.record = &record,
                                  .source = {.topic = "t", .partition = partition, .offset = time_ms},
                                  .code = weir_bytes_of(code),
                                  .schema_id = weir_bytes_of(partition == 0 ? NULL : "7"),
                                  .first_failed_ms = time_ms};
    const struct ledger_entry entry = {.state = LEDGER_OPEN};
    assert_int_equal(stats_add(stats, &letter, &entry, &err), WEIR_OK);
}

static char *printed(struct stats *stats, bool json)
{
    char *text = NULL;
    size_t len;
    FILE *to = open_memstream(&text, &len);
    assert_true(stats_print(stats, json, 10 * HOUR, to));
    (void)fclose(to);
    return text;
}

static void counts_by_each_kind(void **state)
{
    (void)state;
    struct stats *stats = stats_new();
    for (int i = 0; i < 30; i++)
        add(stats, i % 3 ? "bad_enum" : "not_json", i % 2, 5 * HOUR + i);
    add(stats, "bad_enum", 1, 3 * HOUR);
    char *text = printed(stats, true);
    json_t *object = json_loads(text, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(object, "letters")), 31);
    json_t *codes = json_object_get(object, "code"), *hours = json_object_get(object, "hour");
    assert_int_equal(json_integer_value(json_object_get(codes, "bad_enum")), 21);
    assert_int_equal(json_integer_value(json_object_get(codes, "not_json")), 10);
    assert_int_equal(json_integer_value(json_object_get(hours, "1970-01-01T05:00:00Z")), 30);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(object, "schema_id"), "-")), 15);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(object, "partition"), "1")), 16);
    assert_string_equal(json_string_value(json_object_get(json_object_get(object, "oldest"), "letter")),
                        "t:1:10800000");
    json_decref(object);
    free(text);
    text = printed(stats, false);
    assert_non_null(strstr(text, "31 letters\n"));
    assert_non_null(strstr(text, "7h 0m ago"));
    assert_true(strstr(text, "bad_enum") < strstr(text, "not_json"));
    assert_true(strstr(text, "T03:00:00Z  ") < strstr(text, "T05:00:00Z  "));
    free(text);
    stats_free(stats);
}

/* Headers can be forged without end: what there is no row for is counted together. */
static void rows_are_bounded(void **state)
{
    (void)state;
    struct stats *stats = stats_new();
    for (int i = 0; i < STATS_ROWS_MAX + 5; i++) {
        char code[16];
        (void)snprintf(code, sizeof code, "c%d", i);
        add(stats, code, 0, 0);
    }
    char *text = printed(stats, true);
    json_t *object = json_loads(text, 0, NULL), *codes = json_object_get(object, "code");
    assert_int_equal(json_object_size(codes), STATS_ROWS_MAX + 1);
    assert_int_equal(json_integer_value(json_object_get(codes, "(others)")), 5);
    json_decref(object);
    free(text);
    stats_free(stats);
}

static void none_at_all(void **state)
{
    (void)state;
    struct stats *stats = stats_new();
    char *text = printed(stats, false);
    assert_string_equal(text, "0 letters\n");
    free(text);
    FILE *full = fopen("/dev/full", "w");
    setvbuf(full, NULL, _IONBF, 0);
    assert_false(stats_print(stats, true, 0, full));
    (void)fclose(full);
    stats_free(stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_by_each_kind),
        cmocka_unit_test(rows_are_bounded),
        cmocka_unit_test(none_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
