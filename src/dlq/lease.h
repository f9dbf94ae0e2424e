/*
 * Who works on the letters of a pipeline: one record of the ledger's topic, renewed with each transaction. It
 * only spares two people from getting into each other's way; that nothing is doubled rests on fencing, for
 * all runs have the same transactional id.
 */
#ifndef WEIR_DLQ_LEASE_H
#define WEIR_DLQ_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dlq/ledger.h"
#include "weir/bytes.h"

/* The key of its record. */
#define LEASE_KEY "lease"
/* A run that has not renewed its lease for so long is taken for dead, and how often it is renewed at least.
 */
#define LEASE_MS       30000
#define LEASE_RENEW_MS 5000

#define LEASE_TEXT_MAX 128

struct lease {
    char run[LEDGER_RUN_MAX];
    char by[LEASE_TEXT_MAX];   /* user@host */
    char host[LEASE_TEXT_MAX]; /* where pid means something */
    char verb[16];
    int64_t pid;
    int64_t since_ms, beat_ms;
    bool held; /* false once the run is over */
};

/* Writes the record's value into text (LEDGER_VALUE_MAX bytes); returns its length. */
size_t lease_print(const struct lease *lease, char *text);

/* False when the value is none; *lease is not held then. */
bool lease_parse(struct weir_bytes value, struct lease *lease);

/*
 * True while the run is taken to be alive: it holds the lease, has renewed it lately, and where it ran on
 * this host, its process is there (alive answers that of a pid).
 */
bool lease_alive(const struct lease *lease, int64_t now_ms, const char *host, bool (*alive)(int64_t pid));

#endif
