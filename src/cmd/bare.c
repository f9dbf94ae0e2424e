#include "cmd/bare.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "avro/decode.h"
#include "avro/json.h"
#include "avro/resolve.h"
#include "cmd/line.h"

/* A buffer each for the writer's value, the reader's, the output's and the line. */
enum { WRITTEN, READ, MADE, LINE, BUFFERS };

struct bare {
    struct weir_schema *writer, *reader, *output; /* the same where a file was not given */
    struct resolution *decode, *rewrite;          /* rewrite is NULL where reader and output are the same */
    struct json_reader *json;                     /* of the writer's */
    struct line_buffer buffers[BUFFERS];
};

/* --- schemas --- */

static enum weir_err_code read_text(FILE *file, const char *path, char *text, size_t *len,
                                    struct weir_err *err)
{
    *len = fread(text, 1, WEIR_SCHEMA_TEXT_MAX + 1, file);
    if (ferror(file))
        return weir_fail(err, WEIR_ERR_IO, "%s: %s", path, strerror(errno));
    if (*len > WEIR_SCHEMA_TEXT_MAX)
        return weir_fail(err, WEIR_ERR_BAD_SCHEMA, "%s: longer than %d bytes", path, WEIR_SCHEMA_TEXT_MAX);
    return WEIR_OK;
}

static enum weir_err_code parse_file(FILE *file, const char *path, struct weir_schema **schema,
                                     struct weir_err *err)
{
    struct weir_err why;
    size_t len;
    char *text = malloc(WEIR_SCHEMA_TEXT_MAX + 1);
    if (!text)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for %s", path);
    enum weir_err_code code = read_text(file, path, text, &len, err);
    if (code == WEIR_OK) {
        code = weir_schema_parse((struct weir_bytes){(uint8_t *)text, len}, schema, &why);
        if (code != WEIR_OK)
            weir_fail(err, code, "%s: %s", path, why.text);
    }
    free(text);
    return code;
}

/* The schema of a file, or another where none is given. */
static enum weir_err_code load(const char *path, struct weir_schema *other, struct weir_schema **schema,
                               struct weir_err *err)
{
    *schema = other;
    if (!path)
        return WEIR_OK;
    *schema = NULL;
    FILE *file = fopen(path, "r");
    if (!file)
        return weir_fail(err, errno == ENOENT ? WEIR_ERR_NOT_FOUND : WEIR_ERR_IO, "%s: %s", path,
                         strerror(errno));
    enum weir_err_code code = parse_file(file, path, schema, err);
    (void)fclose(file);
    return code;
}

static enum weir_err_code resolve(const struct weir_schema *from, const struct weir_schema *to,
                                  const char *what, struct resolution **resolution, struct weir_err *err)
{
    struct weir_err why;
    enum weir_err_code code = resolve_new(from->root, to->root, resolution, &why);
    return code == WEIR_OK ? code : weir_fail(err, code, "%s: %s", what, why.text);
}

static enum weir_err_code open_bare(struct bare *bare, const struct bare_files *files, struct weir_err *err)
{
    const struct json_options options = {.unknown = WEIR_UNKNOWN_IGNORE, .unions = files->unions};
    enum weir_err_code code = load(files->reader, NULL, &bare->reader, err);
    if (code == WEIR_OK)
        code = load(files->writer, bare->reader, &bare->writer, err);
    if (code == WEIR_OK)
        code = load(files->output, bare->reader, &bare->output, err);
    if (code == WEIR_OK)
        code = resolve(bare->writer, bare->reader, "writer to reader", &bare->decode, err);
    if (code == WEIR_OK && files->output)
        code = resolve(bare->reader, bare->output, "reader to output", &bare->rewrite, err);
    return code == WEIR_OK ? json_reader_new(bare->writer, &options, &bare->json, err) : code;
}

enum weir_err_code bare_new(const struct bare_files *files, struct bare **out, struct weir_err *err)
{
    struct bare *bare = calloc(1, sizeof *bare);
    if (!bare)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for trying values");
    enum weir_err_code code = open_bare(bare, files, err);
    if (code == WEIR_OK)
        *out = bare;
    else
        bare_free(bare);
    return code;
}

void bare_free(struct bare *bare)
{
    if (!bare)
        return;
    json_reader_free(bare->json);
    resolve_free(bare->rewrite);
    resolve_free(bare->decode);
    if (bare->output != bare->reader)
        weir_schema_free(bare->output);
    if (bare->writer != bare->reader)
        weir_schema_free(bare->writer);
    weir_schema_free(bare->reader);
    for (size_t i = 0; i < BUFFERS; i++)
        free(bare->buffers[i].memory);
    free(bare);
}

/* --- values --- */

/* Empties a buffer that has at least so much room. */
static enum weir_err_code take(struct bare *bare, size_t which, size_t cap, struct weir_arena *arena,
                               struct weir_err *err)
{
    struct line_buffer *buffer = &bare->buffers[which];
    enum weir_err_code code = line_need(buffer, cap, err);
    if (code == WEIR_OK)
        weir_arena_init(arena, buffer->memory, cap);
    return code;
}

/* Reads the value that a buffer, or the input, holds into another buffer. */
static enum weir_err_code convert(struct bare *bare, const struct resolution *resolution, size_t which,
                                  struct weir_bytes *value, struct weir_reason *why, struct weir_err *err)
{
    struct weir_arena arena;
    enum weir_err_code code = take(bare, which, resolve_scratch(resolution, value->len), &arena, err);
    if (code != WEIR_OK)
        return code;
    if (decode_any(resolution, *value, &arena, why))
        *value = (struct weir_bytes){arena.base, arena.used};
    return WEIR_OK;
}

static enum weir_err_code read_json(struct bare *bare, struct weir_bytes *value, struct weir_reason *why,
                                    struct weir_err *err)
{
    struct weir_arena arena;
    enum weir_err_code code = take(bare, WRITTEN, json_scratch(bare->json, value->len), &arena, err);
    if (code == WEIR_OK)
        (void)json_read_value(bare->json, *value, &arena, value, why);
    return code;
}

/* The value from form to form, as far as it comes. An offset is one in the input, or none. */
static enum weir_err_code make(struct bare *bare, struct weir_bytes *value, bool is_json,
                               struct weir_reason *why, struct weir_err *err)
{
    enum weir_err_code code = is_json ? read_json(bare, value, why, err) : WEIR_OK;
    if (code != WEIR_OK || why->code != WEIR_CODE_NONE)
        return code;
    code = convert(bare, bare->decode, READ, value, why, err);
    bool done = code == WEIR_OK && why->code == WEIR_CODE_NONE;
    if (done && bare->rewrite)
        code = convert(bare, bare->rewrite, MADE, value, why, err);
    if (is_json || done)
        why->byte_offset = -1;
    return code;
}

enum weir_err_code bare_run(struct bare *bare, struct weir_bytes value, bool is_json, struct weir_bytes *line,
                            struct weir_err *err)
{
    struct weir_outcome outcome = {.verdict = WEIR_PASS, .why = {.byte_offset = -1}};
    struct weir_reason *why = &outcome.why;
    enum weir_err_code code = make(bare, &value, is_json, why, err);
    if (code != WEIR_OK)
        return code;
    if (why->code == WEIR_CODE_NONE)
        outcome.value = value;
    else
        outcome.verdict = WEIR_REJECT;
    const struct line_form form = {.reader = bare->reader->root, .output = bare->output->root};
    return line_write(&bare->buffers[LINE], &form, &outcome, line, err);
}
