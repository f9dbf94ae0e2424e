/* Which branch of a union a JSON value becomes (json.h has the rules). */
#include "avro/encode.h"
#include "avro/json_parts.h"

static bool read_branch(struct json_reading *r, const struct json_type *type, size_t branch,
                        struct slot *slot)
{
    if (!encode_long(r->c.out, (int64_t)branch))
        return cursor_fail_full(&r->c);
    return json_read_type(r, &type->choice->branches[branch], slot);
}

/* --- tagged values --- */

/* True when an object that begins with this name may be a plain value. */
static bool may_be_plain(const struct json_type *type, struct weir_bytes name)
{
    const struct json_choice *choice = type->choice;
    if (choice->first[WEIR_TYPE_MAP] >= 0)
        return true;
    for (size_t i = 0; i < type->node->n; i++) {
        const struct json_type *branch = &choice->branches[i];
        if (branch->node->type == WEIR_TYPE_RECORD && json_find(&branch->record->names, name) >= 0)
            return true;
    }
    return false;
}

/* The branch that the first name of the object at the cursor tags, -1 for none; the cursor stays there. */
static bool find_tag(struct json_reading *r, const struct json_type *type, int32_t *tag)
{
    struct cursor *c = &r->c;
    const uint8_t *start = c->p++;
    size_t used = c->out->used;
    struct weir_bytes name;
    *tag = -1;
    json_skip_space(c);
    bool named = c->p < c->end && *c->p == '"';
    if (named && !json_read_name(c, &name))
        return false;
    if (named)
        *tag = json_find(&type->choice->tags, name);
    if (*tag >= 0 && r->reader->options.unions == WEIR_UNIONS_AUTO && may_be_plain(type, name))
        *tag = -1;
    c->out->used = used;
    c->p = start;
    return true;
}

/* The object at the cursor, whose first name is known to be a tag. */
static bool read_tagged(struct json_reading *r, const struct json_type *type, size_t branch,
                        struct slot *slot)
{
    struct cursor *c = &r->c;
    struct json_span span;
    c->p++;
    json_skip_space(c);
    if (!json_span_read(c, &span) || !json_skip_mark(c, ':', "colon") || !read_branch(r, type, branch, slot))
        return false;
    json_skip_space(c);
    if (c->p < c->end && *c->p == ',')
        return cursor_fail(c, WEIR_CODE_WRONG_TYPE, c->p,
                           "more than one member in a tagged value of a union");
    return json_skip_mark(c, '}', "brace");
}

/* --- plain values: objects --- */

/*
 * Tries a branch; when it does not take the value, all is as it was, and *reached is how far it came. What is
 * read in vain is bounded, since each union within may try its branches too.
 */
static bool try_branch(struct json_reading *r, const struct json_type *type, size_t branch, bool strict,
                       const uint8_t **reached)
{
    struct json_reading probe = *r;
    struct weir_arena *out = r->c.out;
    struct weir_reason why;
    struct slot nowhere;
    probe.c.why = &why;
    probe.c.explains = false;
    probe.c.used = out->used;
    probe.c.cap = out->cap;
    probe.rejects_unknown = strict;
    bool done = read_branch(&probe, type, branch, &nowhere);
    r->tries = probe.tries;
    *reached = probe.c.p;
    if (done) {
        r->c.p = probe.c.p;
        r->c.empty = probe.c.empty;
        r->unknown = probe.unknown;
        return true;
    }
    size_t vain = (size_t)(probe.c.p - r->c.p) + 1;
    r->tries -= vain < r->tries ? vain : r->tries;
    return false;
}

/* The branches that objects may become, in the order in which they are tried; -1 behind the last. */
static int32_t next_object(const struct json_type *type, int32_t before)
{
    int32_t map = type->choice->first[WEIR_TYPE_MAP];
    if (before == map && map >= 0)
        return -1;
    for (size_t i = (size_t)(before + 1); i < type->node->n; i++)
        if (type->node->branches[i]->type == WEIR_TYPE_RECORD)
            return (int32_t)i;
    return map;
}

