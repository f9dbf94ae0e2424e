#include "dlq/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static struct weir_err err;

static struct letter_place place_of(int32_t partition, int64_t offset)
{
    return (struct letter_place){.topic = "user-login", .partition = partition, .offset = offset};
}

static enum weir_err_code take(struct ledger *ledger, const char *key, const char *value)
{
    const struct weir_record record = {.key = weir_bytes_of(key), .value = weir_bytes_of(value)};
    return ledger_take(ledger, &record, &err);
}

static void what_is_not_there_is_open(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_new();
    struct letter_place place = place_of(0, 0);
    assert_int_equal(ledger_find(ledger, &place).state, LEDGER_OPEN);
    struct ledger_entry entry = {.state = LEDGER_PARKED, .change = 1};
    assert_int_equal(ledger_put(ledger, &place, &entry, &err), WEIR_OK);
    place.offset = 1;
    assert_int_equal(ledger_find(ledger, &place).state, LEDGER_OPEN);
    assert_int_equal(ledger_find(ledger, &place).attempts, 0);
    ledger_free(ledger);
}

/* As many as make the table grow several times, each found again with what it was given. */
static void many_letters(void **state)
{
    (void)state;
    enum { LETTERS = 20000 };
    struct ledger *ledger = ledger_new();
    for (int i = 0; i < LETTERS; i++) {
        struct letter_place place = place_of(i % 7, i / 7);
        struct ledger_entry entry = {.state = (enum ledger_state)(i % LEDGER_STATES),
                                     .attempts = (uint32_t)i,
                                     .change = 1,
                                     .at_ms = i};
        assert_int_equal(ledger_put(ledger, &place, &entry, &err), WEIR_OK);
    }
    uint64_t tally[LEDGER_STATES];
    assert_int_equal(ledger_count(ledger), LETTERS);
    ledger_tally(ledger, tally);
    for (int i = 0; i < LEDGER_STATES; i++)
        assert_int_equal(tally[i], LETTERS / LEDGER_STATES);
    for (int i = 0; i < LETTERS; i++) {
        struct letter_place place = place_of(i % 7, i / 7);
        struct ledger_entry entry = ledger_find(ledger, &place);
        assert_int_equal(entry.state, i % LEDGER_STATES);
        assert_int_equal(entry.attempts, i);
        assert_int_equal(entry.at_ms, i);
    }
    ledger_free(ledger);
}

/* Partitions are read beside each other, so records may come in any order. */
static void the_newer_change_stays(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_new();
    struct letter_place place = place_of(1, 2);
    assert_int_equal(take(ledger, "user-login:1:2",
                          "{\"v\":1,\"state\":\"replayed\",\"attempts\":2,\"change\":3,\"at\":7}"),
                     WEIR_OK);
    assert_int_equal(
        take(ledger, "user-login:1:2", "{\"v\":1,\"state\":\"open\",\"attempts\":2,\"change\":2,\"at\":6}"),
        WEIR_OK);
    assert_int_equal(ledger_find(ledger, &place).state, LEDGER_REPLAYED);
    assert_int_equal(ledger_find(ledger, &place).at_ms, 7);
    /* A null value takes it out. */
    assert_int_equal(take(ledger, "user-login:1:2", NULL), WEIR_OK);
    assert_int_equal(ledger_find(ledger, &place).state, LEDGER_OPEN);
    assert_int_equal(take(ledger, "user-login:9:9", NULL), WEIR_OK);
    assert_int_equal(take(ledger, "other:9:9", NULL), WEIR_OK);
    ledger_free(ledger);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    static const struct ledger_note note = {
        .run = "r-1", .by = "ann@host", .reason = "say \"hi\"", .target = "t", .code = "bad_enum"};
    for (int i = 0; i < LEDGER_STATES; i++) {
        char text[LEDGER_VALUE_MAX + 1], key[LETTER_PLACE_MAX];
        struct ledger_entry entry = {
            .state = (enum ledger_state)i, .attempts = 3, .change = 4, .at_ms = 1694479552000};
        size_t len = ledger_print(&entry, &note, text);
        assert_true(len < sizeof text);
        text[len] = '\0';
        struct ledger *ledger = ledger_new();
        struct letter_place place = place_of(5, 6);
        assert_int_equal(take(ledger, letter_place_print(&place, key), text), WEIR_OK);
        struct ledger_entry read = ledger_find(ledger, &place);
        assert_int_equal(read.state, i);
        assert_int_equal(read.attempts, 3);
        assert_int_equal(read.change, 4);
        assert_int_equal(read.at_ms, 1694479552000);
        json_t *object = json_loads(text, 0, NULL);
        assert_string_equal(json_string_value(json_object_get(object, "reason")), "say \"hi\"");
        assert_string_equal(json_string_value(json_object_get(object, "by")), "ann@host");
        assert_string_equal(json_string_value(json_object_get(object, "code")), "bad_enum");
        json_decref(object);
        ledger_free(ledger);
    }
}

