#include "core/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW INT64_C(1694479552000)

static const struct envelope_context context = {.pipeline = "user-login",
                                                .version = "0.1.0",
                                                .topic = "user-login",
                                                .reader_version = 3,
                                                .has_schema = true,
                                                .schema = {.id = 4000000000u}};

static struct weir_outcome rejected(const char *message)
{
    return (struct weir_outcome){.verdict = WEIR_REJECT,
                                 .why = {.code = WEIR_CODE_RULE_FAILED,
                                         .field = "ip",
                                         .byte_offset = 17,
                                         .rule = "check[0]",
                                         .text = weir_bytes_of(message)}};
}

static struct weir_record record_with(const struct weir_header *headers, size_t n)
{
    return (struct weir_record){.key = weir_bytes_of("k"),
                                .value = weir_bytes_of("v"),
                                .headers = headers,
                                .n_headers = n,
                                .partition = 2,
                                .offset = 9007199254740993,
                                .timestamp_ms = 1694479551000};
}

struct letter {
    uint8_t memory[16384];
    struct weir_header *headers;
    size_t n;
    struct weir_arena arena;
};

static void wrap(struct letter *letter, const struct weir_record *record, const struct weir_outcome *outcome,
                 const struct envelope_context *about, int64_t now_ms)
{
    weir_arena_init(&letter->arena, letter->memory, sizeof letter->memory);
    assert_true(envelope_wrap(record, outcome, about, now_ms, &letter->arena, &letter->headers, &letter->n));
}

/* The only header of that name, WEIR_NO_BYTES when there is none. */
static struct weir_bytes find(const struct letter *letter, const char *name)
{
    struct weir_bytes found = WEIR_NO_BYTES;
    for (size_t i = 0; i < letter->n; i++) {
        if (strcmp(letter->headers[i].name, name) != 0)
            continue;
        assert_null(found.data);
        found = letter->headers[i].value;
    }
    return found;
}

static void expect(const struct letter *letter, const char *name, const char *value)
{
    char full[64];
    (void)snprintf(full, sizeof full, "__weir.errors.%s", name);
    if (!weir_bytes_equal(find(letter, full), weir_bytes_of(value)))
        fail_msg("%s is not '%s'", full, value ? value : "(absent)");
}

static void says_why_and_where_from(void **state)
{
    (void)state;
    struct letter letter;
    struct weir_record record = record_with(NULL, 0);
    struct weir_outcome outcome = rejected("ip: not an ip address");
    wrap(&letter, &record, &outcome, &context, NOW);
    static const char *const expected[][2] = {
        {"code", "rule_failed"},
        {"message", "ip: not an ip address"},
        {"stage", "check"},
        {"field", "ip"},
        {"topic", "user-login"},
        {"partition", "2"},
        {"offset", "9007199254740993"},
        {"timestamp", "1694479551000"},
        {"schema.id", "4000000000"},
        {"reader.version", "3"},
        {"first.failed", "1694479552000"},
        {"pipeline", "user-login"},
        {"version", "0.1.0"},
    };
    assert_int_equal(sizeof expected / sizeof expected[0], ENVELOPE_OWN_MAX);
    assert_int_equal(letter.n, ENVELOPE_OWN_MAX);
    for (size_t i = 0; i < ENVELOPE_OWN_MAX; i++)
        expect(&letter, expected[i][0], expected[i][1]);
}

static void a_guid_is_written_as_registries_do(void **state)
{
    (void)state;
    struct letter letter;
    struct weir_record record = record_with(NULL, 0);
    struct weir_outcome outcome = rejected("");
    struct envelope_context about = context;
    about.schema = (struct weir_schema_key){.by_guid = true, .guid = {[0] = 0x6d, [15] = 0x12}};
    wrap(&letter, &record, &outcome, &about, NOW);
    expect(&letter, "schema.id", "6d000000-0000-0000-0000-000000000012");
}

