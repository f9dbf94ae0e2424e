#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/trial.h"
#include "config/config.h"
#include "kafka/conf.h"

static const char help[] =
    "Usage: weir config check [-c FILE]\n"
    "       weir config show [-c FILE] [--json]\n"
    "       weir config options\n\n"
    "check    reads the file and says whether a pipeline could start with it\n"
    "show     prints every option with its value and where it came from, secrets masked\n"
    "options  prints what may stand in a file, as the tables of docs/configuration.md\n\n"
    "  -c, --config FILE  the configuration, - for standard input; else $WEIR_CONFIG\n"
    "      --json         a JSON array instead of a table\n"
    "  -h, --help         this text\n\n"
    "Exit status: 0 fine, 78 the configuration is wrong, else as in sysexits.h.\n";

struct request {
    const char *verb;
    const char *path;
    bool json;
};

static int complain(const struct weir_err *err)
{
    fprintf(stderr, "weir config: %s\n", err->text);
    return weir_err_exit(err->code);
}

static int misuse(const char *what)
{
    fprintf(stderr, "weir config: %s; see weir config --help\n", what);
    return weir_err_exit(WEIR_ERR_USAGE);
}

/* Compiles what `weir run` would compile at its start: fields and types against the schemas. */
static enum weir_err_code check_plan(const struct weir_spec *spec, struct weir_err *err)
{
    struct trial *trial;
    enum weir_err_code code = trial_new(spec, NULL, &trial, err);
    if (code == WEIR_OK)
        trial_free(trial);
    return code;
}

static int check(const struct weir_spec *spec)
{
    struct weir_err err;
    enum weir_err_code code = check_plan(spec, &err);
    if (code == WEIR_OK)
        code = conf_check(spec, &err);
    /* Only what is wrong with the file itself has a place in it. */
    if (code == WEIR_ERR_CONFIG || code == WEIR_ERR_INCOMPATIBLE)
        config_blame(spec, &err);
    if (code)
        return complain(&err);
    printf("ok: %s: pipeline %s reads %s and writes %s, malformed records go to %s\n", config_name(spec),
           spec->core.pipeline, spec->core.input_topic, spec->output.topic, spec->dead_letter.topic);
    return 0;
}

static int show(const struct weir_spec *spec, bool json)
{
    struct weir_err err;
    return config_show(spec, json, stdout, &err) ? complain(&err) : 0;
}

static int print_options(void)
{
    struct weir_err err;
    return config_reference(stdout, &err) ? complain(&err) : 0;
}

/* check or show, which both need the file. */
static int with_file(const struct request *request)
{
    struct weir_spec *spec;
    struct weir_err err;
    const char *path = request->path ? request->path : getenv("WEIR_CONFIG");
    if (!path)
        return misuse("no file is named: say -c FILE, or set WEIR_CONFIG");
    if (config_load(path, &spec, &err))
        return complain(&err);
    int status = strcmp(request->verb, "check") == 0 ? check(spec) : show(spec, request->json);
    config_free(spec);
    return status;
}

static int obey(const struct request *request)
{
    if (strcmp(request->verb, "options") == 0)
        return print_options();
    if (strcmp(request->verb, "check") == 0 || strcmp(request->verb, "show") == 0)
        return with_file(request);
    return misuse("there are check, show and options");
}

int cmd_config(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"config", required_argument, NULL, 'c'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct request request = {NULL, NULL, false};
    int letter;
    optind = 1;
    while ((letter = getopt_long(argc, argv, "c:h", long_options, NULL)) != -1) {
        switch (letter) {
        case 'c': request.path = optarg; break;
        case 'j': request.json = true; break;
        case 'h': fputs(help, stdout); return 0;
        default: return misuse("an option is wrong");
        }
    }
    if (optind + 1 != argc)
        return misuse("say check, show or options");
    request.verb = argv[optind];
    return obey(&request);
}
