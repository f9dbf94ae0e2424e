/*
 * Looks for newer versions of the schemas that are followed (`version: latest`), compiles what they make, and
 * puts it into use when that is well: off the workers' threads. What is not well is refused, said once and
 * counted, and the pipeline goes on as it was.
 *
 * The reader's subject and the output's may change together, but they are never seen to: so each edition is
 * checked as a whole, the newest of both first, then the newest of one with what is in use of the other.
 * Versions that fit only together are refused until both are there.
 */
#ifndef WEIR_ENGINE_FOLLOW_H
#define WEIR_ENGINE_FOLLOW_H

#include "engine/editions.h"
#include "engine/ports.h"
#include "engine/trouble.h"
#include "metrics/counters.h"
#include "weir/spec.h"

/* All borrowed. */
struct follow_parts {
    const struct weir_spec *spec;
    struct schemas *schemas; /* with subject */
    struct editions *editions;
    struct trouble *trouble;
    struct timer *timer; /* monotonic_ms is asked */
    struct counters *counters;
};

/* A subject that is followed. */
struct follow_side {
    const struct weir_subject_spec *subject;
    const char *verb;               /* "reading" or "writing": what is done with it */
    struct schemas_version refused; /* the last version that was; schema NULL: none */
    struct weir_err unusable;       /* what was wrong with the newest one, when it is no schema of use */
};

struct follow {
    struct follow_parts parts;
    struct follow_side reader, output;
    struct schemas_version tried[2]; /* the newest of both that were looked at; schema NULL: none */
    int down;                        /* trouble row of a look that got no answer, -1: it did */
};

/* True when the configuration asks for a version that can change. */
bool follow_needed(const struct weir_spec *spec);

void follow_init(struct follow *follow, const struct follow_parts *parts);
/* Ends what it said of a registry that is down. */
void follow_release(struct follow *follow);

/* Looks once. One thread at a time; may take as long as two answers of the registry. */
void follow_look(struct follow *follow);

#endif
