#include "config/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "support/config_case.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void reads_tests(void **state)
{
    (void)state;
    struct weir_spec *spec = case_spec(
        CASE_BASE "drop_when:\n  - { field: locale, in: [NO, 'BY'] }\n  - { field: v, not_in: 1.10 }\n"
                  "check:\n  - { min: -1, max: 2.5e3, field: n }\n"
                  "  - field: s\n    min_length: 1\n    max_length: 64\n    format: uuid\n");
    const struct weir_pipeline_spec *core = &spec->core;
    assert_int_equal(core->n_drop_when, 2);
    assert_string_equal(core->drop_when[0].field, "locale");
    assert_int_equal(core->drop_when[0].at.line, 7);
    assert_int_equal(core->drop_when[0].tests[0].kind, WEIR_TEST_IN);
    assert_int_equal(core->drop_when[0].tests[0].n_args, 2);
    assert_string_equal(core->drop_when[0].tests[0].args[0].text, "NO");
    assert_false(core->drop_when[0].tests[0].args[0].quoted);
    assert_true(core->drop_when[0].tests[0].args[1].quoted);
    assert_string_equal(core->drop_when[1].tests[0].args[0].text, "1.10");
    assert_int_equal(core->n_check, 2);
    assert_int_equal(core->check[0].n_tests, 2);
    assert_int_equal(core->check[0].tests[1].kind, WEIR_TEST_MAX);
    assert_int_equal(core->check[1].n_tests, 3);
    assert_string_equal(core->check[1].tests[2].args[0].text, "uuid");
    config_free(spec);
}

static void reads_sets(void **state)
{
    (void)state;
    static const struct {
        const char *field;
        enum weir_set_kind kind;
        const char *arg;
        const char *value;
    } expected[] = {
        {"a", WEIR_SET_CONSTANT, NULL, "true"},    {"b", WEIR_SET_CONSTANT, NULL, "NO"},
        {"c", WEIR_SET_CONSTANT, NULL, "x"},       {"d", WEIR_SET_NOW, "millis", NULL},
        {"e", WEIR_SET_SOURCE, "partition", NULL}, {"f", WEIR_SET_COPY, "x", NULL},
        {"g", WEIR_SET_COPY, "y", NULL},           {"h", WEIR_SET_LOWER, "x", NULL},
        {"i", WEIR_SET_UPPER, "x", NULL},          {"j", WEIR_SET_EPOCH_SECONDS, "x", NULL},
        {"k", WEIR_SET_EPOCH_MILLIS, "x", NULL},   {"l", WEIR_SET_CONSTANT, NULL, ""},
    };
    struct weir_spec *spec = case_spec(
        CASE_BASE "set:\n  a: true\n  b: 'NO'\n  c: { value: x }\n  d: { now: millis }\n"
                  "  e: { source: partition }\n  f: { copy: x }\n  g: { rename: y }\n  h: { lower: x }\n"
                  "  i: { upper: x }\n  j: { epoch_seconds: x }\n  k: { epoch_millis: x }\n  l: ''\n");
    assert_int_equal(spec->core.n_set, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        const struct weir_set_spec *set = &spec->core.set[i];
        assert_string_equal(set->field, expected[i].field);
        assert_int_equal(set->kind, expected[i].kind);
        assert_int_equal(set->at.line, 7 + i);
        if (expected[i].arg)
            assert_string_equal(set->arg, expected[i].arg);
        else
            assert_string_equal(set->value.text, expected[i].value);
    }
    assert_true(spec->core.set[1].value.quoted);
    config_free(spec);
}

static void nothing_is_no_rule(void **state)
{
    (void)state;
    struct weir_spec *spec = case_spec(CASE_BASE "drop_when:\ncheck: []\nset: {}\n");
    assert_int_equal(spec->core.n_drop_when + spec->core.n_check + spec->core.n_set, 0);
    config_free(spec);
}

