#include "avro/resolve.h"

#include <stdlib.h>
#include <string.h>

#include "avro/program.h"
#include "weir/pipeline.h"

/* Most actions of a resolution: a reader's record may be read in as many places as the writer's union has
 * branches. */
#define RESOLVE_ACTIONS_MAX 65536

/* Most bytes of an enum's or a branch's index. */
#define INDEX_MAX 3

struct resolving {
    struct resolution *resolution;
    struct weir_err err; /* the last failure; a branch's failure is forgotten when the union has others */
    size_t n_actions;
    size_t depth;
    bool hopeless; /* no other branch will mend it: memory or the number of actions has run out */
};

static const struct action *resolve_pair(struct resolving *r, const struct weir_node *writer,
                                         const struct weir_node *reader, const char *path);

static void no_memory(struct resolving *r)
{
    r->hopeless = true;
    (void)weir_fail(&r->err, WEIR_ERR_NO_MEMORY, "no memory to resolve schemas");
}

static void *take(struct resolving *r, size_t size)
{
    void *memory = region_alloc(&r->resolution->region, size);
    if (!memory)
        no_memory(r);
    return memory;
}

/* "user.ip: " or nothing for the whole value. */
#define AT(path) (path) ? (path) : "", (path) ? ": " : ""

static const char *name_of(const struct weir_node *node)
{
    return node->name ? node->name : "";
}

static const struct action *incompatible(struct resolving *r, const char *path,
                                         const struct weir_node *writer, const struct weir_node *reader)
{
    (void)weir_fail(&r->err, WEIR_ERR_INCOMPATIBLE, "%s%swriter has %s%s%s, reader has %s%s%s", AT(path),
                    weir_type_name(writer->type), writer->name ? " " : "", name_of(writer),
                    weir_type_name(reader->type), reader->name ? " " : "", name_of(reader));
    return NULL;
}

static struct action *action_new(struct resolving *r, enum action_op op)
{
    if (++r->n_actions > RESOLVE_ACTIONS_MAX) {
        r->hopeless = true;
        (void)weir_fail(&r->err, WEIR_ERR_INCOMPATIBLE, "resolving the schemas takes more than %d steps",
                        RESOLVE_ACTIONS_MAX);
        return NULL;
    }
    struct action *action = take(r, sizeof *action);
    if (!action)
        return NULL;
    action->op = (uint8_t)op;
    action->same = action->total = true;
    return action;
}

/* --- primitives --- */

/* How a primitive becomes another: one row a pair that the specification allows. */
static const struct conversion {
    uint8_t writer, reader, op;
    bool same, total;
} conversions[] = {
    {WEIR_TYPE_NULL, WEIR_TYPE_NULL, ACTION_NULL, true, true},
    {WEIR_TYPE_BOOLEAN, WEIR_TYPE_BOOLEAN, ACTION_BOOLEAN, true, true},
    {WEIR_TYPE_INT, WEIR_TYPE_INT, ACTION_INT, true, true},
    {WEIR_TYPE_INT, WEIR_TYPE_LONG, ACTION_INT, true, true},
    {WEIR_TYPE_INT, WEIR_TYPE_FLOAT, ACTION_INT_TO_FLOAT, false, true},
    {WEIR_TYPE_INT, WEIR_TYPE_DOUBLE, ACTION_INT_TO_DOUBLE, false, true},
    {WEIR_TYPE_LONG, WEIR_TYPE_LONG, ACTION_LONG, true, true},
    {WEIR_TYPE_LONG, WEIR_TYPE_FLOAT, ACTION_LONG_TO_FLOAT, false, true},
    {WEIR_TYPE_LONG, WEIR_TYPE_DOUBLE, ACTION_LONG_TO_DOUBLE, false, true},
    {WEIR_TYPE_FLOAT, WEIR_TYPE_FLOAT, ACTION_FLOAT, true, true},
    {WEIR_TYPE_FLOAT, WEIR_TYPE_DOUBLE, ACTION_FLOAT_TO_DOUBLE, false, true},
    {WEIR_TYPE_DOUBLE, WEIR_TYPE_DOUBLE, ACTION_DOUBLE, true, true},
    {WEIR_TYPE_BYTES, WEIR_TYPE_BYTES, ACTION_BYTES, true, true},
    {WEIR_TYPE_BYTES, WEIR_TYPE_STRING, ACTION_BYTES_TO_STRING, true, false},
    {WEIR_TYPE_STRING, WEIR_TYPE_STRING, ACTION_STRING, true, true},
    {WEIR_TYPE_STRING, WEIR_TYPE_BYTES, ACTION_STRING_TO_BYTES, true, true},
};

