#include "generate/request.h"

#include <stdlib.h>
#include <string.h>

#include "generate/pace.h"
#include "weir/nearest.h"

/* A number that was not given. */
#define NOT_GIVEN UINT64_MAX

/* The end of the year 9999, which any reader of timestamps takes. */
#define START_MAX UINT64_C(253402300799)

/* Numbers in the one width that the table knows; request_parse narrows them. */
struct raw {
    struct request request;
    uint64_t users, start_s, partition;
};

#define IN_REQUEST(member) offsetof(struct raw, request.member)
#define IN_RAW(member)     offsetof(struct raw, member)

static const struct request_option options[] = {
    {"--bootstrap-server", REQUEST_TEXT, IN_REQUEST(bootstrap), 0, 0, "HOSTS",
     "Kafka brokers, host:port,..."},
    {"--topic", REQUEST_TEXT, IN_REQUEST(topic), 0, 0, "NAME", "where the records go"},
    {"--partition", REQUEST_NUMBER, IN_RAW(partition), 0, INT32_MAX, "N",
     "all to this partition; else by key as Java clients do, any without key"},
    {"-X", REQUEST_PROPERTY, 0, 0, 0, "NAME=VALUE", "a property of librdkafka; may come again"},
    {"--stdout", REQUEST_ON, IN_REQUEST(to_stdout), 0, 0, NULL,
     "a line a record instead of Kafka: the value in hexadecimal digits, with --format json as it is, "
     "null for a tombstone; with --expect, a tab and the expectation follow"},
    {"--count", REQUEST_NUMBER, IN_REQUEST(count), 0, NOT_GIVEN - 1, "N", "stop after so many records"},
    {"--duration", REQUEST_DURATION, IN_REQUEST(duration_ms), 0, 0, "TIME", "stop after 500ms, 30s, 5m, 2h"},
    {"--rate", REQUEST_NUMBER, IN_REQUEST(rate), 0, PACE_RATE_MAX, "N",
     "records a second, 0 for flat out; else 1000, or flat out where --count is given"},
    {"--seed", REQUEST_NUMBER, IN_REQUEST(mix.seed), 0, UINT64_MAX, "N",
     "record i of a seed is always the same (1)"},
    {"--format", REQUEST_FORMAT, IN_REQUEST(mix.form), 0, 0, "avro|json|mixed",
     "Confluent wire format, plain JSON, or half of each (mixed)"},
    {"--schemas", REQUEST_TEXT, IN_REQUEST(schemas), 0, 0, "DIR",
     "for Avro: a folder of <subject>/v<N>.avsc (schemas)"},
    {"--subject", REQUEST_TEXT, IN_REQUEST(subject), 0, 0, "NAME",
     "for Avro: the subject to write (user-login-value)"},
    {"--registry", REQUEST_TEXT, IN_REQUEST(registry), 0, 0, "URL",
     "for Avro: write the ids that the schemas of DIR have in this Schema Registry, where `weir schema push` "
     "has put them; else their ids as a folder"},
    {"--malformed", REQUEST_SHARE, IN_REQUEST(mix.malformed), 0, 0, "SHARE",
     "share of malformed records of many kinds, 0 to 1 (0.05)"},
    {"--missing", REQUEST_SHARE, IN_REQUEST(mix.missing), 0, 0, "SHARE",
     "share of records that lack a field; in Avro only where an older version of the subject does (0.1)"},
    {"--tombstones", REQUEST_SHARE, IN_REQUEST(mix.tombstones), 0, 0, "SHARE", "share of null values (0)"},
    {"--unknown-ids", REQUEST_SHARE, IN_REQUEST(mix.unknown_ids), 0, 0, "SHARE",
     "share of Avro records whose schema id nobody knows; a pipeline waits for a while before it gives up on "
     "those (0)"},
    {"--headers", REQUEST_SHARE, IN_REQUEST(mix.headers), 0, 0, "SHARE",
     "share of records with headers as others add them, traceparent first (0.1)"},
    {"--keys", REQUEST_ON, IN_REQUEST(mix.keyed), 0, 0, NULL, "the key is the user_id; so it is by default"},
    {"--no-keys", REQUEST_OFF, IN_REQUEST(mix.keyed), 0, 0, NULL, "no key"},
    {"--users", REQUEST_NUMBER, IN_RAW(users), 1, LOGIN_USERS_MAX, "N", "how many users there are (10000)"},
    {"--start-time", REQUEST_NUMBER, IN_RAW(start_s), 0, START_MAX, "SECONDS",
     "timestamp in the first login, seconds since 1970; a second later every 1000 records (1694479551). "
     "Kafka's "
     "own timestamp of a record is always the time of sending"},
    {"--now", REQUEST_ON, IN_REQUEST(mix.now), 0, 0, NULL,
     "the timestamp in a login is the time of sending, so that no two runs are alike"},
    {"--expect", REQUEST_ON, IN_REQUEST(mix.expect), 0, 0, NULL,
     "add the headers weir-expect (PASS, DROP or REJECT <code>: what the shipped configuration makes of the "
     "record) and weir-seq (the record's number, from 0)"},
    {"--drop-locale", REQUEST_TEXT, IN_REQUEST(mix.drop_locale), 0, 0, "LOCALE",
     "expect DROP for logins from there, as of drop_when: [{field: locale, in: [LOCALE]}]"},
    {"--json", REQUEST_ON, IN_REQUEST(json), 0, 0, NULL, "the summary as a line of JSON"},
    {"--help", REQUEST_ON, IN_REQUEST(help), 0, 0, NULL, "this text"},
};

