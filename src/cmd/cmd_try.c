/* `weir try`: records from a file or standard input, their outcomes on standard output. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/bare.h"
#include "cmd/cmd.h"
#include "cmd/trial.h"
#include "config/config.h"
#include "core/format.h"
#include "sys/clock.h"

/* Standard output is written in pieces of this size. */
#define OUTPUT_BUFFER ((size_t)1024 * 1024)

static const char usage[] =
    "Usage: weir try -c FILE [OPTION]...\n"
    "       weir try --reader FILE [--writer FILE] [--output FILE] [OPTION]...\n"
    "Says what `weir run` would make of records, without Kafka; or what becomes of values of one Avro\n"
    "schema that are read as another.\n"
    "\n"
    "Each line of the input is the value of one record: a JSON text, or with --hex the value's\n"
    "bytes. For each, one line of JSON: verdict (PASS, DROP, REJECT), code, message, field,\n"
    "byte_offset and rule of a rejection or a drop, defaulted (the input's fields that were\n"
    "missing), unknown_fields (how many of JSON the schema lacks, where the configuration\n"
    "counts them), route_key, output (the output record as plain JSON) and output_hex (its bytes).\n"
    "What does not apply is null; of a tombstone that passes, output and output_hex are.\n"
    "\n"
    "  -c, --config FILE     the configuration; else $WEIR_CONFIG\n"
    "  -i, --input FILE      read records from FILE; else from standard input\n"
    "  -x, --hex             lines are hexadecimal digits, two a byte\n"
    "      --null TEXT       lines that are TEXT stand for a null value\n"
    "      --reader FILE     in place of a configuration: each line is a bare value, without id, and\n"
    "                        read as the schema in FILE has it\n"
    "      --writer FILE     the schema that the values were written with; else the reader's\n"
    "      --output FILE     the schema that they are written as; else the reader's\n"
    "      --unions WORD     with --reader, how JSON has unions: plain, tagged or auto (auto)\n"
    "      --schemas DIR     folder of schemas (<subject>/v<N>.avsc); else the registry of FILE\n"
    "      --now MS          the time of processing, in ms since 1970; else the clock's\n"
    "      --partition N     source partition of the records (0)\n"
    "      --offset N        source offset of the first record, counted up from there (0)\n"
    "      --timestamp MS    source timestamp of the records; else the time of processing\n"
    "  -h, --help            this text\n"
    "\n"
    "A line that is not hexadecimal where --hex says so gives a line with error and line instead.\n"
    "Exits with 0 whatever the verdicts are, 1 when there was such a line; 64 and above as in sysexits.h.\n";

enum option_code {
    OPTION_NULL = 256,
    OPTION_READER,
    OPTION_WRITER,
    OPTION_OUTPUT,
    OPTION_UNIONS,
    OPTION_SCHEMAS,
    OPTION_NOW,
    OPTION_PARTITION,
    OPTION_OFFSET,
    OPTION_TIMESTAMP
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"input", required_argument, NULL, 'i'},
    {"hex", no_argument, NULL, 'x'},
    {"null", required_argument, NULL, OPTION_NULL},
    {"reader", required_argument, NULL, OPTION_READER},
    {"writer", required_argument, NULL, OPTION_WRITER},
    {"output", required_argument, NULL, OPTION_OUTPUT},
    {"unions", required_argument, NULL, OPTION_UNIONS},
    {"schemas", required_argument, NULL, OPTION_SCHEMAS},
    {"now", required_argument, NULL, OPTION_NOW},
    {"partition", required_argument, NULL, OPTION_PARTITION},
    {"offset", required_argument, NULL, OPTION_OFFSET},
    {"timestamp", required_argument, NULL, OPTION_TIMESTAMP},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct options {
    const char *config, *input, *null_text, *schemas;
    struct bare_files bare; /* its reader is NULL: a configuration is tried */
    bool hex, help;
    int64_t now_ms, timestamp_ms; /* -1: not given */
    int64_t partition, offset;
};

static enum weir_err_code parse_number(const char *name, const char *text, int64_t most, int64_t *out,
                                       struct weir_err *err)
{
    int64_t number;
    if (!format_integer(weir_bytes_of(text), &number) || number < 0 || number > most)
        return weir_fail(err, WEIR_ERR_USAGE, "--%s: '%s' is not a number from 0 to %" PRId64, name, text,
                         most);
    *out = number;
    return WEIR_OK;
}

