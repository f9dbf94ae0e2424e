/* A record's value made readable: decoded by the schema that wrote it, with the masked fields hidden. */
#ifndef WEIR_DLQ_PAYLOAD_H
#define WEIR_DLQ_PAYLOAD_H

#include <jansson.h>

#include "registry/registry.h"
#include "weir/bytes.h"
#include "weir/spec.h"

/* What a masked value is shown as. */
#define PAYLOAD_MASKED "***"
/* Longest value that is decoded. */
#define PAYLOAD_MAX ((size_t)32 * 1024 * 1024)

/*
 * A record's value as JSON, for the caller to json_decref; NULL where it cannot be decoded, and *err says why
 * (NOT_FOUND, BAD_SCHEMA, REGISTRY_DOWN, INCOMPATIBLE: the bytes are not of the schema, NO_MEMORY). mask:
 * names of fields with commas or spaces in between, or NULL.
 */
json_t *payload_decode(struct registry *registry, enum weir_format format, const struct weir_record *record,
                       const char *mask, struct weir_err *err);

/* Hides the values of the fields of those names wherever they stand in the tree. */
void payload_mask(json_t *tree, const char *mask);

/* True when the list of names has this one. mask may be NULL. */
bool payload_is_masked(const char *mask, struct weir_bytes name);

/* True when the list names any field on a path ("user.ips[3]"). mask may be NULL. */
bool payload_hides(const char *mask, struct weir_bytes path);

#endif
