#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/alloc_fail.h"
#include "support/config_case.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void assumes_what_is_not_given(void **state)
{
    (void)state;
    struct weir_spec *spec = case_spec(CASE_BASE);
    assert_string_equal(config_name(spec), "f");
    assert_string_equal(spec->core.pipeline, "p");
    assert_string_equal(spec->core.input_topic, "in");
    assert_int_equal(spec->core.input_format, WEIR_FORMAT_AUTO);
    assert_int_equal(spec->core.tombstone, WEIR_TOMBSTONE_REJECT);
    assert_int_equal(spec->core.unknown_fields, WEIR_UNKNOWN_IGNORE);
    assert_int_equal(spec->core.unions, WEIR_UNIONS_AUTO);
    assert_int_equal(spec->core.numbers, WEIR_NUMBERS_STRICT);
    assert_int_equal(spec->core.output_format, WEIR_FORMAT_AVRO);
    assert_null(spec->core.partition_field);
    assert_string_equal(spec->registry.dir, "d");
    assert_null(spec->registry.url);
    assert_int_equal(spec->registry.poll_ms, 10000);
    assert_int_equal(spec->registry.unknown_id_deadline_ms, 60000);
    assert_int_equal(spec->input.start, WEIR_START_EARLIEST);
    assert_string_equal(spec->input.schema.subject, "in-value");
    assert_int_equal(spec->input.schema.version, WEIR_VERSION_LATEST);
    assert_string_equal(spec->output.topic, "out");
    assert_string_equal(spec->output.schema.subject, "out-value");
    assert_int_equal(spec->output.timestamp, WEIR_TIMESTAMP_SOURCE);
    assert_int_equal(spec->output.partition, WEIR_PARTITION_AUTO);
    assert_string_equal(spec->dead_letter.topic, "p-dlq");
    assert_int_equal(spec->dead_letter.partition, WEIR_PARTITION_SOURCE);
    assert_int_equal(spec->transaction.interval_ms, 100);
    assert_int_equal(spec->transaction.max_records, 50000);
    assert_int_equal(spec->transaction.max_bytes, 64 * 1024 * 1024);
    assert_int_equal(spec->log.level, WEIR_LOG_INFO);
    assert_int_equal(spec->log.format, WEIR_LOG_TEXT);
    config_free(spec);
}

static void reads_every_option(void **state)
{
    (void)state;
    struct weir_spec *spec =
        case_spec("pipeline: p\nkafka: { bootstrap.servers: b }\n"
                  "registry: { dir: d, poll: 5s, unknown_id_deadline: 0 }\n"
                  "input: { topic: in, start: fail, format: json, tombstone: pass, unknown_fields: reject,\n"
                  "         unions: tagged, numbers: text,\n"
                  "         schema: { subject: s, version: 3 } }\n"
                  "output: { topic: out, format: json, timestamp: now, partition: key,\n"
                  "          schema: { subject: o, version: latest } }\n"
                  "dead_letter: { topic: letters, partition: key, mask: [ip, user_id] }\n"
                  "transaction: { interval: 1s, max_records: 5, max_bytes: 1MiB }\n"
                  "log: { level: debug, format: json }\n");
    assert_int_equal(spec->registry.poll_ms, 5000);
    assert_int_equal(spec->registry.unknown_id_deadline_ms, 0);
    assert_int_equal(spec->input.start, WEIR_START_FAIL);
    assert_int_equal(spec->core.input_format, WEIR_FORMAT_JSON);
    assert_int_equal(spec->core.tombstone, WEIR_TOMBSTONE_PASS);
    assert_int_equal(spec->core.unknown_fields, WEIR_UNKNOWN_REJECT);
    assert_int_equal(spec->core.unions, WEIR_UNIONS_TAGGED);
    assert_int_equal(spec->core.numbers, WEIR_NUMBERS_TEXT);
    assert_string_equal(spec->input.schema.subject, "s");
    assert_int_equal(spec->input.schema.version, 3);
    assert_int_equal(spec->core.output_format, WEIR_FORMAT_JSON);
    assert_int_equal(spec->output.timestamp, WEIR_TIMESTAMP_NOW);
    assert_int_equal(spec->output.partition, WEIR_PARTITION_KEY);
    assert_string_equal(spec->output.schema.subject, "o");
    assert_string_equal(spec->dead_letter.topic, "letters");
    assert_int_equal(spec->dead_letter.partition, WEIR_PARTITION_KEY);
    assert_string_equal(spec->dead_letter.mask, "ip, user_id");
    assert_int_equal(spec->transaction.interval_ms, 1000);
    assert_int_equal(spec->transaction.max_records, 5);
    assert_int_equal(spec->transaction.max_bytes, 1024 * 1024);
    assert_int_equal(spec->log.level, WEIR_LOG_DEBUG);
    assert_int_equal(spec->log.format, WEIR_LOG_JSON);
    config_free(spec);
}

