#include "weir/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What operators and supervisors rely on, written a second time by hand: a change of errors.def shows here.
 */
struct expected {
    enum weir_err_code code;
    const char *name;
    enum weir_err_class class;
    int exit_status;
};

static const struct expected table[] = {
    {WEIR_OK, "ok", WEIR_CLASS_NONE, 0},
    {WEIR_ERR_NO_MEMORY, "no_memory", WEIR_CLASS_FATAL, 71},
    {WEIR_ERR_USAGE, "usage", WEIR_CLASS_FATAL, 64},
    {WEIR_ERR_CONFIG, "config", WEIR_CLASS_FATAL, 78},
    {WEIR_ERR_BAD_SCHEMA, "bad_schema", WEIR_CLASS_FATAL, 65},
    {WEIR_ERR_INCOMPATIBLE, "incompatible", WEIR_CLASS_FATAL, 65},
    {WEIR_ERR_IO, "io", WEIR_CLASS_FATAL, 74},
    {WEIR_ERR_NOT_FOUND, "not_found", WEIR_CLASS_FATAL, 66},
    {WEIR_ERR_TRANSIENT, "transient", WEIR_CLASS_RETRY, 75},
    {WEIR_ERR_TXN_ABORTED, "txn_aborted", WEIR_CLASS_ABORT_BATCH, 75},
    {WEIR_ERR_STALE_GENERATION, "stale_generation", WEIR_CLASS_ABORT_BATCH, 75},
    {WEIR_ERR_TXN_UNKNOWN, "txn_unknown", WEIR_CLASS_REBUILD, 75},
    {WEIR_ERR_PRODUCER_LOST, "producer_lost", WEIR_CLASS_REBUILD, 75},
    {WEIR_ERR_MEMBER_EXPIRED, "member_expired", WEIR_CLASS_REBUILD, 75},
    {WEIR_ERR_FENCED, "fenced", WEIR_CLASS_REBUILD, 75},
    {WEIR_ERR_BROKER_DOWN, "broker_down", WEIR_CLASS_WAIT, 75},
    {WEIR_ERR_TOPIC_MISSING, "topic_missing", WEIR_CLASS_WAIT, 75},
    {WEIR_ERR_TOPIC_DENIED, "topic_denied", WEIR_CLASS_WAIT, 75},
    {WEIR_ERR_LETTER_TOO_LARGE, "letter_too_large", WEIR_CLASS_WAIT, 75},
    {WEIR_ERR_OUTPUT_REFUSED, "output_refused", WEIR_CLASS_WAIT, 75},
    {WEIR_ERR_SCHEMA_PENDING, "schema_pending", WEIR_CLASS_WAIT, 75},
    {WEIR_ERR_BREAKER_OPEN, "breaker_open", WEIR_CLASS_WAIT, 75},
    {WEIR_ERR_REGISTRY_DOWN, "registry_down", WEIR_CLASS_WAIT, 75},
    {WEIR_ERR_DENIED, "denied", WEIR_CLASS_FATAL, 77},
    {WEIR_ERR_DUPLICATE_IDENTITY, "duplicate_identity", WEIR_CLASS_FATAL, 75},
    {WEIR_ERR_NO_OFFSET, "no_offset", WEIR_CLASS_FATAL, 78},
    {WEIR_ERR_SCHEMA_CHANGED, "schema_changed", WEIR_CLASS_FATAL, 65},
    {WEIR_ERR_OFFSET_LOST, "offset_lost", WEIR_CLASS_FATAL, 65},
    {WEIR_ERR_KAFKA, "kafka", WEIR_CLASS_FATAL, 69},
    {WEIR_ERR_STUCK, "stuck", WEIR_CLASS_FATAL, 75},
};

#define N_TABLE (sizeof table / sizeof table[0])

