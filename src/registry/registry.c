#include "registry/registry.h"

#include <stdlib.h>

#include "registry/shelf.h"

/* Exactly one of the two is there. */
struct registry {
    struct schemas *shelf;
    struct remote *remote;
    struct schemas *door; /* of the remote, once it is started */
};

static enum weir_err_code open_folder(struct registry *registry, const char *path, struct timer *timer,
                                      struct weir_err *err)
{
    struct weir_err why = {0};
    enum weir_err_code code = shelf_open(path, timer, &registry->shelf, &why);
    return code == WEIR_OK ? code : weir_fail(err, code, "schemas: %s", why.text);
}

struct http_options registry_http(const struct weir_spec *spec)
{
    return (struct http_options){.urls = spec->registry.url,
                                 .username = spec->registry.username,
                                 .password = spec->registry.password,
                                 .token = spec->registry.token,
                                 .ca = spec->registry.ca,
                                 .certificate = spec->registry.certificate,
                                 .key = spec->registry.key,
                                 .connect_timeout_ms = spec->registry.connect_timeout_ms,
                                 .timeout_ms = spec->registry.timeout_ms};
}

static enum weir_err_code open_server(struct registry *registry, const struct registry_options *options,
                                      struct weir_err *err)
{
    struct remote_options remote = {.http = registry_http(options->spec),
                                    .input = options->spec->input.schema,
                                    .poll_ms = options->spec->registry.poll_ms};
    remote.http.seed = options->seed;
    remote.http.stop = options->stop;
    return remote_open(&remote, &registry->remote, err);
}

enum weir_err_code registry_open(const struct registry_options *options, struct registry **out,
                                 struct weir_err *err)
{
    struct registry *registry = calloc(1, sizeof *registry);
    if (!registry)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a registry");
    const char *dir = options->dir ? options->dir : options->spec->registry.dir;
    enum weir_err_code code =
        dir ? open_folder(registry, dir, options->timer, err) : open_server(registry, options, err);
    if (code == WEIR_OK)
        *out = registry;
    else
        registry_close(registry);
    return code;
}

void registry_close(struct registry *registry)
{
    if (!registry)
        return;
    shelf_close(registry->shelf);
    remote_close(registry->remote);
    free(registry);
}

enum weir_err_code registry_subject(struct registry *registry, const struct weir_subject_spec *subject,
                                    struct schemas_version *out, struct weir_err *err)
{
    if (registry->remote)
        return remote_subject(registry->remote, subject, out, err);
    return directory_subject(shelf_directory(registry->shelf), subject->subject, subject->version,
                             &out->schema, &out->id, &out->version, err);
}

enum weir_err_code registry_by_key(struct registry *registry, const struct weir_schema_key *key,
                                   const struct weir_schema **out, struct weir_err *err)
{
    if (registry->remote)
        return remote_ask(registry->remote, key, out, err);
    char text[WEIR_SCHEMA_KEY_TEXT];
    *out = directory_by_key(shelf_directory(registry->shelf), key);
    return *out ? WEIR_OK
                : weir_fail(err, WEIR_ERR_NOT_FOUND, "no schema has the id %s",
                            weir_schema_key_print(key, text));
}

enum weir_err_code registry_schemas(struct registry *registry, struct schemas **out, struct weir_err *err)
{
    enum weir_err_code code = WEIR_OK;
    if (registry->remote && !registry->door)
        code = remote_start(registry->remote, &registry->door, err);
    if (code == WEIR_OK)
        *out = registry->remote ? registry->door : registry->shelf;
    return code;
}
