/*
 * A folder of schemas behind the engine's door: when an id is asked for that is not there, the folder is read
 * again, so that a schema that was put there later is found, and so it is when a subject is asked for.
 * Folders once read that brought something new stay in memory, since plans borrow from them. Unlike other
 * ports it may be used by several workers at once.
 */
#ifndef WEIR_REGISTRY_SHELF_H
#define WEIR_REGISTRY_SHELF_H

#include "engine/ports.h"
#include "registry/directory.h"

/* Least time between two readings of the folder, in ms, and most readings that brought something new. */
#define SHELF_REREAD_MS    1000
#define SHELF_READINGS_MAX 256

/* Reads the folder. path and timer outlive the shelf; the timer, of which any thread may read the monotonic
 * clock, may be NULL where nothing is asked by id. Errors of directory_open. */
enum weir_err_code shelf_open(const char *path, struct timer *timer, struct schemas **out,
                              struct weir_err *err);
void shelf_close(struct schemas *shelf);

/* The folder as it was first read. */
const struct directory *shelf_directory(const struct schemas *shelf);

#endif
