#include "registry/known.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 16

void known_release(struct known *known)
{
    for (size_t i = 0; i < known->n; i++) {
        weir_schema_free(known->rows[i].schema);
        free(known->rows[i].why);
    }
    free(known->rows);
    *known = (struct known){0};
}

int known_compare(const struct weir_schema_key *a, const struct weir_schema_key *b)
{
    if (a->by_guid != b->by_guid)
        return a->by_guid ? 1 : -1;
    if (a->by_guid)
        return memcmp(a->guid, b->guid, sizeof a->guid);
    return (a->id > b->id) - (a->id < b->id);
}

/* The index of the first row whose key is not below this one. */
static size_t place_of(const struct known *known, const struct weir_schema_key *key)
{
    size_t low = 0, high = known->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (known_compare(&known->rows[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct known_schema *known_find(const struct known *known, const struct weir_schema_key *key)
{
    size_t place = place_of(known, key);
    return place < known->n && weir_schema_key_equal(&known->rows[place].key, key) ? &known->rows[place]
                                                                                   : NULL;
}

static bool make_room(struct known *known)
{
    if (known->n < known->room)
        return true;
    size_t room = known->room ? known->room * 2 : FIRST_ROOM;
    struct known_schema *rows = realloc(known->rows, room * sizeof *rows);
    if (!rows)
        return false;
    known->rows = rows;
    known->room = room;
    return true;
}

enum weir_err_code known_add(struct known *known, const struct weir_schema_key *key,
                             struct weir_schema *schema, const struct weir_err *why, struct weir_err *err)
{
    if (known->n == KNOWN_MAX)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "more than %d schema ids came along; start again",
                         KNOWN_MAX);
    struct weir_err *copy = schema ? NULL : malloc(sizeof *copy);
    if ((!schema && !copy) || !make_room(known)) {
        free(copy);
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a schema");
    }
    if (copy)
        *copy = *why;
    size_t place = place_of(known, key);
    struct known_schema *row = &known->rows[place];
    memmove(row + 1, row, (known->n - place) * sizeof *row);
    *row = (struct known_schema){.key = *key, .schema = schema, .why = copy};
    known->n++;
    return WEIR_OK;
}
