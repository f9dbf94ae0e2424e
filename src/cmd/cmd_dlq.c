/* weir dlq: looks into the dead-letter topic, and acts on what lies there. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/dlq.h"
#include "cmd/interrupt.h"
#include "config/config.h"
#include "core/format.h"
#include "dlq/print.h"
#include "dlq/session.h"
#include "dlq/stats.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "weir/nearest.h"

/* How many letters list and show print where nothing is said, and how many list keeps at most to print the
 * newest. */
#define LIST_LIMIT 20
#define SHOW_LIMIT 10
#define LIST_MOST  100000
/* How often the progress on a terminal is written. */
#define PROGRESS_MS 200

static const char help[] =
    "Usage: weir dlq VERB -c FILE [OPTION]... [LETTER]...\n"
    "Looks into the dead-letter topic of FILE, and acts on letters exactly once.\n"
    "\n"
    "Verbs:\n"
    "  list       the newest letters, one a line\n"
    "  show       all that is known of letters, the value decoded\n"
    "  stats      counts by code, field, schema id, hour, source partition\n"
    "  replay     through the pipeline into the output; without --yes says what would become of each\n"
    "  park       closes letters and copies them to the parking topic; needs --yes\n"
    "  discard    closes letters, which stay in Kafka; needs --yes\n"
    "  purge      deletes closed letters from the topic, up to the first open one; needs --yes\n"
    "  export     copies letters into a file (-o), which outlives the topic's retention\n"
    "  import     FILE: puts back what is neither in the topic nor replayed or discarded; needs --yes\n"
    "\n"
    "Which letters (open ones, unless the state is named; all that is said must hold):\n"
    "  LETTER                  PARTITION:OFFSET of the record that failed, or TOPIC:PARTITION:OFFSET\n"
    "      --code CODE         bad_enum, rule_failed ...\n"
    "      --field FIELD       the field that was found bad\n"
    "      --schema-id ID      of the schema that the record was written with\n"
    "      --partition N       of the source topic\n"
    "      --key TEXT          the record's key\n"
    "      --since TIME, --until TIME    a time span before now (90m, 1h30m, 2d) or 2026-01-31T12:00:00Z\n"
    "      --state STATE       open, replayed, parked or discarded\n"
    "      --passes-now        what the current schemas and configuration would let pass\n"
    "  -w, --where FILTER      any of these, joined by and, or, not and parentheses: code, stage, field,\n"
    "                          message, pipeline, topic, key, schema_id, state (= !=); partition, offset,\n"
    "                          reader_version, attempts, time, age (= != < <= > >=); passes_now. For "
    "example\n"
    "                          'code = bad_enum and (attempts < 3 or age < 1h) and not key = \"a b\"'\n"
    "\n"
    "  -c, --config FILE       the configuration; else $WEIR_CONFIG\n"
    "  -n, --limit N           at most so many letters; 0: all (list 20, show 10, others all)\n"
    "  -a, --all               list, show, stats, export: closed letters too\n"
    "      --now               list: the verdict that each would get now\n"
    "      --json              for machines\n"
    "  -o, --output FILE       export: an Avro object container file that is not there yet\n"
    "\n"
    "replay, park, discard, purge, import:\n"
    "  -y, --yes               do it\n"
    "  -m, --reason TEXT       why; it stands in the ledger, the audit topic and the log\n"
    "      --everything        all open letters, where nothing says which\n"
    "      --to TARGET         replay: source, or topic:NAME, the record as it was; else through the "
    "pipeline\n"
    "      --skip-newer        replay: leave alone what the output has a newer record of the same key for\n"
    "      --rate N            letters a second\n"
    "      --max-failure-ratio R   stop when more than this share of 20 or more fails again (1: never)\n"
    "      --max-attempts N    a letter that fails so often is parked (5); 0: never\n"
    "      --take-over         stop a run that is at work\n"
    "  -h, --help              this text\n"
    "\n"
    "Exit status: 0 fine; 1 stopped at the failure ratio, or not all exported; 75 stopped, or try again; "
    "others as in "
    "sysexits.h.\n"
    "A run may be stopped or killed anywhere and started again: nothing is done twice or left out.\n";

