/*
 * The log: one line an event to standard error, as key=value text or as JSON. Commands and the engine's loop
 * log; library code returns errors. Payloads of records never appear in it.
 */
#ifndef WEIR_SYS_LOG_H
#define WEIR_SYS_LOG_H

#include <stdbool.h>

#include "weir/spec.h"

/* Longest line; longer ones are cut. */
#define LOG_LINE_MAX 2048

/* Sets what is written and how. Until it is called: info, text. Call before threads start. */
void log_setup(enum weir_log_level level, enum weir_log_format format);

/* Goes to the next level, in a circle: debug, info, warn, error. Safe in a signal handler. Any thread. */
void log_cycle_level(void);

/*
 * Names the calling thread: its lines carry worker=NAME from now on, none when NULL. Returns the name it had.
 * Borrowed as long as the thread logs.
 */
const char *log_name_thread(const char *name);

/* Writes one line with the level after log_cycle_level has changed it, whatever it is now. Any thread, now
 * and then; costs nothing when nothing has changed. */
void log_tell_level(void);

/* True when a line of that level would be written. Any thread. */
bool log_enabled(enum weir_log_level level);

/*
 * Writes one line: time, level, event (a stable lower-case name to search and alert by), the worker where the
 * thread has a name, and a message for a person. One write call a line, so lines of several threads do not
 * mix. Any thread.
 */
void log_write(enum weir_log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_debug(...) log_write(WEIR_LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_write(WEIR_LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_write(WEIR_LOG_WARN, __VA_ARGS__)
#define log_error(...) log_write(WEIR_LOG_ERROR, __VA_ARGS__)

#endif
