#include "registry/directory.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "weir/nearest.h"
#include "weir/spec.h"

#define SUFFIX        ".avsc"
#define ID_MASK       UINT64_C(0x7fffffff)
#define PATH_TEXT_MAX 4096
/* Room that the first of a growing array gets. */
#define FIRST_ROOM 8

struct version {
    int64_t number;
    struct weir_schema *schema;
};

struct subject {
    char *name;
    struct version *versions; /* by number */
    size_t n_versions;
};

/* A schema found by its id. */
struct entry {
    uint32_t id;
    const struct weir_schema *schema;
    const char *subject;
};

struct directory {
    struct subject *subjects; /* by name */
    size_t n_subjects;
    struct entry *entries; /* by id */
    size_t n_entries;
};

/* --- names in a folder --- */

struct names {
    char **names; /* sorted */
    size_t n, room;
};

static void names_release(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->names[i]);
    free(names->names);
    *names = (struct names){0};
}

static enum weir_err_code no_memory(struct weir_err *err)
{
    return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the schemas of a folder");
}

static enum weir_err_code names_add(struct names *names, const char *name, struct weir_err *err)
{
    if (names->n == names->room) {
        size_t room = names->room ? names->room * 2 : FIRST_ROOM;
        char **grown = realloc(names->names, room * sizeof *grown);
        if (!grown)
            return no_memory(err);
        names->names = grown;
        names->room = room;
    }
    char *copy = strdup(name);
    if (!copy)
        return no_memory(err);
    names->names[names->n++] = copy;
    return WEIR_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum weir_err_code fail_errno(struct weir_err *err, const char *path)
{
    enum weir_err_code code = errno == ENOENT ? WEIR_ERR_NOT_FOUND : WEIR_ERR_IO;
    return weir_fail(err, code, "%s: %s", path, strerror(errno));
}

/* The names in a folder without those that begin with a dot, at most max, sorted; the caller releases them,
 * also after a failure. Sorted, so that what is found does not depend on the file system. */
static enum weir_err_code names_read(struct names *names, const char *path, size_t max, struct weir_err *err)
{
    DIR *dir = opendir(path);
    if (!dir)
        return fail_errno(err, path);
    enum weir_err_code code = WEIR_OK;
    const struct dirent *entry;
    errno = 0;
    while (code == WEIR_OK && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.')
            code = names_add(names, entry->d_name, err);
        if (code == WEIR_OK && names->n > max)
            code = weir_fail(err, WEIR_ERR_IO, "%s: more than %zu names in it", path, max);
        errno = 0;
    }
    if (code == WEIR_OK && errno != 0)
        code = fail_errno(err, path);
    (void)closedir(dir);
    if (names->n > 0)
        qsort(names->names, names->n, sizeof *names->names, compare_names);
    return code;
}

/* --- one file --- */

static enum weir_err_code join_path(char *out, const char *folder, const char *name, struct weir_err *err)
{
    int len = snprintf(out, PATH_TEXT_MAX, "%s/%s", folder, name);
    if (len < 0 || len >= PATH_TEXT_MAX)
        return weir_fail(err, WEIR_ERR_IO, "%s: a path too long", name);
    return WEIR_OK;
}

/* The N of v<N>.avsc; 0 for another name. Leading zeros would let two files claim one version. */
static int64_t version_of(const char *name)
{
    size_t len = strlen(name) - strlen(SUFFIX);
    int64_t number = 0;
    if (name[0] != 'v' || len < 2 || name[1] == '0')
        return 0;
    for (size_t i = 1; i < len; i++) {
        if (name[i] < '0' || name[i] > '9')
            return 0;
        number = number * 10 + (name[i] - '0');
        if (number > DIRECTORY_VERSIONS_MAX)
            return 0;
    }
    return number;
}

static bool ends_in_suffix(const char *name)
{
    size_t len = strlen(name), suffix_len = strlen(SUFFIX);
    return len >= suffix_len && strcmp(name + len - suffix_len, SUFFIX) == 0;
}

/* Reads a file into text, which has a byte more than a schema may have, so that a longer one shows. */
static enum weir_err_code read_file(const char *path, char *text, size_t *len, struct weir_err *err)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return fail_errno(err, path);
    enum weir_err_code code = WEIR_OK;
    errno = 0;
    *len = fread(text, 1, WEIR_SCHEMA_TEXT_MAX + 1, file);
    if (ferror(file))
        code = fail_errno(err, path);
    else if (*len > WEIR_SCHEMA_TEXT_MAX)
        code = weir_fail(err, WEIR_ERR_BAD_SCHEMA, "%s: larger than %d bytes", path, WEIR_SCHEMA_TEXT_MAX);
    (void)fclose(file);
    return code;
}

