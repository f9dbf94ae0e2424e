/* `weir schema`: what a schema would change, and a folder of schemas brought into a registry. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "avro/resolve.h"
#include "cmd/cmd.h"
#include "cmd/interrupt.h"
#include "cmd/schema_records.h"
#include "cmd/schema_tell.h"
#include "config/config.h"
#include "config/value.h"
#include "core/format.h"
#include "dlq/rehearsal.h"
#include "registry/registrar.h"
#include "registry/registry.h"
#include "sys/clock.h"
#include "sys/log.h"

/* How long a registry is given to be reached and to answer, where no configuration says so. */
#define CONNECT_TIMEOUT_MS 3000
#define TIMEOUT_MS         10000
/* Pause between two looks at a registry that is waited for. */
#define WAIT_PAUSE_MS 500
#define NO_RECORDS    (-1)
/* Subjects wider than this push their line's columns to the right. */
#define WIDTH_MAX 60

static const char usage[] =
    "Usage: weir schema push DIR (-c FILE | --registry URL) [--wait TIME] [--json]\n"
    "       weir schema check SCHEMA --subject NAME (-c FILE | --registry URL) [--records N] [--json]\n"
    "       weir schema plan (-c FILE | --writer SCHEMA --reader SCHEMA) [OPTION]...\n\n"
    "push   registers a folder of schemas, <subject>/v<N>.avsc, with a Schema Registry, by rising\n"
    "       version. What is registered already is left as it is, so that it may run again and again.\n"
    "       A schema that the registry does not take ends its subject, not the others.\n"
    "check  asks the registry whether a subject would take a schema, and shows what would become of\n"
    "       each field. With -c the pipeline's plan is compiled as well, as if it were registered, and\n"
    "       with --records real records are run through it: the newest of the input, and all open dead\n"
    "       letters. Nothing is written.\n"
    "plan   shows what becomes of each field: writer's schema to reader's to output's.\n\n"
    "  -c, --config FILE      the pipeline's configuration; else $WEIR_CONFIG\n"
    "      --registry URL     the registry, where there is no configuration; with user:password@ in\n"
    "                         front of the host for basic authentication; several with commas between\n"
    "      --wait TIME        push: how long to wait for a registry that is not up yet (0s)\n"
    "      --subject NAME     check: the subject that the schema is meant for\n"
    "      --records N        check: how many of the input's newest records; 0: dead letters only\n"
    "      --writer SCHEMA    plan: a file with the writer's schema; else the reader's\n"
    "      --id N             plan: the writer's schema is the one of this id\n"
    "      --reader SCHEMA    plan: a file in place of the input's schema\n"
    "      --output SCHEMA    plan: a file in place of the output's schema\n"
    "      --json             a JSON object a line, for machines\n"
    "  -h, --help             this text\n\n"
    "Exit status: 0 fine; 1 a schema is refused, or does not fit, or a record that passes today would not\n"
    "any more; 75 the registry or Kafka does not answer; else as in sysexits.h.\n";

enum option_code {
    OPTION_REGISTRY = 256,
    OPTION_WAIT,
    OPTION_SUBJECT,
    OPTION_RECORDS,
    OPTION_WRITER,
    OPTION_ID,
    OPTION_READER,
    OPTION_OUTPUT,
    OPTION_JSON
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"registry", required_argument, NULL, OPTION_REGISTRY},
    {"wait", required_argument, NULL, OPTION_WAIT},
    {"subject", required_argument, NULL, OPTION_SUBJECT},
    {"records", required_argument, NULL, OPTION_RECORDS},
    {"writer", required_argument, NULL, OPTION_WRITER},
    {"id", required_argument, NULL, OPTION_ID},
    {"reader", required_argument, NULL, OPTION_READER},
    {"output", required_argument, NULL, OPTION_OUTPUT},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct request {
    const char *verb, *operand;
    const char *config, *url, *subject;
    const char *writer, *reader, *output; /* files */
    int64_t wait_ms, id;
    int64_t records; /* NO_RECORDS where none are wanted */
    bool json, help;
};

