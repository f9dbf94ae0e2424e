/*
 * The doors between the engine and the world: where records come from, where outcomes go, who knows schemas,
 * and what time it is. src/kafka and src/registry implement them; tests have in-memory twins.
 *
 * A port belongs to one worker: all calls come from its thread.
 */
#ifndef WEIR_ENGINE_PORTS_H
#define WEIR_ENGINE_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/heap.h"
#include "weir/err.h"
#include "weir/pipeline.h"

/* --- the source: records of the partitions that this worker owns, read_committed --- */

struct source_record {
    struct weir_record record; /* borrows from held and from the heap */
    uint32_t epoch;            /* of the assignment that it was fetched under */
    void *held;                /* the source's own; goes back with release */
};

/* A place in the input. The epoch says under which assignment it was valid. */
struct position {
    int32_t partition;
    uint32_t epoch;
    int64_t offset;
};

/* The group membership as it was when a batch was sealed; opaque to the engine. */
struct stamp;

struct source;
struct source_ops {
    /* Joins the group. Once, after the first sink open: that ends a predecessor's transaction, and makes its
     * offsets stable. */
    enum weir_err_code (*start)(struct source *source, struct weir_err *err);
    /*
     * Waits up to timeout_ms for up to max records; header arrays are laid into heap. Rebalances take effect
     * only here: records of partitions that were lost meanwhile are not returned. *n == 0 with WEIR_OK:
     * nothing came. Before start it only waits. Errors: FATAL ones, WAIT ones (topic missing, brokers
     * down) and TRANSIENT (the brokers may be down: look), after which the caller polls on, and
     * MEMBER_EXPIRED, after which it calls rejoin as soon as it can. While it is being found out whether a
     * silent group is to be given up, or where partitions begin, it takes a second or two longer; and for as
     * long as a host's name is looked up when a client for what a dead member left is made or destroyed.
     */
    enum weir_err_code (*poll)(struct source *source, int timeout_ms, size_t max, struct heap *heap,
                               struct source_record *out, size_t *n, struct weir_err *err);
    /*
     * Leaves the client that is of no use any more (poll said MEMBER_EXPIRED, and says it until then) and
     * joins anew; nothing is owned afterwards. Needs: every record was given back. FATAL errors.
     */
    enum weir_err_code (*rejoin)(struct source *source, struct weir_err *err);
    /*
     * Where an owned partition began under its present assignment: at the group's committed offset, or, with
     * *begins true, at where input.start says, since none was committed.
     */
    int64_t (*began)(struct source *source, int32_t partition, bool *begins);
    /* Gives records back; their memory is gone. */
    void (*release)(struct source *source, struct source_record *records, size_t n);
    /* True while the partition is owned under that very assignment. */
    bool (*owns)(struct source *source, int32_t partition, uint32_t epoch);
    /*
     * Asks the group whether another process has our place in it; a place that nobody has is not taken. It
     * must be asked before the next poll, which may join anew and so throw that process out. TRANSIENT when
     * nobody has told within timeout_ms; FATAL errors.
     */
    enum weir_err_code (*taken)(struct source *source, int timeout_ms, bool *taken, struct weir_err *err);
    /* True while we have a place in the group as far as we know: nobody has told yet that it was taken. */
    bool (*placed)(struct source *source);
    /* Goes on from these positions; those no longer owned are passed over. */
    enum weir_err_code (*seek)(struct source *source, const struct position *to, size_t n,
                               struct weir_err *err);
    /* Stops and restarts the fetching of one partition; a partition not owned is passed over. */
    enum weir_err_code (*pause)(struct source *source, int32_t partition, struct weir_err *err);
    enum weir_err_code (*resume)(struct source *source, int32_t partition, struct weir_err *err);
    /* While quiet, poll keeps the membership alive but returns nothing. Ending it goes on where the caller
     * was. */
    enum weir_err_code (*quiet)(struct source *source, bool quiet, struct weir_err *err);
    /*
     * Sets each position's offset to the group's committed one, or to where the partition began when none is
     * committed. WEIR_ERR_TRANSIENT when it could not be learnt within timeout_ms.
     */
    enum weir_err_code (*committed)(struct source *source, struct position *positions, size_t n,
                                    int timeout_ms, struct weir_err *err);
    /* The membership now. The caller frees it. WEIR_ERR_STALE_GENERATION when there is none. */
    enum weir_err_code (*stamp)(struct source *source, struct stamp **out, struct weir_err *err);
    void (*stamp_free)(struct stamp *stamp);
};
struct source {
    const struct source_ops *ops;
};

/* --- the sink: a transactional producer --- */

enum sink_topic { SINK_OUTPUT, SINK_DEAD_LETTER, SINK_JOURNAL, SINK_TOPICS };