static enum weir_err_code load_schema(const char *path, struct weir_schema **out, struct weir_err *err)
{
    char *text = malloc(WEIR_SCHEMA_TEXT_MAX + 1);
    if (!text)
        return no_memory(err);
    struct weir_err why;
    size_t len = 0;
    enum weir_err_code code = read_file(path, text, &len, err);
    if (code == WEIR_OK) {
        code = weir_schema_parse((struct weir_bytes){(const uint8_t *)text, len}, out, &why);
        if (code != WEIR_OK)
            (void)weir_fail(err, code, "%s: %s", path, why.text);
    }
    free(text);
    return code;
}

/* --- a subject --- */

static int compare_versions(const void *a, const void *b)
{
    const struct version *left = a, *right = b;
    return (left->number > right->number) - (left->number < right->number);
}

static enum weir_err_code load_version(struct subject *subject, const char *folder, const char *name,
                                       struct weir_err *err)
{
    char path[PATH_TEXT_MAX];
    enum weir_err_code code = join_path(path, folder, name, err);
    if (code != WEIR_OK)
        return code;
    int64_t number = version_of(name);
    if (number == 0)
        return weir_fail(err, WEIR_ERR_BAD_SCHEMA, "%s: schemas are named v1%s to v%d%s", path, SUFFIX,
                         DIRECTORY_VERSIONS_MAX, SUFFIX);
    struct version *version = &subject->versions[subject->n_versions];
    code = load_schema(path, &version->schema, err);
    if (code != WEIR_OK)
        return code;
    version->number = number;
    subject->n_versions++;
    return WEIR_OK;
}

static enum weir_err_code load_versions(struct subject *subject, const char *folder, struct weir_err *err)
{
    struct names names = {0};
    enum weir_err_code code = names_read(&names, folder, DIRECTORY_VERSIONS_MAX, err);
    if (code == WEIR_OK) {
        subject->versions = calloc(names.n + 1, sizeof *subject->versions);
        code = subject->versions ? WEIR_OK : no_memory(err);
    }
    for (size_t i = 0; code == WEIR_OK && i < names.n; i++)
        if (ends_in_suffix(names.names[i]))
            code = load_version(subject, folder, names.names[i], err);
    if (subject->n_versions > 0)
        qsort(subject->versions, subject->n_versions, sizeof *subject->versions, compare_versions);
    names_release(&names);
    return code;
}

static void subject_release(struct subject *subject)
{
    for (size_t i = 0; i < subject->n_versions; i++)
        weir_schema_free(subject->versions[i].schema);
    free(subject->versions);
    free(subject->name);
}

/* A folder becomes a subject when it holds a schema; whatever is no folder is passed over. */
static enum weir_err_code load_subject(struct directory *directory, const char *path, const char *name,
                                       struct weir_err *err)
{
    char folder[PATH_TEXT_MAX];
    enum weir_err_code code = join_path(folder, path, name, err);
    if (code != WEIR_OK)
        return code;
    struct stat status;
    if (stat(folder, &status) != 0)
        return fail_errno(err, folder);
    if (!S_ISDIR(status.st_mode))
        return WEIR_OK;
    struct subject *subject = &directory->subjects[directory->n_subjects++];
    subject->name = strdup(name);
    if (!subject->name)
        return no_memory(err);
    code = load_versions(subject, folder, err);
    if (code == WEIR_OK && subject->n_versions == 0) {
        subject_release(subject);
        *subject = (struct subject){0};
        directory->n_subjects--;
    }
    return code;
}

static enum weir_err_code load_subjects(struct directory *directory, const char *path, struct weir_err *err)
{
    struct names names = {0};
    enum weir_err_code code = names_read(&names, path, DIRECTORY_SUBJECTS_MAX, err);
    if (code == WEIR_OK) {
        directory->subjects = calloc(names.n + 1, sizeof *directory->subjects);
        code = directory->subjects ? WEIR_OK : no_memory(err);
    }
    for (size_t i = 0; code == WEIR_OK && i < names.n; i++)
        code = load_subject(directory, path, names.names[i], err);
    names_release(&names);
    return code;
}

/* --- ids --- */

uint32_t directory_id(const struct weir_schema *schema)
{
    return (uint32_t)(schema->fingerprint & ID_MASK);
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    return (left->id > right->id) - (left->id < right->id);
}

static enum weir_err_code same_schema(const struct entry *a, const struct entry *b, struct weir_err *err)
{
    char *left = weir_schema_canonical(a->schema);
    char *right = weir_schema_canonical(b->schema);
    enum weir_err_code code = WEIR_OK;
    if (!left || !right)
        code = no_memory(err);
    else if (strcmp(left, right) != 0)
        code = weir_fail(err, WEIR_ERR_BAD_SCHEMA,
                         "subjects '%s' and '%s' have different schemas of the same id %" PRIu32
                         "; change the name of one",
                         a->subject, b->subject, a->id);
    free(left);
    free(right);
    return code;
}

static size_t count_versions(const struct directory *directory)
{
    size_t n = 0;
    for (size_t i = 0; i < directory->n_subjects; i++)
        n += directory->subjects[i].n_versions;
    return n;
}

