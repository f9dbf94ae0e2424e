/*
 * Twins of the world behind engine/ports.h, in memory and in virtual time: one cluster (input partitions, a
 * consumer group, output topics, transactional ids, a registry) and the members that work on it. Nothing
 * sleeps: a call that would block moves the clock, and what is planned for that time happens.
 *
 * The cluster keeps the semantics that exactly once rests on: records and offsets become visible together at
 * commit, an aborted transaction leaves nothing, opening a producer ends what its id had open and fences its
 * predecessor, a transaction that is open too long is aborted, a commit under an old generation is refused,
 * offsets of an undecided transaction cannot be read. It judges while it runs (twin_judge.h).
 *
 * What goes wrong is scripted: at the N-th call of an operation, or by a function that is asked at each call.
 * Everything follows from the script and the seed.
 */
#ifndef SUPPORT_TWIN_H
#define SUPPORT_TWIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/ports.h"

#define TWIN_PARTITIONS_MAX 16
#define TWIN_MEMBERS_MAX    4
#define TWIN_SCHEMAS_MAX    256
#define TWIN_SUBJECTS_MAX   4
#define TWIN_EVENTS_MAX     64
#define TWIN_RULES_MAX      32
#define TWIN_NOBODY         (-1)
#define TWIN_DAMAGE_MAX     256
/* Bytes of a fingerprint's text. */
#define TWIN_PRINT 33

/* What a call into the real thing takes when nobody answers, and when somebody does. */
#define TWIN_SLICE_MS  2000
#define TWIN_COMMIT_MS 5
/* How long a member that has lost its place may not know it. */
#define TWIN_NOTICE_MS 3000

/* --- faults --- */

enum twin_op {
    TWIN_START,
    TWIN_POLL,
    TWIN_REJOIN,
    TWIN_SEEK,
    TWIN_PAUSE,
    TWIN_RESUME,
    TWIN_QUIET,
    TWIN_COMMITTED,
    TWIN_STAMP,
    TWIN_TAKEN,
    TWIN_OPEN,
    TWIN_REFRESH,
    TWIN_BEGIN,
    TWIN_SEND,
    TWIN_COMMIT,
    TWIN_ABORT,
    TWIN_BY_KEY,
    TWIN_SUBJECT,
    TWIN_CHECK,
    TWIN_OPS
};

/* What really happened behind a call that failed. */
enum twin_fate {
    TWIN_UNDONE, /* nothing: a transaction stays open until it is aborted, opened over or times out */
    TWIN_DONE,   /* all of it, but the answer was lost (commit, abort, open); records come with it (poll) */
    TWIN_LATE    /* commit: decided, but it takes effect only later (late_ms), when the id is opened again or
                  * when it times out */
};

struct twin_fault {
    enum weir_err_code code; /* WEIR_OK: the call goes well, but took_ms counts all the same */
    const char *text;        /* NULL: the code's name */
    enum twin_fate fate;
    int64_t took_ms; /* how long the call took; 0 with an error: as long as its contract allows */
    bool taints;     /* a connection was lost meanwhile: the next transaction needs a new producer */
};

struct twin_member;
/* Asked at each call of a port. */
typedef struct twin_fault (*twin_decide)(void *context, struct twin_member *member, enum twin_op op);

/* --- the cluster --- */

struct twin_input {
    int64_t offset, timestamp_ms;
    struct weir_bytes key, value; /* owned */
    struct weir_header *headers;  /* owned, with their values; names are borrowed from the test */
    size_t n_headers;
    enum weir_verdict expect;
    enum weir_code code; /* expected, for REJECT */
    bool given;          /* the verdict is not told by the bytes; set where the code alone does not say so */
    unsigned outcomes;   /* visible ones */
};

struct twin_partition {
    struct twin_input *records;
    size_t n, cap;
    int64_t start;     /* where a partition without committed offset begins */
    int64_t end;       /* offset of the next record */
    int64_t committed; /* -1: none */
    int64_t journaled; /* how far the journal is in the transaction that takes effect; -1: says nothing */
    int owner;         /* member, or TWIN_NOBODY */
};

/* A record that read_committed readers see; owned copies. */
struct twin_output {
    struct sink_record record;
    int32_t source_partition;
    int64_t source_offset;
};

enum twin_state { TWIN_IDLE, TWIN_OPENED, TWIN_DECIDED };

/* A transactional id as its coordinator knows it. */
struct twin_txn {
    enum twin_state state;
    uint32_t epoch;
    uint32_t process; /* that opened it last; 0: none of the twins */
    int64_t begun_ms;
    int64_t effect_ms;           /* when a decided one takes effect by itself; 0: it does not */
    struct sink_record *records; /* copies, from commit on */
    size_t n_records;
    struct position offsets[TWIN_PARTITIONS_MAX];
    size_t n_offsets; /* from the moment on that they were sent */
};