static void what_is_absent_is_left_out(void **state)
{
    (void)state;
    struct letter letter;
    struct weir_record record = record_with(NULL, 0);
    record.timestamp_ms = -1;
    struct weir_outcome outcome = rejected("");
    outcome.why.field = NULL;
    struct envelope_context bare = {.pipeline = "p", .version = "v", .topic = "t"};
    wrap(&letter, &record, &outcome, &bare, NOW);
    expect(&letter, "message", NULL);
    expect(&letter, "field", NULL);
    expect(&letter, "timestamp", NULL);
    expect(&letter, "schema.id", NULL);
    expect(&letter, "reader.version", NULL);
    assert_int_equal(letter.n, ENVELOPE_OWN_MAX - 5);
}

/* Wrapping a letter again changes what is ours and nothing else, however often. */
static void ours_are_replaced_never_appended(void **state)
{
    (void)state;
    struct letter first, second;
    struct weir_record record = record_with(NULL, 0);
    struct weir_outcome outcome = rejected("first");
    wrap(&first, &record, &outcome, &context, NOW);
    record = record_with(first.headers, first.n);
    outcome = rejected("second");
    wrap(&second, &record, &outcome, &context, NOW + 5000);
    assert_int_equal(second.n, first.n);
    expect(&second, "message", "second");
    expect(&second, "first.failed", "1694479552000");
}

static void only_a_valid_first_failure_is_kept(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "-", "soon", "12 ", "1234567890123456789012", NULL};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct letter letter;
        struct weir_header header = {"__weir.errors.first.failed", weir_bytes_of(bad[i])};
        struct weir_record record = record_with(&header, 1);
        struct weir_outcome outcome = rejected("x");
        wrap(&letter, &record, &outcome, &context, NOW);
        expect(&letter, "first.failed", "1694479552000");
    }
}

