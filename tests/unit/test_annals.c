#include "audit/annals.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TOPIC "user-login"
#define PLAN  "aedeb82f0cfb0f4f9a5d3b3ae1d60ca1"

static struct weir_err err;
static struct annals *annals;
static int64_t offset;

static enum weir_err_code take(const char *name, const char *value)
{
    const struct weir_record record = {
        .key = weir_bytes_of(name), .value = weir_bytes_of(value), .offset = offset++};
    return annals_take(annals, &record, &err);
}

static void batch(int32_t partition, int64_t from, int64_t next, bool begins)
{
    char name[64], value[512];
    (void)snprintf(name, sizeof name, "batch:" TOPIC ":%d", partition);
    (void)snprintf(value, sizeof value,
                   "{\"v\":1,\"kind\":\"batch\",\"topic\":\"" TOPIC "\",\"partition\":%d,\"from\":%" PRId64
                   "%s,\"first\":%" PRId64 ",\"next\":%" PRId64 ",\"plan\":\"" PLAN
                   "\",\"writers\":{\"7\":\"5e2bf57d3f40c4b6df69daf1936cb766\"},\"records\":3,\"pass\":1,"
                   "\"drop\":1,\"reject\":{\"bad_magic\":1},\"given\":[{\"first\":%" PRId64
                   ",\"last\":%" PRId64 ",\"code\":\"unknown_schema\"}],\"hash\":\"00000000000000ff\"}",
                   partition, from, begins ? ",\"begins\":true" : "", from, next, from, next - 1);
    assert_int_equal(take(name, value), WEIR_OK);
}

static int set_up(void **state)
{
    (void)state;
    offset = 0;
    return annals_new(TOPIC, 2, &annals, &err) != WEIR_OK;
}

static int tear_down(void **state)
{
    (void)state;
    annals_free(annals);
    return 0;
}

static uint64_t strays(void)
{
    int32_t partition;
    int64_t at;
    return annals_stray(annals, &partition, &at);
}

static void a_chain_leads_from_its_beginning_to_what_is_committed(void **state)
{
    (void)state;
    batch(1, 5, 10, true);
    batch(0, 0, 10, true);
    batch(0, 10, 20, false);
    batch(0, 20, 35, false);
    batch(0, 35, 50, false); /* Not committed yet, when it was asked. */
    annals_link(annals, (const int64_t[]){35, -1});
    struct annals_chain chain = annals_chain(annals, 0);
    assert_int_equal(chain.start, ANNALS_BEGINS);
    assert_int_equal(chain.n, 3);
    assert_int_equal(chain.ahead, 1);
    assert_true(chain.from == 0 && chain.until == 35);
    const struct annals_batch *found = annals_find(annals, 0, 19);
    assert_true(found && found->from == 10 && found->next == 20);
    assert_true(found->hash == 0xFF && found->records == 3 && found->provable);
    assert_true(found->counts == annals_count(annals, WEIR_CODE_NONE) + annals_count(annals, JOURNAL_DROP) +
                                     annals_count(annals, WEIR_CODE_BAD_MAGIC));
    assert_int_equal(annals_writers(annals, found)->key.id, 7);
    assert_int_equal(annals_given(annals, found)->kind, WEIR_CODE_UNKNOWN_SCHEMA);
    assert_true(annals_given(annals, found)->first == 10 && annals_given(annals, found)->last == 19);
    assert_null(annals_find(annals, 0, 35));
    assert_null(annals_find(annals, 1, 7));
    assert_int_equal(annals_chain(annals, 1).start, ANNALS_NONE);
    annals_trim(annals, 0, 12);
    assert_true(annals_chain(annals, 0).from == 20 && annals_chain(annals, 0).n == 1);
    assert_int_equal(strays(), 0);
}

static void where_offsets_were_reset_the_youngest_counts(void **state)
{
    (void)state;
    batch(0, 0, 10, true);
    batch(0, 10, 20, false);
    batch(0, 20, 30, false);
    batch(0, 0, 10, true); /* The group was deleted, and began anew. */
    batch(0, 10, 30, false);
    annals_link(annals, (const int64_t[]){30, -1});
    struct annals_chain chain = annals_chain(annals, 0);
    assert_int_equal(chain.start, ANNALS_BEGINS);
    assert_int_equal(chain.n, 2);
    assert_int_equal(chain.batches[0].serial, 3);
    assert_int_equal(chain.batches[1].serial, 4);
}

