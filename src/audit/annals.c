#include "audit/annals.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEX           16
#define PRINT_LENGTH  32
#define FIRST_ENTRIES 64

struct part {
    struct annals_batch *batches; /* as they came; once linked, the chain stands at its front */
    size_t n, cap;
    struct annals_chain chain;
};

struct annals {
    const char *topic;
    struct part *parts;
    int32_t n_parts;
    size_t n_batches;
    struct annals_plan *plans;
    size_t n_plans, cap_plans;
    struct annals_text *texts;
    size_t n_texts, cap_texts;
    struct annals_writer *writers;
    size_t n_writers, cap_writers;
    struct journal_given *given;
    size_t n_given, cap_given;
    struct journal_words words;
    uint64_t strays;
    int32_t stray_partition;
    int64_t stray_offset;
};

static enum weir_err_code no_memory(struct weir_err *err)
{
    return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the journal");
}

enum weir_err_code annals_new(const char *topic, int32_t partitions, struct annals **out,
                              struct weir_err *err)
{
    struct annals *annals = calloc(1, sizeof *annals);
    if (!annals)
        return no_memory(err);
    annals->topic = topic;
    annals->n_parts = partitions;
    annals->parts = calloc(partitions > 0 ? (size_t)partitions : 1, sizeof *annals->parts);
    journal_words_init(&annals->words);
    if (!annals->parts) {
        annals_free(annals);
        return no_memory(err);
    }
    *out = annals;
    return WEIR_OK;
}

static void free_parts(struct annals_text *text)
{
    for (size_t i = 0; i < text->n_parts; i++)
        free((void *)text->parts[i].data);
    free(text->parts);
    text->parts = NULL;
    text->n_parts = text->n_met = 0;
}

void annals_free(struct annals *annals)
{
    if (!annals)
        return;
    for (int32_t p = 0; annals->parts && p < annals->n_parts; p++)
        free(annals->parts[p].batches);
    for (size_t i = 0; i < annals->n_texts; i++) {
        free_parts(&annals->texts[i]);
        free((void *)annals->texts[i].text.data);
    }
    free(annals->parts);
    free(annals->plans);
    free(annals->texts);
    free(annals->writers);
    free(annals->given);
    free(annals);
}

/* Room for one more of size bytes behind n; NULL when there is none. */
static void *grow(void *array, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return array;
    size_t more = *cap ? *cap * 2 : FIRST_ENTRIES;
    void *grown = realloc(array, more * size);
    if (grown)
        *cap = more;
    return grown;
}

/* --- names --- */

static bool read_print(const char *text, struct journal_print *print)
{
    if (!text || strlen(text) != PRINT_LENGTH || strspn(text, "0123456789abcdef") != PRINT_LENGTH)
        return false;
    memcpy(print->hex, text, sizeof print->hex);
    return true;
}

/* The number of the text of that name, known by then even if it was not met. */
static enum weir_err_code number_text(struct annals *annals, const struct journal_print *print,
                                      uint32_t *number, struct weir_err *err)
{
    for (size_t i = annals->n_texts; i-- > 0;)
        if (memcmp(annals->texts[i].print.hex, print->hex, PRINT_LENGTH) == 0) {
            *number = (uint32_t)i;
            return WEIR_OK;
        }
    if (annals->n_texts == ANNALS_TEXTS_MAX)
        return weir_fail(err, WEIR_ERR_USAGE, "the journal names more than %d texts", ANNALS_TEXTS_MAX);
    void *grown = grow(annals->texts, annals->n_texts, &annals->cap_texts, sizeof *annals->texts);
    if (!grown)
        return no_memory(err);
    annals->texts = grown;
    *number = (uint32_t)annals->n_texts;
    annals->texts[annals->n_texts++] = (struct annals_text){.print = *print};
    return WEIR_OK;
}

static enum weir_err_code number_plan(struct annals *annals, const struct journal_print *print,
                                      uint32_t *number, struct weir_err *err)
{
    for (size_t i = annals->n_plans; i-- > 0;)
        if (memcmp(annals->plans[i].print.hex, print->hex, PRINT_LENGTH) == 0) {
            *number = (uint32_t)i;
            return WEIR_OK;
        }
    if (annals->n_plans == ANNALS_PLANS_MAX)
        return weir_fail(err, WEIR_ERR_USAGE, "the journal names more than %d plans", ANNALS_PLANS_MAX);
    void *grown = grow(annals->plans, annals->n_plans, &annals->cap_plans, sizeof *annals->plans);
    if (!grown)
        return no_memory(err);
    annals->plans = grown;
    *number = (uint32_t)annals->n_plans;
    annals->plans[annals->n_plans++] = (struct annals_plan){.print = *print};
    return WEIR_OK;
}

