/* Any bytes as a record: the first byte says of which writer's and reader's schema, the rest is the payload.
 */
#include "avro/decode.h"
#include "avro/encode.h"
#include "avro/json.h"
#include "fuzz/fuzz.h"

#define SLOTS_MAX 16

/* Schemas are written with ' for ", and so that each field has a line. */
#define LOGIN                                                                                                \
    "{'type':'record','name':'r','fields':["                                                                 \
    "{'name':'user_id','type':'string'},"                                                                    \
    "{'name':'app_version','type':'string'},"                                                                \
    "{'name':'device_type','type':'string'},"                                                                \
    "{'name':'ip','type':'string'},"                                                                         \
    "{'name':'locale','type':'string'},"                                                                     \
    "{'name':'device_id','type':'string'},"                                                                  \
    "{'name':'timestamp','type':'string'}]}"

/* Every type that there is … */
#define ALL                                                                                                  \
    "{'type':'record','name':'r','fields':["                                                                 \
    "{'name':'n','type':'null'},"                                                                            \
    "{'name':'b','type':'boolean'},"                                                                         \
    "{'name':'i','type':'int'},"                                                                             \
    "{'name':'l','type':'long'},"                                                                            \
    "{'name':'f','type':'float'},"                                                                           \
    "{'name':'d','type':'double'},"                                                                          \
    "{'name':'y','type':'bytes'},"                                                                           \
    "{'name':'s','type':'string'},"                                                                          \
    "{'name':'e','type':{'type':'enum','name':'e','symbols':['A','B','C']}},"                                \
    "{'name':'u','type':['null','int','string','bytes','boolean']}]}"

/* … and most of them read as another. */
#define ALL_OTHERWISE                                                                                        \
    "{'type':'record','name':'r','fields':["                                                                 \
    "{'name':'u','type':['string','double','null']},"                                                        \
    "{'name':'e','type':{'type':'enum','name':'e','symbols':['C','A'],'default':'A'}},"                      \
    "{'name':'s','type':'bytes'},"                                                                           \
    "{'name':'y','type':'string'},"                                                                          \
    "{'name':'f','type':'double'},"                                                                          \
    "{'name':'l','type':'float'},"                                                                           \
    "{'name':'i','type':['null','long']},"                                                                   \
    "{'name':'x','type':'string','default':'new'}]}"

/* Records in unions in records. */
#define DEEP                                                                                                 \
    "{'type':'record','name':'r','fields':["                                                                 \
    "{'name':'a','type':['null',{'type':'record','name':'s','fields':["                                      \
    "  {'name':'b','type':'string'},"                                                                        \
    "  {'name':'c','type':'int'},"                                                                           \
    "  {'name':'d','type':{'type':'record','name':'t','fields':["                                            \
    "    {'name':'g','type':'int'},"                                                                         \
    "    {'name':'h','type':['null','string']}]}}]}]},"                                                      \
    "{'name':'z','type':['null','s']}]}"

#define DEEP_OTHERWISE                                                                                       \
    "{'type':'record','name':'r','fields':["                                                                 \
    "{'name':'a','type':['null',{'type':'record','name':'s','fields':["                                      \
    "  {'name':'d','type':{'type':'record','name':'t','fields':["                                            \
    "    {'name':'h','type':['string','null']},"                                                             \
    "    {'name':'k','type':'long','default':-1},"                                                           \
    "    {'name':'g','type':'double'}]}},"                                                                   \
    "  {'name':'c','type':'long'},"                                                                          \
    "  {'name':'m','type':'string','default':'?'}]}]},"                                                      \
    "{'name':'z','type':['s','null']}]}"

/* Arrays, maps and fixed, within one another. */
#define WIDE                                                                                                 \
    "{'type':'record','name':'r','fields':["                                                                 \
    "{'name':'a','type':{'type':'array','items':'int'}},"                                                    \
    "{'name':'n','type':{'type':'array','items':'null'}},"                                                   \
    "{'name':'m','type':{'type':'map','values':['null','string',{'type':'array','items':'bytes'}]}},"        \
    "{'name':'x','type':{'type':'fixed','name':'x','size':3}},"                                              \
    "{'name':'g','type':{'type':'array','items':'float'}},"                                                  \
    "{'name':'s','type':{'type':'array','items':{'type':'record','name':'s','fields':["                      \
    "  {'name':'b','type':'boolean'},"                                                                       \
    "  {'name':'c','type':{'type':'map','values':'x'}},"                                                     \
    "  {'name':'e','type':{'type':'enum','name':'e','symbols':['A','B']}}]}}}]}"

#define WIDE_OTHERWISE                                                                                       \
    "{'type':'record','name':'r','fields':["                                                                 \
    "{'name':'s','type':{'type':'array','items':{'type':'record','name':'s','fields':["                      \
    "  {'name':'e','type':['null',{'type':'enum','name':'e','symbols':['C','A'],'default':'C'}]},"           \
    "  {'name':'d','type':'string','default':'d'},"                                                          \
    "  {'name':'b','type':['boolean','null']}]}}},"                                                          \
    "{'name':'x','type':['null',{'type':'fixed','name':'x','size':3}]},"                                     \
    "{'name':'m','type':{'type':'map','values':[{'type':'array','items':'string'},'bytes','null']}},"        \
    "{'name':'n','type':{'type':'array','items':['int','null']}},"                                           \
    "{'name':'a','type':{'type':'array','items':'double'}}]}"

