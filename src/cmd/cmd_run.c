/* weir run: makes what a process has once, lets its workers run, says how they fare, takes it all apart. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/headcount.h"
#include "cmd/supervisor.h"
#include "cmd/timepiece.h"
#include "cmd/worker.h"
#include "config/config.h"
#include "engine/follower.h"
#include "kafka/admin.h"
#include "kafka/watchdog.h"
#include "registry/registry.h"
#include "sys/clock.h"
#include "sys/log.h"

/* Longest host name that makes an instance's name. */
#define INSTANCE_MAX 128
/* How long stopping may take, whatever hangs: somewhat longer than the watchdog lets it. */
#define STOP_S (WATCHDOG_STOP_MS / 1000 + WATCHDOG_WORDS_S)
/* How long taking apart what the workers leave may take; the watchdog sees to it that they end in time. */
#define TAKE_APART_S 3
/* How often the log says how far it is. */
#define PROGRESS_MS 10000
/* Room for what both lines that count records say: a handful of numbers. */
#define RECORDS_TEXT 192
/* How long the look at the input topic's partitions may take, from which `workers: auto` is told. */
#define LOOK_TIMEOUT_MS 3000
/* The first and the longest pause between two tries to get the schemas at the start. */
#define SCHEMAS_FIRST_MS   200
#define SCHEMAS_LONGEST_MS 5000

static const char help[] =
    "Usage: weir run -c FILE [--instance NAME] [--breaker=off]\n\n"
    "Runs the pipeline of FILE until SIGTERM or SIGINT.\n\n"
    "  -c, --config FILE      the configuration (else $WEIR_CONFIG)\n"
    "      --instance NAME    this process among its equals (else $POD_NAME, else the host name); two live\n"
    "                         processes of one pipeline must not share it: the newer stops the older\n"
    "      --breaker=off      write what is rejected however much it is, whatever the configuration says\n"
    "  -h, --help             this text\n\n"
    "Signals: SIGTERM, SIGINT finish the open batch and stop within 10 s (a second one stops at once);\n"
    "SIGHUP tries again at once what waits and looks for newer schemas; SIGUSR1 goes to the next log level.\n"
    "Exit status: 0 stopped as told; 75 try again (the supervisor's restart goes on where this one was); 78 "
    "the\n"
    "configuration is wrong; others as in sysexits.h. Nothing is lost or doubled whatever it is.\n";

struct arguments {
    const char *config;
    const char *instance;
    const char *breaker; /* "off", or NULL: as configured */
};

struct run {
    struct arguments arguments;
    struct weir_spec *spec;
    struct timepiece timepiece;
    struct registry *registry;
    struct timepiece pace; /* the follower's */
    struct follower *follower;
    struct worker_parts parts; /* what the workers share */
    char *config_text;         /* the part that decides, for the journal */
    struct counters counters;
    struct trouble trouble;
    rd_kafka_t *client; /* asks about topics and, for the watchdog, whether anybody answers */
    int n;
    struct worker **workers;
    struct watch *watches;
    struct watchdog *dog;
    bool ran;    /* workers have run: there is something to sum up */
    int silence; /* trouble row of a cluster that answers nobody, as the watchdog saw it, -1: it does */
    size_t first_failed; /* the worker that ended the process */
    int64_t progress_at_ms;
    uint64_t progress_in;
};

/* Signal handlers can reach nothing but these. */
static struct loop_control control;
static _Atomic int stop_signals;

/* The alarm is for what would hold up even the watchdog: a log that nobody reads. */
static void on_stop(int signal)
{
    atomic_store(&control.stop, 1);
    (void)alarm(STOP_S);
    if (atomic_fetch_add(&stop_signals, 1) > 0)
        _exit(128 + signal);
}

static void on_hurry(int signal)
{
    (void)signal;
    atomic_fetch_add(&control.hurry, 1);
}

static void on_level(int signal)
{
    (void)signal;
    log_cycle_level();
}

