/* Logical types (Avro 1.12, "Logical Types"). */
#include <string.h>

#include "avro/schema_parts.h"

/* Bytes of a fixed that is a uuid, and of one that is a duration. */
#define UUID_SIZE     16
#define DURATION_SIZE 12

/* log10(2): how many decimal digits a bit is worth. */
#define DIGITS_PER_BIT 0.30102999566398119521

/* Which type a logical type stands on; decimal, which has attributes of its own, is not among them. */
static const struct {
    const char *name;
    uint8_t logical, type;
    size_t size; /* FIXED */
} logicals[] = {
    {"big-decimal", WEIR_LOGICAL_BIG_DECIMAL, WEIR_TYPE_BYTES, 0},
    {"uuid", WEIR_LOGICAL_UUID, WEIR_TYPE_STRING, 0},
    {"uuid", WEIR_LOGICAL_UUID, WEIR_TYPE_FIXED, UUID_SIZE},
    {"date", WEIR_LOGICAL_DATE, WEIR_TYPE_INT, 0},
    {"time-millis", WEIR_LOGICAL_TIME_MILLIS, WEIR_TYPE_INT, 0},
    {"time-micros", WEIR_LOGICAL_TIME_MICROS, WEIR_TYPE_LONG, 0},
    {"timestamp-millis", WEIR_LOGICAL_TIMESTAMP_MILLIS, WEIR_TYPE_LONG, 0},
    {"timestamp-micros", WEIR_LOGICAL_TIMESTAMP_MICROS, WEIR_TYPE_LONG, 0},
    {"timestamp-nanos", WEIR_LOGICAL_TIMESTAMP_NANOS, WEIR_TYPE_LONG, 0},
    {"local-timestamp-millis", WEIR_LOGICAL_LOCAL_TIMESTAMP_MILLIS, WEIR_TYPE_LONG, 0},
    {"local-timestamp-micros", WEIR_LOGICAL_LOCAL_TIMESTAMP_MICROS, WEIR_TYPE_LONG, 0},
    {"local-timestamp-nanos", WEIR_LOGICAL_LOCAL_TIMESTAMP_NANOS, WEIR_TYPE_LONG, 0},
    {"duration", WEIR_LOGICAL_DURATION, WEIR_TYPE_FIXED, DURATION_SIZE},
};

/* The most decimal digits that a number of two's complement in so many bytes can always have. */
static int64_t digits_in(size_t bytes)
{
    return bytes == 0 ? 0 : (int64_t)((8 * (double)bytes - 1) * DIGITS_PER_BIT);
}

/* Reads precision and scale; false where they make no decimal. */
static bool read_decimal(const json_t *json, struct weir_node *node)
{
    const json_t *precision = json_object_get(json, "precision"), *scale = json_object_get(json, "scale");
    if (!json_is_integer(precision) || (scale && !json_is_integer(scale)))
        return false;
    node->precision = json_integer_value(precision);
    node->scale = scale ? json_integer_value(scale) : 0;
    return node->precision > 0 && node->scale >= 0 && node->scale <= node->precision &&
           (node->type != WEIR_TYPE_FIXED || node->precision <= digits_in(node->size));
}

void schema_logical(const json_t *json, struct weir_node *node)
{
    const char *name = json_string_value(json_object_get(json, "logicalType"));
    if (!name)
        return;
    bool is_decimal = strcmp(name, "decimal") == 0;
    if (is_decimal && (node->type == WEIR_TYPE_BYTES || node->type == WEIR_TYPE_FIXED)) {
        node->logical = read_decimal(json, node) ? WEIR_LOGICAL_DECIMAL : WEIR_LOGICAL_NONE;
        return;
    }
    for (size_t i = 0; i < sizeof logicals / sizeof logicals[0]; i++)
        if (strcmp(logicals[i].name, name) == 0 && logicals[i].type == node->type &&
            logicals[i].size == (node->type == WEIR_TYPE_FIXED ? node->size : 0))
            node->logical = (enum weir_logical)logicals[i].logical;
}
