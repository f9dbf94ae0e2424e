/* What the fuzz targets share. A target ends the process when something does not hold. */
#ifndef WEIR_TESTS_FUZZ_H
#define WEIR_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "weir/arena.h"
#include "weir/schema.h"

/* libFuzzer's door, or replay.c's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Unlike assert, also in a release build. */
#define FUZZ_HOLDS(condition)                                                                                \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            abort();                                                                                         \
    } while (0)

/* The schema of a text that has ' for ". */
static inline struct weir_schema *fuzz_schema(const char *text)
{
    char quoted[4096];
    struct weir_schema *schema = NULL;
    struct weir_err err;
    size_t len = strlen(text);
    FUZZ_HOLDS(len < sizeof quoted);
    for (size_t i = 0; i <= len; i++)
        quoted[i] = text[i] == '\'' ? '"' : text[i];
    FUZZ_HOLDS(weir_schema_parse(weir_bytes_of(quoted), &schema, &err) == WEIR_OK);
    return schema;
}

/* An arena over memory of just that size, whose base free() takes. */
static inline struct weir_arena fuzz_arena(size_t cap)
{
    struct weir_arena arena;
    weir_arena_init(&arena, malloc(cap), cap);
    FUZZ_HOLDS(arena.base);
    return arena;
}

#endif
