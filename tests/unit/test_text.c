#include "dlq/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dlq/filter.h"

static void expect(const char *bytes, size_t len, size_t cap, const char *wanted)
{
    char text[64];
    assert_true(cap <= sizeof text);
    text_print((struct weir_bytes){(const uint8_t *)bytes, len}, text, cap);
    assert_string_equal(text, wanted);
}

/* Headers can be forged: nothing in them may move a terminal's cursor. */
static void harmless_to_a_terminal(void **state)
{
    (void)state;
    expect("plain", 5, 64, "plain");
    expect(NULL, 0, 64, "-");
    expect("", 0, 64, "-");
    expect("a\x1b[2Jb\r\n\t\x7f", 9, 64, "a?[2Jb???");
    expect("a\0b", 3, 64, "a?b");
    expect("\xff\xfe", 2, 64, "??");
    expect("\xc2\x9b"
           "A",
           3, 64, "??A");
    expect("gr\xc3\xbcn", 5, 64, "gr\xc3\xbcn");
    /* Cut between characters. */
    expect("gr\xc3\xbcn", 5, 4, "gr");
    expect("gr\xc3\xbcn", 5, 5, "gr\xc3\xbc");
}

static void times(void **state)
{
    (void)state;
    char text[TEXT_TIME_MAX];
    assert_string_equal(text_time(0, text, sizeof text), "1970-01-01T00:00:00Z");
    assert_string_equal(text_time(-1, text, sizeof text), "-");
    /* Printed and read by different arithmetic: each day of two hundred years comes back. */
    for (int64_t ms = 0; ms < INT64_C(6311433600000); ms += INT64_C(86400000) + 3661000) {
        int64_t read = -1;
        assert_true(filter_read_time(text_time(ms, text, sizeof text), &read));
        assert_int_equal(read, ms);
    }
}

static void spans(void **state)
{
    (void)state;
    char text[TEXT_SPAN_MAX];
    assert_string_equal(text_span(-5, text), "0 s");
    assert_string_equal(text_span(59999, text), "59 s");
    assert_string_equal(text_span(61000, text), "1m 1s");
    assert_string_equal(text_span(3661000, text), "1h 1m");
    assert_string_equal(text_span(90000000, text), "1d 1h");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(harmless_to_a_terminal),
        cmocka_unit_test(times),
        cmocka_unit_test(spans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
