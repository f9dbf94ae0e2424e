#include "dlq/ledger.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Places in the table at first; it doubles before it is three quarters full. */
#define ROOM_FIRST 1024

const char *const ledger_states[LEDGER_STATES] = {"open", "replayed", "parked", "discarded"};

struct row {
    int64_t offset;
    int64_t at_ms;
    int32_t partition;
    uint32_t attempts, change;
    uint8_t topic; /* index plus one; 0: free */
    uint8_t state;
};

struct ledger {
    char topics[LEDGER_TOPICS_MAX][LETTER_TOPIC_MAX];
    size_t n_topics;
    struct row *rows;
    size_t room, n;
};

struct ledger *ledger_new(void)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);
    if (!ledger)
        return NULL;
    ledger->rows = calloc(ROOM_FIRST, sizeof *ledger->rows);
    ledger->room = ROOM_FIRST;
    if (ledger->rows)
        return ledger;
    free(ledger);
    return NULL;
}

void ledger_free(struct ledger *ledger)
{
    if (!ledger)
        return;
    free(ledger->rows);
    free(ledger);
}

void ledger_clear(struct ledger *ledger)
{
    memset(ledger->rows, 0, ledger->room * sizeof *ledger->rows);
    ledger->n = ledger->n_topics = 0;
}

/* Index plus one of a topic, 0 when it is not known. */
static uint8_t topic_of(const struct ledger *ledger, const char *topic)
{
    for (size_t i = 0; i < ledger->n_topics; i++)
        if (strcmp(ledger->topics[i], topic) == 0)
            return (uint8_t)(i + 1);
    return 0;
}

/* The finalizer of MurmurHash3: every bit of the place decides every bit of the index. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ (x >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ (x >> 33);
}

/* The row of a place, or the free one where it would stand. */
static size_t seat(const struct row *rows, size_t room, uint8_t topic, int32_t partition, int64_t offset)
{
    uint64_t hash = mix((uint64_t)offset ^ mix((uint64_t)(uint32_t)partition << 8 | topic));
    size_t i = (size_t)hash & (room - 1);
    while (rows[i].topic != 0 &&
           (rows[i].topic != topic || rows[i].partition != partition || rows[i].offset != offset))
        i = (i + 1) & (room - 1);
    return i;
}

static bool grow(struct ledger *ledger)
{
    size_t room = ledger->room * 2;
    struct row *rows = calloc(room, sizeof *rows);
    if (!rows)
        return false;
    for (size_t i = 0; i < ledger->room; i++) {
        const struct row *row = &ledger->rows[i];
        if (row->topic != 0)
            rows[seat(rows, room, row->topic, row->partition, row->offset)] = *row;
    }
    free(ledger->rows);
    ledger->rows = rows;
    ledger->room = room;
    return true;
}

struct ledger_entry ledger_find(const struct ledger *ledger, const struct letter_place *place)
{
    uint8_t topic = topic_of(ledger, place->topic);
    if (topic == 0)
        return (struct ledger_entry){.state = LEDGER_OPEN};
    const struct row *row =
        &ledger->rows[seat(ledger->rows, ledger->room, topic, place->partition, place->offset)];
    return (struct ledger_entry){.state = (enum ledger_state)row->state,
                                 .attempts = row->attempts,
                                 .change = row->change,
                                 .at_ms = row->at_ms};
}

static enum weir_err_code make_room(struct ledger *ledger, const char *topic, uint8_t *index,
                                    struct weir_err *err)
{
    *index = topic_of(ledger, topic);
    if (*index == 0 && ledger->n_topics == LEDGER_TOPICS_MAX)
        return weir_fail(err, WEIR_ERR_KAFKA, "letters of more than %d topics in one ledger",
                         LEDGER_TOPICS_MAX);
    if (ledger->n >= LEDGER_MAX)
        return weir_fail(err, WEIR_ERR_KAFKA, "more than %zu letters in one ledger", LEDGER_MAX);
    if (ledger->n + 1 > ledger->room / 4 * 3 && !grow(ledger))
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the ledger");
    if (*index == 0) {
        memcpy(ledger->topics[ledger->n_topics], topic, strlen(topic) + 1);
        *index = (uint8_t)++ledger->n_topics;
    }
    return WEIR_OK;
}

