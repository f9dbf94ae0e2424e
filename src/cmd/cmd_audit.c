/* weir audit: proves on live topics that every input record has its one outcome. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "audit/audit.h"
#include "avro/json.h"
#include "cmd/cmd.h"
#include "cmd/interrupt.h"
#include "config/config.h"
#include "core/format.h"
#include "kafka/admin.h"
#include "sys/clock.h"
#include "sys/log.h"

/* How often the progress on a terminal is written. */
#define PROGRESS_MS 200
/* What a configuration in the journal needs to be one: places, which decide nothing. */
static const char places[] = "kafka: { bootstrap.servers: journal }\nregistry: { dir: journal }\n";
/* Room for a text of AUDIT_TEXT_MAX as JSON. */
#define JSON_MAX (6 * AUDIT_TEXT_MAX + 2)

static const char help[] =
    "Usage: weir audit -c FILE [OPTION]...\n"
    "Proves on the topics of FILE that every input record that the group has committed has the one outcome\n"
    "that it must have. Reads only; the pipeline may run meanwhile, `weir dlq replay` may not.\n"
    "\n"
    "From the journal it takes which records were done, and under which configuration and schemas; with "
    "these\n"
    "it computes each verdict and each output again and compares: value, key, headers, timestamp and "
    "partition\n"
    "of outputs; code, value, key, headers, timestamp and partition of letters; that a replayed letter is "
    "in\n"
    "the output once. Findings, by the coordinates of the input record:\n"
    "  lost, doubled, misrouted, altered, foreign (there is no such input record)\n"
    "  batch      the journal has other verdicts than the input comes to\n"
    "  chain      offsets were committed that the journal does not know of\n"
    "  journal, unreadable, count    records of the journal, or outputs, that are not what they should be\n"
    "\n"
    "Not proven: the contents of replayed records, what a `now` field holds (only that it holds such a "
    "value),\n"
    "the texts of letters' messages, verdicts that came from outside (the journal says which), and what\n"
    "retention has taken. Without output fields that `set` fills with { source: partition } and { source:\n"
    "offset }, outputs are only counted.\n"
    "\n"
    "  -c, --config FILE       the configuration; else $WEIR_CONFIG\n"
    "  -p, --partition N       only this partition of the input\n"
    "      --any-partition     do not compare which partition a record is in: for topics that were given\n"
    "                          more partitions since\n"
    "      --json              for machines: one object\n"
    "  -h, --help              this text\n"
    "\n"
    "Exit status: 0 nothing found; 1 a finding; others as in sysexits.h.\n";

enum option_code { OPTION_JSON = 256, OPTION_ANY_PARTITION };

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"partition", required_argument, NULL, 'p'},
    {"any-partition", no_argument, NULL, OPTION_ANY_PARTITION},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct arguments {
    const char *config;
    int32_t partition;
    bool any_partition, json, help;
};

/* What is printed, and how much of it was. */
struct printer {
    bool json, progressing;
    uint64_t findings;
    int64_t last_ms;
};

/* --- the command line --- */

static enum weir_err_code take_option(struct arguments *arguments, int option, struct weir_err *err)
{
    int64_t number = -1;
    switch (option) {
    case 'c': arguments->config = optarg; return WEIR_OK;
    case 'h': arguments->help = true; return WEIR_OK;
    case OPTION_JSON: arguments->json = true; return WEIR_OK;
    case OPTION_ANY_PARTITION: arguments->any_partition = true; return WEIR_OK;
    case 'p':
        if (!format_integer(weir_bytes_of(optarg), &number) || number < 0 || number > INT32_MAX)
            return weir_fail(err, WEIR_ERR_USAGE, "--partition: '%s' is no partition", optarg);
        arguments->partition = (int32_t)number;
        return WEIR_OK;
    default: return weir_fail(err, WEIR_ERR_USAGE, "see weir audit --help");
    }
}

static enum weir_err_code parse_arguments(int argc, char **argv, struct arguments *arguments,
                                          struct weir_err *err)
{
    enum weir_err_code code = WEIR_OK;
    int option;
    *arguments = (struct arguments){.config = getenv("WEIR_CONFIG"), .partition = -1};
    optind = 1;
    while (code == WEIR_OK && (option = getopt_long(argc, argv, "c:p:h", long_options, NULL)) != -1)
        code = take_option(arguments, option, err);
    if (code != WEIR_OK || arguments->help)
        return code;
    if (optind < argc)
        return weir_fail(err, WEIR_ERR_USAGE, "'%s' is too much; see weir audit --help", argv[optind]);
    if (!arguments->config)
        return weir_fail(err, WEIR_ERR_USAGE, "no configuration: give -c FILE or set WEIR_CONFIG");
    return WEIR_OK;
}

/* --- printing --- */

