/* For the tests of src/config: a world that is a table, and a file that lacks nothing. */
#ifndef WEIR_TESTS_CONFIG_CASE_H
#define WEIR_TESTS_CONFIG_CASE_H

#include "config/config.h"

/* A file that is right, on five lines, so that what follows begins on line 6. */
#define CASE_BASE                                                                                            \
    "pipeline: p\n"                                                                                          \
    "kafka: { bootstrap.servers: b }\n"                                                                      \
    "registry: { dir: d }\n"                                                                                 \
    "input: { topic: in }\n"                                                                                 \
    "output: { topic: out }\n"

/* A text and what is wrong with it: the whole message, in a file that is called f. */
struct case_error {
    const char *text;
    const char *message;
};

/*
 * Variables: SET is "value", EMPTY is "", DB_PASSWORD is "hunter2", LATIN is not UTF-8. Files: /secret is
 * "s3cret\n", /windows is "s3cret\r\n", /two is "a\n\n", /nothing is empty, /nul has a NUL, /latin is not
 * UTF-8, /huge is larger than anybody's buffer.
 */
extern const struct config_world case_world;

/* config_parse of a text in case_world, as a file that is called f. */
enum weir_err_code case_parse(const char *text, struct weir_spec **spec, struct weir_err *err);

/* The spec of a text that is right: fails the test otherwise. For the caller to give to config_free. */
struct weir_spec *case_spec(const char *text);

/* Fails the test unless each text fails with WEIR_ERR_CONFIG and its message. */
void case_errors(const struct case_error *cases, size_t n);

#endif