enum weir_err_code ledger_put(struct ledger *ledger, const struct letter_place *place,
                              const struct ledger_entry *entry, struct weir_err *err)
{
    uint8_t topic;
    enum weir_err_code code = make_room(ledger, place->topic, &topic, err);
    if (code != WEIR_OK)
        return code;
    struct row *row = &ledger->rows[seat(ledger->rows, ledger->room, topic, place->partition, place->offset)];
    if (row->topic == 0)
        ledger->n++;
    else if (row->change > entry->change)
        return WEIR_OK;
    *row = (struct row){.offset = place->offset,
                        .at_ms = entry->at_ms,
                        .partition = place->partition,
                        .attempts = entry->attempts,
                        .change = entry->change,
                        .topic = topic,
                        .state = (uint8_t)entry->state};
    return WEIR_OK;
}

size_t ledger_count(const struct ledger *ledger)
{
    return ledger->n;
}

void ledger_tally(const struct ledger *ledger, uint64_t by_state[LEDGER_STATES])
{
    memset(by_state, 0, LEDGER_STATES * sizeof *by_state);
    for (size_t i = 0; i < ledger->room; i++)
        by_state[ledger->rows[i].state] += ledger->rows[i].topic != 0;
}

/* --- records of the topic --- */

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text && *text)
        (void)json_object_set_new(object, name, json_string(text));
}

size_t ledger_print(const struct ledger_entry *entry, const struct ledger_note *note, char *text)
{
    json_t *object = json_pack("{s:i, s:s, s:I, s:I, s:I}", "v", LEDGER_VERSION, "state",
                               ledger_states[entry->state], "attempts", (json_int_t)entry->attempts, "change",
                               (json_int_t)entry->change, "at", (json_int_t)entry->at_ms);
    set_text(object, "run", note->run);
    set_text(object, "by", note->by);
    set_text(object, "to", note->target);
    set_text(object, "code", note->code);
    set_text(object, "reason", note->reason);
    size_t len = json_dumpb(object, text, LEDGER_VALUE_MAX, JSON_COMPACT);
    /* A reason too long for it is left out: it stands in the audit record. */
    if (len > LEDGER_VALUE_MAX) {
        (void)json_object_del(object, "reason");
        len = json_dumpb(object, text, LEDGER_VALUE_MAX, JSON_COMPACT);
    }
    json_decref(object);
    return len;
}

static bool read_state(const json_t *object, enum ledger_state *state)
{
    const char *text = json_string_value(json_object_get(object, "state"));
    for (int i = 0; text && i < LEDGER_STATES; i++)
        if (strcmp(ledger_states[i], text) == 0) {
            *state = (enum ledger_state)i;
            return true;
        }
    return false;
}

static bool read_entry(const json_t *object, struct ledger_entry *entry)
{
    const json_t *attempts = json_object_get(object, "attempts"), *change = json_object_get(object, "change"),
                 *at = json_object_get(object, "at");
    json_int_t n_attempts = json_integer_value(attempts), n_change = json_integer_value(change);
    if (!json_is_integer(attempts) || !json_is_integer(change) || n_attempts < 0 || n_attempts > UINT32_MAX ||
        n_change < 0 || n_change > UINT32_MAX)
        return false;
    entry->attempts = (uint32_t)n_attempts;
    entry->change = (uint32_t)n_change;
    entry->at_ms = json_integer_value(at);
    return read_state(object, &entry->state);
}

static bool read_key(struct weir_bytes key, struct letter_place *place)
{
    char text[LETTER_PLACE_MAX];
    if (!key.data || key.len >= sizeof text)
        return false;
    memcpy(text, key.data, key.len);
    text[key.len] = '\0';
    return letter_place_parse(text, NULL, place);
}

enum weir_err_code ledger_take(struct ledger *ledger, const struct weir_record *record, struct weir_err *err)
{
    struct letter_place place;
    struct ledger_entry entry = {.state = LEDGER_OPEN};
    if (!read_key(record->key, &place))
        return WEIR_OK;
    /* Taken out by whoever pruned the ledger: as if it had never been. */
    if (!record->value.data) {
        uint8_t topic = topic_of(ledger, place.topic);
        struct row *row =
            &ledger->rows[seat(ledger->rows, ledger->room, topic, place.partition, place.offset)];
        if (row->topic != 0)
            row->state = LEDGER_OPEN, row->attempts = row->change = 0;
        return WEIR_OK;
    }
    json_t *object = json_loadb((const char *)record->value.data, record->value.len, 0, NULL);
    json_int_t version = json_integer_value(json_object_get(object, "v"));
    bool good = version == LEDGER_VERSION && read_entry(object, &entry);
    json_decref(object);
    if (good)
        return ledger_put(ledger, &place, &entry, err);
    return weir_fail(err, WEIR_ERR_CONFIG,
                     version > LEDGER_VERSION ? "partition %d offset %lld was written by a newer weir"
                                              : "partition %d offset %lld is no record of a ledger",
                     record->partition, (long long)record->offset);
}