static void refuses_what_is_no_rule(void **state)
{
    (void)state;
    static const struct case_error cases[] = {
        {"check: { field: a }\n", "f:1:8: check must be a list: a line that begins with '- ' for each entry"},
        {"check: x\n", "f:1:8: check must be a list: a line that begins with '- ' for each entry"},
        {"check:\n  - a\n", "f:2:5: check[0] must be a map such as { field: NAME, in: [VALUE] }"},
        {"check:\n  - { field: a }\n",
         "f:2:5: check[0] has no test; add one of in, not_in, min, max, min_length, max_length or format"},
        {"drop_when:\n  - { in: [a] }\n", "f:2:5: drop_when[0] names no field"},
        {"drop_when:\n  - { field: a, in: 1 }\n  - {}\n", "f:3:5: drop_when[1] names no field"},
        {"check:\n  - { field: [a], in: b }\n", "f:2:14: field needs a single value"},
        {"check:\n  - { field: '', in: b }\n", "f:2:14: field needs a single value"},
        {"check:\n  - { feild: a, in: b }\n", "f:2:7: unknown test 'feild'; did you mean 'field'?"},
        {"check:\n  - { field: a, matches: b }\n",
         "f:2:17: unknown test 'matches'; there are field, in, not_in, min, max, min_length, max_length or "
         "format"},
        {"check:\n  - { field: a, formt: ip }\n", "f:2:17: unknown test 'formt'; did you mean 'format'?"},
        {"check:\n  - { field: a, in: [] }\n", "f:2:21: in needs at least one value"},
        {"check:\n  - { field: a, in: [[b]] }\n", "f:2:22: a single value must stand here"},
        {"check:\n  - { field: a, in: { b: c } }\n", "f:2:21: a single value must stand here"},
        {"check:\n  - field: a\n    in:\n", "f:3:8: a value is missing; write null or \"\" if that is meant"},
        {"check:\n  - { field: a, min: x }\n", "f:2:22: min must be a number, not 'x'"},
        {"check:\n  - { field: a, max: [1] }\n", "f:2:22: max needs a single value"},
        {"check:\n  - { field: a, min_length: -1 }\n", "f:2:29: min_length must be a whole number, not '-1'"},
        {"check:\n  - { field: a, max_length: 1.5 }\n",
         "f:2:29: max_length must be a whole number, not '1.5'"},
        {"check:\n  - { field: a, format: email }\n",
         "f:2:25: format must be ip, ipv4, ipv6, uuid or integer, not 'email'"},
        {"check:\n  - { field: a, min: 10, max: 9.5 }\n",
         "f:2:22: no value can meet both min and max: min is the larger one"},
        {"check:\n  - { field: a, max_length: 1, min_length: 2 }\n",
         "f:2:44: no value can meet both min_length and max_length: min_length is the larger one"},
        {"check:\n  - { field: a, in: [\"${file:/secret}\"] }\n",
         "f:2:22: a secret cannot stand here: it would get into records"},
        {"check:\n  - { field: \"${DB_PASSWORD}\", in: b }\n",
         "f:2:14: a secret cannot stand here: it would get into records"},
        {"check:\n  - { field: a, format: \"${DB_PASSWORD}\" }\n",
         "f:2:25: a secret cannot stand here: it would get into records"},
    };
    case_errors(cases, COUNT(cases));
}

static void refuses_what_sets_nothing(void **state)
{
    (void)state;
    static const struct case_error cases[] = {
        {"set: [a]\n", "f:1:6: set must be a map of output fields"},
        {"set:\n  a: [1]\n", "f:2:6: set: 'a' needs a constant or an instruction, not a list"},
        {"set:\n  a:\n", "f:2:5: a value is missing; write null or \"\" if that is meant"},
        {"set:\n  a: {}\n", "f:2:6: set: 'a' needs one instruction, such as { copy: NAME }"},
        {"set:\n  a: { copy: b, lower: c }\n",
         "f:2:6: set: 'a' needs one instruction, such as { copy: NAME }"},
        {"set:\n  a: { cpoy: b }\n", "f:2:8: unknown instruction 'cpoy'; did you mean 'copy'?"},
        {"set:\n  a: { multiply: b }\n",
         "f:2:8: unknown instruction 'multiply'; there are value, now, source, copy, rename, lower, upper, "
         "epoch_seconds or epoch_millis"},
        {"set:\n  a: { now: nanos }\n", "f:2:13: now must be seconds, millis or micros, not 'nanos'"},
        {"set:\n  a: { source: key }\n",
         "f:2:16: source must be topic, partition, offset or timestamp, not 'key'"},
        {"set:\n  a: { copy: [b] }\n", "f:2:14: copy needs a single value"},
        {"set:\n  a: { copy: }\n", "f:2:14: copy needs a single value"},
        {"set:\n  a: { value: [b] }\n", "f:2:15: a single value must stand here"},
        {"set:\n  a: \"${DB_PASSWORD}\"\n", "f:2:6: a secret cannot stand here: it would get into records"},
    };
    case_errors(cases, COUNT(cases));
}

static void bounds_their_number(void **state)
{
    (void)state;
    char *text = calloc(1, 100000);
    assert_non_null(text);
    char *p = text + sprintf(text, "check:\n");
    for (int i = 0; i <= 1000; i++)
        p += sprintf(p, "  - { field: a, in: b }\n");
    case_errors(&(struct case_error){text, "f:2:3: check has more than 1000 entries"}, 1);
    p = text + sprintf(text, "set:\n");
    for (int i = 0; i <= 1000; i++)
        p += sprintf(p, "  a%d: 1\n", i);
    case_errors(&(struct case_error){text, "f:2:3: set has more than 1000 fields"}, 1);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_tests),
        cmocka_unit_test(reads_sets),
        cmocka_unit_test(nothing_is_no_rule),
        cmocka_unit_test(refuses_what_is_no_rule),
        cmocka_unit_test(refuses_what_sets_nothing),
        cmocka_unit_test(bounds_their_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
