#include "generate/mix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "login_schema.h"

#define RECORDS 20000

#define GOLDEN_1  UINT64_C(0x6fb9a01a90f9a62e)
#define GOLDEN_42 UINT64_C(0xeb3e4687ec2903b1)

static struct pack *packs[2];
static uint8_t memory[MIX_ROOM];

static struct mix plain(void)
{
    return (struct mix){
        .seed = 1, .form = MIX_BOTH, .packs = packs, .n_packs = 2, .users = 100, .start_s = 1694479551};
}

static struct mix_record make(const struct mix *mix, uint64_t i)
{
    struct weir_arena out;
    struct mix_record record;
    weir_arena_init(&out, memory, sizeof memory);
    assert_int_equal(mix_make(mix, i, 1700000000000, &out, &record, NULL), WEIR_OK);
    return record;
}

/* FNV-1a of a length and the bytes, so that moving a byte between two fields shows. */
static uint64_t hash(uint64_t h, struct weir_bytes bytes)
{
    uint64_t len = bytes.data ? bytes.len : UINT64_MAX;
    for (unsigned i = 0; i < 8; i++)
        h = (h ^ (len >> (8 * i) & 0xff)) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < bytes.len; i++)
        h = (h ^ bytes.data[i]) * UINT64_C(0x100000001b3);
    return h;
}

static uint64_t hash_record(uint64_t h, const struct mix_record *record)
{
    h = hash(hash(h, record->key), record->value);
    for (size_t i = 0; i < record->n_headers; i++)
        h = hash(hash(h, weir_bytes_of(record->headers[i].name)), record->headers[i].value);
    return h;
}

static uint64_t hash_of(uint64_t seed)
{
    struct mix mix = plain();
    mix.seed = seed;
    mix.malformed = mix.missing = mix.tombstones = mix.unknown_ids = mix.headers = 0.15;
    mix.keyed = mix.expect = true;
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (uint64_t i = 0; i < 1000; i++) {
        struct mix_record record = make(&mix, i);
        h = hash_record(h, &record);
    }
    return h;
}

/* Whoever changes what a seed gives breaks what others have written down: these numbers change knowingly. */
static void a_seed_gives_the_same_for_ever(void **state)
{
    (void)state;
    assert_int_equal(hash_of(1), GOLDEN_1);
    assert_int_equal(hash_of(42), GOLDEN_42);
}

static void a_record_does_not_depend_on_those_before(void **state)
{
    (void)state;
    struct mix mix = plain();
    mix.malformed = mix.missing = 0.2;
    struct mix_record straight = make(&mix, 777);
    uint64_t h = hash_record(0, &straight);
    make(&mix, 5);
    struct mix_record again = make(&mix, 777);
    assert_true(h == hash_record(0, &again));
}

struct tally {
    unsigned pass, drop, reject[WEIR_CODE_COUNT], rejects, avro, tombstones, foreign;
};

static struct tally count(const struct mix *mix)
{
    struct tally tally = {0};
    for (uint64_t i = 0; i < RECORDS; i++) {
        struct mix_record record = make(mix, i);
        tally.pass += record.verdict == WEIR_PASS;
        tally.drop += record.verdict == WEIR_DROP;
        tally.rejects += record.verdict == WEIR_REJECT;
        tally.reject[record.code] += record.verdict == WEIR_REJECT;
        tally.tombstones += record.value.data == NULL;
        tally.avro += record.value.len > 0 && record.value.data[0] == 0;
        tally.foreign += record.n_headers > 0;
    }
    return tally;
}

static void is_about(unsigned n, double share)
{
    assert_in_range(n, (unsigned)(RECORDS * (share - 0.015)), (unsigned)(RECORDS * (share + 0.015)));
}

static void shares_are_kept(void **state)
{
    (void)state;
    struct mix mix = plain();
    mix.malformed = 0.2;
    mix.missing = 0.1;
    mix.tombstones = 0.05;
    mix.unknown_ids = 0.03;
    mix.headers = 0.25;
    struct tally tally = count(&mix);
    is_about(tally.rejects, 0.28);
    is_about(tally.pass, 0.72);
    is_about(tally.tombstones, 0.05);
    is_about(tally.reject[WEIR_CODE_UNKNOWN_SCHEMA], 0.03);
    is_about(tally.foreign, 0.25);
    assert_int_equal(tally.drop, 0);
}

static void a_share_of_one_is_all_and_of_none_is_none(void **state)
{
    (void)state;
    struct mix mix = plain();
    struct tally tally = count(&mix);
    assert_int_equal(tally.pass, RECORDS);
    is_about(tally.avro, 0.5);
    mix.malformed = mix.headers = 1;
    tally = count(&mix);
    assert_int_equal(tally.rejects, RECORDS);
    assert_int_equal(tally.foreign, RECORDS);
}

static void every_code_that_a_record_can_earn_comes(void **state)
{
    (void)state;
    struct mix mix = plain();
    mix.malformed = 1;
    struct tally tally = count(&mix);
    for (unsigned kind = 0; kind < MALFORM_COUNT; kind++)
        assert_true(tally.reject[malform_code((enum malform_kind)kind)] > RECORDS / 100);
}

/* How many of the seven fields the JSON value has, and the first that it lacks. */
static unsigned members(struct weir_bytes value, const char **lacks)
{
    json_t *json = json_loadb((const char *)value.data, value.len, 0, NULL);
    unsigned n = 0;
    for (unsigned f = 0; f < LOGIN_FIELDS; f++) {
        const char *name = login_field_name((enum login_field)f);
        if (json_object_get(json, name))
            n++;
        else
            *lacks = name;
    }
    json_decref(json);
    return n;
}