static void test_every_code_is_in_the_table(void **state)
{
    (void)state;
    assert_int_equal(N_TABLE, WEIR_ERR_COUNT);
    for (size_t i = 0; i < N_TABLE; i++)
        assert_int_equal(table[i].code, i);
}

static void test_name_class_and_exit_status(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_TABLE; i++) {
        assert_string_equal(weir_err_name(table[i].code), table[i].name);
        assert_int_equal(weir_err_class(table[i].code), table[i].class);
        assert_int_equal(weir_err_exit(table[i].code), table[i].exit_status);
    }
}

static void test_names_are_unique_and_plain(void **state)
{
    (void)state;
    for (int a = 0; a < WEIR_ERR_COUNT; a++) {
        const char *name = weir_err_name((enum weir_err_code)a);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
        for (int b = a + 1; b < WEIR_ERR_COUNT; b++)
            assert_string_not_equal(name, weir_err_name((enum weir_err_code)b));
    }
}

/* 1 means "a finding" and 0 "fine" (docs/ARCHITECTURE.md), so an error must never end with either. */
static void test_no_error_ends_as_success_or_finding(void **state)
{
    (void)state;
    for (int code = 1; code < WEIR_ERR_COUNT; code++)
        assert_in_range(weir_err_exit((enum weir_err_code)code), 64, 78);
}

static void test_fail_fills_code_and_text(void **state)
{
    (void)state;
    struct weir_err err = {WEIR_OK, ""};
    enum weir_err_code code = weir_fail(&err, WEIR_ERR_TOPIC_MISSING, "topic %s: %d", "user-login", 3);
    assert_int_equal(code, WEIR_ERR_TOPIC_MISSING);
    assert_int_equal(err.code, WEIR_ERR_TOPIC_MISSING);
    assert_string_equal(err.text, "topic user-login: 3");
}

static void test_fail_without_anybody_to_tell(void **state)
{
    (void)state;
    assert_int_equal(weir_fail(NULL, WEIR_ERR_IO, "%s", "nobody reads this"), WEIR_ERR_IO);
}

static void test_fail_replaces_an_earlier_text(void **state)
{
    (void)state;
    struct weir_err err;
    (void)weir_fail(&err, WEIR_ERR_KAFKA, "a long text that stands there first");
    (void)weir_fail(&err, WEIR_ERR_IO, "short");
    assert_int_equal(err.code, WEIR_ERR_IO);
    assert_string_equal(err.text, "short");
}

/* For every length around the limit the text is whole or cut, always ends in NUL, and nothing behind is hit.
 */
static void test_text_is_cut_and_never_overrun(void **state)
{
    (void)state;
    char words[2 * WEIR_ERR_TEXT_MAX];
    memset(words, 'w', sizeof words);
    for (int len = WEIR_ERR_TEXT_MAX - 3; len < WEIR_ERR_TEXT_MAX + 3; len++) {
        struct {
            struct weir_err err;
            unsigned char behind[16];
        } guarded;
        memset(&guarded, 0xA5, sizeof guarded);
        (void)weir_fail(&guarded.err, WEIR_ERR_IO, "%.*s", len, words);
        int kept = len < WEIR_ERR_TEXT_MAX ? len : WEIR_ERR_TEXT_MAX - 1;
        assert_int_equal(strlen(guarded.err.text), kept);
        assert_memory_equal(guarded.err.text, words, (size_t)kept);
        for (size_t i = 0; i < sizeof guarded.behind; i++)
            assert_int_equal(guarded.behind[i], 0xA5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_is_in_the_table),
        cmocka_unit_test(test_name_class_and_exit_status),
        cmocka_unit_test(test_names_are_unique_and_plain),
        cmocka_unit_test(test_no_error_ends_as_success_or_finding),
        cmocka_unit_test(test_fail_fills_code_and_text),
        cmocka_unit_test(test_fail_without_anybody_to_tell),
        cmocka_unit_test(test_fail_replaces_an_earlier_text),
        cmocka_unit_test(test_text_is_cut_and_never_overrun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
