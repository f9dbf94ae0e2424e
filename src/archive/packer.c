#include "archive/packer.h"

#include <avro.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char packer_schema[] =
    "{\"type\":\"record\",\"name\":\"Letter\",\"namespace\":\"weir\",\"doc\":\"A record that failed, and "
    "why\","
    "\"fields\":["
    "{\"name\":\"topic\",\"type\":\"string\"},"
    "{\"name\":\"partition\",\"type\":\"int\"},"
    "{\"name\":\"offset\",\"type\":\"long\"},"
    "{\"name\":\"code\",\"type\":[\"null\",\"string\"]},"
    "{\"name\":\"field\",\"type\":[\"null\",\"string\"]},"
    "{\"name\":\"message\",\"type\":[\"null\",\"string\"]},"
    "{\"name\":\"state\",\"type\":[\"null\",\"string\"]},"
    "{\"name\":\"attempts\",\"type\":\"long\"},"
    "{\"name\":\"failed\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}},"
    "{\"name\":\"timestamp\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}},"
    "{\"name\":\"key\",\"type\":[\"null\",\"bytes\"]},"
    "{\"name\":\"value\",\"type\":[\"null\",\"bytes\"]},"
    "{\"name\":\"headers\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"Header\","
    "\"fields\":[{\"name\":\"name\",\"type\":\"string\"},{\"name\":\"value\",\"type\":[\"null\",\"bytes\"]}]}"
    "}}"
    "]}";

/* The branches of the unions. */
enum { BRANCH_NULL, BRANCH_VALUE };

struct packer {
    char *path, *part;
    FILE *file;
    avro_schema_t schema;
    avro_value_iface_t *class;
    avro_value_t record;
    avro_file_writer_t writer;
    size_t pending; /* bytes of the open block */
};

static enum weir_err_code fail_io(const char *path, const char *why, struct weir_err *err)
{
    return weir_fail(err, WEIR_ERR_IO, "%s: %s", path, why);
}

static enum weir_err_code open_file(struct packer *packer, const char *path, struct weir_err *err)
{
    size_t size = strlen(path) + sizeof ".part";
    packer->path = malloc(size);
    packer->part = malloc(size);
    if (!packer->path || !packer->part)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a file");
    (void)snprintf(packer->path, size, "%s", path);
    (void)snprintf(packer->part, size, "%s.part", path);
    if (access(path, F_OK) == 0)
        return fail_io(path, "is already there, and may be the only copy of what is in it", err);
    packer->file = fopen(packer->part, "wb");
    return packer->file ? WEIR_OK : fail_io(packer->part, strerror(errno), err);
}

enum weir_err_code packer_open(const char *path, struct packer **out, struct weir_err *err)
{
    struct weir_err ignored;
    struct packer *packer = calloc(1, sizeof *packer);
    if (!packer)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a file");
    enum weir_err_code code = open_file(packer, path, err);
    if (code == WEIR_OK &&
        (avro_schema_from_json_length(packer_schema, strlen(packer_schema), &packer->schema) ||
         !(packer->class = avro_generic_class_from_schema(packer->schema)) ||
         avro_generic_value_new(packer->class, &packer->record)))
        code = weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a file: %s", avro_strerror());
    if (code == WEIR_OK &&
        avro_file_writer_create_with_codec_fp(packer->file, packer->part, 0, packer->schema, &packer->writer,
                                              "null", PACKER_LETTER_MAX))
        code = fail_io(packer->part, avro_strerror(), err);
    if (code == WEIR_OK)
        *out = packer;
    else
        (void)packer_close(packer, false, &ignored);
    return code;
}

/* --- a letter --- */

/* libavro counts the NUL, and takes pointers to what it only reads. What is not UTF-8 becomes '?'. */
static bool set_text(avro_value_t *value, struct weir_bytes text)
{
    char copy[PACKER_TEXT_MAX];
    size_t bad, len = text.len < sizeof copy ? text.len : sizeof copy - 1;
    memcpy(copy, text.data, len);
    copy[len] = '\0';
    while (!weir_utf8_valid((struct weir_bytes){(const uint8_t *)copy, len}, &bad))
        copy[bad] = '?';
    return avro_value_set_string_len(value, copy, len + 1) == 0;
}

static bool set_optional_text(avro_value_t *field, struct weir_bytes text)
{
    avro_value_t branch;
    if (avro_value_set_branch(field, text.data ? BRANCH_VALUE : BRANCH_NULL, &branch) != 0)
        return false;
    return text.data ? set_text(&branch, text) : avro_value_set_null(&branch) == 0;
}

static bool set_optional_bytes(avro_value_t *field, struct weir_bytes bytes)
{
    avro_value_t branch;
    if (avro_value_set_branch(field, bytes.data ? BRANCH_VALUE : BRANCH_NULL, &branch) != 0)
        return false;
    if (!bytes.data)
        return avro_value_set_null(&branch) == 0;
    return avro_value_set_bytes(&branch, (void *)(uintptr_t)bytes.data, bytes.len) == 0;
}

