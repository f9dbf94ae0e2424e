#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "avro/number.h"
#include "support/given.h"

static const struct {
    const char *text;
    size_t len; /* of the number at its beginning, 0: none */
} scanned[] = {
    {"0", 1},    {"-0", 2},    {"7,", 1},  {"-12.50e+3]", 9}, {"1E5", 3}, {"1e-05", 5}, {"0.0", 3},
    {"", 0},     {"-", 0},     {"+1", 0},  {"01", 0},         {"-01", 0}, {".5", 0},    {"1.", 0},
    {"1.e5", 0}, {"1e", 0},    {"1e+", 0}, {"1e+x", 0},       {"x", 0},   {"NaN", 0},   {"Infinity", 0},
    {"0x10", 1}, {"1.5.2", 3}, {"--1", 0}, {"1e5.5", 3},
};

static void numbers_as_json_has_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scanned / sizeof scanned[0]; i++) {
        struct number number;
        struct weir_bytes text = given_copy(weir_bytes_of(scanned[i].text));
        if (number_scan(text, &number) != scanned[i].len)
            fail_msg("%s", scanned[i].text);
        free((void *)text.data);
    }
}

static struct number number_of(const char *text)
{
    struct number number;
    assert_int_equal(number_scan(weir_bytes_of(text), &number), strlen(text));
    return number;
}

static const struct {
    const char *text;
    enum number_fit fit;
    int64_t value;
} longs[] = {
    {"0", NUMBER_FITS, 0},
    {"-0", NUMBER_FITS, 0},
    {"0e999999999999999999999999", NUMBER_FITS, 0},
    {"1.0", NUMBER_FITS, 1},
    {"1e3", NUMBER_FITS, 1000},
    {"-1.250e2", NUMBER_FITS, -125},
    {"1000000000000000000000e-20", NUMBER_FITS, 10},
    {"9007199254740993", NUMBER_FITS, INT64_C(9007199254740993)},
    {"9223372036854775807", NUMBER_FITS, INT64_MAX},
    {"-9223372036854775808", NUMBER_FITS, INT64_MIN},
    {"922337203685477580.7e1", NUMBER_FITS, INT64_MAX},
    {"9223372036854775808", NUMBER_TOO_LARGE, 0},
    {"-9223372036854775809", NUMBER_TOO_LARGE, 0},
    {"9999999999999999999", NUMBER_TOO_LARGE, 0},
    {"18446744073709551616", NUMBER_TOO_LARGE, 0},
    {"1e19", NUMBER_TOO_LARGE, 0},
    {"1e20", NUMBER_TOO_LARGE, 0},
    {"1e99999999999999999999", NUMBER_TOO_LARGE, 0},
    {"0.5", NUMBER_FRACTION, 0},
    {"1.0000000000000000000001", NUMBER_FRACTION, 0},
    {"1e-1", NUMBER_FRACTION, 0},
    {"1e-99999999999999999999", NUMBER_FRACTION, 0},
};

static void integers_are_exact(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof longs / sizeof longs[0]; i++) {
        struct number number = number_of(longs[i].text);
        int64_t value;
        if (number_to_long(&number, INT64_MIN, INT64_MAX, &value) != longs[i].fit)
            fail_msg("%s", longs[i].text);
        if (longs[i].fit == NUMBER_FITS)
            assert_int_equal(value, longs[i].value);
    }
    int64_t value;
    struct number most = number_of("2147483647"), more = number_of("2147483648"),
                  least = number_of("-2147483648"), less = number_of("-2147483649"), below = number_of("-1");
    assert_int_equal(number_to_long(&most, INT32_MIN, INT32_MAX, &value), NUMBER_FITS);
    assert_int_equal(number_to_long(&more, INT32_MIN, INT32_MAX, &value), NUMBER_TOO_LARGE);
    assert_int_equal(number_to_long(&least, INT32_MIN, INT32_MAX, &value), NUMBER_FITS);
    assert_int_equal(value, INT32_MIN);
    assert_int_equal(number_to_long(&less, INT32_MIN, INT32_MAX, &value), NUMBER_TOO_LARGE);
    assert_int_equal(number_to_long(&below, 0, 10, &value), NUMBER_TOO_LARGE);
}

static const struct {
    const char *text;
    enum number_fit fit;
    double value;
} doubles[] = {
    {"0", NUMBER_FITS, 0},
    {"1", NUMBER_FITS, 1},
    {"-2.5", NUMBER_FITS, -2.5},
    {"0.1", NUMBER_FITS, 0.1},
    {"1e400", NUMBER_TOO_LARGE, 0},
    {"-1e400", NUMBER_TOO_LARGE, 0},
    {"1e-400", NUMBER_TOO_LARGE, 0},
    {"1e99999999999999999999", NUMBER_TOO_LARGE, 0},
    {"0.0e99999", NUMBER_FITS, 0},
    {"4.9e-324", NUMBER_FITS, 4.9406564584124654e-324},
    {"1.7976931348623157e308", NUMBER_FITS, DBL_MAX},
    {"9007199254740993", NUMBER_FITS, 9007199254740992.0},
    /* Just above the tie between two doubles, so that the last digit decides. */
    {"9007199254740993.00000000000000000000000000000000000001", NUMBER_FITS, 9007199254740994.0},
};

