/* options.def as a table, and what follows from it: which keys a section has, what a value may be. */
#ifndef WEIR_CONFIG_OPTIONS_H
#define WEIR_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/spec.h"

enum option_kind {
    OPTION_TOPIC,
    OPTION_TEXT,
    OPTION_SECRET,
    OPTION_URLS,
    OPTION_NAMES,
    OPTION_WORD,
    OPTION_DURATION,
    OPTION_SIZE,
    OPTION_COUNT,
    OPTION_AUTO,
    OPTION_RATIO,
    OPTION_VERSION
};

struct option_word {
    const char *name;
    int value;
};

struct option {
    const char *path;
    enum option_kind kind;
    size_t offset;                   /* of its member in struct weir_spec */
    const struct option_word *words; /* WORD, ended by a NULL name */
    int64_t min, max;
    bool required;
    const char *fallback; /* what is assumed when it is missing, NULL for nothing */
    const char *doc;
};

enum {
    OPTION_COUNT_ALL = 0
#define WEIR_OPTION(path, KIND, member, LIMITS, PRESENCE, doc) +1
#define WEIR_BLOCK(path, doc)
#include "config/options.def"
#undef WEIR_OPTION
#undef WEIR_BLOCK
};

/* A map or list of its own form. */
struct options_block {
    const char *path;
    const char *doc;
};

#define OPTION_BLOCKS 4

/* Bytes of a path, its NUL included. */
#define OPTION_PATH_MAX 64

extern const struct option options[OPTION_COUNT_ALL];
extern const struct options_block options_blocks[OPTION_BLOCKS];

/* The index of an option, -1 when there is none of that path. */
int options_find(const char *path);

/* True when options lie below the path ("input", "input.schema"). */
bool options_is_section(const char *path);

/* True when the path is a map or list of its own form ("check"). */
bool options_is_block(const char *path);

/* The keys of a section, as names for messages. */
struct options_keys {
    char names[OPTION_COUNT_ALL + OPTION_BLOCKS][OPTION_PATH_MAX];
    const char *list[OPTION_COUNT_ALL + OPTION_BLOCKS];
    size_t n;
};

/* The keys that may stand in a section; "" is the whole file. */
void options_keys_of(const char *section, struct options_keys *keys);

/*
 * Reads text as the option's kind and puts it into its member; a text is borrowed, not copied. False, with
 * spec untouched, when it is not of the kind or out of its range.
 */
bool options_store(const struct option *option, const char *text, struct weir_spec *spec);

/* What the option takes, for a message: "earliest, latest or fail". buffer is filled and returned. */
const char *options_describe(const struct option *option, char *buffer, size_t cap);

#endif
