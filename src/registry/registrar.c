#include "registry/registrar.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "avro/json.h"
#include "avro/resolve.h"

/* Longest path of a question, as in client.c. */
#define PATH_ROOM 2048
/* Most bytes of JSON that a byte of a schema's text becomes ("\u0001"). */
#define JSON_FACTOR 6

/* --- asking --- */

static enum weir_err_code make_path(char path[PATH_ROOM], const char *before, const char *subject,
                                    const char *after, struct weir_err *err)
{
    (void)snprintf(path, PATH_ROOM, "%s", before);
    if (!http_append(path, PATH_ROOM - strlen(after), subject))
        return weir_fail(err, WEIR_ERR_CONFIG, "the name of a subject is too long");
    size_t len = strlen(path);
    (void)snprintf(path + len, PATH_ROOM - len, "%s", after);
    return WEIR_OK;
}

/* {"schema": "..."}, allocated; NULL when memory is short. Avro is what a registry takes it for when nothing
 * is said of its type. */
static char *make_body(const struct weir_schema *schema)
{
    static const char before[] = "{\"schema\":", after[] = "}";
    size_t cap = schema->text_len * JSON_FACTOR + sizeof before + sizeof after + 2;
    char *body = malloc(cap);
    struct weir_arena arena;
    if (!body)
        return NULL;
    memcpy(body, before, sizeof before - 1);
    weir_arena_init(&arena, body + sizeof before - 1, cap - sizeof before - sizeof after);
    if (!json_write_text(&arena, (struct weir_bytes){(const uint8_t *)schema->text, schema->text_len})) {
        free(body);
        return NULL;
    }
    memcpy(body + sizeof before - 1 + arena.used, after, sizeof after);
    return body;
}

static enum weir_err_code post(struct client *client, const char *path, const struct weir_schema *schema,
                               struct http_answer *answer, struct weir_err *err)
{
    char *body = make_body(schema);
    if (!body)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for asking about a schema");
    enum weir_err_code code = http_post(client_http(client), path, body, answer, err);
    free(body);
    return code;
}

/* An answer that is none to what was asked. */
static enum weir_err_code useless(const struct http_answer *answer, const char *path, struct weir_err *err)
{
    char said[ANSWER_TEXT_MAX];
    answer_message(answer->body, said);
    const char *hint = "";
    if (answer->status == 401 || answer->status == 403)
        hint = ": check its credentials";
    else if (answer->status == 404 || answer->status == 405)
        hint = ": check its URL";
    return weir_fail(err, WEIR_ERR_REGISTRY_DOWN,
                     "the schema registry answers with status %ld to %s%s%s%.100s", answer->status, path,
                     hint, said[0] ? ": " : "", said);
}

static bool no_such_subject(const struct http_answer *answer)
{
    return answer->status == 404 && answer_error(answer->body) == ANSWER_NO_SUBJECT;
}

/* --- the questions --- */

enum weir_err_code registrar_reach(struct client *client, struct weir_err *err)
{
    struct http_answer answer;
    enum weir_err_code code = http_get(client_http(client), "/subjects", &answer, err);
    if (code != WEIR_OK)
        return code;
    return answer.status == 200 ? WEIR_OK : useless(&answer, "/subjects", err);
}

enum weir_err_code registrar_find(struct client *client, const char *subject,
                                  const struct weir_schema *schema, struct answer_place *out,
                                  struct weir_err *err)
{
    char path[PATH_ROOM];
    struct http_answer answer;
    enum weir_err_code code = make_path(path, "/subjects/", subject, "", err);
    if (code == WEIR_OK)
        code = post(client, path, schema, &answer, err);
    if (code != WEIR_OK)
        return code;
    if (answer.status == 200 && answer_read_place(answer.body, out))
        return WEIR_OK;
    /* A schema that is invalid to the registry is nowhere in it; to judge or to register it tells why. */
    if (no_such_subject(&answer) || answer.status == 422 ||
        (answer.status == 404 && answer_error(answer.body) == ANSWER_NO_SCHEMA))
        return weir_fail(err, WEIR_ERR_NOT_FOUND, "subject '%.100s' has no such schema", subject);
    return useless(&answer, path, err);
}

