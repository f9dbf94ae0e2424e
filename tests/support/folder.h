/* A folder of a test's own: files are put into it, and it is gone when the test is over. */
#ifndef WEIR_TESTS_SUPPORT_FOLDER_H
#define WEIR_TESTS_SUPPORT_FOLDER_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/core.h"

#define FOLDER_FILES_MAX 32

struct folder {
    char root[64];
    char paths[FOLDER_FILES_MAX][256];
    size_t n;
};

static inline void folder_note(struct folder *folder, const char *path)
{
    assert_true(folder->n < FOLDER_FILES_MAX);
    (void)snprintf(folder->paths[folder->n++], sizeof folder->paths[0], "%s", path);
}

/* Writes a file "subject/name", making the subject's folder when it is not there. */
static inline void folder_put_bytes(struct folder *folder, const char *name, const char *text, size_t len)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder->root, name);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    if (mkdir(path, 0700) == 0)
        folder_note(folder, path);
    else
        assert_int_equal(errno, EEXIST);
    *slash = '/';
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    folder_note(folder, path);
}

static inline void folder_put(struct folder *folder, const char *name, const char *text)
{
    folder_put_bytes(folder, name, text, strlen(text));
}

/* cmocka fixtures: *state is the folder. */
static inline int folder_set_up(void **state)
{
    struct folder *folder = calloc(1, sizeof *folder);
    (void)snprintf(folder->root, sizeof folder->root, "/tmp/weir-test-folder-XXXXXX");
    *state = folder;
    return mkdtemp(folder->root) ? 0 : -1;
}

static inline int folder_tear_down(void **state)
{
    struct folder *folder = *state;
    while (folder->n > 0)
        (void)remove(folder->paths[--folder->n]);
    int status = rmdir(folder->root);
    free(folder);
    return status;
}

#endif
