#include "weir/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(struct weir_bytes bytes, const char *wanted)
{
    uint8_t digest[WEIR_SHA256_BYTES];
    char hex[2 * WEIR_SHA256_BYTES + 1];
    weir_sha256(bytes, digest);
    for (size_t i = 0; i < WEIR_SHA256_BYTES; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(hex, wanted);
}

/* The examples of FIPS 180-4, and sha256sum's word for the rest. */
static void test_known_digests(void **state)
{
    (void)state;
    expect(WEIR_NO_BYTES, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(weir_bytes_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(weir_bytes_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(weir_bytes_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
           "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* Every way in which the end can fall into the last block: the digests of all prefixes, digested. */
static void test_every_length(void **state)
{
    (void)state;
    uint8_t text[200], digests[200 * WEIR_SHA256_BYTES];
    memset(text, 'a', sizeof text);
    for (size_t n = 0; n < sizeof text; n++)
        weir_sha256((struct weir_bytes){text, n}, digests + n * WEIR_SHA256_BYTES);
    expect((struct weir_bytes){digests, sizeof digests},
           "752c007f38611cfbf5fa42cb1cea3d8e086491c844d0cc4defd632cb81423506");
}

static void test_a_million(void **state)
{
    (void)state;
    uint8_t *text = malloc(1000000);
    assert_non_null(text);
    memset(text, 'a', 1000000);
    expect((struct weir_bytes){text, 1000000},
           "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_digests),
        cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_a_million),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
