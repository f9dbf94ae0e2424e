#include "audit/recompute.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "weir/arena.h"

/* A journal as core/journal.c writes it: what the one writes the other must read. */
#define TOPIC     "in"
#define WRITER_ID 7
#define OUTPUT_ID 9

static const char writer_text[] =
    "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"n\",\"type\":\"int\"}]}";
static const char reader_text[] =
    "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"n\",\"type\":\"long\"}]}";
static const char output_text[] =
    "{\"type\":\"record\",\"name\":\"o\",\"fields\":[{\"name\":\"n\",\"type\":\"long\"},"
    "{\"name\":\"p\",\"type\":\"int\"},{\"name\":\"o\",\"type\":\"long\"}]}";
static const char config_text[] = "pipeline: p\n";

static const struct weir_set_spec set[] = {
    {.field = "p", .kind = WEIR_SET_SOURCE, .arg = "partition"},
    {.field = "o", .kind = WEIR_SET_SOURCE, .arg = "offset"},
};
static struct weir_spec spec = {.core = {.pipeline = "p",
                                         .input_topic = TOPIC,
                                         .input_format = WEIR_FORMAT_AVRO,
                                         .output_format = WEIR_FORMAT_AVRO,
                                         .set = set,
                                         .n_set = 2}};
static const struct sip_key key = {7, 8};
static struct weir_err err;
static struct annals *annals;
static struct recompute *recompute;

static enum weir_err_code parse(void *context, struct weir_bytes text, struct weir_spec **out,
                                struct weir_err *failure)
{
    (void)context;
    if (!weir_bytes_equal(text, weir_bytes_of(config_text)))
        return weir_fail(failure, WEIR_ERR_CONFIG, "another text");
    *out = &spec;
    return WEIR_OK;
}

static void release(struct weir_spec *parsed)
{
    assert_ptr_equal(parsed, &spec);
}

static const struct recompute_config config = {.parse = parse, .release = release};

static void take(struct weir_bytes name, struct weir_bytes value)
{
    const struct weir_record record = {.key = name, .value = value};
    assert_int_equal(annals_take(annals, &record, &err), WEIR_OK);
}

static void take_text(const char *text)
{
    static uint8_t memory[8192];
    uint8_t name[JOURNAL_KEY_MAX];
    struct journal_print print;
    struct weir_arena arena;
    struct weir_bytes value;
    weir_arena_init(&arena, memory, sizeof memory);
    journal_print_of(weir_bytes_of(text), &print);
    assert_true(journal_write_text(weir_bytes_of(text), 0, 1, &arena, &value));
    take(journal_key_text(&print, 0, name), value);
}

static void take_plan(struct journal_print *print)
{
    uint8_t name[JOURNAL_KEY_MAX], buffer[JOURNAL_VALUE_MAX];
    const struct journal_plan plan = {.pipeline = "p",
                                      .program = "1",
                                      .config = weir_bytes_of(config_text),
                                      .reader = {"r", 1, 1, weir_bytes_of(reader_text)},
                                      .output = {"o", 1, OUTPUT_ID, weir_bytes_of(output_text)}};
    struct weir_bytes value = journal_write_plan(&plan, buffer, print);
    take(journal_key_plan(print, name), value);
}

/* Three records: one of the writer, one whose verdict was given, one that is rubbish. */
static void take_batch(const struct journal_print *plan)
{
    uint8_t name[JOURNAL_KEY_MAX], buffer[JOURNAL_VALUE_MAX];
    struct journal_words words;
    struct journal_span span;
    struct journal_writer writer = {.key = {.id = WRITER_ID}};
    journal_print_of(weir_bytes_of(writer_text), &writer.print);
    journal_words_init(&words);
    journal_span_begin(&span, 0, 0, true);
    const struct journal_entry entries[] = {{0, WEIR_CODE_NONE, false, &writer},
                                            {1, WEIR_CODE_UNKNOWN_SCHEMA, true, NULL},
                                            {2, WEIR_CODE_BAD_MAGIC, false, NULL}};
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        assert_true(journal_span_add(&span, &words, &entries[i]));
    take(journal_key_batch(TOPIC, 0, name), journal_write_batch(&span, TOPIC, plan, buffer));
}

