/*
 * What retention took of a topic that weir writes. Records of an input partition stand in a partition of it
 * in the order of their source's offsets, so whatever belongs before the first that is left has gone, or may
 * have.
 */
#ifndef WEIR_AUDIT_EXPIRY_H
#define WEIR_AUDIT_EXPIRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct expiry {
    int64_t *first; /* by (input partition, partition): the source's offset of the first record met; -1 */
    bool *cut;      /* by partition: its beginning is gone */
    int32_t n_input, n;
    bool any; /* of any partition */
};

/* False when memory is short. Released with expiry_release. */
bool expiry_init(struct expiry *expiry, int32_t n_input, int32_t n);
void expiry_release(struct expiry *expiry);

/* The beginning of that partition is gone. */
void expiry_cut(struct expiry *expiry, int32_t partition);

/* A record of that source was met, in the order of its partition. */
void expiry_meet(struct expiry *expiry, int32_t input, int64_t offset, int32_t partition);

/* True where a record of that source in that partition may be gone. After all were met. */
bool expiry_took(const struct expiry *expiry, int32_t input, int64_t offset, int32_t partition);

#endif