static void what_is_missing_is_told_apart(void **state)
{
    (void)state;
    batch(0, 0, 10, true);
    batch(0, 15, 20, false);
    batch(1, 40, 50, false);
    batch(1, 50, 60, false);
    annals_link(annals, (const int64_t[]){20, 60});
    assert_int_equal(annals_chain(annals, 0).start, ANNALS_GAP);
    assert_int_equal(annals_chain(annals, 0).from, 15);
    assert_int_equal(annals_chain(annals, 1).start, ANNALS_EXPIRED);
    assert_int_equal(annals_chain(annals, 1).n, 2);
}

static void a_committed_offset_that_no_batch_ends_at_has_no_chain(void **state)
{
    (void)state;
    batch(0, 0, 10, true);
    annals_link(annals, (const int64_t[]){7, -1});
    assert_int_equal(annals_chain(annals, 0).start, ANNALS_ASTRAY);
    assert_int_equal(annals_chain(annals, 0).n, 0);
}

/* A text in two parts, met before and behind the plan that names it. */
static void plans_and_texts_are_what_their_names_say(void **state)
{
    (void)state;
    struct journal_print text, plan;
    char name[64], value[512];
    journal_print_of(weir_bytes_of("\"string\""), &text);
    (void)snprintf(value, sizeof value,
                   "{\"v\":1,\"kind\":\"plan\",\"pipeline\":\"p\",\"program\":\"weir\",\"config\":\"%s\","
                   "\"reader\":{\"subject\":\"r\",\"version\":3,\"id\":1,\"text\":\"%s\"},"
                   "\"output\":{\"subject\":\"o\",\"version\":1,\"id\":4294967295,\"text\":\"%s\"}}",
                   text.hex, text.hex, text.hex);
    journal_print_of(weir_bytes_of(value), &plan);
    (void)snprintf(name, sizeof name, "text:%s:1", text.hex);
    assert_int_equal(take(name, "{\"v\":1,\"kind\":\"text\",\"part\":1,\"parts\":2,\"text\":\"ring\\\"\"}"),
                     WEIR_OK);
    (void)snprintf(name, sizeof name, "plan:%s", plan.hex);
    assert_int_equal(take(name, value), WEIR_OK);
    assert_null(annals_text(annals, 0)->text.data);
    (void)snprintf(name, sizeof name, "text:%s:0", text.hex);
    assert_int_equal(take(name, "{\"v\":1,\"kind\":\"text\",\"part\":0,\"parts\":2,\"text\":\"\\\"st\"}"),
                     WEIR_OK);
    assert_int_equal(annals_plans(annals), 1);
    const struct annals_plan *found = annals_plan(annals, 0);
    assert_true(found->met && found->output_id == UINT32_MAX && found->reader_version == 3);
    assert_true(weir_bytes_equal(annals_text(annals, found->config)->text, weir_bytes_of("\"string\"")));
    assert_int_equal(strays(), 0);
    value[30] ^= 1;
    (void)snprintf(name, sizeof name, "plan:%s", plan.hex);
    assert_int_equal(take(name, value), WEIR_OK);
    assert_int_equal(strays(), 1);
}

static void what_is_no_journal_is_counted(void **state)
{
    (void)state;
    static const char *const values[] = {
        "",
        "null",
        "{}",
        "{\"v\":1,\"kind\":\"plan\"}",
        "{\"v\":1,\"kind\":\"batch\"}",
        "{\"v\":1,\"kind\":\"batch\",\"topic\":\"" TOPIC "\",\"partition\":1}",
        "{\"v\":1,\"kind\":\"batch\",\"topic\":\"" TOPIC "\",\"partition\":0,\"from\":5,\"first\":5,"
        "\"next\":5,\"plan\":\"" PLAN "\",\"records\":0,\"pass\":0,\"drop\":0,\"hash\":\"0\"}",
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        assert_int_equal(take("batch:" TOPIC ":0", values[i]), WEIR_OK);
    assert_int_equal(strays(), sizeof values / sizeof *values);
    assert_int_equal(take("batch:x:0", "{\"v\":2,\"kind\":\"batch\"}"), WEIR_ERR_CONFIG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_chain_leads_from_its_beginning_to_what_is_committed),
        TEST(where_offsets_were_reset_the_youngest_counts),
        TEST(what_is_missing_is_told_apart),
        TEST(a_committed_offset_that_no_batch_ends_at_has_no_chain),
        TEST(plans_and_texts_are_what_their_names_say),
        TEST(what_is_no_journal_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
