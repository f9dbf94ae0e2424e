#include "kafka/measure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void small_records(void **state)
{
    (void)state;
    const struct weir_header header = {"ab", weir_bytes_of("xyz")};
    /* Batch header, record length, attributes, two deltas, key, value, number of headers. */
    assert_int_equal(measure_record(WEIR_NO_BYTES, WEIR_NO_BYTES, NULL, 0), 61 + 1 + 3 + 1 + 1 + 1);
    assert_int_equal(measure_record(weir_bytes_of("k"), weir_bytes_of("abc"), NULL, 0),
                     61 + 1 + 3 + 2 + 4 + 1);
    assert_int_equal(measure_record(WEIR_NO_BYTES, weir_bytes_of("abc"), &header, 1),
                     61 + 1 + 3 + 1 + 4 + 1 + 3 + 4);
}

/* Lengths from 64 on take two bytes, and so does the record's own. */
static void longer_lengths(void **state)
{
    (void)state;
    static const uint8_t bytes[64];
    assert_int_equal(measure_record(WEIR_NO_BYTES, (struct weir_bytes){bytes, 63}, NULL, 0),
                     61 + 2 + 3 + 1 + 1 + 63 + 1);
    assert_int_equal(measure_record(WEIR_NO_BYTES, (struct weir_bytes){bytes, 64}, NULL, 0),
                     61 + 2 + 3 + 1 + 2 + 64 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_records),
        cmocka_unit_test(longer_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