/* --- members --- */

/* Each is false when the member is missing or of another kind. */
static bool get_integer(const json_t *object, const char *name, int64_t least, int64_t *out)
{
    const json_t *value = json_object_get(object, name);
    *out = json_integer_value(value);
    return json_is_integer(value) && *out >= least;
}

static bool get_print(const json_t *object, const char *name, struct journal_print *print)
{
    return read_print(json_string_value(json_object_get(object, name)), print);
}

/* The key of a schema as weir_schema_key_print has it. */
static bool read_key(const char *text, struct weir_schema_key *key)
{
    char *end;
    *key = (struct weir_schema_key){0};
    if (strlen(text) != WEIR_SCHEMA_KEY_TEXT - 1) {
        unsigned long long id = strtoull(text, &end, 10);
        key->id = (uint32_t)id;
        return *text >= '0' && *text <= '9' && !*end && id <= UINT32_MAX;
    }
    key->by_guid = true;
    for (size_t i = 0; i < WEIR_GUID_SIZE; i++) {
        unsigned byte;
        text += *text == '-';
        if (sscanf(text, "%2x", &byte) != 1)
            return false;
        key->guid[i] = (uint8_t)byte;
        text += 2;
    }
    return true;
}

/* The kind of a code by its name, JOURNAL_KINDS for no such code. */
static unsigned kind_of(const char *name)
{
    for (unsigned code = WEIR_CODE_NONE + 1; code < WEIR_CODE_COUNT; code++)
        if (strcmp(weir_code_name((enum weir_code)code), name) == 0)
            return code;
    return JOURNAL_KINDS;
}

/* --- the kinds of records; *well is false for what is not what it should be --- */

static enum weir_err_code read_writers(struct annals *annals, json_t *object, struct annals_batch *batch,
                                       bool *well, struct weir_err *err)
{
    const char *name;
    json_t *value;
    batch->writers.at = (uint32_t)annals->n_writers;
    json_object_foreach(json_object_get(object, "writers"), name, value)
    {
        struct annals_writer writer;
        struct journal_print print;
        if (!read_key(name, &writer.key) || !read_print(json_string_value(value), &print)) {
            *well = false;
            return WEIR_OK;
        }
        enum weir_err_code code = number_text(annals, &print, &writer.text, err);
        if (code != WEIR_OK)
            return code;
        void *grown = grow(annals->writers, annals->n_writers, &annals->cap_writers, sizeof *annals->writers);
        if (!grown)
            return no_memory(err);
        annals->writers = grown;
        annals->writers[annals->n_writers++] = writer;
        batch->writers.n++;
    }
    return WEIR_OK;
}

static enum weir_err_code read_given(struct annals *annals, const json_t *object, struct annals_batch *batch,
                                     bool *well, struct weir_err *err)
{
    const json_t *list = json_object_get(object, "given");
    batch->given.at = (uint32_t)annals->n_given;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *code = json_string_value(json_object_get(item, "code"));
        struct journal_given given = {.kind = code ? kind_of(code) : JOURNAL_KINDS};
        if (!get_integer(item, "first", batch->from, &given.first) ||
            !get_integer(item, "last", given.first, &given.last) || given.kind == JOURNAL_KINDS) {
            *well = false;
            return WEIR_OK;
        }
        void *grown = grow(annals->given, annals->n_given, &annals->cap_given, sizeof *annals->given);
        if (!grown)
            return no_memory(err);
        annals->given = grown;
        annals->given[annals->n_given++] = given;
        batch->given.n++;
    }
    return WEIR_OK;
}

static bool add_count(const struct annals *annals, const json_t *value, unsigned kind,
                      struct annals_batch *batch)
{
    int64_t n = json_integer_value(value);
    if (!json_is_integer(value) || n < 0 || kind == JOURNAL_KINDS)
        return false;
    batch->records += (uint64_t)n;
    batch->counts += (uint64_t)n * annals_count(annals, kind);
    return true;
}

