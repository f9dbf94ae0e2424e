/* `weir generate`: a load of user logins into a topic, or as lines to standard output. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "generate/mix.h"
#include "generate/pace.h"
#include "generate/request.h"
#include "kafka/load.h"
#include "registry/directory.h"
#include "registry/registrar.h"
#include "sys/clock.h"

/* Records between two looks at the clock. */
#define CHUNK 1024

/* How long a registry may take to be reached and to answer. */
#define REGISTRY_CONNECT_TIMEOUT_MS 3000
#define REGISTRY_TIMEOUT_MS         10000

/* Versions of the subject that are written at most. */
#define PACKS_MAX 16

/* Progress is shown once in so long. */
#define PROGRESS_MS 500

/* The queue is emptied in slices of this. After a signal, and where a duration is given, that ends when for
 * so long nothing was delivered: longer than a broker needs to come back, and less long where none ever was
 * there, since then the address may be wrong. */
#define FLUSH_SLICE_MS    200
#define FLUSH_PATIENCE_MS 30000
#define FIRST_PATIENCE_MS 10000

/* Standard output is written in pieces of this size. */
#define OUTPUT_BUFFER ((size_t)1024 * 1024)

struct tally {
    uint64_t records, bytes, pass, drop, rejects;
    uint64_t reject[WEIR_CODE_COUNT];
};