/* What a verb works with; everything is made when it is needed, and released at the end. */
struct work {
    const struct request *request;
    struct weir_spec *spec; /* NULL without configuration */
    struct registry *registry;
    struct client *client;
    struct weir_schema *owned[3];
    size_t n_owned;
    struct schema_tell tell;
    bool finding;
};

/* --- options --- */

static enum weir_err_code take_wait(struct request *request, struct weir_err *err)
{
    if (value_duration(optarg, &request->wait_ms))
        return WEIR_OK;
    return weir_fail(err, WEIR_ERR_USAGE, "--wait: '%s' is no duration, such as 500ms, 30s or 2m", optarg);
}

static enum weir_err_code take_id(struct request *request, struct weir_err *err)
{
    if (format_integer(weir_bytes_of(optarg), &request->id) && request->id > 0 && request->id <= UINT32_MAX)
        return WEIR_OK;
    return weir_fail(err, WEIR_ERR_USAGE, "--id: '%s' is no schema id", optarg);
}

static enum weir_err_code take_records(struct request *request, struct weir_err *err)
{
    if (format_integer(weir_bytes_of(optarg), &request->records) && request->records >= 0 &&
        request->records <= REHEARSAL_RECORDS_MAX)
        return WEIR_OK;
    return weir_fail(err, WEIR_ERR_USAGE, "--records: '%s' is no number from 0 to %d", optarg,
                     REHEARSAL_RECORDS_MAX);
}

static enum weir_err_code take_option(struct request *request, int option, struct weir_err *err)
{
    switch (option) {
    case 'c': request->config = optarg; break;
    case 'h': request->help = true; break;
    case OPTION_REGISTRY: request->url = optarg; break;
    case OPTION_WAIT: return take_wait(request, err);
    case OPTION_SUBJECT: request->subject = optarg; break;
    case OPTION_RECORDS: return take_records(request, err);
    case OPTION_WRITER: request->writer = optarg; break;
    case OPTION_ID: return take_id(request, err);
    case OPTION_READER: request->reader = optarg; break;
    case OPTION_OUTPUT: request->output = optarg; break;
    case OPTION_JSON: request->json = true; break;
    default: return weir_fail(err, WEIR_ERR_USAGE, "see weir schema --help");
    }
    return WEIR_OK;
}

static bool is_verb(const struct request *request, const char *verb)
{
    return strcmp(request->verb, verb) == 0;
}

static enum weir_err_code check_request(struct request *request, struct weir_err *err)
{
    bool by_files = is_verb(request, "plan") && request->writer && request->reader;
    if (request->config && request->url)
        return weir_fail(err, WEIR_ERR_USAGE, "-c and --registry exclude each other");
    if (request->writer && request->id)
        return weir_fail(err, WEIR_ERR_USAGE, "--writer and --id exclude each other");
    if (!request->url && !request->config)
        request->config = getenv("WEIR_CONFIG");
    if (is_verb(request, "plan") && request->url)
        return weir_fail(err, WEIR_ERR_USAGE, "plan needs -c FILE, or --writer and --reader");
    if (!request->config && !request->url && !by_files)
        return weir_fail(err, WEIR_ERR_USAGE, "give -c FILE, or set WEIR_CONFIG%s",
                         is_verb(request, "plan") ? ", or give --writer and --reader"
                                                  : ", or give --registry");
    if (is_verb(request, "check") && !request->subject)
        return weir_fail(err, WEIR_ERR_USAGE, "check needs --subject NAME");
    if (request->records != NO_RECORDS && (!is_verb(request, "check") || !request->config))
        return weir_fail(err, WEIR_ERR_USAGE,
                         "--records is for check with -c FILE, which says where they are");
    return WEIR_OK;
}

