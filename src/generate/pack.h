/* A login as a record's value: plain JSON, or Confluent wire format (00, schema id, Avro binary). */
#ifndef WEIR_GENERATE_PACK_H
#define WEIR_GENERATE_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "generate/login.h"
#include "weir/arena.h"
#include "weir/bytes.h"
#include "weir/err.h"

/* Room that an arena must have for one value without the extra of its shape. */
#define PACK_ROOM 1024

/* How the JSON of a login differs from the plain one. */
struct pack_shape {
    unsigned without; /* bit f: field f is left out */
    unsigned bare;    /* bit f: instead of its text, field f has bare_text, unquoted */
    const char *bare_text;
    const char *extra; /* one more member ("\"a\": 1") at the end, or NULL */
};

/*
 * Appends the login as a JSON object in one line, spaced as Python's json.dumps does. Texts are not escaped:
 * what a login holds needs none, and what the malformed ones hold shall arrive as it is. The arena must have
 * PACK_ROOM and the extra's length left.
 */
struct weir_bytes pack_json(const struct login *login, const struct pack_shape *shape,
                            struct weir_arena *out);

/* A writer schema with its id. One thread. */
struct pack;

/*
 * Opens a schema whose fields are those of a login, as text, or nullable. Fields of a login may be lacking.
 * Fails with WEIR_ERR_BAD_SCHEMA or WEIR_ERR_NO_MEMORY. The caller closes it; schema need not live on.
 */
enum weir_err_code pack_open(struct weir_bytes schema, uint32_t id, struct pack **out, struct weir_err *err);

/* NULL is fine. */
void pack_close(struct pack *pack);

/* Bit f: the schema lacks field f of a login. */
unsigned pack_without(const struct pack *pack);

/*
 * Appends the login in wire format. starts[f] is where the length of field f stands in the value; for a
 * field that the schema lacks it is left alone. The arena must have PACK_ROOM left. "No value" when memory is
 * short.
 */
struct weir_bytes pack_avro(struct pack *pack, const struct login *login, struct weir_arena *out,
                            size_t starts[LOGIN_FIELDS]);

#endif
