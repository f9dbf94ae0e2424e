/* What decoding makes of these is tested in test_decode.c; here is where they stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "avro/take.h"
#include "support/given.h"

static struct weir_reason why;

static struct cursor over(struct weir_bytes bytes, struct weir_arena *arena)
{
    return cursor_at(bytes, 0, arena, &why, true);
}

static void each_takes_its_bytes_and_no_more(void **state)
{
    (void)state;
    struct weir_arena arena = given_arena(CURSOR_REASON_MAX);
    const struct weir_bytes in = GIVEN_BYTES(0x80, 1, 3, 1, 4, 0xC3, 0xA4, 2, 0xFF, 9, 8);
    struct cursor c = over(in, &arena);
    int64_t number = 0;
    struct weir_bytes bytes = {NULL, 0};
    const uint8_t *fixed = NULL;
    assert_true(take_long(&c, &number) && number == 64);
    assert_true(take_int(&c, &number) && number == -2);
    assert_true(take_boolean(&c, &number) && number == 1);
    assert_true(take_text(&c, &bytes) && bytes.len == 2 && bytes.data == in.data + 5);
    assert_true(take_bytes(&c, &bytes) && bytes.len == 1 && bytes.data == in.data + 8);
    assert_true(take_fixed(&c, 2, &fixed) && fixed == in.data + 9);
    assert_ptr_equal(c.p, c.end);
    assert_false(take_fixed(&c, 1, &fixed));
    given_reason(&why, WEIR_CODE_TRUNCATED, NULL, 11, "1 bytes are needed, but 0 remain");
    given_arena_free(&arena);
}

/* Every length up to three words, with one byte above 127 at each place, or none. */
static void ascii_is_told_at_every_length(void **state)
{
    (void)state;
    uint8_t text[24];
    for (size_t len = 0; len <= sizeof text; len++) {
        memset(text, 'x', sizeof text);
        assert_true(take_is_ascii(text, len));
        for (size_t i = 0; i < sizeof text; i++) {
            text[i] = 0x80;
            assert_int_equal(take_is_ascii(text, len), i >= len);
            text[i] = 'x';
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_takes_its_bytes_and_no_more),
        cmocka_unit_test(ascii_is_told_at_every_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
