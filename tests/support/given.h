/* What tests are given: schemas and resolutions that must not fail, and inputs in memory of just their size.
 */
#ifndef WEIR_TESTS_GIVEN_H
#define WEIR_TESTS_GIVEN_H

#include "avro/resolve.h"
#include "weir/arena.h"
#include "weir/pipeline.h"
#include "weir/schema.h"

/* Bytes of a list, for tables. */
#define GIVEN_BYTES(...)                                                                                     \
    {                                                                                                        \
        (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})                               \
    }
#define GIVEN_NOTHING                                                                                        \
    {                                                                                                        \
        (const uint8_t *)"", 0                                                                               \
    }

/* Texts of schemas, with ' for ". */
#define GIVEN_RECORD(fields)             "{'type':'record','name':'r','fields':[" fields "]}"
#define GIVEN_FIELD(name, type)          "{'name':'" name "','type':" type "}"
#define GIVEN_DEFAULT(name, type, value) "{'name':'" name "','type':" type ",'default':" value "}"
#define GIVEN_ENUM(symbols)              "{'type':'enum','name':'e','symbols':[" symbols "]}"
#define GIVEN_ONE(type)                  GIVEN_RECORD(GIVEN_FIELD("f", type))

/* The parsed schema; the test fails with its message when there is none. ' may stand for ". */
struct weir_schema *given_schema(const char *text);

/* A writer's and a reader's schema, resolved. */
struct given_pair {
    struct weir_schema *writer, *reader;
    struct resolution *resolution;
};

struct given_pair given_pair(const char *writer, const char *reader);
void given_pair_free(struct given_pair *pair);

/* A copy of the bytes in memory of just that size, which free() takes, so that the sanitizers see each byte
 * too far. */
struct weir_bytes given_copy(struct weir_bytes bytes);

/* An arena over memory of just that size; given_arena_free gives it back. */
struct weir_arena given_arena(size_t cap);
void given_arena_free(struct weir_arena *arena);

/* Fails the test unless the reason has the code, field, byte offset and a text that contains part. */
void given_reason(const struct weir_reason *why, enum weir_code code, const char *field, int64_t byte_offset,
                  const char *part);

/* The next number of a sequence that the seed decides. */
uint64_t given_random(uint64_t *seed);

#endif
