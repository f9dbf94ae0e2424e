#include "generate/malform.h"

#include <assert.h>
#include <string.h>

enum forms { AVRO = 1, JSON = 2, ANY = 3 };

/* One record in the making. */
struct making {
    struct login login;
    struct pack_shape shape;
    struct pack *pack; /* NULL: JSON */
    struct prng *prng;
    struct weir_arena *out;
    uint8_t *data; /* the value, at the end of out, so that it can grow and shrink */
    size_t len;
    size_t starts[LOGIN_FIELDS]; /* Avro: where the lengths stand */
    char extra[16 + 2 * MALFORM_DEPTH + LOGIN_TEXT_MAX];
};

/* --- before packing: the login or its shape --- */

#define ANY_OF(m, table) ((table)[prng_below((m)->prng, sizeof(table) / sizeof((table)[0]))])

static enum login_field any_field(struct making *m)
{
    return (enum login_field)prng_below(m->prng, LOGIN_FIELDS);
}

static void spoil_ip(struct making *m)
{
    static const char *const texts[] = {"999.1.2.3", "1.2.3",       "1.2.3.4.5", "localhost",
                                        "1.2.3.-4",  "2001:db8::g", "1.2.3.4 ",  ""};
    login_set(&m->login, LOGIN_IP, ANY_OF(m, texts));
}

static void spoil_timestamp(struct making *m)
{
    static const char *const texts[] = {"yesterday",   "2023-09-12T00:45:51Z", "1694479551s",
                                        "16944 79551", "99999999999999999999", ""};
    login_set(&m->login, LOGIN_TIMESTAMP, ANY_OF(m, texts));
}

static void spoil_byte(struct making *m, char byte)
{
    enum login_field field = any_field(m);
    m->login.text[field][prng_below(m->prng, (uint32_t)m->login.len[field])] = byte;
}

static void spoil_utf8(struct making *m)
{
    /* Never legal, a stray continuation, an overlong start, and starts of sequences that do not go on. */
    static const unsigned char bytes[] = {0xff, 0xfe, 0x80, 0xbf, 0xc0, 0xc3, 0xe2, 0xf0, 0xf5};
    spoil_byte(m, (char)ANY_OF(m, bytes));
}

static void spoil_control(struct making *m)
{
    spoil_byte(m, '\x01');
}

static void bare(struct making *m, const char *text)
{
    m->shape.bare = 1u << any_field(m);
    m->shape.bare_text = text;
}

static void put_number(struct making *m)
{
    static const char *const texts[] = {"42", "-1", "2.3", "1694479551", "1e3"};
    bare(m, ANY_OF(m, texts));
}

static void put_null(struct making *m)
{
    bare(m, "null");
}

static void put_nested(struct making *m)
{
    static const char *const texts[] = {"{}", "{\"string\": \"x\"}", "[]", "[\"x\"]"};
    bare(m, ANY_OF(m, texts));
}

static void add_duplicate(struct making *m)
{
    enum login_field field = any_field(m);
    char *p = m->extra;
    *p++ = '"';
    p = stpcpy(p, login_field_name(field));
    p = stpcpy(p, "\": \"");
    p = stpcpy(p, m->login.text[field]);
    stpcpy(p, "\"");
    m->shape.extra = m->extra;
}

static void add_deep(struct making *m)
{
    char *p = stpcpy(m->extra, "\"trace\": ");
    memset(p, '[', MALFORM_DEPTH);
    memset(p + MALFORM_DEPTH, ']', MALFORM_DEPTH);
    p[2 * MALFORM_DEPTH] = '\0';
    m->shape.extra = m->extra;
}

/* --- after packing: the bytes --- */

/* Makes the value longer by n bytes, which are not set. */
static uint8_t *extend(struct making *m, size_t n)
{
    uint8_t *more = weir_arena_alloc(m->out, n, 1);
    assert(more == m->data + m->len);
    m->len += n;
    return more;
}

static void cut_to(struct making *m, size_t len)
{
    m->out->used -= m->len - len;
    m->len = len;
}

static void cut_all(struct making *m)
{
    cut_to(m, 0);
}

static void cut_prefix(struct making *m)
{
    cut_to(m, 1 + prng_below(m->prng, WEIR_WIRE_PREFIX - 1));
}

static void cut_body(struct making *m)
{
    size_t whole = m->pack ? WEIR_WIRE_PREFIX : 1;
    cut_to(m, whole + prng_below(m->prng, (uint32_t)(m->len - whole)));
}

