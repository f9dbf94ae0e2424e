#include "core/mapping.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "avro/json.h"
#include "avro/resolve.h"
#include "weir/arena.h"

/* One part on its way. */
struct walk {
    enum mapping_part part;
    const struct weir_pipeline_spec *spec;
    const struct mapping_visitor *visitor;
    size_t rows; /* told so far */
    struct weir_err *err;
};

/* A record on either side, and the paths down to them, "" for the whole value. */
struct pair {
    const struct weir_node *from, *to;
    const char *from_path, *to_path;
    size_t depth;
};

static void tell(struct walk *w, const struct mapping_row *row)
{
    struct mapping_row whole = *row;
    w->rows++;
    whole.part = w->part;
    whole.detail = row->detail ? row->detail : "";
    w->visitor->row(w->visitor->context, &whole);
}

static void join(char path[MAPPING_TEXT_MAX], const char *before, const char *name)
{
    (void)snprintf(path, MAPPING_TEXT_MAX, "%s%s%s", before, before[0] ? "." : "", name);
}

/* --- which field becomes which --- */

static bool goes_by(const struct weir_field *target, const char *name)
{
    if (strcmp(target->name, name) == 0)
        return true;
    for (size_t i = 0; i < target->n_aliases; i++)
        if (strcmp(target->aliases[i], name) == 0)
            return true;
    return false;
}

/* The source's field for one of the target's: of its name before any of its aliases. */
static const struct weir_field *source_of(const struct weir_node *from, const struct weir_field *target)
{
    int field = weir_schema_field(from, target->name);
    for (size_t i = 0; field < 0 && i < target->n_aliases; i++)
        field = weir_schema_field(from, target->aliases[i]);
    return field >= 0 ? &from->fields[field] : NULL;
}

static const struct weir_set_spec *set_of(const struct walk *w, const struct pair *pair,
                                          const struct weir_field *target)
{
    if (w->part != MAPPING_WRITE || !w->spec || pair->depth > 0)
        return NULL;
    for (size_t i = 0; i < w->spec->n_set; i++)
        if (strcmp(w->spec->set[i].field, target->name) == 0)
            return &w->spec->set[i];
    return NULL;
}

/* Does `set` take its value from the reader's field? */
static bool set_takes(const struct weir_set_spec *set, const char *name)
{
    bool constant =
        set->kind == WEIR_SET_CONSTANT || set->kind == WEIR_SET_NOW || set->kind == WEIR_SET_SOURCE;
    return !constant && strcmp(set->arg, name) == 0;
}

static bool is_taken(const struct walk *w, const struct pair *pair, const char *name)
{
    for (size_t i = 0; i < pair->to->n; i++) {
        const struct weir_set_spec *set = set_of(w, pair, &pair->to->fields[i]);
        if (set ? set_takes(set, name) : goes_by(&pair->to->fields[i], name))
            return true;
    }
    return false;
}

/* --- what there is to say of one --- */

static void describe_default(const struct weir_field *field, char text[MAPPING_TEXT_MAX])
{
    struct weir_arena arena;
    struct weir_bytes json;
    weir_arena_init(&arena, text, MAPPING_TEXT_MAX - 1);
    if (json_write(field->type, field->default_value, &arena, &json))
        text[json.len] = '\0';
    else
        (void)snprintf(text, MAPPING_TEXT_MAX, "(long)");
}

static void describe_set(const struct weir_set_spec *set, char text[MAPPING_TEXT_MAX])
{
    static const char *const words[] = {
        [WEIR_SET_NOW] = "now",
        [WEIR_SET_SOURCE] = "source",
        [WEIR_SET_COPY] = "copy",
        [WEIR_SET_LOWER] = "lower",
        [WEIR_SET_UPPER] = "upper",
        [WEIR_SET_EPOCH_SECONDS] = "epoch_seconds",
        [WEIR_SET_EPOCH_MILLIS] = "epoch_millis",
    };
    if (set->kind == WEIR_SET_CONSTANT)
        (void)snprintf(text, MAPPING_TEXT_MAX, "%s%s%s", set->value.quoted ? "\"" : "", set->value.text,
                       set->value.quoted ? "\"" : "");
    else
        (void)snprintf(text, MAPPING_TEXT_MAX, "%s: %s", words[set->kind], set->arg);
}

static void tell_without_source(struct walk *w, const struct pair *pair, const struct weir_field *target)
{
    char path[MAPPING_TEXT_MAX], detail[MAPPING_TEXT_MAX] = "there is no such field, and it has no default";
    const struct weir_set_spec *set = set_of(w, pair, target);
    enum mapping_how how = target->has_default ? MAPPING_DEFAULT : MAPPING_REFUSED;
    join(path, pair->to_path, target->name);
    if (set)
        describe_set(set, detail);
    else if (target->has_default)
        describe_default(target, detail);
    tell(w, &(struct mapping_row){
                .how = set ? MAPPING_SET : how, .to = path, .to_type = target->type, .detail = detail});
}

static enum weir_err_code walk_record(struct walk *w, const struct pair *pair);

