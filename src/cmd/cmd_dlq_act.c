/* weir dlq replay, park, discard and purge: what changes something. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/dlq.h"
#include "cmd/interrupt.h"
#include "dlq/purge.h"
#include "dlq/replay.h"
#include "dlq/session.h"
#include "sys/clock.h"
#include "sys/log.h"

/* Kinds of verdicts that a dry run counts apart: pairs of a letter's code and what it would be now. */
#define FORECASTS_MAX 256
#define FORECAST_MAX  40
#define ASK_MS        15000
/* Room for the counts of a run as text: five of 20 digits at most. */
#define COUNTS_MAX 192

struct act {
    struct dlq *dlq;
    enum replay_verb verb;
    enum replay_target target;
    const char *target_topic;
    int32_t source_partitions;
    struct newer *newer; /* NULL where nobody asked for it */
    struct dlq_self self;
};

/* --- a run --- */

static bool process_alive(int64_t pid)
{
    return kill((pid_t)pid, 0) == 0 || errno == EPERM;
}

/* Tests end a run with SIGKILL at a step: WEIR_TEST_KILL_AT is "step" or "step:n", for the n-th time. */
static void kill_at(const char *name)
{
    static int times;
    const char *at = getenv("WEIR_TEST_KILL_AT");
    size_t len = strlen(name);
    if (!at || strncmp(at, name, len) != 0 || (at[len] && at[len] != ':'))
        return;
    if (++times == (at[len] ? atoi(at + len + 1) : 1))
        (void)raise(SIGKILL);
}

static const char *end_name(enum replay_end end)
{
    static const char *const names[] = {[REPLAY_DONE] = "done",
                                        [REPLAY_STOPPED] = "stopped",
                                        [REPLAY_LIMIT] = "limit reached",
                                        [REPLAY_TOO_MANY_FAILED] = "stopped: too many failed again"};
    return names[end];
}

void dlq_name_self(struct dlq_self *self)
{
    const char *user = getenv("USER");
    if (gethostname(self->host, sizeof self->host) != 0 || !self->host[0])
        (void)snprintf(self->host, sizeof self->host, "local");
    self->host[sizeof self->host - 1] = '\0';
    if (user && *user)
        (void)snprintf(self->by, sizeof self->by, "%.48s@%s", user, self->host);
    else
        (void)snprintf(self->by, sizeof self->by, "uid %ld@%s", (long)getuid(), self->host);
}

struct session_options dlq_session(const struct dlq *dlq, const struct dlq_self *self)
{
    const struct dlq_arguments *arguments = dlq->arguments;
    return (struct session_options){.spec = dlq->spec,
                                    .client = dlq->client,
                                    .verb = arguments->verb,
                                    .by = self->by,
                                    .host = self->host,
                                    .reason = arguments->reason,
                                    .filter = dlq->meant,
                                    .pid = getpid(),
                                    .seed = (uint64_t)clock_monotonic_ns() ^ (uint64_t)getpid() << 16,
                                    .take_over = arguments->take_over,
                                    .stopping = &interrupt_seen,
                                    .alive = process_alive,
                                    .step = kill_at};
}

static struct session_options session_of(const struct act *act)
{
    struct session_options options = dlq_session(act->dlq, &act->self);
    if (act->target_topic && act->verb != REPLAY_DISCARD) {
        bool parks = act->verb == REPLAY_PARK || act->dlq->arguments->max_attempts > 0;
        options.targets[0] = act->target_topic;
        options.targets[1] = act->dlq->spec->dead_letter.parking;
        options.n_targets = parks ? 2 : 1;
    }
    return options;
}

void dlq_warn_ahead(const struct session_options *options)
{
    struct weir_err why;
    if (session_check(options, &why) != WEIR_OK)
        (void)fprintf(stderr, "weir dlq: before that can be done: %s\n", why.text);
}

/* --- what a dry run tells --- */

struct forecast {
    char was[FORECAST_MAX], now[FORECAST_MAX];
    uint64_t count;
};

struct forecasts {
    struct forecast rows[FORECASTS_MAX];
    size_t n;
    uint64_t passes, drops, fails, references, outdated, total;
};

static void count_verdict(struct forecasts *forecasts, const struct view_item *item, bool outdated)
{
    if (outdated)
        forecasts->outdated++;
    else if (!item->judged)
        forecasts->references += item->letter.reference;
    else if (item->outcome.verdict == WEIR_PASS)
        forecasts->passes++;
    else if (item->outcome.verdict == WEIR_DROP)
        forecasts->drops++;
    else
        forecasts->fails++;
    forecasts->total++;
}

