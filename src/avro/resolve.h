/*
 * Schema resolution (Avro 1.12, "Schema Resolution"), compiled once into a program that src/avro/decode.c
 * runs per value. A resolution is immutable; any number of threads may run it. It borrows both schemas, which
 * must outlive it.
 */
#ifndef WEIR_AVRO_RESOLVE_H
#define WEIR_AVRO_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>

#include "weir/err.h"
#include "weir/schema.h"

struct resolution;

/* Most actions of a resolution, one for each place of the writer's schema, those within a record once for
 * each of the reader's records that it is read as; and most names that are compared to find them. */
#define RESOLVE_ACTIONS_MAX 65536
#define RESOLVE_WORK_MAX    (64 * 1024 * 1024)

/* Most items without bytes that the arrays of one value may have together: a few bytes can ask for 2^63. */
#define RESOLVE_EMPTY_MAX 16384

/*
 * Bounds of what a value may become: so many bytes and so many times its own. Where the schemas allow more
 * (fields with long defaults in the items of an array), a value that needs more is too large.
 */
#define RESOLVE_FIXED_MAX  ((size_t)128 * 1024)
#define RESOLVE_FACTOR_MAX 16

/* The fixed part where types contain themselves, each time with at least a byte; and most bytes that hold the
 * places of fields while records are put in order that are within one another. */
#define RESOLVE_ENDLESS_FIXED ((size_t)4 * 1024)
#define RESOLVE_PLACES_MAX    ((size_t)128 * 1024)

/* A number of bytes that depends on the length of a value. */
struct resolve_room {
    size_t fixed;
    size_t factor;
};

/*
 * Resolves writer against reader: promotions (int → long → float → double, string ↔ bytes), arrays and maps
 * by what they hold, fixed by name and size, enums by symbol with the reader's default, unions on either
 * side, records by name and alias with fields in any order, defaults for what the writer lacks, skipping of
 * what the reader lacks. Types with a name match by what stands after its last dot, or by an alias of the
 * reader's; decimals only with the same precision and scale. Fails with WEIR_ERR_INCOMPATIBLE, err->text
 * naming the path and both types ("timestamp: writer has string, reader has long"; "[]" stands for what an
 * array or a map holds), or WEIR_ERR_NO_MEMORY. What depends on the value (a union branch that the reader
 * lacks) is not a failure here but a verdict per record, as the specification wants; only a union of which no
 * branch can be read fails. Where a reader's union has several branches that match, the one of the very type
 * and full name is taken first, then one of the same name, then the first that the writer's type promotes to,
 * as Avro's own Java library does: by the letter of the specification a string would become bytes where bytes
 * stand first.
 */
enum weir_err_code resolve_new(const struct weir_node *writer, const struct weir_node *reader,
                               struct resolution **out, struct weir_err *err);
void resolve_free(struct resolution *resolution);

/* True when every value of writer has the same bytes as of reader, so that it may be copied once it is known
 * to be valid. */
bool resolve_is_copy(const struct resolution *resolution);

/* How many actions it has. */
size_t resolve_size(const struct resolution *resolution);

/* The most that a value becomes. */
struct resolve_room resolve_growth(const struct resolution *resolution);

/* The room that this takes, with what is needed on the way. */
struct resolve_room resolve_room(const struct resolution *resolution);

/* The scratch that decode_record or decode_rewrite should have for a payload of so many bytes, reason
 * included: with that much left they say TOO_LARGE only where the schemas allow more than the bounds above.
 */
size_t resolve_scratch(const struct resolution *resolution, size_t payload_len);

#endif
