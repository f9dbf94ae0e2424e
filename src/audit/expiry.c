#include "audit/expiry.h"

#include <stdlib.h>

bool expiry_init(struct expiry *expiry, int32_t n_input, int32_t n)
{
    size_t pairs = (size_t)n_input * (size_t)n;
    *expiry = (struct expiry){.n_input = n_input, .n = n};
    expiry->first = malloc((pairs ? pairs : 1) * sizeof *expiry->first);
    expiry->cut = calloc(n > 0 ? (size_t)n : 1, sizeof *expiry->cut);
    for (size_t i = 0; expiry->first && i < pairs; i++)
        expiry->first[i] = -1;
    return expiry->first && expiry->cut;
}

void expiry_release(struct expiry *expiry)
{
    free(expiry->first);
    free(expiry->cut);
    *expiry = (struct expiry){.first = NULL};
}

void expiry_cut(struct expiry *expiry, int32_t partition)
{
    expiry->cut[partition] = expiry->any = true;
}

static int64_t *first_of(const struct expiry *expiry, int32_t input, int32_t partition)
{
    return &expiry->first[(size_t)input * (size_t)expiry->n + (size_t)partition];
}

void expiry_meet(struct expiry *expiry, int32_t input, int64_t offset, int32_t partition)
{
    if (input >= expiry->n_input || partition >= expiry->n)
        return;
    int64_t *first = first_of(expiry, input, partition);
    if (*first < 0)
        *first = offset;
}

bool expiry_took(const struct expiry *expiry, int32_t input, int64_t offset, int32_t partition)
{
    if (input >= expiry->n_input || partition >= expiry->n || !expiry->cut[partition])
        return false;
    int64_t first = *first_of(expiry, input, partition);
    return first < 0 || offset < first;
}
