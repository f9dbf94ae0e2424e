/*
 * The records of the journal: which records of the input were done, with which verdicts, under which plan.
 * docs/journal.md tells the format to those who read it; here it is written. Pure: texts in, bytes out.
 *
 * Three kinds, each a JSON object with the members "v" and "kind":
 *   batch  what one transaction did of one partition; its key is the partition
 *   plan   what verdicts and outputs depend on but the records and their writers' schemas
 *   text   a schema or a configuration, or a part of one
 * Plans and texts are named by their fingerprint, so that writing them again changes nothing.
 */
#ifndef WEIR_CORE_JOURNAL_H
#define WEIR_CORE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/arena.h"
#include "weir/pipeline.h"

/* The version of the format, member "v". */
#define JOURNAL_VERSION 1
/* Most bytes of a key, and of the value of a batch or plan. */
#define JOURNAL_KEY_MAX   320
#define JOURNAL_VALUE_MAX 8192
/* Most bytes of a text in one record; as JSON it may take JOURNAL_TEXT_GROWTH times as many, and what stands
 * around it. */
#define JOURNAL_PART_MAX    ((size_t)128 * 1024)
#define JOURNAL_TEXT_GROWTH 6
#define JOURNAL_TEXT_FRAME  512
/* Least max.message.bytes that the journal's topic must have. */
#define JOURNAL_LIMIT_MIN ((size_t)16 * 1024)
/* Most writers' schemas, and most ranges of given verdicts, in one batch record: what needs more gets a
 * second record. */
#define JOURNAL_WRITERS_MAX 16
#define JOURNAL_GIVEN_MAX   32

/* A fingerprint: the first half of a SHA-256 in hexadecimal digits, NUL-terminated. */
struct journal_print {
    char hex[33];
};

void journal_print_of(struct weir_bytes text, struct journal_print *out);

/* --- plans and texts --- */

struct journal_schema {
    const char *subject;
    int64_t version;
    uint32_t id;            /* that stands before what is written with it */
    struct weir_bytes text; /* as the registry has it */
};

/* All that decides about verdicts and outputs beside records and their writers' schemas; borrowed. */
struct journal_plan {
    const char *pipeline;
    const char *program;      /* weir's version */
    struct weir_bytes config; /* the part of the configuration that decides (config_deciding) */
    struct journal_schema reader, output;
};

/* Writes the value of the plan's record into buffer; *print is its fingerprint, and the plan's name. */
struct weir_bytes journal_write_plan(const struct journal_plan *plan, uint8_t buffer[JOURNAL_VALUE_MAX],
                                     struct journal_print *print);

/* The length of the next part of a text: at most max (at least 4), never in the middle of a character. */
size_t journal_cut(struct weir_bytes text, size_t max);

/*
 * Writes the value of a text's record: part number (from 0 on) of so many. False when the arena has less room
 * than part.len * JOURNAL_TEXT_GROWTH + JOURNAL_TEXT_FRAME.
 */
bool journal_write_text(struct weir_bytes part, size_t number, size_t of, struct weir_arena *arena,
                        struct weir_bytes *value);

/* Keys, written into buffer. */
struct weir_bytes journal_key_batch(const char *topic, int32_t partition, uint8_t buffer[JOURNAL_KEY_MAX]);
struct weir_bytes journal_key_plan(const struct journal_print *print, uint8_t buffer[JOURNAL_KEY_MAX]);
struct weir_bytes journal_key_text(const struct journal_print *print, size_t number,
                                   uint8_t buffer[JOURNAL_KEY_MAX]);

/* --- batches --- */

/* A writer's schema, as a batch names it. */
struct journal_writer {
    struct weir_schema_key key;
    struct journal_print print; /* of text */
    struct weir_bytes text;     /* as the registry has it; borrowed */
    int64_t said_ms;            /* when a transaction with its text was committed; JOURNAL_UNSAID: never */
    uint64_t serial;            /* of the last transaction that its text was put into */
};

#define JOURNAL_UNSAID INT64_MIN

/* The kinds of outcomes that are counted: the codes, of which NONE is PASS, and DROP. */
#define JOURNAL_DROP  WEIR_CODE_COUNT
#define JOURNAL_KINDS (WEIR_CODE_COUNT + 1)

static inline unsigned journal_kind(const struct weir_outcome *outcome)
{
    if (outcome->verdict == WEIR_PASS)
        return WEIR_CODE_NONE;
    return outcome->verdict == WEIR_DROP ? (unsigned)JOURNAL_DROP : (unsigned)outcome->why.code;
}

/* What each kind adds to the hash: FNV-1a (64 bits) of "PASS", "DROP" or "REJECT <code>". */
struct journal_words {
    uint64_t of[JOURNAL_KINDS];
};

void journal_words_init(struct journal_words *words);

/* The hash over verdicts with one more: of the record at offset, of that kind. */
uint64_t journal_step(uint64_t hash, const struct journal_words *words, int64_t offset, unsigned kind);

/* Verdicts that the bytes and the plan do not tell: those of the records from first to last. */
struct journal_given {
    int64_t first, last;
    unsigned kind;
};

/* What is gathered of one partition for one record. */
struct journal_span {
    int32_t partition;
    bool begins;   /* no offset was committed before */
    bool giving;   /* the last record's verdict was given */
    bool any;      /* a record was added */
    int64_t from;  /* the committed offset that it goes on from */
    int64_t first; /* offset of the first record, once there is one */
    int64_t next;  /* offset behind the last one; from before there is one */
    uint64_t hash;
    uint32_t counts[JOURNAL_KINDS];
    size_t n_given, n_writers;
    struct journal_given given[JOURNAL_GIVEN_MAX];
    struct journal_writer *writers[JOURNAL_WRITERS_MAX];
};

void journal_span_begin(struct journal_span *span, int32_t partition, int64_t from, bool begins);

/* A record, as a span takes it. */
struct journal_entry {
    int64_t offset; /* behind those of the entries before */
    unsigned kind;
    bool given;                    /* the verdict came from outside */
    struct journal_writer *writer; /* NULL: none that is known */
};

/* False, with the span untouched, when its lists are full: write it and begin the next at its next. */
bool journal_span_add(struct journal_span *span, const struct journal_words *words,
                      const struct journal_entry *entry);

/* Writes the value of the span's record into buffer. topic: the input's, which is a name that Kafka takes. */
struct weir_bytes journal_write_batch(const struct journal_span *span, const char *topic,
                                      const struct journal_print *plan, uint8_t buffer[JOURNAL_VALUE_MAX]);

#endif
