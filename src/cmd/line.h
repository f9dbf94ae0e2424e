/* The outcome of a record as a line of JSON: what `weir try` prints. */
#ifndef WEIR_CMD_LINE_H
#define WEIR_CMD_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/bytes.h"
#include "weir/err.h"
#include "weir/pipeline.h"
#include "weir/schema.h"

/* Memory that grows, with realloc, and is used for one record after the other; {NULL, 0} at first, free()
 * takes memory. */
struct line_buffer {
    uint8_t *memory;
    size_t cap;
};

/* At least so much memory; what was in it is kept. Fails with WEIR_ERR_NO_MEMORY. */
enum weir_err_code line_need(struct line_buffer *buffer, size_t cap, struct weir_err *err);

/* What the outcomes are of. */
struct line_form {
    const struct weir_node *reader; /* of whose fields some took their default */
    const struct weir_node *output;
    bool is_json;  /* an outcome's value is JSON already */
    size_t prefix; /* else these bytes stand before its Avro */
};

/* *text is the outcome as one JSON object without line end, and lies in the buffer. Fails with
 * WEIR_ERR_NO_MEMORY. */
enum weir_err_code line_write(struct line_buffer *buffer, const struct line_form *form,
                              const struct weir_outcome *outcome, struct weir_bytes *text,
                              struct weir_err *err);

#endif