static void end_progress(struct printer *printer)
{
    if (printer->progressing)
        (void)fputs("\r\033[K", stderr);
    printer->progressing = false;
}

static void show_progress(void *context, const char *what, int64_t done, int64_t total)
{
    struct printer *printer = context;
    int64_t now_ms = clock_monotonic_ms();
    if (printer->json || now_ms - printer->last_ms < PROGRESS_MS || isatty(STDERR_FILENO) != 1)
        return;
    printer->last_ms = now_ms;
    printer->progressing = true;
    (void)fprintf(stderr, "\r\033[K%3d%%  %s", (int)(done * 100 / total), what);
    (void)fflush(stderr);
}

static void put_json(const char *name, const char *text)
{
    uint8_t memory[JSON_MAX];
    struct weir_arena arena;
    weir_arena_init(&arena, memory, sizeof memory);
    bool fits = json_write_text(&arena, weir_bytes_of(text));
    (void)printf(",\"%s\":%.*s", name, fits ? (int)arena.used : 2, fits ? (const char *)memory : "\"\"");
}

static void print_finding_json(const struct printer *printer, const struct audit_finding *finding)
{
    (void)printf("%s{\"kind\":\"%s\"", printer->findings ? "," : "", finding->kind);
    if (finding->partition >= 0)
        (void)printf(",\"partition\":%" PRId32 ",\"offset\":%" PRId64, finding->partition, finding->offset);
    if (finding->topic)
        (void)printf(",\"topic\":\"%s\"", finding->topic);
    if (finding->topic && finding->at_offset >= 0)
        (void)printf(",\"at_partition\":%" PRId32 ",\"at_offset\":%" PRId64, finding->at_partition,
                     finding->at_offset);
    put_json("text", finding->text);
    (void)putchar('}');
}

static void print_finding(void *context, const struct audit_finding *finding)
{
    char source[48] = "-", place[LETTER_PLACE_MAX] = "";
    struct printer *printer = context;
    end_progress(printer);
    if (printer->json) {
        print_finding_json(printer, finding);
        printer->findings++;
        return;
    }
    if (printer->findings++ == 0)
        (void)printf("%-10s  %14s  %s\n", "FINDING", "INPUT RECORD", "WHAT");
    if (finding->partition >= 0)
        (void)snprintf(source, sizeof source, "%" PRId32 ":%" PRId64, finding->partition, finding->offset);
    if (finding->topic && finding->at_offset >= 0)
        (void)snprintf(place, sizeof place, " (%s:%" PRId32 ":%" PRId64 ")", finding->topic,
                       finding->at_partition, finding->at_offset);
    (void)printf("%-10s  %14s  %s%s\n", finding->kind, source, finding->text, place);
}

static void print_totals_json(const struct audit_totals *totals)
{
    const char *joint = "";
    (void)printf("],\"records\":%" PRIu64 ",\"passed\":%" PRIu64 ",\"dropped\":%" PRIu64
                 ",\"rejected\":%" PRIu64 ",\"codes\":{",
                 totals->records, totals->passed, totals->dropped, totals->rejected);
    for (int code = WEIR_CODE_NONE + 1; code < WEIR_CODE_COUNT; code++) {
        if (totals->codes[code] == 0)
            continue;
        (void)printf("%s\"%s\":%" PRIu64, joint, weir_code_name((enum weir_code)code), totals->codes[code]);
        joint = ",";
    }
    (void)printf("},\"letters\":{");
    for (int state = 0; state < LEDGER_STATES; state++)
        (void)printf("%s\"%s\":%" PRIu64, state ? "," : "", ledger_states[state], totals->states[state]);
    (void)printf("},\"not_provable\":%" PRIu64 ",\"outside\":%" PRIu64 ",\"batches\":%" PRIu64
                 ",\"counts_only\":%s,\"damaged_windows_left\":%" PRIu64 ",\"found\":%" PRIu64,
                 totals->unprovable, totals->outside, totals->batches, totals->counts_only ? "true" : "false",
                 totals->windows_left, totals->findings);
    put_json("why_not_provable", totals->why_unprovable);
    (void)puts("}");
}

static void print_count(const char *name, uint64_t count)
{
    if (count > 0)
        (void)printf("  %-26s %14" PRIu64 "\n", name, count);
}

