/* The command table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "sys/remedy.h"
#include "weir/err.h"
#include "weir/nearest.h"

/* Room for "weir COMMAND". */
#define LABEL_MAX 32

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *does;
};

static const struct command commands[] = {
    {"run", cmd_run, "run the pipeline"},
    {"try", cmd_try, "records on standard input, their verdicts as JSON; needs no Kafka"},
    {"generate", cmd_generate, "user logins, good and malformed, at a rate, from a seed"},
    {"dlq", cmd_dlq, "look into the dead-letter topic, and replay from it exactly once"},
    {"audit", cmd_audit, "prove that every input record has its one outcome, and name those that have not"},
    {"config", cmd_config, "check a configuration, or show it with where each value came from"},
    {"schema", cmd_schema, "what a schema would change; a folder of schemas into a registry"},
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

static void print_help(FILE *to)
{
    fputs(
        "Usage: weir COMMAND [OPTION...]\n\n"
        "Moves records between Kafka topics exactly once: validated against their Avro schema, transformed,\n"
        "malformed ones to a dead-letter topic, offsets in the same transaction.\n\n"
        "Commands:\n",
        to);
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].does);
    fputs("\nEach command has --help. `weir --version` prints the version.\n"
          "Exit status: 0 fine, 1 a finding, 64 and up as in sysexits.h.\n",
          to);
}

static int unknown_command(const char *word)
{
    const char *names[N_COMMANDS];
    for (size_t i = 0; i < N_COMMANDS; i++)
        names[i] = commands[i].name;
    const char *near = weir_nearest(word, names, N_COMMANDS);
    fprintf(stderr, "weir: unknown command '%s'%s%s%s; see weir --help\n", word,
            near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return weir_err_exit(WEIR_ERR_USAGE);
}

int main(int argc, char **argv)
{
    struct weir_err err;
    if (remedy_setup(getenv("WEIR_WITHOUT"), &err) != WEIR_OK) {
        fprintf(stderr, "weir: %s\n", err.text);
        return weir_err_exit(err.code);
    }
    for (int i = 0; i < REMEDY_COUNT; i++)
        if (!remedy_on((enum remedy)i))
            fprintf(stderr, "weir: without %s: %s\n", remedy_name((enum remedy)i),
                    remedy_without((enum remedy)i));
    if (argc < 2) {
        print_help(stderr);
        return weir_err_exit(WEIR_ERR_USAGE);
    }
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(word, "--version") == 0) {
        puts("weir " WEIR_VERSION);
        return 0;
    }
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(word, commands[i].name) != 0)
            continue;
        /* getopt begins its messages with that. */
        char label[LABEL_MAX];
        (void)snprintf(label, sizeof label, "weir %s", word);
        argv[1] = label;
        return commands[i].run(argc - 1, argv + 1);
    }
    return unknown_command(word);
}