enum option_code {
    OPTION_CODE = 256,
    OPTION_FIELD,
    OPTION_SCHEMA_ID,
    OPTION_PARTITION,
    OPTION_KEY,
    OPTION_SINCE,
    OPTION_UNTIL,
    OPTION_STATE,
    OPTION_PASSES_NOW,
    OPTION_NOW,
    OPTION_JSON,
    OPTION_EVERYTHING,
    OPTION_TO,
    OPTION_RATE,
    OPTION_RATIO,
    OPTION_ATTEMPTS,
    OPTION_TAKE_OVER,
    OPTION_SKIP_NEWER
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"where", required_argument, NULL, 'w'},
    {"limit", required_argument, NULL, 'n'},
    {"all", no_argument, NULL, 'a'},
    {"yes", no_argument, NULL, 'y'},
    {"reason", required_argument, NULL, 'm'},
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {"code", required_argument, NULL, OPTION_CODE},
    {"field", required_argument, NULL, OPTION_FIELD},
    {"schema-id", required_argument, NULL, OPTION_SCHEMA_ID},
    {"partition", required_argument, NULL, OPTION_PARTITION},
    {"key", required_argument, NULL, OPTION_KEY},
    {"since", required_argument, NULL, OPTION_SINCE},
    {"until", required_argument, NULL, OPTION_UNTIL},
    {"state", required_argument, NULL, OPTION_STATE},
    {"passes-now", no_argument, NULL, OPTION_PASSES_NOW},
    {"now", no_argument, NULL, OPTION_NOW},
    {"json", no_argument, NULL, OPTION_JSON},
    {"everything", no_argument, NULL, OPTION_EVERYTHING},
    {"to", required_argument, NULL, OPTION_TO},
    {"rate", required_argument, NULL, OPTION_RATE},
    {"max-failure-ratio", required_argument, NULL, OPTION_RATIO},
    {"max-attempts", required_argument, NULL, OPTION_ATTEMPTS},
    {"take-over", no_argument, NULL, OPTION_TAKE_OVER},
    {"skip-newer", no_argument, NULL, OPTION_SKIP_NEWER},
    {NULL, 0, NULL, 0},
};

/* --- the command line --- */

/* One condition more, joined by and: what stands before the value, the value, what stands behind it. */
static enum weir_err_code add_condition(struct dlq_arguments *arguments, const char *before,
                                        const char *value, const char *behind, struct weir_err *err)
{
    char *where = arguments->where;
    size_t used = strlen(where), room = sizeof arguments->where - used;
    if (snprintf(where + used, room, "%s%s%s%s", used ? " and " : "", before, value, behind) >= (int)room)
        return weir_fail(err, WEIR_ERR_USAGE, "the filter is too long");
    return WEIR_OK;
}

static enum weir_err_code add_text(struct dlq_arguments *arguments, const char *name, const char *value,
                                   struct weir_err *err)
{
    char before[64];
    const char *quote = strchr(value, '"') ? "'" : "\"";
    if (strchr(value, '"') && strchr(value, '\''))
        return weir_fail(err, WEIR_ERR_USAGE, "--%s: a value cannot have both kinds of quotes", name);
    (void)snprintf(before, sizeof before, "%s = %s", name, quote);
    return add_condition(arguments, before, value, quote, err);
}

/* A time, or a span before now. */
static enum weir_err_code add_time(struct dlq_arguments *arguments, bool since, const char *value,
                                   struct weir_err *err)
{
    int64_t ignored;
    if (filter_read_span(value, &ignored))
        return add_condition(arguments, since ? "age <= " : "age >= ", value, "", err);
    if (filter_read_time(value, &ignored))
        return add_condition(arguments, since ? "time >= " : "time <= ", value, "", err);
    return weir_fail(err, WEIR_ERR_USAGE,
                     "--%s: '%s' is neither a time span such as 90m or 2d nor a time such as "
                     "2026-01-31T12:00:00Z",
                     since ? "since" : "until", value);
}

static enum weir_err_code read_count(const char *name, const char *text, int64_t *out, struct weir_err *err)
{
    int64_t number;
    if (!format_integer(weir_bytes_of(text), &number) || number < 0 || number > INT32_MAX)
        return weir_fail(err, WEIR_ERR_USAGE, "--%s: '%s' is not a number from 0 to %d", name, text,
                         INT32_MAX);
    *out = number;
    return WEIR_OK;
}

static enum weir_err_code read_real(const char *name, const char *text, double most, double *out,
                                    struct weir_err *err)
{
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end || !(number >= 0) || number > most)
        return weir_fail(err, WEIR_ERR_USAGE, "--%s: '%s' is not a number from 0 to %g", name, text, most);
    *out = number;
    return WEIR_OK;
}

