#include "archive/unpacker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "avro/decode.h"
#include "avro/resolve.h"
#include "avro/varint.h"
#include "weir/schema.h"

#define MAGIC      "Obj\x01"
#define MAGIC_SIZE 4
#define SYNC_SIZE  16
#define KEY_MAX    256

/*
 * A block has its items one behind the other, without their lengths. With its count before and a zero behind
 * them it is an Avro array, and the one field of this record: so one decoding checks all of the block.
 */
#define BLOCK_BEGIN                                                                                          \
    "{\"type\":\"record\",\"name\":\"Block\",\"fields\":[{\"name\":\"letters\",\"type\":{\"type\":"          \
    "\"array\",\"items\":"
#define BLOCK_END "}}]}"

/* What is needed of a letter. */
static const char wanted[] = BLOCK_BEGIN
    "{\"type\":\"record\",\"name\":\"Letter\",\"namespace\":\"weir\",\"fields\":["
    "{\"name\":\"timestamp\",\"type\":\"long\"},"
    "{\"name\":\"key\",\"type\":[\"null\",\"bytes\"]},"
    "{\"name\":\"value\",\"type\":[\"null\",\"bytes\"]},"
    "{\"name\":\"headers\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"Header\","
    "\"fields\":[{\"name\":\"name\",\"type\":\"string\"},{\"name\":\"value\",\"type\":[\"null\",\"bytes\"]}]}"
    "}}]}" BLOCK_END;

struct unpacker {
    const char *path;
    FILE *file;
    struct weir_schema *writer, *reader;
    struct resolution *resolution;
    uint8_t sync[SYNC_SIZE];
    uint64_t blocks;
    uint8_t *block, *scratch;
    size_t block_room, scratch_room;
    const uint8_t *at, *end; /* in what was made of the block */
    int64_t letters;         /* that are left in this run of the array */
    struct weir_header *headers;
    char *names;
    size_t headers_room, names_room;
    struct weir_record record;
};

static enum weir_err_code fail_damaged(const struct unpacker *unpacker, const char *what,
                                       struct weir_err *err)
{
    if (ferror(unpacker->file))
        return weir_fail(err, WEIR_ERR_IO, "%s: %s", unpacker->path, strerror(errno));
    return weir_fail(err, WEIR_ERR_INCOMPATIBLE, "%s, block %llu: %s", unpacker->path,
                     (unsigned long long)unpacker->blocks, what);
}

static enum weir_err_code no_memory(struct weir_err *err)
{
    return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a file of letters");
}

static bool need(uint8_t **memory, size_t *room, size_t size)
{
    if (size <= *room)
        return true;
    uint8_t *grown = realloc(*memory, size);
    if (!grown)
        return false;
    *memory = grown;
    *room = size;
    return true;
}

/* --- the file's header --- */

static bool read_long(FILE *file, int64_t *number)
{
    uint8_t bytes[VARINT_LONG_MAX];
    for (size_t n = 0; n < sizeof bytes; n++) {
        int byte = getc(file);
        if (byte == EOF)
            return false;
        bytes[n] = (uint8_t)byte;
        if (byte < 0x80)
            return varint_read(bytes, bytes + n + 1, number) != NULL;
    }
    return false;
}

/* Text with its length before it, of at most max bytes, with a NUL behind; NULL where there is none, else for
 * the caller to free. */
static char *read_text(FILE *file, size_t max, size_t *len)
{
    int64_t size;
    if (!read_long(file, &size) || size < 0 || (uint64_t)size > max)
        return NULL;
    char *text = malloc((size_t)size + 1);
    *len = (size_t)size;
    if (text && fread(text, 1, (size_t)size, file) == (size_t)size) {
        text[size] = '\0';
        return text;
    }
    free(text);
    return NULL;
}

/* The schema of the file around which a block's is made. Parsed alone first: it must be whole in itself. */
static enum weir_err_code take_schema(struct unpacker *unpacker, const char *text, size_t len,
                                      struct weir_err *err)
{
    struct weir_schema *alone = NULL;
    enum weir_err_code code = weir_schema_parse((struct weir_bytes){(const uint8_t *)text, len}, &alone, err);
    weir_schema_free(alone);
    if (code != WEIR_OK)
        return code;
    size_t size = strlen(BLOCK_BEGIN) + len + strlen(BLOCK_END) + 1;
    char *whole = malloc(size);
    if (!whole)
        return no_memory(err);
    (void)snprintf(whole, size, "%s%.*s%s", BLOCK_BEGIN, (int)len, text, BLOCK_END);
    weir_schema_free(unpacker->writer);
    unpacker->writer = NULL;
    code = weir_schema_parse(weir_bytes_of(whole), &unpacker->writer, err);
    free(whole);
    return code;
}

