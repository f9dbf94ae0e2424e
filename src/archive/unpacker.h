/*
 * Reads the letters of a file that archive/packer.h wrote, or another tool by the same schema: an Avro object
 * container file without compression. The file is untrusted, so libavro-c is not asked: every length is
 * bounded, and what a block holds is read by our own decoder.
 */
#ifndef WEIR_ARCHIVE_UNPACKER_H
#define WEIR_ARCHIVE_UNPACKER_H

#include "weir/err.h"
#include "weir/pipeline.h"

/* Largest block of a file, most letters in one, and most entries of the file's metadata. */
#define UNPACKER_BLOCK_MAX   ((size_t)128 * 1024 * 1024)
#define UNPACKER_ENTRIES_MAX 1024

/* One thread. */
struct unpacker;

/* IO, INCOMPATIBLE: no such file, or not of that schema; BAD_SCHEMA, NO_MEMORY. */
enum weir_err_code unpacker_open(const char *path, struct unpacker **out, struct weir_err *err);
/* NULL is fine. */
void unpacker_close(struct unpacker *unpacker);

/*
 * The next letter as it lay in the dead-letter topic, but for partition and offset; borrowed until the next
 * call. NULL at the end. IO; INCOMPATIBLE when the file is damaged: err->text says in which block; NO_MEMORY.
 */
enum weir_err_code unpacker_next(struct unpacker *unpacker, const struct weir_record **out,
                                 struct weir_err *err);

#endif
