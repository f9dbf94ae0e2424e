/*
 * One worker of `weir run`: an identity, a consumer, a producer, plans, and the loop that runs on them. All
 * that it shares with the others is in struct worker_parts.
 */
#ifndef WEIR_CMD_WORKER_H
#define WEIR_CMD_WORKER_H

#include "engine/loop.h"
#include "kafka/txn.h"
#include "weir/pipeline.h"

/* How long leaving the group may take: what is committed is committed. */
#define WORKER_CLOSE_MS 3000

/* What is the process's; all of it outlives its workers, and may be used by all of them at once. */
struct worker_parts {
    const struct weir_spec *spec;
    const char *instance;
    const char *config_text; /* of config_deciding, for the journal */
    struct editions *editions;
    struct schemas *schemas;
    rd_kafka_t *client; /* of admin_open */
    struct trouble *trouble;
    struct counters *counters;
    struct loop_control *control;
};

struct worker;

/*
 * Makes a worker of that number; watch is its own. Reaches for no broker. CONFIG, INCOMPATIBLE, KAFKA or
 * NO_MEMORY.
 */
enum weir_err_code worker_open(const struct worker_parts *parts, int number, struct watch *watch,
                               struct worker **out, struct weir_err *err);

/*
 * Runs it until it is told to stop or fails, as loop_run, and takes consumer and producer apart on the same
 * thread, so that many workers stop as fast as one. Once, on a thread of its own: whose lines in the log have
 * the worker's number from then on.
 */
enum weir_err_code worker_run(struct worker *worker, struct weir_err *err);

/* Takes apart what is left. NULL is fine. */
void worker_free(struct worker *worker);

/* "<pipeline>-<instance>-<number>". Borrowed. */
const char *worker_identity(const struct worker *worker);

#endif
