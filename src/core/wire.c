/* How Confluent's serializers pack values (their SchemaId and DualSchemaIdDeserializer): a magic byte 00 and
 * the schema's number, big-endian, or 01 and its GUID, in front of the payload or in a header. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "weir/pipeline.h"

#define MAGIC_V0 0x00
#define MAGIC_V1 0x01

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

/* Reads what names a schema at the front of some bytes; false when nothing does. */
static bool read_key(struct weir_bytes bytes, struct weir_wire *wire)
{
    if (bytes.len >= WEIR_WIRE_PREFIX && bytes.data[0] == MAGIC_V0) {
        *wire = (struct weir_wire){WEIR_WIRE_AVRO, {.id = big_endian(bytes.data + 1)}, WEIR_WIRE_PREFIX};
        return true;
    }
    if (bytes.len >= WEIR_WIRE_GUID_PREFIX && bytes.data[0] == MAGIC_V1) {
        *wire = (struct weir_wire){WEIR_WIRE_AVRO, {.by_guid = true}, WEIR_WIRE_GUID_PREFIX};
        memcpy(wire->key.guid, bytes.data + 1, WEIR_GUID_SIZE);
        return true;
    }
    return false;
}

/* The value of the last header of that name; none when it is null or there is no such header. */
static struct weir_bytes find_header(const struct weir_record *record)
{
    for (size_t i = record->n_headers; i > 0; i--)
        if (strcmp(record->headers[i - 1].name, WEIR_WIRE_HEADER) == 0)
            return record->headers[i - 1].value;
    return WEIR_NO_BYTES;
}

static struct weir_wire read_header(struct weir_bytes header)
{
    struct weir_wire wire;
    if (!read_key(header, &wire))
        return (struct weir_wire){.kind = WEIR_WIRE_BAD_HEADER};
    wire.prefix = 0;
    return wire;
}

struct weir_wire weir_wire_read(enum weir_format format, const struct weir_record *record)
{
    struct weir_bytes value = record->value;
    struct weir_wire wire;
    if (!value.data)
        return (struct weir_wire){.kind = WEIR_WIRE_TOMBSTONE};
    /* Where JSON alone is expected, the JSON reader says better than "unknown" what is wrong with the value.
     */
    if (format == WEIR_FORMAT_JSON)
        return (struct weir_wire){.kind = value.len > 0 ? WEIR_WIRE_JSON : WEIR_WIRE_EMPTY};
    struct weir_bytes header = find_header(record);
    if (header.data)
        return read_header(header);
    if (value.len == 0)
        return (struct weir_wire){.kind = WEIR_WIRE_EMPTY};
    if (read_key(value, &wire))
        return wire;
    if (format == WEIR_FORMAT_AUTO && begins_object(value))
        return (struct weir_wire){.kind = WEIR_WIRE_JSON};
    return (struct weir_wire){.kind = WEIR_WIRE_UNKNOWN};
}

const char *weir_schema_key_print(const struct weir_schema_key *key, char text[WEIR_SCHEMA_KEY_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    char *p = text;
    if (!key->by_guid) {
        (void)snprintf(text, WEIR_SCHEMA_KEY_TEXT, "%" PRIu32, key->id);
        return text;
    }
    for (size_t i = 0; i < WEIR_GUID_SIZE; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = digits[key->guid[i] >> 4];
        *p++ = digits[key->guid[i] & 15];
    }
    *p = '\0';
    return text;
}
