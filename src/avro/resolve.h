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

/*
 * Resolves writer against reader: promotions (int → long → float → double, string ↔ bytes), enums by symbol
 * with the reader's default, unions on either side by the specification's matching order, records by name and
 * alias with fields in any order, defaults for what the writer lacks, skipping of what the reader lacks.
 * Fails with WEIR_ERR_INCOMPATIBLE, err->text naming the path and both types ("timestamp: writer has string,
 * reader has long"), or WEIR_ERR_NO_MEMORY. What depends on the value (a union branch that the reader lacks)
 * is not a failure here but a verdict per record, as the specification wants; only a union of which no branch
 * can be read fails.
 * Where a reader's union has several branches that match, the one of the very type and full name is taken
 * first, then one of the same name, then the first that the writer's type promotes to, as Avro's own Java
 * library does: by the letter of the specification a string would become bytes where bytes stand first.
 */
enum weir_err_code resolve_new(const struct weir_node *writer, const struct weir_node *reader,
                               struct resolution **out, struct weir_err *err);
void resolve_free(struct resolution *resolution);

/* True when every value of writer has the same bytes as of reader, so that it may be copied once it is known
 * to be valid. */
bool resolve_is_copy(const struct resolution *resolution);

/* The most scratch that decode_record or decode_rewrite takes for a payload of so many bytes, reason
 * included: with that much left they never say TOO_LARGE. */
size_t resolve_scratch(const struct resolution *resolution, size_t payload_len);

#endif
