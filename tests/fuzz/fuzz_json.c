/*
 * Any bytes as JSON: the first byte says against which schema, whether unions are plain or tagged and whether
 * texts may be numbers; the rest is the text.
 */
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

    "{'type':'record','name':'r','fields':["
    "{'name':'a','default':[],'type':{'type':'array','items':['null','int','string']}},"
    "{'name':'m','default':{},'type':{'type':'map','values':{'type':'array','items':'double'}}},"
    "{'name':'x','default':'xx','type':{'type':'fixed','name':'x','size':2}},"
    "{'name':'f','default':0,'type':['float','x','boolean',{'type':'map','values':'x'}]},"
    "{'name':'n','default':[],'type':{'type':'array','items':'null'}}]}",

    /* What contains itself. */
    "{'type':'record','name':'t','fields':["
    "{'name':'v','type':'long','default':1},"
    "{'name':'l','type':['null','t'],'default':null},"
    "{'name':'k','type':{'type':'array','items':'t'},'default':[]},"
    "{'name':'m','type':{'type':'map','values':['t','int']},'default':{}}]}",

    /* Objects that may be of several branches. */
    "{'type':'record','name':'r','fields':["
    "{'name':'u','type':[{'type':'record','name':'n.p','fields':["
    "    {'name':'a','type':'int'},{'name':'x','type':['n.p','r','int']}]},"
    "  {'type':'record','name':'q','fields':["
    "    {'name':'string','type':['string','n.p','q','r']},{'name':'b','type':'string','default':'b'}]},"
    "  'string',{'type':'map','values':['q','null']},'null']}]}",

    /* What grows. */
    "{'type':'record','name':'r','fields':["
    "{'name':'a','type':{'type':'array','items':{'type':'record','name':'s','fields':["
    "  {'name':'d','type':'double','default':0},{'name':'e','type':['long','string'],'default':'a default'},"
    "  {'name':'g','type':{'type':'array','items':'float'},'default':[1,2,3]}]}}}]}",
};
#define N_SCHEMAS (sizeof schemas / sizeof schemas[0])
#define N_UNIONS  3

static struct target {
    struct weir_schema *schema;
    struct json_reader *lenient, *strict;
    struct resolution *identity;
} targets[N_SCHEMAS][N_UNIONS][2];

static const struct target *target_of(uint8_t first)
{
    struct json_options options = {WEIR_UNKNOWN_IGNORE, (enum weir_unions)(first / N_SCHEMAS % N_UNIONS),
                                   first < 0x80 ? WEIR_NUMBERS_STRICT : WEIR_NUMBERS_TEXT};
    struct target *target = &targets[first % N_SCHEMAS][options.unions][options.numbers];
    struct weir_err err;
    if (target->identity)
        return target;
    target->schema = fuzz_schema(schemas[first % N_SCHEMAS]);
    const struct weir_node *root = target->schema->root;
    FUZZ_HOLDS(json_reader_new(target->schema, &options, &target->lenient, &err) == WEIR_OK);
    options.unknown = WEIR_UNKNOWN_REJECT;
    FUZZ_HOLDS(json_reader_new(target->schema, &options, &target->strict, &err) == WEIR_OK);
    FUZZ_HOLDS(resolve_new(root, root, &target->identity, &err) == WEIR_OK);
    return target;
}

/* Where a value may grow without end it may be too large. */
static bool may_be_large(const struct json_reader *reader)
{
    return json_growth(reader).factor == RESOLVE_FACTOR_MAX;
}

/* Reads a text into one record of Avro; false when it is rejected. */
static bool read_record(const struct target *target, const struct json_reader *reader, struct weir_bytes text,
                        struct weir_arena *record)
{
    struct weir_arena scratch = fuzz_arena(json_scratch(reader, text.len)),
                      value = fuzz_arena(json_scratch(reader, text.len));
    struct slot slots[SLOTS_MAX];
    struct weir_reason why, value_why;
    struct weir_bytes avro;
    uint32_t unknown;
    bool done = json_read(reader, text, &scratch, slots, &unknown, &why);
    *record = fuzz_arena(2 * scratch.cap);
    for (size_t i = 0; done && i < target->schema->root->n; i++)
        FUZZ_HOLDS(encode_raw(record, slots[i].raw));
    if (!done) {
        FUZZ_HOLDS(why.code != WEIR_CODE_NONE && why.text.len > 0);
        FUZZ_HOLDS(why.code != WEIR_CODE_TOO_LARGE || may_be_large(reader));
        FUZZ_HOLDS(why.byte_offset >= -1 && why.byte_offset <= (int64_t)text.len);
    }
    /* As a value of any type it comes to the same. */
    if (json_read_value(reader, text, &value, &avro, &value_why))
        FUZZ_HOLDS(done && avro.len == record->used && memcmp(avro.data, record->base, avro.len) == 0);
    else
        FUZZ_HOLDS(!done || (value_why.code == WEIR_CODE_TOO_LARGE && may_be_large(reader)));
    free(scratch.base);
    free(value.base);
    return done;
}

/* What was read is valid Avro, and as plain JSON reads back: as the same bytes, where it was read from such.
 */
static void check_record(const struct target *target, const struct target *plain, struct weir_bytes avro)
{
    struct json_room room;
    FUZZ_HOLDS(json_room(target->schema, &room));
    struct weir_arena scratch = fuzz_arena(resolve_scratch(target->identity, avro.len));
    struct weir_arena json = fuzz_arena(room.fixed + room.factor * avro.len), again;
    struct slot slots[SLOTS_MAX];
    struct weir_reason why;
    struct weir_bytes text;
    FUZZ_HOLDS(decode_record(target->identity, avro, 0, &scratch, slots, &why));
    if (json_write(target->schema->root, avro, &json, &text)) {
        bool done = read_record(plain, plain->strict, text, &again);
        FUZZ_HOLDS(done || may_be_large(plain->strict));
        if (done && plain == target)
            FUZZ_HOLDS(again.used == avro.len && memcmp(again.base, avro.data, avro.len) == 0);
        free(again.base);
    } else {
        FUZZ_HOLDS(room.factor == JSON_FACTOR_MAX);
    }
    free(scratch.base);
    free(json.base);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const struct target *target = target_of(data[0]),
                        *plain = target_of((uint8_t)(data[0] % N_SCHEMAS + N_SCHEMAS * WEIR_UNIONS_PLAIN));
    struct weir_bytes text = {data + 1, size - 1};
    struct weir_arena record, strict;
    bool done = read_record(target, target->lenient, text, &record);
    /* What the strict reader takes the lenient one takes too, for the same. */
    if (read_record(target, target->strict, text, &strict))
        FUZZ_HOLDS(done && record.used == strict.used && memcmp(record.base, strict.base, strict.used) == 0);
    if (done)
        check_record(target, plain, (struct weir_bytes){record.base, record.used});
    free(record.base);
    free(strict.base);
    return 0;
}
