#include "registry/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longest path of a question: a subject has up to 512 bytes, each of them perhaps three characters. */
#define PATH_ROOM 2048
#define SCHEMAS   "/schemas/ids/"

struct client {
    struct http *http;
};

enum weir_err_code client_new(const struct http_options *options, struct client **out, struct weir_err *err)
{
    struct client *client = calloc(1, sizeof *client);
    if (!client)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a registry's client");
    enum weir_err_code code = http_new(options, &client->http, err);
    if (code == WEIR_OK)
        *out = client;
    else
        free(client);
    return code;
}

void client_free(struct client *client)
{
    if (!client)
        return;
    http_free(client->http);
    free(client);
}

/* What an answer means that is no schema. "There is none" counts only of what was asked for. */
static enum weir_err_code refuse(const struct http_answer *answer, const char *path, struct weir_err *err)
{
    bool of_id = strncmp(path, SCHEMAS, strlen(SCHEMAS)) == 0;
    int64_t error = answer->status == 404 ? answer_error(answer->body) : 0;
    const char *hint = "";
    if (of_id && error == ANSWER_NO_SCHEMA)
        return weir_fail(err, WEIR_ERR_NOT_FOUND, "the schema registry has no such id");
    if (!of_id && error == ANSWER_NO_SUBJECT)
        return weir_fail(err, WEIR_ERR_NOT_FOUND, "the schema registry has no such subject");
    if (!of_id && error == ANSWER_NO_VERSION)
        return weir_fail(err, WEIR_ERR_NOT_FOUND, "the subject has no such version");
    if (answer->status == 401 || answer->status == 403)
        hint = ": check its credentials";
    else if (answer->status == 404)
        hint = ": check registry.url";
    return weir_fail(err, WEIR_ERR_REGISTRY_DOWN, "the schema registry answers with status %ld to %s%s",
                     answer->status, path, hint);
}

static enum weir_err_code get(struct client *client, const char *path, struct answer_schema *out,
                              struct weir_err *err)
{
    struct http_answer answer;
    struct weir_err why = {0};
    enum weir_err_code code = http_get(client->http, path, &answer, err);
    if (code != WEIR_OK)
        return code;
    if (answer.status != 200)
        return refuse(&answer, path, err);
    code = answer_read(answer.body, out, &why);
    return code == WEIR_OK ? code : weir_fail(err, code, "%s: %s", path, why.text);
}

enum weir_err_code client_by_id(struct client *client, uint32_t id, struct answer_schema *out,
                                struct weir_err *err)
{
    char path[PATH_ROOM];
    (void)snprintf(path, sizeof path, SCHEMAS "%" PRIu32, id);
    enum weir_err_code code = get(client, path, out, err);
    if (code == WEIR_OK)
        out->id = id;
    return code;
}

/* "latest", or the number. */
static void print_version(int64_t version, char *text, size_t cap)
{
    if (version == WEIR_VERSION_LATEST)
        (void)snprintf(text, cap, "latest");
    else
        (void)snprintf(text, cap, "%" PRId64, version);
}

enum weir_err_code client_subject(struct client *client, const struct weir_subject_spec *subject,
                                  struct answer_schema *out, struct weir_err *err)
{
    char path[PATH_ROOM] = "/subjects/", version[sizeof "-9223372036854775808"];
    struct weir_err why = {0};
    print_version(subject->version, version, sizeof version);
    if (!http_append(path, sizeof path - sizeof "/versions/" - sizeof version, subject->subject))
        return weir_fail(err, WEIR_ERR_CONFIG, "the name of a subject is too long");
    size_t len = strlen(path);
    (void)snprintf(path + len, sizeof path - len, "/versions/%s", version);
    enum weir_err_code code = get(client, path, out, &why);
    if (code == WEIR_ERR_NOT_FOUND)
        return weir_fail(err, code, "subject '%.100s', version %s: %s", subject->subject, version, why.text);
    if (code == WEIR_OK && (out->id == 0 || out->version == 0)) {
        weir_schema_free(out->schema);
        return weir_fail(err, WEIR_ERR_REGISTRY_DOWN, "%s: the answer has no id or version", path);
    }
    return code == WEIR_OK ? code : weir_fail(err, code, "%s", why.text);
}
