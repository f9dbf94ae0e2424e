/*
 * Letters in a file, so that they outlive their topic: an Avro object container file (Avro 1.12, "Object
 * Container Files") without compression, written by libavro-c. archive/unpacker.h reads it.
 */
#ifndef WEIR_ARCHIVE_PACKER_H
#define WEIR_ARCHIVE_PACKER_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/err.h"
#include "weir/pipeline.h"

/* Largest letter, and from how many bytes on a block of the file is ended. */
#define PACKER_LETTER_MAX ((size_t)64 * 1024 * 1024)
#define PACKER_BLOCK      ((size_t)64 * 1024)
/* Longest text beside the record; what is longer is cut. */
#define PACKER_TEXT_MAX 2048

/* The schema of the file, as JSON. */
extern const char packer_schema[];

/* What is written of a letter: the record as it lies in the dead-letter topic, from which it is made anew,
 * and the rest for whoever reads the file with other tools. */
struct packer_letter {
    const struct weir_record *record;
    struct weir_bytes topic, code, field, message, state; /* no value: null */
    int32_t partition; /* of the record that failed, like topic and offset */
    int64_t offset, attempts, failed_ms;
};

/* One thread. */
struct packer;

/* Begins path with ".part" behind it. IO, also where path is already there; NO_MEMORY. */
enum weir_err_code packer_open(const char *path, struct packer **out, struct weir_err *err);

/* Appends a letter. IO; INCOMPATIBLE when it cannot be said in the file: a header's name that is not UTF-8,
 * or a letter larger than PACKER_LETTER_MAX. The file is as it was then. */
enum weir_err_code packer_add(struct packer *packer, const struct packer_letter *letter,
                              struct weir_err *err);

/* keep: makes sure that it is on disk and gives it its name, IO when that fails. Else removes it. Frees the
 * packer whatever happens; NULL is fine. */
enum weir_err_code packer_close(struct packer *packer, bool keep, struct weir_err *err);

#endif