static enum weir_err_code take_words(struct request *request, int argc, char **argv, struct weir_err *err)
{
    static const char *const verbs[] = {"push", "check", "plan"};
    int wanted = 2;
    if (optind == argc)
        return weir_fail(err, WEIR_ERR_USAGE, "say push, check or plan; see weir schema --help");
    request->verb = argv[optind];
    bool known = false;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        known = known || is_verb(request, verbs[i]);
    if (!known)
        return weir_fail(err, WEIR_ERR_USAGE, "there is no '%s'; say push, check or plan", request->verb);
    if (is_verb(request, "plan"))
        wanted = 1;
    if (argc - optind != wanted)
        return weir_fail(err, WEIR_ERR_USAGE, "%s takes %s", request->verb,
                         is_verb(request, "push")    ? "one folder"
                         : is_verb(request, "check") ? "one file"
                                                     : "no file but with options");
    request->operand = argv[argc - 1];
    return check_request(request, err);
}

static enum weir_err_code parse_options(int argc, char **argv, struct request *request, struct weir_err *err)
{
    enum weir_err_code code = WEIR_OK;
    int option;
    optind = 1;
    while (code == WEIR_OK && (option = getopt_long(argc, argv, "c:h", long_options, NULL)) != -1)
        code = take_option(request, option, err);
    if (code != WEIR_OK || request->help)
        return code;
    return take_words(request, argc, argv, err);
}

/* --- schemas --- */

static enum weir_err_code parse_file(FILE *file, const char *path, struct weir_schema **out,
                                     struct weir_err *err)
{
    char *text = malloc(WEIR_SCHEMA_TEXT_MAX + 1);
    struct weir_err why;
    if (!text)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a schema");
    size_t len = fread(text, 1, WEIR_SCHEMA_TEXT_MAX + 1, file);
    enum weir_err_code code =
        ferror(file) ? weir_fail(&why, WEIR_ERR_IO, "%s", strerror(errno))
        : len > WEIR_SCHEMA_TEXT_MAX
            ? weir_fail(&why, WEIR_ERR_BAD_SCHEMA, "larger than %d bytes", WEIR_SCHEMA_TEXT_MAX)
            : weir_schema_parse((struct weir_bytes){(const uint8_t *)text, len}, out, &why);
    free(text);
    return code == WEIR_OK ? code : weir_fail(err, code, "%s: %s", path, why.text);
}

/* A schema of a file, which the work owns. */
static enum weir_err_code load_schema(struct work *work, const char *path, const struct weir_schema **out,
                                      struct weir_err *err)
{
    struct weir_schema *schema = NULL;
    FILE *file = fopen(path, "rb");
    if (!file)
        return weir_fail(err, errno == ENOENT ? WEIR_ERR_NOT_FOUND : WEIR_ERR_IO, "%s: %s", path,
                         strerror(errno));
    enum weir_err_code code = parse_file(file, path, &schema, err);
    (void)fclose(file);
    if (code != WEIR_OK)
        return code;
    work->owned[work->n_owned++] = schema;
    *out = schema;
    return WEIR_OK;
}

/* A subject's schema from the configuration's registry, or the file that stands in for it. */
static enum weir_err_code subject_schema(struct work *work, const char *path,
                                         const struct weir_subject_spec *subject, struct schemas_version *out,
                                         struct weir_err *err)
{
    if (path)
        return load_schema(work, path, &out->schema, err);
    return registry_subject(work->registry, subject, out, err);
}

/* --- the registry --- */

static enum weir_err_code open_registry(struct work *work, struct weir_err *err)
{
    const struct registry_options options = {.spec = work->spec, .stop = &interrupt_seen};
    return registry_open(&options, &work->registry, err);
}

static enum weir_err_code open_client(struct work *work, struct weir_err *err)
{
    struct http_options options = {
        .urls = work->request->url, .connect_timeout_ms = CONNECT_TIMEOUT_MS, .timeout_ms = TIMEOUT_MS};
    if (work->spec)
        options = registry_http(work->spec);
    options.seed = (uint64_t)clock_monotonic_ns();
    options.stop = &interrupt_seen;
    return client_new(&options, &work->client, err);
}

