/* From two schemas to actions. */
#include <stdint.h>

#include "avro/match.h"
#include "avro/resolve_parts.h"

static struct action *build_any(struct resolving *r, const struct weir_node *writer,
                                const struct weir_node *reader);

static bool fail_limit(struct resolving *r)
{
    r->code = weir_fail(r->err, WEIR_ERR_INCOMPATIBLE,
                        "resolving the schemas takes more than %d steps or %d comparisons",
                        RESOLVE_ACTIONS_MAX, RESOLVE_WORK_MAX);
    return false;
}

/* Counts names that were compared. */
static bool work(struct resolving *r, size_t n)
{
    r->work += n;
    return r->work <= RESOLVE_WORK_MAX || fail_limit(r);
}

static struct action *action_new(struct resolving *r, enum action_op op, const struct weir_node *writer,
                                 const struct weir_node *reader)
{
    if (++r->resolution->n_actions > RESOLVE_ACTIONS_MAX) {
        fail_limit(r);
        return NULL;
    }
    struct action *action = resolve_take(r, sizeof *action);
    if (!action)
        return NULL;
    action->op = (uint8_t)op;
    action->same = action->total = true;
    action->writer = writer;
    action->reader = reader;
    action->before = r->last;
    r->last = action;
    return action;
}

static struct action *refuse(struct resolving *r, const struct weir_node *writer,
                             const struct weir_node *reader)
{
    struct action *action = action_new(r, ACTION_REFUSE, writer, reader);
    if (action)
        action->failed = true;
    return action;
}

/* --- what holds no other value --- */

static struct action *build_primitive(struct resolving *r, const struct weir_node *writer,
                                      const struct weir_node *reader)
{
    const struct match_conversion *conversion = match_conversion(writer->type, reader->type);
    struct action *action = action_new(r, (enum action_op)conversion->op, writer, reader);
    if (!action)
        return NULL;
    action->same = conversion->same;
    action->total = conversion->total;
    action->room.fixed = conversion->extra;
    return action;
}

static struct action *build_fixed(struct resolving *r, const struct weir_node *writer,
                                  const struct weir_node *reader)
{
    struct action *action = action_new(r, ACTION_FIXED, writer, reader);
    if (action)
        action->size = writer->size;
    return action;
}

static struct action *build_enum(struct resolving *r, const struct weir_node *writer,
                                 const struct weir_node *reader)
{
    struct action *action = action_new(r, ACTION_ENUM, writer, reader);
    int32_t *symbols = action ? resolve_take(r, writer->n * sizeof *symbols) : NULL;
    if (!symbols)
        return NULL;
    for (size_t i = 0; i < writer->n; i++) {
        size_t compared = 0;
        symbols[i] = match_symbol(writer, i, reader, &compared);
        if (!work(r, compared))
            return NULL;
        if (symbols[i] < 0)
            action->total = false;
        else if (symbols[i] != (int32_t)i)
            action->same = false;
    }
    action->symbols = symbols;
    action->n = (uint32_t)writer->n;
    return action;
}

/* Of what is skipped only that is looked at which costs nothing: lengths, indexes and booleans, but not
 * whether a text is UTF-8. */
static struct action *build_skipped(struct resolving *r, const struct weir_node *writer)
{
    switch (writer->type) {
    case WEIR_TYPE_STRING: return action_new(r, ACTION_BYTES, writer, NULL);
    case WEIR_TYPE_ENUM: return build_enum(r, writer, writer);
    case WEIR_TYPE_FIXED: return build_fixed(r, writer, NULL);
    default: return build_primitive(r, writer, writer);
    }
}

/* --- arrays and maps --- */

static struct action *build_items(struct resolving *r, const struct weir_node *writer,
                                  const struct weir_node *reader)
{
    bool is_map = writer->type == WEIR_TYPE_MAP;
    struct action *action = action_new(r, is_map ? ACTION_MAP : ACTION_ARRAY, writer, reader);
    if (!action)
        return NULL;
    action->items.least = writer->items->least;
    /* The length of a key. */
    if (is_map && action->items.least < SIZE_MAX)
        action->items.least++;
    action->items.hops = !reader;
    action->items.action = build_any(r, writer->items, reader ? reader->items : NULL);
    return action->items.action ? action : NULL;
}

/* --- unions --- */

/* Pairs a writer that is no union with the reader, which may be one. */
static bool build_branch(struct resolving *r, const struct weir_node *writer, const struct weir_node *reader,
                         struct action_branch *branch)
{
    branch->index = -1;
    if (reader && reader->type == WEIR_TYPE_UNION) {
        for (size_t i = 0; i < reader->n; i++)
            if (!work(r, 1 + reader->branches[i]->n_aliases))
                return false;
        branch->index = match_branch(writer, reader);
        if (branch->index < 0) {
            branch->action = refuse(r, writer, reader);
            return branch->action != NULL;
        }
        reader = reader->branches[branch->index];
    }
    branch->action = build_any(r, writer, reader);
    return branch->action != NULL;
}

static struct action *build_to_union(struct resolving *r, const struct weir_node *writer,
                                     const struct weir_node *reader)
{
    struct action *action = action_new(r, ACTION_TO_UNION, writer, reader);
    struct action_branch *branch = action ? resolve_take(r, sizeof *branch) : NULL;
    if (!branch || !build_branch(r, writer, reader, branch))
        return NULL;
    action->n = 1;
    action->branches = branch;
    action->same = false;
    return action;
}