static void forecast(const struct act *act, struct forecasts *forecasts, const struct view_item *item)
{
    struct forecast row = {.count = 1};
    bool rejected = item->judged && item->outcome.verdict == WEIR_REJECT;
    int len = item->letter.code.len < FORECAST_MAX ? (int)item->letter.code.len : FORECAST_MAX - 1;
    (void)snprintf(row.was, sizeof row.was, "%.*s", len, (const char *)item->letter.code.data);
    for (char *p = row.was; *p; p++)
        *p = *p > ' ' && *p < 127 && *p != '"' && *p != '\\' ? *p : '?';
    (void)snprintf(row.now, sizeof row.now, "%s%s",
                   item->judged ? weir_verdict_name(item->outcome.verdict) : "-", rejected ? " " : "");
    if (rejected)
        (void)snprintf(row.now, sizeof row.now, "REJECT %s", weir_code_name(item->outcome.why.code));
    bool outdated =
        act->newer && newer_has(act->newer, item->original.key, newer_time_of(act->dlq->spec, &item->letter));
    if (outdated)
        (void)snprintf(row.now, sizeof row.now, "skipped: newer record");
    count_verdict(forecasts, item, outdated);
    for (size_t i = 0; i < forecasts->n; i++) {
        struct forecast *known = &forecasts->rows[i];
        if (strcmp(known->was, row.was) == 0 && strcmp(known->now, row.now) == 0) {
            known->count++;
            return;
        }
    }
    /* Codes can be forged without end: the last row takes what there is no row for. */
    if (forecasts->n < FORECASTS_MAX)
        forecasts->rows[forecasts->n++] = row;
    else
        forecasts->rows[FORECASTS_MAX - 1].count++;
}

static int by_count(const void *a, const void *b)
{
    const struct forecast *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return strcmp(x->was, y->was);
}

static void print_forecasts_json(const struct act *act, const struct forecasts *forecasts)
{
    (void)printf("{\"verb\":\"%s\",\"dry_run\":true,\"letters\":%" PRIu64 ",\"pass\":%" PRIu64
                 ",\"drop\":%" PRIu64 ",\"reject\":%" PRIu64 ",\"references\":%" PRIu64
                 ",\"outdated\":%" PRIu64 ",\"verdicts\":[",
                 act->dlq->arguments->verb, forecasts->total, forecasts->passes, forecasts->drops,
                 forecasts->fails, forecasts->references, forecasts->outdated);
    for (size_t i = 0; i < forecasts->n; i++)
        (void)printf("%s{\"code\":\"%s\",\"now\":\"%s\",\"letters\":%" PRIu64 "}", i ? "," : "",
                     forecasts->rows[i].was, forecasts->rows[i].now, forecasts->rows[i].count);
    (void)puts("]}");
}

/* What --yes would do, in a sentence or two. */
static void print_outlook(const struct act *act, const struct forecasts *forecasts)
{
    int64_t attempts = act->dlq->arguments->max_attempts;
    if (forecasts->total == 0) {
        (void)puts("No letter that is meant can be acted on. Nothing was changed.");
        return;
    }
    (void)printf("%10" PRIu64 "  together", forecasts->total);
    if (act->verb == REPLAY_REPLAY && act->target == REPLAY_TOPIC)
        (void)printf(", which go there as they were, whatever the verdict");
    else if (act->verb == REPLAY_REPLAY)
        (void)printf(": %" PRIu64 " would pass, %" PRIu64 " would be dropped, %" PRIu64 " would fail again",
                     forecasts->passes, forecasts->drops, forecasts->fails);
    if (forecasts->references > 0)
        (void)printf(", %" PRIu64 " are only references", forecasts->references);
    if (forecasts->outdated > 0)
        (void)printf(", %" PRIu64 " have a newer record of their key in the output", forecasts->outdated);
    (void)printf("\nNothing was changed. The same with --yes does it");
    if (act->verb == REPLAY_DISCARD)
        (void)puts(".");
    else
        (void)printf(", into topic %s.\n", act->target_topic);
    if (forecasts->fails > 0 && act->target != REPLAY_TOPIC && attempts > 0)
        (void)printf("What fails again counts as an attempt, and is parked after %" PRId64
                     "; --passes-now leaves it alone.\n",
                     attempts);
}

