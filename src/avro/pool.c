#include "avro/pool.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bytes in an ordinary chunk; what is larger gets a chunk of its own. */
#define POOL_CHUNK_SIZE 4096

struct pool_chunk {
    struct pool_chunk *next;
    size_t used, cap;
    alignas(max_align_t) uint8_t bytes[];
};

static struct pool_chunk *chunk_add(struct pool *pool, size_t size)
{
    size_t cap = size > POOL_CHUNK_SIZE ? size : POOL_CHUNK_SIZE;
    struct pool_chunk *chunk = calloc(1, sizeof *chunk + cap);
    if (!chunk)
        return NULL;
    chunk->cap = cap;
    chunk->next = pool->chunks;
    pool->chunks = chunk;
    return chunk;
}

void *pool_alloc(struct pool *pool, size_t size)
{
    const size_t mask = alignof(max_align_t) - 1;
    if (size > SIZE_MAX - mask - sizeof(struct pool_chunk))
        return NULL;
    /* Also nothing gets a place of its own, so that NULL always means failure. */
    size_t padded = size == 0 ? mask + 1 : (size + mask) & ~mask;
    struct pool_chunk *chunk = pool->chunks;
    if (!chunk || padded > chunk->cap - chunk->used)
        chunk = chunk_add(pool, padded);
    if (!chunk)
        return NULL;
    void *memory = chunk->bytes + chunk->used;
    chunk->used += padded;
    return memory;
}

char *pool_text(struct pool *pool, struct weir_bytes text)
{
    char *copy = pool_alloc(pool, text.len + 1);
    if (copy && text.len > 0)
        memcpy(copy, text.data, text.len);
    return copy;
}

char *pool_join(struct pool *pool, const char *a, const char *separator, const char *b)
{
    size_t a_len = strlen(a), separator_len = strlen(separator), b_len = strlen(b);
    char *text = pool_alloc(pool, a_len + separator_len + b_len + 1);
    if (!text)
        return NULL;
    memcpy(text, a, a_len);
    memcpy(text + a_len, separator, separator_len);
    memcpy(text + a_len + separator_len, b, b_len);
    return text;
}

void pool_release(struct pool *pool)
{
    struct pool_chunk *chunk = pool->chunks;
    while (chunk) {
        struct pool_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    pool->chunks = NULL;
}
