/* drop_when and check: conditions on the reader's fields, compiled once against their types. */
#ifndef WEIR_CORE_RULE_H
#define WEIR_CORE_RULE_H

#include <stdbool.h>
#include <stddef.h>

#include "avro/region.h"
#include "avro/slot.h"
#include "core/format.h"
#include "weir/err.h"
#include "weir/schema.h"
#include "weir/spec.h"

/* One test. It holds only for values of a kind that it can look at: no text is at least 5, nor is null. */
struct rule_test {
    enum weir_test_kind kind;
    const char *complaint;     /* what is to be said of a value for which it does not hold */
    const struct slot *values; /* IN, NOT_IN: kind and v, sorted; MIN, MAX: a bound for each numeric kind */
    size_t n_values;
    size_t length;      /* MIN_LENGTH, MAX_LENGTH: in code points */
    enum format format; /* FORMAT */
};

struct rule {
    const char *name;  /* "check[0]" */
    const char *field; /* of the reader's record */
    size_t slot;       /* that field's index */
    const struct rule_test *tests;
    size_t n_tests;
};

/*
 * Compiles spec against the reader's record. Scalars get their type from the field. name, field and the spec
 * are borrowed, the rest lies in region. Fails with WEIR_ERR_CONFIG (line, column, what does not fit) or
 * WEIR_ERR_NO_MEMORY.
 */
enum weir_err_code rule_compile(const struct weir_rule_spec *spec, const char *name,
                                const struct weir_node *reader, struct region *region, struct rule *out,
                                struct weir_err *err);

/* The first of the rule's tests that does not hold for the field's value; NULL when all hold. Any thread. */
const struct rule_test *rule_first_failing(const struct rule *rule, const struct slot *slots);

#endif
