#include "config/options.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/value.h"

#define WORDS(...)                                                                                           \
    .words = (const struct option_word[])                                                                    \
    {                                                                                                        \
        __VA_ARGS__,                                                                                         \
        {                                                                                                    \
            NULL, 0                                                                                          \
        }                                                                                                    \
    }
#define RANGE(low, high) .min = (low), .max = (high)
#define REQUIRED         .required = true
#define OPTIONAL         .required = false
#define DEFAULT(text)    .fallback = (text)

const struct option options[OPTION_COUNT_ALL] = {
#define WEIR_OPTION(PATH, KIND, member, LIMITS, PRESENCE, DOC)                                               \
    {.path = (PATH),                                                                                         \
     .kind = OPTION_##KIND,                                                                                  \
     .offset = offsetof(struct weir_spec, member),                                                           \
     LIMITS,                                                                                                 \
     PRESENCE,                                                                                               \
     .doc = (DOC)},
#define WEIR_BLOCK(PATH, DOC)
#include "config/options.def"
#undef WEIR_OPTION
#undef WEIR_BLOCK
};

const struct options_block options_blocks[OPTION_BLOCKS] = {
#define WEIR_OPTION(path, KIND, member, LIMITS, PRESENCE, doc)
#define WEIR_BLOCK(path, doc) {path, doc},
#include "config/options.def"
#undef WEIR_OPTION
#undef WEIR_BLOCK
};

int options_find(const char *path)
{
    for (int i = 0; i < OPTION_COUNT_ALL; i++) {
        if (strcmp(options[i].path, path) == 0)
            return i;
    }
    return -1;
}

/* What follows "section." at the front of path, NULL when path does not lie in the section. */
static const char *inside(const char *path, const char *section)
{
    size_t len = strlen(section);
    if (len == 0)
        return path;
    return strncmp(path, section, len) == 0 && path[len] == '.' ? path + len + 1 : NULL;
}

bool options_is_section(const char *path)
{
    for (int i = 0; i < OPTION_COUNT_ALL; i++) {
        if (inside(options[i].path, path))
            return true;
    }
    return false;
}

bool options_is_block(const char *path)
{
    for (int i = 0; i < OPTION_BLOCKS; i++) {
        if (strcmp(options_blocks[i].path, path) == 0)
            return true;
    }
    return false;
}

static void add_key(struct options_keys *keys, const char *path, const char *section)
{
    const char *rest = inside(path, section);
    if (!rest)
        return;
    char *name = keys->names[keys->n];
    (void)snprintf(name, OPTION_PATH_MAX, "%.*s", (int)strcspn(rest, "."), rest);
    for (size_t i = 0; i < keys->n; i++) {
        if (strcmp(keys->names[i], name) == 0)
            return;
    }
    keys->list[keys->n++] = name;
}

void options_keys_of(const char *section, struct options_keys *keys)
{
    keys->n = 0;
    for (int i = 0; i < OPTION_COUNT_ALL; i++)
        add_key(keys, options[i].path, section);
    for (int i = 0; i < OPTION_BLOCKS; i++)
        add_key(keys, options_blocks[i].path, section);
}

static bool in_range(const struct option *option, int64_t value)
{
    return value >= option->min && value <= option->max;
}

static bool store_text(const struct option *option, const char *text, void *member)
{
    int64_t len = (int64_t)strlen(text);
    if (!in_range(option, len) || (option->kind == OPTION_TOPIC && !value_is_topic(text, option->max)) ||
        (option->kind == OPTION_URLS && !value_is_urls(text)) ||
        (option->kind == OPTION_NAMES && !value_is_names(text)) ||
        (option->kind == OPTION_SECRET && !value_is_printable(text)))
        return false;
    memcpy(member, &text, sizeof text);
    return true;
}

/* The enumerations of a spec are all as large as an int, which the compiler is asked to confirm. */
static_assert(sizeof(enum weir_format) == sizeof(int), "an enumeration must be as large as an int");

