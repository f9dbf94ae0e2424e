#include "config/blocks.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

/* Room of a usual block; what is larger than that gets a block of its own. */
#define BLOCK_ROOM 8192

struct block {
    struct block *older;
    size_t used, room;
    alignas(max_align_t) unsigned char memory[];
};

static struct block *block_new(struct blocks *blocks, size_t room)
{
    struct block *block = calloc(1, sizeof *block + room);
    if (!block)
        return NULL;
    block->room = room;
    block->older = blocks->newest;
    blocks->newest = block;
    return block;
}

void *blocks_alloc(struct blocks *blocks, size_t size)
{
    size_t rounded = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    if (rounded < size)
        return NULL;
    struct block *block = blocks->newest;
    if (!block || block->room - block->used < rounded)
        block = block_new(blocks, rounded > BLOCK_ROOM ? rounded : BLOCK_ROOM);
    if (!block)
        return NULL;
    void *memory = block->memory + block->used;
    block->used += rounded;
    return memory;
}

char *blocks_text(struct blocks *blocks, const char *data, size_t len)
{
    char *copy = blocks_alloc(blocks, len + 1);
    if (copy)
        memcpy(copy, data, len);
    return copy;
}

void blocks_release(struct blocks *blocks)
{
    while (blocks->newest) {
        struct block *block = blocks->newest;
        blocks->newest = block->older;
        free(block);
    }
}
