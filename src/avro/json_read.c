/* JSON against a schema, straight into Avro's binary encoding. */
#include <string.h>

#include "avro/encode.h"
#include "avro/json_parts.h"
#include "avro/number.h"

/* Most of a number that a reason shows. */
#define NUMBER_SHOWN 40

/* What a value is, by its first byte. */
enum token { TOKEN_NULL, TOKEN_BOOLEAN, TOKEN_NUMBER, TOKEN_TEXT, TOKEN_OBJECT, TOKEN_ARRAY, TOKEN_NONE };

static const char *const token_names[] = {"null", "a boolean", "a number", "a text", "an object", "an array"};

static enum token token_at(const struct cursor *c)
{
    if (c->p == c->end)
        return TOKEN_NONE;
    switch (*c->p) {
    case 'n': return TOKEN_NULL;
    case 't':
    case 'f': return TOKEN_BOOLEAN;
    case '"': return TOKEN_TEXT;
    case '{': return TOKEN_OBJECT;
    case '[': return TOKEN_ARRAY;
    default: return (*c->p >= '0' && *c->p <= '9') || *c->p == '-' ? TOKEN_NUMBER : TOKEN_NONE;
    }
}

static bool read_value(struct cursor *c, const struct json_reader *reader, const struct json_type *type,
                       struct slot *slot, size_t depth);
static bool read_members(struct cursor *c, const struct json_reader *reader, const struct json_record *record,
                         struct slot *slots, size_t depth);

static bool fail_type(struct cursor *c, const struct weir_node *node, enum token token)
{
    if (token == TOKEN_NONE)
        return json_fail_syntax(c, "value");
    return cursor_fail(c, WEIR_CODE_WRONG_TYPE, c->p, "%s is no %s", token_names[token],
                       weir_type_name(node->type));
}

static bool written(struct cursor *c, bool done)
{
    return done || cursor_fail_full(c);
}

/* --- scalars --- */

static bool read_boolean(struct cursor *c, struct slot *slot)
{
    bool value = *c->p == 't';
    slot->kind = SLOT_BOOLEAN;
    slot->v.i = value;
    return json_skip_word(c, value ? "true" : "false") && written(c, encode_boolean(c->out, value));
}

/* The number at the cursor, which is left before it. 0 after a failure. */
static size_t scan_number(struct cursor *c, struct number *number)
{
    size_t len = number_scan((struct weir_bytes){c->p, (size_t)(c->end - c->p)}, number);
    if (len == 0)
        json_fail_syntax(c, "value");
    return len;
}

static bool fail_number(struct cursor *c, size_t len, enum number_fit fit, enum weir_type type)
{
    const char *dots = len > NUMBER_SHOWN ? "..." : "";
    int shown = len > NUMBER_SHOWN ? NUMBER_SHOWN : (int)len;
    return cursor_fail(c, WEIR_CODE_OUT_OF_RANGE, c->p, "%.*s%s is %s %s", shown, (const char *)c->p, dots,
                       fit == NUMBER_FRACTION ? "no" : "out of the range of", weir_type_name(type));
}

/* Fits the number into a slot of the type. */
static enum number_fit fit_number(const struct number *number, enum weir_type type, struct slot *slot)
{
    enum number_fit fit;
    float real = 0;
    slot->kind = type == WEIR_TYPE_INT || type == WEIR_TYPE_LONG ? SLOT_INTEGER : SLOT_REAL;
    switch (type) {
    case WEIR_TYPE_INT: return number_to_long(number, INT32_MIN, INT32_MAX, &slot->v.i);
    case WEIR_TYPE_LONG: return number_to_long(number, INT64_MIN, INT64_MAX, &slot->v.i);
    case WEIR_TYPE_DOUBLE: return number_to_double(number, &slot->v.d);
    default:
        fit = number_to_float(number, &real);
        slot->v.d = (double)real;
        return fit;
    }
}

static bool read_number(struct cursor *c, enum weir_type type, struct slot *slot)
{
    struct number number;
    size_t len = scan_number(c, &number);
    if (len == 0)
        return false;
    enum number_fit fit = fit_number(&number, type, slot);
    if (fit != NUMBER_FITS)
        return fail_number(c, len, fit, type);
    c->p += len;
    if (slot->kind == SLOT_INTEGER)
        return written(c, encode_long(c->out, slot->v.i));
    return written(c, type == WEIR_TYPE_FLOAT ? encode_float(c->out, (float)slot->v.d)
                                              : encode_double(c->out, slot->v.d));
}

