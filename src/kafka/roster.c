#include "kafka/roster.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a, 64 bits. */
#define HASH_BASIS UINT64_C(14695981039346656037)
#define HASH_PRIME UINT64_C(1099511628211)

static size_t place_of(const struct roster *roster, const char *name)
{
    size_t at = 0;
    while (at < roster->n && strcmp(roster->names[at], name) != 0)
        at++;
    return at;
}

bool roster_has(const struct roster *roster, const char *name)
{
    return place_of(roster, name) < roster->n;
}

bool roster_add(struct roster *roster, const char *name)
{
    if (roster_has(roster, name))
        return true;
    char **names = realloc(roster->names, (roster->n + 1) * sizeof *names);
    if (!names)
        return false;
    roster->names = names;
    size_t size = strlen(name) + 1;
    char *copy = malloc(size);
    if (!copy)
        return false;
    memcpy(copy, name, size);
    names[roster->n++] = copy;
    return true;
}

void roster_remove(struct roster *roster, const char *name)
{
    size_t at = place_of(roster, name);
    if (at == roster->n)
        return;
    free(roster->names[at]);
    roster->names[at] = roster->names[--roster->n];
}

void roster_clear(struct roster *roster)
{
    for (size_t i = 0; i < roster->n; i++)
        free(roster->names[i]);
    free(roster->names);
    *roster = (struct roster){0};
}

/* How long <group>-<instance> is in a name of that group, 0 when it is none. */
static size_t process_of(const char *name, const char *group)
{
    size_t prefix = strlen(group);
    const char *worker = strrchr(name, '-');
    if (!worker || strncmp(name, group, prefix) != 0 || name[prefix] != '-')
        return 0;
    bool number = worker[1] != '\0' && worker[1 + strspn(worker + 1, "0123456789")] == '\0';
    return number && worker > name + prefix + 1 ? (size_t)(worker - name) : 0;
}

bool roster_is_another(const char *name, const char *group, const char *own)
{
    size_t len = process_of(name, group);
    return len > 0 && (len != process_of(own, group) || strncmp(name, own, len) != 0);
}

static uint64_t hash_on(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * HASH_PRIME;
    return hash;
}

const char *roster_heir(const struct roster *before, const struct roster *now, const char *group,
                        const char *gone)
{
    const char *heir = NULL;
    uint64_t most = 0;
    for (size_t i = 0; i < now->n; i++) {
        const char *name = now->names[i];
        uint64_t weight = hash_on(hash_on(HASH_BASIS, gone), name);
        bool heavier = !heir || weight > most || (weight == most && strcmp(name, heir) > 0);
        if (!heavier || !roster_is_another(name, group, gone) || !roster_has(before, name))
            continue;
        heir = name;
        most = weight;
    }
    return heir;
}
