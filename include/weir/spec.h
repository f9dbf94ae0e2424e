/*
 * What a configuration asks for, in plain structs: what the parser of src/config fills and all others read.
 * Every pointer is owned by whoever made the spec (weir_spec_free of src/config, or a test's own variables).
 */
#ifndef WEIR_SPEC_H
#define WEIR_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where in the file something stands, for messages; line 0 = not from a file. */
struct weir_at {
    int line;
    int column;
};

/* A scalar as it was written. It gets its type from the field it meets, so that NO stays text. */
struct weir_scalar {
    const char *text;
    bool quoted; /* "true" in quotes is text where true is a boolean */
    struct weir_at at;
};

/* --- conditions: drop_when and check --- */
enum weir_test_kind {
    WEIR_TEST_IN,         /* equals one of args */
    WEIR_TEST_NOT_IN,     /* equals none of args */
    WEIR_TEST_MIN,        /* number, not below args[0] */
    WEIR_TEST_MAX,        /* number, not above args[0] */
    WEIR_TEST_MIN_LENGTH, /* text, at least args[0] code points */
    WEIR_TEST_MAX_LENGTH, /* text, at most args[0] code points */
    WEIR_TEST_FORMAT      /* text of the format args[0]: ip, ipv4, ipv6, uuid, integer */
};

struct weir_test {
    enum weir_test_kind kind;
    const struct weir_scalar *args;
    size_t n_args;
};

/* One entry of drop_when or check: all its tests together. */
struct weir_rule_spec {
    const char *field; /* of the reader's schema */
    const struct weir_test *tests;
    size_t n_tests;
    struct weir_at at;
};

/* --- set --- */
enum weir_set_kind {
    WEIR_SET_CONSTANT, /* value */
    WEIR_SET_NOW,      /* arg: seconds | millis | micros: the time of processing */
    WEIR_SET_SOURCE,   /* arg: topic | partition | offset | timestamp: of the input record; timestamp in ms */
    WEIR_SET_COPY, /* arg: a reader's field; also spelled rename, since the output's schema decides what stays
                    */
    WEIR_SET_LOWER,         /* arg: a reader's text field, ASCII letters in lower case */
    WEIR_SET_UPPER,         /* arg: likewise in upper case */
    WEIR_SET_EPOCH_SECONDS, /* arg: a reader's text field with seconds since 1970 → long in the unit of the
                               output field */
    WEIR_SET_EPOCH_MILLIS   /* arg: likewise with milliseconds */
};

struct weir_set_spec {
    const char *field; /* of the output's schema */
    enum weir_set_kind kind;
    const char *arg;          /* NULL for CONSTANT */
    struct weir_scalar value; /* CONSTANT */
    struct weir_at at;
};

enum weir_format { WEIR_FORMAT_AUTO, WEIR_FORMAT_AVRO, WEIR_FORMAT_JSON };
enum weir_tombstone { WEIR_TOMBSTONE_REJECT, WEIR_TOMBSTONE_PASS, WEIR_TOMBSTONE_DROP };
enum weir_unknown { WEIR_UNKNOWN_IGNORE, WEIR_UNKNOWN_COUNT, WEIR_UNKNOWN_REJECT };
enum weir_unions {
    WEIR_UNIONS_AUTO,  /* plain or tagged, told apart value by value */
    WEIR_UNIONS_PLAIN, /* the value alone */
    WEIR_UNIONS_TAGGED /* {"branch": value}, as the Avro specification's JSON encoding has it */
};
enum weir_numbers {
    WEIR_NUMBERS_STRICT, /* numbers only */
    WEIR_NUMBERS_TEXT    /* also texts that hold one */
};
enum weir_partition_by {
    WEIR_PARTITION_AUTO,   /* the source's where both topics have as many partitions, else by key */
    WEIR_PARTITION_SOURCE, /* the source's, modulo the target's count */
    WEIR_PARTITION_KEY,    /* murmur2 of the key, as Java clients place it; without key as SOURCE */
    WEIR_PARTITION_FIELD   /* murmur2 of a reader's field as text; null as SOURCE */
};

