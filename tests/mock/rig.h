/*
 * One worker against librdkafka's mock cluster: the real source, sink and loop, with a spy on both ports and
 * a judge. The mock has no isolation and ignores the offsets of transactions, so the rig does the broker's
 * part: what a committed transaction held becomes final, and its offsets are committed for the group.
 *
 * Everything runs on the test's thread; failures are cmocka's.
 */
#ifndef WEIR_TESTS_MOCK_RIG_H
#define WEIR_TESTS_MOCK_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "engine/loop.h"
#include "kafka/conf.h"
#include "kafka/watchdog.h"

/* The mock's requests by number (Kafka protocol, "API keys"). */
enum rig_api {
    RIG_PRODUCE = 0,
    RIG_FETCH = 1,
    RIG_LIST_OFFSETS = 2,
    RIG_METADATA = 3,
    RIG_OFFSET_FETCH = 9,
    RIG_FIND_COORDINATOR = 10,
    RIG_JOIN_GROUP = 11,
    RIG_HEARTBEAT = 12,
    RIG_LEAVE_GROUP = 13,
    RIG_INIT_PRODUCER_ID = 22,
    RIG_ADD_PARTITIONS = 24,
    RIG_ADD_OFFSETS = 25,
    RIG_END_TXN = 26,
    RIG_TXN_OFFSET_COMMIT = 28
};

/* Who is who in the cluster after rig_place. */
enum rig_broker { RIG_BROKER_TXN = 1, RIG_BROKER_GROUP = 2, RIG_BROKER_TOPICS = 3, RIG_BROKERS = 3 };

#define RIG_GROUP      "pipe"
#define RIG_INPUT      "input"
#define RIG_OUTPUT     "output"
#define RIG_DLQ        "output-dlq"
#define RIG_PARTITIONS 2
/* Most processes of a group, and most tests of one. */
#define RIG_PROCESSES_MAX 8
#define RIG_TESTS_MAX     64
/* Most records that a test puts into one partition. */
#define RIG_RECORDS_MAX    4096
#define RIG_PROPERTIES_MAX 12
/* No test waits longer for anything, however slow the machine. */
#define RIG_PATIENCE_MS 60000

/* What became of the records of one partition, by their number there. */
struct rig_tally {
    int filled;                  /* records written to the input */
    int finals;                  /* records whose outcome is final, in the order they became so */
    int final[RIG_RECORDS_MAX];  /* their numbers */
    int open;                    /* of the open transaction */
    int opened[RIG_RECORDS_MAX]; /* their numbers */
    int handed[RIG_RECORDS_MAX]; /* how often the source handed out the record */
    int64_t first_handed;        /* offset of the first record that the source handed out, -1: none */
    int64_t last_handed;         /* and of the last */
    int64_t committed;           /* the group's offset as the rig committed it, -1: not yet */
};

/* What the sink was asked for and said. */
struct rig_sink_log {
    int opens;
    int begins;
    int commits[WEIR_ERR_COUNT]; /* by result */
    int aborts[WEIR_ERR_COUNT];  /* by result */
    int sends[WEIR_ERR_COUNT];   /* by result */
    struct weir_err last;        /* the last error */
};

struct rig;

struct rig_spy_source {
    struct source base;
    struct source *inner;
    struct rig *rig;
};

struct rig_spy_sink {
    struct sink base;
    struct sink *inner;
    struct rig *rig;
};

struct rig_timer {
    struct timer base;
    int64_t skew_ms; /* the loop's clock is so much ahead of the machine's */
};