static void a_section_may_be_empty(void **state)
{
    (void)state;
    struct weir_spec *spec = case_spec(CASE_BASE "log:\ntransaction: {}\n");
    assert_int_equal(spec->log.level, WEIR_LOG_INFO);
    config_free(spec);
}

static void refuses_keys_that_it_does_not_know(void **state)
{
    (void)state;
    static const struct case_error cases[] = {
        {"pipleine: p\n", "f:1:1: unknown key 'pipleine'; did you mean 'pipeline'?"},
        {"input:\n  topci: t\n", "f:2:3: unknown key 'topci' in input; did you mean 'topic'?"},
        {"input: { schema: { subjcet: s } }\n",
         "f:1:20: unknown key 'subjcet' in input.schema; did you mean 'subject'?"},
        {"kafak: {}\n", "f:1:1: unknown key 'kafak'; did you mean 'kafka'?"},
        {"quantum: { ratio: 0.5 }\n", "f:1:1: unknown key 'quantum'"},
        {"lanes: auto\n", "f:1:1: unknown key 'lanes'"},
        {"input:\n  \"a\\nb\": 1\n", "f:2:3: unknown key 'a?b' in input"},
        {"input.topic: t\n", "f:1:1: 'input.topic' must be nested: write input, and below it the rest"},
        {"output: { partition: { key: x } }\n", "f:1:24: unknown key 'key' in output.partition"},
        {"kafka.linger.ms: 5\n", "f:1:1: unknown key 'kafka.linger.ms'"},
        {"input: { topic: a, topic: b }\n", "f:1:20: duplicate key 'topic': it stands on line 1 already"},
    };
    case_errors(cases, COUNT(cases));
}

static void refuses_values_of_the_wrong_kind(void **state)
{
    (void)state;
    static const struct case_error cases[] = {
        {"pipeline: user login\n",
         "f:1:11: pipeline must be 1 to 200 letters, digits, '.', '_' and '-', not 'user login'"},
        {"pipeline:\n", "f:1:10: pipeline has no value"},
        {"pipeline: ''\n", "f:1:11: pipeline must be 1 to 200 letters, digits, '.', '_' and '-', not ''"},
        {"pipeline: [p]\n", "f:1:11: pipeline needs a single value"},
        {"pipeline: { p: 1 }\n", "f:1:11: pipeline needs a single value"},
        {"input: user-login\n", "f:1:8: input needs a map of options"},
        {"input: [a]\n", "f:1:8: input needs a map of options"},
        {"input: { topic: { name: t } }\n", "f:1:17: input.topic needs a single value"},
        {"input: { start: begin }\n", "f:1:17: input.start must be earliest, latest or fail, not 'begin'"},
        {"input: { schema: { version: 0 } }\n",
         "f:1:29: input.schema.version must be latest or a version from 1 on, not '0'"},
        {"output: { format: auto }\n", "f:1:19: output.format must be avro or json, not 'auto'"},
        {"output: { partition: field }\n",
         "f:1:22: output.partition must be auto, source or key, not 'field'"},
        {"output: { partition: [a] }\n", "f:1:22: output.partition needs a single value"},
        {"dead_letter: { mask: [user.ip] }\n",
         "f:1:22: dead_letter.mask must be one or more names of fields, not 'user.ip'"},
        {"dead_letter: { partition: auto }\n",
         "f:1:27: dead_letter.partition must be source or key, not 'auto'"},
        {"transaction: { interval: 100 }\n",
         "f:1:26: transaction.interval must be a duration from 1ms to 10s, not '100' (the unit is missing: "
         "ms, s, m, h or d)"},
        {"transaction: { interval: 1h }\n",
         "f:1:26: transaction.interval must be a duration from 1ms to 10s, not '1h'"},
        {"transaction: { interval: 0 }\n",
         "f:1:26: transaction.interval must be a duration from 1ms to 10s, not '0'"},
        {"transaction: { max_records: 20k }\n",
         "f:1:29: transaction.max_records must be a whole number from 1 to 1000000, not '20k'"},
        {"transaction: { max_bytes: 1KiB }\n",
         "f:1:27: transaction.max_bytes must be a size from 1MiB to 1GiB, not '1KiB'"},
        {"log: { level: \"${DB_PASSWORD}\" }\n",
         "f:1:15: log.level must be debug, info, warn or error, not (a secret)"},
    };
    case_errors(cases, COUNT(cases));
}

