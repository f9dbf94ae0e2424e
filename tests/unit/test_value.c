#include "config/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct reading_case {
    const char *text;
    int64_t value; /* -1: it is none */
};

static void expect(bool (*read)(const char *, int64_t *), const struct reading_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int64_t value = -1;
        bool is = read(cases[i].text, &value);
        if (is != (cases[i].value >= 0) || value != cases[i].value)
            fail_msg("'%s' is read as %lld", cases[i].text, (long long)value);
    }
}

static void counts(void **state)
{
    (void)state;
    static const struct reading_case cases[] = {
        {"0", 0},
        {"20000", 20000},
        {"9223372036854775807", INT64_MAX},
        {"9223372036854775808", -1},
        {"", -1},
        {"-1", -1},
        {"+1", -1},
        {"1.0", -1},
        {" 1", -1},
        {"1 ", -1},
        {"1e3", -1},
        {"0x10", -1},
        {"007", 7},
        {"1_000", -1},
        {"99999999999999999999999", -1},
    };
    expect(value_count, cases, COUNT(cases));
}

static void durations(void **state)
{
    (void)state;
    static const struct reading_case cases[] = {
        {"0", 0},       {"0s", 0},       {"100ms", 100},        {"10s", 10000},
        {"5m", 300000}, {"2h", 7200000}, {"1d", 86400000},      {"10", -1},
        {"s", -1},      {"1.5s", -1},    {"10 s", -1},          {"10S", -1},
        {"-1s", -1},    {"", -1},        {"106751991168d", -1}, {"1sec", -1},
    };
    expect(value_duration, cases, COUNT(cases));
}

static void sizes(void **state)
{
    (void)state;
    static const struct reading_case cases[] = {
        {"0", 0},
        {"512", 512},
        {"512B", 512},
        {"64kB", 64000},
        {"64KB", 64000},
        {"64KiB", 65536},
        {"1MB", 1000000},
        {"1MiB", 1048576},
        {"1GB", 1000000000},
        {"1GiB", 1073741824},
        {"1M", -1},
        {"1mib", -1},
        {"1.5MiB", -1},
        {"", -1},
        {"9999999999GiB", -1},
    };
    expect(value_size, cases, COUNT(cases));
}

static void ratios(void **state)
{
    (void)state;
    static const struct reading_case cases[] = {
        {"0", 0},         {"1", 1000000}, {"0.5", 500000},   {"0.000001", 1}, {"1.250000", 1250000},
        {"00.5", 500000}, {"0.0", 0},     {"0.0000001", -1}, {".5", -1},      {"1.", -1},
        {"-1", -1},       {"+1", -1},     {"0,5", -1},       {"50%", -1},     {"1e-1", -1},
        {"", -1},         {" 1", -1},     {"0.5 ", -1},      {"NaN", -1},     {"99999999999999", -1},
    };
    expect(value_ratio, cases, COUNT(cases));
    char buffer[VALUE_PRINTED_MAX];
    assert_string_equal(value_print_ratio(500000, buffer), "0.5");
    assert_string_equal(value_print_ratio(1000000, buffer), "1");
    assert_string_equal(value_print_ratio(0, buffer), "0");
    assert_string_equal(value_print_ratio(10000001, buffer), "10.000001");
}

static void versions(void **state)
{
    (void)state;
    static const struct reading_case cases[] = {
        {"latest", 0}, {"1", 1},       {"2147483647", INT32_MAX}, {"2147483648", -1}, {"0", -1}, {"-1", -1},
        {"", -1},      {"Latest", -1},
    };
    expect(value_version, cases, COUNT(cases));
}

static void numbers(void **state)
{
    (void)state;
    static const char *const good[] = {"0", "-0", "1", "-12", "1.5", "0.5", "1e3", "1E-3", "-1.5e+10"};
    static const char *const bad[] = {"",    "-",   "+1", "01", "1.",  ".5",  "1e",  "1e+",  "0x1",
                                      "NaN", "inf", "1 ", " 1", "1,5", "1_0", "--1", "1.5.2"};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(value_is_number(good[i]));
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (value_is_number(bad[i]))
            fail_msg("'%s' is no number", bad[i]);
    }
}

static void topics(void **state)
{
    (void)state;
    assert_true(value_is_topic("user-login.v1_b", 249));
    assert_true(value_is_topic("...", 249));
    assert_true(value_is_topic("abc", 3));
    assert_false(value_is_topic("abcd", 3));
    assert_false(value_is_topic("", 249));
    assert_false(value_is_topic(".", 249));
    assert_false(value_is_topic("..", 249));
    assert_false(value_is_topic("user login", 249));
    assert_false(value_is_topic("a/b", 249));
    assert_false(value_is_topic("caf\xC3\xA9", 249));
}

static void urls(void **state)
{
    (void)state;
    static const char *const good[] = {"http://h",
                                       "https://h:8081",
                                       "http://h/apis/ccompat/v7/",
                                       "http://a,http://b",
                                       "http://a, https://b:1/p ,",
                                       "http://[::1]:8081"};
    static const char *const bad[] = {
        "",         " ",          ",",          "h:8081",         "ftp://h",
        "http://",  "http:///p",  "http://u@h", "http://h?a=b",   "http://h#a",
        "HTTP://h", "http://h\n", "http://h,x", "http://h http:", "http://h\\p"};
    for (size_t i = 0; i < COUNT(good); i++) {
        if (!value_is_urls(good[i]))
            fail_msg("'%s' is fine", good[i]);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (value_is_urls(bad[i]))
            fail_msg("'%s' is no URL", bad[i]);
    }
}

static void names_of_fields(void **state)
{
    (void)state;
    static const char *const good[] = {"ip", "ip, user_id", "ip,user_id", "a b", "_x9 ,y"};
    static const char *const bad[] = {"", " ,", "ip;user", "user.ip", "ip, ü", "a\tb"};
    for (size_t i = 0; i < COUNT(good); i++)
        if (!value_is_names(good[i]))
            fail_msg("'%s' is fine", good[i]);
    for (size_t i = 0; i < COUNT(bad); i++)
        if (value_is_names(bad[i]))
            fail_msg("'%s' names no fields", bad[i]);
}

static void prints_in_the_largest_unit(void **state)
{
    (void)state;
    char buffer[VALUE_PRINTED_MAX];
    assert_string_equal(value_print_duration(0, buffer), "0ms");
    assert_string_equal(value_print_duration(100, buffer), "100ms");
    assert_string_equal(value_print_duration(90000, buffer), "90s");
    assert_string_equal(value_print_duration(3600000, buffer), "1h");
    assert_string_equal(value_print_size(1000, buffer), "1000 bytes");
    assert_string_equal(value_print_size(64 * 1024 * 1024, buffer), "64MiB");
    assert_string_equal(value_print_size(INT64_MAX, buffer), "9223372036854775807 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_fields),
        cmocka_unit_test(counts),
        cmocka_unit_test(durations),
        cmocka_unit_test(sizes),
        cmocka_unit_test(versions),
        cmocka_unit_test(ratios),
        cmocka_unit_test(numbers),
        cmocka_unit_test(topics),
        cmocka_unit_test(urls),
        cmocka_unit_test(prints_in_the_largest_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
