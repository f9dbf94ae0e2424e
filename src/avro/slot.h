/*
 * A slot: one field of the reader's record while it is on its way through the pipeline.
 * It has two faces. `raw` is the value encoded by the reader's type, so that a field that passes unchanged is
 * copied as bytes; `v` is the scalar inside, so that rules and transformations need not decode again.
 */
#ifndef WEIR_AVRO_SLOT_H
#define WEIR_AVRO_SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/bytes.h"
#include "weir/schema.h"

enum slot_kind {
    SLOT_NULL,
    SLOT_BOOLEAN, /* v.i 0 or 1 */
    SLOT_INTEGER, /* v.i: int, long */
    SLOT_REAL,    /* v.d: float, double */
    SLOT_TEXT,    /* v.text: string */
    SLOT_BINARY,  /* v.text: bytes, fixed */
    SLOT_SYMBOL,  /* v.i: index of the symbol in the reader's enum */
    SLOT_NESTED   /* a record, an array or a map: only raw */
};

/* In a union, kind and v are those of the branch that the value has. */
struct slot {
    struct weir_bytes raw; /* borrowed from the input, the scratch or the schema */
    union {
        int64_t i;
        double d;
        struct weir_bytes text; /* borrowed likewise */
    } v;
    uint32_t at; /* where in the record's value the field stands; 0 when defaulted */
    uint8_t kind;
    bool defaulted;
};

/* The slot of a field that took its default: made ahead and copied per record. field->has_default. */
void slot_default(struct slot *slot, const struct weir_field *field);

/* The IEEE 754 numbers in the 4 or 8 bytes at p, the lowest byte first. */
float slot_float(const uint8_t *p);
double slot_double(const uint8_t *p);

#endif
