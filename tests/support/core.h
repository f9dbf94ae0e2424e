/* What the tests of the core share: schemas from text, bytes from hexadecimal digits, slots by hand. */
#ifndef WEIR_TESTS_SUPPORT_CORE_H
#define WEIR_TESTS_SUPPORT_CORE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "avro/slot.h"
#include "weir/bytes.h"
#include "weir/schema.h"
#include "weir/spec.h"

/* The key of a schema that has a number. */
#define ID(number) (&(const struct weir_schema_key){.id = (number)})

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define SUPPORT_BYTES_MAX 512

static inline struct weir_schema *support_schema(const char *text)
{
    struct weir_schema *schema = NULL;
    struct weir_err err;
    if (weir_schema_parse(weir_bytes_of(text), &schema, &err) != WEIR_OK)
        fail_msg("%s: %s", text, err.text);
    return schema;
}

/* A record with these fields, which are JSON objects separated by commas. */
static inline struct weir_schema *support_record(const char *name, const char *fields)
{
    char text[4096];
    int len =
        snprintf(text, sizeof text, "{\"type\":\"record\",\"name\":\"%s\",\"fields\":[%s]}", name, fields);
    assert_true(len > 0 && (size_t)len < sizeof text);
    return support_schema(text);
}

static inline void support_hex(struct weir_bytes bytes, char *hex, size_t room)
{
    assert_true(bytes.len * 2 < room);
    hex[0] = '\0';
    for (size_t i = 0; i < bytes.len; i++)
        (void)snprintf(hex + 2 * i, room - 2 * i, "%02x", bytes.data[i]);
}

static inline void support_expect_hex(const char *what, struct weir_bytes got, const char *expected)
{
    char hex[2 * SUPPORT_BYTES_MAX + 1];
    support_hex(got, hex, sizeof hex);
    if (strcmp(hex, expected) != 0)
        fail_msg("%s: bytes %s, not %s", what, hex, expected);
}

static inline void support_expect_text(const char *what, const char *got, const char *part)
{
    if (!strstr(got, part))
        fail_msg("%s: '%s' does not say '%s'", what, got, part);
}

#define SLOT_OF_NULL                                                                                         \
    {                                                                                                        \
        .kind = SLOT_NULL                                                                                    \
    }
#define SLOT_OF_INTEGER(n)                                                                                   \
    {                                                                                                        \
        .v.i = (n), .kind = SLOT_INTEGER, .at = 5                                                            \
    }
#define SLOT_OF_BOOLEAN(n)                                                                                   \
    {                                                                                                        \
        .v.i = (n), .kind = SLOT_BOOLEAN, .at = 5                                                            \
    }
#define SLOT_OF_SYMBOL(n)                                                                                    \
    {                                                                                                        \
        .v.i = (n), .kind = SLOT_SYMBOL, .at = 5                                                             \
    }
#define SLOT_OF_REAL(d_)                                                                                     \
    {                                                                                                        \
        .v.d = (d_), .kind = SLOT_REAL, .at = 5                                                              \
    }
#define SLOT_OF_NESTED                                                                                       \
    {                                                                                                        \
        .kind = SLOT_NESTED, .at = 5                                                                         \
    }
#define SLOT_OF_TEXT(s)                                                                                      \
    {                                                                                                        \
        .v.text = {(const uint8_t *)(s), sizeof(s) - 1}, .kind = SLOT_TEXT, .at = 5                          \
    }
#define SLOT_OF_BINARY(s)                                                                                    \
    {                                                                                                        \
        .v.text = {(const uint8_t *)(s), sizeof(s) - 1}, .kind = SLOT_BINARY, .at = 5                        \
    }

/* A scalar that stands at line 7, column 9. */
#define SCALAR(s)                                                                                            \
    {                                                                                                        \
        .text = (s), .at = { 7, 9 }                                                                          \
    }
#define SCALAR_QUOTED(s)                                                                                     \
    {                                                                                                        \
        .text = (s), .quoted = true, .at = { 7, 9 }                                                          \
    }

#endif
