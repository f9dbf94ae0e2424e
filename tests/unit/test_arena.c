#include "weir/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ROOM   256
#define FILLER 0xA5

/* An arena of any capacity up to ROOM whose memory shows when something beyond the capacity is written. */
struct fixture {
    _Alignas(16) uint8_t memory[2 * ROOM];
    struct weir_arena arena;
};

static void reset(struct fixture *f, size_t cap)
{
    memset(f->memory, FILLER, sizeof f->memory);
    weir_arena_init(&f->arena, f->memory, cap);
}

static void assert_untouched_from(const struct fixture *f, size_t at)
{
    for (size_t i = at; i < sizeof f->memory; i++)
        assert_int_equal(f->memory[i], FILLER);
}

static void assert_holds(struct weir_bytes bytes, const char *text)
{
    assert_non_null(bytes.data);
    assert_int_equal(bytes.len, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.len);
}

static void test_init_hands_out_from_the_front(void **state)
{
    (void)state;
    struct fixture f;
    reset(&f, ROOM);
    assert_int_equal(weir_arena_left(&f.arena), ROOM);
    assert_ptr_equal(weir_arena_alloc(&f.arena, 3, 1), f.memory);
    assert_ptr_equal(weir_arena_alloc(&f.arena, 1, 1), f.memory + 3);
    assert_int_equal(f.arena.used, 4);
    assert_int_equal(weir_arena_left(&f.arena), ROOM - 4);
    assert_untouched_from(&f, 0);
}

/* Every alignment at every misalignment of memory and of what is used already. */
static void test_alignment(void **state)
{
    (void)state;
    struct fixture f;
    for (size_t align = 1; align <= 16; align *= 2)
        for (size_t start = 0; start < 16; start++)
            for (size_t used = 0; used < 16; used++) {
                weir_arena_init(&f.arena, f.memory + start, ROOM);
                f.arena.used = used;
                uint8_t *p = weir_arena_alloc(&f.arena, 5, align);
                assert_non_null(p);
                assert_int_equal((uintptr_t)p % align, 0);
                size_t padding = (size_t)(p - f.memory) - start - used;
                assert_true(padding < align);
                assert_int_equal(f.arena.used, used + padding + 5);
            }
}

/* Whatever the capacity: what fits exactly is given, one byte more is not, and refusing takes nothing. */
static void test_exhaustion(void **state)
{
    (void)state;
    struct fixture f;
    for (size_t cap = 0; cap <= 64; cap++) {
        reset(&f, cap);
        assert_null(weir_arena_alloc(&f.arena, cap + 1, 1));
        assert_int_equal(f.arena.used, 0);
        assert_non_null(weir_arena_alloc(&f.arena, cap, 1));
        assert_int_equal(weir_arena_left(&f.arena), 0);
        assert_null(weir_arena_alloc(&f.arena, 1, 1));
        assert_int_equal(f.arena.used, cap);
    }
}

static void test_padding_counts(void **state)
{
    (void)state;
    struct fixture f;
    reset(&f, 16);
    assert_non_null(weir_arena_alloc(&f.arena, 1, 1));
    assert_null(weir_arena_alloc(&f.arena, 9, 8));
    assert_int_equal(f.arena.used, 1);
    assert_ptr_equal(weir_arena_alloc(&f.arena, 8, 8), f.memory + 8);

    /* The padding alone does not fit. */
    reset(&f, 4);
    assert_non_null(weir_arena_alloc(&f.arena, 1, 1));
    assert_null(weir_arena_alloc(&f.arena, 0, 16));
    assert_int_equal(f.arena.used, 1);
}

/* A size near SIZE_MAX must not wrap round and look small. */
static void test_absurd_sizes(void **state)
{
    (void)state;
    struct fixture f;
    reset(&f, ROOM);
    assert_non_null(weir_arena_alloc(&f.arena, 1, 1));
    for (size_t below = 0; below < 32; below++)
        for (size_t align = 1; align <= 16; align *= 2)
            assert_null(weir_arena_alloc(&f.arena, SIZE_MAX - below, align));
    assert_int_equal(f.arena.used, 1);
}