static void print_forecasts(const struct act *act, struct forecasts *forecasts)
{
    qsort(forecasts->rows, forecasts->n, sizeof forecasts->rows[0], by_count);
    if (act->dlq->arguments->json) {
        print_forecasts_json(act, forecasts);
        return;
    }
    bool judged = act->verb == REPLAY_REPLAY;
    if (forecasts->total > 0)
        (void)printf("%10s  %-*s%s\n", "LETTERS", judged ? 18 : 0, "FAILED AS", judged ? "WOULD BE NOW" : "");
    for (size_t i = 0; i < forecasts->n; i++)
        (void)printf("%10" PRIu64 "  %-*s%s\n", forecasts->rows[i].count, judged ? 18 : 0,
                     forecasts->rows[i].was, judged ? forecasts->rows[i].now : "");
    print_outlook(act, forecasts);
}

static enum weir_err_code dry_run(struct act *act, struct weir_err *err)
{
    static struct forecasts forecasts;
    struct dlq *dlq = act->dlq;
    struct view *view = NULL;
    struct view_options options = dlq_view(dlq);
    uint64_t limit = dlq->arguments->limit > 0 ? (uint64_t)dlq->arguments->limit : UINT64_MAX;
    enum weir_err_code code = view_open(&options, &view, err);
    while (code == WEIR_OK && !interrupt_seen && forecasts.total < limit) {
        int64_t done, total;
        const struct view_item *item;
        code = view_next(view, &item, err);
        if (code == WEIR_OK && !item && view_done(view))
            break;
        if (code == WEIR_OK && item && replay_may_act(act->verb, item->entry.state))
            forecast(act, &forecasts, item);
        view_progress(view, &done, &total);
        dlq_progress(dlq, done, total, "judging");
    }
    view_close(view);
    dlq_progress_end();
    if (code == WEIR_OK)
        print_forecasts(act, &forecasts);
    /* Better heard now than when it counts. */
    const struct session_options opening = session_of(act);
    if (code == WEIR_OK)
        dlq_warn_ahead(&opening);
    return code;
}

/* --- doing it --- */

/* What the verb is there for is always said, and what else there was. */
static void print_counts(enum replay_verb verb, const struct session_counts *counts, char text[COUNTS_MAX])
{
    const struct {
        const char *name;
        uint64_t count;
        bool always;
    } all[] = {{"replayed", counts->replayed, verb == REPLAY_REPLAY},
               {"failed again", counts->failed, verb == REPLAY_REPLAY},
               {"parked", counts->parked, verb == REPLAY_PARK},
               {"discarded", counts->discarded, verb == REPLAY_DISCARD},
               {"skipped", counts->skipped, false}};
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i].always || all[i].count > 0)
            used += (size_t)snprintf(text + used, COUNTS_MAX - used, "%s%" PRIu64 " %s", used ? ", " : "",
                                     all[i].count, all[i].name);
}

static void show_counts(void *context, const struct session_counts *counts, int64_t done, int64_t total)
{
    char text[COUNTS_MAX];
    const struct act *act = context;
    print_counts(act->verb, counts, text);
    dlq_progress(act->dlq, done, total, text);
}

static void print_summary(const struct act *act, const char *run, const char *outcome,
                          const struct session_counts *counts)
{
    char text[COUNTS_MAX];
    const struct dlq_arguments *arguments = act->dlq->arguments;
    print_counts(act->verb, counts, text);
    if (arguments->json)
        (void)printf("{\"verb\":\"%s\",\"run\":\"%s\",\"outcome\":\"%s\",\"replayed\":%" PRIu64
                     ",\"failed\":%" PRIu64 ",\"parked\":%" PRIu64 ",\"discarded\":%" PRIu64
                     ",\"skipped\":%" PRIu64 "}\n",
                     arguments->verb, run, outcome, counts->replayed, counts->failed, counts->parked,
                     counts->discarded, counts->skipped);
    else
        (void)printf("%s %s: %s; %s\n", arguments->verb, run, outcome, text);
    log_info("dlq_run", "%s %s by %s: %s; %s; reason: %s; filter: %s", arguments->verb, run, act->self.by,
             outcome, text, arguments->reason ? arguments->reason : "none given",
             act->dlq->meant[0] ? act->dlq->meant : "none");
}