static const struct conversion *conversion_find(enum weir_type writer, enum weir_type reader)
{
    for (size_t i = 0; i < sizeof conversions / sizeof conversions[0]; i++)
        if (conversions[i].writer == writer && conversions[i].reader == reader)
            return &conversions[i];
    return NULL;
}

static const struct action *resolve_primitive(struct resolving *r, const struct weir_node *writer,
                                              const struct weir_node *reader)
{
    const struct conversion *conversion = conversion_find(writer->type, reader->type);
    struct action *action = action_new(r, (enum action_op)conversion->op);
    if (!action)
        return NULL;
    action->same = conversion->same;
    action->total = conversion->total;
    action->extra = conversion->same ? 0 : sizeof(double);
    return action;
}

/* --- what matches what --- */

enum match { MATCH_NONE, MATCH_PROMOTED, MATCH_NAMED, MATCH_EXACT };

static const char *simple_name(const char *full)
{
    const char *dot = strrchr(full, '.');
    return dot ? dot + 1 : full;
}

/* How well two schemas that are no unions match, by what stands at their top. */
static enum match match_of(const struct weir_node *writer, const struct weir_node *reader)
{
    if (writer->type != reader->type)
        return conversion_find(writer->type, reader->type) ? MATCH_PROMOTED : MATCH_NONE;
    if (!writer->name || strcmp(writer->name, reader->name) == 0)
        return MATCH_EXACT;
    if (strcmp(simple_name(writer->name), simple_name(reader->name)) == 0)
        return MATCH_NAMED;
    for (size_t i = 0; i < reader->n_aliases; i++)
        if (strcmp(reader->aliases[i], writer->name) == 0)
            return MATCH_NAMED;
    return MATCH_NONE;
}

/* --- enum --- */

static int32_t symbol_index(const struct weir_node *reader, const char *symbol, size_t guess)
{
    if (guess < reader->n && strcmp(reader->symbols[guess], symbol) == 0)
        return (int32_t)guess;
    for (size_t i = 0; i < reader->n; i++)
        if (strcmp(reader->symbols[i], symbol) == 0)
            return (int32_t)i;
    return reader->default_symbol;
}

static const struct action *resolve_enum(struct resolving *r, const struct weir_node *writer,
                                         const struct weir_node *reader)
{
    struct action *action = action_new(r, ACTION_ENUM);
    int32_t *symbols = action ? take(r, writer->n * sizeof *symbols) : NULL;
    if (!symbols)
        return NULL;
    for (size_t i = 0; i < writer->n; i++) {
        symbols[i] = symbol_index(reader, writer->symbols[i], i);
        if (symbols[i] < 0)
            action->total = false;
        else if (symbols[i] != (int32_t)i)
            action->same = false;
    }
    action->symbols = symbols;
    action->n = (uint32_t)writer->n;
    action->extra = action->same ? 0 : INDEX_MAX;
    return action;
}

/* --- union --- */

/* The branch of the reader's union for a writer that is no union, -1 for none. */
static int32_t branch_index(const struct weir_node *writer, const struct weir_node *reader)
{
    enum match best = MATCH_NONE;
    int32_t index = -1;
    for (size_t i = 0; i < reader->n; i++) {
        enum match match = match_of(writer, reader->branches[i]);
        if (match > best) {
            best = match;
            index = (int32_t)i;
        }
    }
    return index;
}

/* Pairs a writer that is no union with the reader, which may be one; false after a failure. */
static bool resolve_branch(struct resolving *r, const struct weir_node *writer,
                           const struct weir_node *reader, const char *path, struct action_branch *branch)
{
    branch->index = -1;
    if (reader->type != WEIR_TYPE_UNION) {
        branch->action = resolve_pair(r, writer, reader, path);
        return branch->action != NULL;
    }
    branch->index = branch_index(writer, reader);
    if (branch->index < 0) {
        incompatible(r, path, writer, reader);
        return false;
    }
    branch->action = resolve_pair(r, writer, reader->branches[branch->index], path);
    return branch->action != NULL;
}