static void reals_are_the_nearest(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++) {
        struct number number = number_of(doubles[i].text);
        double value;
        if (number_to_double(&number, &value) != doubles[i].fit)
            fail_msg("%s", doubles[i].text);
        if (doubles[i].fit == NUMBER_FITS)
            assert_true(value == doubles[i].value);
    }
    struct number minus_zero = number_of("-0.0");
    double value;
    assert_int_equal(number_to_double(&minus_zero, &value), NUMBER_FITS);
    assert_true(value == 0 && signbit(value));
}

/* A digit after thousands of others still decides a tie. */
static void long_numbers_are_read_to_their_end(void **state)
{
    (void)state;
    char text[5000] = "9007199254740993.";
    memset(text + 17, '0', 4000);
    text[4017] = '\0';
    struct number tie = number_of(text);
    double value;
    assert_int_equal(number_to_double(&tie, &value), NUMBER_FITS);
    assert_true(value == 9007199254740992.0);
    text[4016] = '1';
    struct number above = number_of(text);
    assert_int_equal(number_to_double(&above, &value), NUMBER_FITS);
    assert_true(value == 9007199254740994.0);
}

static void floats_are_rounded_once(void **state)
{
    (void)state;
    float value;
    /* By way of a double this would be a tie, and go to the even neighbour below. */
    struct number once = number_of("1.00000005960464477540");
    assert_int_equal(number_to_float(&once, &value), NUMBER_FITS);
    assert_true(value == 1.00000011920928955078F);
    struct number large = number_of("3.5e38"), small = number_of("1e-50"), most = number_of("3.4028234e38"),
                  zero = number_of("-0");
    assert_int_equal(number_to_float(&large, &value), NUMBER_TOO_LARGE);
    assert_int_equal(number_to_float(&small, &value), NUMBER_TOO_LARGE);
    assert_int_equal(number_to_float(&most, &value), NUMBER_FITS);
    assert_int_equal(number_to_float(&zero, &value), NUMBER_FITS);
    assert_true(value == 0 && signbit(value));
}

static const struct {
    double value;
    const char *text;
} printed[] = {
    {0, "0.0"},
    {-0.0, "-0.0"},
    {1, "1.0"},
    {-2.5, "-2.5"},
    {0.1, "0.1"},
    {1.0 / 3, "0.3333333333333333"},
    {0.1 + 0.2, "0.30000000000000004"},
    {1694479551, "1694479551.0"},
    {123456789012345680, "1.2345678901234568e17"},
    {1e15, "1000000000000000.0"},
    {1e16, "1e16"},
    {0.00001, "0.00001"},
    {0.0000012, "1.2e-6"},
    {DBL_MAX, "1.7976931348623157e308"},
    {-DBL_MIN, "-2.2250738585072014e-308"},
    {4.9406564584124654e-324, "4.94065645841247e-324"},
};

static void doubles_are_printed_short(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof printed / sizeof printed[0]; i++) {
        char text[NUMBER_PRINT_MAX];
        assert_int_equal(number_print_double(text, printed[i].value), strlen(printed[i].text));
        assert_string_equal(text, printed[i].text);
    }
    char text[NUMBER_PRINT_MAX];
    number_print_float(text, 0.1F);
    assert_string_equal(text, "0.1");
    number_print_float(text, FLT_MAX);
    assert_string_equal(text, "3.4028235e38");
    number_print_float(text, 16777216.0F);
    assert_string_equal(text, "16777216.0");
}

static void what_is_printed_reads_back(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int i = 0; i < 100000; i++) {
        char text[NUMBER_PRINT_MAX];
        double value, again;
        uint64_t bits = given_random(&seed);
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        number_print_double(text, value);
        struct number number = number_of(text);
        assert_int_equal(number_to_double(&number, &again), NUMBER_FITS);
        if (memcmp(&value, &again, sizeof value) != 0)
            fail_msg("%a became %s", value, text);
        float narrow = (float)value, narrow_again;
        if (!isfinite(narrow))
            continue;
        number_print_float(text, narrow);
        number = number_of(text);
        assert_int_equal(number_to_float(&number, &narrow_again), NUMBER_FITS);
        assert_memory_equal(&narrow, &narrow_again, sizeof narrow);
    }
}

/* Wherever such a locale is installed. */
static void the_locale_has_no_say(void **state)
{
    (void)state;
    static const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "ps_AF.UTF-8"};
    for (size_t i = 0; i < sizeof locales / sizeof locales[0]; i++) {
        if (!setlocale(LC_NUMERIC, locales[i]))
            continue;
        reals_are_the_nearest(NULL);
        doubles_are_printed_short(NULL);
    }
    setlocale(LC_NUMERIC, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_as_json_has_them),   cmocka_unit_test(integers_are_exact),
        cmocka_unit_test(reals_are_the_nearest),      cmocka_unit_test(long_numbers_are_read_to_their_end),
        cmocka_unit_test(floats_are_rounded_once),    cmocka_unit_test(doubles_are_printed_short),
        cmocka_unit_test(what_is_printed_reads_back), cmocka_unit_test(the_locale_has_no_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
