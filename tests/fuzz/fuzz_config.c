/*
 * Any bytes as a configuration: an error or a spec, never a crash, a leak or a read outside. What is a spec
 * is also shown, in both forms. Variables and files are a fixed world, so that nothing outside is touched.
 */
#include <stdio.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *variable(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "A") == 0 ? "value" : NULL;
}

static enum weir_err_code file(void *context, const char *path, char *buffer, size_t cap, size_t *len,
                               struct weir_err *err)
{
    (void)context;
    if (strcmp(path, "/a") != 0 || cap < 4)
        return weir_fail(err, WEIR_ERR_NOT_FOUND, "there is none");
    memcpy(buffer, "abc\n", 4);
    *len = 4;
    return WEIR_OK;
}

static const struct config_world world = {variable, file, NULL};

static void show(const struct weir_spec *spec)
{
    static FILE *sink;
    if (!sink)
        sink = fopen("/dev/null", "w");
    if (!sink)
        __builtin_trap();
    for (int json = 0; json <= 1; json++) {
        if (config_show(spec, json, sink, NULL))
            __builtin_trap();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weir_spec *spec = NULL;
    struct weir_err err = {WEIR_OK, ""};
    enum weir_err_code code = config_parse((struct weir_bytes){data, size}, "fuzz", &world, &spec, &err);
    if (code == WEIR_OK) {
        show(spec);
        config_free(spec);
    } else if (code != WEIR_ERR_CONFIG || err.code != code || strchr(err.text, '\n')) {
        __builtin_trap();
    }
    return 0;
}
