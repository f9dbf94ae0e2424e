#include "weir/err.h"

#include <stdarg.h>
#include <stdio.h>

struct error_row {
    const char *name;
    enum weir_err_class class;
    int exit_status;
};

static const struct error_row rows[WEIR_ERR_COUNT] = {
    [WEIR_OK] = {"ok", WEIR_CLASS_NONE, 0},
#define WEIR_ERROR(NAME, name, CLASS, exit_status, meaning)                                                  \
    [WEIR_ERR_##NAME] = {#name, WEIR_CLASS_##CLASS, exit_status},
#include "weir/errors.def"
#undef WEIR_ERROR
};

const char *weir_err_name(enum weir_err_code code)
{
    return rows[code].name;
}

enum weir_err_class weir_err_class(enum weir_err_code code)
{
    return rows[code].class;
}

int weir_err_exit(enum weir_err_code code)
{
    return rows[code].exit_status;
}

enum weir_err_code weir_fail(struct weir_err *err, enum weir_err_code code, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        err->code = code;
        (void)vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return code;
}