static enum weir_err_code parse_unions(const char *text, enum weir_unions *out, struct weir_err *err)
{
    static const char *const words[] = {
        [WEIR_UNIONS_AUTO] = "auto", [WEIR_UNIONS_PLAIN] = "plain", [WEIR_UNIONS_TAGGED] = "tagged"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i], text) != 0)
            continue;
        *out = (enum weir_unions)i;
        return WEIR_OK;
    }
    return weir_fail(err, WEIR_ERR_USAGE, "--unions: '%s' is none of plain, tagged and auto", text);
}

static enum weir_err_code take_option(struct options *options, int option, struct weir_err *err)
{
    switch (option) {
    case 'c': options->config = optarg; break;
    case 'i': options->input = optarg; break;
    case 'x': options->hex = true; break;
    case 'h': options->help = true; break;
    case OPTION_NULL: options->null_text = optarg; break;
    case OPTION_READER: options->bare.reader = optarg; break;
    case OPTION_WRITER: options->bare.writer = optarg; break;
    case OPTION_OUTPUT: options->bare.output = optarg; break;
    case OPTION_UNIONS: return parse_unions(optarg, &options->bare.unions, err);
    case OPTION_SCHEMAS: options->schemas = optarg; break;
    case OPTION_NOW: return parse_number("now", optarg, INT64_MAX, &options->now_ms, err);
    case OPTION_PARTITION: return parse_number("partition", optarg, INT32_MAX, &options->partition, err);
    case OPTION_OFFSET: return parse_number("offset", optarg, INT64_MAX, &options->offset, err);
    case OPTION_TIMESTAMP: return parse_number("timestamp", optarg, INT64_MAX, &options->timestamp_ms, err);
    default: return weir_fail(err, WEIR_ERR_USAGE, "see weir try --help");
    }
    return WEIR_OK;
}

/* What is tried: a configuration, or schemas. */
static enum weir_err_code check_source(struct options *options, struct weir_err *err)
{
    bool configured = options->config || options->schemas || options->null_text;
    if (options->bare.reader && configured)
        return weir_fail(err, WEIR_ERR_USAGE,
                         "--reader goes without a configuration: no -c, --schemas, --null");
    if (options->bare.reader)
        return WEIR_OK;
    if (options->bare.writer || options->bare.output)
        return weir_fail(err, WEIR_ERR_USAGE, "--writer and --output go with --reader FILE");
    if (!options->config)
        options->config = getenv("WEIR_CONFIG");
    if (!options->config)
        return weir_fail(err, WEIR_ERR_USAGE, "no configuration: give -c FILE or set WEIR_CONFIG");
    return WEIR_OK;
}

static enum weir_err_code parse_options(int argc, char **argv, struct options *options, struct weir_err *err)
{
    *options = (struct options){.now_ms = -1, .timestamp_ms = -1};
    enum weir_err_code code = WEIR_OK;
    int option;
    optind = 1;
    while (code == WEIR_OK && (option = getopt_long(argc, argv, "c:i:xh", long_options, NULL)) != -1)
        code = take_option(options, option, err);
    if (code != WEIR_OK || options->help)
        return code;
    if (optind < argc)
        return weir_fail(err, WEIR_ERR_USAGE, "'%s' is not an option", argv[optind]);
    return check_source(options, err);
}

/* --- lines --- */

/* A line of the input, and the number of lines so far. */
struct reader {
    FILE *file;
    char *line;
    size_t room;
    uint64_t n;
    uint64_t n_bad; /* of those, lines that are no record at all */
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Turns the digits into bytes where they stand; false when they are not pairs of hexadecimal digits. */
static bool unhex(char *text, size_t *len)
{
    if (*len % 2 != 0)
        return false;
    for (size_t i = 0; i < *len; i += 2) {
        int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0)
            return false;
        text[i / 2] = (char)(high << 4 | low);
    }
    *len /= 2;
    return true;
}

/* The next line as a record's value; *more is false at the end of the input, *bad true when it is no value.
 */
static enum weir_err_code read_value(struct reader *reader, const struct options *options, bool *more,
                                     bool *bad, struct weir_bytes *value, struct weir_err *err)
{
    *bad = false;
    ssize_t got = getline(&reader->line, &reader->room, reader->file);
    *more = got >= 0;
    if (got < 0)
        return ferror(reader->file) ? weir_fail(err, WEIR_ERR_IO, "reading: %s", strerror(errno)) : WEIR_OK;
    size_t len = (size_t)got;
    reader->n++;
    if (len > 0 && reader->line[len - 1] == '\n')
        reader->line[--len] = '\0';
    *value = WEIR_NO_BYTES;
    if (options->null_text && len == strlen(options->null_text) &&
        memcmp(reader->line, options->null_text, len) == 0)
        return WEIR_OK;
    *bad = options->hex && !unhex(reader->line, &len);
    *value = (struct weir_bytes){(const uint8_t *)reader->line, len};
    return WEIR_OK;
}