static const struct action *resolve_to_union(struct resolving *r, const struct weir_node *writer,
                                             const struct weir_node *reader, const char *path)
{
    struct action *action = action_new(r, ACTION_TO_UNION);
    struct action_branch *branch = action ? take(r, sizeof *branch) : NULL;
    if (!branch || !resolve_branch(r, writer, reader, path, branch))
        return NULL;
    action->n = 1;
    action->branches = branch;
    action->same = false;
    action->total = branch->action->total;
    action->extra = INDEX_MAX + branch->action->extra;
    return action;
}

/* Takes the i-th branch of the writer's union into account. */
static void union_add(struct action *action, const struct action_branch *branch, int32_t i)
{
    action->total = action->total && branch->action->total;
    action->same = action->same && branch->action->same && branch->index == i;
    if (branch->action->extra + INDEX_MAX > action->extra)
        action->extra = branch->action->extra + INDEX_MAX;
}

static const struct action *refuse_new(struct resolving *r)
{
    struct action *action = action_new(r, ACTION_REFUSE);
    if (action)
        action->total = false;
    return action;
}

static const struct action *resolve_union(struct resolving *r, const struct weir_node *writer,
                                          const struct weir_node *reader, const char *path)
{
    struct action *action = action_new(r, ACTION_UNION);
    struct action_branch *branches = action ? take(r, writer->n * sizeof *branches) : NULL;
    if (!branches)
        return NULL;
    size_t refused = 0;
    for (size_t i = 0; i < writer->n; i++) {
        bool done = resolve_branch(r, writer->branches[i], reader, path, &branches[i]);
        if (!done && !r->hopeless) {
            refused++;
            branches[i].index = (int32_t)i;
            branches[i].action = refuse_new(r);
            done = branches[i].action != NULL;
        }
        if (!done)
            return NULL;
        union_add(action, &branches[i], (int32_t)i);
    }
    if (refused > 0 && refused == writer->n)
        return incompatible(r, path, writer, reader);
    action->n = (uint32_t)writer->n;
    action->branches = branches;
    action->extra = action->same ? 0 : action->extra;
    return action;
}

/* --- record --- */

/* Gives each of the writer's fields the reader's field that reads it, or -1. Names go before aliases, and no
 * field is read twice. */
static void match_fields(const struct weir_node *writer, const struct weir_node *reader, int32_t *reads,
                         bool *found)
{
    for (size_t i = 0; i < writer->n; i++)
        reads[i] = -1;
    for (size_t i = 0; i < reader->n; i++) {
        int at = weir_schema_field(writer, reader->fields[i].name);
        found[i] = at >= 0;
        if (at >= 0)
            reads[at] = (int32_t)i;
    }
    for (size_t i = 0; i < reader->n; i++) {
        for (size_t j = 0; !found[i] && j < reader->fields[i].n_aliases; j++) {
            int at = weir_schema_field(writer, reader->fields[i].aliases[j]);
            found[i] = at >= 0 && reads[at] < 0;
            if (found[i])
                reads[at] = (int32_t)i;
        }
    }
}

static const char *path_join(struct resolving *r, const char *path, const char *name)
{
    const char *joined = path ? region_join(&r->resolution->region, path, ".", name)
                              : region_text(&r->resolution->region, weir_bytes_of(name));
    if (!joined)
        no_memory(r);
    return joined;
}

/* The steps, in the writer's order. */
static bool resolve_steps(struct resolving *r, const struct weir_node *writer, const struct weir_node *reader,
                          const int32_t *reads, const char *path, struct action *action)
{
    struct action_step *steps = take(r, writer->n * sizeof *steps);
    if (!steps)
        return false;
    for (size_t i = 0; i < writer->n; i++) {
        const struct weir_field *field = &writer->fields[i];
        const struct weir_field *to = reads[i] < 0 ? field : &reader->fields[reads[i]];
        steps[i].slot = reads[i];
        steps[i].path = path_join(r, path, to->name);
        steps[i].action = steps[i].path ? resolve_pair(r, field->type, to->type, steps[i].path) : NULL;
        if (!steps[i].action)
            return false;
        action->same = action->same && reads[i] == (int32_t)i && steps[i].action->same;
        action->total = action->total && steps[i].action->total;
        action->extra += reads[i] < 0 ? 0 : steps[i].action->extra;
    }
    action->n = (uint32_t)writer->n;
    action->record.steps = steps;
    return true;
}

