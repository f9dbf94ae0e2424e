/* What values a type can have, seen alike for unions and others: a type that is no union is its own branch.
 */
#ifndef WEIR_CORE_SHAPE_H
#define WEIR_CORE_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "weir/schema.h"

static inline size_t shape_branches(const struct weir_node *type)
{
    return type->type == WEIR_TYPE_UNION ? type->n : 1;
}

static inline const struct weir_node *shape_branch(const struct weir_node *type, size_t i)
{
    return type->type == WEIR_TYPE_UNION ? type->branches[i] : type;
}

/* A set of types, as bits. */
#define SHAPE(type) (1u << (type))

/* The set of the branches' types. */
static inline unsigned shape_of(const struct weir_node *type)
{
    unsigned set = 0;
    for (size_t i = 0; i < shape_branches(type); i++)
        set |= SHAPE(shape_branch(type, i)->type);
    return set;
}

static inline bool shape_nullable(const struct weir_node *type)
{
    return (shape_of(type) & SHAPE(WEIR_TYPE_NULL)) != 0;
}

#endif
