/* How many bytes a value has at least: what an array says of its length is held against that. */
#include "avro/schema_parts.h"

/* A record whose fields are being added up, and what they are up to now. */
struct sum {
    struct weir_node *node;
    size_t next; /* the field that comes next */
};

static struct schema_named *named_of(struct schema_named *const *by_number, const struct weir_node *node)
{
    return by_number[node->number];
}

static size_t add(size_t a, size_t b)
{
    return a > SIZE_MAX - b ? SIZE_MAX : a + b;
}

/*
 * Adds up the fields of a record whose own fields are records that contain it. Only records directly within
 * records are followed: whatever else may contain a type has a byte at least, and can end there. So a record
 * that is met again while it is being added up has no value that ends.
 */
static bool measure(struct schema_reading *reading, struct schema_named *const *by_number, struct sum *stack,
                    struct schema_named *first)
{
    const struct schema_place whole = {NULL, NULL, -1};
    size_t depth = 1;
    stack[0] = (struct sum){first->node, 0};
    first->open = true;
    first->node->least = 0;
    while (depth > 0) {
        struct sum *top = &stack[depth - 1];
        if (top->next == top->node->n) {
            struct schema_named *done = named_of(by_number, top->node);
            done->open = false;
            done->measured = true;
            depth--;
            continue;
        }
        const struct weir_node *type = top->node->fields[top->next].type;
        struct schema_named *inner = type->type == WEIR_TYPE_RECORD ? named_of(by_number, type) : NULL;
        if (inner && inner->open)
            return schema_bad(reading, &whole, "a value of '%s' would contain itself without end",
                              inner->node->name);
        if (inner && !inner->measured) {
            inner->open = true;
            inner->node->least = 0;
            stack[depth++] = (struct sum){inner->node, 0};
            continue;
        }
        top->node->least = add(top->node->least, type->least);
        top->next++;
    }
    return true;
}

bool schema_least(struct schema_reading *reading)
{
    struct schema *schema = reading->schema;
    size_t n = schema->shown.n_named;
    struct schema_named **by_number = region_alloc(&schema->region, n * sizeof *by_number);
    struct sum *stack = region_alloc(&schema->region, n * sizeof *stack);
    if (!by_number || !stack)
        return schema_no_memory(reading);
    for (struct schema_named *named = schema->named; named; named = named->next)
        by_number[named->node->number] = named;
    for (struct schema_named *named = schema->named; named; named = named->next)
        if (named->node->type == WEIR_TYPE_RECORD && !named->measured &&
            !measure(reading, by_number, stack, named))
            return false;
    return true;
}
