/* Runs the cases of a folder (README.md) and says which do not come out as they should. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/trial.h"
#include "config/config.h"
#include "registry/directory.h"

#define PATH_TEXT_MAX 4096

/* What the lines of a folder run under, and how they did. */
struct suite {
    const char *folder;
    struct weir_spec *spec;
    struct trial *trial;
    struct directory *directory;
    int64_t now_ms;
    size_t line, cases, failures;
};

static void complain(struct suite *suite, const char *what, const char *text)
{
    suite->failures++;
    (void)printf("%s/cases.jsonl:%zu: %s: %s\n", suite->folder, suite->line, what ? what : "(no name)", text);
}

/* --- configurations --- */

static void close_suite(struct suite *suite)
{
    trial_free(suite->trial);
    directory_close(suite->directory);
    config_free(suite->spec);
    suite->trial = NULL;
    suite->directory = NULL;
    suite->spec = NULL;
}

static const char *path_in(const struct suite *suite, char *path, const char *name)
{
    (void)snprintf(path, PATH_TEXT_MAX, "%s/%s", suite->folder, name ? name : "schemas");
    return path;
}

static void configure(struct suite *suite, const json_t *line)
{
    char config[PATH_TEXT_MAX], schemas[PATH_TEXT_MAX];
    struct weir_err err;
    close_suite(suite);
    path_in(suite, config, json_string_value(json_object_get(line, "config")));
    path_in(suite, schemas, json_string_value(json_object_get(line, "schemas")));
    suite->now_ms = json_integer_value(json_object_get(line, "now"));
    enum weir_err_code code = config_load(config, &suite->spec, &err);
    if (code == WEIR_OK)
        code = directory_open(schemas, &suite->directory, &err);
    if (code == WEIR_OK)
        code = trial_new(suite->spec, schemas, &suite->trial, &err);
    if (code != WEIR_OK)
        complain(suite, config, err.text);
}

/* --- values --- */

/* The bytes of a case's value, on the heap. */
struct value {
    uint8_t *data;
    size_t len;
};

static bool unhex(const char *hex, struct value *value, size_t at)
{
    size_t digits = strlen(hex);
    value->len = at + digits / 2;
    value->data = calloc(value->len + 1, 1);
    for (size_t i = 0; value->data && i < digits / 2; i++) {
        unsigned byte;
        if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
            return false;
        value->data[at + i] = (uint8_t)byte;
    }
    return value->data && digits % 2 == 0;
}

/* Encodes a record by sending its JSON through a pipeline that does nothing, from the schema to itself. */
static bool encode_record(const struct weir_schema *schema, uint32_t id, const char *text,
                          struct value *value)
{
    static const struct weir_pipeline_spec identity = {.input_format = WEIR_FORMAT_JSON};
    const struct weir_plan_request request = {
        .spec = &identity, .reader = schema, .output = schema, .output_id = id};
    const struct weir_record record = {.value = weir_bytes_of(text), .timestamp_ms = -1};
    struct weir_plan *plan;
    struct weir_outcome outcome;
    struct weir_arena scratch;
    if (weir_plan_new(&request, &plan, NULL) != WEIR_OK)
        return false;
    size_t room = weir_pipeline_scratch(plan, record.value.len);
    uint8_t *memory = malloc(room);
    if (memory) {
        weir_arena_init(&scratch, memory, room);
        weir_pipeline_process(plan, &record, 0, &scratch, &outcome);
        value->len = outcome.value.len;
        value->data = outcome.value.len ? malloc(outcome.value.len) : NULL;
        if (value->data)
            memcpy(value->data, outcome.value.data, outcome.value.len);
    }
    free(memory);
    weir_plan_free(plan);
    return value->data != NULL;
}

static bool make_avro(const struct suite *suite, const json_t *line, const char *record, struct value *value)
{
    const struct weir_schema *schema;
    uint32_t id;
    int64_t version;
    if (directory_subject(suite->directory, json_string_value(json_object_get(line, "writer")),
                          json_integer_value(json_object_get(line, "version")), &schema, &id, &version,
                          NULL) != WEIR_OK)
        return false;
    if (record)
        return encode_record(schema, id, record, value);
    const char *payload = json_string_value(json_object_get(line, "payload"));
    if (!payload || !unhex(payload, value, WEIR_WIRE_PREFIX))
        return false;
    for (int i = 0; i < 4; i++)
        value->data[1 + i] = (uint8_t)(id >> (24 - 8 * i));
    return true;
}

