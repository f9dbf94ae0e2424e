#include "cmd/schema_records.h"

#include <stdlib.h>
#include <string.h>

#include "dlq/rehearsal.h"
#include "dlq/session.h"
#include "kafka/admin.h"

/* What a run is made of. */
struct run {
    rd_kafka_t *client;
    struct ledger *ledger;
    struct verdict *now, *then;
    struct rehearsal *rehearsal;
};

static bool is_same(const char *subject, const struct weir_subject_spec *other)
{
    return strcmp(subject, other->subject) == 0;
}

enum weir_err_code schema_records_check(const struct weir_spec *spec, const char *subject,
                                        struct weir_err *err)
{
    const struct weir_subject_spec *input = &spec->input.schema, *output = &spec->output.schema;
    if (is_same(subject, input) || is_same(subject, output))
        return WEIR_OK;
    return weir_fail(err, WEIR_ERR_USAGE,
                     "--records: '%.100s' is not a subject of the pipeline, which reads as %.100s and writes "
                     "as %.100s",
                     subject, input->subject, output->subject);
}

static enum weir_err_code open_run(const struct schema_records *what, struct run *run, struct weir_err *err)
{
    run->rehearsal = calloc(1, sizeof *run->rehearsal);
    if (!run->rehearsal)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for what becomes of records");
    enum weir_err_code code = verdict_new(what->spec, what->registry, &run->now, err);
    if (code == WEIR_OK)
        code = admin_open(what->spec, &run->client, err);
    return code == WEIR_OK ? session_peek(what->spec, run->client, &run->ledger, err) : code;
}

static void close_run(struct run *run)
{
    free(run->rehearsal);
    verdict_free(run->now);
    verdict_free(run->then);
    ledger_free(run->ledger);
    if (run->client)
        admin_close(run->client);
}

static enum weir_err_code run_records(const struct schema_records *what, struct run *run,
                                      const struct schema_tell *tell, bool *good, struct weir_err *err)
{
    const struct rehearsal_options options = {.spec = what->spec,
                                              .client = run->client,
                                              .ledger = run->ledger,
                                              .now = run->now,
                                              .then = run->then,
                                              .records = what->records,
                                              .stopping = what->stopping};
    enum weir_err_code code = rehearsal_run(&options, run->rehearsal, err);
    if (code != WEIR_OK)
        return code;
    schema_tell_rehearsal(tell, run->rehearsal, what->spec);
    *good = rehearsal_worse(&run->rehearsal->sums[REHEARSAL_INPUT]) == 0 &&
            rehearsal_worse(&run->rehearsal->sums[REHEARSAL_LETTERS]) == 0;
    return WEIR_OK;
}

enum weir_err_code schema_records_run(const struct schema_records *what, const struct schema_tell *tell,
                                      bool *good, struct weir_err *err)
{
    const struct weir_subject_spec *input = &what->spec->input.schema, *output = &what->spec->output.schema;
    const struct verdict_supposed supposed = {.reader = is_same(what->subject, input) ? what->schema : NULL,
                                              .output = is_same(what->subject, output) ? what->schema : NULL};
    struct run run = {0};
    struct weir_err why;
    enum weir_err_code code = open_run(what, &run, err);
    if (code == WEIR_OK) {
        code = verdict_suppose(what->spec, what->registry, &supposed, &run.then, &why);
        if (code == WEIR_OK) {
            code = run_records(what, &run, tell, good, err);
        } else if (code == WEIR_ERR_INCOMPATIBLE || code == WEIR_ERR_CONFIG) {
            schema_tell_verdict(tell, "records", false, "not run", why.text);
            *good = false;
            code = WEIR_OK;
        } else {
            code = weir_fail(err, code, "%s", why.text);
        }
    }
    close_run(&run);
    return code;
}