static void test_zero_size(void **state)
{
    (void)state;
    struct fixture f;
    reset(&f, 0);
    assert_ptr_equal(weir_arena_alloc(&f.arena, 0, 1), f.memory);
    assert_int_equal(f.arena.used, 0);
}

static void test_copy(void **state)
{
    (void)state;
    struct fixture f;
    reset(&f, 8);
    struct weir_bytes copy = weir_arena_copy(&f.arena, weir_bytes_of("wehr"));
    assert_holds(copy, "wehr");
    assert_ptr_equal(copy.data, f.memory);
    assert_int_equal(f.arena.used, 4);
    assert_untouched_from(&f, 4);
}

static void test_copy_tells_empty_from_no_value(void **state)
{
    (void)state;
    struct fixture f;
    reset(&f, 8);
    assert_holds(weir_arena_copy(&f.arena, weir_bytes_of("")), "");
    assert_null(weir_arena_copy(&f.arena, WEIR_NO_BYTES).data);
    assert_int_equal(f.arena.used, 0);
}

static void test_copy_that_does_not_fit(void **state)
{
    (void)state;
    struct fixture f;
    reset(&f, 3);
    struct weir_bytes copy = weir_arena_copy(&f.arena, weir_bytes_of("wehr"));
    assert_null(copy.data);
    assert_int_equal(copy.len, 0);
    assert_int_equal(f.arena.used, 0);
    assert_untouched_from(&f, 0);
}

static void test_printf(void **state)
{
    (void)state;
    struct fixture f;
    reset(&f, ROOM);
    assert_holds(weir_arena_printf(&f.arena, 100, "%s is %d", "field", 42), "field is 42");
    assert_holds(weir_arena_printf(&f.arena, 100, "%s", "next"), "next");
    assert_int_equal(f.arena.used, strlen("field is 42") + strlen("next"));
}

/* Cut to max, and to what fits less the byte that vsnprintf needs for its NUL; never a byte beyond. */
static void test_printf_is_cut(void **state)
{
    (void)state;
    struct fixture f;
    const char *whole = "0123456789";
    for (size_t cap = 1; cap <= 14; cap++)
        for (size_t max = 0; max <= 14; max++) {
            reset(&f, cap);
            struct weir_bytes text = weir_arena_printf(&f.arena, max, "%s", whole);
            size_t kept = max < cap - 1 ? max : cap - 1;
            kept = kept < strlen(whole) ? kept : strlen(whole);
            assert_non_null(text.data);
            assert_int_equal(text.len, kept);
            assert_memory_equal(text.data, whole, kept);
            assert_int_equal(f.arena.used, kept);
            assert_untouched_from(&f, kept + 1);
        }
}

static void test_printf_without_room(void **state)
{
    (void)state;
    struct fixture f;
    reset(&f, 0);
    assert_null(weir_arena_printf(&f.arena, 10, "x").data);
    assert_int_equal(f.arena.used, 0);
    assert_untouched_from(&f, 0);
}

static void test_printf_without_a_limit_of_its_own(void **state)
{
    (void)state;
    struct fixture f;
    reset(&f, ROOM);
    assert_holds(weir_arena_printf(&f.arena, SIZE_MAX, "%s", "all"), "all");
}

static void test_reset_gives_everything_back(void **state)
{
    (void)state;
    struct fixture f;
    reset(&f, ROOM);
    assert_non_null(weir_arena_alloc(&f.arena, ROOM, 1));
    f.arena.used = 0;
    assert_ptr_equal(weir_arena_alloc(&f.arena, ROOM, 1), f.memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init_hands_out_from_the_front),
        cmocka_unit_test(test_alignment),
        cmocka_unit_test(test_exhaustion),
        cmocka_unit_test(test_padding_counts),
        cmocka_unit_test(test_absurd_sizes),
        cmocka_unit_test(test_zero_size),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_copy_tells_empty_from_no_value),
        cmocka_unit_test(test_copy_that_does_not_fit),
        cmocka_unit_test(test_printf),
        cmocka_unit_test(test_printf_is_cut),
        cmocka_unit_test(test_printf_without_room),
        cmocka_unit_test(test_printf_without_a_limit_of_its_own),
        cmocka_unit_test(test_reset_gives_everything_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
