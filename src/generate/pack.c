#include "generate/pack.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "archive/encoder.h"
#include "weir/pipeline.h"

#define NO_FIELD LOGIN_FIELDS

struct pack {
    uint32_t id;
    unsigned without;
    struct encoder *encoder;
    size_t n;
    enum login_field field_of[ENCODER_FIELDS_MAX]; /* which of a login's fields is the schema's field i */
};

static char *put(char *p, const char *text, size_t len)
{
    memcpy(p, text, len);
    return p + len;
}

static char *put_text(char *p, const char *text)
{
    return put(p, text, strlen(text));
}

static char *put_member(char *p, const struct login *login, const struct pack_shape *shape,
                        enum login_field field)
{
    *p++ = '"';
    p = put_text(p, login_field_name(field));
    p = put_text(p, "\": ");
    if (shape->bare & 1u << field)
        return put_text(p, shape->bare_text);
    *p++ = '"';
    p = put(p, login->text[field], login->len[field]);
    *p++ = '"';
    return p;
}

struct weir_bytes pack_json(const struct login *login, const struct pack_shape *shape, struct weir_arena *out)
{
    size_t extra_len = shape->extra ? strlen(shape->extra) : 0;
    assert(weir_arena_left(out) >= PACK_ROOM + extra_len);
    char *start = (char *)out->base + out->used, *p = start;
    const char *before = "";
    *p++ = '{';
    for (unsigned field = 0; field < LOGIN_FIELDS; field++) {
        if (shape->without & 1u << field)
            continue;
        p = put_text(p, before);
        p = put_member(p, login, shape, (enum login_field)field);
        before = ", ";
    }
    if (shape->extra) {
        p = put_text(p, before);
        p = put(p, shape->extra, extra_len);
    }
    *p++ = '}';
    size_t len = (size_t)(p - start);
    assert(len <= PACK_ROOM + extra_len);
    out->used += len;
    return (struct weir_bytes){(const uint8_t *)start, len};
}

static enum login_field field_named(const char *name)
{
    unsigned field = 0;
    while (field < LOGIN_FIELDS && strcmp(login_field_name((enum login_field)field), name) != 0)
        field++;
    return (enum login_field)field;
}

/* Finds out which field of the schema takes which of a login. */
static enum weir_err_code match_fields(struct pack *pack, struct weir_err *err)
{
    pack->n = encoder_count(pack->encoder);
    pack->without = (1u << LOGIN_FIELDS) - 1;
    for (size_t i = 0; i < pack->n; i++) {
        enum login_field field = field_named(encoder_name(pack->encoder, i));
        if (encoder_kind(pack->encoder, i) == ENCODER_NULLABLE)
            field = NO_FIELD;
        else if (field == NO_FIELD)
            return weir_fail(err, WEIR_ERR_BAD_SCHEMA, "field '%s' is none of a user login's",
                             encoder_name(pack->encoder, i));
        else
            pack->without &= ~(1u << field);
        pack->field_of[i] = field;
    }
    return WEIR_OK;
}

enum weir_err_code pack_open(struct weir_bytes schema, uint32_t id, struct pack **out, struct weir_err *err)
{
    struct pack *pack = calloc(1, sizeof *pack);
    if (!pack)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a writer schema");
    pack->id = id;
    enum weir_err_code code = encoder_open(schema, &pack->encoder, err);
    if (code == WEIR_OK)
        code = match_fields(pack, err);
    if (code != WEIR_OK) {
        pack_close(pack);
        return code;
    }
    *out = pack;
    return WEIR_OK;
}

void pack_close(struct pack *pack)
{
    if (!pack)
        return;
    encoder_close(pack->encoder);
    free(pack);
}

unsigned pack_without(const struct pack *pack)
{
    return pack->without;
}

static void put_prefix(uint8_t *p, uint32_t id)
{
    p[0] = 0;
    for (unsigned i = 0; i < 4; i++)
        p[1 + i] = (uint8_t)(id >> (24 - 8 * i));
}

struct weir_bytes pack_avro(struct pack *pack, const struct login *login, struct weir_arena *out,
                            size_t starts[LOGIN_FIELDS])
{
    assert(weir_arena_left(out) >= PACK_ROOM);
    size_t at[ENCODER_FIELDS_MAX];
    for (size_t i = 0; i < pack->n; i++) {
        enum login_field field = pack->field_of[i];
        if (field != NO_FIELD && !encoder_set_text(pack->encoder, i, login->text[field], login->len[field]))
            return WEIR_NO_BYTES;
    }
    uint8_t *start = weir_arena_alloc(out, WEIR_WIRE_PREFIX, 1);
    put_prefix(start, pack->id);
    if (!encoder_write(pack->encoder, out, at))
        return WEIR_NO_BYTES;
    for (size_t i = 0; i < pack->n; i++)
        if (pack->field_of[i] != NO_FIELD)
            starts[pack->field_of[i]] = WEIR_WIRE_PREFIX + at[i];
    return (struct weir_bytes){start, (size_t)(out->base + out->used - start)};
}
