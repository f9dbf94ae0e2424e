#include "engine/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "support/alloc_fail.h"

#define CAP 400

/* A source that only counts what comes back. */
static size_t released;

static void release(struct source *source, struct source_record *records, size_t n)
{
    (void)source;
    (void)records;
    released += n;
}

static const struct source_ops ops = {.release = release};
static struct source source = {&ops};

static struct batch batch;
static struct weir_err err;

static int set_up(void **state)
{
    (void)state;
    released = 0;
    return (int)batch_init(&batch, CAP, &err);
}

static int tear_down(void **state)
{
    (void)state;
    batch_release(&batch, &source);
    batch_free(&batch);
    return 0;
}

/* Puts a record of ten bytes into landing. */
static void land(size_t at, int32_t partition, uint32_t epoch, int64_t offset)
{
    batch.landing[at] = (struct source_record){.epoch = epoch};
    batch.landing[at].record.partition = partition;
    batch.landing[at].record.offset = offset;
    batch.landing[at].record.key = weir_bytes_of("key");
    batch.landing[at].record.value = weir_bytes_of("1234567");
}

static void take(size_t n)
{
    assert_int_equal(batch_take(&batch, n, &err), WEIR_OK);
}

static void expect_next(size_t at, int32_t partition, uint32_t epoch, int64_t offset)
{
    struct position next[CAP];
    size_t n = batch_next(&batch, next);
    assert_true(at < n);
    assert_int_equal(next[at].partition, partition);
    assert_int_equal(next[at].epoch, epoch);
    assert_int_equal(next[at].offset, offset);
}

static void test_runs(void **state)
{
    (void)state;
    land(0, 1, 5, 10);
    land(1, 1, 5, 11);
    land(2, 0, 5, 3);
    take(3);
    /* Offsets may have gaps, and a partition may come again in the next poll. */
    land(0, 1, 5, 20);
    take(1);
    assert_int_equal(batch.n, 4);
    assert_int_equal(batch.n_runs, 2);
    assert_int_equal(batch.bytes, 40);
    assert_int_equal(batch.runs[0].first, 10);
    expect_next(0, 1, 5, 21);
    expect_next(1, 0, 5, 4);
}

static void test_later_epoch_makes_the_earlier_run_gone(void **state)
{
    (void)state;
    land(0, 1, 5, 10);
    land(1, 2, 5, 1);
    take(2);
    land(0, 1, 6, 10);
    take(1);
    assert_int_equal(batch.n_runs, 3);
    assert_false(batch_live(&batch, &batch.items[0]));
    assert_true(batch_live(&batch, &batch.items[1]));
    assert_true(batch_live(&batch, &batch.items[2]));
    struct position next[CAP];
    assert_int_equal(batch_next(&batch, next), 2);
    expect_next(0, 2, 5, 2);
    expect_next(1, 1, 6, 11);
}

static void test_cut(void **state)
{
    (void)state;
    const struct weir_err why = {WEIR_ERR_SCHEMA_PENDING, "not yet"};
    for (size_t i = 0; i < 5; i++)
        land(i, (int32_t)(i % 2), 1, (int64_t)i);
    take(5);
    batch_cut(&batch, &batch.items[2], &why);
    assert_true(batch_live(&batch, &batch.items[0]));
    assert_true(batch_live(&batch, &batch.items[3]));
    assert_false(batch_live(&batch, &batch.items[2]));
    assert_false(batch_live(&batch, &batch.items[4]));
    assert_true(batch.runs[0].cut);
    assert_string_equal(batch.runs[0].why.text, "not yet");
    expect_next(0, 0, 1, 2);
    expect_next(1, 1, 1, 4);
    /* Cut again in front of it. */
    batch_cut(&batch, &batch.items[0], &why);
    struct position next[CAP];
    assert_int_equal(batch_next(&batch, next), 1);
    assert_int_equal(next[0].partition, 1);
}

/* What comes behind a cut in a later poll is not done either. */
static void test_cut_stays(void **state)
{
    (void)state;
    const struct weir_err why = {WEIR_ERR_SCHEMA_PENDING, "not yet"};
    land(0, 0, 1, 7);
    land(1, 0, 1, 8);
    take(2);
    batch_cut(&batch, &batch.items[1], &why);
    land(0, 0, 1, 9);
    take(1);
    assert_false(batch_live(&batch, &batch.items[2]));
    expect_next(0, 0, 1, 8);
}

/* Records whose outcome is their own go back at once, each exactly once, and the next poll's come behind
 * them. */
static void test_processed(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++)
        land(i, 0, 1, (int64_t)i);
    take(3);
    batch.items[0].own = batch.items[2].own = true;
    batch_processed(&batch, &source);
    assert_int_equal(released, 2);
    assert_int_equal(batch.fresh, 3);
    assert_null(batch.items[0].in.record.value.data);
    assert_non_null(batch.items[1].in.record.value.data);
    assert_true(batch_live(&batch, &batch.items[2]));
    land(0, 0, 1, 3);
    take(1);
    /* Marked, but not given back yet. */
    batch.items[3].own = true;
    batch_release(&batch, &source);
    assert_int_equal(released, 4);
    assert_int_equal(batch.fresh, 0);
}

static void test_many_runs(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAP; i++)
        land(i, (int32_t)(i % 200), 1, (int64_t)i);
    take(CAP);
    assert_int_equal(batch.n_runs, 200);
    for (size_t i = 0; i < CAP; i++)
        assert_int_equal(batch.runs[batch.items[i].run].partition, i % 200);
}

static void test_release(void **state)
{
    (void)state;
    land(0, 0, 1, 0);
    land(1, 1, 1, 0);
    take(2);
    batch_release(&batch, &source);
    assert_int_equal(released, 2);
    assert_int_equal(batch.n + batch.n_runs + batch.bytes, 0);
    land(0, 1, 1, 1);
    take(1);
    assert_int_equal(batch.n_runs, 1);
    expect_next(0, 1, 1, 2);
}

static void test_no_memory(void **state)
{
    (void)state;
    land(0, 0, 1, 0);
    alloc_fail_at(1);
    assert_int_equal(batch_take(&batch, 1, &err), WEIR_ERR_NO_MEMORY);
    assert_true(alloc_fail_off());
    assert_int_equal(batch.n, 0);
    struct batch other;
    for (long i = 1; i <= 2; i++) {
        alloc_fail_at(i);
        assert_int_equal(batch_init(&other, CAP, &err), WEIR_ERR_NO_MEMORY);
        assert_true(alloc_fail_off());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_runs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_later_epoch_makes_the_earlier_run_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cut_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_processed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_runs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_release, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
