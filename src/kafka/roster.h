/* The names of a group's members (group.instance.id, KIP-345), as a set. Pure; one thread. */
#ifndef WEIR_KAFKA_ROSTER_H
#define WEIR_KAFKA_ROSTER_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed is valid: nobody. Freed with roster_clear. */
struct roster {
    char **names; /* owned */
    size_t n;
};

/* Adds a copy of the name, unless it is there. False: no memory, and the set is as it was. */
bool roster_add(struct roster *roster, const char *name);
bool roster_has(const struct roster *roster, const char *name);
/* Takes the name out; nothing when it is not there. */
void roster_remove(struct roster *roster, const char *name);
void roster_clear(struct roster *roster);

/* True when name is <group>-<instance>-<worker>, as weir calls its members, and not of the process of own. */
bool roster_is_another(const char *name, const char *group, const char *own);

/*
 * Who takes care of one that has gone: of the group's processes other than its own, a member that is in both
 * sets. All who know the same sets come to the same one, and many that have gone are shared out (rendezvous
 * hashing). NULL when there is none, as when a process came back with fewer workers and is alone. Valid as
 * long as now.
 */
const char *roster_heir(const struct roster *before, const struct roster *now, const char *group,
                        const char *gone);

#endif
