/* A record of the dead-letter topic, read as a letter: what failed, why, and where it came from. */
#ifndef WEIR_DLQ_LETTER_H
#define WEIR_DLQ_LETTER_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/pipeline.h"
#include "weir/spec.h"

/* Longest topic name of Kafka, and of a place written "topic:partition:offset", with its NUL. */
#define LETTER_TOPIC_MAX 250
#define LETTER_PLACE_MAX (LETTER_TOPIC_MAX + 34)

/* The record that failed: what names a letter wherever it is. */
struct letter_place {
    char topic[LETTER_TOPIC_MAX];
    int32_t partition;
    int64_t offset;
};

/* Texts are borrowed from the record and may be anything, for a producer can forge a header; no value where
 * the header is missing. Numbers are -1 then. */
struct letter {
    const struct weir_record *record; /* as it lies in the dead-letter topic */
    struct letter_place source;
    struct weir_bytes code, stage, message, field, pipeline, version, schema_id;
    int64_t timestamp_ms;    /* of the record that failed */
    int64_t first_failed_ms; /* when it failed for the first time */
    int64_t reader_version;
    bool reference; /* the value only says where the record is */
};

/* False when the record is no letter of weir: it does not say which record failed, or why. */
bool letter_read(const struct weir_record *record, struct letter *letter);

/* True for a letter of that pipeline: others may share the topic, and what they failed at is theirs. */
bool letter_is_of(const struct letter *letter, const char *pipeline);

/*
 * The record as it was when it failed: out borrows from the letter's record; headers has room for as many as
 * that has, and gets those that weir did not add in that dialect.
 */
void letter_original(const struct letter *letter, enum weir_dialect dialect, struct weir_header *headers,
                     struct weir_record *out);

/* When it failed: first_failed_ms, else the timestamp in the dead-letter topic. */
int64_t letter_time_ms(const struct letter *letter);

/* "topic:partition:offset", into text; returns text. */
const char *letter_place_print(const struct letter_place *place, char text[LETTER_PLACE_MAX]);

/* Reads that form; with a topic given also "partition:offset". False for anything else. */
bool letter_place_parse(const char *text, const char *topic, struct letter_place *place);

#endif