struct rig {
    bool succeeded; /* what the group says when it is asked: another process has our place */
    rd_kafka_t *host;
    rd_kafka_mock_cluster_t *cluster;
    rd_kafka_t *writer;
    rd_kafka_t *client; /* of rig_start: asks about topics */
    struct weir_property properties[RIG_PROPERTIES_MAX];
    struct weir_spec spec;
    char group[32];
    unsigned renewals;
    struct conf_identity identity; /* as of rig_start, rig_new or rig_renew */
    struct weir_schema *schema;
    struct schemas schemas;
    struct editions *editions;
    struct plans *plans;
    struct trouble trouble;
    struct counters counters;
    struct loop_control control;
    struct watch watch;
    struct rig_timer timer;
    struct rig_spy_source source;
    struct rig_spy_sink sink;
    struct loop loop;
    bool started;
    struct weir_err err; /* of the step that ended rig_run */
    struct rig_tally tally[RIG_PARTITIONS];
    struct rig_sink_log log;
    /* Hooks, NULL: none. */
    void (*on_send)(struct rig *rig);   /* after each record that the sink took */
    void (*on_commit)(struct rig *rig); /* before each commit */
    bool lost_answer;                   /* the next commit that fails was done all the same */
};

/*
 * Runs the tests as a group in so many processes at once, each with its own set-up and every so-manieth test,
 * since they wait more than they work. Call first thing in main. Returns main's.
 */
int rig_main(const char *group, const struct CMUnitTest *tests, size_t n, int (*setup)(void **),
             int (*teardown)(void **), int processes);

/* A cluster with the three topics and nothing else. */
struct rig *rig_new(void);
/* Gives each broker its role; for tests that take a certain one down. */
void rig_place(struct rig *rig);
/* A property of the user's, for the next rig_start. */
void rig_set(struct rig *rig, const char *property, const char *value);
/* Takes everything down, in the order that the program must use too. NULL is fine. */
void rig_free(struct rig *rig);

/* Makes the worker: source, sink, loop. Before it, spec may be changed and faults be prepared. */
void rig_start(struct rig *rig);
/* Ends the worker and takes it down; the next rig_start is a new process to the cluster. Returns the ms that
 * it took to close. */
int64_t rig_stop(struct rig *rig);

/*
 * Another worker in another group on the same cluster and topics, which begins with the records that are
 * there: cheaper than a new rig. Spec, hooks and properties stay, all else is as new.
 */
void rig_renew(struct rig *rig);

/* The transactional id of the worker that rig_start makes. */
const char *rig_identity(const struct rig *rig);

/* Writes n records to a partition of the input. Each carries "partition:number" as its key. */
void rig_fill(struct rig *rig, int32_t partition, int n);
/* One record as it is given, beside the judge. */
void rig_write(struct rig *rig, int32_t partition, struct weir_bytes key, struct weir_bytes value,
               rd_kafka_headers_t *headers);

/* The next n requests of that kind, to any broker, are answered with error. */
void rig_inject(struct rig *rig, enum rig_api api, rd_kafka_resp_err_t error, int n);
/* Requests of that kind that the brokers have seen since rig_new or the last rig_forget_requests. */
int rig_requests(struct rig *rig, enum rig_api api);
void rig_forget_requests(struct rig *rig);

/* Steps the loop until done says so (OK), or a step fails (its code, rig->err). Fails the test after
 * RIG_PATIENCE_MS. */
enum weir_err_code rig_run(struct rig *rig, bool (*done)(struct rig *rig));
/* Steps the loop for about so long. */
enum weir_err_code rig_run_for(struct rig *rig, int64_t ms);

/* done: every record that was filled is final, and the loop runs. */
bool rig_settled(struct rig *rig);
/* Runs until settled, and judges. */
void rig_settle(struct rig *rig);
/* What is wrong unless each record became final exactly once, in the order of its partition; else NULL. Valid
 * until the next call. */
const char *rig_damage(const struct rig *rig);
/* Fails the test when there is any. */
void rig_judge(const struct rig *rig);

/* A plain client of the rig's group, beside the worker; subscribed to the input, or not. The caller's to
 * destroy. */
rd_kafka_t *rig_member(const struct rig *rig, bool subscribed);

uint64_t rig_count(const struct rig *rig, enum counter counter);

/* Standard error goes into a file from here on; rig_log_lines counts the lines with that text, and
 * rig_log_end puts things back and shows what was written. */
void rig_log_begin(void);
int rig_log_lines(const char *text);
void rig_log_end(void);

#endif
