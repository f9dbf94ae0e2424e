#include "sys/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sys/clock.h"
#include "weir/bytes.h"

/* Longest message before it is escaped, and what shows of a thread's name. */
#define MESSAGE_MAX 1024
#define NAME_SHOWN  32

static const char *const level_names[] = {"debug", "info", "warn", "error"};
#define N_LEVELS ((int)(sizeof level_names / sizeof level_names[0]))

static _Atomic int threshold = WEIR_LOG_INFO;
static _Atomic bool changed; /* and nobody was told yet */
static enum weir_log_format line_format = WEIR_LOG_TEXT;
static _Thread_local const char *thread_name;

void log_setup(enum weir_log_level level, enum weir_log_format format)
{
    threshold = (int)level;
    line_format = format;
}

void log_cycle_level(void)
{
    threshold = (threshold + 1) % N_LEVELS;
    changed = true;
}

void log_tell_level(void)
{
    if (!atomic_load_explicit(&changed, memory_order_relaxed) || !atomic_exchange(&changed, false))
        return;
    int level = threshold;
    log_write((enum weir_log_level)level, "log_level", "the log level is %s now", level_names[level]);
}

const char *log_name_thread(const char *name)
{
    const char *before = thread_name;
    thread_name = name;
    return before;
}

bool log_enabled(enum weir_log_level level)
{
    return (int)level >= threshold;
}

/* 2026-11-21T10:00:00.123Z */
static void format_time(char *out, size_t size)
{
    int64_t ms = clock_wall_ms();
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    char text[32];
    (void)gmtime_r(&seconds, &utc);
    (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(out, size, "%s.%03dZ", text, (int)(ms % 1000));
}

/* Copies text as the inside of a quoted string, valid in JSON and in key=value text alike; never cuts an
 * escape. */
static void escape(char *out, size_t size, const char *text)
{
    size_t used = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        char piece[8];
        if (*p == '"' || *p == '\\')
            (void)snprintf(piece, sizeof piece, "\\%c", *p);
        else if (*p == '\n')
            (void)snprintf(piece, sizeof piece, "\\n");
        else if (*p < 0x20 || *p == 0x7F)
            (void)snprintf(piece, sizeof piece, "\\u%04x", *p);
        else
            (void)snprintf(piece, sizeof piece, "%c", *p);
        size_t len = strlen(piece);
        if (used + len + 1 > size)
            break;
        memcpy(out + used, piece, len);
        used += len;
    }
    out[used] = '\0';
}

/* What is written must be UTF-8, also where a cut or a foreign text is not: every byte that is not is shown
 * as '?'. */
static void make_utf8(char *text)
{
    size_t bad = 0;
    char *rest = text;
    while (!weir_utf8_valid(weir_bytes_of(rest), &bad)) {
        rest += bad;
        *rest++ = '?';
    }
}

/* The field that says whose line it is; nothing where the thread has no name. */
static void format_worker(char *out, size_t size)
{
    char name[NAME_SHOWN];
    out[0] = '\0';
    if (!thread_name)
        return;
    escape(name, sizeof name, thread_name);
    if (line_format == WEIR_LOG_JSON)
        (void)snprintf(out, size, ",\"worker\":\"%s\"", name);
    else
        (void)snprintf(out, size, " worker=%s", name);
}

void log_write(enum weir_log_level level, const char *event, const char *format, ...)
{
    if (!log_enabled(level))
        return;
    char message[MESSAGE_MAX];
    char quoted[LOG_LINE_MAX - 208];
    char when[40];
    char worker[NAME_SHOWN + 16];
    char line[LOG_LINE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    escape(quoted, sizeof quoted, message);
    make_utf8(quoted);
    format_time(when, sizeof when);
    format_worker(worker, sizeof worker);
    const char *shape = line_format == WEIR_LOG_JSON
                            ? "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"%s,\"message\":\"%s\"}\n"
                            : "time=%s level=%s event=%s%s msg=\"%s\"\n";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int len = snprintf(line, sizeof line, shape, when, level_names[level], event, worker, quoted);
#pragma GCC diagnostic pop
    if (len > 0)
        (void)!write(STDERR_FILENO, line, (size_t)len < sizeof line ? (size_t)len : sizeof line - 1);
}
