#include "audit/final.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dlq/lease.h"

struct final {
    struct letter_place place; /* of questions: its topic is the input's */
    const char *output;
    struct ledger *ledger;
    struct ledger *in_output; /* the same, where only what went into the output is REPLAYED */
    struct lease lease;
    uint64_t taken; /* records of the topic, those of the lease apart */
};

static enum weir_err_code no_memory(struct weir_err *err)
{
    return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the ledger");
}

enum weir_err_code final_new(const char *topic, const char *output, struct final **out, struct weir_err *err)
{
    struct final *final = calloc(1, sizeof *final);
    if (!final)
        return no_memory(err);
    final->output = output;
    final->ledger = ledger_new();
    final->in_output = ledger_new();
    (void)snprintf(final->place.topic, sizeof final->place.topic, "%s", topic);
    if (!final->ledger || !final->in_output) {
        final_free(final);
        return no_memory(err);
    }
    *out = final;
    return WEIR_OK;
}

void final_free(struct final *final)
{
    if (!final)
        return;
    ledger_free(final->ledger);
    ledger_free(final->in_output);
    free(final);
}

static bool went_into_output(const struct final *final, struct weir_bytes value)
{
    json_t *object = value.data ? json_loadb((const char *)value.data, value.len, 0, NULL) : NULL;
    const char *state = json_string_value(json_object_get(object, "state"));
    const char *to = json_string_value(json_object_get(object, "to"));
    bool is =
        state && to && strcmp(state, ledger_states[LEDGER_REPLAYED]) == 0 && strcmp(to, final->output) == 0;
    json_decref(object);
    return is;
}

enum weir_err_code final_take(struct final *final, const struct weir_record *record, struct weir_err *err)
{
    struct letter_place place;
    char key[LETTER_PLACE_MAX];
    if (weir_bytes_equal(record->key, weir_bytes_of(LEASE_KEY))) {
        (void)lease_parse(record->value, &final->lease);
        return WEIR_OK;
    }
    final->taken++;
    enum weir_err_code code = ledger_take(final->ledger, record, err);
    if (code != WEIR_OK || !record->key.data || record->key.len >= sizeof key)
        return code;
    memcpy(key, record->key.data, record->key.len);
    key[record->key.len] = '\0';
    if (!letter_place_parse(key, NULL, &place))
        return WEIR_OK;
    struct ledger_entry entry = ledger_find(final->ledger, &place);
    if (!went_into_output(final, record->value))
        entry.state = LEDGER_OPEN;
    return ledger_put(final->in_output, &place, &entry, err);
}

enum weir_err_code final_check(const struct final *final, int64_t now_ms, struct weir_err *err)
{
    const struct lease *lease = &final->lease;
    if (!lease->held || now_ms - lease->beat_ms >= LEASE_MS)
        return WEIR_OK;
    return weir_fail(err, WEIR_ERR_DUPLICATE_IDENTITY,
                     "a %s by %s (run %s) is at work on letters: audit when it is done", lease->verb,
                     lease->by, lease->run);
}

bool final_same(const struct final *a, const struct final *b)
{
    return a->taken == b->taken && strcmp(a->lease.run, b->lease.run) == 0;
}

static struct letter_place place_of(const struct final *final, int32_t partition, int64_t offset)
{
    struct letter_place place = final->place;
    place.partition = partition;
    place.offset = offset;
    return place;
}

enum ledger_state final_state(const struct final *final, int32_t partition, int64_t offset)
{
    struct letter_place place = place_of(final, partition, offset);
    return ledger_find(final->ledger, &place).state;
}

bool final_in_output(const struct final *final, int32_t partition, int64_t offset)
{
    if (ledger_count(final->in_output) == 0)
        return false;
    struct letter_place place = place_of(final, partition, offset);
    return ledger_find(final->in_output, &place).state == LEDGER_REPLAYED;
}