/* The topic's name; NULL for the journal of a pipeline that has none. */
static inline const char *ports_topic_name(const struct weir_spec *spec, enum sink_topic topic)
{
    if (topic == SINK_JOURNAL)
        return spec->journal.on == WEIR_ON ? spec->journal.topic : NULL;
    return topic == SINK_OUTPUT ? spec->output.topic : spec->dead_letter.topic;
}

/* What is known of a topic that is written to. */
struct sink_target {
    enum weir_err_code state; /* WEIR_OK, TOPIC_MISSING, TOPIC_DENIED or BROKER_DOWN: not known yet */
    int32_t partitions;
    size_t max_message_bytes; /* the topic's max.message.bytes */
};

struct sink_record {
    enum sink_topic topic;
    int32_t partition;
    int64_t timestamp_ms; /* -1: now */
    struct weir_bytes key, value;
    const struct weir_header *headers;
    size_t n_headers;
};

struct sink;
struct sink_ops {
    /*
     * Makes the producer (anew) and runs init_transactions, which ends what a predecessor left open. Takes
     * about a slice of time and returns WEIR_ERR_TRANSIENT until it is done: call again. Frees all that the
     * former producer still held.
     */
    enum weir_err_code (*open)(struct sink *sink, struct weir_err *err);
    /* True when the next transaction needs a new producer (a connection was lost under the last one). */
    bool (*tainted)(struct sink *sink);
    /* Looks at the topics again; blocks for at most timeout_ms. WEIR_ERR_BROKER_DOWN when nobody answers. */
    enum weir_err_code (*refresh)(struct sink *sink, int timeout_ms, struct weir_err *err);
    /* What is known of a topic since the last refresh; *source_partitions the input topic's count. Of one
     * without a name nothing is known. */
    struct sink_target (*target)(struct sink *sink, enum sink_topic topic);
    int32_t (*source_partitions)(struct sink *sink);
    /* The size that a record takes in its topic, to be compared with max_message_bytes. */
    size_t (*size_of)(const struct sink_record *record);

    enum weir_err_code (*begin)(struct sink *sink, struct weir_err *err);
    /* Hands over one record. key, value and headers must stay valid until commit or abort has succeeded, or
     * open. */
    enum weir_err_code (*send)(struct sink *sink, const struct sink_record *record, struct weir_err *err);
    /*
     * Sends the input's next offsets under the stamp and commits, in slices, until deadline_ms have passed.
     * Errors by class: ABORT_BATCH (call abort), WAIT (call abort, then hold), REBUILD (outcome unknown: call
     * open), FATAL.
     */
    enum weir_err_code (*commit)(struct sink *sink, const struct stamp *stamp, const struct position *next,
                                 size_t n, int64_t deadline_ms, struct weir_err *err);
    enum weir_err_code (*abort)(struct sink *sink, int64_t deadline_ms, struct weir_err *err);
};
struct sink {
    const struct sink_ops *ops;
};

/* --- schemas by what names them --- */

/* A version of a subject: a schema that is as valid as the port. */
struct schemas_version {
    const struct weir_schema *schema;
    uint32_t id;
    int64_t version;
};

struct schemas;
struct schemas_ops {
    /*
     * The schema of a key; *out is valid as long as the port. WEIR_ERR_NOT_FOUND: the registry is well and
     * does not know the key. WEIR_ERR_REGISTRY_DOWN: nothing can be said. WEIR_ERR_SCHEMA_PENDING: it is
     * being looked up, ask again soon. WEIR_ERR_BAD_SCHEMA: it is known, but no schema weir can use.
     */
    enum weir_err_code (*by_key)(struct schemas *schemas, const struct weir_schema_key *key,
                                 const struct weir_schema **out, struct weir_err *err);
    /*
     * A version of a subject, looked up now, however long that takes: by one thread at a time, beside the
     * workers'. Errors of by_key, but for WEIR_ERR_SCHEMA_PENDING. NULL where versions do not change.
     */
    enum weir_err_code (*subject)(struct schemas *schemas, const struct weir_subject_spec *subject,
                                  struct schemas_version *out, struct weir_err *err);
    /*
     * Asked between batches, so cheap: an error that ends the process when what was answered before turned
     * out to be wrong (WEIR_ERR_SCHEMA_CHANGED). NULL where that cannot happen.
     */
    enum weir_err_code (*check)(struct schemas *schemas, struct weir_err *err);
};
struct schemas {
    const struct schemas_ops *ops;
};

/* --- time and chance --- */

struct timer;
struct timer_ops {
    int64_t (*monotonic_ms)(struct timer *timer);
    int64_t (*wall_ms)(struct timer *timer);
    /* A number from 0 to below, for jitter. */
    uint32_t (*random)(struct timer *timer, uint32_t below);
};
struct timer {
    const struct timer_ops *ops;
};

#endif
