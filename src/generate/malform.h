/* Malformed records: one login, one thing wrong with it, and the code that must come of it. Pure. */
#ifndef WEIR_GENERATE_MALFORM_H
#define WEIR_GENERATE_MALFORM_H

#include <stdbool.h>

#include "generate/login.h"
#include "generate/pack.h"
#include "generate/prng.h"
#include "weir/arena.h"
#include "weir/pipeline.h"

enum malform_kind {
#define MALFORM(NAME, name, FORMS, CODE, WHEN, step, meaning) MALFORM_##NAME,
#include "generate/malform.def"
#undef MALFORM
    MALFORM_COUNT
};

/* How deep the field of MALFORM_DEEP is nested: beyond any limit that a reader of logins should have. */
#define MALFORM_DEPTH 512

/* Room that an arena must have for one malformed value. */
#define MALFORM_ROOM (2 * PACK_ROOM + 4 * MALFORM_DEPTH)

/* "truncated" and the like. */
const char *malform_name(enum malform_kind kind);

/* The code that the shipped configuration rejects it with. */
enum weir_code malform_code(enum malform_kind kind);

/* True when the kind exists in Avro, or in JSON. */
bool malform_fits(enum malform_kind kind, bool avro);

/* One of the kinds that fit, each as likely as the others. */
enum malform_kind malform_pick(struct prng *prng, bool avro);

/*
 * Appends the login, malformed: in Avro where pack is given (it must lack no field of a login), in JSON where
 * it is NULL; kind must fit. The arena must have MALFORM_ROOM left. "No value" when memory is short.
 */
struct weir_bytes malform_make(enum malform_kind kind, const struct login *login, struct pack *pack,
                               struct prng *prng, struct weir_arena *out);

#endif
