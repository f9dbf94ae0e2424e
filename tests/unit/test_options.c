#include "config/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void every_default_is_of_its_own_kind(void **state)
{
    (void)state;
    struct weir_spec spec;
    memset(&spec, 0, sizeof spec);
    for (int i = 0; i < OPTION_COUNT_ALL; i++) {
        const struct option *option = &options[i];
        assert_false(option->required && option->fallback);
        if (option->fallback && option->fallback[0] != '<' && !options_store(option, option->fallback, &spec))
            fail_msg("the default of %s is not allowed", option->path);
    }
    assert_int_equal(spec.transaction.interval_ms, 100);
    assert_int_equal(spec.transaction.max_bytes, 64 * 1024 * 1024);
    assert_int_equal(spec.workers, 1);
    assert_int_equal(spec.log.level, WEIR_LOG_INFO);
    assert_int_equal(spec.journal.on, WEIR_ON);
    assert_int_equal(spec.breaker.on, WEIR_ON);
    assert_int_equal(spec.breaker.ratio, 500000);
}

static void every_path_is_there_once_and_fits(void **state)
{
    (void)state;
    for (int i = 0; i < OPTION_COUNT_ALL; i++) {
        assert_int_equal(options_find(options[i].path), i);
        assert_true(strlen(options[i].path) < OPTION_PATH_MAX);
        assert_true(options[i].max >= options[i].min);
    }
    assert_int_equal(options_find("input"), -1);
    assert_int_equal(options_find("input.topi"), -1);
    assert_int_equal(options_find(""), -1);
}

static void knows_sections_and_blocks(void **state)
{
    (void)state;
    assert_true(options_is_section("input"));
    assert_true(options_is_section("input.schema"));
    assert_true(options_is_section("output.partition"));
    assert_false(options_is_section("input.topic"));
    assert_false(options_is_section("in"));
    assert_true(options_is_block("kafka"));
    assert_true(options_is_block("set"));
    assert_false(options_is_block("input"));
}

static void lists_the_keys_of_a_section(void **state)
{
    (void)state;
    struct options_keys keys;
    options_keys_of("input.schema", &keys);
    assert_int_equal(keys.n, 2);
    assert_string_equal(keys.list[0], "subject");
    assert_string_equal(keys.list[1], "version");
    options_keys_of("", &keys);
    bool kafka = false;
    for (size_t i = 0; i < keys.n; i++) {
        kafka = kafka || strcmp(keys.list[i], "kafka") == 0;
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(keys.list[i], keys.list[j]);
    }
    assert_true(kafka);
}

static void stores_each_kind_and_leaves_the_spec_alone_else(void **state)
{
    (void)state;
    struct weir_spec spec;
    memset(&spec, 0, sizeof spec);
    assert_true(options_store(&options[options_find("input.start")], "fail", &spec));
    assert_int_equal(spec.input.start, WEIR_START_FAIL);
    assert_false(options_store(&options[options_find("input.start")], "Fail", &spec));
    assert_int_equal(spec.input.start, WEIR_START_FAIL);
    assert_true(options_store(&options[options_find("input.topic")], "t", &spec));
    assert_string_equal(spec.core.input_topic, "t");
    assert_false(options_store(&options[options_find("input.topic")], "a b", &spec));
    assert_true(options_store(&options[options_find("output.schema.version")], "7", &spec));
    assert_int_equal(spec.output.schema.version, 7);
    assert_true(options_store(&options[options_find("registry.poll")], "1h", &spec));
    assert_false(options_store(&options[options_find("registry.poll")], "2h", &spec));
    assert_false(options_store(&options[options_find("registry.poll")], "999ms", &spec));
    assert_int_equal(spec.registry.poll_ms, 3600000);
    const struct option *workers = &options[options_find("workers")];
    assert_true(options_store(workers, "64", &spec));
    assert_int_equal(spec.workers, 64);
    assert_false(options_store(workers, "0", &spec));
    assert_false(options_store(workers, "65", &spec));
    assert_false(options_store(workers, "automatic", &spec));
    assert_int_equal(spec.workers, 64);
    assert_true(options_store(workers, "auto", &spec));
    assert_int_equal(spec.workers, WEIR_WORKERS_AUTO);
}

static void describes_what_it_takes(void **state)
{
    (void)state;
    static const char *const expected[][2] = {
        {"pipeline", "1 to 200 letters, digits, '.', '_' and '-'"},
        {"input.start", "earliest, latest or fail"},
        {"output.format", "avro or json"},
        {"registry.dir", "a text of 1 to 4096 bytes"},
        {"registry.poll", "a duration from 1s to 1h"},
        {"transaction.max_bytes", "a size from 1MiB to 1GiB"},
        {"transaction.max_records", "a whole number from 1 to 1000000"},
        {"workers", "auto or a whole number from 1 to 64"},
        {"breaker.ratio", "a number from 0.01 to 1"},
        {"journal", "on or off"},
        {"input.schema.version", "latest or a version from 1 on"},
    };
    char buffer[128];
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_string_equal(options_describe(&options[options_find(expected[i][0])], buffer, sizeof buffer),
                            expected[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_default_is_of_its_own_kind),
        cmocka_unit_test(every_path_is_there_once_and_fits),
        cmocka_unit_test(knows_sections_and_blocks),
        cmocka_unit_test(lists_the_keys_of_a_section),
        cmocka_unit_test(stores_each_kind_and_leaves_the_spec_alone_else),
        cmocka_unit_test(describes_what_it_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
