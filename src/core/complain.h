/* Failures of compiling a plan, with the place in the configuration that they come from. */
#ifndef WEIR_CORE_COMPLAIN_H
#define WEIR_CORE_COMPLAIN_H

#include "weir/err.h"
#include "weir/schema.h"
#include "weir/spec.h"

/* weir_fail with WEIR_ERR_CONFIG and "line L, column C: " before the text where at is in a file. */
enum weir_err_code complain(struct weir_err *err, struct weir_at at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Complains that record has no field of that name, and says which one may have been meant. */
enum weir_err_code complain_field(struct weir_err *err, struct weir_at at, const char *what,
                                  const struct weir_node *record, const char *field);

/* The failure of a plan for which there is no memory. */
enum weir_err_code complain_memory(struct weir_err *err);

#endif
