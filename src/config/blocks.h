/* Memory that is handed out piecemeal and given back at once: everything that a configuration owns. */
#ifndef WEIR_CONFIG_BLOCKS_H
#define WEIR_CONFIG_BLOCKS_H

#include <stddef.h>

struct block;

/* All zero is an empty list. One thread. */
struct blocks {
    struct block *newest;
};

/* size zeroed bytes, aligned for any type, that live until blocks_release; NULL when memory is short. */
void *blocks_alloc(struct blocks *blocks, size_t size);

/* A copy of len bytes with a NUL behind it; NULL when memory is short. */
char *blocks_text(struct blocks *blocks, const char *data, size_t len);

/* Gives all of it back. The list is empty afterwards and may be used again. */
void blocks_release(struct blocks *blocks);

#endif
