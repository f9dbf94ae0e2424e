#include "dlq/newer.h"

#include <stdlib.h>
#include <string.h>

#include "kafka/range.h"

/* Places in the table at first; it doubles before it is three quarters full. */
#define ROOM_FIRST 1024
/* How long one look for a record may take. */
#define LOOK_MS 100

struct row {
    uint8_t *key; /* NULL: free. One byte more than it has, so that an empty one is one too. */
    size_t len;
    int64_t newest_ms; /* INT64_MIN: none was seen */
};

struct newer {
    struct row *rows;
    size_t room, n, bytes;
};

struct newer *newer_new(void)
{
    struct newer *newer = calloc(1, sizeof *newer);
    if (!newer)
        return NULL;
    newer->rows = calloc(ROOM_FIRST, sizeof *newer->rows);
    newer->room = ROOM_FIRST;
    if (newer->rows)
        return newer;
    free(newer);
    return NULL;
}

void newer_free(struct newer *newer)
{
    if (!newer)
        return;
    for (size_t i = 0; i < newer->room; i++)
        free(newer->rows[i].key);
    free(newer->rows);
    free(newer);
}

/* FNV-1a, and the high bits mixed into the low ones, which choose the place. */
static uint64_t hash(struct weir_bytes key)
{
    uint64_t x = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < key.len; i++)
        x = (x ^ key.data[i]) * UINT64_C(0x100000001b3);
    return x ^ x >> 32;
}

/* The row of a key, or the free one where it would stand. */
static struct row *seat(struct row *rows, size_t room, struct weir_bytes key)
{
    size_t i = (size_t)hash(key) & (room - 1);
    while (rows[i].key && (rows[i].len != key.len || memcmp(rows[i].key, key.data, key.len) != 0))
        i = (i + 1) & (room - 1);
    return &rows[i];
}

static bool grow(struct newer *newer)
{
    size_t room = newer->room * 2;
    struct row *rows = calloc(room, sizeof *rows);
    if (!rows)
        return false;
    for (size_t i = 0; i < newer->room; i++)
        if (newer->rows[i].key)
            *seat(rows, room, (struct weir_bytes){newer->rows[i].key, newer->rows[i].len}) = newer->rows[i];
    free(newer->rows);
    newer->rows = rows;
    newer->room = room;
    return true;
}

enum weir_err_code newer_want(struct newer *newer, struct weir_bytes key, struct weir_err *err)
{
    if (!key.data || seat(newer->rows, newer->room, key)->key)
        return WEIR_OK;
    if (newer->n == NEWER_KEYS_MAX || key.len > NEWER_BYTES_MAX - newer->bytes)
        return weir_fail(err, WEIR_ERR_USAGE,
                         "the letters have too many keys to look for newer records: narrow "
                         "them down");
    uint8_t *copy = malloc(key.len + 1);
    if (!copy || (newer->n >= newer->room / 4 * 3 && !grow(newer))) {
        free(copy);
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the keys of letters");
    }
    memcpy(copy, key.data, key.len);
    *seat(newer->rows, newer->room, key) = (struct row){.key = copy, .len = key.len, .newest_ms = INT64_MIN};
    newer->n++;
    newer->bytes += key.len;
    return WEIR_OK;
}

void newer_see(struct newer *newer, struct weir_bytes key, int64_t time_ms)
{
    struct row *row = key.data ? seat(newer->rows, newer->room, key) : NULL;
    if (row && row->key && time_ms > row->newest_ms)
        row->newest_ms = time_ms;
}

bool newer_has(const struct newer *newer, struct weir_bytes key, int64_t time_ms)
{
    const struct row *row = key.data ? seat(newer->rows, newer->room, key) : NULL;
    return row && row->key && row->newest_ms > time_ms;
}

int64_t newer_time_of(const struct weir_spec *spec, const struct letter *letter)
{
    bool keeps = spec->output.timestamp == WEIR_TIMESTAMP_SOURCE;
    return keeps ? letter->record->timestamp_ms : letter_time_ms(letter);
}

/* --- reading --- */

static enum weir_err_code check_stop(const struct newer_options *options, struct weir_err *err)
{
    return *options->stopping == 0 ? WEIR_OK : weir_fail(err, WEIR_ERR_TRANSIENT, "stopped");
}

static enum weir_err_code read_letters(const struct newer_options *options, struct newer *newer,
                                       struct view *view, int64_t *oldest_ms, struct weir_err *err)
{
    enum weir_err_code code = WEIR_OK;
    while (code == WEIR_OK) {
        int64_t done, total;
        const struct view_item *item;
        code = view_next(view, &item, err);
        if (code == WEIR_OK && !item && view_done(view))
            break;
        if (code == WEIR_OK && item && item->original.key.data) {
            int64_t time_ms = newer_time_of(options->view.spec, &item->letter);
            *oldest_ms = time_ms < *oldest_ms ? time_ms : *oldest_ms;
            code = newer_want(newer, item->original.key, err);
        }
        view_progress(view, &done, &total);
        options->progress(options->context, "letters", done, total);
        if (code == WEIR_OK)
            code = check_stop(options, err);
    }
    return code;
}

static enum weir_err_code read_output(const struct newer_options *options, struct newer *newer,
                                      struct range *range, struct weir_err *err)
{
    enum weir_err_code code = WEIR_OK;
    while (code == WEIR_OK) {
        int64_t done, total;
        const struct weir_record *record;
        code = range_next(range, LOOK_MS, &record, err);
        if (code == WEIR_OK && !record && range_done(range))
            break;
        if (code == WEIR_OK && record)
            newer_see(newer, record->key, record->timestamp_ms);
        range_progress(range, &done, &total);
        options->progress(options->context, "output", done, total);
        if (code == WEIR_OK)
            code = check_stop(options, err);
    }
    return code;
}

enum weir_err_code newer_read(const struct newer_options *options, struct newer *newer, struct weir_err *err)
{
    struct view *view = NULL;
    struct range *range = NULL;
    int64_t oldest_ms = INT64_MAX;
    struct view_options letters = options->view;
    letters.judge = false;
    enum weir_err_code code = view_open(&letters, &view, err);
    if (code == WEIR_OK)
        code = read_letters(options, newer, view, &oldest_ms, err);
    view_close(view);
    if (code != WEIR_OK || oldest_ms == INT64_MAX)
        return code;
    const struct range_options output = {.spec = options->view.spec,
                                         .client = options->view.client,
                                         .topic = options->view.spec->output.topic,
                                         .since_ms = oldest_ms > 0 ? oldest_ms : 0};
    code = range_open(&output, &range, err);
    if (code == WEIR_OK)
        code = read_output(options, newer, range, err);
    range_close(range);
    return code;
}
