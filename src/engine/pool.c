#include "engine/pool.h"

#include <stdlib.h>

struct pool_block {
    struct pool_block *next;
    size_t cap;
    _Alignas(16) uint8_t memory[];
};

void pool_init(struct pool *pool)
{
    *pool = (struct pool){0};
}

static void free_list(struct pool_block *block)
{
    while (block) {
        struct pool_block *next = block->next;
        free(block);
        block = next;
    }
}

void pool_release(struct pool *pool)
{
    free_list(pool->used);
    free_list(pool->spare);
    pool_init(pool);
}

static struct pool_block *take_spare(struct pool *pool, size_t size)
{
    struct pool_block *block = pool->spare;
    if (!block || block->cap < size)
        return NULL;
    pool->spare = block->next;
    return block;
}

static struct pool_block *new_block(struct pool *pool, size_t size)
{
    size_t cap = size > POOL_BLOCK_BYTES ? size : POOL_BLOCK_BYTES;
    struct pool_block *block = malloc(sizeof *block + cap);
    if (!block)
        return NULL;
    block->cap = cap;
    pool->bytes += cap;
    return block;
}

struct weir_arena *pool_arena(struct pool *pool, size_t size)
{
    if (weir_arena_left(&pool->arena) >= size && pool->used)
        return &pool->arena;
    struct pool_block *block = take_spare(pool, size);
    if (!block)
        block = new_block(pool, size);
    if (!block)
        return NULL;
    block->next = pool->used;
    pool->used = block;
    weir_arena_init(&pool->arena, block->memory, block->cap);
    return &pool->arena;
}

void pool_reset(struct pool *pool)
{
    while (pool->used) {
        struct pool_block *block = pool->used;
        pool->used = block->next;
        /* A block made for one huge record is not worth keeping: it would pin its size for ever. */
        if (block->cap > POOL_BLOCK_BYTES || pool->bytes > POOL_KEEP_BYTES) {
            pool->bytes -= block->cap;
            free(block);
        } else {
            block->next = pool->spare;
            pool->spare = block;
        }
    }
    weir_arena_init(&pool->arena, NULL, 0);
}
