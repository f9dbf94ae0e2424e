/* weir run: puts the parts together, runs the loop, takes them apart. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "config/config.h"
#include "engine/loop.h"
#include "kafka/admin.h"
#include "kafka/conf.h"
#include "kafka/source.h"
#include "kafka/txn.h"
#include "kafka/watchdog.h"
#include "registry/registry.h"
#include "sys/clock.h"
#include "sys/log.h"

/* Longest host name that makes an instance's name. */
#define INSTANCE_MAX 128
/* How long leaving the group may take when stopping, and taking everything apart: what is committed is
 * committed. */
#define CLOSE_TIMEOUT_MS 3000
#define TAKE_APART_S     8
/* The first and the longest pause between two tries to get the schemas at the start. */
#define SCHEMAS_FIRST_MS   200
#define SCHEMAS_LONGEST_MS 5000
/* This version runs one worker. */
#define WORKER 0

static const char help[] =
    "Usage: weir run -c FILE [--instance NAME]\n\n"
    "Runs the pipeline of FILE until SIGTERM or SIGINT.\n\n"
    "  -c, --config FILE      the configuration (else $WEIR_CONFIG)\n"
    "      --instance NAME    this process among its equals (else $POD_NAME, else the host name); two live\n"
    "                         processes of one pipeline must not share it: the newer stops the older\n"
    "  -h, --help             this text\n\n"
    "Signals: SIGTERM, SIGINT finish the open batch and stop within 15 s (a second one stops at once);\n"
    "SIGHUP tries again at once what waits; SIGUSR1 goes to the next log level.\n"
    "Exit status: 0 stopped as told; 75 try again (the supervisor's restart goes on where this one was); 78 "
    "the\n"
    "configuration is wrong; others as in sysexits.h. Nothing is lost or doubled whatever it is.\n";

struct arguments {
    const char *config;
    const char *instance;
};

struct run {
    struct weir_spec *spec;
    struct timer timer;
    struct registry *registry;
    struct plans *plans;
    int64_t reader_version;
    struct conf_identity identity;
    rd_kafka_t *client; /* asks about topics and, for the watchdog, whether anybody answers */
    struct source *source;
    struct sink *sink;
    struct watch watch;
    struct watchdog *dog;
    struct counters counters;
    struct loop loop;
    bool looped; /* the loop has run: there is something to sum up */
};

/* Signal handlers can reach nothing but this. */
static struct loop_control control;

static void on_stop(int signal)
{
    if (atomic_exchange(&control.stop, 1) != 0)
        _exit(128 + signal);
}