static void a_long_message_is_cut_between_characters(void **state)
{
    (void)state;
    char text[ENVELOPE_MESSAGE_MAX + 16];
    for (size_t i = 0; i + 1 < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xa4", 2);
    text[sizeof text - 2] = '\0';
    struct weir_record record = record_with(NULL, 0);
    for (size_t shift = 0; shift < 2; shift++) {
        struct letter letter;
        if (shift)
            text[1] = 'x';
        struct weir_outcome outcome = rejected(text + shift);
        wrap(&letter, &record, &outcome, &context, NOW);
        struct weir_bytes message = find(&letter, "__weir.errors.message");
        assert_int_equal(message.len, ENVELOPE_MESSAGE_MAX - shift);
        assert_true(weir_utf8_valid(message, NULL));
    }
}

static struct weir_bytes random_bytes(uint8_t *memory, size_t max)
{
    if (rand() % 8 == 0)
        return WEIR_NO_BYTES;
    size_t len = (size_t)rand() % max;
    for (size_t i = 0; i < len; i++)
        memory[i] = (uint8_t)rand();
    return (struct weir_bytes){memory, len};
}

#define FOREIGN_MAX 12
#define ROUNDS      2000

/* Whatever the record carries: others' headers come first, in their order, byte for byte, the very same. */
static void others_stay_byte_for_byte(void **state)
{
    (void)state;
    static const char *const names[] = {"traceparent",        "",       "__weir", "__weirdo",
                                        "weir.errors.code",   "a",      "a",      "__weir.errors.x",
                                        "__weir.errors.code", "__weir."};
    srand(7);
    for (int round = 0; round < ROUNDS; round++) {
        static uint8_t memory[FOREIGN_MAX][32];
        struct weir_header headers[FOREIGN_MAX];
        size_t n = (size_t)rand() % (FOREIGN_MAX + 1);
        for (size_t i = 0; i < n; i++)
            headers[i] = (struct weir_header){names[(size_t)rand() % (sizeof names / sizeof names[0])],
                                              random_bytes(memory[i], sizeof memory[i])};
        struct letter letter;
        struct weir_record record = record_with(headers, n);
        struct weir_outcome outcome = rejected("x");
        wrap(&letter, &record, &outcome, &context, NOW);
        size_t at = 0;
        for (size_t i = 0; i < n; i++) {
            if (envelope_is_own(headers[i].name))
                continue;
            assert_ptr_equal(letter.headers[at].name, headers[i].name);
            assert_ptr_equal(letter.headers[at].value.data, headers[i].value.data);
            assert_int_equal(letter.headers[at].value.len, headers[i].value.len);
            at++;
        }
        assert_int_equal(letter.n, at + ENVELOPE_OWN_MAX);
    }
}

static void ours_are_told_by_their_name(void **state)
{
    (void)state;
    assert_true(envelope_is_own("__weir.errors.code"));
    assert_true(envelope_is_own("__weir."));
    assert_false(envelope_is_own("__weir"));
    assert_false(envelope_is_own("__weirdo"));
    assert_false(envelope_is_own(""));
    assert_false(envelope_is_own("__WEIR.errors.code"));
}

/* With any arena that is too small the answer is false, never a letter that lacks something. */
static void a_full_arena_is_said(void **state)
{
    (void)state;
    struct weir_header header = {"a", weir_bytes_of("b")};
    struct weir_record record = record_with(&header, 1);
    struct weir_outcome outcome = rejected("message");
    bool fitted = false;
    for (size_t cap = 0; cap < 1024; cap++) {
        uint8_t *memory = malloc(cap + 1);
        struct weir_arena arena;
        struct letter letter;
        weir_arena_init(&arena, memory, cap);
        bool fits = envelope_wrap(&record, &outcome, &context, NOW, &arena, &letter.headers, &letter.n);
        assert_true(fits || !fitted);
        fitted = fits;
        if (fits) {
            assert_int_equal(letter.n, 1 + ENVELOPE_OWN_MAX);
            expect(&letter, "first.failed", "1694479552000");
        }
        free(memory);
    }
    assert_true(fitted);
}

static void expect_full(const struct letter *letter, const char *name, const char *value)
{
    if (!weir_bytes_equal(find(letter, name), weir_bytes_of(value)))
        fail_msg("%s is not '%s'", name, value ? value : "(absent)");
}

/* The names and values are what Kafka Connect and Kafka Streams write; numbers are text in both. */
static void dialects_add_the_names_of_others(void **state)
{
    (void)state;
    struct weir_record record = record_with(NULL, 0);
    struct weir_outcome outcome = rejected("ip: not an ip address");
    struct envelope_context about = context;
    struct letter letter;
    about.dialect = WEIR_DIALECT_CONNECT;
    wrap(&letter, &record, &outcome, &about, NOW);
    assert_true(letter.n <= ENVELOPE_OWN_MAX + ENVELOPE_DIALECT_MAX);
    expect(&letter, "code", "rule_failed");
    expect_full(&letter, "__connect.errors.topic", "user-login");
    expect_full(&letter, "__connect.errors.partition", "2");
    expect_full(&letter, "__connect.errors.offset", "9007199254740993");
    expect_full(&letter, "__connect.errors.connector.name", "user-login");
    expect_full(&letter, "__connect.errors.stage", "TRANSFORMATION");
    expect_full(&letter, "__connect.errors.class.name", "weir");
    expect_full(&letter, "__connect.errors.exception.class.name", "rule_failed");
    expect_full(&letter, "__connect.errors.exception.message", "ip: not an ip address");
    about.dialect = WEIR_DIALECT_STREAMS;
    wrap(&letter, &record, &outcome, &about, NOW);
    expect(&letter, "code", "rule_failed");
    expect_full(&letter, "__streams.errors.exception", "rule_failed");
    expect_full(&letter, "__streams.errors.message", "ip: not an ip address");
    expect_full(&letter, "__streams.errors.topic", "user-login");
    expect_full(&letter, "__streams.errors.partition", "2");
    expect_full(&letter, "__streams.errors.offset", "9007199254740993");
    expect_full(&letter, "__connect.errors.topic", NULL);
}

/* Those of a dialect are weir's own only where the dialect was chosen. */
static void a_dialect_is_replaced_never_appended(void **state)
{
    (void)state;
    const struct weir_header header = {"__connect.errors.topic", weir_bytes_of("theirs")};
    struct weir_record record = record_with(&header, 1);
    struct weir_outcome outcome = rejected("x");
    struct envelope_context about = context;
    struct letter first, second;
    wrap(&first, &record, &outcome, &about, NOW);
    expect_full(&first, "__connect.errors.topic", "theirs");
    about.dialect = WEIR_DIALECT_CONNECT;
    wrap(&first, &record, &outcome, &about, NOW);
    expect_full(&first, "__connect.errors.topic", "user-login");
    record = record_with(first.headers, first.n);
    wrap(&second, &record, &outcome, &about, NOW);
    assert_int_equal(second.n, first.n);
    assert_true(envelope_is_added("__connect.errors.topic", WEIR_DIALECT_CONNECT));
    assert_false(envelope_is_added("__connect.errors.topic", WEIR_DIALECT_WEIR));
    assert_false(envelope_is_added("__connect.errors.topic", WEIR_DIALECT_STREAMS));
    assert_true(envelope_is_added("__weir.errors.code", WEIR_DIALECT_STREAMS));
}

static size_t bytes_of(const struct letter *letter)
{
    size_t bytes = 0;
    for (size_t i = 0; i < letter->n; i++)
        bytes += strlen(letter->headers[i].name) + letter->headers[i].value.len;
    return bytes;
}

/* What is saved is what was asked for as long as there is something to save, and it is taken from the message
 * first, then from what does not identify; others' headers stay. */
static void only_ours_are_shortened(void **state)
{
    (void)state;
    const struct weir_header header = {"traceparent",
                                       weir_bytes_of("00-4bf92f3577b34da6a3ce929d0e0e4736-01")};
    struct weir_record record = record_with(&header, 1);
    struct weir_outcome outcome = rejected("ip: not an ip address");
    struct envelope_context about = context;
    about.dialect = WEIR_DIALECT_STREAMS;
    struct letter whole;
    wrap(&whole, &record, &outcome, &about, NOW);
    size_t all = bytes_of(&whole), least = 0;
    for (size_t excess = 1; excess < all; excess++) {
        struct letter letter;
        wrap(&letter, &record, &outcome, &about, NOW);
        letter.n = envelope_shorten(letter.headers, letter.n, about.dialect, excess);
        size_t saved = all - bytes_of(&letter);
        least = least < saved ? saved : least;
        assert_true(saved >= excess || letter.n == 6);
        expect(&letter, "code", "rule_failed");
        expect(&letter, "topic", "user-login");
        expect(&letter, "partition", "2");
        expect(&letter, "offset", "9007199254740993");
        expect(&letter, "pipeline", "user-login");
        assert_ptr_equal(letter.headers[0].value.data, header.value.data);
        if (excess < strlen("ip: not an ip address")) {
            assert_int_equal(saved, excess);
            assert_int_equal(letter.n, whole.n);
        } else if (find(&letter, "__weir.errors.message").data) {
            fail_msg("the message is there where more went than it has");
        }
    }
    assert_true(least > 0 && least < all);
}

static void a_reference_says_where_the_record_is(void **state)
{
    (void)state;
    struct letter letter;
    struct weir_record record = record_with(NULL, 0);
    struct weir_outcome outcome = rejected("x");
    struct weir_bytes value;
    wrap(&letter, &record, &outcome, &context, NOW);
    assert_true(envelope_refer(&record, "user-login", &letter.arena, letter.headers, &letter.n, &value));
    assert_true(weir_bytes_equal(
        value,
        weir_bytes_of("{\"topic\":\"user-login\",\"partition\":2,\"offset\":9007199254740993,\"size\":1}")));
    expect_full(&letter, ENVELOPE_REFERENCE_NAME, "value");
    letter.arena.cap = letter.arena.used + ENVELOPE_REFERENCE_MAX;
    assert_false(envelope_refer(&record, "user-login", &letter.arena, letter.headers, &letter.n, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_why_and_where_from),
        cmocka_unit_test(a_guid_is_written_as_registries_do),
        cmocka_unit_test(what_is_absent_is_left_out),
        cmocka_unit_test(ours_are_replaced_never_appended),
        cmocka_unit_test(only_a_valid_first_failure_is_kept),
        cmocka_unit_test(a_long_message_is_cut_between_characters),
        cmocka_unit_test(others_stay_byte_for_byte),
        cmocka_unit_test(ours_are_told_by_their_name),
        cmocka_unit_test(a_full_arena_is_said),
        cmocka_unit_test(dialects_add_the_names_of_others),
        cmocka_unit_test(a_dialect_is_replaced_never_appended),
        cmocka_unit_test(only_ours_are_shortened),
        cmocka_unit_test(a_reference_says_where_the_record_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