/* Lists all schemas by id. */
static enum weir_err_code collect_entries(struct directory *directory, struct weir_err *err)
{
    directory->entries = calloc(count_versions(directory) + 1, sizeof *directory->entries);
    if (!directory->entries)
        return no_memory(err);
    for (size_t i = 0; i < directory->n_subjects; i++) {
        const struct subject *subject = &directory->subjects[i];
        for (size_t j = 0; j < subject->n_versions; j++) {
            const struct weir_schema *schema = subject->versions[j].schema;
            directory->entries[directory->n_entries++] =
                (struct entry){directory_id(schema), schema, subject->name};
        }
    }
    if (directory->n_entries > 0)
        qsort(directory->entries, directory->n_entries, sizeof *directory->entries, compare_entries);
    return WEIR_OK;
}

/* Leaves one schema an id; those that share one must be written alike. */
static enum weir_err_code index_entries(struct directory *directory, struct weir_err *err)
{
    enum weir_err_code code = collect_entries(directory, err);
    size_t n = 0;
    for (size_t i = 0; code == WEIR_OK && i < directory->n_entries; i++) {
        const struct entry *entry = &directory->entries[i];
        if (entry->id == 0)
            return weir_fail(err, WEIR_ERR_BAD_SCHEMA,
                             "a schema of subject '%s' has the id 0; change its name", entry->subject);
        if (n > 0 && directory->entries[n - 1].id == entry->id)
            code = same_schema(&directory->entries[n - 1], entry, err);
        else
            directory->entries[n++] = *entry;
    }
    if (code == WEIR_OK)
        directory->n_entries = n;
    return code;
}

/* --- the whole --- */

enum weir_err_code directory_open(const char *path, struct directory **out, struct weir_err *err)
{
    struct directory *directory = calloc(1, sizeof *directory);
    if (!directory)
        return no_memory(err);
    enum weir_err_code code = load_subjects(directory, path, err);
    if (code == WEIR_OK)
        code = index_entries(directory, err);
    if (code == WEIR_OK)
        *out = directory;
    else
        directory_close(directory);
    return code;
}

void directory_close(struct directory *directory)
{
    if (!directory)
        return;
    for (size_t i = 0; i < directory->n_subjects; i++)
        subject_release(&directory->subjects[i]);
    free(directory->subjects);
    free(directory->entries);
    free(directory);
}

const struct weir_schema *directory_by_key(const struct directory *directory,
                                           const struct weir_schema_key *key)
{
    /* No schema has the id 0. */
    const struct entry wanted = {.id = key->by_guid ? 0 : key->id};
    const struct entry *found = bsearch(&wanted, directory->entries, directory->n_entries,
                                        sizeof *directory->entries, compare_entries);
    return found ? found->schema : NULL;
}

static const struct subject *find_subject(const struct directory *directory, const char *name)
{
    for (size_t i = 0; i < directory->n_subjects; i++)
        if (strcmp(directory->subjects[i].name, name) == 0)
            return &directory->subjects[i];
    return NULL;
}

static enum weir_err_code no_subject(const struct directory *directory, const char *name,
                                     struct weir_err *err)
{
    const char **names = calloc(directory->n_subjects + 1, sizeof *names);
    if (!names)
        return no_memory(err);
    for (size_t i = 0; i < directory->n_subjects; i++)
        names[i] = directory->subjects[i].name;
    const char *nearest = weir_nearest(name, names, directory->n_subjects);
    free(names);
    if (nearest)
        return weir_fail(err, WEIR_ERR_NOT_FOUND, "no subject '%s'; did you mean '%s'?", name, nearest);
    return weir_fail(err, WEIR_ERR_NOT_FOUND, "no subject '%s' among %zu", name, directory->n_subjects);
}

enum weir_err_code directory_subject(const struct directory *directory, const char *subject, int64_t version,
                                     const struct weir_schema **schema, uint32_t *id, int64_t *version_out,
                                     struct weir_err *err)
{
    const struct subject *found = find_subject(directory, subject);
    if (!found)
        return no_subject(directory, subject, err);
    assert(found->n_versions > 0);
    const struct version *latest = &found->versions[found->n_versions - 1];
    const struct version wanted = {.number = version};
    const struct version *chosen =
        version == WEIR_VERSION_LATEST
            ? latest
            : bsearch(&wanted, found->versions, found->n_versions, sizeof *found->versions, compare_versions);
    if (!chosen)
        return weir_fail(err, WEIR_ERR_NOT_FOUND,
                         "subject '%s' has no version %" PRId64 "; the latest is %" PRId64, subject, version,
                         latest->number);
    *schema = chosen->schema;
    *id = directory_id(chosen->schema);
    *version_out = chosen->number;
    return WEIR_OK;
}

const struct weir_schema *directory_version(const struct directory *directory, const char *subject,
                                            size_t index, int64_t *version)
{
    const struct subject *found = find_subject(directory, subject);
    if (!found || index >= found->n_versions)
        return NULL;
    *version = found->versions[index].number;
    return found->versions[index].schema;
}

const char *directory_subject_name(const struct directory *directory, size_t index)
{
    return index < directory->n_subjects ? directory->subjects[index].name : NULL;
}