static bool make_text(const char *text, struct value *value)
{
    value->data = (uint8_t *)strdup(text);
    value->len = strlen(text);
    return value->data != NULL;
}

/* The value of a line; data stays NULL for a null value. False when the line does not say it properly. */
static bool make_value(const struct suite *suite, const json_t *line, struct value *value)
{
    const char *text = json_string_value(json_object_get(line, "text"));
    const char *hex = json_string_value(json_object_get(line, "hex"));
    const json_t *object = json_object_get(line, "record");
    if (json_is_true(json_object_get(line, "null")))
        return true;
    if (hex)
        return unhex(hex, value, 0);
    if (text)
        return make_text(text, value);
    char *record = object ? json_dumps(object, JSON_COMPACT) : NULL;
    bool made = json_object_get(line, "writer") ? make_avro(suite, line, record, value)
                                                : record && make_text(record, value);
    free(record);
    return made;
}

/* --- outcomes --- */

/* True when got has all that expected has: in objects, key by key. */
static bool matches(const json_t *expected, const json_t *got)
{
    if (!json_is_object(expected))
        return got && json_equal(expected, got);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)expected, key, value)
    {
        if (!matches(value, json_object_get(got, key)))
            return false;
    }
    return true;
}

static void compare(struct suite *suite, const json_t *line, struct weir_bytes outcome)
{
    const char *what = json_string_value(json_object_get(line, "what"));
    const json_t *expected = json_object_get(line, "expect");
    json_t *got =
        json_loadb((const char *)outcome.data, outcome.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    char *text = strndup((const char *)outcome.data, outcome.len);
    if (!got)
        complain(suite, what, "the outcome is not JSON");
    else if (!json_is_object(expected) || json_object_size(expected) == 0)
        complain(suite, what, "nothing is expected");
    else if (!matches(expected, got))
        complain(suite, what, text ? text : "");
    free(text);
    json_decref(got);
}

static int64_t number_or(const json_t *line, const char *key, int64_t otherwise)
{
    const json_t *number = json_object_get(line, key);
    return number ? json_integer_value(number) : otherwise;
}

static void run_case(struct suite *suite, const json_t *line)
{
    const char *what = json_string_value(json_object_get(line, "what"));
    struct value value = {0};
    struct weir_bytes outcome;
    struct weir_err err;
    suite->cases++;
    if (!suite->trial) {
        complain(suite, what, "no configuration before it");
    } else if (!make_value(suite, line, &value)) {
        complain(suite, what, "no value, or one that cannot be made");
    } else {
        const struct weir_record record = {.value = {value.data, value.len},
                                           .partition = (int32_t)number_or(line, "partition", 0),
                                           .offset = number_or(line, "offset", 0),
                                           .timestamp_ms = number_or(line, "timestamp", suite->now_ms)};
        if (trial_run(suite->trial, &record, suite->now_ms, &outcome, &err) == WEIR_OK)
            compare(suite, line, outcome);
        else
            complain(suite, what, err.text);
    }
    free(value.data);
}

static void run_line(struct suite *suite, const char *text)
{
    json_error_t error;
    suite->line++;
    if (text[0] == '\n' || text[0] == '#')
        return;
    json_t *line = json_loads(text, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!json_is_object(line))
        complain(suite, NULL, line ? "not an object" : error.text);
    else if (json_object_get(line, "config"))
        configure(suite, line);
    else
        run_case(suite, line);
    json_decref(line);
}

int main(int argc, char **argv)
{
    char path[PATH_TEXT_MAX], *text = NULL;
    size_t room = 0;
    struct suite suite = {.folder = argc == 2 ? argv[1] : "."};
    FILE *file = fopen(path_in(&suite, path, "cases.jsonl"), "r");
    if (!file) {
        perror(path);
        return EXIT_FAILURE;
    }
    while (getline(&text, &room, file) >= 0)
        run_line(&suite, text);
    (void)fclose(file);
    free(text);
    close_suite(&suite);
    (void)printf("%zu cases, %zu failures\n", suite.cases, suite.failures);
    return suite.failures == 0 && suite.cases > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
