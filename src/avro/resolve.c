#include "avro/resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "avro/cursor.h"
#include "avro/resolve_parts.h"

/* Longest path in a message; what is further within is left out. */
#define PATH_MAX_SHOWN (WEIR_ERR_TEXT_MAX / 2)

void *resolve_take(struct resolving *r, size_t size)
{
    void *memory = region_alloc(&r->resolution->region, size);
    if (!memory)
        r->code = weir_fail(r->err, WEIR_ERR_NO_MEMORY, "no memory to resolve schemas");
    return memory;
}

/* --- messages --- */

/* Adds a step to a path: a field's name, or "[]". */
static void path_add(char *path, const char *step)
{
    size_t len = strlen(path);
    const char *dot = len > 0 && step[0] != '[' ? "." : "";
    (void)snprintf(path + len, PATH_MAX_SHOWN - len, "%s%s", dot, step);
}

static const char *name_of(const struct weir_node *node)
{
    return node->name ? node->name : "";
}

static const char *blank_before(const char *text)
{
    return *text ? " " : "";
}

/* Why two types of the same name do not match after all. */
static const char *detail(const struct weir_node *writer, const struct weir_node *reader)
{
    if (writer->type != reader->type)
        return "";
    if (writer->size != reader->size)
        return " of another size";
    return writer->logical == WEIR_LOGICAL_DECIMAL ? " of another precision or scale" : "";
}

/* Goes down to what has failed first, and says where that is. */
static enum weir_err_code fail_at(const struct action *action, struct weir_err *err)
{
    char path[PATH_MAX_SHOWN] = "";
    for (; action->cause; action = action->cause)
        if (action->place)
            path_add(path, action->place);
    if (action->op == ACTION_RECORD) {
        path_add(path, action->place);
        return weir_fail(err, WEIR_ERR_INCOMPATIBLE,
                         "%s: the writer lacks it, and the reader has no default for it", path);
    }
    const struct weir_node *writer = action->writer, *reader = action->reader;
    return weir_fail(err, WEIR_ERR_INCOMPATIBLE, "%s%swriter has %s%s%s, reader has %s%s%s%s", path,
                     *path ? ": " : "", weir_type_name(writer->type), blank_before(name_of(writer)),
                     name_of(writer), weir_type_name(reader->type), blank_before(name_of(reader)),
                     name_of(reader), detail(writer, reader));
}

/* --- the whole --- */

enum weir_err_code resolve_new(const struct weir_node *writer, const struct weir_node *reader,
                               struct resolution **out, struct weir_err *err)
{
    struct resolving *r = calloc(1, sizeof *r);
    struct resolution *resolution = calloc(1, sizeof *resolution);
    enum weir_err_code code = WEIR_ERR_NO_MEMORY;
    if (!r || !resolution) {
        code = weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory to resolve schemas");
        goto out;
    }
    r->resolution = resolution;
    r->err = err;
    resolution->root = resolve_build(r, writer, reader);
    if (!resolution->root || !resolve_settle(r))
        code = r->code;
    else
        code = resolution->root->failed ? fail_at(resolution->root, err) : WEIR_OK;
    if (code == WEIR_OK)
        *out = resolution;
out:
    if (code != WEIR_OK)
        resolve_free(resolution);
    free(r);
    return code;
}

void resolve_free(struct resolution *resolution)
{
    if (!resolution)
        return;
    region_release(&resolution->region);
    free(resolution);
}

bool resolve_is_copy(const struct resolution *resolution)
{
    return resolution->root->same && resolution->root->total;
}

size_t resolve_size(const struct resolution *resolution)
{
    return resolution->n_actions;
}

struct resolve_room resolve_growth(const struct resolution *resolution)
{
    return resolution->growth;
}

struct resolve_room resolve_room(const struct resolution *resolution)
{
    return resolution->room;
}

size_t resolve_scratch(const struct resolution *resolution, size_t payload_len)
{
    struct resolve_room room = resolution->room;
    return room.fixed + room.factor * payload_len + CURSOR_REASON_MAX;
}