/* A text as string or bytes. Its length stands before it, so one with escapes is measured first. */
static bool read_text(struct cursor *c, enum weir_type type, struct slot *slot)
{
    enum json_use use = type == WEIR_TYPE_STRING ? JSON_USE_STRING : JSON_USE_BYTES;
    struct json_span span;
    if (!json_span_read(c, &span))
        return false;
    slot->kind = type == WEIR_TYPE_STRING ? SLOT_TEXT : SLOT_BINARY;
    if (use == JSON_USE_STRING && !span.escaped) {
        if (!encode_text(c->out, span.inside))
            return cursor_fail_full(c);
        slot->v.text = (struct weir_bytes){c->out->base + c->out->used - span.inside.len, span.inside.len};
        return true;
    }
    struct weir_bytes measured;
    return json_span_decode(c, &span, use, false, &measured) &&
           written(c, encode_long(c->out, (int64_t)measured.len)) &&
           json_span_decode(c, &span, use, true, &slot->v.text);
}

/* The index of the symbol that the text at the cursor is, -1 for none. False after a failure. */
static bool find_symbol(struct cursor *c, const struct weir_node *node, int64_t *index)
{
    struct json_span span;
    size_t used = c->out->used;
    *index = -1;
    if (!json_span_read(c, &span))
        return false;
    struct weir_bytes text = span.inside;
    if (span.escaped && !json_span_decode(c, &span, JSON_USE_NAME, true, &text))
        return false;
    for (size_t i = 0; i < node->n && *index < 0; i++)
        if (weir_bytes_equal(text, weir_bytes_of(node->symbols[i])))
            *index = (int64_t)i;
    c->out->used = used;
    return true;
}

static bool read_enum(struct cursor *c, const struct weir_node *node, struct slot *slot)
{
    const uint8_t *start = c->p;
    if (!find_symbol(c, node, &slot->v.i))
        return false;
    slot->kind = SLOT_SYMBOL;
    if (slot->v.i < 0)
        return cursor_fail(c, WEIR_CODE_BAD_ENUM, start, "a text that is no symbol of %s", node->name);
    return written(c, encode_long(c->out, slot->v.i));
}

/* --- unions (json.h says which branch) --- */

static int branch_of(const struct weir_node *node, enum weir_type type)
{
    for (size_t i = 0; i < node->n; i++)
        if (node->branches[i]->type == type)
            return (int)i;
    return -1;
}

/* The first branch of int and long that the number fits. */
static int integer_branch(const struct weir_node *node, const struct number *number)
{
    struct slot slot;
    for (size_t i = 0; i < node->n; i++) {
        enum weir_type type = node->branches[i]->type;
        bool is_integer = type == WEIR_TYPE_INT || type == WEIR_TYPE_LONG;
        if (is_integer && fit_number(number, type, &slot) == NUMBER_FITS)
            return (int)i;
    }
    return -1;
}

static int real_branch(const struct weir_node *node)
{
    int found = branch_of(node, WEIR_TYPE_DOUBLE);
    return found >= 0 ? found : branch_of(node, WEIR_TYPE_FLOAT);
}

static bool choose_number(struct cursor *c, const struct weir_node *node, int *branch)
{
    struct number number;
    if (scan_number(c, &number) == 0)
        return false;
    int integer = integer_branch(node, &number), real = real_branch(node);
    *branch = (number.plain && integer >= 0) || real < 0 ? integer : real;
    /* One that fits none is left to the widest integer, which will say so. */
    if (*branch < 0)
        *branch = branch_of(node, WEIR_TYPE_LONG);
    if (*branch < 0)
        *branch = branch_of(node, WEIR_TYPE_INT);
    return true;
}

static bool choose_text(struct cursor *c, const struct weir_node *node, int *branch)
{
    *branch = branch_of(node, WEIR_TYPE_STRING);
    const uint8_t *start = c->p;
    for (size_t i = 0; *branch < 0 && i < node->n; i++) {
        int64_t index = -1;
        if (node->branches[i]->type != WEIR_TYPE_ENUM)
            continue;
        if (!find_symbol(c, node->branches[i], &index))
            return false;
        c->p = start;
        *branch = index >= 0 ? (int)i : -1;
    }
    if (*branch < 0)
        *branch = branch_of(node, WEIR_TYPE_BYTES);
    /* A text that is no symbol is left to the enum, which will say so. */
    if (*branch < 0)
        *branch = branch_of(node, WEIR_TYPE_ENUM);
    return true;
}