#define N_OPTIONS (sizeof options / sizeof options[0])

const struct request_option *request_options(size_t *n)
{
    *n = N_OPTIONS;
    return options;
}

static enum weir_err_code bad_value(const struct request_option *option, const char *text, const char *wanted,
                                    struct weir_err *err)
{
    return weir_fail(err, WEIR_ERR_USAGE, "%s: '%s' is not %s", option->name, text, wanted);
}

/* Decimal digits only: strtoull alone would take blanks, signs and what does not fit. */
static bool read_number(const char *text, size_t len, uint64_t *out)
{
    uint64_t number = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *out = number;
    return len > 0;
}

static enum weir_err_code take_number(const struct request_option *option, void *at, const char *text,
                                      struct weir_err *err)
{
    uint64_t number;
    if (!read_number(text, strlen(text), &number) || number < option->min || number > option->max)
        return weir_fail(err, WEIR_ERR_USAGE, "%s: '%s' is not a whole number from %llu to %llu",
                         option->name, text, (unsigned long long)option->min,
                         (unsigned long long)option->max);
    *(uint64_t *)at = number;
    return WEIR_OK;
}

static enum weir_err_code take_share(const struct request_option *option, void *at, const char *text,
                                     struct weir_err *err)
{
    char *end = NULL;
    double share = strtod(text, &end);
    bool plain = strspn(text, "0123456789.") == strlen(text) && *text && !*end;
    if (!plain || share > 1)
        return bad_value(option, text, "a share from 0 to 1, such as 0.05", err);
    *(double *)at = share;
    return WEIR_OK;
}

static enum weir_err_code take_duration(const struct request_option *option, void *at, const char *text,
                                        struct weir_err *err)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    size_t digits = strspn(text, "0123456789");
    uint64_t number;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(text + digits, units[i].name) == 0 && read_number(text, digits, &number) &&
            number <= INT64_MAX / 1000000 / units[i].ms) {
            *(uint64_t *)at = number * units[i].ms;
            return WEIR_OK;
        }
    return bad_value(option, text, "a time such as 500ms, 30s, 5m or 2h", err);
}

static enum weir_err_code take_format(const struct request_option *option, void *at, const char *text,
                                      struct weir_err *err)
{
    static const char *const names[] = {[MIX_BOTH] = "mixed", [MIX_AVRO] = "avro", [MIX_JSON] = "json"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(text, names[i]) == 0) {
            *(enum mix_form *)at = (enum mix_form)i;
            return WEIR_OK;
        }
    return bad_value(option, text, "avro, json or mixed", err);
}

static enum weir_err_code take_property(const struct request_option *option, struct request *request,
                                        char *text, struct weir_err *err)
{
    char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return bad_value(option, text, "NAME=VALUE", err);
    if (request->n_properties == REQUEST_PROPERTIES_MAX)
        return weir_fail(err, WEIR_ERR_USAGE, "-X: more than %d properties", REQUEST_PROPERTIES_MAX);
    *equals = '\0';
    request->properties[request->n_properties++] = (struct weir_property){.name = text, .value = equals + 1};
    return WEIR_OK;
}

static enum weir_err_code take(const struct request_option *option, struct raw *raw, char *text,
                               struct weir_err *err)
{
    void *at = (char *)raw + option->at;
    switch (option->kind) {
    case REQUEST_ON: *(bool *)at = true; return WEIR_OK;
    case REQUEST_OFF: *(bool *)at = false; return WEIR_OK;
    case REQUEST_TEXT: *(const char **)at = text; return WEIR_OK;
    case REQUEST_NUMBER: return take_number(option, at, text, err);
    case REQUEST_SHARE: return take_share(option, at, text, err);
    case REQUEST_DURATION: return take_duration(option, at, text, err);
    case REQUEST_FORMAT: return take_format(option, at, text, err);
    case REQUEST_PROPERTY: break;
    }
    return take_property(option, &raw->request, text, err);
}

static enum weir_err_code unknown_option(const char *word, struct weir_err *err)
{
    const char *names[N_OPTIONS];
    for (size_t i = 0; i < N_OPTIONS; i++)
        names[i] = options[i].name;
    if (word[0] != '-')
        return weir_fail(err, WEIR_ERR_USAGE, "'%s' is not an option", word);
    const char *near = weir_nearest(word, names, N_OPTIONS);
    if (near)
        return weir_fail(err, WEIR_ERR_USAGE, "unknown option '%s'; did you mean '%s'?", word, near);
    return weir_fail(err, WEIR_ERR_USAGE, "unknown option '%s'", word);
}

