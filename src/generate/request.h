/* What a command line asks of `weir generate`. Pure: the arguments come in, a struct or an error comes out.
 */
#ifndef WEIR_GENERATE_REQUEST_H
#define WEIR_GENERATE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "generate/mix.h"
#include "weir/err.h"
#include "weir/spec.h"

/* Most -X options. */
#define REQUEST_PROPERTIES_MAX 64

/* The rate, records a second, when neither a rate nor a count is given: enough to look at, no flood. */
#define REQUEST_RATE_DEFAULT 1000

/* For count and duration: no bound. */
#define REQUEST_UNBOUNDED UINT64_MAX

struct request {
    struct mix mix; /* without packs */
    const char *bootstrap, *topic, *schemas, *subject;
    const char *registry; /* NULL: a schema's id is the folder's */
    struct weir_property properties[REQUEST_PROPERTIES_MAX];
    size_t n_properties;
    uint64_t rate; /* records a second; 0: flat out */
    uint64_t count, duration_ms;
    int32_t partition; /* -1: by key, or in turns */
    bool to_stdout, json, help;
};

enum request_kind {
    REQUEST_ON, /* no value: sets a flag */
    REQUEST_OFF,
    REQUEST_TEXT,
    REQUEST_NUMBER,
    REQUEST_SHARE,
    REQUEST_DURATION,
    REQUEST_FORMAT,
    REQUEST_PROPERTY
};

/* One option, for the parser and for --help. */
struct request_option {
    const char *name; /* with its dashes */
    enum request_kind kind;
    size_t at;            /* of what it sets, in struct raw of request.c */
    uint64_t min, max;    /* NUMBER */
    const char *argument; /* "N"; NULL where there is none */
    const char *help;
};

/* All options, in the order of --help. */
const struct request_option *request_options(size_t *n);

/*
 * Reads the arguments behind argv[0], up to --help where that is among them: then only help is of use.
 * *request borrows from argv, and -X options are cut at their '='. Fails with WEIR_ERR_USAGE, err->text
 * naming the option, the nearest one for a misspelt one, and what is wrong.
 */
enum weir_err_code request_parse(int argc, char **argv, struct request *request, struct weir_err *err);

#endif