/* Reads the object with the first branch that takes it; *best is the one that came farthest otherwise. */
static bool try_objects(struct json_reading *r, const struct json_type *type, bool strict, int32_t *best)
{
    const uint8_t *farthest = r->c.p;
    for (int32_t i = next_object(type, -1); i >= 0 && r->tries > 0; i = next_object(type, i)) {
        const uint8_t *reached;
        if (try_branch(r, type, (size_t)i, strict, &reached))
            return true;
        if (reached > farthest) {
            farthest = reached;
            *best = i;
        }
    }
    return false;
}

static bool read_object(struct json_reading *r, const struct json_type *type, struct slot *slot)
{
    const struct json_choice *choice = type->choice;
    int32_t best = next_object(type, -1);
    if (choice->n_objects == 1)
        return read_branch(r, type, (size_t)best, slot);
    slot->kind = SLOT_NESTED;
    if (try_objects(r, type, true, &best) || (!r->rejects_unknown && try_objects(r, type, false, &best)))
        return true;
    if (r->tries == 0)
        return cursor_fail(&r->c, WEIR_CODE_WRONG_TYPE, r->c.p,
                           "the branches of unions were tried too often");
    /* None takes it: this one says best why. */
    return read_branch(r, type, (size_t)best, slot);
}

/* --- plain values: numbers and texts --- */

/* The first branch of int and long that the number fits. */
static int32_t integer_branch(const struct json_choice *choice, const struct number *number)
{
    struct slot slot;
    int32_t i = choice->first[WEIR_TYPE_INT], l = choice->first[WEIR_TYPE_LONG];
    bool fits_int = i >= 0 && json_fit_number(number, WEIR_TYPE_INT, &slot) == NUMBER_FITS;
    bool fits_long = l >= 0 && json_fit_number(number, WEIR_TYPE_LONG, &slot) == NUMBER_FITS;
    if (fits_int && fits_long)
        return i < l ? i : l;
    return fits_int ? i : fits_long ? l : -1;
}

static int32_t real_branch(const struct json_choice *choice)
{
    int32_t found = choice->first[WEIR_TYPE_DOUBLE];
    return found >= 0 ? found : choice->first[WEIR_TYPE_FLOAT];
}

/* One that fits none is left to the widest integer, which will say so. */
static int32_t number_branch(const struct json_choice *choice, const struct number *number)
{
    int32_t integer = integer_branch(choice, number), real = real_branch(choice);
    int32_t widest =
        choice->first[WEIR_TYPE_LONG] >= 0 ? choice->first[WEIR_TYPE_LONG] : choice->first[WEIR_TYPE_INT];
    if (integer >= 0 && (number->plain || real < 0))
        return integer;
    return real >= 0 ? real : widest;
}

static bool choose_number(struct cursor *c, const struct json_choice *choice, int32_t *branch)
{
    struct number number;
    if (json_scan_number(c, &number) == 0)
        return false;
    *branch = number_branch(choice, &number);
    return true;
}

/* The first branch of the type, after a branch or -1, that is any. */
static int32_t next_of(const struct json_type *type, int32_t before, enum weir_type wanted)
{
    for (size_t i = (size_t)(before + 1); i < type->node->n; i++)
        if (type->node->branches[i]->type == wanted)
            return (int32_t)i;
    return -1;
}

static int32_t symbol_branch(const struct json_type *type, struct weir_bytes name)
{
    for (int32_t i = type->choice->first[WEIR_TYPE_ENUM]; i >= 0; i = next_of(type, i, WEIR_TYPE_ENUM))
        if (json_find(type->choice->branches[i].symbols, name) >= 0)
            return i;
    return -1;
}

/* UTF-8 whose characters are all bytes; how many they are. */
static bool count_bytes(struct weir_bytes text, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] > 0xC3)
            return false;
        *n += (text.data[i] & 0xC0) != 0x80;
    }
    return true;
}

static int32_t fixed_branch(const struct json_type *type, struct weir_bytes text)
{
    size_t n;
    if (type->choice->first[WEIR_TYPE_FIXED] < 0 || !count_bytes(text, &n))
        return -1;
    for (int32_t i = type->choice->first[WEIR_TYPE_FIXED]; i >= 0; i = next_of(type, i, WEIR_TYPE_FIXED))
        if (type->node->branches[i]->size == n)
            return i;
    return -1;
}

