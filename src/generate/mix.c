#include "generate/mix.h"

#include <assert.h>
#include <string.h>

/* Ids that a folder of schemas does not give, few of them, as a forgotten schema would have it. */
#define UNKNOWN_ID_FIRST UINT32_C(0x7ffffff0)
#define UNKNOWN_IDS      4

enum class { GOOD, MISSING, MALFORMED, TOMBSTONE, UNKNOWN_ID };

/* One record in the making. */
struct making {
    const struct mix *mix;
    struct prng prng;
    struct login login;
    enum class class;
    bool avro;
    unsigned without; /* fields that the record lacks */
    struct weir_arena *out;
    struct mix_record *record;
};

const char *mix_expectation(enum weir_verdict verdict, enum weir_code code)
{
    static const char *const rejects[WEIR_CODE_COUNT] = {
        [WEIR_CODE_NONE] = "REJECT",
#define WEIR_VERDICT(NAME, name, STAGE, meaning) [WEIR_CODE_##NAME] = "REJECT " #name,
#include "weir/verdicts.def"
#undef WEIR_VERDICT
    };
    if (verdict == WEIR_REJECT)
        return rejects[code];
    return verdict == WEIR_DROP ? "DROP" : "PASS";
}

static int64_t login_time(struct making *m, uint64_t i, int64_t now_ms)
{
    const struct mix *mix = m->mix;
    int64_t at = mix->now ? now_ms / 1000 : mix->start_s + (int64_t)(i / MIX_PER_SECOND);
    int64_t late = prng_below(&m->prng, MIX_LATE_S + 1);
    return at > late ? at - late : 0;
}

static enum class pick_class(struct making *m) {
    const struct mix *mix = m->mix; double at = prng_unit(&m->prng);
    if ((at -= mix->malformed) < 0) return MALFORMED;
    if ((at -= mix->missing) < 0) return MISSING;
    if ((at -= mix->tombstones) < 0) return TOMBSTONE;
    return at < mix->unknown_ids ? UNKNOWN_ID : GOOD;
}

static bool pick_avro(struct making *m)
{
    bool heads = prng_next(&m->prng) >> 63;
    if (m->mix->form != MIX_BOTH)
        return m->mix->form == MIX_AVRO;
    if (m->class == UNKNOWN_ID)
        return true;
    /* In Avro a field can only be missing where an older schema lacks it. */
    return heads && !(m->class == MISSING && m->mix->n_packs < 2);
}

static struct weir_bytes make_json(struct making *m)
{
    if (m->class == MISSING)
        m->without = 1u << prng_below(&m->prng, LOGIN_FIELDS);
    struct pack_shape shape = {.without = m->without};
    return pack_json(&m->login, &shape, m->out);
}

static struct weir_bytes make_avro(struct making *m)
{
    size_t starts[LOGIN_FIELDS], n = m->mix->n_packs;
    size_t which = m->class == MISSING && n > 1 ? 1 + prng_below(&m->prng, (uint32_t)n - 1) : 0;
    struct pack *pack = m->mix->packs[which];
    m->without = pack_without(pack);
    return pack_avro(pack, &m->login, m->out, starts);
}

static void reject(struct making *m, enum weir_code code)
{
    m->record->verdict = WEIR_REJECT;
    m->record->code = code;
}

static struct weir_bytes make_malformed(struct making *m)
{
    enum malform_kind kind = malform_pick(&m->prng, m->avro);
    reject(m, malform_code(kind));
    return malform_make(kind, &m->login, m->avro ? m->mix->packs[0] : NULL, &m->prng, m->out);
}

static struct weir_bytes make_unknown(struct making *m)
{
    size_t at = m->out->used;
    struct weir_bytes value = make_avro(m);
    uint32_t id = UNKNOWN_ID_FIRST + prng_below(&m->prng, UNKNOWN_IDS);
    for (unsigned i = 0; value.data && i < 4; i++)
        m->out->base[at + 1 + i] = (uint8_t)(id >> (24 - 8 * i));
    reject(m, WEIR_CODE_UNKNOWN_SCHEMA);
    return value;
}