/* Parsed alone first, so that a mistake is named by its place in what was typed. */
static enum weir_err_code add_filter(struct dlq_arguments *arguments, const char *text, struct weir_err *err)
{
    struct filter *filter = NULL;
    enum weir_err_code code = filter_parse(text, &filter, err);
    filter_free(filter);
    return code == WEIR_OK ? add_condition(arguments, "(", text, ")", err) : code;
}

static enum weir_err_code take_condition(struct dlq_arguments *arguments, int option, struct weir_err *err)
{
    switch (option) {
    case 'w': return add_filter(arguments, optarg, err);
    case OPTION_CODE: return add_text(arguments, "code", optarg, err);
    case OPTION_FIELD: return add_text(arguments, "field", optarg, err);
    case OPTION_STATE: return add_text(arguments, "state", optarg, err);
    case OPTION_KEY: return add_text(arguments, "key", optarg, err);
    case OPTION_SCHEMA_ID: return add_text(arguments, "schema_id", optarg, err);
    case OPTION_PARTITION: return add_text(arguments, "partition", optarg, err);
    case OPTION_SINCE: return add_time(arguments, true, optarg, err);
    case OPTION_UNTIL: return add_time(arguments, false, optarg, err);
    case OPTION_PASSES_NOW: return add_condition(arguments, "", "passes_now", "", err);
    default: return weir_fail(err, WEIR_ERR_USAGE, "see weir dlq --help");
    }
}

static enum weir_err_code take_option(struct dlq_arguments *arguments, int option, struct weir_err *err)
{
    enum { RATE_MOST = 1000000 };
    switch (option) {
    case 'c': arguments->config = optarg; break;
    case 'a': arguments->closed = true; break;
    case 'y': arguments->yes = true; break;
    case 'm': arguments->reason = optarg; break;
    case 'o': arguments->output = optarg; break;
    case 'h': arguments->help = true; break;
    case 'n': return read_count("limit", optarg, &arguments->limit, err);
    case OPTION_NOW: arguments->verdict = true; break;
    case OPTION_JSON: arguments->json = true; break;
    case OPTION_EVERYTHING: arguments->everything = true; break;
    case OPTION_TO: arguments->to = optarg; break;
    case OPTION_TAKE_OVER: arguments->take_over = true; break;
    case OPTION_SKIP_NEWER: arguments->skip_newer = true; break;
    case OPTION_RATE: return read_real("rate", optarg, RATE_MOST, &arguments->rate, err);
    case OPTION_RATIO: return read_real("max-failure-ratio", optarg, 1, &arguments->max_failure_ratio, err);
    case OPTION_ATTEMPTS: return read_count("max-attempts", optarg, &arguments->max_attempts, err);
    default: return take_condition(arguments, option, err);
    }
    return WEIR_OK;
}

static enum weir_err_code parse_arguments(int argc, char **argv, struct dlq_arguments *arguments,
                                          struct weir_err *err)
{
    enum { ATTEMPTS = 5 };
    *arguments = (struct dlq_arguments){
        .config = getenv("WEIR_CONFIG"), .limit = -1, .max_failure_ratio = 1, .max_attempts = ATTEMPTS};
    enum weir_err_code code = WEIR_OK;
    int option;
    optind = 1;
    while (code == WEIR_OK && (option = getopt_long(argc, argv, "c:w:n:aym:o:h", long_options, NULL)) != -1)
        code = take_option(arguments, option, err);
    if (code != WEIR_OK || arguments->help)
        return code;
    if (optind < argc)
        arguments->verb = argv[optind++];
    for (; optind < argc; optind++) {
        if (arguments->n_places == DLQ_PLACES_MAX)
            return weir_fail(err, WEIR_ERR_USAGE, "more than %d letters; say --where", DLQ_PLACES_MAX);
        arguments->places[arguments->n_places++] = argv[optind];
    }
    if (!arguments->verb)
        return weir_fail(err, WEIR_ERR_USAGE, "no verb; see weir dlq --help");
    if (!arguments->config)
        return weir_fail(err, WEIR_ERR_USAGE, "no configuration: give -c FILE or set WEIR_CONFIG");
    return WEIR_OK;
}

/* --- progress --- */

static bool progress_shown;

void dlq_progress(const struct dlq *dlq, int64_t done, int64_t total, const char *text)
{
    static int64_t last_ms;
    int64_t now_ms = clock_monotonic_ms();
    if (dlq->arguments->json || now_ms - last_ms < PROGRESS_MS || isatty(STDERR_FILENO) != 1)
        return;
    last_ms = now_ms;
    progress_shown = true;
    (void)fprintf(stderr, "\r\033[K%3d%%  %s", (int)(done * 100 / total), text);
    (void)fflush(stderr);
}

