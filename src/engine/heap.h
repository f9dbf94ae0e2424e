/*
 * The memory of one batch: pieces are handed out until the batch is done, then all are taken back at once.
 * Blocks are kept for the next batch, so a steady load allocates nothing.
 */
#ifndef WEIR_ENGINE_HEAP_H
#define WEIR_ENGINE_HEAP_H

#include <stddef.h>

#include "weir/arena.h"

/* Size of a block; a larger request gets a block of its own. */
#define HEAP_BLOCK_BYTES ((size_t)4 * 1024 * 1024)
/* How much is kept when a batch is done; the rest goes back to the system. */
#define HEAP_KEEP_BYTES ((size_t)64 * 1024 * 1024)

struct heap_block;

struct heap {
    struct heap_block *used;  /* newest first; the first is being filled */
    struct heap_block *spare; /* waiting for the next batch */
    struct weir_arena arena;  /* over the rest of the first used block */
    size_t bytes;             /* of all blocks, used and spare */
};

void heap_init(struct heap *heap);
void heap_release(struct heap *heap);

/*
 * An arena with at least size bytes left, whose pieces live until heap_reset; NULL when memory is short.
 * Valid until the next call: ask again for each record.
 */
struct weir_arena *heap_arena(struct heap *heap, size_t size);

/* Takes everything back. */
void heap_reset(struct heap *heap);

#endif