/* The branch of a text that is a number: what JSON has no number for, or any where texts may be numbers. */
static int32_t spelled_branch(const struct json_reading *r, const struct json_choice *choice,
                              struct weir_bytes text)
{
    struct number number;
    double value;
    if (json_spells_real(text, &value))
        return real_branch(choice);
    if (r->reader->options.numbers != WEIR_NUMBERS_TEXT || text.len == 0 ||
        number_scan(text, &number) != text.len)
        return -1;
    return number_branch(choice, &number);
}

/* The first that is any, for texts that none takes: it will say so. */
static int32_t any_of(const struct json_choice *choice)
{
    static const enum weir_type types[] = {WEIR_TYPE_ENUM, WEIR_TYPE_FIXED, WEIR_TYPE_BYTES};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (choice->first[types[i]] >= 0)
            return choice->first[types[i]];
    return -1;
}

static bool choose_text(struct json_reading *r, const struct json_type *type, int32_t *branch)
{
    struct cursor *c = &r->c;
    const struct json_choice *choice = type->choice;
    const uint8_t *start = c->p;
    size_t used = c->out->used;
    struct weir_bytes text;
    *branch = choice->first[WEIR_TYPE_STRING];
    if (*branch >= 0)
        return true;
    if (!json_read_name(c, &text))
        return false;
    *branch = symbol_branch(type, text);
    if (*branch < 0)
        *branch = fixed_branch(type, text);
    if (*branch < 0)
        *branch = choice->first[WEIR_TYPE_BYTES];
    if (*branch < 0)
        *branch = spelled_branch(r, choice, text);
    if (*branch < 0)
        *branch = any_of(choice);
    c->out->used = used;
    c->p = start;
    return true;
}

/* --- the whole --- */

static bool choose(struct json_reading *r, const struct json_type *type, enum json_token token,
                   int32_t *branch)
{
    const struct json_choice *choice = type->choice;
    switch (token) {
    case JSON_TOKEN_NULL: *branch = choice->first[WEIR_TYPE_NULL]; return true;
    case JSON_TOKEN_BOOLEAN: *branch = choice->first[WEIR_TYPE_BOOLEAN]; return true;
    case JSON_TOKEN_NUMBER: return choose_number(&r->c, choice, branch);
    case JSON_TOKEN_TEXT: return choose_text(r, type, branch);
    case JSON_TOKEN_ARRAY: *branch = choice->first[WEIR_TYPE_ARRAY]; return true;
    case JSON_TOKEN_OBJECT:
    case JSON_TOKEN_NONE: break;
    }
    *branch = -1;
    return true;
}

static bool read_plain(struct json_reading *r, const struct json_type *type, struct slot *slot,
                       enum json_token token)
{
    int32_t branch = -1;
    if (token == JSON_TOKEN_OBJECT && type->choice->n_objects > 0)
        return read_object(r, type, slot);
    if (!choose(r, type, token, &branch))
        return false;
    if (branch >= 0)
        return read_branch(r, type, (size_t)branch, slot);
    return cursor_fail(&r->c, WEIR_CODE_WRONG_TYPE, r->c.p, "%s is of no branch of the union",
                       json_token_names[token]);
}

bool json_read_union(struct json_reading *r, const struct json_type *type, struct slot *slot)
{
    enum json_token token = json_token_at(&r->c);
    enum weir_unions unions = r->reader->options.unions;
    int32_t tag = -1;
    if (token == JSON_TOKEN_NONE)
        return json_fail_syntax(&r->c, "value");
    if (token == JSON_TOKEN_OBJECT && unions != WEIR_UNIONS_PLAIN && !find_tag(r, type, &tag))
        return false;
    if (tag >= 0)
        return read_tagged(r, type, (size_t)tag, slot);
    if (unions == WEIR_UNIONS_TAGGED && token != JSON_TOKEN_NULL)
        return cursor_fail(&r->c, WEIR_CODE_WRONG_TYPE, r->c.p, "%s that names no branch of the union",
                           json_token_names[token]);
    return read_plain(r, type, slot, token);
}
