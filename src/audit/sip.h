/*
 * SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): a hash of 64 bits that
 * nobody can aim at without the key.
 */
#ifndef WEIR_AUDIT_SIP_H
#define WEIR_AUDIT_SIP_H

#include <stdint.h>

#include "weir/bytes.h"

struct sip_key {
    uint64_t k0, k1;
};

/* Of the bytes; "no value" is hashed as no bytes. Pure; any thread. */
uint64_t sip_hash(const struct sip_key *key, struct weir_bytes bytes);

#endif