/* What the pure core needs: it decides the verdict and the bytes of every record. */
struct weir_pipeline_spec {
    const char *pipeline;
    const char *input_topic; /* for { source: topic } */
    enum weir_format input_format;
    enum weir_tombstone tombstone;
    enum weir_unknown unknown_fields; /* of JSON input, and the next two */
    enum weir_unions unions;
    enum weir_numbers numbers;
    enum weir_format output_format; /* AVRO or JSON */
    const char *partition_field;    /* for WEIR_PARTITION_FIELD, else NULL */
    const struct weir_rule_spec *drop_when;
    size_t n_drop_when;
    const struct weir_rule_spec *check;
    size_t n_check;
    const struct weir_set_spec *set;
    size_t n_set;
};

/* --- the rest of the file --- */
enum weir_start { WEIR_START_EARLIEST, WEIR_START_LATEST, WEIR_START_FAIL };
enum weir_log_format { WEIR_LOG_TEXT, WEIR_LOG_JSON };
enum weir_log_level { WEIR_LOG_DEBUG, WEIR_LOG_INFO, WEIR_LOG_WARN, WEIR_LOG_ERROR };
enum weir_timestamp { WEIR_TIMESTAMP_SOURCE, WEIR_TIMESTAMP_NOW };
enum weir_switch { WEIR_OFF, WEIR_ON };

/* Whose header names a letter carries beside weir's own. */
enum weir_dialect { WEIR_DIALECT_WEIR, WEIR_DIALECT_CONNECT, WEIR_DIALECT_STREAMS };

/* What becomes of a letter that its topic cannot take, however short weir's own headers are made. */
enum weir_oversize {
    WEIR_OVERSIZE_WAIT,     /* its partition waits */
    WEIR_OVERSIZE_REFERENCE /* a letter that says where the record is goes in its place */
};

#define WEIR_VERSION_LATEST 0
#define WEIR_WORKERS_AUTO   0

struct weir_subject_spec {
    const char *subject;
    int64_t version; /* WEIR_VERSION_LATEST or a version from 1 on */
};

struct weir_property {
    const char *name;
    const char *value;
    bool secret; /* masked wherever it is shown */
    struct weir_at at;
};

struct weir_spec {
    struct weir_pipeline_spec core;
    const struct weir_property *kafka; /* librdkafka properties as the user wrote them */
    size_t n_kafka;
    struct {
        const char *url; /* exactly one of url and dir is set; several are separated by commas */
        const char *dir;
        /* Of a url; NULL where they are not set. */
        const char *username, *password, *token;
        const char *ca, *certificate, *key; /* files, PEM */
        int64_t connect_timeout_ms, timeout_ms;
        int64_t poll_ms;
        int64_t unknown_id_deadline_ms;
    } registry;
    struct {
        enum weir_start start;
        struct weir_subject_spec schema;
    } input;
    struct {
        const char *topic;
        enum weir_timestamp timestamp;
        enum weir_partition_by partition;
        struct weir_subject_spec schema;
    } output;
    struct {
        const char *topic;
        enum weir_partition_by partition; /* SOURCE or KEY */
        enum weir_dialect dialect;
        enum weir_oversize oversize;
        /* Of `weir dlq`: where it keeps what became of letters, what nothing helped with, and who did what.
         */
        const char *ledger, *parking, *audit;
        const char *mask; /* fields that are never shown, separated by commas; NULL: none */
    } dead_letter;
    struct {
        int64_t interval_ms;
        int64_t max_records;
        int64_t max_bytes;
    } transaction;
    int64_t workers; /* WEIR_WORKERS_AUTO or how many */
    struct {
        enum weir_switch on;
        const char *topic;
    } journal;
    struct {
        enum weir_switch on;
        int64_t ratio; /* in millionths */
        int64_t min_records;
        int64_t max_hold_ms;
    } breaker;
    struct {
        enum weir_log_level level;
        enum weir_log_format format;
    } log;
};

#endif