static struct weir_bytes make_value(struct making *m)
{
    if (m->class == MALFORMED)
        return make_malformed(m);
    if (m->class == UNKNOWN_ID)
        return make_unknown(m);
    if (m->class == TOMBSTONE) {
        reject(m, WEIR_CODE_EMPTY_VALUE);
        return WEIR_NO_BYTES;
    }
    return m->avro ? make_avro(m) : make_json(m);
}

/* drop_when looks at what could be decoded, before checks and transformations. */
static void expect_drop(struct making *m)
{
    const struct mix_record *record = m->record;
    bool decoded = record->verdict == WEIR_PASS || record->code == WEIR_CODE_RULE_FAILED ||
                   record->code == WEIR_CODE_TRANSFORM_FAILED;
    if (!m->mix->drop_locale || !decoded || m->without & 1u << LOGIN_LOCALE)
        return;
    if (strcmp(m->login.text[LOGIN_LOCALE], m->mix->drop_locale) == 0) {
        m->record->verdict = WEIR_DROP;
        m->record->code = WEIR_CODE_NONE;
    }
}

static void add_header(struct mix_record *record, const char *name, struct weir_bytes value)
{
    assert(record->n_headers < MIX_HEADERS_MAX);
    record->headers[record->n_headers++] = (struct weir_header){name, value};
}

/* What tracing adds (W3C Trace Context), and what makes careless copies differ: empty, null, binary, twice.
 */
static void add_foreign(struct making *m)
{
    static const uint8_t binary[] = {0x00, 0xff, 0xfe, '\n', 0x80};
    uint64_t high = prng_next(&m->prng), low = prng_next(&m->prng), span = prng_next(&m->prng);
    add_header(m->record, "traceparent",
               weir_arena_printf(m->out, 64, "00-%016llx%016llx-%016llx-01", (unsigned long long)high,
                                 (unsigned long long)low, (unsigned long long)span));
    if (span & 1)
        add_header(m->record, "tracestate", (struct weir_bytes){(const uint8_t *)"", 0});
    if (span & 2)
        add_header(m->record, "x-none", WEIR_NO_BYTES);
    if (span & 4) {
        add_header(m->record, "x-hop", (struct weir_bytes){binary, sizeof binary});
        add_header(m->record, "x-hop", weir_bytes_of("2"));
    }
}

static void add_headers(struct making *m, uint64_t i)
{
    struct mix_record *record = m->record;
    if (prng_unit(&m->prng) < m->mix->headers)
        add_foreign(m);
    if (!m->mix->expect)
        return;
    add_header(record, MIX_HEADER_EXPECT, weir_bytes_of(mix_expectation(record->verdict, record->code)));
    add_header(record, MIX_HEADER_SEQ, weir_arena_printf(m->out, 20, "%llu", (unsigned long long)i));
}

enum weir_err_code mix_make(const struct mix *mix, uint64_t i, int64_t now_ms, struct weir_arena *out,
                            struct mix_record *record, struct weir_err *err)
{
    assert(weir_arena_left(out) >= MIX_ROOM);
    struct making m = {.mix = mix, .out = out, .record = record};
    *record = (struct mix_record){.verdict = WEIR_PASS};
    prng_init(&m.prng, mix->seed, i);
    int64_t epoch_s = login_time(&m, i, now_ms);
    login_make(&m.login, &m.prng, mix->seed, mix->users, epoch_s);
    m.class = pick_class(&m);
    m.avro = pick_avro(&m);
    if (mix->keyed)
        record->key = weir_arena_copy(out, weir_bytes_of(m.login.text[LOGIN_USER_ID]));
    record->value = make_value(&m);
    if (!record->value.data && m.class != TOMBSTONE)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a record");
    expect_drop(&m);
    add_headers(&m, i);
    return WEIR_OK;
}