/* The option that the word names, up to its '='; "-h" is "--help". */
static const struct request_option *find_option(const char *word)
{
    if (strcmp(word, "-h") == 0)
        word = "--help";
    size_t len = strcspn(word, "=");
    for (size_t i = 0; i < N_OPTIONS; i++)
        if (strlen(options[i].name) == len && strncmp(options[i].name, word, len) == 0)
            return &options[i];
    return NULL;
}

/* Reads the option at argv[*i], and moves *i behind it. */
static enum weir_err_code parse_one(int argc, char **argv, int *i, struct raw *raw, struct weir_err *err)
{
    char *word = argv[(*i)++];
    const struct request_option *option = find_option(word);
    if (!option)
        return unknown_option(word, err);
    char *equals = strchr(word, '=');
    if (!option->argument) {
        if (equals)
            return weir_fail(err, WEIR_ERR_USAGE, "%s takes no value", option->name);
        return take(option, raw, NULL, err);
    }
    if (!equals && *i == argc)
        return weir_fail(err, WEIR_ERR_USAGE, "%s needs a value: %s", option->name, option->argument);
    return take(option, raw, equals ? equals + 1 : argv[(*i)++], err);
}

static bool has_property(const struct request *request, const char *name)
{
    for (size_t i = 0; i < request->n_properties; i++)
        if (strcmp(request->properties[i].name, name) == 0)
            return true;
    return false;
}

static enum weir_err_code check_target(const struct request *request, struct weir_err *err)
{
    if (request->to_stdout)
        return WEIR_OK;
    if (!request->topic)
        return weir_fail(err, WEIR_ERR_USAGE, "--topic is missing (or --stdout)");
    if (!request->bootstrap && !has_property(request, "bootstrap.servers"))
        return weir_fail(err, WEIR_ERR_USAGE, "--bootstrap-server is missing (or --stdout)");
    return WEIR_OK;
}

static enum weir_err_code check(const struct request *request, struct weir_err *err)
{
    const struct mix *mix = &request->mix;
    /* Ten shares of 0.1 are a little more than 1. */
    if (mix->malformed + mix->missing + mix->tombstones + mix->unknown_ids > 1 + 1e-9)
        return weir_fail(err, WEIR_ERR_USAGE,
                         "--malformed, --missing, --tombstones and --unknown-ids are more than 1 together");
    if (mix->form == MIX_JSON && mix->unknown_ids > 0)
        return weir_fail(err, WEIR_ERR_USAGE, "--unknown-ids: plain JSON has no schema id");
    return check_target(request, err);
}

/* What says how a record goes to Kafka would be passed over in silence, for a line has but a value. */
static enum weir_err_code check_lines(int argc, char **argv, struct weir_err *err)
{
    static const char *const senseless[] = {"--bootstrap-server", "--topic", "--partition", "-X",
                                            "--headers",          "--keys",  "--no-keys"};
    for (int i = 1; i < argc; i++) {
        const struct request_option *option = find_option(argv[i]);
        for (size_t k = 0; option && k < sizeof senseless / sizeof senseless[0]; k++)
            if (strcmp(option->name, senseless[k]) == 0)
                return weir_fail(err, WEIR_ERR_USAGE,
                                 "%s means nothing with --stdout: a line is only a value", option->name);
        if (option && option->argument && !strchr(argv[i], '='))
            i++;
    }
    return WEIR_OK;
}

static void finish(const struct raw *raw, struct request *request)
{
    *request = raw->request;
    request->mix.users = (uint32_t)raw->users;
    request->mix.start_s = (int64_t)raw->start_s;
    request->partition = raw->partition == NOT_GIVEN ? -1 : (int32_t)raw->partition;
    if (request->rate == NOT_GIVEN)
        request->rate = request->count == REQUEST_UNBOUNDED ? REQUEST_RATE_DEFAULT : 0;
}

enum weir_err_code request_parse(int argc, char **argv, struct request *request, struct weir_err *err)
{
    struct raw raw = {
        .request = {.mix = {.seed = 1, .malformed = 0.05, .missing = 0.1, .headers = 0.1, .keyed = true},
                    .schemas = "schemas",
                    .subject = "user-login-value",
                    .rate = NOT_GIVEN,
                    .count = REQUEST_UNBOUNDED,
                    .duration_ms = REQUEST_UNBOUNDED},
        .users = 10000,
        .start_s = 1694479551,
        .partition = NOT_GIVEN,
    };
    enum weir_err_code code = WEIR_OK;
    for (int i = 1; code == WEIR_OK && i < argc && !raw.request.help;)
        code = parse_one(argc, argv, &i, &raw, err);
    if (code == WEIR_OK && !raw.request.help)
        code = check(&raw.request, err);
    if (code == WEIR_OK && !raw.request.help && raw.request.to_stdout)
        code = check_lines(argc, argv, err);
    if (code == WEIR_OK)
        finish(&raw, request);
    return code;
}
