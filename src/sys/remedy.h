/*
 * Switches for tests: a remedy that is off shows what it is for (tests/remedies). Only builds with
 * WEIR_REMEDY_SWITCHES have them; in all others every remedy is on and the question costs nothing.
 */
#ifndef WEIR_SYS_REMEDY_H
#define WEIR_SYS_REMEDY_H

#include <stdbool.h>

#include "weir/err.h"

enum remedy {
#define WEIR_REMEDY(NAME, name, without) REMEDY_##NAME,
#include "sys/remedies.def"
#undef WEIR_REMEDY
    REMEDY_COUNT
};

/* The name of a remedy in $WEIR_WITHOUT, and what happens without it. Any thread. */
const char *remedy_name(enum remedy remedy);
const char *remedy_without(enum remedy remedy);

#ifdef WEIR_REMEDY_SWITCHES

/* Any thread. */
bool remedy_on(enum remedy remedy);

/*
 * Switches off the remedies of a list ("own_offsets,zombie"; NULL or "": none) and all others on. Before
 * threads start. WEIR_ERR_USAGE names a word that is no remedy, and changes nothing then.
 */
enum weir_err_code remedy_setup(const char *without, struct weir_err *err);

#else

static inline bool remedy_on(enum remedy remedy)
{
    (void)remedy;
    return true;
}

/* A release build has no switches: the list is not even looked at. */
static inline enum weir_err_code remedy_setup(const char *without, struct weir_err *err)
{
    (void)without;
    (void)err;
    return WEIR_OK;
}

#endif
#endif
