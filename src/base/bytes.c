#include "weir/bytes.h"

#include <string.h>

struct weir_bytes weir_bytes_of(const char *text)
{
    if (!text)
        return WEIR_NO_BYTES;
    return (struct weir_bytes){(const uint8_t *)text, strlen(text)};
}

bool weir_bytes_equal(struct weir_bytes a, struct weir_bytes b)
{
    if (!a.data || !b.data)
        return !a.data && !b.data;
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

bool weir_bytes_starts(struct weir_bytes a, const char *text)
{
    size_t len = strlen(text);
    return a.data && a.len >= len && memcmp(a.data, text, len) == 0;
}