/* Plans and texts that the journal holds, by their fingerprints. */
struct twin_texts {
    char (*prints)[TWIN_PRINT];
    size_t n, cap;
    char *parts; /* of the text that is not whole yet */
    size_t len;
};

struct twin_schema {
    uint32_t id;
    const struct weir_schema *schema; /* NULL: known, but no schema that can be used */
};

/* A subject and its latest version; schema NULL: a schema that cannot be used. */
struct twin_subject {
    const char *name; /* borrowed */
    struct schemas_version latest;
};

/* What may arrive twice where a commit lost its connection, as bits; see twin_sink.c. */
#define TWIN_LINGERS_END     1U
#define TWIN_LINGERS_OFFSETS 2U

struct twin_event {
    int64_t at_ms;
    void (*happen)(void *context);
    void *context;
};

struct twin_world {
    int64_t now_ms;
    int64_t wall_offset_ms; /* wall clock less now */
    uint64_t seed;
    struct twin_event events[TWIN_EVENTS_MAX];
    size_t n_events;

    struct twin_partition partitions[TWIN_PARTITIONS_MAX];
    int32_t n_partitions;
    bool input_missing;
    uint32_t generation;
    unsigned requests_linger; /* TWIN_LINGERS_*: what of a commit arrives once more in the next one */
    bool joins_unseen; /* clients follow the group without a poll, so that a stamp that is taken within a
                        * transaction is of this very moment */
    int64_t late_ms;   /* TWIN_LATE takes effect within that time; 0: not by itself */
    int64_t succeeded_ms[TWIN_MEMBERS_MAX]; /* when another process took the member's place; 0: never */
    /* Which process has the place of each identity in the group, since when, and which had it before; 0:
     * none.
     */
    uint32_t place[TWIN_MEMBERS_MAX];
    int64_t placed_ms[TWIN_MEMBERS_MAX];
    uint32_t processes; /* that there were */

    /* How a simulator drives many members at once; NULL: a call that blocks moves the clock. */
    void (*wait)(void *context, struct twin_member *member, int64_t ms);
    /* Asked in the middle of a call, between two of its effects; it may wait, and need not return. */
    void (*moment)(void *context, struct twin_member *member, enum twin_op op);
    void (*join)(void *context, int member); /* an identity has come (back) to the group */
    void *context;

    struct sink_target topics[SINK_TOPICS];
    struct twin_output *visible;
    size_t n_visible, cap_visible;
    struct twin_txn txns[TWIN_MEMBERS_MAX];
    int64_t transaction_timeout_ms;
    struct twin_texts texts; /* plans and texts in the journal */
    int64_t last_order[SINK_TOPICS][TWIN_PARTITIONS_MAX][TWIN_PARTITIONS_MAX];

    struct twin_schema schemas[TWIN_SCHEMAS_MAX];
    size_t n_schemas;
    struct twin_subject subjects[TWIN_SUBJECTS_MAX];
    size_t n_subjects;
    bool registry_down;

    bool brokers_down;
    bool has_journal; /* what is committed must be written down */
    int n_members;
    char damage[TWIN_DAMAGE_MAX]; /* the first breach of a promise; empty: none */
};

/* A cluster with so many empty input partitions and both topics, of as many partitions, in good order. */
void twin_world_init(struct twin_world *world, int32_t n_partitions, uint64_t seed);
void twin_world_release(struct twin_world *world);

/* Moves the clock, and lets what is planned until then happen at its time. */
void twin_advance(struct twin_world *world, int64_t ms);
/* Plans something for now + in_ms. */
void twin_after(struct twin_world *world, int64_t in_ms, void (*happen)(void *context), void *context);
/* A member's call blocks for so long. */
void twin_wait(struct twin_member *member, int64_t ms);
/* A member's call is between two of its effects. */
void twin_moment(struct twin_member *member, enum twin_op op);
/* A number from 0 to below. */
uint32_t twin_random(struct twin_world *world, uint32_t below);

/*
 * Appends a record to an input partition and returns it, to be changed by the caller where it should be other
 * than: PASS expected, the present time, no headers. Its key is its identity: "partition:offset". Valid until
 * the next call.
 */
struct twin_input *twin_produce(struct twin_world *world, int32_t partition, struct weir_bytes value);
/* Copies headers into a record. */
void twin_set_headers(struct twin_input *input, const struct weir_header *headers, size_t n);
/* Leaves a gap of n offsets, as transaction markers and aborted records do. */
void twin_gap(struct twin_world *world, int32_t partition, int64_t n);

/* A new generation of the group: owners[p] is the member that gets partition p. Members notice at their poll.
 */
void twin_rebalance(struct twin_world *world, const int *owners);
/* All partitions to one member, or to nobody. */
void twin_assign_all(struct twin_world *world, int owner);
/* Another process of the group, unseen by the twins, does a partition up to offset and commits that. */
void twin_done_by_another(struct twin_world *world, int32_t partition, int64_t offset);
/* Another process opens a producer with the transactional id of a member. */
void twin_fence(struct twin_world *world, int member);
/* The group has not heard of an identity for too long: nobody has its place any more. The caller rebalances.
 */
