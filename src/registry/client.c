#include "registry/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longest path of a question: a subject has up to 512 bytes, each of them perhaps three characters. */
#define PATH_ROOM 2048
#define IDS       "/schemas/ids/"
#define GUIDS     "/schemas/guids/"

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

static bool begins_with(const char *path, const char *front)
{
    return strncmp(path, front, strlen(front)) == 0;
}

/* What may help with an answer that nothing can be done with. */
static const char *hint_of(long status, const char *path)
{
    if (status == 401 || status == 403)
        return ": check its credentials";
    if (status == 404 && begins_with(path, GUIDS))
        return ": it may be one that knows no GUIDs";
    return status == 404 ? ": check registry.url" : "";
}

struct http *client_http(struct client *client)
{
    return client->http;
}

/* What an answer means that is no schema. "There is none" counts only of what was asked for. */
static enum weir_err_code refuse(const struct http_answer *answer, const char *path, struct weir_err *err)
{
    bool of_key = begins_with(path, IDS) || begins_with(path, GUIDS);
    int64_t error = answer->status == 404 ? answer_error(answer->body) : 0;
    if (of_key && error == ANSWER_NO_SCHEMA)
        return weir_fail(err, WEIR_ERR_NOT_FOUND, "the schema registry has no such id");
    if (!of_key && error == ANSWER_NO_SUBJECT)
        return weir_fail(err, WEIR_ERR_NOT_FOUND, "the schema registry has no such subject");
    if (!of_key && error == ANSWER_NO_VERSION)
        return weir_fail(err, WEIR_ERR_NOT_FOUND, "the subject has no such version");
    return weir_fail(err, WEIR_ERR_REGISTRY_DOWN, "the schema registry answers with status %ld to %s%s",
                     answer->status, path, hint_of(answer->status, path));
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

enum weir_err_code client_by_key(struct client *client, const struct weir_schema_key *key,
                                 struct answer_schema *out, struct weir_err *err)
{
    char path[PATH_ROOM], text[WEIR_SCHEMA_KEY_TEXT];
    (void)snprintf(path, sizeof path, "%s%s", key->by_guid ? GUIDS : IDS, weir_schema_key_print(key, text));
    return get(client, path, out, err);
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