static void missing_leaves_out_one_field_each_in_turn(void **state)
{
    (void)state;
    struct mix mix = plain();
    mix.form = MIX_JSON;
    mix.missing = 1;
    unsigned seen[LOGIN_FIELDS] = {0};
    for (uint64_t i = 0; i < 1000; i++) {
        struct mix_record record = make(&mix, i);
        const char *lacks = NULL;
        assert_int_equal(record.verdict, WEIR_PASS);
        assert_int_equal(members(record.value, &lacks), LOGIN_FIELDS - 1);
        for (unsigned f = 0; f < LOGIN_FIELDS; f++)
            seen[f] += strcmp(lacks, login_field_name((enum login_field)f)) == 0;
    }
    for (unsigned f = 0; f < LOGIN_FIELDS; f++)
        assert_in_range(seen[f], 90, 200);
}

static void missing_in_avro_takes_an_older_schema_or_json(void **state)
{
    (void)state;
    struct mix mix = plain();
    mix.missing = 1;
    mix.form = MIX_AVRO;
    assert_int_equal(make(&mix, 0).value.data[4], 2);
    mix.n_packs = 1;
    assert_int_equal(make(&mix, 0).value.data[4], 1);
    mix.form = MIX_BOTH;
    assert_int_equal(count(&mix).avro, 0);
}

static void keys_headers_and_numbers_come_when_asked(void **state)
{
    (void)state;
    struct mix mix = plain();
    mix.form = MIX_JSON;
    struct mix_record record = make(&mix, 12);
    assert_null(record.key.data);
    assert_int_equal(record.n_headers, 0);
    mix.keyed = mix.expect = true;
    record = make(&mix, 12);
    assert_memory_equal(record.value.data + strlen("{\"user_id\": \""), record.key.data, record.key.len);
    assert_int_equal(record.n_headers, 2);
    assert_string_equal(record.headers[0].name, MIX_HEADER_EXPECT);
    assert_true(weir_bytes_equal(record.headers[0].value, weir_bytes_of("PASS")));
    assert_string_equal(record.headers[1].name, MIX_HEADER_SEQ);
    assert_true(weir_bytes_equal(record.headers[1].value, weir_bytes_of("12")));
}

static void expectations_are_spelt_as_the_codes(void **state)
{
    (void)state;
    assert_string_equal(mix_expectation(WEIR_PASS, WEIR_CODE_NONE), "PASS");
    assert_string_equal(mix_expectation(WEIR_DROP, WEIR_CODE_NONE), "DROP");
    assert_string_equal(mix_expectation(WEIR_REJECT, WEIR_CODE_BAD_UTF8), "REJECT bad_utf8");
}

static void a_dropped_locale_is_expected_to_drop(void **state)
{
    (void)state;
    struct mix mix = plain();
    mix.form = MIX_JSON;
    mix.drop_locale = "US";
    for (uint64_t i = 0; i < 1000; i++) {
        struct mix_record record = make(&mix, i);
        char text[PACK_ROOM] = {0};
        memcpy(text, record.value.data, record.value.len);
        assert_int_equal(record.verdict, strstr(text, "\"locale\": \"US\"") ? WEIR_DROP : WEIR_PASS);
    }
    mix.malformed = 0.5;
    struct tally tally = count(&mix);
    assert_true(tally.drop > RECORDS / 20);
    assert_true(tally.reject[WEIR_CODE_NOT_JSON] > 0 && tally.reject[WEIR_CODE_RULE_FAILED] > 0);
    assert_int_equal(tally.pass + tally.drop + tally.rejects, RECORDS);
}

static int64_t timestamp(const struct mix *mix, uint64_t i)
{
    struct mix_record record = make(mix, i);
    json_t *json = json_loadb((const char *)record.value.data, record.value.len, 0, NULL);
    int64_t at = atoll(json_string_value(json_object_get(json, "timestamp")));
    json_decref(json);
    return at;
}

static void time_goes_on_and_some_are_late(void **state)
{
    (void)state;
    struct mix mix = plain();
    mix.form = MIX_JSON;
    for (uint64_t i = 0; i < 20000; i += 500) {
        int64_t due = mix.start_s + (int64_t)(i / MIX_PER_SECOND);
        assert_in_range(timestamp(&mix, i), due - MIX_LATE_S, due);
    }
    mix.now = true;
    assert_in_range(timestamp(&mix, 20000), 1700000000 - MIX_LATE_S, 1700000000);
    mix.now = false;
    mix.start_s = 0;
    assert_in_range(timestamp(&mix, 1), 0, 0);
}

static int set_up(void **state)
{
    (void)state;
    return pack_open(weir_bytes_of(LOGIN_SCHEMA), 1, &packs[0], NULL) != WEIR_OK ||
           pack_open(weir_bytes_of(LOGIN_SCHEMA_OLD), 2, &packs[1], NULL) != WEIR_OK;
}

static int tear_down(void **state)
{
    (void)state;
    pack_close(packs[0]);
    pack_close(packs[1]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_gives_the_same_for_ever),
        cmocka_unit_test(a_record_does_not_depend_on_those_before),
        cmocka_unit_test(shares_are_kept),
        cmocka_unit_test(a_share_of_one_is_all_and_of_none_is_none),
        cmocka_unit_test(every_code_that_a_record_can_earn_comes),
        cmocka_unit_test(missing_leaves_out_one_field_each_in_turn),
        cmocka_unit_test(missing_in_avro_takes_an_older_schema_or_json),
        cmocka_unit_test(keys_headers_and_numbers_come_when_asked),
        cmocka_unit_test(expectations_are_spelt_as_the_codes),
        cmocka_unit_test(a_dropped_locale_is_expected_to_drop),
        cmocka_unit_test(time_goes_on_and_some_are_late),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
