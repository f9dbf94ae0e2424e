#include "config/blocks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/alloc_fail.h"

static void gives_aligned_zeroed_memory(void **state)
{
    (void)state;
    struct blocks blocks = {NULL};
    for (size_t size = 0; size < 3000; size += 7) {
        unsigned char *memory = blocks_alloc(&blocks, size);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % sizeof(max_align_t) % 16, 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 0xAA, size);
    }
    blocks_release(&blocks);
}

static void gives_more_than_a_block_holds(void **state)
{
    (void)state;
    struct blocks blocks = {NULL};
    char *large = blocks_alloc(&blocks, 1000000);
    char *small = blocks_alloc(&blocks, 10);
    memset(large, 1, 1000000);
    memset(small, 2, 10);
    assert_int_equal(large[999999], 1);
    assert_null(blocks_alloc(&blocks, SIZE_MAX));
    blocks_release(&blocks);
}

static void copies_text(void **state)
{
    (void)state;
    struct blocks blocks = {NULL};
    assert_string_equal(blocks_text(&blocks, "weirdo", 4), "weir");
    assert_string_equal(blocks_text(&blocks, "", 0), "");
    blocks_release(&blocks);
}

static void can_be_used_again(void **state)
{
    (void)state;
    struct blocks blocks = {NULL};
    blocks_release(&blocks);
    assert_non_null(blocks_alloc(&blocks, 1));
    blocks_release(&blocks);
    assert_null(blocks.newest);
}

static void says_when_memory_is_short(void **state)
{
    (void)state;
    struct blocks blocks = {NULL};
    alloc_fail_at(1);
    assert_null(blocks_text(&blocks, "weir", 4));
    assert_true(alloc_fail_off());
    assert_string_equal(blocks_text(&blocks, "weir", 4), "weir");
    blocks_release(&blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_aligned_zeroed_memory),
        cmocka_unit_test(gives_more_than_a_block_holds),
        cmocka_unit_test(copies_text),
        cmocka_unit_test(can_be_used_again),
        cmocka_unit_test(says_when_memory_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
