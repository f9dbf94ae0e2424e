/* That each kind has its property, seen by readers that are none of ours: a few lines here, and jansson. */
#include "generate/malform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "login_schema.h"

#define TIMES 300

struct fixture {
    struct pack *pack;
    struct weir_arena out;
    uint8_t memory[MALFORM_ROOM];
};

/* What a plain reader of a login's Avro finds; texts[i] are the fields as far as it came. */
static enum weir_code read_avro(struct weir_bytes value, struct weir_bytes texts[LOGIN_FIELDS])
{
    size_t at = WEIR_WIRE_PREFIX;
    for (unsigned i = 0; i < LOGIN_FIELDS; i++) {
        uint64_t zigzag = 0;
        unsigned shift = 0;
        do {
            if (at == value.len)
                return WEIR_CODE_TRUNCATED;
            if (shift > 63)
                return WEIR_CODE_BAD_LENGTH;
            zigzag |= (uint64_t)(value.data[at] & 0x7f) << shift;
            shift += 7;
        } while (value.data[at++] & 0x80);
        if (zigzag & 1)
            return WEIR_CODE_BAD_LENGTH;
        if (zigzag >> 1 > value.len - at)
            return WEIR_CODE_TRUNCATED;
        texts[i] = (struct weir_bytes){value.data + at, (size_t)(zigzag >> 1)};
        if (!weir_utf8_valid(texts[i], NULL))
            return WEIR_CODE_BAD_UTF8;
        at += texts[i].len;
    }
    return at == value.len ? WEIR_CODE_NONE : WEIR_CODE_TRAILING_BYTES;
}

/* The depth of brackets at the deepest. */
static unsigned depth_of(struct weir_bytes text)
{
    unsigned depth = 0, deepest = 0;
    for (size_t i = 0; i < text.len; i++) {
        depth += text.data[i] == '[' || text.data[i] == '{';
        depth -= text.data[i] == ']' || text.data[i] == '}';
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest;
}

static enum weir_code read_members(const json_t *json, struct weir_bytes texts[LOGIN_FIELDS])
{
    for (unsigned i = 0; i < LOGIN_FIELDS; i++) {
        const json_t *member = json_object_get(json, login_field_name((enum login_field)i));
        if (!json_is_string(member))
            return WEIR_CODE_WRONG_TYPE;
        texts[i] = weir_bytes_of(json_string_value(member));
    }
    return WEIR_CODE_NONE;
}

/* What jansson finds. texts borrow from *json, which the caller releases. */
static enum weir_code read_json(struct weir_bytes value, struct weir_bytes texts[LOGIN_FIELDS], json_t **json)
{
    json_error_t error;
    *json = json_loadb((const char *)value.data, value.len, JSON_REJECT_DUPLICATES, &error);
    if (*json)
        return depth_of(value) > 100 ? WEIR_CODE_TOO_DEEP : read_members(*json, texts);
    switch (json_error_code(&error)) {
    case json_error_invalid_utf8: return WEIR_CODE_BAD_UTF8;
    case json_error_duplicate_key: return WEIR_CODE_DUPLICATE_FIELD;
    case json_error_end_of_input_expected: return WEIR_CODE_TRAILING_BYTES;
    default: return WEIR_CODE_NOT_JSON;
    }
}

static bool is_ip(struct weir_bytes text)
{
    char copy[LOGIN_TEXT_MAX] = {0};
    unsigned char address[16];
    memcpy(copy, text.data, text.len);
    return inet_pton(AF_INET, copy, address) == 1 || inet_pton(AF_INET6, copy, address) == 1;
}

static bool is_seconds(struct weir_bytes text)
{
    bool digits = text.len > 0 && text.len < 19;
    for (size_t i = 0; i < text.len; i++)
        digits = digits && text.data[i] >= '0' && text.data[i] <= '9';
    return digits;
}

/* What a judge finds wrong with the value. */
static enum weir_code judge(struct weir_bytes value, bool avro)
{
    struct weir_bytes texts[LOGIN_FIELDS];
    json_t *json = NULL;
    if (value.len == 0)
        return WEIR_CODE_EMPTY_VALUE;
    if (value.data[0] != (avro ? 0 : '{') || (avro && value.len < WEIR_WIRE_PREFIX))
        return WEIR_CODE_BAD_MAGIC;
    enum weir_code code = avro ? read_avro(value, texts) : read_json(value, texts, &json);
    if (code == WEIR_CODE_NONE && !is_ip(texts[LOGIN_IP]))
        code = WEIR_CODE_RULE_FAILED;
    if (code == WEIR_CODE_NONE && !is_seconds(texts[LOGIN_TIMESTAMP]))
        code = WEIR_CODE_TRANSFORM_FAILED;
    json_decref(json);
    return code;
}

static void check_kind(struct fixture *fixture, enum malform_kind kind, bool avro)
{
    for (uint64_t i = 0; i < TIMES; i++) {
        struct prng prng;
        struct login login;
        prng_init(&prng, 3, i);
        login_make(&login, &prng, 3, 50, 1694479551);
        weir_arena_init(&fixture->out, fixture->memory, sizeof fixture->memory);
        struct weir_bytes value =
            malform_make(kind, &login, avro ? fixture->pack : NULL, &prng, &fixture->out);
        assert_non_null(value.data);
        assert_int_equal(value.len, fixture->out.used);
        assert_null(memchr(value.data, '\n', avro ? 0 : value.len));
        if (judge(value, avro) != malform_code(kind))
            fail_msg("%s, record %d: judged %d, not %d", malform_name(kind), (int)i, judge(value, avro),
                     malform_code(kind));
    }
}

static void each_kind_is_what_it_says(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned kind = 0; kind < MALFORM_COUNT; kind++)
        for (int avro = 0; avro <= 1; avro++)
            if (malform_fits((enum malform_kind)kind, avro))
                check_kind(fixture, (enum malform_kind)kind, avro);
}

static void the_judge_finds_nothing_wrong_with_a_good_one(void **state)
{
    struct fixture *fixture = *state;
    struct prng prng;
    struct login login;
    size_t starts[LOGIN_FIELDS];
    prng_init(&prng, 3, 0);
    login_make(&login, &prng, 3, 50, 1694479551);
    weir_arena_init(&fixture->out, fixture->memory, sizeof fixture->memory);
    assert_int_equal(judge(pack_json(&login, &(struct pack_shape){0}, &fixture->out), false), WEIR_CODE_NONE);
    assert_int_equal(judge(pack_avro(fixture->pack, &login, &fixture->out, starts), true), WEIR_CODE_NONE);
}

static void picks_every_fitting_kind(void **state)
{
    (void)state;
    struct prng prng;
    prng_init(&prng, 1, 1);
    for (int avro = 0; avro <= 1; avro++) {
        unsigned seen[MALFORM_COUNT] = {0};
        for (int i = 0; i < 5000; i++)
            seen[malform_pick(&prng, avro)]++;
        for (unsigned kind = 0; kind < MALFORM_COUNT; kind++)
            assert_true((seen[kind] > 100) == malform_fits((enum malform_kind)kind, avro));
    }
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    *state = fixture;
    return !fixture || pack_open(weir_bytes_of(LOGIN_SCHEMA), 7, &fixture->pack, NULL) != WEIR_OK;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    pack_close(fixture->pack);
    free(fixture);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_judge_finds_nothing_wrong_with_a_good_one),
        cmocka_unit_test(each_kind_is_what_it_says),
        cmocka_unit_test(picks_every_fitting_kind),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