/* Until it answers, or the time is over: then the last reason counts. */
static enum weir_err_code wait_for_registry(const struct work *work, struct weir_err *err)
{
    int64_t until_ms = clock_monotonic_ms() + work->request->wait_ms;
    bool said = false;
    for (;;) {
        enum weir_err_code code = registrar_reach(work->client, err);
        if (code != WEIR_ERR_REGISTRY_DOWN || clock_monotonic_ms() >= until_ms ||
            atomic_load(&interrupt_seen))
            return code;
        if (!said)
            (void)fprintf(stderr, "weir schema: waiting for the schema registry: %s\n", err->text);
        said = true;
        clock_sleep_ms(WAIT_PAUSE_MS);
    }
}

/* --- push --- */

static int widest_subject(const struct directory *directory)
{
    const char *name;
    size_t width = 0;
    for (size_t i = 0; (name = directory_subject_name(directory, i)); i++)
        width = strlen(name) > width && strlen(name) <= WIDTH_MAX ? strlen(name) : width;
    return (int)width;
}

static enum weir_err_code push_directory(struct work *work, const struct directory *directory,
                                         struct weir_err *err)
{
    struct push push = {.directory = directory, .report = schema_tell_push, .context = &work->tell};
    if (!directory_subject_name(directory, 0))
        return weir_fail(err, WEIR_ERR_NOT_FOUND, "%s: no schemas in it, <subject>/v<N>.avsc",
                         work->request->operand);
    work->tell.width = widest_subject(directory);
    enum weir_err_code code = open_client(work, err);
    if (code == WEIR_OK)
        code = wait_for_registry(work, err);
    if (code != WEIR_OK)
        return code;
    push.client = work->client;
    code = push_folder(&push, err);
    schema_tell_sums(&work->tell, push.counts);
    work->finding = push.counts[PUSH_REFUSED] + push.counts[PUSH_SKIPPED] > 0;
    return code;
}

static enum weir_err_code do_push(struct work *work, struct weir_err *err)
{
    struct directory *directory = NULL;
    if (work->spec && !work->spec->registry.url)
        return weir_fail(err, WEIR_ERR_USAGE, "%s names no registry.url to push to; give --registry URL",
                         config_name(work->spec));
    enum weir_err_code code = directory_open(work->request->operand, &directory, err);
    if (code == WEIR_OK)
        code = push_directory(work, directory, err);
    directory_close(directory);
    return code;
}

/* --- the fields --- */

/* What a plan is made of; writer or output may be NULL. */
struct route {
    const struct weir_schema *writer, *reader, *output;
};

/* Compiles what the pipeline would compile. Where nothing is written, reading is all there is to fit. */
static enum weir_err_code compile(const struct work *work, const struct route *route, struct weir_err *why)
{
    static const struct weir_pipeline_spec bare = {.pipeline = "",
                                                   .input_topic = "",
                                                   .input_format = WEIR_FORMAT_AVRO,
                                                   .output_format = WEIR_FORMAT_AVRO};
    struct weir_plan *plan = NULL;
    struct resolution *resolution = NULL;
    if (route->output) {
        const struct weir_plan_request request = {.spec = work->spec ? &work->spec->core : &bare,
                                                  .writer = route->writer,
                                                  .reader = route->reader,
                                                  .output = route->output};
        enum weir_err_code code = weir_plan_new(&request, &plan, why);
        weir_plan_free(plan);
        return code;
    }
    enum weir_err_code code = resolve_new(route->writer->root, route->reader->root, &resolution, why);
    resolve_free(resolution);
    return code;
}

static bool all_records(const struct route *route)
{
    return (!route->writer || route->writer->root->type == WEIR_TYPE_RECORD) &&
           route->reader->root->type == WEIR_TYPE_RECORD &&
           (!route->output || route->output->root->type == WEIR_TYPE_RECORD);
}

/* Tells the fields, and whether it all fits. */
static enum weir_err_code tell_route(struct work *work, const struct route *route, struct weir_err *err)
{
    const struct mapping_visitor visitor = {schema_tell_field, &work->tell};
    const struct weir_pipeline_spec *spec = work->spec ? &work->spec->core : NULL;
    struct weir_err why = {0};
    enum weir_err_code code = WEIR_OK;
    if (all_records(route))
        code = mapping_tell(route->writer, route->reader, route->output, spec, &visitor, err);
    if (code != WEIR_OK)
        return code;
    code = compile(work, route, &why);
    if (code == WEIR_ERR_NO_MEMORY)
        return weir_fail(err, code, "%s", why.text);
    schema_tell_verdict(&work->tell, "plan", code == WEIR_OK, code == WEIR_OK ? "fits" : "does not fit",
                        why.text);
    work->finding = work->finding || code != WEIR_OK;
    return WEIR_OK;
}