/* The defaults of what the writer lacks. */
static bool resolve_defaults(struct resolving *r, const struct weir_node *reader, const bool *found,
                             const char *path, struct action *action)
{
    struct action_default *defaults = take(r, reader->n * sizeof *defaults);
    if (!defaults)
        return false;
    uint32_t n = 0;
    for (size_t i = 0; i < reader->n; i++) {
        const struct weir_field *field = &reader->fields[i];
        if (found[i])
            continue;
        if (!field->has_default) {
            (void)weir_fail(&r->err, WEIR_ERR_INCOMPATIBLE,
                            "%s%s%s: the writer lacks it, and the reader has no default for it",
                            path ? path : "", path ? "." : "", field->name);
            return false;
        }
        defaults[n].slot = (uint32_t)i;
        slot_default(&defaults[n++].value, field);
        action->same = false;
        action->extra += field->default_value.len;
    }
    action->record.defaults = defaults;
    action->record.n_defaults = n;
    return true;
}

static const struct action *resolve_record(struct resolving *r, const struct weir_node *writer,
                                           const struct weir_node *reader, const char *path)
{
    struct action *action = action_new(r, ACTION_RECORD);
    int32_t *reads = action ? take(r, writer->n * sizeof *reads) : NULL;
    bool *found = reads ? take(r, reader->n * sizeof *found) : NULL;
    if (!found)
        return NULL;
    r->n_actions += reader->n;
    match_fields(writer, reader, reads, found);
    action->record.n_slots = (uint32_t)reader->n;
    if (!resolve_steps(r, writer, reader, reads, path, action) ||
        !resolve_defaults(r, reader, found, path, action))
        return NULL;
    /* Where the fields lie is noted at the far end of the scratch, and a pointer may have to be aligned. */
    if (!action->same)
        action->extra += reader->n * sizeof(struct action_range) + _Alignof(struct action_range);
    return action;
}

/* --- any --- */

static const struct action *resolve_nested(struct resolving *r, const struct weir_node *writer,
                                           const struct weir_node *reader, const char *path)
{
    if (r->depth == WEIR_SCHEMA_DEPTH_MAX) {
        r->hopeless = true;
        return incompatible(r, path, writer, reader);
    }
    r->depth++;
    const struct action *action = resolve_record(r, writer, reader, path);
    r->depth--;
    return action;
}

static const struct action *resolve_pair(struct resolving *r, const struct weir_node *writer,
                                         const struct weir_node *reader, const char *path)
{
    if (writer->type == WEIR_TYPE_UNION)
        return resolve_union(r, writer, reader, path);
    if (reader->type == WEIR_TYPE_UNION)
        return resolve_to_union(r, writer, reader, path);
    if (match_of(writer, reader) == MATCH_NONE || writer->items || writer->type == WEIR_TYPE_FIXED)
        return incompatible(r, path, writer, reader);
    if (writer->type == WEIR_TYPE_ENUM)
        return resolve_enum(r, writer, reader);
    if (writer->type == WEIR_TYPE_RECORD)
        return resolve_nested(r, writer, reader, path);
    return resolve_primitive(r, writer, reader);
}

enum weir_err_code resolve_new(const struct weir_node *writer, const struct weir_node *reader,
                               struct resolution **out, struct weir_err *err)
{
    struct resolving r = {0};
    r.resolution = calloc(1, sizeof *r.resolution);
    if (!r.resolution)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory to resolve schemas");
    r.resolution->root = resolve_pair(&r, writer, reader, NULL);
    if (!r.resolution->root) {
        resolve_free(r.resolution);
        return weir_fail(err, r.err.code, "%s", r.err.text);
    }
    *out = r.resolution;
    return WEIR_OK;
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

size_t resolve_scratch(const struct resolution *resolution, size_t payload_len)
{
    return payload_len + resolution->root->extra + WEIR_REASON_TEXT_MAX + 1;
}
