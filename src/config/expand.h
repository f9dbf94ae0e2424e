/* ${VAR}, ${VAR:-default}, ${file:PATH} and $$ in scalars. */
#ifndef WEIR_CONFIG_EXPAND_H
#define WEIR_CONFIG_EXPAND_H

#include "config/tree.h"

/* Bytes of a scalar after its expansion. */
#define EXPAND_TEXT_MAX 65536

/*
 * Replaces what stands for something else in a scalar's text and sets its origin; what comes from a file, or
 * from a variable named like a secret, makes it secret. Fails with WEIR_ERR_CONFIG or WEIR_ERR_NO_MEMORY.
 */
enum weir_err_code expand_scalar(const struct reading *reading, struct tree_node *scalar);

#endif