struct run {
    const struct request *request;
    struct mix mix;
    struct pack *packs[PACKS_MAX];
    struct client *registry; /* NULL: ids are the folder's */
    struct load *load;       /* NULL: to standard output */
    struct tally tally;
    int64_t started_ms;
    bool progress;
    bool told; /* that the brokers are in trouble */
    uint8_t memory[MIX_ROOM];
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

/* The first signal ends the load in good order; a second one ends the process. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

/* --- help --- */

#define HELP_COLUMN 28
#define HELP_WIDTH  100

/* Prints words from HELP_COLUMN on, in as many lines as it takes. */
static void print_wrapped(const char *text)
{
    int column = HELP_COLUMN;
    const char *before = "";
    while (*text) {
        int len = (int)strcspn(text, " ");
        if (column + 1 + len > HELP_WIDTH) {
            printf("\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
            before = "";
        }
        column += printf("%s%.*s", before, len, text);
        before = " ";
        text += len;
        text += *text == ' ';
    }
    putchar('\n');
}

static void print_option(const struct request_option *option)
{
    int len =
        option->argument ? printf("  %s %s", option->name, option->argument) : printf("  %s", option->name);
    if (len >= HELP_COLUMN)
        printf("\n%*s", HELP_COLUMN, "");
    else
        printf("%*s", HELP_COLUMN - len, "");
    print_wrapped(option->help);
}

static enum weir_err_code print_help(struct weir_err *err)
{
    puts("Usage: weir generate --bootstrap-server HOSTS --topic NAME [OPTION...]\n"
         "       weir generate --stdout [OPTION...]\n\n"
         "Sends user logins as the shipped pipeline reads them, good and malformed, from a seed.\n"
         "In parentheses: what holds when an option is not given.\n");
    size_t n;
    const struct request_option *options = request_options(&n);
    for (size_t i = 0; i < n; i++)
        print_option(&options[i]);
    puts(
        "\nThe first SIGINT or SIGTERM stops it in good order: what is queued is sent, the summary printed.\n"
        "Exit status: 0 all delivered, 69 some were not; else 64 and up as in sysexits.h.");
    return fflush(stdout) == 0 ? WEIR_OK
                               : weir_fail(err, WEIR_ERR_IO, "standard output: %s", strerror(errno));
}

/* --- schemas --- */

static enum weir_err_code open_registry(struct run *run, struct weir_err *err)
{
    const struct http_options options = {.urls = run->request->registry,
                                         .connect_timeout_ms = REGISTRY_CONNECT_TIMEOUT_MS,
                                         .timeout_ms = REGISTRY_TIMEOUT_MS,
                                         .seed = (uint64_t)clock_monotonic_ns()};
    return run->request->registry ? client_new(&options, &run->registry, err) : WEIR_OK;
}

/* The id that readers will look up: the registry's where there is one. */
static enum weir_err_code find_id(const struct run *run, const struct weir_schema *schema, uint32_t *id,
                                  struct weir_err *err)
{
    struct answer_place place;
    if (!run->registry)
        return WEIR_OK;
    enum weir_err_code code = registrar_find(run->registry, run->request->subject, schema, &place, err);
    if (code == WEIR_OK)
        *id = place.id;
    return code;
}

static enum weir_err_code open_pack(struct run *run, const struct directory *directory, int64_t version,
                                    int64_t *found, struct weir_err *err)
{
    const struct weir_schema *schema = NULL;
    uint32_t id = 0;
    enum weir_err_code code =
        directory_subject(directory, run->request->subject, version, &schema, &id, found, err);
    if (code != WEIR_OK)
        return code;
    struct weir_bytes text = {(const uint8_t *)schema->text, schema->text_len};
    struct weir_err why;
    code = find_id(run, schema, &id, &why);
    if (code == WEIR_OK)
        code = pack_open(text, id, &run->packs[run->mix.n_packs], &why);
    if (code != WEIR_OK)
        return weir_fail(err, code, "%s, version %" PRId64 ": %s", run->request->subject, *found, why.text);
    run->mix.n_packs++;
    return WEIR_OK;
}

static void drop_last_pack(struct run *run)
{
    struct pack **last = &run->packs[--run->mix.n_packs];
    pack_close(*last);
    *last = NULL;
}

/* Older versions serve for records that lack a field: those that lack none are put away again. */
static enum weir_err_code open_older(struct run *run, const struct directory *directory, int64_t latest,
                                     struct weir_err *err)
{
    for (int64_t version = latest - 1; version > 0 && run->mix.n_packs < PACKS_MAX; version--) {
        int64_t found;
        enum weir_err_code code = open_pack(run, directory, version, &found, err);
        if (code == WEIR_ERR_NOT_FOUND)
            continue;
        if (code != WEIR_OK)
            return code;
        if (pack_without(run->packs[run->mix.n_packs - 1]) == 0)
            drop_last_pack(run);
    }
    return WEIR_OK;
}

static enum weir_err_code open_versions(struct run *run, const struct directory *directory,
                                        struct weir_err *err)
{
    const char *subject = run->request->subject;
    int64_t latest = 0;
    enum weir_err_code code = open_pack(run, directory, WEIR_VERSION_LATEST, &latest, err);
    if (code != WEIR_OK)
        return code;
    if (pack_without(run->packs[0]) != 0)
        return weir_fail(err, WEIR_ERR_BAD_SCHEMA, "%s, version %" PRId64 ": lacks fields of a user login",
                         subject, latest);
    code = open_older(run, directory, latest, err);
    if (code == WEIR_OK && run->mix.form == MIX_AVRO && run->mix.n_packs < 2 && run->mix.missing > 0)
        (void)fprintf(stderr, "weir generate: no older version of %s lacks a field, so no record does\n",
                      subject);
    return code;
}

static enum weir_err_code open_packs(struct run *run, struct weir_err *err)
{
    struct directory *directory = NULL;
    run->mix.packs = run->packs;
    if (run->mix.form == MIX_JSON)
        return WEIR_OK;
    struct weir_err why;
    enum weir_err_code code = directory_open(run->request->schemas, &directory, &why);
    if (code != WEIR_OK)
        return weir_fail(err, code, "%s (--schemas DIR says where schemas are; --format json needs none)",
                         why.text);
    code = open_registry(run, err);
    if (code == WEIR_OK)
        code = open_versions(run, directory, err);
    directory_close(directory);
    return code;
}

/* --- where records go --- */

static enum weir_err_code open_load(struct run *run, struct weir_err *err)
{
    const struct request *request = run->request;
    struct weir_property properties[REQUEST_PROPERTIES_MAX + 1];
    size_t n = 0;
    if (request->to_stdout)
        return WEIR_OK;
    if (request->bootstrap)
        properties[n++] = (struct weir_property){.name = "bootstrap.servers", .value = request->bootstrap};
    memcpy(properties + n, request->properties, request->n_properties * sizeof *properties);
    return load_open(properties, n + request->n_properties, request->topic, &run->load, err);
}

static void print_hex(struct weir_bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        (void)putchar("0123456789abcdef"[bytes.data[i] >> 4]);
        (void)putchar("0123456789abcdef"[bytes.data[i] & 15]);
    }
}

static enum weir_err_code print_record(const struct run *run, const struct mix_record *record,
                                       struct weir_err *err)
{
    if (!record->value.data)
        (void)fputs("null", stdout);
    else if (run->mix.form == MIX_JSON)
        (void)fwrite(record->value.data, 1, record->value.len, stdout);
    else
        print_hex(record->value);
    if (run->mix.expect)
        (void)printf("\t%s", mix_expectation(record->verdict, record->code));
    (void)putchar('\n');
    return ferror(stdout) ? weir_fail(err, WEIR_ERR_IO, "standard output: %s", strerror(errno)) : WEIR_OK;
}

static bool time_is_up(const struct run *run, int64_t now_ms)
{
    return stopped || (uint64_t)(now_ms - run->started_ms) >= run->request->duration_ms;
}

/* Says once what is wrong with the brokers, when something is. */
static void tell_trouble(struct run *run)
{
    if (run->told || !*load_trouble(run->load))
        return;
    (void)fprintf(stderr, "%sweir generate: %s; trying on\n", run->progress ? "\r\033[K" : "",
                  load_trouble(run->load));
    run->told = true;
}

/* Waits for room in the queue until a signal comes or time is up. */
static enum weir_err_code send_record(struct run *run, const struct mix_record *record, struct weir_err *err)
{
    enum weir_err_code code;
    do {
        code = load_send(run->load, run->request->partition, record->key, record->value, record->headers,
                         record->n_headers, err);
        tell_trouble(run);
    } while (code == WEIR_ERR_TRANSIENT && !time_is_up(run, clock_monotonic_ms()));
    return code;
}

static void count(struct tally *tally, const struct mix_record *record)
{
    tally->records++;
    tally->bytes += record->value.len;
    tally->pass += record->verdict == WEIR_PASS;
    tally->drop += record->verdict == WEIR_DROP;
    tally->rejects += record->verdict == WEIR_REJECT;
    tally->reject[record->code] += record->verdict == WEIR_REJECT;
}

/* --- the load --- */

static void show_progress(const struct run *run, int64_t now_ms)
{
    double seconds = (double)(now_ms - run->started_ms) / 1000;
    if (run->progress && seconds > 0)
        (void)fprintf(stderr, "\r%" PRIu64 " records, %.0f/s, %" PRIu64 " queued\033[K", run->tally.records,
                      (double)run->tally.records / seconds, run->load ? load_queued(run->load) : 0);
}

/* Makes and sends n records, fewer when a signal comes. */
static enum weir_err_code send_chunk(struct run *run, uint64_t n, struct weir_err *err)
{
    int64_t now_ms = clock_wall_ms();
    for (uint64_t i = 0; i < n && !stopped; i++) {
        struct weir_arena out;
        struct mix_record record;
        weir_arena_init(&out, run->memory, sizeof run->memory);
        enum weir_err_code code = mix_make(&run->mix, run->tally.records, now_ms, &out, &record, err);
        if (code == WEIR_OK)
            code = run->load ? send_record(run, &record, err) : print_record(run, &record, err);
        if (code != WEIR_OK)
            return code == WEIR_ERR_TRANSIENT ? WEIR_OK : code;
        count(&run->tally, &record);
    }
    return WEIR_OK;
}

static bool finished(const struct run *run, int64_t now_ms)
{
    return run->tally.records >= run->request->count || time_is_up(run, now_ms);
}

/* Nothing to send just now. Lines that somebody waits for must not lie in the buffer meanwhile. */
static void rest(struct run *run, int64_t ms)
{
    if (run->load) {
        load_poll(run->load);
        tell_trouble(run);
    } else {
        (void)fflush(stdout);
    }
    clock_sleep_ms(ms);
}

static enum weir_err_code send_all(struct run *run, struct weir_err *err)
{
    struct pace pace;
    enum weir_err_code code = WEIR_OK;
    int64_t now_ms = run->started_ms, shown_ms = now_ms;
    pace_init(&pace, run->request->rate, clock_monotonic_ns());
    for (; code == WEIR_OK && !finished(run, now_ms); now_ms = clock_monotonic_ms()) {
        uint64_t left = run->request->count - run->tally.records;
        uint64_t n = pace_take(&pace, clock_monotonic_ns(), left < CHUNK ? left : CHUNK);
        if (n > 0)
            code = send_chunk(run, n, err);
        else
            rest(run, pace_wait_ms(&pace, clock_monotonic_ns()));
        if (now_ms - shown_ms >= PROGRESS_MS) {
            show_progress(run, now_ms);
            shown_ms = now_ms;
        }
    }
    return code;
}

/* Waits until the brokers have everything, or librdkafka has given it up; when told to end only while it goes
 * on. */
static void drain(struct run *run)
{
    uint64_t delivered = 0;
    int64_t since_ms = clock_monotonic_ms();
    while (load_flush(run->load, FLUSH_SLICE_MS) > 0) {
        int64_t now_ms = clock_monotonic_ms();
        uint64_t before = delivered;
        show_progress(run, now_ms);
        tell_trouble(run);
        delivered = load_counts(run->load).delivered;
        if (delivered != before || !time_is_up(run, now_ms))
            since_ms = now_ms;
        if (now_ms - since_ms >= (delivered > 0 ? FLUSH_PATIENCE_MS : FIRST_PATIENCE_MS))
            return;
    }
}

/* --- the summary --- */

/* The expected codes with their numbers. */
static void print_codes(FILE *to, const struct tally *tally, const char *quote, const char *between)
{
    const char *before = "";
    for (unsigned code = 0; code < WEIR_CODE_COUNT; code++) {
        if (tally->reject[code] == 0)
            continue;
        (void)fprintf(to, "%s%s%s%s%s%" PRIu64, before, quote, weir_code_name((enum weir_code)code), quote,
                      between, tally->reject[code]);
        before = ", ";
    }
}

static void print_text(FILE *to, const struct run *run, double seconds)
{
    const struct tally *tally = &run->tally;
    (void)fprintf(to, "%" PRIu64 " records in %.1f s (%.0f/s, %.1f MB)", tally->records, seconds,
                  (double)tally->records / seconds, (double)tally->bytes / 1e6);
    (void)fprintf(to, ", to become: %" PRIu64 " PASS, %" PRIu64 " DROP, %" PRIu64 " REJECT", tally->pass,
                  tally->drop, tally->rejects);
    if (tally->rejects > 0) {
        (void)fputs(" (", to);
        print_codes(to, tally, "", " ");
        (void)fputs(")", to);
    }
    (void)fputs("\n", to);
}

static void print_json(FILE *to, const struct run *run, double seconds)
{
    const struct tally *tally = &run->tally;
    (void)fprintf(to, "{\"seed\": %" PRIu64 ", \"records\": %" PRIu64 ", \"bytes\": %" PRIu64, run->mix.seed,
                  tally->records, tally->bytes);
    (void)fprintf(to, ", \"seconds\": %.3f, \"rate\": %.0f", seconds, (double)tally->records / seconds);
    if (run->load)
        (void)fprintf(to, ", \"delivered\": %" PRIu64 ", \"failed\": %" PRIu64 ", \"queued\": %" PRIu64,
                      load_counts(run->load).delivered, load_counts(run->load).failed,
                      load_queued(run->load));
    (void)fprintf(to, ", \"pass\": %" PRIu64 ", \"drop\": %" PRIu64 ", \"reject\": %" PRIu64 ", \"codes\": {",
                  tally->pass, tally->drop, tally->rejects);
    print_codes(to, tally, "\"", ": ");
    (void)fputs("}}\n", to);
}

/* To standard output, unless the records went there. */
static void print_summary(const struct run *run)
{
    int64_t ms = clock_monotonic_ms() - run->started_ms;
    double seconds = ms > 0 ? (double)ms / 1000 : 0.001;
    FILE *to = run->load ? stdout : stderr;
    if (run->progress)
        (void)fputs("\r\033[K", stderr);
    if (run->request->json)
        print_json(to, run, seconds);
    else
        print_text(to, run, seconds);
}

static enum weir_err_code check_delivery(const struct load *load, struct weir_err *err)
{
    struct load_counts counts = load_counts(load);
    if (counts.failed > 0)
        return weir_fail(err, WEIR_ERR_KAFKA, "%" PRIu64 " of %" PRIu64 " records were not delivered: %s",
                         counts.sent - counts.delivered, counts.sent, load_first_failure(load));
    if (load_queued(load) > 0)
        return weir_fail(err, WEIR_ERR_KAFKA, "%" PRIu64 " of %" PRIu64 " records were still queued%s%s",
                         load_queued(load), counts.sent, *load_trouble(load) ? ": " : "", load_trouble(load));
    return WEIR_OK;
}

static enum weir_err_code finish(struct run *run, struct weir_err *err)
{
    if (run->load)
        drain(run);
    else if (fflush(stdout) != 0)
        return weir_fail(err, WEIR_ERR_IO, "standard output: %s", strerror(errno));
    print_summary(run);
    return run->load ? check_delivery(run->load, err) : WEIR_OK;
}

static enum weir_err_code generate(struct run *run, struct weir_err *err)
{
    enum weir_err_code code = open_packs(run, err);
    if (code == WEIR_OK)
        code = open_load(run, err);
    if (code != WEIR_OK)
        return code;
    if (!run->load)
        (void)setvbuf(stdout, NULL, _IOFBF, OUTPUT_BUFFER);
    catch_signals();
    run->progress = isatty(STDERR_FILENO) == 1;
    run->started_ms = clock_monotonic_ms();
    code = send_all(run, err);
    /* What ended the load is told, and not what came of that later. */
    enum weir_err_code late = finish(run, code == WEIR_OK ? err : NULL);
    return code == WEIR_OK ? late : code;
}

static enum weir_err_code generate_load(const struct request *request, struct weir_err *err)
{
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a load");
    run->request = request;
    run->mix = request->mix;
    enum weir_err_code code = generate(run, err);
    load_close(run->load);
    client_free(run->registry);
    for (size_t i = 0; i < run->mix.n_packs; i++)
        pack_close(run->packs[i]);
    free(run);
    return code;
}

int cmd_generate(int argc, char **argv)
{
    struct request request;
    struct weir_err err;
    enum weir_err_code code = request_parse(argc, argv, &request, &err);
    if (code == WEIR_OK)
        code = request.help ? print_help(&err) : generate_load(&request, &err);
    if (code == WEIR_OK)
        return 0;
    (void)fprintf(stderr, "weir generate: %s%s\n", err.text,
                  code == WEIR_ERR_USAGE ? "; see weir generate --help" : "");
    return weir_err_exit(code);
}
