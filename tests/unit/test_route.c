#include "core/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>

#include <cmocka.h>

static struct weir_bytes bytes(const char *text)
{
    return weir_bytes_of(text);
}

/* The values of Kafka's own test, UtilsTest.testMurmur2, and of key lengths that end in each way. */
static void murmur2_is_that_of_java(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        int32_t hash;
    } table[] = {
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
        {"abc", 479470107},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        assert_int_equal((int32_t)route_murmur2(bytes(table[i].key)), table[i].hash);
}

/* Java's bytes are signed: those above 127 must not leak into their neighbours. */
static void murmur2_takes_bytes_as_unsigned(void **state)
{
    (void)state;
    static const uint8_t high[] = {0xff, 0x80, 0xfe};
    struct weir_bytes key = {high, sizeof high};
    assert_int_equal(route_murmur2(key), UINT32_C(0x390b8ddd));
    key.len = 0;
    assert_int_equal((int32_t)route_murmur2(key), 275646681);
}

struct row {
    enum weir_partition_by by;
    int32_t source, n_source, n_target;
    const char *key, *field;
    int32_t expected;
};

static void each_way_of_placing(void **state)
{
    (void)state;
    /* toPositive(murmur2("foobar")) = 1357151166, of "21" = 1173551340. */
    static const struct row table[] = {
        {WEIR_PARTITION_AUTO, 4, 6, 6, "foobar", NULL, 4},
        {WEIR_PARTITION_AUTO, 4, 6, 7, "foobar", NULL, 1357151166 % 7},
        {WEIR_PARTITION_AUTO, 8, 9, 7, NULL, NULL, 1},
        {WEIR_PARTITION_SOURCE, 4, 6, 6, "foobar", NULL, 4},
        {WEIR_PARTITION_SOURCE, 5, 6, 3, "foobar", "21", 2},
        {WEIR_PARTITION_KEY, 4, 6, 6, "foobar", NULL, 1357151166 % 6},
        {WEIR_PARTITION_KEY, 4, 6, 6, "21", "foobar", 1173551340 % 6},
        {WEIR_PARTITION_KEY, 4, 6, 3, NULL, "foobar", 1},
        {WEIR_PARTITION_FIELD, 4, 6, 5, "foobar", "21", 1173551340 % 5},
        {WEIR_PARTITION_FIELD, 4, 6, 3, "foobar", NULL, 1},
        {WEIR_PARTITION_FIELD, 4, 6, 1, "foobar", "21", 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct row *row = &table[i];
        int32_t got = route_partition(row->by, row->source, row->n_source, row->n_target, bytes(row->key),
                                      bytes(row->field));
        if (got != row->expected)
            fail_msg("row %zu: partition %d, not %d", i, got, row->expected);
    }
}

/* An empty key is a key: Java hashes it too. */
static void an_empty_key_is_not_no_key(void **state)
{
    (void)state;
    assert_int_equal(route_partition(WEIR_PARTITION_KEY, 3, 6, 6, bytes(""), WEIR_NO_BYTES), 275646681 % 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(murmur2_is_that_of_java),
        cmocka_unit_test(murmur2_takes_bytes_as_unsigned),
        cmocka_unit_test(each_way_of_placing),
        cmocka_unit_test(an_empty_key_is_not_no_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