/* The journal without one of its texts, when left_out is not NULL. */
static struct annals_batch *read_journal(const char *left_out)
{
    const char *const texts[] = {writer_text, reader_text, output_text, config_text};
    struct journal_print plan;
    int32_t partition;
    int64_t offset;
    assert_int_equal(annals_new(TOPIC, 1, &annals, &err), WEIR_OK);
    take_plan(&plan);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i] != left_out)
            take_text(texts[i]);
    take_batch(&plan);
    assert_int_equal(annals_stray(annals, &partition, &offset), 0);
    annals_link(annals, (const int64_t[]){3});
    assert_int_equal(annals_chain(annals, 0).start, ANNALS_BEGINS);
    assert_int_equal(recompute_new(annals, 1, &config, &key, &recompute, &err), WEIR_OK);
    return annals_find(annals, 0, 0);
}

static int tear_down(void **state)
{
    (void)state;
    recompute_free(recompute);
    annals_free(annals);
    return 0;
}

static void run(const struct annals_batch *batch, int64_t offset, struct weir_bytes value,
                struct weir_outcome *outcome)
{
    const struct weir_record record = {.value = value, .offset = offset, .timestamp_ms = 1};
    assert_int_equal(recompute_outcome(recompute, batch, &record, 5, outcome, &err), WEIR_OK);
}

static const uint8_t avro[] = {0, 0, 0, 0, WRITER_ID, 84};
static const struct weir_bytes value = {avro, sizeof avro};

static void verdicts_come_out_as_they_were_written_down(void **state)
{
    (void)state;
    const struct annals_batch *batch = read_journal(NULL);
    struct weir_outcome outcome;
    struct form_reading expected, found;
    uint64_t hash = 0, counts = 0;
    bool known;
    assert_true(batch->provable);
    assert_string_equal(recompute_why(recompute), "");
    assert_true(recompute_has_place(recompute));
    const struct weir_bytes values[] = {value, value, weir_bytes_of("rubbish")};
    for (int64_t i = 2; i >= 0; i--) {
        run(batch, i, values[i], &outcome);
        counts += annals_count(annals, journal_kind(&outcome));
    }
    assert_true(counts == batch->counts);
    const uint8_t output[] = {0, 0, 0, 0, OUTPUT_ID, 84, 0, 0};
    assert_true(weir_bytes_equal(outcome.value, (struct weir_bytes){output, sizeof output}));
    assert_int_equal(recompute_read(recompute, batch, outcome.value, &expected, &err), WEIR_OK);
    assert_int_equal(recompute_find(recompute, outcome.value, &found, &known, &err), WEIR_OK);
    assert_true(known && found.placed && found.partition == 0 && found.offset == 0);
    assert_true(found.digest == expected.digest);
    for (int64_t i = 0; i < 3; i++) {
        run(batch, i, values[i], &outcome);
        hash = journal_step(hash, annals_words(annals), i, journal_kind(&outcome));
    }
    assert_true(hash == batch->hash);
}

static void a_writer_that_the_journal_does_not_name_is_unknown(void **state)
{
    (void)state;
    const struct annals_batch *batch = read_journal(NULL);
    struct weir_outcome outcome;
    const uint8_t other[] = {0, 0, 0, 0, WRITER_ID + 1, 84};
    run(batch, 0, (struct weir_bytes){other, sizeof other}, &outcome);
    assert_int_equal(outcome.verdict, WEIR_REJECT);
    assert_int_equal(outcome.why.code, WEIR_CODE_UNKNOWN_SCHEMA);
}

static void what_no_plan_has_written_is_not_known(void **state)
{
    (void)state;
    (void)read_journal(NULL);
    struct form_reading reading;
    bool known = true;
    const uint8_t other[] = {0, 0, 0, 0, OUTPUT_ID + 1, 84, 0, 0};
    assert_int_equal(
        recompute_find(recompute, (struct weir_bytes){other, sizeof other}, &reading, &known, &err), WEIR_OK);
    assert_false(known || reading.placed);
    const uint8_t cut[] = {0, 0, 0, 0, OUTPUT_ID, 84, 0};
    assert_int_equal(recompute_find(recompute, (struct weir_bytes){cut, sizeof cut}, &reading, &known, &err),
                     WEIR_OK);
    assert_true(known && !reading.placed);
}

static void without_a_text_nothing_is_provable(void **state)
{
    const char *const texts[] = {writer_text, reader_text, output_text, config_text};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const struct annals_batch *batch = read_journal(texts[i]);
        assert_false(batch->provable);
        assert_non_null(strstr(recompute_why(recompute), "is not in the journal any more"));
        if (i + 1 < sizeof texts / sizeof *texts)
            (void)tear_down(state);
    }
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(verdicts_come_out_as_they_were_written_down),
        TEST(a_writer_that_the_journal_does_not_name_is_unknown),
        TEST(what_no_plan_has_written_is_not_known),
        TEST(without_a_text_nothing_is_provable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