static bool read_counts(const struct annals *annals, json_t *object, struct annals_batch *batch)
{
    const char *name;
    json_t *value;
    int64_t records;
    if (!add_count(annals, json_object_get(object, "pass"), WEIR_CODE_NONE, batch) ||
        !add_count(annals, json_object_get(object, "drop"), JOURNAL_DROP, batch))
        return false;
    json_object_foreach(json_object_get(object, "reject"), name, value)
    {
        if (!add_count(annals, value, kind_of(name), batch))
            return false;
    }
    return get_integer(object, "records", 1, &records) && (uint64_t)records == batch->records;
}

static bool read_offsets(const json_t *object, struct annals_batch *batch)
{
    const char *hash = json_string_value(json_object_get(object, "hash"));
    char *end = NULL;
    batch->hash = hash ? strtoull(hash, &end, HEX) : 0;
    batch->begins = json_is_true(json_object_get(object, "begins"));
    return get_integer(object, "from", 0, &batch->from) &&
           get_integer(object, "first", batch->from, &batch->first) &&
           get_integer(object, "next", batch->first + 1, &batch->next) && hash && *hash && !*end;
}

static enum weir_err_code add_batch(struct annals *annals, int32_t partition,
                                    const struct annals_batch *batch, struct weir_err *err)
{
    struct part *part = &annals->parts[partition];
    if (annals->n_batches == ANNALS_BATCHES_MAX)
        return weir_fail(
            err, WEIR_ERR_USAGE,
            "the journal has more than %zu batches; --partition takes one partition of the input",
            ANNALS_BATCHES_MAX);
    void *grown = grow(part->batches, part->n, &part->cap, sizeof *part->batches);
    if (!grown)
        return no_memory(err);
    part->batches = grown;
    part->batches[part->n++] = *batch;
    annals->n_batches++;
    return WEIR_OK;
}

static enum weir_err_code take_batch(struct annals *annals, json_t *object, const char *name, bool *well,
                                     struct weir_err *err)
{
    struct annals_batch batch = {.serial = (uint32_t)annals->n_batches, .provable = true};
    struct journal_print plan;
    int64_t partition;
    uint8_t key[JOURNAL_KEY_MAX];
    const char *topic = json_string_value(json_object_get(object, "topic"));
    if (topic && strcmp(topic, annals->topic) != 0)
        return WEIR_OK;
    *well = topic && get_integer(object, "partition", 0, &partition) && partition < INT32_MAX;
    if (*well)
        *well = weir_bytes_equal(journal_key_batch(topic, (int32_t)partition, key), weir_bytes_of(name));
    if (!*well || partition >= annals->n_parts)
        return WEIR_OK;
    *well = read_offsets(object, &batch) && read_counts(annals, object, &batch) &&
            get_print(object, "plan", &plan);
    if (!*well)
        return WEIR_OK;
    enum weir_err_code code = number_plan(annals, &plan, &batch.plan, err);
    if (code == WEIR_OK)
        code = read_writers(annals, object, &batch, well, err);
    if (code == WEIR_OK && *well)
        code = read_given(annals, object, &batch, well, err);
    return code == WEIR_OK && *well ? add_batch(annals, (int32_t)partition, &batch, err) : code;
}

static bool read_schema(const json_t *object, const char *side, struct journal_print *text, int64_t *version,
                        int64_t *id)
{
    const json_t *schema = json_object_get(object, side);
    return get_print(schema, "text", text) && get_integer(schema, "version", 0, version) &&
           get_integer(schema, "id", 0, id) && *id <= UINT32_MAX;
}

static enum weir_err_code take_plan(struct annals *annals, const json_t *object, const char *name,
                                    struct weir_bytes value, bool *well, struct weir_err *err)
{
    struct journal_print print, is, config, reader, output;
    int64_t version, id, ignored;
    uint32_t number = 0;
    journal_print_of(value, &is);
    *well = read_print(name + strlen("plan:"), &print) && strcmp(print.hex, is.hex) == 0 &&
            get_print(object, "config", &config) && read_schema(object, "output", &output, &ignored, &id);
    int64_t output_id = *well ? id : 0;
    *well = *well && read_schema(object, "reader", &reader, &version, &id);
    if (!*well)
        return WEIR_OK;
    enum weir_err_code code = number_plan(annals, &print, &number, err);
    if (code != WEIR_OK)
        return code;
    struct annals_plan *plan = &annals->plans[number];
    plan->met = true;
    plan->output_id = (uint32_t)output_id;
    plan->reader_version = version;
    code = number_text(annals, &config, &plan->config, err);
    if (code == WEIR_OK)
        code = number_text(annals, &reader, &plan->reader, err);
    return code == WEIR_OK ? number_text(annals, &output, &plan->output, err) : code;
}

