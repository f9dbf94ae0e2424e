#include "avro/match.h"

#include <string.h>

/* One row a pair that the specification allows. */
static const struct match_conversion conversions[] = {
    {WEIR_TYPE_NULL, WEIR_TYPE_NULL, ACTION_NULL, true, true, 0},
    {WEIR_TYPE_BOOLEAN, WEIR_TYPE_BOOLEAN, ACTION_BOOLEAN, true, true, 0},
    {WEIR_TYPE_INT, WEIR_TYPE_INT, ACTION_INT, true, true, 0},
    {WEIR_TYPE_INT, WEIR_TYPE_LONG, ACTION_INT, true, true, 0},
    {WEIR_TYPE_INT, WEIR_TYPE_FLOAT, ACTION_INT_TO_FLOAT, false, true, sizeof(float)},
    {WEIR_TYPE_INT, WEIR_TYPE_DOUBLE, ACTION_INT_TO_DOUBLE, false, true, sizeof(double)},
    {WEIR_TYPE_LONG, WEIR_TYPE_LONG, ACTION_LONG, true, true, 0},
    {WEIR_TYPE_LONG, WEIR_TYPE_FLOAT, ACTION_LONG_TO_FLOAT, false, true, sizeof(float)},
    {WEIR_TYPE_LONG, WEIR_TYPE_DOUBLE, ACTION_LONG_TO_DOUBLE, false, true, sizeof(double)},
    {WEIR_TYPE_FLOAT, WEIR_TYPE_FLOAT, ACTION_FLOAT, true, true, 0},
    {WEIR_TYPE_FLOAT, WEIR_TYPE_DOUBLE, ACTION_FLOAT_TO_DOUBLE, false, true, sizeof(float)},
    {WEIR_TYPE_DOUBLE, WEIR_TYPE_DOUBLE, ACTION_DOUBLE, true, true, 0},
    {WEIR_TYPE_BYTES, WEIR_TYPE_BYTES, ACTION_BYTES, true, true, 0},
    {WEIR_TYPE_BYTES, WEIR_TYPE_STRING, ACTION_BYTES_TO_STRING, true, false, 0},
    {WEIR_TYPE_STRING, WEIR_TYPE_STRING, ACTION_STRING, true, true, 0},
    {WEIR_TYPE_STRING, WEIR_TYPE_BYTES, ACTION_STRING_TO_BYTES, true, true, 0},
};

const struct match_conversion *match_conversion(enum weir_type writer, enum weir_type reader)
{
    for (size_t i = 0; i < sizeof conversions / sizeof conversions[0]; i++)
        if (conversions[i].writer == writer && conversions[i].reader == reader)
            return &conversions[i];
    return NULL;
}

/* How well two types match, the better the later. */
enum match { MATCH_NONE, MATCH_PROMOTED, MATCH_NAMED, MATCH_EXACT };

static const char *simple_name(const char *full)
{
    const char *dot = strrchr(full, '.');
    return dot ? dot + 1 : full;
}

static enum match match_names(const struct weir_node *writer, const struct weir_node *reader)
{
    if (strcmp(writer->name, reader->name) == 0)
        return MATCH_EXACT;
    if (strcmp(simple_name(writer->name), simple_name(reader->name)) == 0)
        return MATCH_NAMED;
    for (size_t i = 0; i < reader->n_aliases; i++)
        if (strcmp(reader->aliases[i], writer->name) == 0)
            return MATCH_NAMED;
    return MATCH_NONE;
}

static bool decimals_differ(const struct weir_node *writer, const struct weir_node *reader)
{
    return writer->logical == WEIR_LOGICAL_DECIMAL && reader->logical == WEIR_LOGICAL_DECIMAL &&
           (writer->precision != reader->precision || writer->scale != reader->scale);
}

static enum match match_of(const struct weir_node *writer, const struct weir_node *reader)
{
    if (writer->type != reader->type)
        return match_conversion(writer->type, reader->type) ? MATCH_PROMOTED : MATCH_NONE;
    if (decimals_differ(writer, reader) || writer->size != reader->size)
        return MATCH_NONE;
    return writer->name ? match_names(writer, reader) : MATCH_EXACT;
}

bool match_types(const struct weir_node *writer, const struct weir_node *reader)
{
    return match_of(writer, reader) != MATCH_NONE;
}

int32_t match_branch(const struct weir_node *writer, const struct weir_node *reader)
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

int32_t match_symbol(const struct weir_node *writer, size_t i, const struct weir_node *reader, size_t *work)
{
    const char *symbol = writer->symbols[i];
    ++*work;
    if (i < reader->n && strcmp(reader->symbols[i], symbol) == 0)
        return (int32_t)i;
    for (size_t j = 0; j < reader->n; j++) {
        ++*work;
        if (strcmp(reader->symbols[j], symbol) == 0)
            return (int32_t)j;
    }
    return reader->default_symbol;
}

void match_fields(const struct weir_node *writer, const struct weir_node *reader, int32_t *reads, bool *found)
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