static bool choose(struct cursor *c, const struct weir_node *node, enum token token, int *branch)
{
    switch (token) {
    case TOKEN_NULL: *branch = branch_of(node, WEIR_TYPE_NULL); return true;
    case TOKEN_BOOLEAN: *branch = branch_of(node, WEIR_TYPE_BOOLEAN); return true;
    case TOKEN_NUMBER: return choose_number(c, node, branch);
    case TOKEN_TEXT: return choose_text(c, node, branch);
    case TOKEN_OBJECT: *branch = branch_of(node, WEIR_TYPE_RECORD); return true;
    case TOKEN_ARRAY:
    case TOKEN_NONE: break;
    }
    *branch = -1;
    return true;
}

static bool read_union(struct cursor *c, const struct json_reader *reader, const struct json_type *type,
                       struct slot *slot, size_t depth)
{
    enum token token = token_at(c);
    int branch;
    if (!choose(c, type->node, token, &branch))
        return false;
    if (branch < 0)
        return token == TOKEN_NONE ? json_fail_syntax(c, "value")
                                   : cursor_fail(c, WEIR_CODE_WRONG_TYPE, c->p,
                                                 "%s is of no branch of the union", token_names[token]);
    return written(c, encode_long(c->out, branch)) &&
           read_value(c, reader, &type->branches[branch], slot, depth);
}

/* --- records --- */

/* A record within another: its fields are encoded as they come, then put in the schema's order. */
static bool read_nested(struct cursor *c, const struct json_reader *reader, const struct json_record *record,
                        struct slot *slot, size_t depth)
{
    struct weir_arena *out = c->out;
    size_t cap = out->cap, begin = out->used;
    struct slot *slots = cursor_reserve(out, record->n, sizeof *slots, _Alignof(struct slot));
    if (!slots)
        return cursor_fail_full(c);
    if (!read_members(c, reader, record, slots, depth))
        return false;
    size_t ordered = out->used;
    for (size_t i = 0; i < record->n; i++)
        if (!encode_raw(out, slots[i].raw))
            return cursor_fail_full(c);
    size_t len = out->used - ordered;
    memmove(out->base + begin, out->base + ordered, len);
    out->used = begin + len;
    out->cap = cap;
    slot->kind = SLOT_NESTED;
    return true;
}

static bool is_fit(enum weir_type type, enum token token)
{
    switch (token) {
    case TOKEN_NULL: return type == WEIR_TYPE_NULL;
    case TOKEN_BOOLEAN: return type == WEIR_TYPE_BOOLEAN;
    case TOKEN_NUMBER: return type >= WEIR_TYPE_INT && type <= WEIR_TYPE_DOUBLE;
    case TOKEN_TEXT: return type == WEIR_TYPE_STRING || type == WEIR_TYPE_BYTES || type == WEIR_TYPE_ENUM;
    case TOKEN_OBJECT: return type == WEIR_TYPE_RECORD;
    case TOKEN_ARRAY:
    case TOKEN_NONE: break;
    }
    return false;
}

/* Adds the value at the cursor to out; kind and v of the slot are set. */
static bool read_value(struct cursor *c, const struct json_reader *reader, const struct json_type *type,
                       struct slot *slot, size_t depth)
{
    const struct weir_node *node = type->node;
    if (node->type == WEIR_TYPE_UNION)
        return read_union(c, reader, type, slot, depth);
    enum token token = token_at(c);
    if (!is_fit(node->type, token))
        return fail_type(c, node, token);
    switch (token) {
    case TOKEN_NULL: slot->kind = SLOT_NULL; return json_skip_word(c, "null");
    case TOKEN_BOOLEAN: return read_boolean(c, slot);
    case TOKEN_NUMBER: return read_number(c, node->type, slot);
    case TOKEN_OBJECT: return read_nested(c, reader, type->record, slot, depth + 1);
    default: return node->type == WEIR_TYPE_ENUM ? read_enum(c, node, slot) : read_text(c, node->type, slot);
    }
}

static const struct json_field *find_field(const struct json_record *record, struct weir_bytes name)
{
    uint32_t hash = json_hash(name);
    for (size_t at = hash & record->mask; record->entries[at].name.data; at = (at + 1) & record->mask) {
        const struct json_entry *entry = &record->entries[at];
        if (entry->hash == hash && weir_bytes_equal(entry->name, name))
            return &record->fields[entry->field];
    }
    return NULL;
}

/* True, and past it, when the name at the cursor is that of the field after the last one: producers keep an
 * order. Not so for one with escapes, which only looks different. */
static bool name_is(struct cursor *c, const struct json_record *record, size_t guess)
{
    if (guess >= record->n)
        return false;
    struct weir_bytes name = record->fields[guess].name;
    if ((size_t)(c->end - c->p) < name.len + 2 || c->p[name.len + 1] != '"' ||
        memcmp(c->p + 1, name.data, name.len) != 0)
        return false;
    c->p += name.len + 2;
    return true;
}