static bool store_word(const struct option *option, const char *text, void *member)
{
    for (const struct option_word *word = option->words; word->name; word++) {
        if (strcmp(word->name, text) == 0) {
            memcpy(member, &word->value, sizeof word->value);
            return true;
        }
    }
    return false;
}

static bool read_number(enum option_kind kind, const char *text, int64_t *value)
{
    switch (kind) {
    case OPTION_DURATION: return value_duration(text, value);
    case OPTION_SIZE: return value_size(text, value);
    case OPTION_RATIO: return value_ratio(text, value);
    default: return value_count(text, value);
    }
}

static bool store_number(const struct option *option, const char *text, void *member)
{
    int64_t value;
    if (!read_number(option->kind, text, &value) || !in_range(option, value))
        return false;
    memcpy(member, &value, sizeof value);
    return true;
}

/* A count, or auto in place of one. */
static bool store_auto(const struct option *option, const char *text, void *member)
{
    const int64_t value = 0;
    if (strcmp(text, "auto") != 0)
        return store_number(option, text, member);
    memcpy(member, &value, sizeof value);
    return true;
}

static bool store_version(const char *text, void *member)
{
    int64_t value;
    if (!value_version(text, &value))
        return false;
    memcpy(member, &value, sizeof value);
    return true;
}

bool options_store(const struct option *option, const char *text, struct weir_spec *spec)
{
    void *member = (char *)spec + option->offset;
    switch (option->kind) {
    case OPTION_TOPIC:
    case OPTION_TEXT:
    case OPTION_SECRET:
    case OPTION_NAMES:
    case OPTION_URLS: return store_text(option, text, member);
    case OPTION_WORD: return store_word(option, text, member);
    case OPTION_AUTO: return store_auto(option, text, member);
    case OPTION_VERSION: return store_version(text, member);
    default: return store_number(option, text, member);
    }
}

static void describe_words(const struct option_word *words, char *buffer, size_t cap)
{
    size_t len = 0;
    for (const struct option_word *word = words; word->name && len < cap; word++) {
        const char *joint = word == words ? "" : word[1].name ? ", " : " or ";
        len += (size_t)snprintf(buffer + len, cap - len, "%s%s", joint, word->name);
    }
}

const char *options_describe(const struct option *option, char *buffer, size_t cap)
{
    char low[VALUE_PRINTED_MAX], high[VALUE_PRINTED_MAX];
    switch (option->kind) {
    case OPTION_TOPIC:
        (void)snprintf(buffer, cap, "1 to %" PRId64 " letters, digits, '.', '_' and '-'", option->max);
        break;
    case OPTION_TEXT: (void)snprintf(buffer, cap, "a text of 1 to %" PRId64 " bytes", option->max); break;
    case OPTION_SECRET:
        (void)snprintf(buffer, cap, "a text of 1 to %" PRId64 " bytes without line ends", option->max);
        break;
    case OPTION_URLS:
        (void)snprintf(buffer, cap, "one or more http:// or https:// URLs without user, query and fragment");
        break;
    case OPTION_NAMES: (void)snprintf(buffer, cap, "one or more names of fields"); break;
    case OPTION_WORD: describe_words(option->words, buffer, cap); break;
    case OPTION_DURATION:
        (void)snprintf(buffer, cap, "a duration from %s to %s", value_print_duration(option->min, low),
                       value_print_duration(option->max, high));
        break;
    case OPTION_SIZE:
        (void)snprintf(buffer, cap, "a size from %s to %s", value_print_size(option->min, low),
                       value_print_size(option->max, high));
        break;
    case OPTION_COUNT:
        (void)snprintf(buffer, cap, "a whole number from %" PRId64 " to %" PRId64, option->min, option->max);
        break;
    case OPTION_AUTO:
        (void)snprintf(buffer, cap, "auto or a whole number from %" PRId64 " to %" PRId64, option->min,
                       option->max);
        break;
    case OPTION_RATIO:
        (void)snprintf(buffer, cap, "a number from %s to %s", value_print_ratio(option->min, low),
                       value_print_ratio(option->max, high));
        break;
    case OPTION_VERSION: (void)snprintf(buffer, cap, "latest or a version from 1 on"); break;
    }
    return buffer;
}
