/* What of the writer's schema is what of the reader's (Avro 1.12, "Schema Resolution", "match"; "Aliases").
 */
#ifndef WEIR_AVRO_MATCH_H
#define WEIR_AVRO_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "avro/program.h"
#include "weir/schema.h"

/* How a primitive becomes another. */
struct match_conversion {
    uint8_t writer, reader, op;
    bool same, total; /* as in struct action */
    uint8_t extra;    /* most bytes that the value grows by */
};

/* The one that the specification allows from the writer's type to the reader's; NULL for none. */
const struct match_conversion *match_conversion(enum weir_type writer, enum weir_type reader);

/* True when two types that are no unions match, by what stands at their top. */
bool match_types(const struct weir_node *writer, const struct weir_node *reader);

/* The branch of the reader's union for a writer that is no union, -1 for none (resolve.h says which). */
int32_t match_branch(const struct weir_node *writer, const struct weir_node *reader);

/* The reader's symbol for the writer's i-th, or the reader's default; -1 for none. *work counts names that
 * were compared. */
int32_t match_symbol(const struct weir_node *writer, size_t i, const struct weir_node *reader, size_t *work);

/*
 * Gives each of the writer's fields the reader's field that reads it, or -1, and marks in found the reader's
 * fields that are read. Names go before aliases, and no field is read twice.
 */
void match_fields(const struct weir_node *writer, const struct weir_node *reader, int32_t *reads,
                  bool *found);

#endif
