#include "core/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct row {
    enum format format;
    bool matches;
    const char *text;
};

static const struct row table[] = {
    {FORMAT_IPV4, true, "0.0.0.0"},
    {FORMAT_IPV4, true, "199.172.111.135"},
    {FORMAT_IPV4, true, "255.255.255.255"},
    {FORMAT_IPV4, false, ""},
    {FORMAT_IPV4, false, "256.1.1.1"},
    {FORMAT_IPV4, false, "1.1.1"},
    {FORMAT_IPV4, false, "1.1.1."},
    {FORMAT_IPV4, false, "1.1.1.1."},
    {FORMAT_IPV4, false, "1.1.1.1.1"},
    {FORMAT_IPV4, false, ".1.1.1.1"},
    {FORMAT_IPV4, false, "1..1.1"},
    {FORMAT_IPV4, false, "01.1.1.1"},
    {FORMAT_IPV4, false, "1.1.1.00"},
    {FORMAT_IPV4, false, "1.1.1.0001"},
    {FORMAT_IPV4, false, "1.1.1.1 "},
    {FORMAT_IPV4, false, " 1.1.1.1"},
    {FORMAT_IPV4, false, "1.1.1.a"},
    {FORMAT_IPV4, false, "1.1.1.-1"},
    {FORMAT_IPV4, false, "0x7f.1.1.1"},
    {FORMAT_IPV4, false, "2130706433"},
    {FORMAT_IPV4, false, "::1"},
    {FORMAT_IPV4, true, "10.9.99.100"},
    {FORMAT_IPV4, true, "249.250.255.0"},
    {FORMAT_IPV4, false, "255.255.255.256"},
    {FORMAT_IPV4, false, "255.255.255.2550"},
    {FORMAT_IPV4, false, "255.255.255.255."},
    {FORMAT_IPV4, false, "199.172.111.1355"},
    {FORMAT_IPV4, false, "1.1.1.1234"},
    {FORMAT_IPV4, false, "999.1.1.1"},
    {FORMAT_IPV4, false, "1,1.1.1"},
    {FORMAT_IPV6, true, "::"},
    {FORMAT_IPV6, true, "::1"},
    {FORMAT_IPV6, true, "1::"},
    {FORMAT_IPV6, true, "1::8"},
    {FORMAT_IPV6, true, "2001:db8::ff00:42:8329"},
    {FORMAT_IPV6, true, "2001:0DB8:0000:0000:0000:FF00:0042:8329"},
    {FORMAT_IPV6, true, "1:2:3:4:5:6:7:8"},
    {FORMAT_IPV6, true, "1:2:3:4:5:6:7::"},
    {FORMAT_IPV6, true, "::2:3:4:5:6:7:8"},
    {FORMAT_IPV6, true, "::ffff:192.0.2.128"},
    {FORMAT_IPV6, true, "64:ff9b::192.0.2.33"},
    {FORMAT_IPV6, true, "1:2:3:4:5:6:192.0.2.33"},
    {FORMAT_IPV6, false, ""},
    {FORMAT_IPV6, false, ":"},
    {FORMAT_IPV6, false, ":::"},
    {FORMAT_IPV6, false, "::::"},
    {FORMAT_IPV6, false, "1"},
    {FORMAT_IPV6, false, "1:2:3:4:5:6:7"},
    {FORMAT_IPV6, false, "1:2:3:4:5:6:7:8:9"},
    {FORMAT_IPV6, false, "1:2:3:4:5:6:7:"},
    {FORMAT_IPV6, false, ":2:3:4:5:6:7:8"},
    {FORMAT_IPV6, false, "1:2:3:4:5:6:7:8:"},
    {FORMAT_IPV6, false, "1::2::3"},
    {FORMAT_IPV6, false, "1:2:3:4::5:6:7:8"},
    {FORMAT_IPV6, false, "12345::"},
    {FORMAT_IPV6, false, "::12345"},
    {FORMAT_IPV6, false, "g::"},
    {FORMAT_IPV6, false, "fe80::1%eth0"},
    {FORMAT_IPV6, false, "2001:db8::/32"},
    {FORMAT_IPV6, false, "[::1]"},
    {FORMAT_IPV6, false, "192.0.2.33::"},
    {FORMAT_IPV6, false, "1:2:3:4:5:6:7:192.0.2.33"},
    {FORMAT_IPV6, false, "::1.2.3"},
    {FORMAT_IPV6, false, "::1.2.3.4:5"},
    {FORMAT_IPV6, false, "1.2.3.4"},
    {FORMAT_IPV6, false, "::1\n"},
    {FORMAT_IP, true, "10.0.0.1"},
    {FORMAT_IP, true, "fe80::1"},
    {FORMAT_IP, false, "unknown"},
    {FORMAT_UUID, true, "424cdd21-063a-43a7-b91b-7ca1a833afae"},
    {FORMAT_UUID, true, "00000000-0000-0000-0000-000000000000"},
    {FORMAT_UUID, true, "424CDD21-063A-43A7-B91B-7CA1A833AFAE"},
    {FORMAT_UUID, false, "424cdd21063a43a7b91b7ca1a833afae"},
    {FORMAT_UUID, false, "{424cdd21-063a-43a7-b91b-7ca1a833afae}"},
    {FORMAT_UUID, false, "424cdd21-063a-43a7-b91b-7ca1a833afa"},
    {FORMAT_UUID, false, "424cdd21-063a-43a7-b91b-7ca1a833afaeb"},
    {FORMAT_UUID, false, "424cdd21-063a-43a7-b91b_7ca1a833afae"},
    {FORMAT_UUID, false, "424cdd21-063a-43a7-b91b-7ca1a833afag"},
    {FORMAT_UUID, false, "424cdd2-1063a-43a7-b91b-7ca1a833afae"},
    {FORMAT_INTEGER, true, "0"},
    {FORMAT_INTEGER, true, "1694479551"},
    {FORMAT_INTEGER, true, "-9223372036854775808"},
    {FORMAT_INTEGER, true, "9223372036854775807"},
    {FORMAT_INTEGER, false, "9223372036854775808"},
    {FORMAT_INTEGER, false, "-9223372036854775809"},
    {FORMAT_INTEGER, false, "99999999999999999999999"},
    {FORMAT_INTEGER, false, ""},
    {FORMAT_INTEGER, false, "-"},
    {FORMAT_INTEGER, false, "+"},
    {FORMAT_INTEGER, false, "--1"},
    {FORMAT_INTEGER, false, " 1"},
    {FORMAT_INTEGER, false, "1 "},
    {FORMAT_INTEGER, false, "1.0"},
    {FORMAT_INTEGER, false, "1e3"},
    {FORMAT_INTEGER, false, "0x10"},
};