static struct action *build_union(struct resolving *r, const struct weir_node *writer,
                                  const struct weir_node *reader)
{
    struct action *action = action_new(r, ACTION_UNION, writer, reader);
    struct action_branch *branches = action ? resolve_take(r, writer->n * sizeof *branches) : NULL;
    if (!branches)
        return NULL;
    action->n = (uint32_t)writer->n;
    action->branches = branches;
    for (size_t i = 0; i < writer->n; i++)
        if (!build_branch(r, writer->branches[i], reader, &branches[i]))
            return NULL;
    return action;
}

/* --- records --- */

static struct resolve_pair **bucket_of(struct resolving *r, const struct weir_node *writer,
                                       const struct weir_node *reader)
{
    size_t number = writer->number * 31 + (reader ? reader->number + 1 : 0);
    return &r->buckets[number % RESOLVE_BUCKETS];
}

/* The action of a pair of records; its fields are looked at by and by, so that how deep this goes does not
 * depend on how long it takes until the same two records meet again. */
static struct action *build_record(struct resolving *r, const struct weir_node *writer,
                                   const struct weir_node *reader)
{
    struct resolve_pair **bucket = bucket_of(r, writer, reader);
    for (struct resolve_pair *pair = *bucket; pair; pair = pair->next) {
        if (!work(r, 1))
            return NULL;
        if (pair->writer == writer && pair->reader == reader)
            return pair->action;
    }
    struct action *action = action_new(r, ACTION_RECORD, writer, reader);
    struct resolve_pair *pair = action ? resolve_take(r, sizeof *pair) : NULL;
    if (!pair)
        return NULL;
    *pair = (struct resolve_pair){*bucket, r->todo, writer, reader, action};
    *bucket = r->todo = pair;
    return action;
}

/* The steps, in the writer's order. */
static bool build_steps(struct resolving *r, struct action *action, const int32_t *reads)
{
    const struct weir_node *writer = action->writer, *reader = action->reader;
    struct action_step *steps = resolve_take(r, writer->n * sizeof *steps);
    if (!steps)
        return false;
    for (size_t i = 0; i < writer->n; i++) {
        const struct weir_field *from = &writer->fields[i];
        const struct weir_field *to = reads[i] < 0 ? NULL : &reader->fields[reads[i]];
        steps[i].slot = reads[i];
        steps[i].name = to ? to->name : from->name;
        steps[i].action = build_any(r, from->type, to ? to->type : NULL);
        if (!steps[i].action)
            return false;
    }
    action->n = (uint32_t)writer->n;
    action->record.steps = steps;
    return true;
}

/* The defaults of what the writer lacks. */
static bool build_defaults(struct resolving *r, struct action *action, const bool *found)
{
    const struct weir_node *reader = action->reader;
    struct action_default *defaults = resolve_take(r, reader->n * sizeof *defaults);
    if (!defaults)
        return false;
    uint32_t n = 0;
    for (size_t i = 0; i < reader->n; i++) {
        const struct weir_field *field = &reader->fields[i];
        if (found[i])
            continue;
        if (!field->has_default) {
            action->failed = true;
            action->place = field->name;
            return true;
        }
        defaults[n].slot = (uint32_t)i;
        slot_default(&defaults[n++].value, field);
    }
    action->record.defaults = defaults;
    action->record.n_defaults = n;
    return true;
}

static bool build_fields(struct resolving *r, struct action *action)
{
    const struct weir_node *writer = action->writer, *reader = action->reader;
    size_t n_reader = reader ? reader->n : 0;
    int32_t *reads = resolve_take(r, writer->n * sizeof *reads);
    bool *found = resolve_take(r, n_reader * sizeof *found);
    if (!reads || !found)
        return false;
    for (size_t i = 0; i < writer->n; i++)
        reads[i] = -1;
    for (size_t i = 0; i < n_reader; i++)
        if (!work(r, writer->n * (1 + reader->fields[i].n_aliases)))
            return false;
    if (reader)
        match_fields(writer, reader, reads, found);
    action->record.n_slots = (uint32_t)n_reader;
    return build_steps(r, action, reads) && (!reader || build_defaults(r, action, found));
}

/* --- any --- */

static struct action *build_matched(struct resolving *r, const struct weir_node *writer,
                                    const struct weir_node *reader)
{
    switch (writer->type) {
    case WEIR_TYPE_RECORD: return build_record(r, writer, reader);
    case WEIR_TYPE_ARRAY:
    case WEIR_TYPE_MAP: return build_items(r, writer, reader);
    default: break;
    }
    if (!reader)
        return build_skipped(r, writer);
    if (writer->type == WEIR_TYPE_ENUM)
        return build_enum(r, writer, reader);
    if (writer->type == WEIR_TYPE_FIXED)
        return build_fixed(r, writer, reader);
    return build_primitive(r, writer, reader);
}

/* reader NULL: the value is skipped. */
static struct action *build_any(struct resolving *r, const struct weir_node *writer,
                                const struct weir_node *reader)
{
    if (writer->type == WEIR_TYPE_UNION)
        return build_union(r, writer, reader);
    if (reader && reader->type == WEIR_TYPE_UNION)
        return build_to_union(r, writer, reader);
    if (reader && !work(r, reader->n_aliases))
        return NULL;
    if (reader && !match_types(writer, reader))
        return refuse(r, writer, reader);
    return build_matched(r, writer, reader);
}

struct action *resolve_build(struct resolving *r, const struct weir_node *writer,
                             const struct weir_node *reader)
{
    struct action *root = build_any(r, writer, reader);
    while (root && r->todo) {
        struct action *action = r->todo->action;
        r->todo = r->todo->next_todo;
        if (!build_fields(r, action))
            return NULL;
    }
    return root;
}