static enum weir_err_code take_entry(struct unpacker *unpacker, struct weir_err *err)
{
    size_t key_len, len;
    char *key = read_text(unpacker->file, KEY_MAX, &key_len);
    char *value = key ? read_text(unpacker->file, WEIR_SCHEMA_TEXT_MAX, &len) : NULL;
    enum weir_err_code code = WEIR_OK;
    if (!value)
        code = fail_damaged(unpacker, "its metadata are no metadata", err);
    else if (strcmp(key, "avro.schema") == 0)
        code = take_schema(unpacker, value, len, err);
    else if (strcmp(key, "avro.codec") == 0 && strcmp(value, "null") != 0)
        code = weir_fail(err, WEIR_ERR_INCOMPATIBLE,
                         "%s is compressed (%.32s): write it without (codec null)", unpacker->path, value);
    free(key);
    free(value);
    return code;
}

static enum weir_err_code read_metadata(struct unpacker *unpacker, struct weir_err *err)
{
    int64_t count = 0, size;
    for (int entries = 0; entries <= UNPACKER_ENTRIES_MAX; count--, entries++) {
        bool good = count > 0 || read_long(unpacker->file, &count);
        if (good && count == 0)
            return WEIR_OK;
        /* A negative count has the size of its entries behind it. */
        if (good && count < 0 && count > INT64_MIN) {
            count = -count;
            good = read_long(unpacker->file, &size);
        }
        if (!good || count < 0)
            break;
        enum weir_err_code code = take_entry(unpacker, err);
        if (code != WEIR_OK)
            return code;
    }
    return fail_damaged(unpacker, "its metadata are no metadata", err);
}

static enum weir_err_code open_file(struct unpacker *unpacker, struct weir_err *err)
{
    char magic[MAGIC_SIZE];
    unpacker->file = fopen(unpacker->path, "rb");
    if (!unpacker->file)
        return weir_fail(err, WEIR_ERR_IO, "%s: %s", unpacker->path, strerror(errno));
    if (fread(magic, 1, MAGIC_SIZE, unpacker->file) != MAGIC_SIZE || memcmp(magic, MAGIC, MAGIC_SIZE) != 0)
        return weir_fail(err, WEIR_ERR_INCOMPATIBLE, "%s is no Avro object container file", unpacker->path);
    enum weir_err_code code = read_metadata(unpacker, err);
    if (code != WEIR_OK)
        return code;
    if (!unpacker->writer || fread(unpacker->sync, 1, SYNC_SIZE, unpacker->file) != SYNC_SIZE)
        return fail_damaged(unpacker, "it has no schema, or ends in its header", err);
    code = weir_schema_parse(weir_bytes_of(wanted), &unpacker->reader, err);
    if (code == WEIR_OK)
        code = resolve_new(unpacker->writer->root, unpacker->reader->root, &unpacker->resolution, err);
    return code;
}

enum weir_err_code unpacker_open(const char *path, struct unpacker **out, struct weir_err *err)
{
    struct unpacker *unpacker = calloc(1, sizeof *unpacker);
    if (!unpacker)
        return no_memory(err);
    unpacker->path = path;
    enum weir_err_code code = open_file(unpacker, err);
    if (code == WEIR_OK)
        *out = unpacker;
    else
        unpacker_close(unpacker);
    return code;
}

void unpacker_close(struct unpacker *unpacker)
{
    if (!unpacker)
        return;
    if (unpacker->file)
        (void)fclose(unpacker->file);
    resolve_free(unpacker->resolution);
    weir_schema_free(unpacker->writer);
    weir_schema_free(unpacker->reader);
    free(unpacker->block);
    free(unpacker->scratch);
    free(unpacker->headers);
    free(unpacker->names);
    free(unpacker);
}

/* --- a block --- */

/* Zig-zag varint of a count that is not negative; returns its length. */
static size_t write_count(uint8_t *to, int64_t count)
{
    size_t n = 0;
    uint64_t raw = (uint64_t)count << 1;
    for (; raw >= 0x80; raw >>= 7)
        to[n++] = (uint8_t)(raw | 0x80);
    to[n++] = (uint8_t)raw;
    return n;
}

static enum weir_err_code decode_block(struct unpacker *unpacker, size_t len, struct weir_err *err)
{
    struct slot slot;
    struct weir_arena scratch;
    struct weir_reason why = {.code = WEIR_CODE_NONE};
    if (!need(&unpacker->scratch, &unpacker->scratch_room, resolve_scratch(unpacker->resolution, len)))
        return no_memory(err);
    weir_arena_init(&scratch, unpacker->scratch, unpacker->scratch_room);
    if (!decode_record(unpacker->resolution, (struct weir_bytes){unpacker->block, len}, 0, &scratch, &slot,
                       &why))
        return weir_fail(err, WEIR_ERR_INCOMPATIBLE, "%s, block %llu: %s%s%.*s", unpacker->path,
                         (unsigned long long)unpacker->blocks, why.field ? why.field : "",
                         why.field ? ": " : "", (int)why.text.len, (const char *)why.text.data);
    unpacker->at = slot.raw.data;
    unpacker->end = slot.raw.data + slot.raw.len;
    unpacker->letters = 0;
    return WEIR_OK;
}