static enum weir_err_code run(struct act *act, int *status, struct weir_err *err)
{
    const struct dlq_arguments *arguments = act->dlq->arguments;
    struct session *session = NULL;
    struct session_counts counts = {0};
    enum replay_end end = REPLAY_STOPPED;
    char outcome[WEIR_ERR_TEXT_MAX + 16], name[LEDGER_RUN_MAX];
    const struct session_options opening = session_of(act);
    enum weir_err_code code = session_open(&opening, &session, err);
    if (code != WEIR_OK)
        return code;
    const struct replay_options options = {.view = dlq_view(act->dlq),
                                           .session = session,
                                           .verb = act->verb,
                                           .target = act->target,
                                           .target_topic = act->target_topic,
                                           .source_partitions = act->source_partitions,
                                           .version = WEIR_VERSION,
                                           .limit = arguments->limit > 0 ? (uint64_t)arguments->limit : 0,
                                           .rate = arguments->rate,
                                           .max_failure_ratio = arguments->max_failure_ratio,
                                           .max_attempts = (uint32_t)arguments->max_attempts,
                                           .newer = act->newer,
                                           .stopping = &interrupt_seen,
                                           .progress = show_counts,
                                           .context = act};
    code = replay_run(&options, &counts, &end, err);
    dlq_progress_end();
    (void)snprintf(outcome, sizeof outcome, "%s%s",
                   code == WEIR_OK ? end_name(end) : "failed: ", code == WEIR_OK ? "" : err->text);
    (void)snprintf(name, sizeof name, "%s", session_run(session));
    struct weir_err close_err = {0};
    if (session_close(session, outcome, &counts, &close_err) != WEIR_OK)
        log_warn("dlq_run", "run %s could not give back its lease: %s", name, close_err.text);
    print_summary(act, name, code == WEIR_OK ? outcome : "failed", &counts);
    if (end == REPLAY_TOO_MANY_FAILED)
        *status = 1;
    else if (end == REPLAY_STOPPED)
        *status = weir_err_exit(WEIR_ERR_TRANSIENT);
    return code;
}

/* --- what is asked for --- */

static enum weir_err_code read_target(struct act *act, struct weir_err *err)
{
    static const char prefix[] = "topic:";
    const struct weir_spec *spec = act->dlq->spec;
    const char *to = act->dlq->arguments->to;
    const char *const own[] = {spec->dead_letter.topic, spec->dead_letter.ledger, spec->dead_letter.parking,
                               spec->dead_letter.audit};
    act->target_topic = act->verb == REPLAY_PARK ? spec->dead_letter.parking : spec->output.topic;
    if (to && act->verb != REPLAY_REPLAY)
        return weir_fail(err, WEIR_ERR_USAGE, "--to is of replay");
    if (act->dlq->arguments->skip_newer && (to || act->verb != REPLAY_REPLAY))
        return weir_fail(err, WEIR_ERR_USAGE, "--skip-newer is of replay into the output");
    if (!to)
        return WEIR_OK;
    if (strcmp(to, "source") == 0) {
        act->target = REPLAY_SOURCE;
        act->target_topic = spec->core.input_topic;
        return WEIR_OK;
    }
    if (strncmp(to, prefix, strlen(prefix)) != 0 || !to[strlen(prefix)])
        return weir_fail(err, WEIR_ERR_USAGE, "--to: '%s' is neither source nor topic:NAME", to);
    act->target = REPLAY_TOPIC;
    act->target_topic = to + strlen(prefix);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (strcmp(own[i], act->target_topic) == 0)
            return weir_fail(err, WEIR_ERR_USAGE, "--to: topic %s is one of those that weir dlq works with",
                             own[i]);
    return WEIR_OK;
}

static enum weir_err_code read_request(struct act *act, struct weir_err *err)
{
    const struct dlq_arguments *arguments = act->dlq->arguments;
    bool chosen = arguments->where[0] || arguments->n_places > 0 || arguments->everything;
    act->verb = strcmp(arguments->verb, "replay") == 0 ? REPLAY_REPLAY
                : strcmp(arguments->verb, "park") == 0 ? REPLAY_PARK
                                                       : REPLAY_DISCARD;
    if (!chosen && (arguments->yes || act->verb != REPLAY_REPLAY))
        return weir_fail(err, WEIR_ERR_USAGE,
                         "say which letters: --where and its like, LETTER, or --everything");
    if (arguments->closed)
        return weir_fail(err, WEIR_ERR_USAGE,
                         "--all is of list, show, stats and export; name a state with --state");
    return read_target(act, err);
}

static void show_newer(void *context, const char *what, int64_t done, int64_t total)
{
    char text[64];
    (void)snprintf(text, sizeof text, "looking for newer records: %s", what);
    dlq_progress(context, done, total, text);
}

/* What the output has is looked at once, before anything is replayed. */
static enum weir_err_code look_for_newer(struct act *act, struct weir_err *err)
{
    if (!act->dlq->arguments->skip_newer)
        return WEIR_OK;
    act->newer = newer_new();
    if (!act->newer)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the keys of letters");
    const struct newer_options options = {
        .view = dlq_view(act->dlq), .stopping = &interrupt_seen, .progress = show_newer, .context = act->dlq};
    enum weir_err_code code = newer_read(&options, act->newer, err);
    dlq_progress_end();
    return code;
}