static bool write_line(struct weir_bytes line, bool flush)
{
    return fwrite(line.data, 1, line.len, stdout) == line.len && putchar('\n') != EOF &&
           (!flush || fflush(stdout) == 0);
}

/* What lines are tried on: one of the two. */
struct subject {
    struct trial *trial;
    struct bare *bare;
};

static enum weir_err_code run_line(const struct subject *subject, struct weir_record *record,
                                   const struct options *options, struct weir_bytes *line,
                                   struct weir_err *err)
{
    if (subject->bare)
        return bare_run(subject->bare, record->value, !options->hex, line, err);
    int64_t now_ms = options->now_ms >= 0 ? options->now_ms : clock_wall_ms();
    record->timestamp_ms = options->timestamp_ms >= 0 ? options->timestamp_ms : now_ms;
    return trial_run(subject->trial, record, now_ms, line, err);
}

static enum weir_err_code run_lines(const struct subject *subject, struct reader *reader,
                                    const struct options *options, struct weir_err *err)
{
    bool interactive = isatty(fileno(reader->file)) == 1;
    struct weir_record record = {.partition = (int32_t)options->partition, .offset = options->offset};
    for (;;) {
        bool more, bad;
        enum weir_err_code code = read_value(reader, options, &more, &bad, &record.value, err);
        if (code != WEIR_OK || !more)
            return code;
        if (bad) {
            (void)printf("{\"error\":\"not hexadecimal digits, two a byte\",\"line\":%" PRIu64 "}\n",
                         reader->n);
            reader->n_bad++;
            continue;
        }
        struct weir_bytes line;
        code = run_line(subject, &record, options, &line, err);
        if (code != WEIR_OK)
            return code;
        if (!write_line(line, interactive))
            return weir_fail(err, WEIR_ERR_IO, "writing: %s", strerror(errno));
        record.offset++;
    }
}

static enum weir_err_code open_input(struct reader *reader, const struct options *options,
                                     struct weir_err *err)
{
    reader->file = options->input ? fopen(options->input, "r") : stdin;
    if (reader->file)
        return WEIR_OK;
    enum weir_err_code code = errno == ENOENT ? WEIR_ERR_NOT_FOUND : WEIR_ERR_IO;
    return weir_fail(err, code, "%s: %s", options->input, strerror(errno));
}

static enum weir_err_code try_records(const struct subject *subject, const struct options *options,
                                      uint64_t *n_bad, struct weir_err *err)
{
    struct reader reader = {0};
    enum weir_err_code code = open_input(&reader, options, err);
    if (code != WEIR_OK)
        return code;
    (void)setvbuf(stdout, NULL, _IOFBF, OUTPUT_BUFFER);
    code = run_lines(subject, &reader, options, err);
    if (fflush(stdout) != 0 && code == WEIR_OK)
        code = weir_fail(err, WEIR_ERR_IO, "writing: %s", strerror(errno));
    *n_bad = reader.n_bad;
    free(reader.line);
    if (options->input)
        (void)fclose(reader.file);
    return code;
}

/* The configuration is needed as long as what is tried. */
static enum weir_err_code open_subject(const struct options *options, struct weir_spec **spec,
                                       struct subject *subject, struct weir_err *err)
{
    if (options->bare.reader)
        return bare_new(&options->bare, &subject->bare, err);
    enum weir_err_code code = config_load(options->config, spec, err);
    if (code == WEIR_OK)
        code = trial_new(*spec, options->schemas, &subject->trial, err);
    if (*spec && (code == WEIR_ERR_CONFIG || code == WEIR_ERR_INCOMPATIBLE))
        config_blame(*spec, err);
    return code;
}

int cmd_try(int argc, char **argv)
{
    struct options options;
    struct weir_spec *spec = NULL;
    struct subject subject = {NULL, NULL};
    struct weir_err err;
    uint64_t n_bad = 0;
    enum weir_err_code code = parse_options(argc, argv, &options, &err);
    if (code == WEIR_OK && options.help)
        return fputs(usage, stdout) == EOF;
    if (code == WEIR_OK)
        code = open_subject(&options, &spec, &subject, &err);
    if (code == WEIR_OK)
        code = try_records(&subject, &options, &n_bad, &err);
    if (code != WEIR_OK)
        (void)fprintf(stderr, "weir try: %s\n", err.text);
    bare_free(subject.bare);
    trial_free(subject.trial);
    config_free(spec);
    return code == WEIR_OK ? n_bad > 0 : weir_err_exit(code);
}
