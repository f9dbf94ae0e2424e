/*
 * Errors: the world failed. Bad data is never an error: it is a verdict (weir/pipeline.h).
 *
 * A function that can fail returns an enum weir_err_code, WEIR_OK (0) for success, and takes as its last
 * argument a struct weir_err that it fills on failure and leaves alone on success.
 */
#ifndef WEIR_ERR_H
#define WEIR_ERR_H

#include <stddef.h>

enum weir_err_code {
    WEIR_OK = 0,
#define WEIR_ERROR(NAME, name, CLASS, exit_status, meaning) WEIR_ERR_##NAME,
#include "weir/errors.def"
#undef WEIR_ERROR
    WEIR_ERR_COUNT
};

/* What the engine does about an error. */
enum weir_err_class {
    WEIR_CLASS_NONE,        /* WEIR_OK */
    WEIR_CLASS_RETRY,       /* the same call again, bounded */
    WEIR_CLASS_ABORT_BATCH, /* abort, rewind, begin anew */
    WEIR_CLASS_REBUILD,     /* new producer, init_transactions, committed offsets re-read; routine */
    WEIR_CLASS_WAIT,        /* hold the affected partitions, back off, go on when it is over */
    WEIR_CLASS_FATAL        /* end the process; the supervisor restarts it */
};

/* Longest text of an error, its terminating NUL included. */
#define WEIR_ERR_TEXT_MAX 640

struct weir_err {
    enum weir_err_code code;
    char text[WEIR_ERR_TEXT_MAX]; /* one line for a person; cut, never overrun; never holds a payload */
};

/* The stable lower-case name of a code ("topic_missing"); "ok" for WEIR_OK. Any thread. */
const char *weir_err_name(enum weir_err_code code);

/* The class of a code. Any thread. */
enum weir_err_class weir_err_class(enum weir_err_code code);

/* The process' exit status (sysexits.h) when this error ends it. Any thread. */
int weir_err_exit(enum weir_err_code code);

/*
 * Fills *err (which may be NULL when nobody asked) from a printf format and returns code,
 * so that failing is one statement. Any thread.
 */
enum weir_err_code weir_fail(struct weir_err *err, enum weir_err_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
