/*
 * How a version of a schema differs from the one before, in a few words for the log: "+ country (string),
 * - locale, age: int -> long, device_type: + watch". Fields of a record, by name; what is deeper inside
 * counts only as changed.
 */
#ifndef WEIR_CORE_DIFFERENCE_H
#define WEIR_CORE_DIFFERENCE_H

#include <stddef.h>

#include "weir/schema.h"

/* Writes at most cap bytes, the NUL included; what does not fit is "...". cap at least 4. Any thread. */
void difference_print(const struct weir_schema *before, const struct weir_schema *after, char *text,
                      size_t cap);

#endif
