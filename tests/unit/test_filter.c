#include "dlq/filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW INT64_C(1769860800000) /* 2026-01-31T12:00:00Z */

static struct weir_err err;

static const struct weir_record record = {.key = {(const uint8_t *)"a b", 3}, .timestamp_ms = 5};
static struct letter letter;
static struct ledger_entry entry = {.state = LEDGER_OPEN, .attempts = 2};

static int set_up(void **state)
{
    (void)state;
    letter = (struct letter){
        .record = &record,
        .source = {.topic = "user-login", .partition = 3, .offset = 100},
        .code = weir_bytes_of("bad_enum"),
        .field = weir_bytes_of("device_type"),
        .first_failed_ms = NOW - 3600000,
        .schema_id = weir_bytes_of("7"),
        .reader_version = -1,
        .timestamp_ms = -1,
    };
    return 0;
}

static bool matches(const char *text)
{
    struct filter *filter = NULL;
    const struct filter_facts facts = {.letter = &letter, .entry = &entry, .now_ms = NOW, .passes_now = true};
    if (filter_parse(text, &filter, &err) != WEIR_OK)
        fail_msg("%s: %s", text, err.text);
    bool answer = filter_matches(filter, &facts);
    filter_free(filter);
    return answer;
}

static void what_matches(void **state)
{
    (void)state;
    static const char *const yes[] = {
        "code = bad_enum",
        "code=bad_enum",
        "code = 'bad_enum'",
        "code != not_json",
        "field = device_type and schema_id = 7 and partition = 3 and offset >= 100",
        "time >= 2026-01-01T00:00:00Z",
        "time < 2026-01-31T12:00:00+00:00",
        "time = 2026-01-31T11:00:00.000Z",
        "age >= 1h",
        "age < 1h1m",
        "attempts < 3",
        "key = \"a b\"",
        "passes_now",
        "passes_now = true",
        "not passes_now = false",
        "state = open",
        "topic = user-login",
        "stage != check",
        "reader_version != 1",
        "code = not_json or code = bad_enum",
        "code = not_json and code = bad_enum or partition = 3",
        "partition = 3 or code = not_json and code = bad_enum",
        "(partition = 3 or partition = 4) and offset = 100",
        "not (code = not_json or partition = 4)",
        "not not code = bad_enum",
        "  code\t=\nbad_enum  ",
    };
    static const char *const no[] = {
        "code = not_json",
        "code != bad_enum",
        "schema_id = 8",
        "offset < 100",
        "age > 1h",
        "key = a",
        "stage = check",
        "reader_version = 1",
        "reader_version < 1",
        "not passes_now",
        "state = parked",
        "not code = bad_enum and partition = 3",
        "(partition = 3 or code = not_json) and offset = 1",
        "message = ''",
    };
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (!matches(yes[i]))
            fail_msg("%s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (matches(no[i]))
            fail_msg("%s", no[i]);
}

static void mistakes_are_named_with_their_place(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "filter, character 1: it ends where a condition should follow"},
        {"cod = x", "filter, character 1: 'cod' is no name; did you mean 'code'?"},
        {"code = bad_enun", "filter, character 8: 'bad_enun' is no code; did you mean 'bad_enum'?"},
        {"code = bad_enum und field = x", "filter, character 17: 'and' or 'or' is missing here"},
        {"code bad_enum", "filter, character 6: one of = != < <= > >= is missing here"},
        {"code > bad_enum", "filter, character 6: code can only be compared with = and !="},
        {"offset >= many", "filter, character 11: a number is wanted here"},
        {"time > yesterday",
         "filter, character 8: a time is wanted here, such as 2026-01-31 or 2026-01-31T12:00:00Z"},
        {"age > 1w", "filter, character 7: a time span is wanted here, such as 90m, 1h30m or 2d"},
        {"passes_now = maybe", "filter, character 14: true or false is wanted here"},
        {"key = \"a", "filter, character 7: the quote is not closed"},
        {"key = ", "filter, character 7: a value is missing here"},
        {"(code = bad_enum", "filter, character 17: a ) is missing here"},
        {"code = bad_enum and", "filter, character 20: it ends where a condition should follow"},
        {"state = parkd", "filter, character 9: 'parkd' is no state; did you mean 'parked'?"},
        {"= 3", "filter, character 1: a name is missing here, such as code or field"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct filter *filter = NULL;
        assert_int_equal(filter_parse(cases[i][0], &filter, &err), WEIR_ERR_USAGE);
        assert_string_equal(err.text, cases[i][1]);
    }
}

