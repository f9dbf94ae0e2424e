/*
 * A transactional producer to a few topics that consumes nothing: what replay writes with. Whoever uses it
 * keeps the state that tells what was done in one of the topics, in the same transactions. So whenever a
 * transaction fails, whatever the reason, the way on is the same: close, open anew (which ends or completes
 * what is open) and read that state again.
 */
#ifndef WEIR_KAFKA_POST_H
#define WEIR_KAFKA_POST_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "weir/err.h"
#include "weir/pipeline.h"
#include "weir/spec.h"

/* Most topics of one. */
#define POST_TOPICS_MAX 8
/* How long opening, a commit or an abort may take. */
#define POST_DEADLINE_MS 30000

struct post_options {
    const struct weir_spec *spec;
    rd_kafka_t *client; /* of admin_open, for questions; outlives the post */
    const char *id;     /* the transactional id: opening fences every other producer of that id */
    const char *const *topics;
    size_t n_topics;
    const _Atomic int *stopping; /* may be NULL; once not 0, opening is given up */
};

struct post_record {
    size_t topic; /* index */
    int32_t partition;
    int64_t timestamp_ms; /* -1: now */
    struct weir_bytes key, value;
    const struct weir_header *headers;
    size_t n_headers;
};

/* One thread. */
struct post;

/*
 * Looks at the topics, makes the producer and runs init_transactions. TOPIC_MISSING, TOPIC_DENIED, DENIED,
 * BROKER_DOWN, CONFIG, KAFKA, NO_MEMORY; TRANSIENT when it is to stop.
 */
enum weir_err_code post_open(const struct post_options *options, struct post **out, struct weir_err *err);
/* A transaction still open is ended by the next post_open of that id, or times out. NULL is fine. */
void post_close(struct post *post);

/* What a topic takes. */
int32_t post_partitions(const struct post *post, size_t topic);
size_t post_max_bytes(const struct post *post, size_t topic);

enum weir_err_code post_begin(struct post *post, struct weir_err *err);
/* Key, value and headers are copied. Fails as fault_of_delivery, or FENCED. */
enum weir_err_code post_send(struct post *post, const struct post_record *record, struct weir_err *err);
/*
 * Commits. FENCED: another producer of the id was opened since, nothing of this transaction is or will be
 * visible. Any other error: unknown.
 */
enum weir_err_code post_commit(struct post *post, struct weir_err *err);
/* Takes back the open transaction. Fails as post_commit. */
enum weir_err_code post_abort(struct post *post, struct weir_err *err);

/*
 * True when a connection was lost since post_begin: then the next transaction needs a new post (a request of
 * the last one that is still on its way could end it; see kafka/txn.h).
 */
bool post_tainted(const struct post *post);

#endif