static enum weir_err_code do_it(struct act *act, int *status, struct weir_err *err)
{
    struct sink_target source = {0};
    enum weir_err_code code =
        admin_look(act->dlq->client, act->dlq->spec->core.input_topic, ASK_MS, &source, err);
    act->source_partitions = source.partitions > 0 ? source.partitions : 1;
    return code == WEIR_OK ? run(act, status, err) : code;
}

enum weir_err_code dlq_act(struct dlq *dlq, int *status, struct weir_err *err)
{
    struct act act = {.dlq = dlq};
    enum weir_err_code code = read_request(&act, err);
    if (code != WEIR_OK)
        return code;
    dlq_name_self(&act.self);
    code = look_for_newer(&act, err);
    if (code == WEIR_OK)
        code = dlq->arguments->yes ? do_it(&act, status, err) : dry_run(&act, err);
    newer_free(act.newer);
    return code;
}

/* --- purge --- */

static void print_purge_json(const struct purge *purge, bool done)
{
    char place[LETTER_PLACE_MAX];
    (void)printf("{\"verb\":\"purge\",\"dry_run\":%s,\"letters\":%" PRIu64 ",\"partitions\":[",
                 done ? "false" : "true", purge_letters(purge));
    for (int32_t p = 0; p < purge->n; p++) {
        const struct purge_part *part = &purge->parts[p];
        (void)printf("%s{\"partition\":%" PRId32 ",\"first\":%" PRId64 ",\"keep\":%" PRId64
                     ",\"letters\":%" PRIu64 ",\"closed_behind\":%" PRIu64,
                     p ? "," : "", p, part->first, part->keep, part->letters, part->behind);
        if (part->held)
            (void)printf(",\"held_by\":\"%s\"", letter_place_print(&part->by, place));
        (void)fputs("}", stdout);
    }
    (void)puts("]}");
}

static void print_purge(const struct dlq *dlq, const struct purge *purge, bool done)
{
    char place[LETTER_PLACE_MAX];
    if (dlq->arguments->json) {
        print_purge_json(purge, done);
        return;
    }
    (void)printf("%9s  %10s  %12s  %s\n", "PARTITION", done ? "DELETED" : "DELETABLE", "CLOSED LATER",
                 "HELD BY");
    for (int32_t p = 0; p < purge->n; p++)
        (void)printf("%9" PRId32 "  %10" PRIu64 "  %12" PRIu64 "  %s\n", p, purge->parts[p].letters,
                     purge->parts[p].behind,
                     purge->parts[p].held ? letter_place_print(&purge->parts[p].by, place) : "-");
    (void)printf(done ? "%" PRIu64 " closed letters were deleted.\n"
                      : "%" PRIu64 " closed letters could be deleted. Nothing was changed: --yes does it.\n",
                 purge_letters(purge));
}

static enum weir_err_code purge_for_good(struct act *act, struct purge *purge, struct weir_err *err)
{
    struct session *session = NULL;
    struct session_counts counts = {0};
    struct weir_err ignored;
    const struct session_options opening = session_of(act);
    enum weir_err_code code = session_open(&opening, &session, err);
    if (code != WEIR_OK)
        return code;
    /* The ledger as it is now that nobody else can change it. */
    code = purge_plan(act->dlq->spec, act->dlq->client, session_ledger(session), purge, err);
    if (code == WEIR_OK)
        code = purge_do(act->dlq->spec, act->dlq->client, purge, err);
    if (code == WEIR_OK)
        log_info("dlq_run", "purge %s by %s: %" PRIu64 " closed letters deleted; reason: %s",
                 session_run(session), act->self.by, purge_letters(purge),
                 act->dlq->arguments->reason ? act->dlq->arguments->reason : "none given");
    (void)session_close(session, code == WEIR_OK ? "done" : "failed", &counts, &ignored);
    return code;
}

enum weir_err_code dlq_purge(struct dlq *dlq, struct weir_err *err)
{
    struct act act = {.dlq = dlq};
    struct purge purge = {.n = 0};
    const struct dlq_arguments *arguments = dlq->arguments;
    if (arguments->where[0] || arguments->n_places > 0)
        return weir_fail(err, WEIR_ERR_USAGE,
                         "purge takes no filter: discard or park what is to go, then purge");
    dlq_name_self(&act.self);
    enum weir_err_code code = arguments->yes ? purge_for_good(&act, &purge, err)
                                             : purge_plan(dlq->spec, dlq->client, dlq->ledger, &purge, err);
    if (code == WEIR_OK)
        print_purge(dlq, &purge, arguments->yes);
    purge_release(&purge);
    return code;
}
