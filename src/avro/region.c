#include "avro/region.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bytes in an ordinary chunk; what is larger gets a chunk of its own. */
#define REGION_CHUNK_SIZE 4096

struct region_chunk {
    struct region_chunk *next;
    size_t used, cap;
    alignas(max_align_t) uint8_t bytes[];
};

static struct region_chunk *chunk_add(struct region *region, size_t size)
{
    size_t cap = size > REGION_CHUNK_SIZE ? size : REGION_CHUNK_SIZE;
    struct region_chunk *chunk = calloc(1, sizeof *chunk + cap);
    if (!chunk)
        return NULL;
    chunk->cap = cap;
    chunk->next = region->chunks;
    region->chunks = chunk;
    return chunk;
}

void *region_alloc(struct region *region, size_t size)
{
    const size_t mask = alignof(max_align_t) - 1;
    if (size > SIZE_MAX - mask - sizeof(struct region_chunk))
        return NULL;
    /* Also nothing gets a place of its own, so that NULL always means failure. */
    size_t padded = size == 0 ? mask + 1 : (size + mask) & ~mask;
    struct region_chunk *chunk = region->chunks;
    if (!chunk || padded > chunk->cap - chunk->used)
        chunk = chunk_add(region, padded);
    if (!chunk)
        return NULL;
    void *memory = chunk->bytes + chunk->used;
    chunk->used += padded;
    return memory;
}

char *region_text(struct region *region, struct weir_bytes text)
{
    char *copy = region_alloc(region, text.len + 1);
    if (copy && text.len > 0)
        memcpy(copy, text.data, text.len);
    return copy;
}

char *region_join(struct region *region, const char *a, const char *separator, const char *b)
{
    size_t a_len = strlen(a), separator_len = strlen(separator), b_len = strlen(b);
    char *text = region_alloc(region, a_len + separator_len + b_len + 1);
    if (!text)
        return NULL;
    memcpy(text, a, a_len);
    memcpy(text + a_len, separator, separator_len);
    memcpy(text + a_len + separator_len, b, b_len);
    return text;
}

void region_release(struct region *region)
{
    struct region_chunk *chunk = region->chunks;
    while (chunk) {
        struct region_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    region->chunks = NULL;
}
