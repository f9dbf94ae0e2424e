#include "support/config_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct row {
    const char *name;
    const char *value;
    size_t len;
};

#define ROW(name, value)                                                                                     \
    {                                                                                                        \
        name, value, sizeof(value) - 1                                                                       \
    }

static const struct row variables[] = {
    ROW("SET", "value"),
    ROW("EMPTY", ""),
    ROW("DB_PASSWORD", "hunter2"),
    ROW("LATIN", "\xE9t\xE9"),
};

static const struct row files[] = {
    ROW("/secret", "s3cret\n"), ROW("/windows", "s3cret\r\n"), ROW("/two", "a\n\n"),
    ROW("/nothing", ""),        ROW("/nul", "a\0b"),           ROW("/latin", "\xE9t\xE9"),
};

static const struct row *find(const struct row *rows, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    }
    return NULL;
}

static const char *variable(void *context, const char *name)
{
    (void)context;
    const struct row *row = find(variables, sizeof variables / sizeof *variables, name);
    return row ? row->value : NULL;
}

static enum weir_err_code file(void *context, const char *path, char *buffer, size_t cap, size_t *len,
                               struct weir_err *err)
{
    (void)context;
    if (strcmp(path, "/huge") == 0)
        return weir_fail(err, WEIR_ERR_IO, "it has more than %zu bytes", cap);
    const struct row *row = find(files, sizeof files / sizeof *files, path);
    if (!row)
        return weir_fail(err, WEIR_ERR_NOT_FOUND, "No such file or directory");
    assert_true(row->len <= cap);
    memcpy(buffer, row->value, row->len);
    *len = row->len;
    return WEIR_OK;
}

const struct config_world case_world = {variable, file, NULL};

enum weir_err_code case_parse(const char *text, struct weir_spec **spec, struct weir_err *err)
{
    return config_parse(weir_bytes_of(text), "f", &case_world, spec, err);
}

struct weir_spec *case_spec(const char *text)
{
    struct weir_spec *spec = NULL;
    struct weir_err err;
    if (case_parse(text, &spec, &err))
        fail_msg("%s", err.text);
    return spec;
}

void case_errors(const struct case_error *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct weir_spec *spec = NULL;
        struct weir_err err;
        if (case_parse(cases[i].text, &spec, &err) == WEIR_OK)
            fail_msg("nothing is found wrong with: %s", cases[i].text);
        assert_string_equal(err.text, cases[i].message);
        assert_int_equal(err.code, WEIR_ERR_CONFIG);
        assert_null(spec);
    }
}
