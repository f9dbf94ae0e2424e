/*
 * The configuration file: YAML in, struct weir_spec out. What may stand in it is told by options.def and
 * rules.def; docs/configuration.md is for its writers.
 */
#ifndef WEIR_CONFIG_CONFIG_H
#define WEIR_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "weir/bytes.h"
#include "weir/err.h"
#include "weir/spec.h"

/* Limits on a file that may be anything. */
#define CONFIG_TEXT_MAX (1024 * 1024) /* bytes of the file */

/* What a configuration may ask of the process around it: ${VAR} and ${file:PATH}. */
struct config_world {
    /* The value of an environment variable, NULL when it is not set. */
    const char *(*variable)(void *context, const char *name);
    /*
     * Reads a whole file of at most cap bytes into buffer. Fails with WEIR_ERR_NOT_FOUND or WEIR_ERR_IO
     * (also where the file is larger than cap); err->text then says why, without the path.
     */
    enum weir_err_code (*file)(void *context, const char *path, char *buffer, size_t cap, size_t *len,
                               struct weir_err *err);
    void *context;
};

/* The process' own environment and files; a relative path starts at the working directory. */
extern const struct config_world config_process;

/*
 * Reads and checks a file ("-": standard input, of which messages speak as <stdin>). On success *out is the
 * caller's, to be given to config_free. Fails with WEIR_ERR_CONFIG and "FILE:LINE:COLUMN: what is wrong",
 * WEIR_ERR_NOT_FOUND or WEIR_ERR_IO when the file cannot be read, or WEIR_ERR_NO_MEMORY. No message holds a
 * secret.
 */
enum weir_err_code config_load(const char *path, struct weir_spec **out, struct weir_err *err);

/* As config_load, of a text that is at hand. name stands for the file in messages and is copied. */
enum weir_err_code config_parse(struct weir_bytes text, const char *name, const struct config_world *world,
                                struct weir_spec **out, struct weir_err *err);

/* Frees a spec made by config_load or config_parse with all that it points to; NULL is fine. */
void config_free(struct weir_spec *spec);

/* The name under which a spec was parsed, for messages about it; borrowed from the spec. */
const char *config_name(const struct weir_spec *spec);

/*
 * Puts the file's name before the message of a failure that the file is to blame for: "FILE:LINE:COLUMN: …"
 * when it begins with a place ("line L, column C: …"), else "FILE: …".
 */
void config_blame(const struct weir_spec *spec, struct weir_err *err);

/*
 * Prints every option and property with its value and where it came from: aligned for a person, or one JSON
 * object. Secrets are masked. spec is of config_load or config_parse. Fails with WEIR_ERR_IO.
 */
enum weir_err_code config_show(const struct weir_spec *spec, bool json, FILE *to, struct weir_err *err);

/*
 * The part of the configuration that decides about verdicts and outputs, as a text for the journal: what has
 * the same text has the same rules. It is a configuration by itself but for kafka and registry, which say
 * where things are. No secret can stand in it. Allocated, for the caller to free; spec is of config_load or
 * config_parse. WEIR_ERR_NO_MEMORY.
 */
enum weir_err_code config_deciding(const struct weir_spec *spec, char **out, struct weir_err *err);

/*
 * Prints the tables of docs/configuration.md: every option, test, transformation and reserved property, as
 * Markdown. Fails with WEIR_ERR_IO.
 */
enum weir_err_code config_reference(FILE *to, struct weir_err *err);

#endif
