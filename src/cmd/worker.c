#include "cmd/worker.h"

#include <stdio.h>
#include <stdlib.h>

#include "cmd/timepiece.h"
#include "kafka/source.h"
#include "sys/log.h"

/* Room for a worker's number. */
#define NAME_TEXT_MAX 16

struct worker {
    char name[NAME_TEXT_MAX];
    struct conf_identity identity;
    struct timepiece timepiece;
    struct plans *plans;
    struct source *source;
    struct sink *sink;
    struct loop loop;
    bool looped; /* the loop is there */
};

static enum weir_err_code open_ports(struct worker *worker, const struct worker_parts *parts,
                                     struct watch *watch, struct weir_err *err)
{
    const struct txn_parts txn = {.spec = parts->spec,
                                  .identity = &worker->identity,
                                  .client = parts->client,
                                  .watch = watch,
                                  .stopping = &parts->control->stop,
                                  .stop_deadline_ms = LOOP_STOP_CALL_MS};
    const struct source_parts source = {.spec = parts->spec,
                                        .identity = &worker->identity,
                                        .counters = parts->counters,
                                        .client = parts->client,
                                        .watch = watch};
    enum weir_err_code code = source_open(&source, &worker->source, err);
    return code == WEIR_OK ? txn_new(&txn, &worker->sink, err) : code;
}

static enum weir_err_code open_loop(struct worker *worker, const struct worker_parts *parts,
                                    struct weir_err *err)
{
    const struct loop_parts loop = {
        .spec = parts->spec,
        .source = worker->source,
        .sink = worker->sink,
        .timer = &worker->timepiece.base,
        .plans = worker->plans,
        .outbox = {.spec = parts->spec, .sink = worker->sink, .version = WEIR_VERSION},
        .config_text = parts->config_text,
        .trouble = parts->trouble,
        .counters = parts->counters,
        .control = parts->control};
    enum weir_err_code code = loop_init(&worker->loop, &loop, err);
    worker->looped = code == WEIR_OK;
    return code;
}

enum weir_err_code worker_open(const struct worker_parts *parts, int number, struct watch *watch,
                               struct worker **out, struct weir_err *err)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a worker");
    (void)snprintf(worker->name, sizeof worker->name, "%d", number);
    timepiece_init(&worker->timepiece, timepiece_seed());
    enum weir_err_code code =
        conf_identify(&worker->identity, parts->spec->core.pipeline, parts->instance, number, err);
    if (code == WEIR_OK)
        code = plans_new(parts->editions, parts->schemas, parts->spec->registry.unknown_id_deadline_ms,
                         &worker->plans, err);
    if (code == WEIR_OK)
        code = open_ports(worker, parts, watch, err);
    if (code == WEIR_OK)
        code = open_loop(worker, parts, err);
    if (code == WEIR_OK)
        *out = worker;
    else
        worker_free(worker);
    return code;
}

/*
 * The producer first: what it has not sent yet is borrowed from the loop's batch. Then the batch, whose
 * records the consumer must have back before it goes.
 */
static void take_apart(struct worker *worker)
{
    if (worker->sink)
        txn_free(worker->sink);
    if (worker->looped)
        loop_release(&worker->loop);
    if (worker->source)
        source_close(worker->source, WORKER_CLOSE_MS);
    worker->sink = NULL;
    worker->looped = false;
    worker->source = NULL;
}

enum weir_err_code worker_run(struct worker *worker, struct weir_err *err)
{
    (void)log_name_thread(worker->name);
    enum weir_err_code code = loop_run(&worker->loop, err);
    take_apart(worker);
    return code;
}

void worker_free(struct worker *worker)
{
    if (!worker)
        return;
    take_apart(worker);
    plans_free(worker->plans);
    free(worker);
}

const char *worker_identity(const struct worker *worker)
{
    return worker->identity.text;
}
