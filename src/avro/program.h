/*
 * A resolution from the inside: what resolve*.c compile and decode*.c run. A graph of actions, one for each
 * place in the writer's schema, paired with the place in the reader's schema that gets the value. A pair of
 * records has one action however often it is met, so types that contain themselves make the graph go round.
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
    ACTION_FIXED,
    ACTION_ENUM,
    ACTION_ARRAY,
    ACTION_MAP,
    ACTION_UNION,    /* the writer has a union */
    ACTION_TO_UNION, /* only the reader has one */
    ACTION_RECORD,
    ACTION_REFUSE /* the reader's type cannot read the writer's */
};

/* A branch of the writer's union; of ACTION_TO_UNION the only one. Where its action has failed, a value of it
 * is refused. */
struct action_branch {
    struct action *action;
    int32_t index; /* the branch of the reader's union that it becomes, -1 when the reader has none */
};

/* A field of the writer's record. */
struct action_step {
    struct action *action;
    const char *name;         /* for reasons; the reader's, where it has the field */
    struct weir_bytes before; /* what an ordered record writes before it: fields that only the reader has */
    int32_t slot;             /* the reader's field that gets it, -1: it is skipped */
    uint32_t place;           /* of a part that is not skipped: which of the record's places it has */
};

/* A field that only the reader has. */
struct action_default {
    uint32_t slot;
    struct slot value;
};

/* What a record does. */
struct action_record {
    const struct action_step *steps; /* all of the writer's fields, for the outermost record */
    const struct action_step *parts; /* those of which there are bytes, for one within another value */
    const struct action_default *defaults;
    uint32_t n_parts, n_defaults;
    uint32_t n_slots;       /* the reader's fields */
    struct weir_bytes tail; /* what an ordered record writes at its end */
    /* Of a record that is not ordered: the reader's fields of which there are bytes, with those that have
     * their default; the others are empty. */
    const struct weir_bytes *places;
    uint32_t n_places;
};

struct action_items {
    struct action *action;
    size_t least; /* fewest bytes of an item, or of an entry of a map */
    size_t width; /* flat: the bytes of every item */
    bool flat;    /* any bytes are valid items and stay as they are */
    bool hops;    /* the items are skipped, over whole blocks where these say how long they are */
};

struct action {
    uint8_t op;
    bool same;    /* the bytes that it accepts are the reader's bytes too */
    bool total;   /* it accepts every valid value of the writer's type */
    bool ordered; /* RECORD: the reader has its fields in the writer's order */
    bool failed;  /* the reader's type cannot read the writer's */
    uint32_t n;   /* the writer's symbols, branches or fields */
    union {
        const int32_t *symbols; /* ENUM: the reader's index of each, -1 when it has none */
        const struct action_branch *branches;
        size_t size; /* FIXED */
        struct action_items items;
        struct action_record record;
    };
    /* From here on: of use only while resolving. */
    struct action *before; /* the action made before this one */
    const struct weir_node *writer, *reader;
    const struct action *cause; /* failed: because of what is within it */
    const char *place;          /* failed: the field that cause is of, or that the writer lacks */
    struct resolve_room room;
    size_t ranges; /* bytes that hold the places of fields, of those within included */
};

struct resolution {
    struct region region;
    const struct action *root;
    size_t n_actions;
    struct resolve_room growth, room;
};

#endif