static void each_text_of_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct row *row = &table[i];
        if (format_matches(row->format, weir_bytes_of(row->text)) != row->matches)
            fail_msg("%s: '%s' should%s match", format_names[row->format], row->text,
                     row->matches ? "" : " not");
    }
}

/* A text may have any bytes, and its end is none of them. */
static void nul_is_a_byte_like_others(void **state)
{
    (void)state;
    static const char text[] = "1.2.3.4\0\0\0\0\0\0\0\0\0";
    for (size_t len = 0; len < sizeof text; len++) {
        struct weir_bytes bytes = {(const uint8_t *)text, len};
        assert_int_equal(format_matches(FORMAT_IPV4, bytes), len == strlen(text));
        assert_int_equal(format_matches(FORMAT_IP, bytes), len == strlen(text));
    }
}

static void integers_have_their_value(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } values[] = {
        {"0", 0},
        {"-0", 0},
        {"+7", 7},
        {"007", 7},
        {"-42", -42},
        {"999999999999999999", INT64_C(999999999999999999)},
        {"-999999999999999999", INT64_C(-999999999999999999)},
        {"1000000000000000000", INT64_C(1000000000000000000)},
        {"+0000000000000000000000042", 42},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        int64_t value = 1;
        assert_true(format_integer(weir_bytes_of(values[i].text), &value));
        assert_int_equal(value, values[i].value);
    }
}

static void a_bad_integer_leaves_the_value_alone(void **state)
{
    (void)state;
    int64_t value = 11;
    static const char *const bad[] = {"12x",
                                      "999999999999999999x",
                                      "1000000000000000000x",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "+",
                                      "/",
                                      ":"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(format_integer(weir_bytes_of(bad[i]), &value));
    assert_int_equal(value, 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_text_of_the_table),
        cmocka_unit_test(nul_is_a_byte_like_others),
        cmocka_unit_test(integers_have_their_value),
        cmocka_unit_test(a_bad_integer_leaves_the_value_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