static void a_reason_too_long_is_left_out(void **state)
{
    (void)state;
    static char reason[LEDGER_VALUE_MAX];
    char text[LEDGER_VALUE_MAX];
    memset(reason, 'x', sizeof reason - 1);
    const struct ledger_note note = {.run = "r-1", .reason = reason};
    const struct ledger_entry entry = {.state = LEDGER_PARKED};
    size_t len = ledger_print(&entry, &note, text);
    assert_true(len < 200);
    json_t *object = json_loadb(text, len, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(object, "run")), "r-1");
    json_decref(object);
}

/* Acting on a ledger that is not understood could double a record: it is an error, with its place. */
static void what_is_not_understood_is_an_error(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "{\"v\":2}",
        "{\"v\":1,\"state\":\"gone\",\"attempts\":0,\"change\":1}",
        "{\"v\":1,\"state\":\"open\",\"attempts\":-1,\"change\":1}",
        "{\"v\":1,\"state\":\"open\",\"attempts\":1}",
        "{\"v\":1,\"state\":\"open\",\"attempts\":99999999999,\"change\":1}",
    };
    struct ledger *ledger = ledger_new();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(take(ledger, "t:1:2", bad[i]), WEIR_ERR_CONFIG);
    assert_int_equal(take(ledger, "t:1:2", "{\"v\":2}"), WEIR_ERR_CONFIG);
    assert_non_null(strstr(err.text, "newer weir"));
    /* The lease, and what others put there, is no letter. */
    assert_int_equal(take(ledger, "lease", "{}"), WEIR_OK);
    assert_int_equal(take(ledger, NULL, "{}"), WEIR_OK);
    assert_int_equal(ledger_count(ledger), 0);
    ledger_free(ledger);
}

static void too_many_topics(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_new();
    const struct ledger_entry entry = {.state = LEDGER_PARKED};
    struct letter_place place = {.partition = 1};
    for (int i = 0; i <= LEDGER_TOPICS_MAX; i++) {
        (void)snprintf(place.topic, sizeof place.topic, "t%d", i);
        assert_int_equal(ledger_put(ledger, &place, &entry, &err),
                         i < LEDGER_TOPICS_MAX ? WEIR_OK : WEIR_ERR_KAFKA);
    }
    ledger_free(ledger);
}

/* A run reads its ledger again in its middle: nothing of before is in it, and it is as large as it was. */
static void what_is_forgotten_is_open(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_new();
    struct ledger_entry entry = {.state = LEDGER_REPLAYED, .change = 3};
    for (int64_t offset = 0; offset < 5000; offset++) {
        struct letter_place place = place_of(0, offset);
        assert_int_equal(ledger_put(ledger, &place, &entry, &err), WEIR_OK);
    }
    ledger_clear(ledger);
    assert_int_equal(ledger_count(ledger), 0);
    struct letter_place place = place_of(0, 7);
    assert_int_equal(ledger_find(ledger, &place).state, LEDGER_OPEN);
    assert_int_equal(ledger_find(ledger, &place).change, 0);
    entry = (struct ledger_entry){.state = LEDGER_PARKED, .change = 1};
    assert_int_equal(ledger_put(ledger, &place, &entry, &err), WEIR_OK);
    assert_int_equal(ledger_find(ledger, &place).state, LEDGER_PARKED);
    assert_int_equal(ledger_count(ledger), 1);
    ledger_free(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_there_is_open),
        cmocka_unit_test(many_letters),
        cmocka_unit_test(the_newer_change_stays),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(a_reason_too_long_is_left_out),
        cmocka_unit_test(what_is_not_understood_is_an_error),
        cmocka_unit_test(too_many_topics),
        cmocka_unit_test(what_is_forgotten_is_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
