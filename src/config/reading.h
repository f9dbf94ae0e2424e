/* What the steps of reading one configuration share: where messages go and who owns the memory. */
#ifndef WEIR_CONFIG_READING_H
#define WEIR_CONFIG_READING_H

#include "config/blocks.h"
#include "config/config.h"

struct reading {
    const char *name; /* of the file, for messages */
    const struct config_world *world;
    struct blocks *blocks;
    struct weir_err *err;
};

/* Bytes of a user's word that a message repeats, and of a file's name. */
#define READING_WORD_MAX 60
#define READING_NAME_MAX 150

/* A word of the file made fit for one line of a message: in quotes, cut, control characters replaced. */
struct reading_word {
    char text[READING_WORD_MAX + sizeof "''..."];
};
struct reading_word reading_quote(const char *word);

/* Fails with WEIR_ERR_CONFIG and "NAME:LINE:COLUMN: …", or "NAME: …" when at has no line. */
enum weir_err_code reading_fail(const struct reading *reading, struct weir_at at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Fails with WEIR_ERR_NO_MEMORY. */
enum weir_err_code reading_no_memory(const struct reading *reading);

#endif