void twin_expel(struct twin_world *world, int member);
/* Another process takes over all of the member's identity: producer and place in the group. */
void twin_succeed(struct twin_world *world, int member);

void twin_add_schema(struct twin_world *world, uint32_t id, const struct weir_schema *schema);
/* Registers a version of a subject, which is the latest from now on; its id is the version's. */
void twin_register(struct twin_world *world, const char *subject, int64_t version,
                   const struct weir_schema *schema);

/* --- a member: the ports of one worker --- */

struct twin_rule {
    enum twin_op op;
    uint64_t from, until; /* calls, counted from 0 */
    struct twin_fault fault;
};

struct twin_part {
    bool owned;
    bool begun;  /* its offset is looked up */
    bool begins; /* and there was none */
    bool paused;
    uint32_t epoch;
    int64_t start, next;
};

struct twin_borrowed {
    struct sink_record record;
    uint64_t hash;
};

struct twin_member {
    struct source source;
    struct sink sink;
    struct schemas schemas;
    struct timer timer;
    struct twin_world *world;
    int index;
    uint64_t calls[TWIN_OPS];
    struct twin_rule rules[TWIN_RULES_MAX];
    size_t n_rules;
    twin_decide decide; /* NULL: rules alone */
    void *context;

    uint32_t process; /* tells it from others of the same identity, earlier and later ones */
    bool started, quiet, told_down;
    bool joined;         /* it has had its place in the group */
    bool fenced;         /* a call said so, and whose doing it is was not asked since */
    uint32_t generation; /* that it has noticed */
    uint32_t epoch;
    struct twin_part parts[TWIN_PARTITIONS_MAX];
    int32_t turn;       /* partition whose records come first in the next poll */
    size_t chunk;       /* most records of one partition in one poll */
    bool expired;       /* the group has timed it out; only rejoin helps */
    size_t outstanding; /* records handed out and not yet back */

    const _Atomic int *stopping; /* what ends a commit early, as in the real sink; NULL: nothing */
    int64_t stop_ms;             /* how long it goes on then */
    bool opened, in_txn, taint;
    unsigned lingering; /* TWIN_LINGERS_*, of the epoch late_epoch, which arrive in the next commit */
    uint32_t late_epoch, late_generation;
    struct position late_offsets[TWIN_PARTITIONS_MAX];
    size_t n_late_offsets;
    uint32_t producer_epoch;
    struct sink_target targets[SINK_TOPICS]; /* as the last refresh found them */
    int32_t source_partitions;
    struct twin_borrowed *borrowed;
    size_t n_borrowed, cap_borrowed;
};

/* Joins the world as its next member. */
void twin_member_init(struct twin_member *member, struct twin_world *world);
/* Another process of an identity that is there already. */
void twin_member_rival(struct twin_member *member, struct twin_world *world, int index);
/* A new process takes the member's place: the same identity, nothing remembered, no script. The former loop
 * must be released. */
void twin_member_restart(struct twin_member *member);
/* The producer goes; an open transaction stays open at its coordinator, as after a crash. */
void twin_close_sink(struct twin_member *member);
/* Everything goes. All records must be back. */
void twin_member_release(struct twin_member *member);

/* The nth (from 1 on) call of op from now on, and times - 1 calls behind it, meet this fault. */
void twin_script(struct twin_member *member, enum twin_op op, uint64_t nth, uint64_t times,
                 struct twin_fault fault);
const char *twin_op_name(enum twin_op op);

/* --- between the files of the twin --- */

/* Counts the call and says what is to become of it; *err is filled when it fails. */
struct twin_fault twin_call(struct twin_member *member, enum twin_op op, struct weir_err *err);
/* True while the partition's committed offset cannot be read. */
bool twin_unstable(const struct twin_world *world, int32_t partition);
/* Ends whatever a transactional id has open: a decided one takes effect, another leaves nothing. */
void twin_end_txn(struct twin_world *world, struct twin_txn *txn);
/* The transaction takes effect now. */
void twin_apply(struct twin_world *world, struct twin_txn *txn);
/* What the group has against a stamp: STALE_GENERATION when it has moved on since, DUPLICATE_IDENTITY when
 * another process has the place. */
enum weir_err_code twin_stale(const struct twin_world *world, const struct stamp *stamp);
/* True when another process has the member's place in the group. */
bool twin_replaced(const struct twin_member *member);
/* The index of the partition's first record from that offset on. */
size_t twin_index_from(const struct twin_partition *at, int64_t offset);
/* True when one of the records that the sink borrows lies there. */
bool twin_borrows(const struct twin_member *member, const void *begin, size_t size);

extern const struct source_ops twin_source_ops;
extern const struct sink_ops twin_sink_ops;

#endif
