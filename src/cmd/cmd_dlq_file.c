/* weir dlq export and import: letters in a file. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/packer.h"
#include "cmd/dlq.h"
#include "cmd/interrupt.h"
#include "dlq/import.h"
#include "sys/clock.h"
#include "sys/log.h"

#define ASK_MS 15000
/* How many letters that cannot be exported are named. */
#define NAMED_MAX 10

/* --- export --- */

struct export
{
    struct packer *packer;
    uint64_t done, refused, limit; /* limit 0: none */
};

static enum weir_err_code visit_export(void *context, const struct view_item *item, struct weir_err *err)
{
    struct export *export = context;
    const struct letter *letter = &item->letter;
    char place[LETTER_PLACE_MAX];
    struct weir_err why;
    if (export->limit > 0 && export->done == export->limit)
        return WEIR_OK;
    const struct packer_letter packed = {.record = letter->record,
                                         .topic = weir_bytes_of(letter->source.topic),
                                         .partition = letter->source.partition,
                                         .offset = letter->source.offset,
                                         .code = letter->code,
                                         .field = letter->field,
                                         .message = letter->message,
                                         .state = weir_bytes_of(ledger_states[item->entry.state]),
                                         .attempts = item->entry.attempts,
                                         .failed_ms = letter_time_ms(letter)};
    enum weir_err_code code = packer_add(export->packer, &packed, &why);
    export->done += code == WEIR_OK;
    if (code == WEIR_OK || code != WEIR_ERR_INCOMPATIBLE)
        return code == WEIR_OK ? code : weir_fail(err, code, "%s", why.text);
    if (export->refused++ < NAMED_MAX)
        (void)fprintf(stderr, "weir dlq: %s is left out: %s\n", letter_place_print(&letter->source, place),
                      why.text);
    return WEIR_OK;
}

enum weir_err_code dlq_export(struct dlq *dlq, int *status, struct weir_err *err)
{
    const struct dlq_arguments *arguments = dlq->arguments;
    struct export export = {.limit = arguments->limit > 0 ? (uint64_t)arguments->limit : 0};
    struct view_counts counts = {0};
    if (!arguments->output)
        return weir_fail(err, WEIR_ERR_USAGE, "export needs a file: -o FILE");
    enum weir_err_code code = packer_open(arguments->output, &export.packer, err);
    if (code != WEIR_OK)
        return code;
    code = dlq_for_each(dlq, visit_export, &export, &counts, err);
    if (code == WEIR_OK && interrupt_seen)
        code = weir_fail(err, WEIR_ERR_TRANSIENT, "stopped; no file was written");
    struct weir_err ignored;
    enum weir_err_code closing =
        packer_close(export.packer, code == WEIR_OK, code == WEIR_OK ? err : &ignored);
    if (code != WEIR_OK || closing != WEIR_OK)
        return code != WEIR_OK ? code : closing;
    *status = export.refused > 0;
    if (arguments->json)
        (void)printf("{\"verb\":\"export\",\"exported\":%" PRIu64 ",\"left_out\":%" PRIu64 "}\n", export.done,
                     export.refused);
    else
        (void)printf("%" PRIu64 " letters exported to %s\n", export.done, arguments->output);
    return WEIR_OK;
}

/* --- import --- */

/* Letters keep the time of the record that failed, so retention may delete them again at once. */
static void warn_of_retention(const struct dlq *dlq, const struct import_counts *counts)
{
    char text[32];
    struct weir_err ignored;
    const char *topic = dlq->spec->dead_letter.topic;
    enum weir_err_code code =
        admin_setting(dlq->client, topic, "retention.ms", ASK_MS, text, sizeof text, &ignored);
    int64_t keeps_ms = code == WEIR_OK && *text ? strtoll(text, NULL, 10) : -1;
    if (keeps_ms < 0 || counts->imported == 0 || counts->oldest_ms > clock_wall_ms() - keeps_ms)
        return;
    (void)fprintf(stderr,
                  "weir dlq: topic %s keeps records for %s ms, and letters in the file are older: raise "
                  "retention.ms, or Kafka may delete them again\n",
                  topic, text);
}

static void print_import(const struct dlq *dlq, const struct import_counts *counts)
{
    bool done = dlq->arguments->yes;
    if (dlq->arguments->json) {
        (void)printf("{\"verb\":\"import\",\"dry_run\":%s,\"letters\":%" PRIu64 ",\"imported\":%" PRIu64
                     ",\"present\":%" PRIu64 ",\"closed\":%" PRIu64 ",\"foreign\":%" PRIu64 "}\n",
                     done ? "false" : "true", counts->letters, counts->imported, counts->present,
                     counts->closed, counts->foreign);
        return;
    }
    (void)printf("%10" PRIu64 "  letters in the file\n", counts->letters);
    (void)printf("%10" PRIu64 "  still in topic %s\n", counts->present, dlq->spec->dead_letter.topic);
    (void)printf("%10" PRIu64 "  replayed or discarded\n", counts->closed);
    if (counts->foreign > 0)
        (void)printf("%10" PRIu64 "  no letters of this pipeline\n", counts->foreign);
    (void)printf(done ? "%10" PRIu64 "  imported\n"
                      : "%10" PRIu64
                        "  would be imported\nNothing was changed. The same with --yes does it.\n",
                 counts->imported);
}

static enum weir_err_code import_for_good(struct dlq *dlq, struct import_options *options,
                                          const struct session_options *opening, struct import_counts *counts,
                                          struct weir_err *err)
{
    struct weir_err ignored;
    enum weir_err_code code = session_open(opening, &options->session, err);
    if (code != WEIR_OK)
        return code;
    code = import_run(options, counts, err);
    const char *outcome = code != WEIR_OK ? "failed" : interrupt_seen ? "stopped" : "done";
    const struct session_counts done = {.imported = counts->imported};
    log_info("dlq_run", "import %s by %s: %s; %" PRIu64 " imported; reason: %s; file: %s",
             session_run(options->session), opening->by, outcome, counts->imported,
             dlq->arguments->reason ? dlq->arguments->reason : "none given", options->path);
    (void)session_close(options->session, outcome, &done, &ignored);
    return code;
}

enum weir_err_code dlq_import(struct dlq *dlq, int *status, struct weir_err *err)
{
    const struct dlq_arguments *arguments = dlq->arguments;
    struct import_counts counts = {0};
    struct dlq_self self;
    if (arguments->n_places != 1 || arguments->where[0])
        return weir_fail(err, WEIR_ERR_USAGE, "import takes one FILE, and no filter");
    dlq_name_self(&self);
    struct session_options opening = dlq_session(dlq, &self);
    opening.targets[0] = dlq->spec->dead_letter.topic;
    opening.n_targets = 1;
    struct import_options options = {.spec = dlq->spec,
                                     .client = dlq->client,
                                     .path = arguments->places[0],
                                     .ledger = dlq->ledger,
                                     .stopping = &interrupt_seen};
    enum weir_err_code code = arguments->yes ? import_for_good(dlq, &options, &opening, &counts, err)
                                             : import_run(&options, &counts, err);
    if (code != WEIR_OK)
        return code;
    print_import(dlq, &counts);
    warn_of_retention(dlq, &counts);
    if (!arguments->yes)
        dlq_warn_ahead(&opening);
    if (interrupt_seen)
        *status = weir_err_exit(WEIR_ERR_TRANSIENT);
    return WEIR_OK;
}