static void on_hurry(int signal)
{
    (void)signal;
    atomic_store(&control.hurry, 1);
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

/* --- time --- */

static int64_t timer_monotonic_ms(struct timer *timer)
{
    (void)timer;
    return clock_monotonic_ms();
}

static int64_t timer_wall_ms(struct timer *timer)
{
    (void)timer;
    return clock_wall_ms();
}

/* Jitter needs to differ between processes, not to be secret. */
static uint32_t timer_random(struct timer *timer, uint32_t below)
{
    (void)timer;
    static uint64_t state;
    if (state == 0)
        state = (uint64_t)clock_monotonic_ns() ^ ((uint64_t)getpid() << 32);
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return below ? (uint32_t)(state >> 33) % below : 0;
}

static const struct timer_ops timer_ops = {
    .monotonic_ms = timer_monotonic_ms,
    .wall_ms = timer_wall_ms,
    .random = timer_random,
};

/* --- the parts --- */

/* The schemas that a pipeline is made of. */
struct subjects {
    struct remote_schema reader, output;
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
    struct timer *timer = &run->timer;
    int64_t since_ms = timer_monotonic_ms(timer);
    enum weir_err_code code = find_subjects(run, subjects, err);
    bool waited = weir_err_class(code) == WEIR_CLASS_WAIT;
    if (waited)
        log_warn(weir_err_name(code), "%s; waiting", err->text);
    for (int64_t pause_ms = SCHEMAS_FIRST_MS; weir_err_class(code) == WEIR_CLASS_WAIT && !control.stop;) {
        uint32_t half = (uint32_t)(pause_ms / 2);
        clock_sleep_ms(half + timer_random(timer, half + 1));
        pause_ms = pause_ms * 2 < SCHEMAS_LONGEST_MS ? pause_ms * 2 : SCHEMAS_LONGEST_MS;
        code = find_subjects(run, subjects, err);
    }
    if (waited && code == WEIR_OK)
        log_info("recovered", "the schema registry answers after %.1f s",
                 (double)(timer_monotonic_ms(timer) - since_ms) / 1000.0);
    return code;
}

/* Schemas and plans: all that can be wrong without a broker. */
static enum weir_err_code open_plans(struct run *run, struct weir_err *err)
{
    const struct weir_spec *spec = run->spec;
    const struct registry_options options = {.spec = spec,
                                             .timer = &run->timer,
                                             .stop = &control.stop,
                                             .seed = (uint64_t)clock_monotonic_ns() ^ (uint64_t)getpid()
                                                                                          << 32};
    struct subjects subjects = {0};
    struct schemas *schemas = NULL;
    enum weir_err_code code = registry_open(&options, &run->registry, err);
    if (code == WEIR_OK)
        code = await_subjects(run, &subjects, err);
    if (code == WEIR_OK)
        code = registry_schemas(run->registry, &schemas, err);
    if (code != WEIR_OK)
        return code;
    const struct weir_plan_request request = {.spec = &spec->core,
                                              .reader = subjects.reader.schema,
                                              .reader_version = subjects.reader.version,
                                              .output = subjects.output.schema,
                                              .output_id = subjects.output.id};
    code = plans_new(&request, schemas, spec->registry.unknown_id_deadline_ms, &run->plans, err);
    if (code == WEIR_OK)
        log_info("schemas", "reading as %s version %lld, writing as %s version %lld",
                 spec->input.schema.subject, (long long)subjects.reader.version, spec->output.schema.subject,
                 (long long)subjects.output.version);
    run->reader_version = subjects.reader.version;
    return code;
}

static enum weir_err_code open_kafka(struct run *run, struct weir_err *err)
{
    enum weir_err_code code = source_open(run->spec, &run->identity, &run->counters, &run->source, err);
    if (code != WEIR_OK)
        return code;
    code = admin_open(run->spec, &run->client, err);
    if (code != WEIR_OK)
        return code;
    struct txn_parts parts = {.spec = run->spec,
                              .identity = &run->identity,
                              .client = run->client,
                              .watch = &run->watch,
                              .stopping = &control.stop,
                              .stop_deadline_ms = LOOP_STOP_CALL_MS};
    code = txn_new(&parts, &run->sink, err);
    if (code == WEIR_OK)
        code = watchdog_start(parts.client, &run->watch, &control.stop, &run->dog, err);
    return code;
}

static enum weir_err_code run_loop(struct run *run, struct weir_err *err)
{
    struct loop_parts parts = {.spec = run->spec,
                               .source = run->source,
                               .sink = run->sink,
                               .timer = &run->timer,
                               .plans = run->plans,
                               .outbox = {.spec = run->spec,
                                          .sink = run->sink,
                                          .version = WEIR_VERSION,
                                          .reader_version = run->reader_version},
                               .counters = &run->counters,
                               .control = &control};
    enum weir_err_code code = loop_init(&run->loop, &parts, err);
    if (code != WEIR_OK)
        return code;
    log_info("started", "weir %s, pipeline %s as %s, librdkafka %s", WEIR_VERSION, run->spec->core.pipeline,
             run->identity.text, rd_kafka_version_str());
    run->looped = true;
    return loop_run(&run->loop, err);
}

/*
 * The producer first: what it has not sent yet is borrowed from the loop's batch. Then the batch, whose
 * records the consumer must have back before it goes. It may hang: hence the alarm.
 */
static void close_all(struct run *run)
{
    (void)alarm(TAKE_APART_S);
    watchdog_stop(run->dog);
    if (run->sink)
        txn_free(run->sink);
    if (run->looped)
        loop_release(&run->loop);
    if (run->source)
        source_close(run->source, CLOSE_TIMEOUT_MS);
    if (run->client)
        admin_close(run->client);
    plans_free(run->plans);
    registry_close(run->registry);
    config_free(run->spec);
}

static void say_end(const struct run *run, enum weir_err_code code, const struct weir_err *err)
{
    const struct counters *counters = &run->counters;
    if (code != WEIR_OK)
        log_error(weir_err_name(code), "%s", err->text);
    if (!run->looped)
        return;
    log_info("stopped",
             "%llu records in: %llu passed, %llu rejected, %llu dropped; %llu transactions, %llu aborted",
             (unsigned long long)counters_get(counters, COUNTER_RECORDS_IN),
             (unsigned long long)counters_get(counters, COUNTER_RECORDS_PASSED),
             (unsigned long long)counters_get(counters, COUNTER_RECORDS_REJECTED),
             (unsigned long long)counters_get(counters, COUNTER_RECORDS_DROPPED),
             (unsigned long long)counters_get(counters, COUNTER_TRANSACTIONS_COMMITTED),
             (unsigned long long)counters_get(counters, COUNTER_TRANSACTIONS_ABORTED));
}

/* What does not fit the file gets the file's name before it, as what is wrong in the file itself has. */
static enum weir_err_code name_file(const struct run *run, enum weir_err_code code, struct weir_err *err)
{
    struct weir_err why = *err;
    if (code != WEIR_ERR_CONFIG && code != WEIR_ERR_INCOMPATIBLE)
        return code;
    return weir_fail(err, code, "%s: %s", config_name(run->spec), why.text);
}

static enum weir_err_code run_pipeline(struct run *run, const struct arguments *arguments,
                                       struct weir_err *err)
{
    run->timer.ops = &timer_ops;
    enum weir_err_code code = config_load(arguments->config, &run->spec, err);
    if (code != WEIR_OK)
        return code;
    log_setup(run->spec->log.level, run->spec->log.format);
    code = conf_identify(&run->identity, run->spec->core.pipeline, arguments->instance, WORKER, err);
    if (code == WEIR_OK)
        code = open_plans(run, err);
    if (weir_err_class(code) == WEIR_CLASS_WAIT && control.stop)
        return WEIR_OK; /* Stopped as told, while it waited for the registry. */
    if (code == WEIR_OK)
        code = open_kafka(run, err);
    return code == WEIR_OK ? run_loop(run, err) : name_file(run, code, err);
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
    enum { OPT_INSTANCE = 256 };
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"instance", required_argument, NULL, OPT_INSTANCE},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c': arguments->config = optarg; break;
        case OPT_INSTANCE: arguments->instance = optarg; break;
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
    handle_signals();
    struct weir_err err = {0};
    enum weir_err_code code = run_pipeline(run, &arguments, &err);
    say_end(run, code, &err);
    close_all(run);
    free(run);
    return weir_err_exit(code);
}