static enum weir_err_code tell_with_source(struct walk *w, const struct pair *pair,
                                           const struct weir_field *source, const struct weir_field *target)
{
    char from[MAPPING_TEXT_MAX], to[MAPPING_TEXT_MAX];
    struct resolution *resolution = NULL;
    struct weir_err why = {0};
    join(from, pair->from_path, source->name);
    join(to, pair->to_path, target->name);
    enum weir_err_code code = resolve_new(source->type, target->type, &resolution, &why);
    if (code == WEIR_ERR_NO_MEMORY)
        return weir_fail(w->err, code, "%s", why.text);
    enum mapping_how how = code != WEIR_OK ? MAPPING_REFUSED : MAPPING_CONVERTED;
    if (code == WEIR_OK && resolve_is_copy(resolution))
        how = MAPPING_SAME;
    resolve_free(resolution);
    tell(w, &(struct mapping_row){.how = how,
                                  .from = from,
                                  .to = to,
                                  .from_type = source->type,
                                  .to_type = target->type,
                                  .detail = why.text});
    if (source->type->type != WEIR_TYPE_RECORD || target->type->type != WEIR_TYPE_RECORD ||
        pair->depth == MAPPING_DEPTH_MAX || w->rows >= MAPPING_ROWS_MAX)
        return WEIR_OK;
    return walk_record(w, &(struct pair){source->type, target->type, from, to, pair->depth + 1});
}

static void tell_skipped(struct walk *w, const struct pair *pair, const struct weir_field *source)
{
    char path[MAPPING_TEXT_MAX];
    join(path, pair->from_path, source->name);
    tell(w, &(struct mapping_row){.how = MAPPING_SKIPPED, .from = path, .from_type = source->type});
}

/* Ends, since depth and rows are bounded. */
static enum weir_err_code walk_record(struct walk *w, const struct pair *pair)
{
    enum weir_err_code code = WEIR_OK;
    for (size_t i = 0; code == WEIR_OK && i < pair->to->n; i++) {
        const struct weir_field *target = &pair->to->fields[i];
        const struct weir_field *source = set_of(w, pair, target) ? NULL : source_of(pair->from, target);
        if (source)
            code = tell_with_source(w, pair, source, target);
        else
            tell_without_source(w, pair, target);
    }
    for (size_t i = 0; code == WEIR_OK && i < pair->from->n; i++)
        if (!is_taken(w, pair, pair->from->fields[i].name))
            tell_skipped(w, pair, &pair->from->fields[i]);
    return code;
}

/* --- the whole --- */

enum weir_err_code mapping_tell(const struct weir_schema *writer, const struct weir_schema *reader,
                                const struct weir_schema *output, const struct weir_pipeline_spec *spec,
                                const struct mapping_visitor *visitor, struct weir_err *err)
{
    enum weir_err_code code = WEIR_OK;
    if (writer)
        code = walk_record(&(struct walk){MAPPING_READ, spec, visitor, 0, err},
                           &(struct pair){writer->root, reader->root, "", "", 0});
    if (code == WEIR_OK && output)
        code = walk_record(&(struct walk){MAPPING_WRITE, spec, visitor, 0, err},
                           &(struct pair){reader->root, output->root, "", "", 0});
    return code;
}

static void append(char text[MAPPING_TEXT_MAX], const char *more)
{
    size_t len = strlen(text);
    (void)snprintf(text + len, MAPPING_TEXT_MAX - len, "%s", more);
}

static const char *logical_name(enum weir_logical logical)
{
    switch (logical) {
    case WEIR_LOGICAL_NONE: return "";
    case WEIR_LOGICAL_DECIMAL: return " (decimal)";
    case WEIR_LOGICAL_BIG_DECIMAL: return " (big-decimal)";
    case WEIR_LOGICAL_UUID: return " (uuid)";
    case WEIR_LOGICAL_DATE: return " (date)";
    case WEIR_LOGICAL_TIME_MILLIS: return " (time-millis)";
    case WEIR_LOGICAL_TIME_MICROS: return " (time-micros)";
    case WEIR_LOGICAL_TIMESTAMP_MILLIS: return " (timestamp-millis)";
    case WEIR_LOGICAL_TIMESTAMP_MICROS: return " (timestamp-micros)";
    case WEIR_LOGICAL_TIMESTAMP_NANOS: return " (timestamp-nanos)";
    case WEIR_LOGICAL_LOCAL_TIMESTAMP_MILLIS: return " (local-timestamp-millis)";
    case WEIR_LOGICAL_LOCAL_TIMESTAMP_MICROS: return " (local-timestamp-micros)";
    case WEIR_LOGICAL_LOCAL_TIMESTAMP_NANOS: return " (local-timestamp-nanos)";
    case WEIR_LOGICAL_DURATION: return " (duration)";
    }
    return "";
}

/* Ends, since a type with a name is not looked into, and without names there are no circles. */
static void append_type(const struct weir_node *type, char text[MAPPING_TEXT_MAX])
{
    if (type->type == WEIR_TYPE_UNION) {
        for (size_t i = 0; i < type->n; i++) {
            append(text, i > 0 ? " | " : "");
            append_type(type->branches[i], text);
        }
        return;
    }
    append(text, weir_type_name(type->type));
    append(text, type->name ? " " : "");
    append(text, type->name ? type->name : "");
    append(text, logical_name(type->logical));
    if (type->type != WEIR_TYPE_ARRAY && type->type != WEIR_TYPE_MAP)
        return;
    bool choice = type->items->type == WEIR_TYPE_UNION;
    append(text, choice ? " of (" : " of ");
    append_type(type->items, text);
    append(text, choice ? ")" : "");
}

void mapping_type(const struct weir_node *type, char text[MAPPING_TEXT_MAX])
{
    text[0] = '\0';
    append_type(type, text);
}

const char *mapping_how_name(enum mapping_how how)
{
    static const char *const names[MAPPING_HOWS] = {"same", "converted", "default",
                                                    "set",  "skipped",   "refused"};
    assert(how < MAPPING_HOWS);
    return names[how];
}
