#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/options.h"
#include "support/config_case.h"

static char *deciding(const char *text)
{
    struct weir_err err;
    char *out = NULL;
    struct weir_spec *spec = case_spec(text);
    assert_int_equal(config_deciding(spec, &out, &err), WEIR_OK);
    config_free(spec);
    return out;
}

static void expect(const char *text, const char *wanted)
{
    char *out = deciding(text);
    assert_string_equal(out, wanted);
    free(out);
}

static void has_every_default(void **state)
{
    (void)state;
    expect(CASE_BASE, "pipeline: p\n"
                      "input: { topic: in, format: auto, tombstone: reject, unknown_fields: ignore, unions: "
                      "auto, numbers: strict }\n"
                      "output: { topic: out, format: avro, timestamp: source, partition: auto }\n"
                      "dead_letter: { topic: p-dlq, partition: source, dialect: weir, oversize: wait }\n");
}

/* What decides nothing, or stands elsewhere in a plan: a new option of input or output is either one of these
 * or part of the text. */
static bool stands_elsewhere(const char *path)
{
    static const char *const paths[] = {"input.start",         "output.partition.field", "dead_letter.ledger",
                                        "dead_letter.parking", "dead_letter.audit",      "dead_letter.mask"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (strcmp(path, paths[i]) == 0)
            return true;
    return strstr(path, ".schema.") != NULL;
}

static void leaves_out_nothing_that_decides(void **state)
{
    (void)state;
    char *text = deciding(CASE_BASE);
    for (size_t i = 0; i < OPTION_COUNT_ALL; i++) {
        const char *path = options[i].path;
        char shown[OPTION_PATH_MAX + 4];
        bool about_records = strncmp(path, "input.", 6) == 0 || strncmp(path, "output.", 7) == 0 ||
                             strncmp(path, "dead_letter.", 12) == 0;
        if (!about_records || stands_elsewhere(path))
            continue;
        (void)snprintf(shown, sizeof shown, " %s: ", strrchr(path, '.') + 1);
        if (!strstr(text, shown))
            fail_msg("%s is not in\n%s", path, text);
    }
    free(text);
}

/* Where things are, how fast they are done and what is logged decides nothing. */
static void leaves_out_what_decides_nothing(void **state)
{
    (void)state;
    char *bare = deciding(CASE_BASE);
    char *more = deciding("kafka: { sasl.password: hunter2, bootstrap.servers: c }\n"
                          "registry: { url: 'http://h', username: u, password: '${DB_PASSWORD}' }\n"
                          "output: { topic: out }\ninput: { topic: in }\npipeline: p\ncheck: []\n"
                          "transaction: { interval: 1s }\nlog: { level: debug }\nbreaker: off\n"
                          "journal: { topic: j }\n");
    assert_string_equal(bare, more);
    free(bare);
    free(more);
}

static const char rich[] = CASE_BASE "dead_letter: { partition: key }\n"
                                     "drop_when:\n"
                                     "  - { field: locale, in: [NO, \"true\", true, 'it''s', "
                                     "\"a\\\"\\\\\\tb\", \"${SET}, {x}\", $$x, -1.5e3] }\n"
                                     "check:\n"
                                     "  - field: ip\n"
                                     "    format: ip\n"
                                     "    max_length: 64\n"
                                     "  - { field: \"caf\xC3\xA9\", in: [a - b, \"\"] }\n"
                                     "set:\n"
                                     "  a: { now: millis }\n"
                                     "  b: \"5\"\n"
                                     "  c: 5\n"
                                     "  \"d: e\": { value: 'x # y' }\n";

static void writes_rules_as_they_are(void **state)
{
    (void)state;
    expect(rich, "pipeline: p\n"
                 "input: { topic: in, format: auto, tombstone: reject, unknown_fields: ignore, unions: auto, "
                 "numbers: strict }\n"
                 "output: { topic: out, format: avro, timestamp: source, partition: auto }\n"
                 "dead_letter: { topic: p-dlq, partition: key, dialect: weir, oversize: wait }\n"
                 "drop_when: [{ field: locale, in: [NO, \"true\", true, \"it's\", \"a\\\"\\\\\\x09b\", "
                 "\"value, {x}\", \"$$x\", -1.5e3] }]\n"
                 "check: [{ field: ip, format: ip, max_length: 64 }, "
                 "{ field: \"caf\xC3\xA9\", in: [\"a - b\", \"\"] }]\n"
                 "set: { a: { now: millis }, b: \"5\", c: 5, \"d: e\": { value: \"x # y\" } }\n");
}

/* With brokers and a registry it is a configuration again, and means the same. */
static void is_a_configuration(void **state)
{
    (void)state;
    static const char *const texts[] = {CASE_BASE, rich,
                                        "pipeline: p\nkafka: { bootstrap.servers: b }\nregistry: { dir: d "
                                        "}\ninput: { topic: in, format: json }\n"
                                        "output: { topic: out, partition: { field: \"a, b\" } }\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char again[4096];
        char *first = deciding(texts[i]);
        (void)snprintf(again, sizeof again, "%skafka: { bootstrap.servers: b }\nregistry: { dir: d }\n",
                       first);
        char *second = deciding(again);
        assert_string_equal(first, second);
        struct weir_spec *one = case_spec(texts[i]);
        struct weir_spec *two = case_spec(again);
        assert_int_equal(one->core.n_set, two->core.n_set);
        assert_int_equal(one->core.n_check, two->core.n_check);
        for (size_t k = 0; k < one->core.n_set; k++) {
            const struct weir_set_spec *a = &one->core.set[k];
            const struct weir_set_spec *b = &two->core.set[k];
            assert_string_equal(a->field, b->field);
            assert_int_equal(a->kind, b->kind);
            assert_int_equal(
                a->value.quoted && a->kind == WEIR_SET_CONSTANT && strcmp(a->value.text, "5") == 0,
                b->value.quoted && b->kind == WEIR_SET_CONSTANT && strcmp(b->value.text, "5") == 0);
        }
        assert_int_equal(one->output.partition, two->output.partition);
        config_free(one);
        config_free(two);
        free(first);
        free(second);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_every_default),
        cmocka_unit_test(leaves_out_nothing_that_decides),
        cmocka_unit_test(leaves_out_what_decides_nothing),
        cmocka_unit_test(writes_rules_as_they_are),
        cmocka_unit_test(is_a_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