/* --- plan --- */

static enum weir_err_code find_writer(struct work *work, struct route *route, struct weir_err *err)
{
    const struct request *request = work->request;
    if (request->writer)
        return load_schema(work, request->writer, &route->writer, err);
    if (request->id)
        return registry_by_key(work->registry, &(struct weir_schema_key){.id = (uint32_t)request->id},
                               &route->writer, err);
    route->writer = route->reader;
    return WEIR_OK;
}

static enum weir_err_code do_plan(struct work *work, struct weir_err *err)
{
    const struct request *request = work->request;
    const struct weir_spec *spec = work->spec;
    struct schemas_version reader = {0}, output = {0};
    enum weir_err_code code = spec ? open_registry(work, err) : WEIR_OK;
    if (code == WEIR_OK)
        code = subject_schema(work, request->reader, spec ? &spec->input.schema : NULL, &reader, err);
    if (code == WEIR_OK && (spec || request->output))
        code = subject_schema(work, request->output, spec ? &spec->output.schema : NULL, &output, err);
    struct route route = {.reader = reader.schema, .output = output.schema};
    if (code == WEIR_OK)
        code = find_writer(work, &route, err);
    return code == WEIR_OK ? tell_route(work, &route, err) : code;
}

/* --- check --- */

static enum weir_err_code ask_registry(struct work *work, const struct weir_schema *schema,
                                       struct weir_err *err)
{
    const char *subject = work->request->subject;
    struct registrar_opinion opinion;
    struct answer_place place;
    struct weir_err absent;
    char level[ANSWER_TEXT_MAX] = "", why[ANSWER_TEXT_MAX] = "", found[ANSWER_TEXT_MAX];
    enum weir_err_code code = registrar_find(work->client, subject, schema, &place, &absent);
    if (code == WEIR_OK) {
        (void)snprintf(why, sizeof why, "id %" PRIu32 ", version %" PRId64, place.id, place.version);
        schema_tell_verdict(&work->tell, "registry", true, "has it already", why);
        return WEIR_OK;
    }
    if (code != WEIR_ERR_NOT_FOUND)
        return weir_fail(err, code, "%s", absent.text);
    code = registrar_level(work->client, subject, level, err);
    if (code == WEIR_OK)
        code = registrar_judge(work->client, subject, schema, &opinion, err);
    if (code != WEIR_OK)
        return code;
    if (!opinion.compatible)
        registrar_explain(work->client, subject, schema, level, found);
    (void)snprintf(why, sizeof why, "level %.40s%s%.400s", level, opinion.compatible ? "" : ": ",
                   opinion.compatible ? ""
                   : found[0]         ? found
                                      : opinion.why);
    schema_tell_verdict(&work->tell, "registry", opinion.compatible,
                        opinion.compatible ? "would take it" : "would refuse it", why);
    work->finding = work->finding || !opinion.compatible;
    return WEIR_OK;
}

/* The records of the subject's latest version, read with the schema; nothing where there are none yet. */
static enum weir_err_code latest_of(struct work *work, const char *subject, const struct weir_schema **out,
                                    struct weir_err *err)
{
    const struct weir_subject_spec latest = {.subject = subject, .version = WEIR_VERSION_LATEST};
    struct answer_schema answer = {0};
    struct schemas_version remote = {0};
    enum weir_err_code code = work->registry ? registry_subject(work->registry, &latest, &remote, err)
                                             : client_subject(work->client, &latest, &answer, err);
    if (answer.schema)
        work->owned[work->n_owned++] = answer.schema;
    *out = answer.schema ? answer.schema : remote.schema;
    return code == WEIR_ERR_NOT_FOUND ? WEIR_OK : code;
}