static void on_alarm(int signal)
{
    (void)signal;
    _exit(weir_err_exit(WEIR_ERR_STUCK));
}

static void handle(int signal, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(signal, &action, NULL);
}

static void handle_signals(void)
{
    handle(SIGTERM, on_stop);
    handle(SIGINT, on_stop);
    handle(SIGHUP, on_hurry);
    handle(SIGUSR1, on_level);
    handle(SIGALRM, on_alarm);
    handle(SIGPIPE, SIG_IGN);
}

/* --- the parts --- */

/* The schemas that a pipeline is made of. */
struct subjects {
    struct schemas_version reader, output;
};

static enum weir_err_code find_subjects(struct run *run, struct subjects *subjects, struct weir_err *err)
{
    const struct weir_spec *spec = run->spec;
    enum weir_err_code code = registry_subject(run->registry, &spec->input.schema, &subjects->reader, err);
    if (code == WEIR_OK)
        code = registry_subject(run->registry, &spec->output.schema, &subjects->output, err);
    return code;
}

/* A registry that is down is waited for: said once, and once when it is over. */
static enum weir_err_code await_subjects(struct run *run, struct subjects *subjects, struct weir_err *err)
{
    struct timer *timer = &run->timepiece.base;
    int64_t since_ms = clock_monotonic_ms();
    enum weir_err_code code = find_subjects(run, subjects, err);
    bool waited = weir_err_class(code) == WEIR_CLASS_WAIT;
    if (waited)
        log_warn(weir_err_name(code), "%s; waiting", err->text);
    for (int64_t pause_ms = SCHEMAS_FIRST_MS; weir_err_class(code) == WEIR_CLASS_WAIT && !control.stop;) {
        uint32_t half = (uint32_t)(pause_ms / 2);
        clock_sleep_ms(half + timer->ops->random(timer, half + 1));
        pause_ms = pause_ms * 2 < SCHEMAS_LONGEST_MS ? pause_ms * 2 : SCHEMAS_LONGEST_MS;
        code = find_subjects(run, subjects, err);
    }
    if (waited && code == WEIR_OK)
        log_info("recovered", "the schema registry answers after %.1f s",
                 (double)(clock_monotonic_ms() - since_ms) / 1000.0);
    return code;
}

/* The schemas, and the first edition of them: all that workers need of the registry. */
static enum weir_err_code open_registry(struct run *run, struct weir_err *err)
{
    const struct weir_spec *spec = run->spec;
    const struct registry_options options = {
        .spec = spec, .timer = &run->timepiece.base, .stop = &control.stop, .seed = timepiece_seed()};
    struct subjects subjects = {0};
    enum weir_err_code code = registry_open(&options, &run->registry, err);
    if (code == WEIR_OK)
        code = await_subjects(run, &subjects, err);
    if (code == WEIR_OK)
        code = registry_schemas(run->registry, &run->parts.schemas, err);
    if (code != WEIR_OK)
        return code;
    struct edition *first = NULL;
    code = edition_new(&spec->core, &subjects.reader, &subjects.output, &first, err);
    if (code == WEIR_OK)
        code = editions_new(first, follow_needed(spec) ? FOLLOWER_PATIENCE_MS : EDITIONS_FIXED,
                            &run->parts.editions, err);
    if (code != WEIR_OK) {
        edition_release(first);
        return code;
    }
    log_info("schemas", "reading as %s version %lld, writing as %s version %lld", spec->input.schema.subject,
             (long long)subjects.reader.version, spec->output.schema.subject,
             (long long)subjects.output.version);
    return WEIR_OK;
}

