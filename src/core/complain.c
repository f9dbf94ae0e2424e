#include "core/complain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/nearest.h"

enum weir_err_code complain(struct weir_err *err, struct weir_at at, const char *format, ...)
{
    char text[WEIR_ERR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (at.line == 0)
        return weir_fail(err, WEIR_ERR_CONFIG, "%s", text);
    return weir_fail(err, WEIR_ERR_CONFIG, "line %d, column %d: %s", at.line, at.column, text);
}

enum weir_err_code complain_memory(struct weir_err *err)
{
    return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a plan");
}

enum weir_err_code complain_field(struct weir_err *err, struct weir_at at, const char *what,
                                  const struct weir_node *record, const char *field)
{
    const char **names = calloc(record->n ? record->n : 1, sizeof *names);
    if (!names)
        return complain_memory(err);
    for (size_t i = 0; i < record->n; i++)
        names[i] = record->fields[i].name;
    const char *nearest = weir_nearest(field, names, record->n);
    free(names);
    if (!nearest)
        return complain(err, at, "%s: %s has no field '%s'", what, record->name, field);
    return complain(err, at, "%s: %s has no field '%s'; did you mean '%s'?", what, record->name, field,
                    nearest);
}
