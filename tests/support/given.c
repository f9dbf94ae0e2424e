#include "support/given.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct weir_schema *given_schema(const char *text)
{
    struct weir_schema *schema = NULL;
    struct weir_err err = {WEIR_OK, ""};
    struct weir_bytes quoted = given_copy(weir_bytes_of(text));
    for (size_t i = 0; i < quoted.len; i++)
        if (text[i] == '\'')
            ((uint8_t *)(uintptr_t)quoted.data)[i] = '"';
    if (weir_schema_parse(quoted, &schema, &err) != WEIR_OK)
        fail_msg("%s: %s", text, err.text);
    free((void *)(uintptr_t)quoted.data);
    return schema;
}

struct given_pair given_pair(const char *writer, const char *reader)
{
    struct given_pair pair = {given_schema(writer), given_schema(reader), NULL};
    struct weir_err err = {WEIR_OK, ""};
    if (resolve_new(pair.writer->root, pair.reader->root, &pair.resolution, &err) != WEIR_OK)
        fail_msg("%s -> %s: %s", writer, reader, err.text);
    return pair;
}

void given_pair_free(struct given_pair *pair)
{
    resolve_free(pair->resolution);
    weir_schema_free(pair->writer);
    weir_schema_free(pair->reader);
}

struct weir_bytes given_copy(struct weir_bytes bytes)
{
    uint8_t *copy = malloc(bytes.len ? bytes.len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes.data, bytes.len);
    return (struct weir_bytes){copy, bytes.len};
}

struct weir_arena given_arena(size_t cap)
{
    struct weir_arena arena;
    void *memory = malloc(cap ? cap : 1);
    assert_non_null(memory);
    weir_arena_init(&arena, memory, cap);
    return arena;
}

void given_arena_free(struct weir_arena *arena)
{
    free(arena->base);
}

void given_reason(const struct weir_reason *why, enum weir_code code, const char *field, int64_t byte_offset,
                  const char *part)
{
    char text[WEIR_REASON_TEXT_MAX + 1] = "";
    assert_true(why->code != WEIR_CODE_NONE && why->text.len <= WEIR_REASON_TEXT_MAX);
    if (why->text.len > 0)
        memcpy(text, why->text.data, why->text.len);
    bool same_field = field && why->field ? strcmp(field, why->field) == 0 : field == why->field;
    if (why->code != code || !same_field || why->byte_offset != byte_offset || !strstr(text, part) ||
        why->rule)
        fail_msg("expected %d at %s, byte %lld, '%s'; got %d at %s, byte %lld, '%s'", (int)code,
                 field ? field : "-", (long long)byte_offset, part, (int)why->code,
                 why->field ? why->field : "-", (long long)why->byte_offset, text);
}

/* splitmix64 */
uint64_t given_random(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}