/* How many workers there are to be. Needs the client where that follows from the input topic. */
static int count_workers(const struct run *run)
{
    struct headcount facts = {.wanted = run->spec->workers};
    struct sink_target input = {0};
    struct weir_err ignored;
    char why[HEADCOUNT_WHY_MAX];
    if (facts.wanted != WEIR_WORKERS_AUTO)
        return headcount_choose(&facts);
    cpus_read("", &facts.cpus);
    /* A topic that cannot be seen is said by the workers, who go on looking. */
    (void)admin_look(run->client, run->spec->core.input_topic, LOOK_TIMEOUT_MS, &input, &ignored);
    facts.partitions = input.state == WEIR_OK ? input.partitions : 0;
    int n = headcount_choose(&facts);
    log_info("workers", "auto: %d, from %s", n, headcount_why(&facts, why));
    return n;
}

static enum weir_err_code open_workers(struct run *run, struct weir_err *err)
{
    run->n = count_workers(run);
    run->workers = calloc((size_t)run->n, sizeof *run->workers);
    run->watches = calloc((size_t)run->n, sizeof *run->watches);
    if (!run->workers || !run->watches)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for %d workers", run->n);
    enum weir_err_code code = WEIR_OK;
    for (int i = 0; i < run->n && code == WEIR_OK; i++)
        code = worker_open(&run->parts, i, &run->watches[i], &run->workers[i], err);
    return code;
}

/* Newer versions are looked for where the configuration says latest. */
static enum weir_err_code start_follower(struct run *run, struct weir_err *err)
{
    const struct follower_options options = {.parts = {.spec = run->spec,
                                                       .schemas = run->parts.schemas,
                                                       .editions = run->parts.editions,
                                                       .trouble = &run->trouble,
                                                       .timer = &run->pace.base,
                                                       .counters = &run->counters},
                                             .poll_ms = run->spec->registry.poll_ms,
                                             .hurry = &control.hurry};
    timepiece_init(&run->pace, timepiece_seed());
    return follow_needed(run->spec) ? follower_start(&options, &run->follower, err) : WEIR_OK;
}

static enum weir_err_code open_all(struct run *run, struct weir_err *err)
{
    struct worker_parts *parts = &run->parts;
    parts->spec = run->spec;
    parts->instance = run->arguments.instance;
    parts->trouble = &run->trouble;
    parts->counters = &run->counters;
    parts->control = &control;
    /* What is wrong here is said before anything is waited for. */
    struct conf_identity identity;
    enum weir_err_code code = conf_identify(&identity, run->spec->core.pipeline, parts->instance, 0, err);
    if (code == WEIR_OK)
        code = config_deciding(run->spec, &run->config_text, err);
    parts->config_text = run->config_text;
    if (code == WEIR_OK)
        code = open_registry(run, err);
    if (code == WEIR_OK)
        code = admin_open(run->spec, &run->client, err);
    parts->client = run->client;
    if (code == WEIR_OK)
        code = open_workers(run, err);
    if (code == WEIR_OK)
        code = watchdog_start(run->client, run->watches, (size_t)run->n, &control.stop, &run->dog, err);
    if (code == WEIR_OK)
        code = start_follower(run, err);
    return code;
}

/* --- while they run --- */

static uint64_t count(const struct run *run, enum counter which)
{
    return counters_get(&run->counters, which);
}

/* What is said of the records so far, in both lines that count them. Returns text. */
static const char *tell_records(const struct run *run, char text[RECORDS_TEXT])
{
    uint64_t unknown = count(run, COUNTER_RECORDS_UNKNOWN);
    int n = snprintf(text, RECORDS_TEXT,
                     "%" PRIu64 " records in: %" PRIu64 " passed, %" PRIu64 " rejected, %" PRIu64 " dropped",
                     count(run, COUNTER_RECORDS_IN), count(run, COUNTER_RECORDS_PASSED),
                     count(run, COUNTER_RECORDS_REJECTED), count(run, COUNTER_RECORDS_DROPPED));
    if (unknown > 0)
        (void)snprintf(text + n, RECORDS_TEXT - (size_t)n, "; %" PRIu64 " with fields unknown to the schema",
                       unknown);
    return text;
}

