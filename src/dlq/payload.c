#include "dlq/payload.h"

#include <stdlib.h>
#include <string.h>

#include "avro/decode.h"
#include "avro/json.h"
#include "avro/resolve.h"
#include "avro/slot.h"

/* Room for the JSON text of a value: what it begins with, for each byte of it, and how often it is doubled.
 */
#define TEXT_FIXED  4096
#define TEXT_FACTOR 8
#define TEXT_TRIES  4
/* How deep masking follows; no schema is deeper. */
#define MASK_DEPTH_MAX 128

bool payload_is_masked(const char *mask, struct weir_bytes name)
{
    for (const char *p = mask ? mask : ""; *p;) {
        size_t len = strcspn(p, ", ");
        if (len > 0 && len == name.len && memcmp(p, name.data, len) == 0)
            return true;
        p += len;
        p += strspn(p, ", ");
    }
    return false;
}

bool payload_hides(const char *mask, struct weir_bytes path)
{
    for (size_t at = 0; mask && at < path.len;) {
        size_t end = at;
        while (end < path.len && !strchr(".[]", path.data[end]))
            end++;
        if (payload_is_masked(mask, (struct weir_bytes){path.data + at, end - at}))
            return true;
        at = end + 1;
    }
    return false;
}

static void mask_tree(json_t *tree, const char *mask, int depth)
{
    const char *name;
    size_t index;
    json_t *child;
    if (depth > MASK_DEPTH_MAX)
        return;
    json_object_foreach(tree, name, child)
    {
        if (payload_is_masked(mask, weir_bytes_of(name)))
            (void)json_object_set_new(tree, name, json_string(PAYLOAD_MASKED));
        else
            mask_tree(child, mask, depth + 1);
    }
    json_array_foreach(tree, index, child) mask_tree(child, mask, depth + 1);
}

void payload_mask(json_t *tree, const char *mask)
{
    if (mask)
        mask_tree(tree, mask, 0);
}

/* What jansson finds wrong it names with a piece of the text, which may be what is masked. */
static json_t *load(struct weir_bytes text, const char *mask, struct weir_err *err)
{
    json_error_t why;
    json_t *tree = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &why);
    if (!tree)
        (void)weir_fail(err, WEIR_ERR_INCOMPATIBLE, "it is no JSON object%s%s", mask ? "" : ": ",
                        mask ? "" : why.text);
    return tree;
}

/* True when the bytes are a record of the schema, every one of them: only then may they be read on. */
static bool is_valid(const struct weir_schema *schema, struct weir_bytes payload, size_t prefix,
                     struct weir_err *err)
{
    struct resolution *resolution = NULL;
    struct weir_reason why = {.code = WEIR_CODE_NONE};
    bool good = false;
    if (resolve_new(schema->root, schema->root, &resolution, err) != WEIR_OK)
        return false;
    size_t size = resolve_scratch(resolution, payload.len);
    struct slot *slots = calloc(schema->root->n + 1, sizeof *slots);
    uint8_t *memory = malloc(size + 1);
    if (slots && memory) {
        struct weir_arena scratch;
        weir_arena_init(&scratch, memory, size);
        good = decode_record(resolution, payload, prefix, &scratch, slots, &why);
        if (!good)
            (void)weir_fail(err, WEIR_ERR_INCOMPATIBLE, "%s%s%s at byte %lld", weir_code_name(why.code),
                            why.field ? " in " : "", why.field ? why.field : "", (long long)why.byte_offset);
    } else {
        (void)weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a value");
    }
    free(memory);
    free(slots);
    resolve_free(resolution);
    return good;
}

static json_t *write_tree(const struct weir_node *type, struct weir_bytes payload, const char *mask,
                          struct weir_err *err)
{
    size_t size = TEXT_FIXED + payload.len * TEXT_FACTOR;
    for (int i = 0; i < TEXT_TRIES; i++, size *= 2) {
        uint8_t *memory = malloc(size);
        if (!memory)
            break;
        struct weir_arena arena;
        struct weir_bytes text;
        weir_arena_init(&arena, memory, size);
        bool fits = json_write(type, payload, &arena, &text);
        json_t *tree = fits ? load(text, mask, err) : NULL;
        free(memory);
        if (fits)
            return tree;
    }
    (void)weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a value as text");
    return NULL;
}

static json_t *decode_avro(struct registry *registry, const struct weir_wire *wire, struct weir_bytes value,
                           const char *mask, struct weir_err *err)
{
    const struct weir_schema *schema = NULL;
    if (registry_by_key(registry, &wire->key, &schema, err) != WEIR_OK)
        return NULL;
    struct weir_bytes payload = {value.data + wire->prefix, value.len - wire->prefix};
    if (schema->root->type != WEIR_TYPE_RECORD) {
        (void)weir_fail(err, WEIR_ERR_INCOMPATIBLE, "its schema is no record");
        return NULL;
    }
    if (!is_valid(schema, payload, wire->prefix, err))
        return NULL;
    return write_tree(schema->root, payload, mask, err);
}

json_t *payload_decode(struct registry *registry, enum weir_format format, const struct weir_record *record,
                       const char *mask, struct weir_err *err)
{
    struct weir_bytes value = record->value;
    struct weir_wire wire = weir_wire_read(format, record);
    json_t *tree = NULL;
    if (value.len > PAYLOAD_MAX)
        (void)weir_fail(err, WEIR_ERR_INCOMPATIBLE, "it has more than %zu bytes", PAYLOAD_MAX);
    else if (wire.kind == WEIR_WIRE_AVRO)
        tree = decode_avro(registry, &wire, value, mask, err);
    else if (wire.kind == WEIR_WIRE_JSON)
        tree = load(value, mask, err);
    else
        (void)weir_fail(err, WEIR_ERR_INCOMPATIBLE, "it is neither Avro nor JSON");
    payload_mask(tree, mask);
    return tree;
}
