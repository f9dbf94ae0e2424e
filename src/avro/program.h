/*
 * A resolution from the inside: what resolve.c compiles and decode.c runs. A tree of actions, one for each
 * place in the writer's schema, paired with the place in the reader's schema that gets the value.
 */
#ifndef WEIR_AVRO_PROGRAM_H
#define WEIR_AVRO_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "avro/region.h"
#include "avro/resolve.h"
#include "avro/slot.h"

enum action_op {
    ACTION_NULL,
    ACTION_BOOLEAN,
    ACTION_INT, /* to int or long: the bytes are the same */
    ACTION_LONG,
    ACTION_FLOAT,
    ACTION_DOUBLE,
    ACTION_BYTES,           /* bytes to bytes */
    ACTION_STRING,          /* string to string */
    ACTION_STRING_TO_BYTES, /* the bytes are the same, and were a string: UTF-8 */
    ACTION_BYTES_TO_STRING, /* the bytes are the same if they are UTF-8 */
    ACTION_INT_TO_FLOAT,
    ACTION_INT_TO_DOUBLE,
    ACTION_LONG_TO_FLOAT,
    ACTION_LONG_TO_DOUBLE,
    ACTION_FLOAT_TO_DOUBLE,
    ACTION_ENUM,
    ACTION_UNION,    /* the writer has a union */
    ACTION_TO_UNION, /* only the reader has one */
    ACTION_RECORD,
    ACTION_REFUSE /* a branch of the writer's union that the reader cannot read */
};

/* A branch of the writer's union; of ACTION_TO_UNION the only one. */
struct action_branch {
    const struct action *action;
    int32_t index; /* the branch of the reader's union that it becomes, -1 when the reader has none */
};

/* A field of the writer's record. */
struct action_step {
    const struct action *action;
    const char *path; /* for reasons */
    int32_t slot;     /* the reader's field that gets it, -1: it is read, checked and forgotten */
};

/* A field that only the reader has. */
struct action_default {
    uint32_t slot;
    struct slot value;
};

struct action {
    uint8_t op;
    bool same;    /* the bytes that it accepts are the reader's bytes too */
    bool total;   /* it accepts every valid value of the writer's type */
    uint32_t n;   /* the writer's symbols, branches or fields */
    size_t extra; /* most bytes of scratch that writing its value takes beyond the bytes read */
    union {
        const int32_t *symbols; /* ENUM: the reader's index of each, -1 when it has none */
        const struct action_branch *branches;
        struct {
            const struct action_step *steps;
            const struct action_default *defaults;
            uint32_t n_defaults;
            uint32_t n_slots; /* the reader's fields */
        } record;
    };
};

/* Where a field of a nested record lies until all have been found: its bytes, and how to write them. */
struct action_range {
    struct weir_bytes bytes;
    const struct action *action; /* NULL: they are the reader's already */
};

struct resolution {
    struct region region;
    const struct action *root;
};

#endif