void dlq_progress_end(void)
{
    if (progress_shown)
        (void)fputs("\r\033[K", stderr);
    progress_shown = false;
}

static void show_reading(const struct dlq *dlq, const struct view *view)
{
    char text[64];
    int64_t done, total;
    struct view_counts counts = view_counts(view);
    view_progress(view, &done, &total);
    (void)snprintf(text, sizeof text, "%" PRIu64 " read, %" PRIu64 " found", counts.read, counts.met);
    dlq_progress(dlq, done, total, text);
}

/* --- the verbs that only look --- */

struct view_options dlq_view(const struct dlq *dlq)
{
    return (struct view_options){.spec = dlq->spec,
                                 .client = dlq->client,
                                 .ledger = dlq->ledger,
                                 .filter = dlq->filter,
                                 .places = dlq->places,
                                 .n_places = dlq->arguments->n_places,
                                 .verdict = dlq->verdict,
                                 .judge = dlq->verdict != NULL,
                                 .closed = dlq->arguments->closed || dlq->arguments->n_places > 0};
}

enum weir_err_code dlq_for_each(struct dlq *dlq, dlq_visitor visit, void *context, struct view_counts *counts,
                                struct weir_err *err)
{
    struct view *view = NULL;
    struct view_options options = dlq_view(dlq);
    enum weir_err_code code = view_open(&options, &view, err);
    while (code == WEIR_OK && !interrupt_seen) {
        const struct view_item *item;
        code = view_next(view, &item, err);
        if (code == WEIR_OK && !item && view_done(view))
            break;
        if (code == WEIR_OK && item)
            code = visit(context, item, err);
        show_reading(dlq, view);
    }
    if (view)
        *counts = view_counts(view);
    view_close(view);
    dlq_progress_end();
    return code;
}

/* A line that was printed into memory, to be written when it is known to be among the newest. */
struct kept {
    int64_t time_ms;
    uint64_t order;
    char *text;
};

struct list {
    struct print_options print;
    size_t limit; /* 0: all, written as they come */
    struct kept *kept;
    size_t n;
    uint64_t seen;
};

