/*
 * What becomes of each field on its way: writer's to reader's schema, reader's to output's. For people who
 * want to see what a plan does; the plan itself is compiled elsewhere (plan.c).
 */
#ifndef WEIR_CORE_MAPPING_H
#define WEIR_CORE_MAPPING_H

#include <stddef.h>

#include "weir/err.h"
#include "weir/pipeline.h"
#include "weir/schema.h"

/* Longest path of a field, type and detail that is told, their NUL included; longer ones are cut. */
#define MAPPING_TEXT_MAX 256
/* Records within records are followed so deep, and as long as fewer rows than this were told, since a record
 * may hold itself, and often; what is beyond is told as a whole. */
#define MAPPING_DEPTH_MAX 8
#define MAPPING_ROWS_MAX  10000

enum mapping_how {
    MAPPING_SAME,      /* the same bytes */
    MAPPING_CONVERTED, /* read as another type, or put into a union */
    MAPPING_DEFAULT,   /* there is no such field to take it from */
    MAPPING_SET,       /* `set` of the configuration fills it */
    MAPPING_SKIPPED,   /* nobody asks for it */
    MAPPING_REFUSED,   /* it does not fit: no plan can be compiled */
    MAPPING_HOWS
};

enum mapping_part { MAPPING_READ /* writer → reader */, MAPPING_WRITE /* reader → output */ };

/* All is borrowed during the call. */
struct mapping_row {
    enum mapping_part part;
    enum mapping_how how;
    const char *from, *to; /* paths ("address.city"); NULL where there is none */
    const struct weir_node *from_type, *to_type;
    const char *detail; /* DEFAULT: the default as JSON. SET: how. REFUSED: why. Else "" */
};

struct mapping_visitor {
    void (*row)(void *context, const struct mapping_row *row);
    void *context;
};

/*
 * Tells each field of the target, in its order, then what of the source is skipped; all fields of records
 * within records likewise. writer, reader and output must be records; writer or output may be NULL, which
 * leaves out its part. spec says what `set` fills; NULL: nothing. Fails with WEIR_ERR_NO_MEMORY.
 */
enum weir_err_code mapping_tell(const struct weir_schema *writer, const struct weir_schema *reader,
                                const struct weir_schema *output, const struct weir_pipeline_spec *spec,
                                const struct mapping_visitor *visitor, struct weir_err *err);

/* A type in a few words: "string", "null | long (timestamp-millis)", "enum dev.weir.color". */
void mapping_type(const struct weir_node *type, char text[MAPPING_TEXT_MAX]);

/* "same" and the like. */
const char *mapping_how_name(enum mapping_how how);

#endif
