#include "kafka/measure.h"

#include <string.h>

static size_t varint_size(size_t value)
{
    size_t n = 1;
    /* Lengths are zig-zag coded: one bit more. */
    for (value <<= 1; value >= 0x80; value >>= 7)
        n++;
    return n;
}

static size_t field_size(struct weir_bytes bytes)
{
    return varint_size(bytes.len) + bytes.len;
}

size_t measure_record(struct weir_bytes key, struct weir_bytes value, const struct weir_header *headers,
                      size_t n_headers)
{
    enum { BATCH_HEADER = 61, FIXED = 1 + 1 + 1 };
    size_t body = FIXED + field_size(key) + field_size(value) + varint_size(n_headers);
    for (size_t i = 0; i < n_headers; i++) {
        size_t name = strlen(headers[i].name);
        body += varint_size(name) + name + field_size(headers[i].value);
    }
    return BATCH_HEADER + varint_size(body) + body;
}
