#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

static enum weir_err_code read_stream(FILE *from, char *buffer, size_t cap, size_t *len, struct weir_err *err)
{
    errno = 0;
    *len = fread(buffer, 1, cap, from);
    if (ferror(from))
        return weir_fail(err, WEIR_ERR_IO, "%s", strerror(errno));
    if (*len == cap && fgetc(from) != EOF)
        return weir_fail(err, WEIR_ERR_IO, "it has more than %zu bytes", cap);
    return WEIR_OK;
}

static enum weir_err_code process_file(void *context, const char *path, char *buffer, size_t cap, size_t *len,
                                       struct weir_err *err)
{
    (void)context;
    FILE *from = fopen(path, "re");
    if (!from)
        return weir_fail(err, errno == ENOENT ? WEIR_ERR_NOT_FOUND : WEIR_ERR_IO, "%s", strerror(errno));
    enum weir_err_code code = read_stream(from, buffer, cap, len, err);
    (void)fclose(from);
    return code;
}

static const char *process_variable(void *context, const char *name)
{
    (void)context;
    return getenv(name);
}

const struct config_world config_process = {process_variable, process_file, NULL};

enum weir_err_code config_load(const char *path, struct weir_spec **out, struct weir_err *err)
{
    bool standard_input = strcmp(path, "-") == 0;
    const char *name = standard_input ? "<stdin>" : path;
    struct weir_err cause;
    size_t len;
    char *buffer = malloc(CONFIG_TEXT_MAX);
    if (!buffer)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "%s: not enough memory", name);
    enum weir_err_code code = standard_input
                                  ? read_stream(stdin, buffer, CONFIG_TEXT_MAX, &len, &cause)
                                  : process_file(NULL, path, buffer, CONFIG_TEXT_MAX, &len, &cause);
    if (code)
        code = weir_fail(err, code, "%.200s: %.100s", name, cause.text);
    else
        code = config_parse((struct weir_bytes){(uint8_t *)buffer, len}, name, &config_process, out, err);
    free(buffer);
    return code;
}
