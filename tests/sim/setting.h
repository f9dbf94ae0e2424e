/*
 * What a seed makes of the world before and while it runs: how large it is, how the pipeline is configured,
 * what its records are, and which parts of the world fail for a while.
 */
#ifndef SIM_SETTING_H
#define SIM_SETTING_H

#include "support/twin.h"
#include "weir/spec.h"

/* Versions of the reader's schema that can be read, and one that is refused. */
#define SETTING_VERSIONS 3

struct setting {
    struct weir_spec spec;
    struct weir_schema *schemas[SETTING_VERSIONS], *misfit;
    struct schemas_version first[2]; /* reader and output that processes start with */
    bool follows;
    bool honest; /* the registry denies no id that it knows, and one that it does not know is rejected in time
                  */
    bool large;  /* the output topic takes no large records */
    int64_t deadline_ms; /* for unknown schema ids */
    uint32_t weather;    /* one call in so many fails that would in the roughest */
    uint32_t chunk;      /* most records of a partition in one poll */
    uint32_t backlog;    /* most records of a partition that are not done */
    uint32_t next_id;    /* schema id that the registry does not know yet */
    int64_t version;     /* last one that was registered */
    uint64_t steps;      /* before it becomes calm */
};

/* Makes the world, and all that does not change. */
void setting_make(struct setting *setting, struct twin_world *world, uint64_t seed);
void setting_release(struct setting *setting, struct twin_world *world);

/* Some records come in, or gaps. */
void setting_produce(struct setting *setting, struct twin_world *world);
/* One part of the world fails for a while. */
void setting_break(struct setting *setting, struct twin_world *world);
/* Another version is registered, and an id that records have already becomes known. */
void setting_register(struct setting *setting, struct twin_world *world);
/* Everything is well from now on, and all that records need is there. */
void setting_mend(struct setting *setting, struct twin_world *world);

#endif
