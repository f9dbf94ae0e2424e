/*
 * A run that changes something: it holds the lease, has fenced every other run, and knows the ledger as it
 * is. What is done to a letter and what the ledger says of it go into one transaction.
 *
 * When a transaction fails, whatever the reason, session_reopen reads the ledger again: it tells what was
 * done.
 */
#ifndef WEIR_DLQ_SESSION_H
#define WEIR_DLQ_SESSION_H

#include "dlq/lease.h"
#include "kafka/post.h"

/* Topics of a session: the ledger's and the audit's, then those of the caller. */
enum session_topic { SESSION_LEDGER, SESSION_AUDIT, SESSION_TARGETS };
#define SESSION_TARGETS_MAX 2
/* How often a run goes on after a failed transaction. */
#define SESSION_REOPENS_MAX 5

/* Longest value of an audit record. */
#define SESSION_AUDIT_MAX 8192

struct session_options {
    const struct weir_spec *spec;
    rd_kafka_t *client;
    const char *verb, *by, *host, *reason, *filter; /* reason and filter may be NULL */
    int64_t pid;
    uint64_t seed; /* of the run's name */
    bool take_over;
    const char *targets[SESSION_TARGETS_MAX];
    size_t n_targets;
    const _Atomic int *stopping;
    bool (*alive)(int64_t pid);
    /* Called at named steps; NULL. For tests that stop a run there. */
    void (*step)(const char *name);
};

/* What a run has done, for its summary and the audit. */
struct session_counts {
    uint64_t replayed, failed, parked, discarded, skipped, imported;
};

/* One thread. */
struct session;

/*
 * Whether a run could work: TOPIC_MISSING names all topics that are missing and how to make them; CONFIG when
 * the ledger's is not compacted; BROKER_DOWN.
 */
enum weir_err_code session_check(const struct session_options *options, struct weir_err *err);

/*
 * DUPLICATE_IDENTITY when another run is alive and take_over is not set; else as session_check, post_open and
 * range_open.
 */
enum weir_err_code session_open(const struct session_options *options, struct session **out,
                                struct weir_err *err);
/*
 * Gives the lease back and writes the audit record, when the run still holds it. outcome: "done", "stopped",
 * "failed: …". Frees the session whatever happens.
 */
enum weir_err_code session_close(struct session *session, const char *outcome,
                                 const struct session_counts *counts, struct weir_err *err);

/* After a failed transaction: a new producer, the ledger anew. DUPLICATE_IDENTITY: another run has taken
 * over. */
enum weir_err_code session_reopen(struct session *session, struct weir_err *err);

/* True for a failure that session_reopen may mend. */
bool session_mends(enum weir_err_code code);

/* Stays where it is until session_close; session_reopen, and a transaction that begins after a connection was
 * lost, read it again. */
const struct ledger *session_ledger(const struct session *session);
const struct post *session_post(const struct session *session);
const char *session_run(const struct session *session);

/* True when this run has already changed the letter. */
bool session_touched(const struct session *session, const struct letter_place *place);

/* How many letters this run has changed, by the state that they have now. */
void session_tally(const struct session *session, uint64_t by_state[LEDGER_STATES]);

/* A transaction is begun by the first of these, and stays open until session_commit. */
enum weir_err_code session_send(struct session *session, const struct post_record *record,
                                struct weir_err *err);
/* The letter's entry becomes this; change and at_ms are filled in. target, code: see struct ledger_note. */
enum weir_err_code session_mark(struct session *session, const struct letter_place *place,
                                struct ledger_entry entry, const char *target, const char *code,
                                struct weir_err *err);
/* Commits what is open, the lease renewed in it. Errors: session_reopen, or end. */
enum weir_err_code session_commit(struct session *session, struct weir_err *err);
/* Renews the lease where that is due and nothing is open. */
enum weir_err_code session_renew(struct session *session, struct weir_err *err);
/* Takes back what is open, so that the session can be closed. The letters marked in it count as touched. */
enum weir_err_code session_abandon(struct session *session, struct weir_err *err);

/* Reads the ledger without changing anything, as it is committed now; an empty one when there is no topic. */
enum weir_err_code session_peek(const struct weir_spec *spec, rd_kafka_t *client, struct ledger **out,
                                struct weir_err *err);

#endif