/* Reads any name; *field is NULL for one that the record has not. */
static bool look_up_name(struct cursor *c, const struct json_record *record, const struct json_field **field)
{
    struct json_span span;
    size_t used = c->out->used;
    if (!json_span_read(c, &span))
        return false;
    struct weir_bytes name = span.inside;
    if (span.escaped && !json_span_decode(c, &span, JSON_USE_NAME, true, &name))
        return false;
    *field = find_field(record, name);
    c->out->used = used;
    return true;
}

/* Reads a member's name and the colon after it. */
static bool read_name(struct cursor *c, const struct json_record *record, size_t guess,
                      const struct json_field **field)
{
    if (c->p == c->end || *c->p != '"')
        return json_fail_syntax(c, "name");
    if (name_is(c, record, guess))
        *field = &record->fields[guess];
    else if (!look_up_name(c, record, field))
        return false;
    json_skip_space(c);
    if (c->p == c->end || *c->p != ':')
        return json_fail_syntax(c, "colon");
    c->p++;
    json_skip_space(c);
    return true;
}

static bool read_field(struct cursor *c, const struct json_reader *reader, const struct json_field *field,
                       struct slot *slot, size_t depth)
{
    size_t used = c->out->used;
    if (slot->raw.data)
        return cursor_fail(c, WEIR_CODE_DUPLICATE_FIELD, c->p, "the field stands twice");
    slot->at = (uint32_t)(c->p - c->begin);
    slot->defaulted = false;
    if (!read_value(c, reader, &field->type, slot, depth))
        return false;
    slot->raw = (struct weir_bytes){c->out->base + used, c->out->used - used};
    return true;
}

/* One member of the object, whose name is at the cursor. */
static bool read_member(struct cursor *c, const struct json_reader *reader, const struct json_record *record,
                        struct slot *slots, size_t *guess, size_t depth)
{
    const uint8_t *start = c->p;
    const struct json_field *field = NULL;
    if (!read_name(c, record, *guess, &field))
        return false;
    if (field) {
        size_t index = (size_t)(field - record->fields);
        *guess = index + 1;
        return read_field(c, reader, field, &slots[index], depth) || cursor_fail_in(c, field->label);
    }
    if (reader->rejects_unknown)
        return cursor_fail(c, WEIR_CODE_UNKNOWN_FIELD, start, "the schema has no such field");
    return json_skip_value(c, depth);
}

static bool take_defaults(struct cursor *c, const struct json_record *record, struct slot *slots)
{
    for (size_t i = 0; i < record->n; i++) {
        const struct json_field *field = &record->fields[i];
        if (slots[i].raw.data)
            continue;
        if (!field->has_default) {
            cursor_explain(c, WEIR_CODE_MISSING_FIELD, c->p, "the field is missing, and has no default");
            c->why->byte_offset = -1;
            return cursor_fail_in(c, field->label);
        }
        slots[i] = field->missing;
    }
    return true;
}

/* The object at the cursor, which stands depth levels deep, into the record's slots. */
static bool read_members(struct cursor *c, const struct json_reader *reader, const struct json_record *record,
                         struct slot *slots, size_t depth)
{
    size_t guess = 0;
    for (size_t i = 0; i < record->n; i++)
        slots[i].raw = WEIR_NO_BYTES;
    c->p++;
    json_skip_space(c);
    if (c->p < c->end && *c->p == '}') {
        c->p++;
        return take_defaults(c, record, slots);
    }
    for (;;) {
        json_skip_space(c);
        if (!read_member(c, reader, record, slots, &guess, depth))
            return false;
        json_skip_space(c);
        if (c->p == c->end || (*c->p != ',' && *c->p != '}'))
            return json_fail_syntax(c, "comma or brace");
        if (*c->p++ == '}')
            return take_defaults(c, record, slots);
    }
}

bool json_read(const struct json_reader *reader, struct weir_bytes text, struct weir_arena *scratch,
               struct slot *slots, struct weir_reason *why)
{
    struct cursor c = cursor_at(text, 0, scratch, why, true);
    json_skip_space(&c);
    if (token_at(&c) != TOKEN_OBJECT)
        return json_fail_syntax(&c, "object");
    if (!read_members(&c, reader, reader->root, slots, 1))
        return false;
    json_skip_space(&c);
    return c.p == c.end ||
           cursor_fail(&c, WEIR_CODE_TRAILING_BYTES, c.p, "%td bytes after the object", c.end - c.p);
}