/* All parts are there: puts them together. A text that is not what its name says is none. */
static enum weir_err_code join_parts(struct annals_text *text, bool *well, struct weir_err *err)
{
    struct journal_print is;
    size_t len = 0, at = 0;
    for (size_t i = 0; i < text->n_parts; i++)
        len += text->parts[i].len;
    uint8_t *whole = malloc(len + 1);
    if (!whole)
        return no_memory(err);
    for (size_t i = 0; i < text->n_parts; at += text->parts[i++].len)
        memcpy(whole + at, text->parts[i].data, text->parts[i].len);
    whole[len] = '\0';
    free_parts(text);
    text->text = (struct weir_bytes){whole, len};
    journal_print_of(text->text, &is);
    *well = strcmp(is.hex, text->print.hex) == 0;
    if (!*well) {
        free(whole);
        text->text = WEIR_NO_BYTES;
    }
    return WEIR_OK;
}

static enum weir_err_code add_part(struct annals_text *text, size_t part, const char *content, size_t len,
                                   bool *well, struct weir_err *err)
{
    if (text->parts[part].data)
        return WEIR_OK;
    uint8_t *copy = malloc(len + 1);
    if (!copy)
        return no_memory(err);
    memcpy(copy, content, len);
    text->parts[part] = (struct weir_bytes){copy, len};
    return ++text->n_met == text->n_parts ? join_parts(text, well, err) : WEIR_OK;
}

static enum weir_err_code take_text(struct annals *annals, const json_t *object, const char *name, bool *well,
                                    struct weir_err *err)
{
    char hex[PRINT_LENGTH + 1];
    struct journal_print print;
    int64_t part, parts;
    uint32_t number = 0;
    const json_t *content = json_object_get(object, "text");
    (void)snprintf(hex, sizeof hex, "%.*s", PRINT_LENGTH, name + strlen("text:"));
    *well = read_print(hex, &print) && json_is_string(content) && get_integer(object, "part", 0, &part) &&
            get_integer(object, "parts", part + 1, &parts) && parts <= ANNALS_PARTS_MAX;
    if (!*well)
        return WEIR_OK;
    enum weir_err_code code = number_text(annals, &print, &number, err);
    if (code != WEIR_OK)
        return code;
    struct annals_text *text = &annals->texts[number];
    if (text->text.data)
        return WEIR_OK;
    /* Each worker may cut it in its own way: parts of another cut make room for these. */
    if (text->n_parts != (size_t)parts) {
        free_parts(text);
        text->parts = calloc((size_t)parts, sizeof *text->parts);
        if (!text->parts)
            return no_memory(err);
        text->n_parts = (size_t)parts;
    }
    return add_part(text, (size_t)part, json_string_value(content), json_string_length(content), well, err);
}

static enum weir_err_code take_object(struct annals *annals, json_t *object, const char *name,
                                      struct weir_bytes value, bool *well, struct weir_err *err)
{
    const char *kind = json_string_value(json_object_get(object, "kind"));
    int64_t version;
    *well = get_integer(object, "v", 1, &version) && kind && strncmp(name, kind, strlen(kind)) == 0 &&
            name[strlen(kind)] == ':';
    if (!*well)
        return WEIR_OK;
    if (version > JOURNAL_VERSION)
        return weir_fail(err, WEIR_ERR_CONFIG, "the journal has version %" PRId64 ", this program reads %d",
                         version, JOURNAL_VERSION);
    if (strcmp(kind, "batch") == 0)
        return take_batch(annals, object, name, well, err);
    if (strcmp(kind, "plan") == 0)
        return take_plan(annals, object, name, value, well, err);
    if (strcmp(kind, "text") == 0)
        return take_text(annals, object, name, well, err);
    *well = false;
    return WEIR_OK;
}

