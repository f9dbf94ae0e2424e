#include "sys/remedy.h"

#include <string.h>

struct row {
    const char *name, *without;
};

static const struct row rows[REMEDY_COUNT] = {
#define WEIR_REMEDY(NAME, name, without) [REMEDY_##NAME] = {#name, without},
#include "sys/remedies.def"
#undef WEIR_REMEDY
};

const char *remedy_name(enum remedy remedy)
{
    return rows[remedy].name;
}

const char *remedy_without(enum remedy remedy)
{
    return rows[remedy].without;
}

#ifdef WEIR_REMEDY_SWITCHES

static bool off[REMEDY_COUNT];

bool remedy_on(enum remedy remedy)
{
    return !off[remedy];
}

/* The remedy of that name, REMEDY_COUNT when there is none. */
static enum remedy find(const char *name, size_t len)
{
    int found = 0;
    while (found < REMEDY_COUNT &&
           (strlen(rows[found].name) != len || memcmp(rows[found].name, name, len) != 0))
        found++;
    return (enum remedy)found;
}

enum weir_err_code remedy_setup(const char *without, struct weir_err *err)
{
    bool wanted[REMEDY_COUNT] = {false};
    for (const char *word = without ? without : ""; *word;) {
        size_t len = strcspn(word, ",");
        enum remedy remedy = find(word, len);
        if (remedy == REMEDY_COUNT)
            return weir_fail(err, WEIR_ERR_USAGE, "WEIR_WITHOUT: '%.*s' is no remedy", (int)len, word);
        wanted[remedy] = true;
        word += len;
        word += *word == ',';
    }
    memcpy(off, wanted, sizeof off);
    return WEIR_OK;
}

#endif