static void print_totals(const struct audit_totals *totals)
{
    (void)printf("%-28s %14" PRIu64 "\n", "input records judged", totals->records);
    print_count("passed", totals->passed);
    print_count("dropped by a filter", totals->dropped);
    for (int code = WEIR_CODE_NONE + 1; code < WEIR_CODE_COUNT; code++)
        print_count(weir_code_name((enum weir_code)code), totals->codes[code]);
    (void)printf("%-28s %14" PRIu64 "\n", "dead letters", totals->rejected);
    for (int state = 0; state < LEDGER_STATES; state++)
        print_count(ledger_states[state], totals->states[state]);
    (void)printf("%-28s %14" PRIu64 "\n", "batches of the journal", totals->batches);
    if (totals->outside > 0)
        (void)printf("%-28s %14" PRIu64 "  of records that are older, or not committed yet\n",
                     "outputs and letters beside", totals->outside);
    if (totals->unprovable > 0)
        (void)printf("%-28s %14" PRIu64 "\n", "not provable", totals->unprovable);
    if (totals->why_unprovable[0])
        (void)printf("Not everything can be proven: %s.\n", totals->why_unprovable);
    if (totals->counts_only)
        (void)puts("The outputs have no coordinates of their source: they were only counted.");
    if (totals->windows_left > 0)
        (void)printf("%" PRIu64 " more windows of %" PRId64 " offsets are damaged and were not looked at.\n",
                     totals->windows_left, COMPARE_WINDOW);
    if (totals->findings > 0)
        (void)printf("%" PRIu64 " finding%s.\n", totals->findings, totals->findings == 1 ? "" : "s");
    else if (totals->records == 0)
        (void)puts("Nothing could be judged.");
    else if (totals->counts_only)
        (void)puts("Nothing is wrong with their counts, nor with the letters.");
    else
        (void)puts("Clean: each of these records has its one outcome.");
}

/* --- the work --- */

static const char *no_variable(void *context, const char *name)
{
    (void)context;
    (void)name;
    return NULL;
}

static enum weir_err_code no_file(void *context, const char *path, char *buffer, size_t cap, size_t *len,
                                  struct weir_err *err)
{
    (void)context;
    (void)path;
    (void)buffer;
    (void)cap;
    *len = 0;
    return weir_fail(err, WEIR_ERR_NOT_FOUND, "a configuration in the journal reads no files");
}

static enum weir_err_code parse_config(void *context, struct weir_bytes text, struct weir_spec **out,
                                       struct weir_err *err)
{
    /* It comes from a topic: nothing of this process is open to it. */
    static const struct config_world nothing = {.variable = no_variable, .file = no_file};
    (void)context;
    size_t len = text.len + sizeof places;
    char *whole = malloc(len);
    if (!whole)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a configuration");
    memcpy(whole, text.data, text.len);
    memcpy(whole + text.len, places, sizeof places);
    enum weir_err_code code =
        config_parse((struct weir_bytes){(const uint8_t *)whole, len - 1}, "journal", &nothing, out, err);
    free(whole);
    return code;
}

static enum weir_err_code audit(const struct arguments *arguments, struct printer *printer,
                                struct audit_totals *totals, struct weir_err *err)
{
    struct weir_spec *spec = NULL;
    rd_kafka_t *client = NULL;
    struct audit_options options = {.config = {.parse = parse_config, .release = config_free},
                                    .partition = arguments->partition,
                                    .any_partition = arguments->any_partition,
                                    .stopping = &interrupt_seen,
                                    .finding = print_finding,
                                    .progress = show_progress,
                                    .context = printer};
    enum weir_err_code code = config_load(arguments->config, &spec, err);
    if (code != WEIR_OK)
        return code;
    log_setup(spec->log.level, spec->log.format);
    if (getrandom(&options.key, sizeof options.key, 0) != (ssize_t)sizeof options.key)
        code = weir_fail(err, WEIR_ERR_IO, "the system gives no random numbers");
    if (code == WEIR_OK)
        code = admin_open(spec, &client, err);
    options.spec = spec;
    options.client = client;
    if (code == WEIR_OK && arguments->json)
        (void)fputs("{\"findings\":[", stdout);
    if (code == WEIR_OK)
        code = audit_run(&options, totals, err);
    end_progress(printer);
    if (client)
        admin_close(client);
    config_free(spec);
    return code;
}

int cmd_audit(int argc, char **argv)
{
    static struct audit_totals totals;
    struct arguments arguments;
    struct weir_err err = {0};
    enum weir_err_code code = parse_arguments(argc, argv, &arguments, &err);
    struct printer printer = {.json = arguments.json};
    if (code == WEIR_OK && arguments.help)
        return fputs(help, stdout) == EOF;
    interrupt_handle();
    interrupt_not_by_pipes();
    if (code == WEIR_OK)
        code = audit(&arguments, &printer, &totals, &err);
    if (code == WEIR_OK && arguments.json)
        print_totals_json(&totals);
    else if (code == WEIR_OK)
        print_totals(&totals);
    if (fflush(stdout) != 0 && code == WEIR_OK)
        code = weir_fail(&err, WEIR_ERR_IO, "standard output cannot be written");
    if (code == WEIR_OK)
        return totals.findings > 0 || totals.windows_left > 0;
    (void)fprintf(stderr, "weir audit: %s\n", err.text);
    return weir_err_exit(code);
}
