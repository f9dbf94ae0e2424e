#include "engine/heap.h"

#include <stdlib.h>

struct heap_block {
    struct heap_block *next;
    size_t cap;
    _Alignas(16) uint8_t memory[];
};

void heap_init(struct heap *heap)
{
    *heap = (struct heap){0};
}

static void free_list(struct heap_block *block)
{
    while (block) {
        struct heap_block *next = block->next;
        free(block);
        block = next;
    }
}

void heap_release(struct heap *heap)
{
    free_list(heap->used);
    free_list(heap->spare);
    heap_init(heap);
}

static struct heap_block *take_spare(struct heap *heap, size_t size)
{
    struct heap_block *block = heap->spare;
    if (!block || block->cap < size)
        return NULL;
    heap->spare = block->next;
    return block;
}

static struct heap_block *new_block(struct heap *heap, size_t size)
{
    size_t cap = size > HEAP_BLOCK_BYTES ? size : HEAP_BLOCK_BYTES;
    struct heap_block *block = malloc(sizeof *block + cap);
    if (!block)
        return NULL;
    block->cap = cap;
    heap->bytes += cap;
    return block;
}

struct weir_arena *heap_arena(struct heap *heap, size_t size)
{
    if (weir_arena_left(&heap->arena) >= size && heap->used)
        return &heap->arena;
    struct heap_block *block = take_spare(heap, size);
    if (!block)
        block = new_block(heap, size);
    if (!block)
        return NULL;
    block->next = heap->used;
    heap->used = block;
    weir_arena_init(&heap->arena, block->memory, block->cap);
    return &heap->arena;
}

void heap_reset(struct heap *heap)
{
    while (heap->used) {
        struct heap_block *block = heap->used;
        heap->used = block->next;
        /* A block made for one huge record is not worth keeping: it would pin its size for ever. */
        if (block->cap > HEAP_BLOCK_BYTES || heap->bytes > HEAP_KEEP_BYTES) {
            heap->bytes -= block->cap;
            free(block);
        } else {
            block->next = heap->spare;
            heap->spare = block;
        }
    }
    weir_arena_init(&heap->arena, NULL, 0);
}
