/* The wire format V0 of Confluent's serializers: a magic byte 00, then the schema's id, big-endian. */
#include "weir/pipeline.h"

#define MAGIC_V0 0x00

static bool is_json_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static bool begins_object(struct weir_bytes value)
{
    size_t i = 0;
    while (i < value.len && is_json_space(value.data[i]))
        i++;
    return i < value.len && value.data[i] == '{';
}

static uint32_t big_endian(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

struct weir_wire weir_wire_read(enum weir_format format, struct weir_bytes value)
{
    if (!value.data)
        return (struct weir_wire){.kind = WEIR_WIRE_TOMBSTONE};
    if (value.len == 0)
        return (struct weir_wire){.kind = WEIR_WIRE_EMPTY};
    /* Where JSON alone is expected, the JSON reader says better than "unknown" what is wrong with the value.
     */
    if (format == WEIR_FORMAT_JSON)
        return (struct weir_wire){.kind = WEIR_WIRE_JSON};
    if (value.data[0] == MAGIC_V0 && value.len >= WEIR_WIRE_PREFIX)
        return (struct weir_wire){WEIR_WIRE_AVRO, big_endian(value.data + 1), WEIR_WIRE_PREFIX};
    if (format == WEIR_FORMAT_AUTO && begins_object(value))
        return (struct weir_wire){.kind = WEIR_WIRE_JSON};
    return (struct weir_wire){.kind = WEIR_WIRE_UNKNOWN};
}