/* The schema in the place that the subject has in the pipeline; in none, as the reader of its own records. */
static enum weir_err_code place_schema(struct work *work, const struct weir_schema *schema,
                                       struct route *route, struct weir_err *err)
{
    const struct weir_spec *spec = work->spec;
    const char *subject = work->request->subject;
    struct schemas_version other = {0};
    if (spec && strcmp(subject, spec->output.schema.subject) == 0) {
        enum weir_err_code code = registry_subject(work->registry, &spec->input.schema, &other, err);
        *route = (struct route){.writer = other.schema, .reader = other.schema, .output = schema};
        return code;
    }
    *route = (struct route){.reader = schema};
    enum weir_err_code code = latest_of(work, subject, &route->writer, err);
    if (!route->writer)
        route->writer = schema;
    if (code != WEIR_OK || !spec || strcmp(subject, spec->input.schema.subject) != 0)
        return code;
    code = registry_subject(work->registry, &spec->output.schema, &other, err);
    route->output = other.schema;
    return code;
}

static enum weir_err_code run_records(struct work *work, const struct weir_schema *schema,
                                      struct weir_err *err)
{
    const struct schema_records what = {.spec = work->spec,
                                        .registry = work->registry,
                                        .subject = work->request->subject,
                                        .schema = schema,
                                        .records = work->request->records,
                                        .stopping = &interrupt_seen};
    bool good = true;
    log_setup(work->spec->log.level, work->spec->log.format);
    enum weir_err_code code = schema_records_run(&what, &work->tell, &good, err);
    work->finding = work->finding || !good;
    return code;
}

static enum weir_err_code do_check(struct work *work, struct weir_err *err)
{
    const struct weir_schema *schema = NULL;
    struct route route = {0};
    bool server = !work->spec || work->spec->registry.url;
    bool records = work->request->records != NO_RECORDS;
    enum weir_err_code code =
        records ? schema_records_check(work->spec, work->request->subject, err) : WEIR_OK;
    if (code == WEIR_OK)
        code = load_schema(work, work->request->operand, &schema, err);
    if (code == WEIR_OK && work->spec)
        code = open_registry(work, err);
    if (code == WEIR_OK && server)
        code = open_client(work, err);
    if (code == WEIR_OK)
        code = place_schema(work, schema, &route, err);
    if (code == WEIR_OK)
        code = tell_route(work, &route, err);
    if (code == WEIR_OK && server)
        code = ask_registry(work, schema, err);
    else if (code == WEIR_OK)
        schema_tell_verdict(&work->tell, "registry", true, "not asked", "the schemas are in a folder");
    return code == WEIR_OK && records ? run_records(work, schema, err) : code;
}

/* --- the whole --- */

static enum weir_err_code obey(struct work *work, struct weir_err *err)
{
    enum weir_err_code code = WEIR_OK;
    if (work->request->config)
        code = config_load(work->request->config, &work->spec, err);
    if (code != WEIR_OK)
        return code;
    interrupt_handle();
    if (is_verb(work->request, "push"))
        return do_push(work, err);
    return is_verb(work->request, "check") ? do_check(work, err) : do_plan(work, err);
}

static void work_release(struct work *work)
{
    for (size_t i = 0; i < work->n_owned; i++)
        weir_schema_free(work->owned[i]);
    client_free(work->client);
    registry_close(work->registry);
    config_free(work->spec);
}

int cmd_schema(int argc, char **argv)
{
    struct request request = {.records = NO_RECORDS};
    struct work work = {.request = &request};
    struct weir_err err;
    enum weir_err_code code = parse_options(argc, argv, &request, &err);
    if (code == WEIR_OK && request.help)
        return fputs(usage, stdout) == EOF;
    work.tell.json = request.json;
    if (code == WEIR_OK)
        code = obey(&work, &err);
    if (fflush(stdout) != 0 && code == WEIR_OK)
        code = weir_fail(&err, WEIR_ERR_IO, "standard output: %s", strerror(errno));
    if (code != WEIR_OK)
        (void)fprintf(stderr, "weir schema: %s\n", err.text);
    work_release(&work);
    return code == WEIR_OK ? work.finding : weir_err_exit(code);
}
