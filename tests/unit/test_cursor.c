#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "avro/cursor.h"
#include "support/given.h"

static void a_failure_gives_the_arena_back(void **state)
{
    (void)state;
    struct weir_arena arena = given_arena(64 + WEIR_REASON_FIELD_MAX);
    struct weir_reason why;
    struct weir_bytes in = GIVEN_BYTES(1, 2, 3);
    assert_true(weir_arena_alloc(&arena, 10, 1));
    struct cursor c = cursor_at(in, 5, &arena, &why, true);
    assert_non_null(cursor_reserve(&arena, 2, sizeof(uint64_t), sizeof(uint64_t)));
    assert_non_null(weir_arena_alloc(&arena, 20, 1));
    assert_false(cursor_fail(&c, WEIR_CODE_BAD_ENUM, c.begin + 2, "symbol %d", 7));
    given_reason(&why, WEIR_CODE_BAD_ENUM, NULL, 7, "symbol 7");
    assert_ptr_equal(why.text.data, arena.base + 10);
    assert_int_equal(arena.used, 18 + WEIR_REASON_FIELD_MAX + 1);
    assert_int_equal(arena.cap, 64 + WEIR_REASON_FIELD_MAX);
    given_arena_free(&arena);
}

/* From within outwards. */
static void paths_grow_at_their_front(void **state)
{
    (void)state;
    struct weir_arena arena = given_arena(CURSOR_REASON_MAX);
    struct weir_reason why;
    struct cursor c = cursor_at((struct weir_bytes)GIVEN_NOTHING, 0, &arena, &why, true);
    assert_false(cursor_fail(&c, WEIR_CODE_BAD_ENUM, c.begin, "text"));
    assert_null(why.field);
    assert_false(cursor_fail_in(&c, "c"));
    assert_string_equal(why.field, "c");
    assert_false(cursor_fail_at(&c, 12));
    assert_false(cursor_fail_at(&c, 0));
    assert_false(cursor_fail_in(&c, "b"));
    assert_false(cursor_fail_in(&c, "a"));
    assert_string_equal(why.field, "a.b[0][12].c");
    given_arena_free(&arena);
}

static void a_long_path_loses_its_front(void **state)
{
    (void)state;
    struct weir_arena arena = given_arena(CURSOR_REASON_MAX);
    struct weir_reason why;
    struct cursor c = cursor_at((struct weir_bytes)GIVEN_NOTHING, 0, &arena, &why, true);
    assert_false(cursor_fail(&c, WEIR_CODE_BAD_ENUM, c.begin, "text"));
    for (int i = 0; i < 100; i++)
        assert_false(cursor_fail_in(&c, i == 0 ? "inner" : "field"));
    size_t len = strlen(why.field);
    assert_true(len <= WEIR_REASON_FIELD_MAX && len > WEIR_REASON_FIELD_MAX - 8);
    assert_memory_equal(why.field, "...field.", 9);
    assert_string_equal(why.field + len - 12, ".field.inner");
    given_arena_free(&arena);
}

static void a_text_that_may_not_lie_in_the_arena_is_left_out(void **state)
{
    (void)state;
    struct weir_arena arena = given_arena(8);
    struct weir_reason why;
    struct cursor c = cursor_at((struct weir_bytes)GIVEN_BYTES(1), 0, &arena, &why, false);
    assert_false(cursor_fail_full(&c));
    given_reason(&why, WEIR_CODE_TOO_LARGE, NULL, 0, "");
    assert_int_equal(why.text.len, 0);
    assert_int_equal(arena.used, 0);
    given_arena_free(&arena);
}

static void the_far_end_is_aligned_and_bounded(void **state)
{
    (void)state;
    for (size_t cap = 0; cap < 40; cap++) {
        struct weir_arena arena = given_arena(cap);
        uint8_t *end = cursor_reserve(&arena, 3, sizeof(uint64_t), sizeof(uint64_t));
        if (end) {
            assert_int_equal((uintptr_t)end % sizeof(uint64_t), 0);
            assert_true(end + 24 <= arena.base + cap);
            assert_ptr_equal(end, arena.base + arena.cap);
        } else {
            assert_true(cap < 24 + 7);
            assert_int_equal(arena.cap, cap);
        }
        given_arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_gives_the_arena_back),
        cmocka_unit_test(paths_grow_at_their_front),
        cmocka_unit_test(a_long_path_loses_its_front),
        cmocka_unit_test(a_text_that_may_not_lie_in_the_arena_is_left_out),
        cmocka_unit_test(the_far_end_is_aligned_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