static void spoil_magic(struct making *m)
{
    static const unsigned char bytes[] = {0x7f, 0x02, 0xff, 'P', '<'};
    m->data[0] = ANY_OF(m, bytes);
}

static void append_bytes(struct making *m)
{
    size_t n = 1 + prng_below(m->prng, 8);
    uint8_t *more = extend(m, n);
    for (size_t i = 0; i < n; i++)
        more[i] = (uint8_t)prng_next(m->prng);
}

static void append_text(struct making *m)
{
    static const char *const texts[] = {"{}", " x", ", ", "}"};
    const char *text = ANY_OF(m, texts);
    memcpy(extend(m, strlen(text)), text, strlen(text));
}

static void wrap_in_array(struct making *m)
{
    extend(m, 2);
    memmove(m->data + 1, m->data, m->len - 2);
    m->data[0] = '[';
    m->data[m->len - 1] = ']';
}

/* Puts n bytes where a field's length was: one byte, since a login's texts are short. */
static void replace_length(struct making *m, const uint8_t *bytes, size_t n)
{
    size_t at = m->starts[any_field(m)], rest = m->len - at - 1;
    extend(m, n - 1);
    memmove(m->data + at + n, m->data + at + 1, rest);
    memcpy(m->data + at, bytes, n);
}

static void negative_length(struct making *m)
{
    /* -1 to -64 in zigzag. */
    uint8_t byte = (uint8_t)(1 + 2 * prng_below(m->prng, 64));
    replace_length(m, &byte, 1);
}

static void endless_length(struct making *m)
{
    static const uint8_t bytes[11] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    replace_length(m, bytes, sizeof bytes);
}

static void huge_length(struct making *m)
{
    /* A power of two from 2^12, beyond any login, to 2^62; its zigzag is twice that. */
    uint64_t zigzag = UINT64_C(2) << (12 + prng_below(m->prng, 51));
    uint8_t bytes[10];
    size_t n = 0;
    for (; zigzag >= 0x80; zigzag >>= 7)
        bytes[n++] = (uint8_t)(zigzag | 0x80);
    bytes[n++] = (uint8_t)zigzag;
    replace_length(m, bytes, n);
}

/* --- the table --- */

enum when { BEFORE, AFTER };

struct row {
    const char *name;
    enum forms forms;
    enum weir_code code;
    enum when when;
    void (*step)(struct making *m);
};

static const struct row rows[MALFORM_COUNT] = {
#define MALFORM(NAME, name, FORMS, CODE, WHEN, step, meaning)                                                \
    [MALFORM_##NAME] = {#name, FORMS, WEIR_CODE_##CODE, WHEN, step},
#include "generate/malform.def"
#undef MALFORM
};

const char *malform_name(enum malform_kind kind)
{
    return rows[kind].name;
}

enum weir_code malform_code(enum malform_kind kind)
{
    return rows[kind].code;
}

bool malform_fits(enum malform_kind kind, bool avro)
{
    return rows[kind].forms & (avro ? AVRO : JSON);
}

enum malform_kind malform_pick(struct prng *prng, bool avro)
{
    uint32_t n = 0;
    enum malform_kind fitting[MALFORM_COUNT];
    for (unsigned kind = 0; kind < MALFORM_COUNT; kind++)
        if (malform_fits((enum malform_kind)kind, avro))
            fitting[n++] = (enum malform_kind)kind;
    return fitting[prng_below(prng, n)];
}

static struct weir_bytes pack_login(struct making *m)
{
    return m->pack ? pack_avro(m->pack, &m->login, m->out, m->starts)
                   : pack_json(&m->login, &m->shape, m->out);
}

struct weir_bytes malform_make(enum malform_kind kind, const struct login *login, struct pack *pack,
                               struct prng *prng, struct weir_arena *out)
{
    const struct row *row = &rows[kind];
    assert(malform_fits(kind, pack != NULL) && weir_arena_left(out) >= MALFORM_ROOM);
    assert(!pack || pack_without(pack) == 0);
    struct making m = {.login = *login, .pack = pack, .prng = prng, .out = out};
    m.data = out->base + out->used;
    if (row->when == BEFORE)
        row->step(&m);
    struct weir_bytes packed = pack_login(&m);
    if (!packed.data)
        return WEIR_NO_BYTES;
    m.len = packed.len;
    if (row->when == AFTER)
        row->step(&m);
    return (struct weir_bytes){m.data, m.len};
}
