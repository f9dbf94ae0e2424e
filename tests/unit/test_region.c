#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "avro/region.h"
#include "support/alloc_fail.h"

static void what_is_handed_out_is_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct region region = {NULL};
    uint8_t *before = NULL;
    for (size_t size = 0; size < 6000; size += 97) {
        uint8_t *memory = region_alloc(&region, size);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % alignof(max_align_t), 0);
        assert_ptr_not_equal(memory, before);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 0xFF, size);
        before = memory;
    }
    assert_null(region_alloc(&region, SIZE_MAX));
    region_release(&region);
    region_release(&region);
}

static void texts_are_copied_and_joined(void **state)
{
    (void)state;
    struct region region = {NULL};
    assert_string_equal(region_text(&region, weir_bytes_of("abc")), "abc");
    assert_string_equal(region_text(&region, WEIR_NO_BYTES), "");
    assert_string_equal(region_join(&region, "user", ".", "ip"), "user.ip");
    region_release(&region);
}

static void short_memory_is_told(void **state)
{
    (void)state;
    struct region region = {NULL};
    alloc_fail_at(1);
    assert_null(region_alloc(&region, 1));
    alloc_fail_at(1);
    assert_null(region_text(&region, weir_bytes_of("abc")));
    alloc_fail_at(1);
    assert_null(region_join(&region, "a", ".", "b"));
    assert_true(alloc_fail_off());
    region_release(&region);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_handed_out_is_zeroed_aligned_and_apart),
        cmocka_unit_test(texts_are_copied_and_joined),
        cmocka_unit_test(short_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