static void says_what_is_missing(void **state)
{
    (void)state;
    static const struct case_error cases[] = {
        {"log: {}\n", "f: pipeline is missing"},
        {"pipeline: p\ninput: { start: latest }\n", "f:2:1: input.topic is missing"},
        {"pipeline: p\ninput:\n", "f:2:1: input.topic is missing"},
        {"pipeline: p\n", "f: input.topic is missing"},
        {"pipeline: p\ninput: { topic: t }\n", "f: output.topic is missing"},
    };
    case_errors(cases, COUNT(cases));
}

static void bounds_the_file(void **state)
{
    (void)state;
    struct weir_spec *spec = NULL;
    struct weir_err err;
    char *text = malloc(CONFIG_TEXT_MAX + 1);
    assert_non_null(text);
    memset(text, ' ', CONFIG_TEXT_MAX + 1);
    memcpy(text, CASE_BASE, strlen(CASE_BASE));
    memset(text + strlen(CASE_BASE), '\n', CONFIG_TEXT_MAX + 1 - strlen(CASE_BASE));
    struct weir_bytes bytes = {(const uint8_t *)text, CONFIG_TEXT_MAX};
    assert_int_equal(config_parse(bytes, "f", &case_world, &spec, &err), WEIR_OK);
    config_free(spec);
    bytes.len++;
    assert_int_equal(config_parse(bytes, "f", &case_world, &spec, &err), WEIR_ERR_CONFIG);
    assert_string_equal(err.text, "f: the file has more than 1048576 bytes");
    free(text);
}

static void every_failing_allocation_is_met(void **state)
{
    (void)state;
    static const char text[] = CASE_BASE "dead_letter: { topic: \"${SET}\" }\n"
                                         "check:\n  - { field: ip, format: ip }\n"
                                         "drop_when:\n  - { field: locale, in: [RU, BY] }\n"
                                         "set: { processed: true, t: { epoch_seconds: t } }\n";
    long n = 0;
    bool failed;
    do {
        struct weir_spec *spec = NULL;
        struct weir_err err = {WEIR_OK, ""};
        alloc_fail_at(++n);
        enum weir_err_code code = case_parse(text, &spec, &err);
        failed = alloc_fail_off();
        assert_int_equal(code, failed ? WEIR_ERR_NO_MEMORY : WEIR_OK);
        assert_int_equal(err.code, code);
        config_free(spec);
    } while (failed);
    assert_true(n > 3);
}

static void freeing_nothing_is_fine(void **state)
{
    (void)state;
    config_free(NULL);
}

/* A failure that was found later gets the file's name in the same shape as those of the file itself. */
static void blames_the_file(void **state)
{
    (void)state;
    struct weir_spec *spec = case_spec("pipeline: p\nkafka: { bootstrap.servers: b }\ninput: { topic: in }\n"
                                       "output: { topic: out }\nregistry: { dir: d }\n");
    struct weir_err err = {WEIR_ERR_CONFIG, "line 12, column 7: check[0]: 5"};
    config_blame(spec, &err);
    assert_string_equal(err.text, "f:12:7: check[0]: 5");
    err = (struct weir_err){WEIR_ERR_INCOMPATIBLE, "a: a long, but an int is read"};
    config_blame(spec, &err);
    assert_string_equal(err.text, "f: a: a long, but an int is read");
    assert_int_equal(err.code, WEIR_ERR_INCOMPATIBLE);
    config_free(spec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(assumes_what_is_not_given),
        cmocka_unit_test(reads_every_option),
        cmocka_unit_test(a_section_may_be_empty),
        cmocka_unit_test(refuses_keys_that_it_does_not_know),
        cmocka_unit_test(refuses_values_of_the_wrong_kind),
        cmocka_unit_test(says_what_is_missing),
        cmocka_unit_test(bounds_the_file),
        cmocka_unit_test(every_failing_allocation_is_met),
        cmocka_unit_test(freeing_nothing_is_fine),
        cmocka_unit_test(blames_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