enum weir_err_code annals_take(struct annals *annals, const struct weir_record *record, struct weir_err *err)
{
    char name[JOURNAL_KEY_MAX];
    bool well = false;
    enum weir_err_code code = WEIR_OK;
    json_t *object = NULL;
    if (record->value.data && record->key.data && record->key.len < sizeof name &&
        !memchr(record->key.data, 0, record->key.len)) {
        memcpy(name, record->key.data, record->key.len);
        name[record->key.len] = '\0';
        object = json_loadb((const char *)record->value.data, record->value.len,
                            JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
    }
    if (object)
        code = take_object(annals, object, name, record->value, &well, err);
    json_decref(object);
    if (code == WEIR_OK && !well && annals->strays++ == 0) {
        annals->stray_partition = record->partition;
        annals->stray_offset = record->offset;
    }
    return code;
}

uint64_t annals_stray(const struct annals *annals, int32_t *partition, int64_t *offset)
{
    *partition = annals->stray_partition;
    *offset = annals->stray_offset;
    return annals->strays;
}

/* --- chains --- */

static int by_next(const void *a, const void *b)
{
    const struct annals_batch *x = a, *y = b;
    if (x->next != y->next)
        return x->next < y->next ? -1 : 1;
    return (x->serial > y->serial) - (x->serial < y->serial);
}

/*
 * The batch among the first n that ends at that offset, the youngest of those before serial in the journal:
 * where offsets were reset, the same ones were committed more than once. n when there is none. batches are in
 * the order of by_next.
 */
static size_t find_end(const struct annals_batch *batches, size_t n, int64_t next, uint32_t before)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (batches[middle].next < next || (batches[middle].next == next && batches[middle].serial < before))
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && batches[low - 1].next == next ? low - 1 : n;
}

/* Gathers the chain backwards at the end of the array; what is in the way there ends later than all that the
 * chain still needs. */
static void link_part(struct part *part, int64_t committed)
{
    struct annals_batch *batches = part->batches;
    size_t kept = part->n, left = part->n;
    uint32_t oldest = UINT32_MAX, before = UINT32_MAX;
    int64_t at = committed;
    part->chain = (struct annals_chain){.start = part->n > 0 && committed >= 0 ? ANNALS_ASTRAY : ANNALS_NONE};
    part->chain.from = part->chain.until = committed;
    if (part->n == 0 || committed < 0)
        return;
    for (size_t i = 0; i < part->n; i++) {
        oldest = batches[i].serial < oldest ? batches[i].serial : oldest;
        part->chain.ahead += batches[i].from >= committed;
    }
    qsort(batches, part->n, sizeof *batches, by_next);
    bool begun = false;
    for (size_t i; !begun && (i = find_end(batches, left, at, before)) < left; left = i) {
        struct annals_batch batch = batches[i];
        batches[--kept] = batch;
        before = batch.serial;
        at = batch.from;
        begun = batch.begins;
    }
    if (begun)
        part->chain.start = ANNALS_BEGINS;
    else if (kept < part->n)
        part->chain.start = oldest < before ? ANNALS_GAP : ANNALS_EXPIRED;
    part->chain.from = at;
    part->chain.batches = batches + kept;
    part->chain.n = part->n - kept;
}

void annals_link(struct annals *annals, const int64_t *committed)
{
    for (int32_t p = 0; p < annals->n_parts; p++)
        link_part(&annals->parts[p], committed[p]);
}

void annals_trim(struct annals *annals, int32_t partition, int64_t first)
{
    struct annals_chain *chain = &annals->parts[partition].chain;
    while (chain->n > 0 && chain->batches->first < first) {
        chain->from = chain->batches->next;
        chain->batches++;
        chain->n--;
    }
}

struct annals_chain annals_chain(const struct annals *annals, int32_t partition)
{
    return annals->parts[partition].chain;
}

struct annals_batch *annals_find(const struct annals *annals, int32_t partition, int64_t offset)
{
    if (partition < 0 || partition >= annals->n_parts)
        return NULL;
    const struct annals_chain *chain = &annals->parts[partition].chain;
    size_t low = 0, high = chain->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (chain->batches[middle].next <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low < chain->n && chain->batches[low].from <= offset ? &chain->batches[low] : NULL;
}

/* --- what batches name --- */

size_t annals_plans(const struct annals *annals)
{
    return annals->n_plans;
}

const struct annals_plan *annals_plan(const struct annals *annals, size_t number)
{
    return &annals->plans[number];
}

size_t annals_texts(const struct annals *annals)
{
    return annals->n_texts;
}

const struct annals_text *annals_text(const struct annals *annals, size_t number)
{
    return &annals->texts[number];
}

const struct annals_writer *annals_writers(const struct annals *annals, const struct annals_batch *batch)
{
    return batch->writers.n ? &annals->writers[batch->writers.at] : NULL;
}

const struct journal_given *annals_given(const struct annals *annals, const struct annals_batch *batch)
{
    return batch->given.n ? &annals->given[batch->given.at] : NULL;
}

uint64_t annals_count(const struct annals *annals, unsigned kind)
{
    return annals->words.of[kind] | 1;
}

const struct journal_words *annals_words(const struct annals *annals)
{
    return &annals->words;
}
