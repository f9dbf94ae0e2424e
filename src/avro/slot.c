#include "avro/slot.h"

#include <assert.h>
#include <string.h>

#include "avro/varint.h"

static uint64_t little_endian(const uint8_t *p, size_t n)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < n; i++)
        bits |= (uint64_t)p[i] << (8 * i);
    return bits;
}

float slot_float(const uint8_t *p)
{
    uint32_t bits = (uint32_t)little_endian(p, sizeof bits);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

double slot_double(const uint8_t *p)
{
    uint64_t bits = little_endian(p, sizeof bits);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void fill(struct slot *slot, const struct weir_node *type, struct weir_bytes bytes)
{
    const uint8_t *end = bytes.data + bytes.len;
    int64_t number = 0;
    switch (type->type) {
    case WEIR_TYPE_NULL: slot->kind = SLOT_NULL; return;
    case WEIR_TYPE_ARRAY:
    case WEIR_TYPE_MAP:
    case WEIR_TYPE_RECORD: slot->kind = SLOT_NESTED; return;
    case WEIR_TYPE_FIXED:
        slot->kind = SLOT_BINARY;
        slot->v.text = bytes;
        return;
    case WEIR_TYPE_FLOAT:
        slot->kind = SLOT_REAL;
        slot->v.d = slot_float(bytes.data);
        return;
    case WEIR_TYPE_DOUBLE:
        slot->kind = SLOT_REAL;
        slot->v.d = slot_double(bytes.data);
        return;
    case WEIR_TYPE_BOOLEAN:
        slot->kind = SLOT_BOOLEAN;
        slot->v.i = bytes.data[0];
        return;
    default: break;
    }
    const uint8_t *p = varint_read(bytes.data, end, &number);
    assert(p);
    if (type->type == WEIR_TYPE_UNION) {
        fill(slot, type->branches[number], (struct weir_bytes){p, (size_t)(end - p)});
    } else if (type->type == WEIR_TYPE_STRING || type->type == WEIR_TYPE_BYTES) {
        slot->kind = type->type == WEIR_TYPE_STRING ? SLOT_TEXT : SLOT_BINARY;
        slot->v.text = (struct weir_bytes){p, (size_t)number};
    } else {
        slot->kind = type->type == WEIR_TYPE_ENUM ? SLOT_SYMBOL : SLOT_INTEGER;
        slot->v.i = number;
    }
}

void slot_default(struct slot *slot, const struct weir_field *field)
{
    memset(slot, 0, sizeof *slot);
    slot->raw = field->default_value;
    slot->defaulted = true;
    fill(slot, field->type, field->default_value);
}
