#include "archive/unpacker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "archive/packer.h"

#define FILE_MAX 200000

static char path[64];
static struct weir_err err;

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/weir-test-unpacker-%ld.avro", (long)getpid());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(path);
    return 0;
}

static void pack(const struct weir_record *records, size_t n)
{
    struct packer *packer = NULL;
    (void)unlink(path);
    assert_int_equal(packer_open(path, &packer, &err), WEIR_OK);
    for (size_t i = 0; i < n; i++) {
        const struct packer_letter letter = {.record = &records[i], .topic = weir_bytes_of("t")};
        assert_int_equal(packer_add(packer, &letter, &err), WEIR_OK);
    }
    assert_int_equal(packer_close(packer, true, &err), WEIR_OK);
}

static void same_bytes(struct weir_bytes a, struct weir_bytes b)
{
    assert_int_equal(a.data == NULL, b.data == NULL);
    assert_int_equal(a.len, b.len);
    if (a.len > 0)
        assert_memory_equal(a.data, b.data, a.len);
}

static void same(const struct weir_record *a, const struct weir_record *b)
{
    assert_int_equal(a->timestamp_ms, b->timestamp_ms);
    same_bytes(a->key, b->key);
    same_bytes(a->value, b->value);
    assert_int_equal(a->n_headers, b->n_headers);
    for (size_t i = 0; i < a->n_headers; i++) {
        assert_string_equal(a->headers[i].name, b->headers[i].name);
        same_bytes(a->headers[i].value, b->headers[i].value);
    }
}

static void each_byte_comes_back(void **state)
{
    (void)state;
    enum { HEADERS = 100, LONG = 150000 };
    static struct weir_header many[HEADERS];
    static uint8_t long_value[LONG];
    for (size_t i = 0; i < HEADERS; i++)
        many[i] = (struct weir_header){i % 2 ? "name" : "", i % 3 ? weir_bytes_of("v") : WEIR_NO_BYTES};
    for (size_t i = 0; i < LONG; i++)
        long_value[i] = (uint8_t)(i * 7);
    const struct weir_record records[] = {
        {.key = weir_bytes_of("k"), .value = weir_bytes_of("v"), .timestamp_ms = 5},
        {.value = {(const uint8_t *)"", 0}, .timestamp_ms = -1},
        {.key = {(const uint8_t *)"\0\xff", 2}, .headers = many, .n_headers = HEADERS},
        {.value = {long_value, LONG}},
        {.key = weir_bytes_of("last"), .headers = many, .n_headers = 1},
    };
    const size_t n = sizeof records / sizeof records[0];
    struct unpacker *unpacker = NULL;
    const struct weir_record *record;
    pack(records, n);
    assert_int_equal(unpacker_open(path, &unpacker, &err), WEIR_OK);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(unpacker_next(unpacker, &record, &err), WEIR_OK);
        assert_non_null(record);
        same(record, &records[i]);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(unpacker_next(unpacker, &record, &err), WEIR_OK);
        assert_null(record);
    }
    unpacker_close(unpacker);
}

static void a_file_without_letters(void **state)
{
    (void)state;
    struct unpacker *unpacker = NULL;
    const struct weir_record *record;
    pack(NULL, 0);
    assert_int_equal(unpacker_open(path, &unpacker, &err), WEIR_OK);
    assert_int_equal(unpacker_next(unpacker, &record, &err), WEIR_OK);
    assert_null(record);
    unpacker_close(unpacker);
    unpacker_close(NULL);
}

static void write_file(const uint8_t *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static size_t read_file(uint8_t *bytes)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(bytes, 1, FILE_MAX, file);
    assert_int_equal(fclose(file), 0);
    return len;
}

/* Reads all that can be read; how many letters that were, -1 where an error ended it. */
static int read_all(void)
{
    struct unpacker *unpacker = NULL;
    enum weir_err_code code = unpacker_open(path, &unpacker, &err);
    const struct weir_record *record = NULL;
    int n = 0;
    while (code == WEIR_OK) {
        code = unpacker_next(unpacker, &record, &err);
        if (code != WEIR_OK || !record)
            break;
        for (size_t i = 0; i < record->n_headers; i++)
            n += record->headers[i].name[0] == '\x7f';
        n++;
    }
    unpacker_close(unpacker);
    return code == WEIR_OK ? n : -1;
}

static size_t pack_three(uint8_t *bytes)
{
    const struct weir_header header = {"name", weir_bytes_of("value")};
    const struct weir_record record = {
        .key = weir_bytes_of("k"), .value = weir_bytes_of("value"), .headers = &header, .n_headers = 1};
    const struct weir_record records[] = {record, record, record};
    pack(records, 3);
    return read_file(bytes);
}

/* A file that was cut anywhere is damaged, save where its header ends. */
static void a_file_that_was_cut(void **state)
{
    (void)state;
    static uint8_t bytes[FILE_MAX];
    size_t whole = pack_three(bytes);
    int good = 0;
    assert_int_equal(read_all(), 3);
    for (size_t len = 0; len < whole; len++) {
        write_file(bytes, len);
        int n = read_all();
        assert_true(n <= 0);
        good += n == 0;
    }
    assert_int_equal(good, 1);
}

/* Whatever stands in a file, reading it ends, within its bounds: the sanitizers look on. */
static void any_byte_may_be_wrong(void **state)
{
    (void)state;
    static uint8_t bytes[FILE_MAX];
    static const uint8_t wrong[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    size_t len = pack_three(bytes);
    for (size_t i = 0; i < len; i++) {
        uint8_t was = bytes[i];
        for (size_t j = 0; j < sizeof wrong; j++) {
            bytes[i] = wrong[j];
            write_file(bytes, len);
            (void)read_all();
        }
        bytes[i] = was;
    }
}

static void what_is_no_such_file(void **state)
{
    (void)state;
    struct unpacker *unpacker = NULL;
    assert_int_equal(unpacker_open("/no/such/file", &unpacker, &err), WEIR_ERR_IO);
    write_file((const uint8_t *)"{}", 2);
    assert_int_equal(unpacker_open(path, &unpacker, &err), WEIR_ERR_INCOMPATIBLE);
    assert_non_null(strstr(err.text, "no Avro object container file"));
    static const uint8_t compressed[] = "Obj\x01\x02\x14"
                                        "avro.codec\x0e"
                                        "deflate\x00";
    write_file(compressed, sizeof compressed);
    assert_int_equal(unpacker_open(path, &unpacker, &err), WEIR_ERR_INCOMPATIBLE);
    assert_non_null(strstr(err.text, "is compressed (deflate)"));
    static const uint8_t other[] = "Obj\x01\x02\x16"
                                   "avro.schema\x10"
                                   "\"string\"\x00"
                                   "0123456789abcdef";
    write_file(other, sizeof other - 1);
    assert_int_equal(unpacker_open(path, &unpacker, &err), WEIR_ERR_INCOMPATIBLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_byte_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_without_letters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_was_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_byte_may_be_wrong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_such_file, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
