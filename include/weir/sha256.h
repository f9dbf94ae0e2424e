/* SHA-256 (FIPS 180-4), for fingerprints of texts. Not meant for secrets: it takes no care of timing. */
#ifndef WEIR_SHA256_H
#define WEIR_SHA256_H

#include <stdint.h>

#include "weir/bytes.h"

#define WEIR_SHA256_BYTES 32

/* The digest of the bytes; "no value" is as empty. Pure; any thread. */
void weir_sha256(struct weir_bytes bytes, uint8_t digest[WEIR_SHA256_BYTES]);

#endif
