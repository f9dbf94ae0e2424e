/* What the files decode*.c share, and nobody else. */
#ifndef WEIR_AVRO_DECODE_PARTS_H
#define WEIR_AVRO_DECODE_PARTS_H

#include "avro/cursor.h"
#include "avro/program.h"

/* --- decode.c --- */

/* Reads one value of the writer's: kind and v of the slot are set, raw is not; with write, the reader's
 * encoding is added to out. */
bool decode_value(struct cursor *c, const struct action *action, struct slot *slot, bool write);

/* --- decode_nested.c --- */

/* The value of an array or a map, and of a record within another value. */
bool decode_blocks(struct cursor *c, const struct action *action, bool write);
bool decode_nested(struct cursor *c, const struct action *action, bool write);

#endif