static void bounds_hold(void **state)
{
    (void)state;
    struct filter *filter = NULL;
    char *text = calloc(1, FILTER_TEXT_MAX * 2);
    memset(text, '(', FILTER_DEPTH_MAX + 1);
    assert_int_equal(filter_parse(text, &filter, &err), WEIR_ERR_USAGE);
    text[0] = '\0';
    for (int i = 0; i <= FILTER_TERMS_MAX; i++)
        strcat(text, i ? " or passes_now" : "passes_now");
    assert_int_equal(filter_parse(text, &filter, &err), WEIR_ERR_USAGE);
    memset(text, 'x', FILTER_TEXT_MAX);
    assert_int_equal(filter_parse(text, &filter, &err), WEIR_ERR_USAGE);
    /* As many conditions as are allowed, each of them turned round. */
    text[0] = '\0';
    for (int i = 0; i < FILTER_TERMS_MAX; i++)
        strcat(text, i ? " and not offset = 1" : "not offset = 1");
    memset(text + strlen(text), 0, 1);
    assert_int_equal(filter_parse(text, &filter, &err), WEIR_OK);
    filter_free(filter);
    free(text);
}

static void what_must_be_known(void **state)
{
    (void)state;
    struct filter *filter = NULL;
    assert_int_equal(filter_parse("code = bad_enum and state = open", &filter, &err), WEIR_OK);
    assert_false(filter_needs_verdict(filter));
    assert_true(filter_names_state(filter));
    filter_free(filter);
    assert_int_equal(filter_parse("not (offset = 3 or passes_now)", &filter, &err), WEIR_OK);
    assert_true(filter_needs_verdict(filter));
    assert_false(filter_names_state(filter));
    filter_free(filter);
    assert_false(filter_needs_verdict(NULL));
    assert_true(filter_matches(NULL, NULL));
}

static void times_and_spans(void **state)
{
    (void)state;
    int64_t ms = 0;
    assert_true(filter_read_time("1970-01-01", &ms));
    assert_int_equal(ms, 0);
    assert_true(filter_read_time("2024-02-29T23:59:59.9876Z", &ms));
    assert_int_equal(ms, INT64_C(1709251199987));
    assert_true(filter_read_time("2026-01-31T13:00:00+01:00", &ms));
    assert_int_equal(ms, NOW);
    assert_true(filter_read_time("2026-01-31T06:30:00-05:30", &ms));
    assert_int_equal(ms, NOW);
    static const char *const bad[] = {"",
                                      "2026",
                                      "2026-13-01",
                                      "2025-02-29",
                                      "2026-01-32",
                                      "2026-1-01x",
                                      "2026-01-31T12:00:00",
                                      "2026-01-31T24:00:00Z",
                                      "2026-01-31 12:00:00Z",
                                      "2026-01-31T12:00:00+1",
                                      "1969-12-31"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (filter_read_time(bad[i], &ms))
            fail_msg("%s", bad[i]);
    assert_true(filter_read_span("1h30m", &ms));
    assert_int_equal(ms, 5400000);
    assert_true(filter_read_span("2d", &ms));
    assert_int_equal(ms, 172800000);
    assert_true(filter_read_span("250ms", &ms));
    assert_int_equal(ms, 250);
    assert_false(filter_read_span("", &ms));
    assert_false(filter_read_span("5", &ms));
    assert_false(filter_read_span("h", &ms));
    assert_false(filter_read_span("1h-3m", &ms));
    assert_false(filter_read_span("9999999999s", &ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_matches, set_up),
        cmocka_unit_test_setup(mistakes_are_named_with_their_place, set_up),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(what_must_be_known),
        cmocka_unit_test(times_and_spans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