static int by_time(const void *a, const void *b)
{
    const struct kept *x = a, *y = b;
    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

/* Only the newest stay. */
static void forget_older(struct list *list)
{
    qsort(list->kept, list->n, sizeof *list->kept, by_time);
    size_t extra = list->n > list->limit ? list->n - list->limit : 0;
    for (size_t i = 0; i < extra; i++)
        free(list->kept[i].text);
    list->n -= extra;
    memmove(list->kept, list->kept + extra, list->n * sizeof *list->kept);
}

static enum weir_err_code fail_write(struct weir_err *err)
{
    return weir_fail(err, WEIR_ERR_IO, "standard output cannot be written");
}

static enum weir_err_code visit_list(void *context, const struct view_item *item, struct weir_err *err)
{
    struct list *list = context;
    if (list->limit == 0)
        return print_line(&list->print, item, stdout) ? WEIR_OK : fail_write(err);
    size_t len;
    struct kept *kept = &list->kept[list->n];
    *kept = (struct kept){.time_ms = letter_time_ms(&item->letter), .order = list->seen++};
    FILE *to = open_memstream(&kept->text, &len);
    bool good = to && print_line(&list->print, item, to);
    if (!to || fclose(to) != 0 || !good)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a line");
    if (++list->n == 2 * list->limit)
        forget_older(list);
    return WEIR_OK;
}

static enum weir_err_code do_list(struct dlq *dlq, struct weir_err *err)
{
    struct view_counts counts = {0};
    const struct dlq_arguments *arguments = dlq->arguments;
    struct list list = {.print = {.json = arguments->json,
                                  .verdict = arguments->verdict,
                                  .mask = dlq->spec->dead_letter.mask},
                        .limit = arguments->limit < 0 ? LIST_LIMIT : (size_t)arguments->limit};
    if (list.limit > LIST_MOST)
        return weir_fail(err, WEIR_ERR_USAGE, "--limit: at most %d, or 0 for all", LIST_MOST);
    list.kept = calloc(2 * list.limit + 1, sizeof *list.kept);
    if (!list.kept)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a list");
    bool good = list.limit > 0 || print_heading(&list.print, stdout);
    enum weir_err_code code = dlq_for_each(dlq, visit_list, &list, &counts, err);
    if (list.limit > 0) {
        forget_older(&list);
        good = print_heading(&list.print, stdout);
    }
    for (size_t i = 0; i < list.n; i++) {
        good = good && fputs(list.kept[i].text, stdout) != EOF;
        free(list.kept[i].text);
    }
    free(list.kept);
    if (list.limit > 0 && counts.met > list.n && !arguments->json)
        (void)fprintf(stderr, "the newest %zu of %" PRIu64 " letters; --limit 0 for all\n", list.n,
                      counts.met);
    return code == WEIR_OK && !good ? fail_write(err) : code;
}

struct show {
    struct dlq *dlq;
    struct print_options print;
    uint64_t shown, limit;
};

static enum weir_err_code visit_show(void *context, const struct view_item *item, struct weir_err *err)
{
    struct show *show = context;
    if (show->limit > 0 && show->shown == show->limit)
        return WEIR_OK;
    bool good = show->shown++ == 0 || show->print.json || fputs("\n", stdout) != EOF;
    good = good &&
           print_letter(&show->print, item, show->dlq->registry, show->dlq->spec->core.input_format, stdout);
    return good ? WEIR_OK : fail_write(err);
}

static enum weir_err_code do_show(struct dlq *dlq, struct weir_err *err)
{
    struct view_counts counts = {0};
    const struct dlq_arguments *arguments = dlq->arguments;
    struct show show = {
        .dlq = dlq,
        .print = {.json = arguments->json, .verdict = true, .mask = dlq->spec->dead_letter.mask},
        .limit = arguments->limit < 0 ? SHOW_LIMIT : (uint64_t)arguments->limit};
    enum weir_err_code code = dlq_for_each(dlq, visit_show, &show, &counts, err);
    if (code == WEIR_OK && counts.met == 0)
        return weir_fail(err, WEIR_ERR_NOT_FOUND, "there is no such letter among the %" PRIu64 " in topic %s",
                         counts.read - counts.foreign, dlq->spec->dead_letter.topic);
    if (counts.met > show.shown && !arguments->json)
        (void)fprintf(stderr, "%" PRIu64 " of %" PRIu64 " letters; --limit 0 for all\n", show.shown,
                      counts.met);
    return code;
}

static enum weir_err_code visit_stats(void *context, const struct view_item *item, struct weir_err *err)
{
    return stats_add(context, &item->letter, &item->entry, err);
}

static enum weir_err_code do_stats(struct dlq *dlq, struct weir_err *err)
{
    struct view_counts counts = {0};
    struct stats *stats = stats_new();
    if (!stats)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for statistics");
    enum weir_err_code code = dlq_for_each(dlq, visit_stats, stats, &counts, err);
    if (code == WEIR_OK && !stats_print(stats, dlq->arguments->json, clock_wall_ms(), stdout))
        code = fail_write(err);
    stats_free(stats);
    return code;
}

/* --- together --- */

enum verb {
    VERB_LIST,
    VERB_SHOW,
    VERB_STATS,
    VERB_REPLAY,
    VERB_PARK,
    VERB_DISCARD,
    VERB_PURGE,
    VERB_EXPORT,
    VERB_IMPORT,
    VERBS
};
static const char *const verbs[VERBS] = {"list",    "show",  "stats",  "replay", "park",
                                         "discard", "purge", "export", "import"};

static enum weir_err_code find_verb(const char *word, enum verb *verb, struct weir_err *err)
{
    for (int i = 0; i < VERBS; i++) {
        if (strcmp(verbs[i], word) == 0) {
            *verb = (enum verb)i;
            return WEIR_OK;
        }
    }
    const char *near = weir_nearest(word, verbs, VERBS);
    return weir_fail(err, WEIR_ERR_USAGE, "unknown verb '%s'%s%s%s; see weir dlq --help", word,
                     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static enum weir_err_code read_places(struct dlq *dlq, struct weir_err *err)
{
    for (size_t i = 0; i < dlq->arguments->n_places; i++)
        if (!letter_place_parse(dlq->arguments->places[i], dlq->spec->core.input_topic, &dlq->places[i]))
            return weir_fail(
                err, WEIR_ERR_USAGE,
                "'%s' names no letter: PARTITION:OFFSET or TOPIC:PARTITION:OFFSET of the record that "
                "failed",
                dlq->arguments->places[i]);
    return WEIR_OK;
}

/* Names beyond the room for them are left out, and that is said. */
static void say_meant(struct dlq *dlq)
{
    const struct dlq_arguments *arguments = dlq->arguments;
    size_t used = (size_t)snprintf(dlq->meant, sizeof dlq->meant, "%s", arguments->where);
    for (size_t i = 0; i < arguments->n_places; i++) {
        size_t left = sizeof dlq->meant - used;
        bool fits = strlen(arguments->places[i]) + sizeof " and others" < left;
        int n = snprintf(dlq->meant + used, left, "%s%s", used ? " " : "",
                         fits ? arguments->places[i] : "and others");
        if (!fits || n < 0)
            return;
        used += (size_t)n;
    }
}

/* The schemas are looked at only where a verdict is wanted, and where it decides nothing it can be done
 * without: an outage of the registry leaves the rest. */
static enum weir_err_code open_verdict(struct dlq *dlq, enum verb verb, struct weir_err *err)
{
    const struct registry_options options = {
        .spec = dlq->spec, .stop = &interrupt_seen, .seed = (uint64_t)clock_monotonic_ns()};
    bool wanted = verb == VERB_REPLAY || verb == VERB_SHOW || dlq->arguments->verdict ||
                  filter_needs_verdict(dlq->filter);
    enum weir_err_code code = registry_open(&options, &dlq->registry, err);
    if (!wanted || code != WEIR_OK)
        return code;
    code = verdict_new(dlq->spec, dlq->registry, &dlq->verdict, err);
    if (code == WEIR_ERR_REGISTRY_DOWN && verb == VERB_SHOW && !filter_needs_verdict(dlq->filter)) {
        (void)fprintf(stderr, "weir dlq: no verdicts, and nothing in Avro is decoded: %s\n", err->text);
        return WEIR_OK;
    }
    return code;
}

static enum weir_err_code open_dlq(struct dlq *dlq, enum verb verb, struct weir_err *err)
{
    enum weir_err_code code = config_load(dlq->arguments->config, &dlq->spec, err);
    if (code != WEIR_OK)
        return code;
    log_setup(dlq->spec->log.level, dlq->spec->log.format);
    say_meant(dlq);
    if (dlq->arguments->where[0])
        code = filter_parse(dlq->arguments->where, &dlq->filter, err);
    if (code == WEIR_OK && verb != VERB_IMPORT)
        code = read_places(dlq, err);
    if (code == WEIR_OK)
        code = open_verdict(dlq, verb, err);
    if (code == WEIR_OK)
        code = admin_open(dlq->spec, &dlq->client, err);
    return code == WEIR_OK ? session_peek(dlq->spec, dlq->client, &dlq->ledger, err) : code;
}

static void close_dlq(struct dlq *dlq)
{
    ledger_free(dlq->ledger);
    filter_free(dlq->filter);
    verdict_free(dlq->verdict);
    registry_close(dlq->registry);
    if (dlq->client)
        admin_close(dlq->client);
    config_free(dlq->spec);
}

static enum weir_err_code run_verb(struct dlq *dlq, enum verb verb, int *status, struct weir_err *err)
{
    switch (verb) {
    case VERB_LIST: return do_list(dlq, err);
    case VERB_SHOW: return do_show(dlq, err);
    case VERB_STATS: return do_stats(dlq, err);
    case VERB_PURGE: return dlq_purge(dlq, err);
    case VERB_EXPORT: return dlq_export(dlq, status, err);
    case VERB_IMPORT: return dlq_import(dlq, status, err);
    default: return dlq_act(dlq, status, err);
    }
}

int cmd_dlq(int argc, char **argv)
{
    static struct dlq_arguments arguments;
    static struct dlq dlq = {.arguments = &arguments};
    enum verb verb = VERB_LIST;
    struct weir_err err = {0};
    int status = 0;
    enum weir_err_code code = parse_arguments(argc, argv, &arguments, &err);
    if (code == WEIR_OK && arguments.help)
        return fputs(help, stdout) == EOF;
    if (code == WEIR_OK)
        code = find_verb(arguments.verb, &verb, &err);
    interrupt_handle();
    interrupt_not_by_pipes();
    if (code == WEIR_OK)
        code = open_dlq(&dlq, verb, &err);
    if (code == WEIR_OK)
        code = run_verb(&dlq, verb, &status, &err);
    if (fflush(stdout) != 0 && code == WEIR_OK)
        code = fail_write(&err);
    if (code != WEIR_OK)
        (void)fprintf(stderr, "weir dlq: %s\n", err.text);
    close_dlq(&dlq);
    return code == WEIR_OK ? status : weir_err_exit(code);
}
