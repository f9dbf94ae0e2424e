#include "core/difference.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Longest name of a type: of a union, those of its branches. */
#define TYPE_TEXT_MAX 120
#define ELLIPSIS      "..."

/* The text while it grows. Once something did not fit, nothing is added any more. */
struct difference {
    char *text;
    size_t cap, len;
    bool cut;
};

__attribute__((format(printf, 2, 3))) static void say(struct difference *d, const char *format, ...)
{
    va_list args;
    if (d->cut)
        return;
    size_t begin = d->len;
    va_start(args, format);
    int more = vsnprintf(d->text + begin, d->cap - begin, format, args);
    va_end(args);
    d->len += more > 0 ? (size_t)more : 0;
    d->cut = d->len >= d->cap;
    if (!d->cut)
        return;
    d->len = d->cap - 1;
    memcpy(d->text + d->len - strlen(ELLIPSIS), ELLIPSIS, strlen(ELLIPSIS));
}

static const char *comma(const struct difference *d)
{
    return d->len > 0 ? ", " : "";
}

/* --- types --- */

static const char *simple_name(const struct weir_node *type)
{
    return type->name ? type->name : weir_type_name(type->type);
}

static void print_type(const struct weir_node *type, char text[TYPE_TEXT_MAX])
{
    struct difference list = {text, TYPE_TEXT_MAX, 0, false};
    text[0] = '\0';
    if (type->type != WEIR_TYPE_UNION)
        say(&list, "%s", simple_name(type));
    for (size_t i = 0; type->type == WEIR_TYPE_UNION && i < type->n; i++)
        say(&list, "%s%s", i > 0 ? "|" : "", simple_name(type->branches[i]));
}

static bool has_symbol(const struct weir_node *type, const char *symbol)
{
    for (size_t i = 0; i < type->n; i++)
        if (strcmp(type->symbols[i], symbol) == 0)
            return true;
    return false;
}

/* Says the symbols that one enum has and the other has not. */
static void compare_symbols(struct difference *d, const char *field, const struct weir_node *here,
                            const struct weir_node *there, const char *sign)
{
    for (size_t i = 0; i < here->n; i++)
        if (!has_symbol(there, here->symbols[i]))
            say(d, "%s%s: %s %s", comma(d), field, sign, here->symbols[i]);
}

static void compare_types(struct difference *d, const char *field, const struct weir_node *before,
                          const struct weir_node *after)
{
    char was[TYPE_TEXT_MAX], is[TYPE_TEXT_MAX];
    print_type(before, was);
    print_type(after, is);
    if (strcmp(was, is) != 0) {
        say(d, "%s%s: %s -> %s", comma(d), field, was, is);
    } else if (before->type == WEIR_TYPE_ENUM && after->type == WEIR_TYPE_ENUM) {
        compare_symbols(d, field, after, before, "+");
        compare_symbols(d, field, before, after, "-");
    }
}

/* --- fields --- */

static bool is_alias(const struct weir_field *field, const char *name)
{
    for (size_t i = 0; i < field->n_aliases; i++)
        if (strcmp(field->aliases[i], name) == 0)
            return true;
    return false;
}

/* The field of before that a field of after goes on from: of its name, or of one of its aliases. -1: none. */
static int find_origin(const struct weir_node *before, const struct weir_field *field)
{
    int found = weir_schema_field(before, field->name);
    for (size_t i = 0; found < 0 && i < field->n_aliases; i++)
        found = weir_schema_field(before, field->aliases[i]);
    return found;
}

static void compare_field(struct difference *d, const struct weir_node *before,
                          const struct weir_field *field)
{
    char type[TYPE_TEXT_MAX];
    int origin = find_origin(before, field);
    if (origin < 0) {
        print_type(field->type, type);
        say(d, "%s+ %s (%s)", comma(d), field->name, type);
        return;
    }
    const struct weir_field *was = &before->fields[origin];
    if (strcmp(was->name, field->name) != 0)
        say(d, "%s%s -> %s", comma(d), was->name, field->name);
    compare_types(d, field->name, was->type, field->type);
    if (was->has_default != field->has_default || !weir_bytes_equal(was->default_value, field->default_value))
        say(d, "%s%s: another default", comma(d), field->name);
}

static bool goes_on(const struct weir_field *field, const struct weir_node *after)
{
    if (weir_schema_field(after, field->name) >= 0)
        return true;
    for (size_t i = 0; i < after->n; i++)
        if (is_alias(&after->fields[i], field->name))
            return true;
    return false;
}

static void compare_records(struct difference *d, const struct weir_node *before,
                            const struct weir_node *after)
{
    for (size_t i = 0; i < after->n; i++)
        compare_field(d, before, &after->fields[i]);
    for (size_t i = 0; i < before->n; i++)
        if (!goes_on(&before->fields[i], after))
            say(d, "%s- %s", comma(d), before->fields[i].name);
}

void difference_print(const struct weir_schema *before, const struct weir_schema *after, char *text,
                      size_t cap)
{
    struct difference d = {text, cap, 0, false};
    text[0] = '\0';
    if (before->root->type == WEIR_TYPE_RECORD && after->root->type == WEIR_TYPE_RECORD)
        compare_records(&d, before->root, after->root);
    else
        compare_types(&d, "schema", before->root, after->root);
    if (d.len == 0)
        say(&d, before->fingerprint == after->fingerprint ? "the same fields" : "changed inside");
}