static void say_progress(struct run *run, int64_t now_ms)
{
    if (now_ms < run->progress_at_ms)
        return;
    uint64_t in = count(run, COUNTER_RECORDS_IN);
    double seconds = (double)(now_ms - run->progress_at_ms + PROGRESS_MS) / 1000.0;
    char text[RECORDS_TEXT];
    if (in != run->progress_in)
        log_info("progress", "%s; %.0f records/s", tell_records(run, text),
                 (double)(in - run->progress_in) / seconds);
    run->progress_in = in;
    run->progress_at_ms = now_ms + PROGRESS_MS;
}

/* Says what the watchdog sees. Workers that wait for the cluster say the same once their call gives up; it is
 * one trouble all the time. */
static void watch_silence(struct run *run, int64_t now_ms)
{
    bool silence = watchdog_silence(run->dog);
    if (silence && run->silence < 0) {
        struct weir_err why;
        (void)weir_fail(&why, WEIR_ERR_BROKER_DOWN, "no Kafka broker answers (%d questions in a row)",
                        WATCHDOG_QUESTIONS);
        run->silence = trouble_join(&run->trouble, &why, now_ms);
    } else if (!silence && run->silence >= 0) {
        trouble_leave(&run->trouble, run->silence, now_ms);
        run->silence = -1;
    }
}

static void on_tick(void *context)
{
    struct run *run = context;
    int64_t now_ms = clock_monotonic_ms();
    log_tell_level();
    say_progress(run, now_ms);
    watch_silence(run, now_ms);
    trouble_tend(&run->trouble, now_ms);
}

static void on_failed_too(const struct weir_err *err)
{
    log_error(weir_err_name(err->code), "%s", err->text);
}

static enum weir_err_code run_task(void *context, struct weir_err *err)
{
    return worker_run(context, err);
}

static enum weir_err_code run_workers(struct run *run, struct weir_err *err)
{
    struct supervisor_task *tasks = calloc((size_t)run->n, sizeof *tasks);
    if (!tasks)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for %d workers", run->n);
    for (int i = 0; i < run->n; i++)
        tasks[i] = (struct supervisor_task){run_task, run->workers[i]};
    const struct supervisor supervisor = {.tasks = tasks,
                                          .n = (size_t)run->n,
                                          .stop = &control.stop,
                                          .tick = on_tick,
                                          .failed_too = on_failed_too,
                                          .context = run};
    log_info("started", "weir %s, pipeline %s, %d worker%s from %s on, librdkafka %s", WEIR_VERSION,
             run->spec->core.pipeline, run->n, run->n == 1 ? "" : "s", worker_identity(run->workers[0]),
             rd_kafka_version_str());
    run->ran = true;
    run->progress_at_ms = clock_monotonic_ms() + PROGRESS_MS;
    enum weir_err_code code = supervisor_run(&supervisor, &run->first_failed, err);
    free(tasks);
    return code;
}

/* --- the end --- */

/* Something of it may hang: hence the alarm. */
static void close_all(struct run *run)
{
    (void)alarm(TAKE_APART_S);
    atomic_store(&control.stop, 1);
    follower_stop(run->follower);
    watchdog_stop(run->dog);
    for (int i = 0; i < run->n && run->workers; i++)
        worker_free(run->workers[i]);
    free(run->workers);
    free(run->watches);
    if (run->client)
        admin_close(run->client);
    editions_free(run->parts.editions);
    free(run->config_text);
    registry_close(run->registry);
    trouble_release(&run->trouble);
    config_free(run->spec);
}

/* The line of a worker has its number. */
static void say_error(const struct run *run, const struct weir_err *err)
{
    char name[16];
    (void)snprintf(name, sizeof name, "%zu", run->first_failed);
    const char *before = log_name_thread(run->ran ? name : NULL);
    log_error(weir_err_name(err->code), "%s", err->text);
    (void)log_name_thread(before);
}

