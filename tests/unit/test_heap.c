#include "engine/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/alloc_fail.h"

static void test_gives_what_is_asked(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 100, HEAP_BLOCK_BYTES, HEAP_BLOCK_BYTES + 1, 7};
    struct heap heap;
    heap_init(&heap);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct weir_arena *arena = heap_arena(&heap, sizes[i]);
        assert_non_null(arena);
        assert_true(weir_arena_left(arena) >= sizes[i]);
        void *piece = weir_arena_alloc(arena, sizes[i], 16);
        assert_non_null(piece);
        assert_int_equal((uintptr_t)piece % 16, 0);
        memset(piece, (int)i, sizes[i]);
    }
    heap_release(&heap);
}

/* What was handed out stays as it is while other pieces are, whatever blocks they come from. */
static void test_pieces_stay(void **state)
{
    (void)state;
    enum { PIECES = 40, SIZE = 300000 };
    uint8_t *pieces[PIECES];
    struct heap heap;
    heap_init(&heap);
    for (int i = 0; i < PIECES; i++) {
        pieces[i] = weir_arena_alloc(heap_arena(&heap, SIZE), SIZE, 1);
        memset(pieces[i], i, SIZE);
    }
    for (int i = 0; i < PIECES; i++)
        for (int at = 0; at < SIZE; at += 4096)
            assert_int_equal(pieces[i][at], i);
    heap_release(&heap);
}

/* A steady load allocates nothing: the blocks of the last batch serve the next. */
static void test_reset_keeps_blocks(void **state)
{
    (void)state;
    struct heap heap;
    heap_init(&heap);
    for (int batch = 0; batch < 3; batch++) {
        for (int i = 0; i < 5; i++)
            assert_non_null(weir_arena_alloc(heap_arena(&heap, HEAP_BLOCK_BYTES), HEAP_BLOCK_BYTES, 1));
        assert_int_equal(heap.bytes, 5 * HEAP_BLOCK_BYTES);
        heap_reset(&heap);
    }
    assert_int_equal(heap.bytes, 5 * HEAP_BLOCK_BYTES);
    heap_release(&heap);
}

static void test_reset_gives_back_what_is_too_much(void **state)
{
    (void)state;
    struct heap heap;
    heap_init(&heap);
    for (size_t i = 0; i < 2 * HEAP_KEEP_BYTES / HEAP_BLOCK_BYTES; i++)
        assert_non_null(weir_arena_alloc(heap_arena(&heap, HEAP_BLOCK_BYTES), HEAP_BLOCK_BYTES, 1));
    assert_non_null(heap_arena(&heap, HEAP_BLOCK_BYTES * 3));
    heap_reset(&heap);
    assert_in_range(heap.bytes, HEAP_BLOCK_BYTES, HEAP_KEEP_BYTES);
    heap_release(&heap);
    assert_int_equal(heap.bytes, 0);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct heap heap;
    heap_init(&heap);
    alloc_fail_at(1);
    assert_null(heap_arena(&heap, 1));
    assert_true(alloc_fail_off());
    assert_non_null(heap_arena(&heap, 1));
    heap_release(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gives_what_is_asked), cmocka_unit_test(test_pieces_stay),
        cmocka_unit_test(test_reset_keeps_blocks),  cmocka_unit_test(test_reset_gives_back_what_is_too_much),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
