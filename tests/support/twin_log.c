#include "support/twin_log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sys/log.h"

#define EVENT_MAX 32
#define TEXT_MAX  400
#define LINES_MAX 512
#define SHOWN_MAX 40

struct line {
    enum weir_log_level level;
    char event[EVENT_MAX];
    char text[TEXT_MAX];
};

/* The last LINES_MAX lines, in a ring; the counts by event look at those only. */
static struct line lines[LINES_MAX];
static size_t n_lines;

void __wrap_log_write(enum weir_log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void __wrap_log_write(enum weir_log_level level, const char *event, const char *format, ...)
{
    struct line *line = &lines[n_lines++ % LINES_MAX];
    line->level = level;
    (void)snprintf(line->event, sizeof line->event, "%s", event);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line->text, sizeof line->text, format, args);
    va_end(args);
}

void twin_log_clear(void)
{
    n_lines = 0;
}

static size_t kept(void)
{
    return n_lines < LINES_MAX ? n_lines : LINES_MAX;
}

size_t twin_log_count(const char *event)
{
    size_t n = 0;
    for (size_t i = 0; i < kept(); i++)
        n += lines[i].level > WEIR_LOG_DEBUG && (!event || strcmp(lines[i].event, event) == 0);
    return n;
}

size_t twin_log_level(enum weir_log_level level)
{
    size_t n = 0;
    for (size_t i = 0; i < kept(); i++)
        n += lines[i].level == level;
    return n;
}

size_t twin_log_text(const char *text)
{
    size_t n = 0;
    for (size_t i = 0; i < kept(); i++)
        n += lines[i].level > WEIR_LOG_DEBUG && strstr(lines[i].text, text) != NULL;
    return n;
}

void twin_log_show(void)
{
    size_t shown = kept() < SHOWN_MAX ? kept() : SHOWN_MAX;
    for (size_t i = n_lines - shown; i < n_lines; i++) {
        const struct line *line = &lines[i % LINES_MAX];
        (void)fprintf(stderr, "  log %d %s: %s\n", (int)line->level, line->event, line->text);
    }
}
