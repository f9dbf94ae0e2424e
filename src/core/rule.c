#include "core/rule.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "avro/encode.h"
#include "core/complain.h"
#include "core/shape.h"
#include "weir/pipeline.h"

#define NUMBERS                                                                                              \
    (SHAPE(WEIR_TYPE_INT) | SHAPE(WEIR_TYPE_LONG) | SHAPE(WEIR_TYPE_FLOAT) | SHAPE(WEIR_TYPE_DOUBLE))

/* What a rule is compiled with. */
struct compiler {
    const char *rule;
    const struct weir_node *type; /* of the field */
    struct weir_at at;
    struct region *region;
    struct weir_err *err;
};

/* --- values --- */

/* A total order among equal kinds; NaN comes after everything, itself included, so that it is never found. */
static int compare_values(const void *left, const void *right)
{
    const struct slot *a = left, *b = right;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    switch ((enum slot_kind)a->kind) {
    case SLOT_NULL: return 0;
    case SLOT_BOOLEAN:
    case SLOT_INTEGER:
    case SLOT_SYMBOL: return (a->v.i > b->v.i) - (a->v.i < b->v.i);
    case SLOT_REAL: return a->v.d < b->v.d ? -1 : a->v.d == b->v.d ? 0 : 1;
    case SLOT_TEXT:
    case SLOT_BINARY:
        if (a->v.text.len != b->v.text.len)
            return a->v.text.len < b->v.text.len ? -1 : 1;
        return a->v.text.len ? memcmp(a->v.text.data, b->v.text.data, a->v.text.len) : 0;
    case SLOT_NESTED: break;
    }
    /* No scalar of a configuration is a record, an array or a map, so these differ from all. */
    return 1;
}

/* The scalar as a value of one branch; WEIR_ERR_CONFIG, without place, where the branch does not take it. */
static enum weir_err_code branch_value(const struct compiler *c, const struct weir_node *branch,
                                       const struct weir_scalar *scalar, struct slot *value,
                                       struct weir_err *err)
{
    size_t cap = strlen(scalar->text) + 2 * ENCODE_LONG_MAX;
    void *memory = region_alloc(c->region, cap);
    if (!memory)
        return complain_memory(err);
    struct weir_arena arena;
    weir_arena_init(&arena, memory, cap);
    enum weir_err_code code = encode_scalar(branch, scalar->text, scalar->quoted, &arena, err);
    if (code != WEIR_OK)
        return code;
    const struct weir_field constant = {
        .type = branch, .has_default = true, .default_value = {arena.base, arena.used}};
    slot_default(value, &constant);
    return WEIR_OK;
}

/*
 * Appends to values what the scalar means to the field: one value for each branch that takes it, since a
 * value of any branch may come. An unquoted null is null alone where the field can be null, though it could
 * be text.
 */
static enum weir_err_code append_values(const struct compiler *c, unsigned types,
                                        const struct weir_scalar *scalar, struct slot *values, size_t *n)
{
    struct weir_err why = {0};
    size_t before = *n;
    for (size_t i = 0; i < shape_branches(c->type); i++) {
        const struct weir_node *branch = shape_branch(c->type, i);
        if (!(SHAPE(branch->type) & types))
            continue;
        struct slot value;
        enum weir_err_code code = branch_value(c, branch, scalar, &value, &why);
        if (code == WEIR_ERR_NO_MEMORY)
            return complain_memory(c->err);
        if (code != WEIR_OK)
            continue;
        if (value.kind == SLOT_NULL)
            *n = before;
        values[(*n)++] = value;
        if (value.kind == SLOT_NULL)
            return WEIR_OK;
    }
    if (*n == before)
        return complain(c->err, scalar->at.line ? scalar->at : c->at, "%s: %s", c->rule, why.text);
    return WEIR_OK;
}

/* --- compiling --- */