/* Reads the next block; *more is false when there is none. */
static enum weir_err_code read_block(struct unpacker *unpacker, bool *more, struct weir_err *err)
{
    int64_t count, size;
    uint8_t sync[SYNC_SIZE];
    int first = getc(unpacker->file);
    *more = first != EOF;
    if (!*more)
        return ferror(unpacker->file) ? fail_damaged(unpacker, "", err) : WEIR_OK;
    (void)ungetc(first, unpacker->file);
    unpacker->blocks++;
    if (!read_long(unpacker->file, &count) || !read_long(unpacker->file, &size) || count < 0 || size < 0 ||
        (uint64_t)size > UNPACKER_BLOCK_MAX || count > size)
        return fail_damaged(unpacker, "its counts cannot be right", err);
    if (!need(&unpacker->block, &unpacker->block_room, (size_t)size + VARINT_LONG_MAX + 1))
        return no_memory(err);
    size_t len = count > 0 ? write_count(unpacker->block, count) : 0;
    if (fread(unpacker->block + len, 1, (size_t)size, unpacker->file) != (size_t)size ||
        fread(sync, 1, SYNC_SIZE, unpacker->file) != SYNC_SIZE)
        return fail_damaged(unpacker, "it ends too soon", err);
    if (memcmp(sync, unpacker->sync, SYNC_SIZE) != 0)
        return fail_damaged(unpacker, "its sync marker is not the file's", err);
    len += (size_t)size;
    unpacker->block[len++] = 0;
    return decode_block(unpacker, len, err);
}

/* --- a letter: what was decoded is valid, and of the reader's schema --- */

static int64_t get_long(struct unpacker *unpacker)
{
    int64_t number = 0;
    const uint8_t *next = varint_read(unpacker->at, unpacker->end, &number);
    unpacker->at = next ? next : unpacker->end;
    return next ? number : 0;
}

static struct weir_bytes get_bytes(struct unpacker *unpacker)
{
    int64_t len = get_long(unpacker);
    if (len < 0 || len > unpacker->end - unpacker->at)
        len = 0;
    struct weir_bytes bytes = {unpacker->at, (size_t)len};
    unpacker->at += len;
    return bytes;
}

static struct weir_bytes get_optional(struct unpacker *unpacker)
{
    return get_long(unpacker) == 0 ? WEIR_NO_BYTES : get_bytes(unpacker);
}

/* True when an array has one more item; *left are those of its run, each of which has its count before it,
 * and the size where the count is negative. */
static bool get_more(struct unpacker *unpacker, int64_t *left)
{
    if (*left == 0) {
        *left = get_long(unpacker);
        if (*left < 0) {
            *left = -*left;
            (void)get_long(unpacker);
        }
    }
    return (*left)-- > 0;
}

static bool need_header(struct unpacker *unpacker, size_t n)
{
    if (n < unpacker->headers_room)
        return true;
    size_t room = unpacker->headers_room ? unpacker->headers_room * 2 : 32;
    struct weir_header *grown = realloc(unpacker->headers, room * sizeof *grown);
    if (!grown)
        return false;
    unpacker->headers = grown;
    unpacker->headers_room = room;
    return true;
}

/* Names want a NUL behind them: they get room of their own, once all are known. */
static bool name_headers(struct unpacker *unpacker, const struct weir_bytes *names, size_t n, size_t size)
{
    uint8_t *room = (uint8_t *)unpacker->names;
    bool good = need(&room, &unpacker->names_room, size + 1);
    unpacker->names = (char *)room;
    char *to = unpacker->names;
    for (size_t i = 0; good && i < n; i++) {
        memcpy(to, names[i].data, names[i].len);
        to[names[i].len] = '\0';
        unpacker->headers[i].name = to;
        to += names[i].len + 1;
    }
    return good;
}

static bool get_headers(struct unpacker *unpacker)
{
    size_t n = 0, room = 0, size = 0;
    struct weir_bytes *names = NULL;
    bool good = true;
    for (int64_t left = 0; good && get_more(unpacker, &left); n++) {
        good = need_header(unpacker, n);
        if (good && n == room) {
            room = unpacker->headers_room;
            struct weir_bytes *grown = realloc(names, room * sizeof *grown);
            good = grown != NULL;
            names = grown ? grown : names;
        }
        if (!good)
            break;
        names[n] = get_bytes(unpacker);
        size += names[n].len + 1;
        unpacker->headers[n].value = get_optional(unpacker);
    }
    good = good && name_headers(unpacker, names, n, size);
    free(names);
    unpacker->record.headers = unpacker->headers;
    unpacker->record.n_headers = n;
    return good;
}

enum weir_err_code unpacker_next(struct unpacker *unpacker, const struct weir_record **out,
                                 struct weir_err *err)
{
    *out = NULL;
    while (unpacker->at == unpacker->end || !get_more(unpacker, &unpacker->letters)) {
        bool more;
        unpacker->at = unpacker->end = NULL;
        enum weir_err_code code = read_block(unpacker, &more, err);
        if (code != WEIR_OK || !more)
            return code;
    }
    unpacker->record = (struct weir_record){.timestamp_ms = get_long(unpacker)};
    unpacker->record.key = get_optional(unpacker);
    unpacker->record.value = get_optional(unpacker);
    if (!get_headers(unpacker))
        return no_memory(err);
    *out = &unpacker->record;
    return WEIR_OK;
}