enum weir_err_code registrar_judge(struct client *client, const char *subject,
                                   const struct weir_schema *schema, struct registrar_opinion *out,
                                   struct weir_err *err)
{
    char path[PATH_ROOM];
    struct http_answer answer;
    enum weir_err_code code =
        make_path(path, "/compatibility/subjects/", subject, "/versions?verbose=true", err);
    if (code == WEIR_OK)
        code = post(client, path, schema, &answer, err);
    if (code != WEIR_OK)
        return code;
    *out = (struct registrar_opinion){.compatible = true};
    if (answer.status == 200 && answer_compatible(answer.body, &out->compatible, out->why))
        return WEIR_OK;
    if (no_such_subject(&answer) || (answer.status == 404 && answer_error(answer.body) == ANSWER_NO_VERSION))
        return WEIR_OK;
    if (answer.status != 422)
        return useless(&answer, path, err);
    out->compatible = false;
    answer_message(answer.body, out->why);
    return WEIR_OK;
}

/* True when the writer's records can be read; else *why says what is in the way. */
static bool reads(const struct weir_schema *writer, const struct weir_schema *reader, struct weir_err *why)
{
    struct resolution *resolution = NULL;
    bool fits = resolve_new(writer->root, reader->root, &resolution, why) == WEIR_OK;
    resolve_free(resolution);
    return fits;
}

static bool level_is(const char *level, const char *word)
{
    return strncmp(level, word, strlen(word)) == 0;
}

void registrar_explain(struct client *client, const char *subject, const struct weir_schema *schema,
                       const char *level, char why[ANSWER_TEXT_MAX])
{
    const struct weir_subject_spec latest = {.subject = subject, .version = WEIR_VERSION_LATEST};
    struct answer_schema old = {0};
    struct weir_err err = {0};
    bool full = level_is(level, "FULL");
    why[0] = '\0';
    if (client_subject(client, &latest, &old, &err) != WEIR_OK)
        return;
    if ((full || level_is(level, "BACKWARD")) && !reads(old.schema, schema, &err))
        (void)snprintf(why, ANSWER_TEXT_MAX, "version %" PRId64 " cannot be read: %.400s", old.version,
                       err.text);
    else if ((full || level_is(level, "FORWARD")) && !reads(schema, old.schema, &err))
        (void)snprintf(why, ANSWER_TEXT_MAX, "version %" PRId64 " cannot read it: %.400s", old.version,
                       err.text);
    weir_schema_free(old.schema);
}

enum weir_err_code registrar_level(struct client *client, const char *subject, char level[ANSWER_TEXT_MAX],
                                   struct weir_err *err)
{
    char path[PATH_ROOM];
    struct http_answer answer;
    enum weir_err_code code = make_path(path, "/config/", subject, "?defaultToGlobal=true", err);
    if (code == WEIR_OK)
        code = http_get(client_http(client), path, &answer, err);
    /* Of a subject that is not there some registries do not say what would hold. */
    if (code == WEIR_OK && answer.status == 404)
        code = http_get(client_http(client), "/config", &answer, err);
    if (code != WEIR_OK)
        return code;
    if (answer.status == 200 && answer_level(answer.body, level))
        return WEIR_OK;
    return useless(&answer, path, err);
}

enum weir_err_code registrar_register(struct client *client, const char *subject,
                                      const struct weir_schema *schema, struct answer_place *out,
                                      struct weir_err *err)
{
    char path[PATH_ROOM], said[ANSWER_TEXT_MAX];
    struct http_answer answer;
    enum weir_err_code code = make_path(path, "/subjects/", subject, "/versions", err);
    if (code == WEIR_OK)
        code = post(client, path, schema, &answer, err);
    if (code != WEIR_OK)
        return code;
    if (answer.status == 200 && answer_read_place(answer.body, out))
        return WEIR_OK;
    if (answer.status != 409 && answer.status != 422)
        return useless(&answer, path, err);
    answer_message(answer.body, said);
    return weir_fail(err, WEIR_ERR_INCOMPATIBLE, "the registry refuses it with status %ld: %s", answer.status,
                     said);
}
