#include "registry/answer.h"

#include <jansson.h>
#include <string.h>

static enum weir_err_code no_answer(struct weir_err *err)
{
    return weir_fail(err, WEIR_ERR_REGISTRY_DOWN, "the answer is not one of a schema registry");
}

static enum weir_err_code read_schema(const json_t *root, struct answer_schema *out, struct weir_err *err)
{
    const json_t *text = json_object_get(root, "schema");
    const json_t *type = json_object_get(root, "schemaType");
    if (!json_is_string(text) || (type && !json_is_string(type) && !json_is_null(type)))
        return no_answer(err);
    if (json_is_string(type) && strcmp(json_string_value(type), "AVRO") != 0)
        return weir_fail(err, WEIR_ERR_BAD_SCHEMA, "it is no Avro schema but of type %.20s",
                         json_string_value(type));
    if (json_array_size(json_object_get(root, "references")) > 0)
        return weir_fail(err, WEIR_ERR_BAD_SCHEMA,
                         "it refers to other schemas (references), which weir does not support");
    return weir_schema_parse(
        (struct weir_bytes){(const uint8_t *)json_string_value(text), json_string_length(text)}, &out->schema,
        err);
}

/* A number from 1 to 2^31-1, as ids and versions are; 0 when there is none. */
static uint32_t read_number(const json_t *root, const char *key)
{
    json_int_t number = json_integer_value(json_object_get(root, key));
    return number >= 1 && number <= INT32_MAX ? (uint32_t)number : 0;
}

static bool has_rules(const json_t *root)
{
    const json_t *rules = json_object_get(root, "ruleSet");
    return json_array_size(json_object_get(rules, "domainRules")) > 0 ||
           json_array_size(json_object_get(rules, "migrationRules")) > 0 ||
           json_array_size(json_object_get(rules, "encodingRules")) > 0;
}

static json_t *load(struct weir_bytes body)
{
    json_error_t error;
    if (!body.data || body.len == 0)
        return NULL;
    return json_loadb((const char *)body.data, body.len, 0, &error);
}

enum weir_err_code answer_read(struct weir_bytes body, struct answer_schema *out, struct weir_err *err)
{
    json_t *root = load(body);
    struct answer_schema read = {
        .id = read_number(root, "id"), .version = read_number(root, "version"), .has_rules = has_rules(root)};
    enum weir_err_code code = root ? read_schema(root, &read, err) : no_answer(err);
    if (code == WEIR_OK)
        *out = read;
    json_decref(root);
    return code;
}

int64_t answer_error(struct weir_bytes body)
{
    json_t *root = load(body);
    int64_t code = json_integer_value(json_object_get(root, "error_code"));
    json_decref(root);
    return code;
}

bool answer_read_place(struct weir_bytes body, struct answer_place *out)
{
    json_t *root = load(body);
    *out = (struct answer_place){read_number(root, "id"), read_number(root, "version")};
    json_decref(root);
    return out->id != 0;
}

/* Appends a text to one that ends in NUL, control characters and line ends as spaces. It may be cut within a
 * character, which makes it no text any more: that is mended here. */
static void append_line(char text[ANSWER_TEXT_MAX], const char *more)
{
    size_t len = strlen(text);
    if (!more)
        return;
    for (size_t i = 0; more[i] && len < ANSWER_TEXT_MAX - 1; i++)
        text[len++] = (unsigned char)more[i] < ' ' ? ' ' : more[i];
    text[len] = '\0';
    size_t valid;
    if (!weir_utf8_valid(weir_bytes_of(text), &valid))
        text[valid] = '\0';
}

bool answer_compatible(struct weir_bytes body, bool *compatible, char why[ANSWER_TEXT_MAX])
{
    json_t *root = load(body);
    const json_t *said = json_object_get(root, "is_compatible");
    const json_t *messages = json_object_get(root, "messages");
    bool read = json_is_boolean(said);
    *compatible = json_is_true(said);
    why[0] = '\0';
    for (size_t i = 0; i < json_array_size(messages); i++) {
        append_line(why, i > 0 ? "; " : "");
        append_line(why, json_string_value(json_array_get(messages, i)));
    }
    json_decref(root);
    return read;
}

void answer_message(struct weir_bytes body, char text[ANSWER_TEXT_MAX])
{
    json_t *root = load(body);
    text[0] = '\0';
    append_line(text, json_string_value(json_object_get(root, "message")));
    json_decref(root);
}

bool answer_level(struct weir_bytes body, char level[ANSWER_TEXT_MAX])
{
    json_t *root = load(body);
    const char *said = json_string_value(json_object_get(root, "compatibilityLevel"));
    level[0] = '\0';
    append_line(level, said);
    json_decref(root);
    return said != NULL;
}

bool answer_same(const struct weir_schema *a, const struct weir_schema *b)
{
    if (a->text_len == b->text_len && memcmp(a->text, b->text, a->text_len) == 0)
        return true;
    json_error_t error;
    json_t *left = json_loadb(a->text, a->text_len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    json_t *right = json_loadb(b->text, b->text_len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    bool same = left && right && json_equal(left, right);
    json_decref(left);
    json_decref(right);
    return same;
}