static bool set_headers(avro_value_t *field, const struct weir_record *record)
{
    for (size_t i = 0; i < record->n_headers; i++) {
        avro_value_t item, name, value;
        const struct weir_header *header = &record->headers[i];
        if (avro_value_append(field, &item, NULL) != 0 ||
            avro_value_get_by_index(&item, 0, &name, NULL) != 0 ||
            avro_value_get_by_index(&item, 1, &value, NULL) != 0 ||
            avro_value_set_string(&name, header->name) != 0 || !set_optional_bytes(&value, header->value))
            return false;
    }
    return true;
}

static bool set_field(avro_value_t *field, const char *name, const struct packer_letter *letter)
{
    const struct {
        const char *name;
        int64_t number;
    } numbers[] = {{"offset", letter->offset},
                   {"attempts", letter->attempts},
                   {"failed", letter->failed_ms},
                   {"timestamp", letter->record->timestamp_ms}};
    const struct {
        const char *name;
        struct weir_bytes text;
    } texts[] = {{"code", letter->code},
                 {"field", letter->field},
                 {"message", letter->message},
                 {"state", letter->state}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (strcmp(name, numbers[i].name) == 0)
            return avro_value_set_long(field, numbers[i].number) == 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strcmp(name, texts[i].name) == 0)
            return set_optional_text(field, texts[i].text);
    if (strcmp(name, "topic") == 0)
        return set_text(field, letter->topic);
    if (strcmp(name, "partition") == 0)
        return avro_value_set_int(field, letter->partition) == 0;
    if (strcmp(name, "headers") == 0)
        return set_headers(field, letter->record);
    return set_optional_bytes(field, strcmp(name, "key") == 0 ? letter->record->key : letter->record->value);
}

static bool fill(struct packer *packer, const struct packer_letter *letter)
{
    size_t n = 0;
    if (avro_value_reset(&packer->record) != 0 || avro_value_get_size(&packer->record, &n) != 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        avro_value_t field;
        const char *name;
        if (avro_value_get_by_index(&packer->record, i, &field, &name) != 0 ||
            !set_field(&field, name, letter))
            return false;
    }
    return true;
}

static enum weir_err_code check_headers(const struct weir_record *record, struct weir_err *err)
{
    size_t bad;
    for (size_t i = 0; i < record->n_headers; i++)
        if (!weir_utf8_valid(weir_bytes_of(record->headers[i].name), &bad))
            return weir_fail(err, WEIR_ERR_INCOMPATIBLE, "the name of its header %zu is not UTF-8", i);
    return WEIR_OK;
}

static enum weir_err_code end_block(struct packer *packer, struct weir_err *err)
{
    packer->pending = 0;
    return avro_file_writer_flush(packer->writer) == 0 ? WEIR_OK
                                                       : fail_io(packer->part, avro_strerror(), err);
}

enum weir_err_code packer_add(struct packer *packer, const struct packer_letter *letter, struct weir_err *err)
{
    size_t size = 0;
    enum weir_err_code code = check_headers(letter->record, err);
    if (code != WEIR_OK)
        return code;
    if (!fill(packer, letter) || avro_value_sizeof(&packer->record, &size) != 0)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a letter: %s", avro_strerror());
    if (size > PACKER_LETTER_MAX)
        return weir_fail(err, WEIR_ERR_INCOMPATIBLE, "it has %zu bytes, and %zu are the most", size,
                         PACKER_LETTER_MAX);
    if (packer->pending > 0 && packer->pending + size > PACKER_BLOCK)
        code = end_block(packer, err);
    if (code == WEIR_OK && avro_file_writer_append_value(packer->writer, &packer->record) != 0)
        code = fail_io(packer->part, avro_strerror(), err);
    packer->pending += size;
    return code;
}

/* --- the end --- */

static enum weir_err_code finish(struct packer *packer, struct weir_err *err)
{
    enum weir_err_code code = end_block(packer, err);
    if (code == WEIR_OK && (fflush(packer->file) != 0 || fsync(fileno(packer->file)) != 0 ||
                            rename(packer->part, packer->path) != 0))
        code = fail_io(packer->path, strerror(errno), err);
    return code;
}

enum weir_err_code packer_close(struct packer *packer, bool keep, struct weir_err *err)
{
    enum weir_err_code code = WEIR_OK;
    if (!packer)
        return WEIR_OK;
    if (keep)
        code = finish(packer, err);
    if (packer->writer)
        (void)avro_file_writer_close(packer->writer);
    if (packer->file && fclose(packer->file) != 0 && code == WEIR_OK && keep)
        code = fail_io(packer->path, strerror(errno), err);
    if (packer->file && (!keep || code != WEIR_OK))
        (void)unlink(packer->part);
    if (packer->record.iface)
        avro_value_decref(&packer->record);
    if (packer->class)
        avro_value_iface_decref(packer->class);
    if (packer->schema)
        avro_schema_decref(packer->schema);
    free(packer->path);
    free(packer->part);
    free(packer);
    return code;
}
