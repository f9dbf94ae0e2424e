/*
 * The log of a test: lines are kept instead of written, so that a test can count what was said and how often.
 * Takes the place of log_write through the linker (twin.cmake).
 */
#ifndef SUPPORT_TWIN_LOG_H
#define SUPPORT_TWIN_LOG_H

#include <stddef.h>

#include "weir/spec.h"

/* Forgets everything. */
void twin_log_clear(void);

/* How many lines above debug had that event; with event NULL, all of them. */
size_t twin_log_count(const char *event);

/* How many lines of that level. */
size_t twin_log_level(enum weir_log_level level);

/* How many lines above debug have the text in them. */
size_t twin_log_text(const char *text);

/* Writes the last lines, debug ones included, to standard error: for a test that fails. */
void twin_log_show(void);

#endif
