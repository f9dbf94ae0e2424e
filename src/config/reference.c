#include <errno.h>
#include <string.h>

#include "config/config.h"
#include "config/options.h"
#include "config/property.h"
#include "config/rules.h"

/* Room for what an option takes. */
#define DESCRIPTION_MAX 128

static void put_option(FILE *to, const struct option *option)
{
    char wanted[DESCRIPTION_MAX];
    fprintf(to, "| `%s` | %s | ", option->path, options_describe(option, wanted, sizeof wanted));
    if (option->fallback)
        fprintf(to, "`%s`", option->fallback);
    else
        fputs(option->required ? "*required*" : "none", to);
    fprintf(to, " | %s |\n", option->doc);
}

static void put_options(FILE *to)
{
    fputs("| option | takes | default | meaning |\n|---|---|---|---|\n", to);
    for (int i = 0; i < OPTION_COUNT_ALL; i++)
        put_option(to, &options[i]);
    for (int i = 0; i < OPTION_BLOCKS; i++)
        fprintf(to, "| `%s` | see below | none | %s |\n", options_blocks[i].path, options_blocks[i].doc);
}

static void put_words(FILE *to, const char *const *words, const char *otherwise)
{
    if (!words)
        fputs(otherwise, to);
    for (; words && *words; words++)
        fprintf(to, "`%s`%s", *words, words[1] ? ", " : "");
}

static void put_tests(FILE *to)
{
    static const char *const takes[] = {
        [RULES_VALUES] = "a value, or a list of values",
        [RULES_NUMBER] = "a number",
        [RULES_LENGTH] = "a whole number",
        [RULES_WORD] = "a word",
    };
    fputs("\n| test | takes | holds when |\n|---|---|---|\n", to);
    for (const struct rules_test *test = rules_tests; test->word; test++) {
        fprintf(to, "| `%s` | ", test->word);
        put_words(to, test->words, takes[test->argument]);
        fprintf(to, " | %s |\n", test->doc);
    }
}

static void put_sets(FILE *to)
{
    fputs("\n| instruction | takes | the output field becomes |\n|---|---|---|\n", to);
    for (const struct rules_set *set = rules_sets; set->word; set++) {
        fprintf(to, "| `%s` | ", set->word);
        put_words(to, set->words, set->kind == WEIR_SET_CONSTANT ? "a value" : "a field's name");
        fprintf(to, " | %s |\n", set->doc);
    }
}

static void put_defaults(FILE *to)
{
    fputs("\n| property | weir's default | because |\n|---|---|---|\n", to);
    for (const struct property_default *row = property_defaults; row->name; row++)
        fprintf(to, "| `%s` | `%s` | %s |\n", row->name, row->value, row->why);
}

static void put_reserved(FILE *to)
{
    fputs("\n| property | weir sets | because |\n|---|---|---|\n", to);
    for (const struct property_reserved *row = property_reserved; row->name; row++) {
        const char *tick = row->value ? "`" : "";
        fprintf(to, "| `%s` | %s%s%s | %s |\n", row->name, tick, row->value ? row->value : "", tick,
                row->why);
    }
}

enum weir_err_code config_reference(FILE *to, struct weir_err *err)
{
    errno = 0;
    put_options(to);
    put_tests(to);
    put_sets(to);
    put_defaults(to);
    put_reserved(to);
    if (fflush(to) != 0 || ferror(to))
        return weir_fail(err, WEIR_ERR_IO, "cannot write: %s", strerror(errno));
    return WEIR_OK;
}