/* A complaint kept with the plan, cut to what a reason may hold; NULL when memory is short. */
static const char *say(const struct compiler *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static const char *say(const struct compiler *c, const char *format, ...)
{
    char text[WEIR_REASON_TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return region_text(c->region, weir_bytes_of(text));
}

static enum weir_err_code compile_list(const struct compiler *c, const struct weir_test *spec,
                                       struct rule_test *test)
{
    if (spec->n_args == 0)
        return complain(c->err, c->at, "%s: an empty list", c->rule);
    unsigned types = ~(SHAPE(WEIR_TYPE_RECORD) | SHAPE(WEIR_TYPE_ARRAY) | SHAPE(WEIR_TYPE_MAP));
    if (!(shape_of(c->type) & types))
        return complain(c->err, c->at, "%s: a %s cannot be compared", c->rule, weir_type_name(c->type->type));
    struct slot *values = region_alloc(c->region, spec->n_args * shape_branches(c->type) * sizeof *values);
    if (!values)
        return complain_memory(c->err);
    for (size_t i = 0; i < spec->n_args; i++) {
        enum weir_err_code code = append_values(c, types, &spec->args[i], values, &test->n_values);
        if (code != WEIR_OK)
            return code;
    }
    qsort(values, test->n_values, sizeof *values, compare_values);
    test->values = values;
    test->complaint = spec->kind == WEIR_TEST_IN ? "is none of the values allowed" : "is a value not allowed";
    return WEIR_OK;
}

static enum weir_err_code compile_bound(const struct compiler *c, const struct weir_test *spec,
                                        struct rule_test *test)
{
    if (!(shape_of(c->type) & NUMBERS))
        return complain(c->err, c->at, "%s: min and max need a number, and the field is a %s", c->rule,
                        weir_type_name(c->type->type));
    const struct weir_scalar *bound = &spec->args[0];
    struct slot *values = region_alloc(c->region, shape_branches(c->type) * sizeof *values);
    const char *side = spec->kind == WEIR_TEST_MIN ? "least" : "most";
    test->complaint = say(c, "is not a number of at %s %s", side, bound->text);
    if (!values || !test->complaint)
        return complain_memory(c->err);
    test->values = values;
    return append_values(c, NUMBERS, bound, values, &test->n_values);
}

static enum weir_err_code need_text(const struct compiler *c, const char *what)
{
    if (shape_of(c->type) & SHAPE(WEIR_TYPE_STRING))
        return WEIR_OK;
    return complain(c->err, c->at, "%s: %s needs a text, and the field is a %s", c->rule, what,
                    weir_type_name(c->type->type));
}

static enum weir_err_code compile_length(const struct compiler *c, const struct weir_test *spec,
                                         struct rule_test *test)
{
    const struct weir_scalar *arg = &spec->args[0];
    int64_t length;
    enum weir_err_code code = need_text(c, "a length");
    if (code != WEIR_OK)
        return code;
    if (!format_integer(weir_bytes_of(arg->text), &length) || length < 0)
        return complain(c->err, arg->at.line ? arg->at : c->at, "%s: '%s' is not a length", c->rule,
                        arg->text);
    test->length = (size_t)length;
    const char *side = spec->kind == WEIR_TEST_MIN_LENGTH ? "least" : "most";
    test->complaint = say(c, "is not a text of at %s %" PRId64 " characters", side, length);
    return test->complaint ? WEIR_OK : complain_memory(c->err);
}

static enum weir_err_code compile_format(const struct compiler *c, const struct weir_test *spec,
                                         struct rule_test *test)
{
    const struct weir_scalar *arg = &spec->args[0];
    enum weir_err_code code = need_text(c, "a format");
    if (code != WEIR_OK)
        return code;
    for (int format = 0; format < FORMAT_COUNT; format++) {
        if (strcmp(arg->text, format_names[format]) != 0)
            continue;
        test->format = (enum format)format;
        test->complaint = say(c, "is not of the format %s", format_names[format]);
        return test->complaint ? WEIR_OK : complain_memory(c->err);
    }
    return complain(c->err, arg->at.line ? arg->at : c->at,
                    "%s: no format '%s'; there are ip, ipv4, ipv6, uuid, integer", c->rule, arg->text);
}

static enum weir_err_code compile_test(const struct compiler *c, const struct weir_test *spec,
                                       struct rule_test *test)
{
    test->kind = spec->kind;
    if (spec->kind == WEIR_TEST_IN || spec->kind == WEIR_TEST_NOT_IN)
        return compile_list(c, spec, test);
    if (spec->n_args != 1)
        return complain(c->err, c->at, "%s: a test with %zu values instead of one", c->rule, spec->n_args);
    if (spec->kind == WEIR_TEST_MIN || spec->kind == WEIR_TEST_MAX)
        return compile_bound(c, spec, test);
    if (spec->kind == WEIR_TEST_FORMAT)
        return compile_format(c, spec, test);
    return compile_length(c, spec, test);
}

enum weir_err_code rule_compile(const struct weir_rule_spec *spec, const char *name,
                                const struct weir_node *reader, struct region *region, struct rule *out,
                                struct weir_err *err)
{
    int field = weir_schema_field(reader, spec->field);
    if (field < 0)
        return complain_field(err, spec->at, name, reader, spec->field);
    /* Without a test every record would be dropped, or none ever rejected: nobody means that. */
    if (spec->n_tests == 0)
        return complain(err, spec->at, "%s: no test for field '%s'", name, spec->field);
    struct rule_test *tests = region_alloc(region, spec->n_tests * sizeof *tests);
    if (!tests)
        return complain_memory(err);
    const struct weir_field *f = &reader->fields[field];
    struct compiler c = {.rule = name, .type = f->type, .at = spec->at, .region = region, .err = err};
    for (size_t i = 0; i < spec->n_tests; i++) {
        enum weir_err_code code = compile_test(&c, &spec->tests[i], &tests[i]);
        if (code != WEIR_OK)
            return code;
    }
    *out = (struct rule){name, f->name, (size_t)field, tests, spec->n_tests};
    return WEIR_OK;
}

/* --- running --- */

static bool is_listed(const struct rule_test *test, const struct slot *value)
{
    return bsearch(value, test->values, test->n_values, sizeof *value, compare_values) != NULL;
}

/* NaN is neither at least nor at most anything. */
static bool is_within(const struct rule_test *test, const struct slot *value)
{
    bool min = test->kind == WEIR_TEST_MIN;
    for (size_t i = 0; i < test->n_values; i++) {
        const struct slot *bound = &test->values[i];
        if (bound->kind != value->kind)
            continue;
        if (value->kind == SLOT_REAL)
            return min ? value->v.d >= bound->v.d : value->v.d <= bound->v.d;
        return min ? value->v.i >= bound->v.i : value->v.i <= bound->v.i;
    }
    return false;
}

/* Code points of valid UTF-8: every byte but those that continue a sequence. */
static size_t code_points(struct weir_bytes text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += (text.data[i] & 0xC0) != 0x80;
    return n;
}

static bool test_holds(const struct rule_test *test, const struct slot *value)
{
    switch (test->kind) {
    case WEIR_TEST_IN: return is_listed(test, value);
    case WEIR_TEST_NOT_IN: return !is_listed(test, value);
    case WEIR_TEST_MIN:
    case WEIR_TEST_MAX: return is_within(test, value);
    case WEIR_TEST_MIN_LENGTH: return value->kind == SLOT_TEXT && code_points(value->v.text) >= test->length;
    case WEIR_TEST_MAX_LENGTH: return value->kind == SLOT_TEXT && code_points(value->v.text) <= test->length;
    case WEIR_TEST_FORMAT: return value->kind == SLOT_TEXT && format_matches(test->format, value->v.text);
    }
    assert(false && "a test that does not exist");
    return false;
}

const struct rule_test *rule_first_failing(const struct rule *rule, const struct slot *slots)
{
    const struct slot *value = &slots[rule->slot];
    for (size_t i = 0; i < rule->n_tests; i++)
        if (!test_holds(&rule->tests[i], value))
            return &rule->tests[i];
    return NULL;
}