/* A tree, which contains itself in three ways. */
#define TREE                                                                                                 \
    "{'type':'record','name':'t','fields':["                                                                 \
    "{'name':'v','type':'long'},"                                                                            \
    "{'name':'l','type':['null','t']},"                                                                      \
    "{'name':'k','type':{'type':'array','items':'t'}},"                                                      \
    "{'name':'m','type':{'type':'map','values':'t'}}]}"

#define TREE_OTHERWISE                                                                                       \
    "{'type':'record','name':'t','fields':["                                                                 \
    "{'name':'m','type':{'type':'map','values':['int','t']}},"                                               \
    "{'name':'d','type':{'type':'array','items':'t'},'default':[]},"                                         \
    "{'name':'v','type':'double'},"                                                                          \
    "{'name':'l','type':['t','null']}]}"

static const char *const pairs[][2] = {
    {LOGIN, LOGIN},         {ALL, ALL},   {ALL, ALL_OTHERWISE},   {DEEP, DEEP},
    {DEEP, DEEP_OTHERWISE}, {WIDE, WIDE}, {WIDE, WIDE_OTHERWISE}, {TREE, TREE},
    {TREE, TREE_OTHERWISE},
};
#define N_PAIRS (sizeof pairs / sizeof pairs[0])

static struct pair {
    struct weir_schema *writer, *reader;
    struct resolution *resolution, *identity;
} compiled[N_PAIRS];

static const struct pair *pair_of(size_t i)
{
    struct pair *pair = &compiled[i];
    struct weir_err err;
    if (pair->identity)
        return pair;
    pair->writer = fuzz_schema(pairs[i][0]);
    pair->reader = fuzz_schema(pairs[i][1]);
    FUZZ_HOLDS(resolve_new(pair->writer->root, pair->reader->root, &pair->resolution, &err) == WEIR_OK);
    FUZZ_HOLDS(resolve_new(pair->reader->root, pair->reader->root, &pair->identity, &err) == WEIR_OK);
    return pair;
}

/* What came out is valid in the reader's schema, and can be said as JSON, unless that is long. */
static void check_output(const struct pair *pair, struct weir_bytes out)
{
    struct json_room room;
    FUZZ_HOLDS(json_room(pair->reader, &room));
    struct weir_arena scratch = fuzz_arena(resolve_scratch(pair->identity, out.len));
    struct weir_arena json = fuzz_arena(room.fixed + room.factor * out.len);
    struct slot slots[SLOTS_MAX];
    struct weir_reason why;
    struct weir_bytes text;
    /* A default at the bottom of a value may nest too. */
    FUZZ_HOLDS(decode_record(pair->identity, out, 0, &scratch, slots, &why) ||
               why.code == WEIR_CODE_TOO_DEEP);
    if (json_write(pair->reader->root, out, &json, &text))
        FUZZ_HOLDS(weir_utf8_valid(text, NULL));
    else
        FUZZ_HOLDS(room.fixed == JSON_FIXED_MAX || room.factor == JSON_FACTOR_MAX);
    free(scratch.base);
    free(json.base);
}

/* Where the schemas let a value grow without end, it may be too large for one door and not for the other. */
static bool may_be_large(const struct pair *pair)
{
    struct resolve_room room = resolve_room(pair->resolution);
    return room.factor == RESOLVE_FACTOR_MAX || room.fixed >= RESOLVE_FIXED_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const struct pair *pair = pair_of(data[0] % N_PAIRS);
    const struct weir_node *reader = pair->reader->root;
    struct weir_bytes in = {data + 1, size - 1};
    size_t cap = resolve_scratch(pair->resolution, in.len);
    struct weir_arena scratch = fuzz_arena(cap), whole = fuzz_arena(cap), fields = fuzz_arena(2 * cap);
    struct slot slots[SLOTS_MAX];
    struct weir_reason why, rewrite_why;
    bool done = decode_record(pair->resolution, in, 5, &scratch, slots, &why);
    bool rewritten = decode_rewrite(pair->resolution, in, &whole, &rewrite_why);
    FUZZ_HOLDS(rewritten == done || may_be_large(pair));
    if (done && rewritten) {
        for (size_t i = 0; i < reader->n; i++)
            FUZZ_HOLDS(encode_raw(&fields, slots[i].raw));
        FUZZ_HOLDS(whole.used == fields.used && memcmp(whole.base, fields.base, fields.used) == 0);
        check_output(pair, (struct weir_bytes){whole.base, whole.used});
    } else if (!done) {
        FUZZ_HOLDS(why.code != WEIR_CODE_NONE && why.text.len > 0);
        FUZZ_HOLDS(why.byte_offset >= 5 && why.byte_offset <= (int64_t)(5 + in.len));
        FUZZ_HOLDS((why.code == rewrite_why.code && whole.used == 0) || may_be_large(pair));
    }
    free(scratch.base);
    free(whole.base);
    free(fields.base);
    return 0;
}