static void say_end(struct run *run, enum weir_err_code code, const struct weir_err *err)
{
    trouble_tend(&run->trouble, INT64_MAX);
    if (code != WEIR_OK)
        say_error(run, err);
    if (!run->ran)
        return;
    char text[RECORDS_TEXT];
    log_info("stopped", "%s; %" PRIu64 " transactions, %" PRIu64 " aborted", tell_records(run, text),
             count(run, COUNTER_TRANSACTIONS_COMMITTED), count(run, COUNTER_TRANSACTIONS_ABORTED));
}

/* What does not fit the file gets the file's name before it, as what is wrong in the file itself has. */
static enum weir_err_code name_file(const struct run *run, enum weir_err_code code, struct weir_err *err)
{
    if (code == WEIR_ERR_CONFIG || code == WEIR_ERR_INCOMPATIBLE)
        config_blame(run->spec, err);
    return code;
}

static enum weir_err_code run_pipeline(struct run *run, struct weir_err *err)
{
    enum weir_err_code code = config_load(run->arguments.config, &run->spec, err);
    if (code != WEIR_OK)
        return code;
    if (run->arguments.breaker)
        run->spec->breaker.on = WEIR_OFF;
    log_setup(run->spec->log.level, run->spec->log.format);
    code = open_all(run, err);
    if (weir_err_class(code) == WEIR_CLASS_WAIT && control.stop)
        return WEIR_OK; /* Stopped as told, while it waited for the registry. */
    return code == WEIR_OK ? run_workers(run, err) : name_file(run, code, err);
}

/* --- the command line --- */

/* $POD_NAME, else the host's name, in buffer. */
static const char *default_instance(char *buffer, size_t size)
{
    const char *pod = getenv("POD_NAME");
    if (pod && *pod)
        return pod;
    if (gethostname(buffer, size) != 0 || !*buffer)
        (void)snprintf(buffer, size, "local");
    buffer[size - 1] = '\0';
    return buffer;
}

/* 0: go on; else the exit status plus one. */
static int parse_arguments(int argc, char **argv, struct arguments *arguments)
{
    enum { OPT_INSTANCE = 256, OPT_BREAKER };
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"instance", required_argument, NULL, OPT_INSTANCE},
                                            {"breaker", required_argument, NULL, OPT_BREAKER},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c': arguments->config = optarg; break;
        case OPT_INSTANCE: arguments->instance = optarg; break;
        case OPT_BREAKER: arguments->breaker = optarg; break;
        case 'h': fputs(help, stdout); return 1;
        default: fputs("See weir run --help.\n", stderr); return weir_err_exit(WEIR_ERR_USAGE) + 1;
        }
    }
    if (optind < argc)
        fprintf(stderr, "weir run: unexpected argument '%s'; see weir run --help\n", argv[optind]);
    else if (!arguments->config)
        fputs("weir run: no configuration: say -c FILE or set $WEIR_CONFIG; see weir run --help\n", stderr);
    else if (!*arguments->instance)
        fputs("weir run: --instance is empty\n", stderr);
    else if (arguments->breaker && strcmp(arguments->breaker, "off") != 0)
        fputs("weir run: --breaker can only be off\n", stderr);
    else
        return 0;
    return weir_err_exit(WEIR_ERR_USAGE) + 1;
}

int cmd_run(int argc, char **argv)
{
    char host[INSTANCE_MAX];
    struct arguments arguments = {.config = getenv("WEIR_CONFIG"),
                                  .instance = default_instance(host, sizeof host)};
    int status = parse_arguments(argc, argv, &arguments);
    if (status != 0)
        return status - 1;
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return weir_err_exit(WEIR_ERR_NO_MEMORY);
    run->arguments = arguments;
    run->silence = -1;
    timepiece_init(&run->timepiece, timepiece_seed());
    trouble_init(&run->trouble, TROUBLE_LINGER_MS);
    handle_signals();
    struct weir_err err = {0};
    enum weir_err_code code = run_pipeline(run, &err);
    say_end(run, code, &err);
    close_all(run);
    free(run);
    return weir_err_exit(code);
}
