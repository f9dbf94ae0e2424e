/*
 * Reads untrusted Avro binary by a compiled resolution. Every length is checked against what remains, depth
 * and scratch are bounded, booleans, enums, union branches and UTF-8 are checked, nothing may follow the last
 * field. Never allocates.
 */
#ifndef WEIR_AVRO_DECODE_H
#define WEIR_AVRO_DECODE_H

#include "avro/resolve.h"
#include "avro/slot.h"
#include "weir/arena.h"
#include "weir/pipeline.h"

/*
 * Decodes one record: in (the payload, which begins base bytes into the record's value: offsets in slots and
 * reasons count from there) into slots[0 .. reader->n - 1]. resolution must come from two records. False:
 * *why says what is wrong (code, field path, byte offset, text in scratch) and slots are not to be used. A
 * full scratch is TOO_LARGE.
 */
bool decode_record(const struct resolution *resolution, struct weir_bytes in, size_t base,
                   struct weir_arena *scratch, struct slot *slots, struct weir_reason *why);

/*
 * Reads one value of any schema, all of in, and adds the reader's encoding to out. False: *why as in
 * decode_record; its text and path lie in out, to which nothing else was added.
 */
bool decode_any(const struct resolution *resolution, struct weir_bytes in, struct weir_arena *out,
                struct weir_reason *why);

/*
 * Rewrites one value that was already validated, or written by us, from the writer's to the reader's encoding
 * at the end of out (used for reader → output). False: *why; nothing was added to out. All of in must be one
 * value.
 */
bool decode_rewrite(const struct resolution *resolution, struct weir_bytes in, struct weir_arena *out,
                    struct weir_reason *why);

#endif
