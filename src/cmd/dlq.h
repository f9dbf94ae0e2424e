/* What the verbs of `weir dlq` share: the command line, and all that is opened for it. */
#ifndef WEIR_CMD_DLQ_H
#define WEIR_CMD_DLQ_H

#include <stdbool.h>
#include <stdint.h>

#include "dlq/session.h"
#include "dlq/view.h"
#include "kafka/admin.h"
#include "registry/registry.h"

/* Longest host name, and user with it. */
#define DLQ_HOST_MAX 96
#define DLQ_BY_MAX   160
/* Most letters that are named one by one. */
#define DLQ_PLACES_MAX 64

struct dlq_arguments {
    const char *verb, *config, *to, *reason, *output;
    char where[FILTER_TEXT_MAX]; /* all that the options say of letters, in the language of filters */
    const char *places[DLQ_PLACES_MAX];
    size_t n_places;
    bool json, yes, closed, verdict, everything, take_over, skip_newer, help;
    int64_t limit; /* -1: not given */
    double rate, max_failure_ratio;
    int64_t max_attempts;
};

/* All of it is closed by dlq_close. */
struct dlq {
    const struct dlq_arguments *arguments;
    struct weir_spec *spec;
    rd_kafka_t *client;
    struct registry *registry;
    struct verdict *verdict; /* NULL where no verdict is wanted */
    struct filter *filter;   /* NULL: all letters */
    struct ledger *ledger;   /* as it is committed; not for changing anything by it */
    struct letter_place places[DLQ_PLACES_MAX];
    char meant[FILTER_TEXT_MAX]; /* which letters, for the audit and the log: the filter, else their names */
};

/* What the filter and the names of letters ask for. */
struct view_options dlq_view(const struct dlq *dlq);

/* Says on a terminal how far a reading is; text is what was found so far. Nothing elsewhere. */
void dlq_progress(const struct dlq *dlq, int64_t done, int64_t total, const char *text);
void dlq_progress_end(void);

/* What is done with each letter. */
typedef enum weir_err_code (*dlq_visitor)(void *context, const struct view_item *item, struct weir_err *err);

/* Visits all letters that are meant, up to the first error, and shows how far it is. */
enum weir_err_code dlq_for_each(struct dlq *dlq, dlq_visitor visit, void *context, struct view_counts *counts,
                                struct weir_err *err);

/* Who runs this. */
struct dlq_self {
    char host[DLQ_HOST_MAX], by[DLQ_BY_MAX];
};
void dlq_name_self(struct dlq_self *self);

/* A run of that verb that writes to no topic yet but the ledger and the audit topic; borrows both. */
struct session_options dlq_session(const struct dlq *dlq, const struct dlq_self *self);

/* Says on standard error what session_check finds. */
void dlq_warn_ahead(const struct session_options *options);

/* replay, park and discard (cmd_dlq_act.c). *status is the exit status when no error is returned. */
enum weir_err_code dlq_act(struct dlq *dlq, int *status, struct weir_err *err);

/* purge (cmd_dlq_act.c). */
enum weir_err_code dlq_purge(struct dlq *dlq, struct weir_err *err);

/* export, and import of the file that is named in place of letters (cmd_dlq_file.c). */
enum weir_err_code dlq_export(struct dlq *dlq, int *status, struct weir_err *err);
enum weir_err_code dlq_import(struct dlq *dlq, int *status, struct weir_err *err);

#endif
