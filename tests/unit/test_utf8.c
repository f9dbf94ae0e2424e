#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "weir/bytes.h"

#define CODE_POINT_MAX 0x10FFFFu
#define ALL_IS_WELL    SIZE_MAX

/*
 * The oracle. It shares no idea with utf8.c: that one follows table 3-7 of the Unicode Standard (which byte
 * may follow which), this one decodes the number and asks whether a shorter form would have said the same.
 */

/* How many bytes the first one announces; 0 when it cannot begin a sequence. */
static size_t announced(uint8_t first)
{
    if ((first & 0x80) == 0x00)
        return 1;
    if ((first & 0xE0) == 0xC0)
        return 2;
    if ((first & 0xF0) == 0xE0)
        return 3;
    return (first & 0xF8) == 0xF0 ? 4 : 0;
}

static size_t shortest(uint32_t code_point)
{
    if (code_point < 0x80)
        return 1;
    if (code_point < 0x800)
        return 2;
    return code_point < 0x10000 ? 3 : 4;
}

static bool is_scalar_value(uint32_t code_point)
{
    return code_point <= CODE_POINT_MAX && (code_point < 0xD800 || code_point > 0xDFFF);
}

/* Length of the sequence at p, 0 when it is not well-formed. */
static size_t oracle_sequence(const uint8_t *p, size_t len)
{
    size_t n = announced(p[0]);
    if (n == 0 || n > len)
        return 0;
    uint32_t code_point = n == 1 ? p[0] : p[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        code_point = code_point << 6 | (p[i] & 0x3Fu);
    }
    return is_scalar_value(code_point) && shortest(code_point) == n ? n : 0;
}

/* Offset of the first bad sequence, ALL_IS_WELL when there is none. */
static size_t oracle(const uint8_t *p, size_t len)
{
    size_t i = 0;
    while (i < len) {
        size_t n = oracle_sequence(p + i, len - i);
        if (n == 0)
            return i;
        i += n;
    }
    return ALL_IS_WELL;
}

static size_t subject(const uint8_t *p, size_t len)
{
    size_t bad = ALL_IS_WELL;
    bool valid = weir_utf8_valid((struct weir_bytes){p, len}, &bad);
    assert_true(valid == (bad == ALL_IS_WELL));
    return bad;
}

/* A plain comparison first: cmocka's own costs too much for sixteen million texts. */
static void assert_agree(const uint8_t *p, size_t len)
{
    size_t found = subject(p, len);
    size_t expected = oracle(p, len);
    if (found != expected) {
        print_error("%zu bytes %02x %02x %02x %02x\n", len, p[0], len > 1 ? p[1] : 0, len > 2 ? p[2] : 0,
                    len > 3 ? p[3] : 0);
        assert_int_equal(found, expected);
    }
}

static size_t encode(uint32_t code_point, uint8_t out[4])
{
    static const uint8_t marks[] = {0, 0x00, 0xC0, 0xE0, 0xF0};
    size_t n = shortest(code_point);
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (code_point & 0x3F));
        code_point >>= 6;
    }
    out[0] = (uint8_t)(marks[n] | code_point);
    return n;
}

static void test_all_texts_of_one_and_two_bytes(void **state)
{
    (void)state;
    for (unsigned a = 0; a < 256; a++) {
        uint8_t text[2] = {(uint8_t)a, 0};
        assert_agree(text, 1);
        for (unsigned b = 0; b < 256; b++) {
            text[1] = (uint8_t)b;
            assert_agree(text, 2);
        }
    }
}

static void test_all_texts_of_three_bytes(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < 1u << 24; n++) {
        uint8_t text[3] = {(uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
        assert_agree(text, 3);
    }
}

/* Every byte at which any rule of UTF-8 changes, in every place of four. */
static void test_four_bytes_at_the_boundaries(void **state)
{
    (void)state;
    static const uint8_t edges[] = {0x00, 0x41, 0x7F, 0x80, 0x81, 0x8F, 0x90, 0x9F, 0xA0, 0xBE, 0xBF,
                                    0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0,
                                    0xF1, 0xF3, 0xF4, 0xF5, 0xF7, 0xF8, 0xFB, 0xFC, 0xFE, 0xFF};
    const uint32_t n = sizeof edges;
    for (uint32_t i = 0; i < n * n * n * n; i++) {
        uint8_t text[4] = {edges[i / (n * n * n)], edges[i / (n * n) % n], edges[i / n % n], edges[i % n]};
        assert_agree(text, 4);
    }
}

static void test_every_code_point(void **state)
{
    (void)state;
    for (uint32_t code_point = 0; code_point <= CODE_POINT_MAX + 0x100; code_point++) {
        uint8_t text[4];
        size_t n = encode(code_point, text);
        size_t expected = is_scalar_value(code_point) ? ALL_IS_WELL : 0;
        if (subject(text, n) != expected)
            fail_msg("U+%04X", (unsigned)code_point);
    }
}

/* Around the step of eight bytes in which ASCII is skipped: before, across and behind its border. */
static void test_sequences_anywhere_in_ascii(void **state)
{
    (void)state;
    static const char *const pieces[] = {"\xC3\xBC", "\xE2\x82\xAC",     "\xF0\x9F\x8C\x8A", "\xC3",
                                         "\xFF",     "\xED\xA0\x80",     "\xC0\x80",         "\xE2\x82",
                                         "\x80",     "\xF4\x90\x80\x80", "\xF0\x9F\x8C"};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        for (size_t before = 0; before < 20; before++)
            for (size_t after = 0; after < 20; after++) {
                uint8_t text[64];
                size_t n = strlen(pieces[i]);
                memset(text, 'a', sizeof text);
                memcpy(text + before, pieces[i], n);
                assert_agree(text, before + n + after);
            }
}

/* The bytes lie at the end of their allocation: the sanitizer sees a read behind them. */
static void test_nothing_behind_the_text_is_read(void **state)
{
    (void)state;
    static const char whole[] = "0123456\xF0\x9F\x8C\x8A 89abcdef\xE2\x82\xAC";
    for (size_t len = 1; len < sizeof whole; len++) {
        uint8_t *text = malloc(len);
        assert_non_null(text);
        memcpy(text, whole, len);
        assert_agree(text, len);
        free(text);
    }
}

static void test_nothing_is_valid(void **state)
{
    (void)state;
    size_t bad = 42;
    assert_true(weir_utf8_valid(WEIR_NO_BYTES, &bad));
    assert_true(weir_utf8_valid(weir_bytes_of(""), &bad));
    assert_true(weir_utf8_valid(weir_bytes_of("user"), &bad));
    assert_int_equal(bad, 42);
}

static void test_offset_is_of_the_first_bad_sequence(void **state)
{
    (void)state;
    size_t bad = 0;
    assert_false(weir_utf8_valid(weir_bytes_of("\xC3\xBC\xE2\x82\x41\xFF"), &bad));
    assert_int_equal(bad, 2);
}

static void test_nobody_asks_for_the_offset(void **state)
{
    (void)state;
    assert_false(weir_utf8_valid(weir_bytes_of("a\xFF"), NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_texts_of_one_and_two_bytes),
        cmocka_unit_test(test_all_texts_of_three_bytes),
        cmocka_unit_test(test_four_bytes_at_the_boundaries),
        cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_sequences_anywhere_in_ascii),
        cmocka_unit_test(test_nothing_behind_the_text_is_read),
        cmocka_unit_test(test_nothing_is_valid),
        cmocka_unit_test(test_offset_is_of_the_first_bad_sequence),
        cmocka_unit_test(test_nobody_asks_for_the_offset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
