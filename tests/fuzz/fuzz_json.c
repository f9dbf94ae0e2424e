/* Any bytes as plain JSON: the first byte says against which schema, the rest is the text. */
#include "avro/decode.h"
#include "avro/encode.h"
#include "avro/json.h"
#include "fuzz/fuzz.h"

#define SLOTS_MAX 16

/* Written with ' for ". */
static const char *const schemas[] = {
    "{'type':'record','name':'r','fields':["
    "{'name':'user_id','type':'string','default':'unknown'},"
    "{'name':'ip','type':'string','default':'unknown','aliases':['address']},"
    "{'name':'locale','type':['null','string'],'default':null}]}",

    "{'type':'record','name':'r','fields':["
    "{'name':'n','type':'null','default':null},"
    "{'name':'b','type':'boolean','default':true},"
    "{'name':'i','type':'int','default':0},"
    "{'name':'l','type':'long','default':0},"
    "{'name':'f','type':'float','default':0},"
    "{'name':'d','type':'double','default':0},"
    "{'name':'y','type':'bytes','default':''},"
    "{'name':'s','type':'string','default':''},"
    "{'name':'e','type':{'type':'enum','name':'e','symbols':['A','B']},'default':'A'}]}",

    "{'type':'record','name':'r','fields':["
    "{'name':'a','type':['null','int','long','boolean','string'],'default':null},"
    "{'name':'b','type':['double','float','int',{'type':'enum','name':'e','symbols':['A']},'bytes',"
    "                   {'type':'enum','name':'g','symbols':['B']}],'default':0.5},"
    "{'name':'c','type':['int','float'],'default':0},"
    "{'name':'d','type':['long','bytes'],'default':0}]}",

    "{'type':'record','name':'r','fields':["
    "{'name':'a','type':['null',{'type':'record','name':'s','fields':["
    "  {'name':'x','type':'int','default':1},"
    "  {'name':'y','type':'string'}]}]},"
    "{'name':'b','default':{},'type':{'type':'record','name':'t','fields':["
    "  {'name':'z','type':'s','default':{'y':''}},"
    "  {'name':'w','type':['s','null'],'default':null}]}}]}",
};
#define N_SCHEMAS (sizeof schemas / sizeof schemas[0])

static struct target {
    struct weir_schema *schema;
    struct json_reader *lenient, *strict;
    struct resolution *identity;
} targets[N_SCHEMAS];

static const struct target *target_of(size_t i)
{
    struct target *target = &targets[i];
    struct weir_err err;
    if (target->identity)
        return target;
    target->schema = fuzz_schema(schemas[i]);
    const struct weir_node *root = target->schema->root;
    FUZZ_HOLDS(json_reader_new(root, WEIR_UNKNOWN_IGNORE, &target->lenient, &err) == WEIR_OK);
    FUZZ_HOLDS(json_reader_new(root, WEIR_UNKNOWN_REJECT, &target->strict, &err) == WEIR_OK);
    FUZZ_HOLDS(resolve_new(root, root, &target->identity, &err) == WEIR_OK);
    return target;
}

/* Reads a text into one record of Avro; false when it is rejected. */
static bool read_record(const struct target *target, const struct json_reader *reader, struct weir_bytes text,
                        struct weir_arena *record)
{
    struct weir_arena scratch = fuzz_arena(json_scratch(reader, text.len));
    struct slot slots[SLOTS_MAX];
    struct weir_reason why;
    bool done = json_read(reader, text, &scratch, slots, &why);
    *record = fuzz_arena(2 * scratch.cap);
    for (size_t i = 0; done && i < target->schema->root->n; i++)
        FUZZ_HOLDS(encode_raw(record, slots[i].raw));
    if (!done) {
        FUZZ_HOLDS(why.code != WEIR_CODE_NONE && why.code != WEIR_CODE_TOO_LARGE && why.text.len > 0);
        FUZZ_HOLDS(why.byte_offset >= -1 && why.byte_offset <= (int64_t)text.len);
    }
    free(scratch.base);
    return done;
}

/* What was read is valid Avro, and as JSON reads back as the same bytes. */
static void check_record(const struct target *target, struct weir_bytes avro)
{
    struct weir_arena scratch = fuzz_arena(resolve_scratch(target->identity, avro.len));
    struct weir_arena json = fuzz_arena(6 * avro.len + 4096), again;
    struct slot slots[SLOTS_MAX];
    struct weir_reason why;
    struct weir_bytes text;
    FUZZ_HOLDS(decode_record(target->identity, avro, 0, &scratch, slots, &why));
    FUZZ_HOLDS(json_write(target->schema->root, avro, &json, &text));
    FUZZ_HOLDS(read_record(target, target->strict, text, &again));
    FUZZ_HOLDS(again.used == avro.len && memcmp(again.base, avro.data, avro.len) == 0);
    free(again.base);
    free(scratch.base);
    free(json.base);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const struct target *target = target_of(data[0] % N_SCHEMAS);
    struct weir_bytes text = {data + 1, size - 1};
    struct weir_arena record, strict;
    bool done = read_record(target, target->lenient, text, &record);
    /* What the strict reader takes the lenient one takes too, for the same. */
    if (read_record(target, target->strict, text, &strict))
        FUZZ_HOLDS(done && record.used == strict.used && memcmp(record.base, strict.base, strict.used) == 0);
    if (done)
        check_record(target, (struct weir_bytes){record.base, record.used});
    free(record.base);
    free(strict.base);
    return 0;
}
