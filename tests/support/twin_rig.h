/*
 * A worker on the bench: a twin cluster, one member and the engine's loop on its ports, with a small pipeline
 * whose records have one text field v: "drop" is dropped, "bad" is rejected (rule_failed), all else passes.
 */
#ifndef SUPPORT_TWIN_RIG_H
#define SUPPORT_TWIN_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/loop.h"
#include "engine/settle.h"
#include "support/twin.h"
#include "support/twin_judge.h"
#include "support/twin_log.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Schema ids: one that fits from the start, one that no reader of ours can read. */
#define RIG_ID       7
#define RIG_MISFIT   8
#define RIG_DEADLINE 60000

struct rig_options {
    int32_t partitions;
    uint64_t seed;
    int64_t max_records; /* 0: 1000 */
    int64_t max_bytes;   /* 0: 1 MiB */
    int64_t deadline_ms; /* for unknown schema ids; 0: RIG_DEADLINE */
    bool follows;        /* looks for newer versions are the test's */
    bool journal;
    /* 0: no breaker */
    int64_t breaker_ratio, breaker_records, breaker_hold_ms;
};

struct rig {
    struct twin_world world;
    struct twin_member member;
    struct weir_spec spec;
    struct weir_schema *reader, *misfit;
    struct editions *editions;
    struct plans *plans;
    bool follows;
    const char *config_text; /* for the next loop; NULL: some */
    int64_t deadline_ms;     /* for unknown schema ids */
    struct trouble trouble;
    struct counters counters;
    struct loop_control control;
    struct loop loop;
    struct weir_err err; /* of the last step that failed */
    uint64_t still;      /* steps in a row that took no time */
};

/* The small pipeline, for who has members of his own: its spec, and the schemas of RIG_ID and RIG_MISFIT. */
void rig_fill_spec(struct weir_spec *spec, const struct rig_options *options);
extern const char rig_reader_text[], rig_misfit_text[];

/* Partitions belong to the member from its first poll on. */
void rig_init(struct rig *rig, struct rig_options options);
/* Ends as the program does, the sink first, and fails the test when the judge found anything. */
void rig_release(struct rig *rig);

/* The process is killed and started again under the same identity. */
void rig_restart(struct rig *rig);

/* Another edition comes into use, of the same schemas as that version. */
void rig_use_version(struct rig *rig, int64_t version);

/* What a record is like. */
enum rig_kind { RIG_PASS, RIG_DROP, RIG_BAD, RIG_RUBBISH, RIG_AVRO, RIG_AVRO_BAD, RIG_TOMBSTONE, RIG_KINDS };
/* Appends a record of that kind. */
struct twin_input *rig_put(struct rig *rig, int32_t partition, enum rig_kind kind);
/* n records of kinds in turn to each partition. */
void rig_put_mix(struct rig *rig, size_t n);
/* A record in wire format, of a writer with one text field. */
struct twin_input *rig_put_avro(struct rig *rig, int32_t partition, uint32_t id, const char *text);
/* A JSON record with a text of so many characters. */
struct twin_input *rig_put_long(struct rig *rig, int32_t partition, size_t length);
/* The same in any world. */
struct twin_input *rig_produce(struct twin_world *world, int32_t partition, enum rig_kind kind);
struct twin_input *rig_produce_avro(struct twin_world *world, int32_t partition, uint32_t id,
                                    const char *text);
struct twin_input *rig_produce_long(struct twin_world *world, int32_t partition, size_t length);

/* One step. A judge's finding, or very many steps that take no time, fail the test. */
enum weir_err_code rig_step(struct rig *rig);
/* Steps for so long, or until an error, which is returned. */
enum weir_err_code rig_run(struct rig *rig, int64_t ms);
/* Steps until every record is done and the loop is at rest; fails the test when that takes longer than ms. */
void rig_finish(struct rig *rig, int64_t ms);
/* Fails the test with the judge's finding, if there is one. */
void rig_check(const struct rig *rig);

/* A fault for twin_script. */
struct twin_fault rig_fault(enum weir_err_code code, enum twin_fate fate);

#endif
