/*
 * What the core costs, without Kafka: the user login in, checked, and the processed login out, beside a codec
 * written by hand for this very record and libavro-c's generic API; and the login's JSON read against its
 * schema, beside jansson's bare parse. All run in turns, and all must give the same bytes.
 *
 * core [MILLISECONDS]: how long each turn takes (20). Turns are short, since the machine's speed changes
 * while it runs.
 */
#include <avro.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "avro/json.h"
#include "config/config.h"
#include "core/format.h"
#include "registry/directory.h"
#include "weir/pipeline.h"

#define TURNS   45
#define OUT_MAX 1024
#define NOW_MS  INT64_C(1694479552123)
#define OFFSET  INT64_C(123456789)
#define SPLIT   3
/* So many calls between two looks at the clock. */
#define CALLS 256

/* The writer's schema is neither the reader's nor the output's: another order, a field less and one more. */
static const char writer_text[] =
    "{\"type\":\"record\",\"name\":\"user_login\",\"namespace\":\"dev.weir\",\"fields\":["
    "{\"name\":\"user_id\",\"type\":\"string\"},{\"name\":\"device_type\",\"type\":\"string\"},"
    "{\"name\":\"ip\",\"type\":\"string\"},{\"name\":\"session\",\"type\":\"string\"},"
    "{\"name\":\"locale\",\"type\":\"string\"},{\"name\":\"device_id\",\"type\":\"string\"},"
    "{\"name\":\"timestamp\",\"type\":\"string\"}]}";
static const char *const values[] = {"424cdd21-063a-43a7-b91b-7ca1a833afae",
                                     "android",
                                     "199.172.111.135",
                                     "0f8fad5b-d9cb",
                                     "RU",
                                     "593-47-5928",
                                     "1694479551"};
#define FIELDS (sizeof values / sizeof values[0])
/* Where they are in the writer's record. */
enum { USER_ID, DEVICE_TYPE, IP, SESSION, LOCALE, DEVICE_ID, TIMESTAMP };
static const char *const in_names[] = {"user_id", "device_type", "ip",       "session",
                                       "locale",  "device_id",   "timestamp"};
/* The reader's, but for the field that libavro-c cannot resolve: one that only has a default. */
static const char resolved_text[] =
    "{\"type\":\"record\",\"name\":\"user_login\",\"namespace\":\"dev.weir\",\"fields\":["
    "{\"name\":\"user_id\",\"type\":\"string\"},{\"name\":\"device_type\",\"type\":\"string\"},"
    "{\"name\":\"ip\",\"type\":\"string\"},{\"name\":\"locale\",\"type\":\"string\"},"
    "{\"name\":\"device_id\",\"type\":\"string\"},{\"name\":\"timestamp\",\"type\":\"string\"}]}";
static const char *const out_names[] = {"user_id",
                                        "app_version",
                                        "device_type",
                                        "ip",
                                        "locale",
                                        "device_id",
                                        "timestamp",
                                        "processed",
                                        "processed_timestamp",
                                        "source_partition",
                                        "source_offset"};

static const char json_text[] =
    "{\"user_id\": \"424cdd21-063a-43a7-b91b-7ca1a833afae\", \"app_version\": \"2.3.0\", \"device_type\": "
    "\"android\", \"ip\": \"199.172.111.135\", \"locale\": \"RU\", \"device_id\": \"593-47-5928\", "
    "\"timestamp\": \"1694479551\"}";

static void check(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "core: %s\n", what);
    exit(EXIT_FAILURE);
}

/* All that the contestants share. */
static struct {
    uint8_t payload[OUT_MAX]; /* the writer's record behind the prefix of the wire format */
    size_t payload_len;
    struct weir_plan *plan;
    uint32_t output_id;
    struct json_reader *json;
    avro_value_t in, out;            /* libavro-c's */
    avro_value_t resolved, resolver; /* the reader's record, and the writer's that is read into it */
    avro_value_t *login;             /* which of the two is looked at */
    bool by_name; /* its fields are looked up by their names, as its documentation does, else by their places
                   */
    uint8_t *scratch;
    size_t scratch_cap;
} bench;

/* --- weir --- */

static size_t run_weir(uint8_t *out)
{
    struct weir_record record = {.value = {bench.payload, bench.payload_len},
                                 .partition = SPLIT,
                                 .offset = OFFSET,
                                 .timestamp_ms = NOW_MS};
    struct weir_arena scratch;
    struct weir_outcome outcome;
    weir_arena_init(&scratch, bench.scratch, bench.scratch_cap);
    weir_pipeline_process(bench.plan, &record, NOW_MS, &scratch, &outcome);
    check(outcome.verdict == WEIR_PASS, "weir rejects the login");
    if (out)
        memcpy(out, outcome.value.data, outcome.value.len);
    return outcome.value.len;
}

/* --- by hand --- */

static const uint8_t *hand_long(const uint8_t *p, const uint8_t *end, int64_t *value)
{
    uint64_t raw = 0;
    for (unsigned shift = 0; p < end && shift < 64; shift += 7) {
        raw |= (uint64_t)(*p & 0x7F) << shift;
        if (*p++ < 0x80) {
            *value = (int64_t)(raw >> 1) ^ -(int64_t)(raw & 1);
            return p;
        }
    }
    return NULL;
}

static const uint8_t *hand_text(const uint8_t *p, const uint8_t *end, struct weir_bytes *text)
{
    int64_t len;
    p = hand_long(p, end, &len);
    if (!p || len < 0 || len > end - p)
        return NULL;
    *text = (struct weir_bytes){p, (size_t)len};
    return weir_utf8_valid(*text, NULL) ? p + len : NULL;
}

static uint8_t *hand_put_long(uint8_t *to, int64_t value)
{
    uint64_t raw = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    for (; raw > 0x7F; raw >>= 7)
        *to++ = (uint8_t)(raw | 0x80);
    *to++ = (uint8_t)raw;
    return to;
}

static uint8_t *hand_put_text(uint8_t *to, struct weir_bytes text)
{
    to = hand_put_long(to, (int64_t)text.len);
    memcpy(to, text.data, text.len);
    return to + text.len;
}

static uint8_t *hand_encode(uint8_t *to, const struct weir_bytes *texts, int64_t seconds)
{
    const uint32_t id = bench.output_id;
    const uint8_t prefix[] = {0, (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};
    memcpy(to, prefix, sizeof prefix);
    to = hand_put_text(to + sizeof prefix, texts[USER_ID]);
    to = hand_put_text(to, (struct weir_bytes){(const uint8_t *)"unknown", 7});
    to = hand_put_text(to, texts[DEVICE_TYPE]);
    to = hand_put_text(to, texts[IP]);
    to = hand_put_text(to, texts[LOCALE]);
    to = hand_put_text(to, texts[DEVICE_ID]);
    *to++ = 2;
    to = hand_put_long(to, seconds * 1000);
    *to++ = 1;
    to = hand_put_long(to, NOW_MS);
    to = hand_put_long(to, SPLIT);
    return hand_put_long(to, OFFSET);
}

/* The least that can be done: every field at its place, everything checked that weir checks. */
static size_t run_hand(uint8_t *out)
{
    uint8_t *begin = out ? out : bench.scratch;
    const uint8_t *p = bench.payload + WEIR_WIRE_PREFIX, *end = bench.payload + bench.payload_len;
    struct weir_bytes texts[FIELDS];
    int64_t seconds;
    for (size_t i = 0; p && i < FIELDS; i++)
        p = hand_text(p, end, &texts[i]);
    check(p == end && format_matches(FORMAT_IP, texts[IP]) && format_integer(texts[TIMESTAMP], &seconds),
          "the hand-written codec rejects the login");
    return (size_t)(hand_encode(begin, texts, seconds) - begin);
}

/* --- libavro-c --- */

static avro_value_t generic_field(const avro_value_t *record, const char *const *names, size_t i)
{
    avro_value_t field;
    check((bench.by_name ? avro_value_get_by_name(record, names[i], &field, NULL)
                         : avro_value_get_by_index(record, i, &field, NULL)) == 0,
          "libavro-c: no such field");
    return field;
}

static struct weir_bytes generic_text(size_t i)
{
    const char *text;
    size_t size;
    avro_value_t field = generic_field(bench.login, in_names, i);
    check(avro_value_get_string(&field, &text, &size) == 0, "libavro-c: no text");
    return (struct weir_bytes){(const uint8_t *)text, size - 1};
}

static void generic_set(size_t i, const char *text)
{
    avro_value_t field = generic_field(&bench.out, out_names, i);
    check(avro_value_set_string(&field, text) == 0, "libavro-c: a text cannot be set");
}

static void generic_set_number(size_t i, int64_t number, bool is_int)
{
    avro_value_t field = generic_field(&bench.out, out_names, i);
    check((is_int ? avro_value_set_int(&field, (int32_t)number) : avro_value_set_long(&field, number)) == 0,
          "libavro-c: a number cannot be set");
}

static void generic_transform(void)
{
    static const int sources[] = {USER_ID, -1, DEVICE_TYPE, IP, LOCALE, DEVICE_ID};
    avro_value_t field, branch;
    int64_t seconds;
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        generic_set(i, sources[i] < 0 ? "unknown" : (const char *)generic_text((size_t)sources[i]).data);
    check(format_matches(FORMAT_IP, generic_text(IP)) && format_integer(generic_text(TIMESTAMP), &seconds),
          "the login is wrong");
    field = generic_field(&bench.out, out_names, 6);
    check(avro_value_set_branch(&field, 1, &branch) == 0 && avro_value_set_long(&branch, seconds * 1000) == 0,
          "libavro-c: a union cannot be set");
    field = generic_field(&bench.out, out_names, 7);
    check(avro_value_set_boolean(&field, 1) == 0, "libavro-c: a boolean cannot be set");
    generic_set_number(8, NOW_MS, false);
    generic_set_number(9, SPLIT, true);
    generic_set_number(10, OFFSET, false);
}

/* Reader, writer and values are made once and used again, as its documentation advises. */
static size_t run_generic_with(uint8_t *out, avro_value_t *from, avro_value_t *login, bool by_name)
{
    static avro_reader_t reader;
    static avro_writer_t writer;
    char *begin = out ? (char *)out : (char *)bench.scratch;
    if (!reader)
        reader = avro_reader_memory(NULL, 0);
    if (!writer)
        writer = avro_writer_memory(NULL, 0);
    bench.by_name = by_name;
    bench.login = login;
    avro_reader_memory_set_source(reader, (const char *)bench.payload + WEIR_WIRE_PREFIX,
                                  (int64_t)(bench.payload_len - WEIR_WIRE_PREFIX));
    check(avro_value_read(reader, from) == 0, "libavro-c cannot read the login");
    generic_transform();
    const uint32_t id = bench.output_id;
    const char prefix[] = {0, (char)(id >> 24), (char)(id >> 16), (char)(id >> 8), (char)id};
    memcpy(begin, prefix, sizeof prefix);
    avro_writer_memory_set_dest(writer, begin + sizeof prefix, OUT_MAX - (int64_t)sizeof prefix);
    check(avro_value_write(writer, &bench.out) == 0, "libavro-c cannot write the login");
    return sizeof prefix + (size_t)avro_writer_tell(writer);
}

static size_t run_generic(uint8_t *out)
{
    return run_generic_with(out, &bench.in, &bench.in, false);
}

static size_t run_generic_by_name(uint8_t *out)
{
    return run_generic_with(out, &bench.in, &bench.in, true);
}

static size_t run_resolved(uint8_t *out)
{
    return run_generic_with(out, &bench.resolver, &bench.resolved, true);
}

/* --- JSON --- */

static size_t run_json(uint8_t *out)
{
    struct slot slots[FIELDS];
    struct weir_arena scratch;
    struct weir_reason why;
    uint32_t unknown;
    (void)out;
    weir_arena_init(&scratch, bench.scratch, bench.scratch_cap);
    check(json_read(bench.json, (struct weir_bytes){(const uint8_t *)json_text, sizeof json_text - 1},
                    &scratch, slots, &unknown, &why),
          "weir cannot read the JSON");
    return FIELDS;
}

static size_t run_jansson(uint8_t *out)
{
    (void)out;
    json_t *json = json_loadb(json_text, sizeof json_text - 1, 0, NULL);
    size_t n = json_object_size(json);
    json_decref(json);
    return n;
}

/* --- turns --- */

static struct contestant {
    const char *name;
    size_t (*run)(uint8_t *out);
    size_t beside; /* whose time its own is held against */
    double ns[TURNS];
} contestants[] = {
    {"Avro: weir", run_weir, 0, {0}},
    {"Avro: by hand", run_hand, 0, {0}},
    {"Avro: libavro-c, fields by place", run_generic, 0, {0}},
    {"Avro: libavro-c, fields by name", run_generic_by_name, 0, {0}},
    {"Avro: libavro-c, resolving, fields by name", run_resolved, 0, {0}},
    {"JSON: weir", run_json, 5, {0}},
    {"JSON: jansson, parse only", run_jansson, 5, {0}},
};
#define N_CONTESTANTS (sizeof contestants / sizeof contestants[0])

static double now_ns(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static double take_turn(const struct contestant *contestant, double ns)
{
    double begin = now_ns(), end;
    size_t calls = 0;
    do {
        for (int i = 0; i < CALLS; i++)
            check(contestant->run(NULL) > 0, "nothing came out");
        calls += CALLS;
        end = now_ns();
    } while (end - begin < ns);
    return (end - begin) / (double)calls;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *numbers)
{
    qsort(numbers, TURNS, sizeof *numbers, compare);
    return numbers[TURNS / 2];
}

static void print_table(void)
{
    (void)printf("| | ns | × weir |\n|---|---|---|\n");
    for (size_t i = 0; i < N_CONTESTANTS; i++) {
        double ratios[TURNS], ns[TURNS];
        const struct contestant *base = &contestants[contestants[i].beside];
        for (size_t turn = 0; turn < TURNS; turn++) {
            ns[turn] = contestants[i].ns[turn];
            ratios[turn] = ns[turn] / base->ns[turn];
        }
        double middle = median(ratios);
        (void)printf("| %s | %.0f | %.2f (%.2f–%.2f) |\n", contestants[i].name, median(ns), middle,
                     ratios[TURNS / 10], ratios[TURNS - 1 - TURNS / 10]);
    }
}

/* --- making ready --- */

static void make_payload(void)
{
    uint8_t *to = bench.payload + WEIR_WIRE_PREFIX;
    for (size_t i = 0; i < FIELDS; i++)
        to = hand_put_text(to, weir_bytes_of(values[i]));
    bench.payload_len = (size_t)(to - bench.payload);
}

static avro_value_t generic_value(const char *text)
{
    avro_schema_t schema;
    avro_value_t value;
    check(avro_schema_from_json_length(text, strlen(text), &schema) == 0, "libavro-c: no schema");
    avro_value_iface_t *class = avro_generic_class_from_schema(schema);
    check(class && avro_generic_value_new(class, &value) == 0, "libavro-c: no value");
    return value;
}

static void make_generic(const struct weir_schema *output)
{
    bench.in = generic_value(writer_text);
    bench.out = generic_value(output->text);
    bench.resolved = generic_value(resolved_text);
    avro_value_iface_t *class =
        avro_resolved_writer_new(avro_value_get_schema(&bench.in), avro_value_get_schema(&bench.resolved));
    check(class && avro_resolved_writer_new_value(class, &bench.resolver) == 0, "libavro-c resolves nothing");
    avro_resolved_writer_set_dest(&bench.resolver, &bench.resolved);
}

static void make_plan(struct weir_spec *spec, struct directory *schemas)
{
    struct weir_plan_request request = {.spec = &spec->core};
    struct weir_schema *writer;
    struct weir_err err = {WEIR_OK, ""};
    uint32_t id;
    int64_t version;
    check(directory_subject(schemas, "user-login-value", 0, &request.reader, &id, &version, &err) ==
                  WEIR_OK &&
              directory_subject(schemas, "processed-user-login-value", 0, &request.output, &bench.output_id,
                                &version, &err) == WEIR_OK &&
              weir_schema_parse(weir_bytes_of(writer_text), &writer, &err) == WEIR_OK,
          err.text);
    request.writer = writer;
    request.output_id = bench.output_id;
    check(weir_plan_new(&request, &bench.plan, &err) == WEIR_OK, err.text);
    check(json_reader_new(request.reader,
                          &(struct json_options){WEIR_UNKNOWN_IGNORE, WEIR_UNIONS_AUTO, WEIR_NUMBERS_STRICT},
                          &bench.json, &err) == WEIR_OK,
          err.text);
    bench.scratch_cap = weir_pipeline_scratch(bench.plan, bench.payload_len) +
                        json_scratch(bench.json, sizeof json_text) + OUT_MAX;
    bench.scratch = malloc(bench.scratch_cap);
    check(bench.scratch, "no memory");
    make_generic(request.output);
}

int main(int argc, char **argv)
{
    struct weir_spec *spec;
    struct directory *schemas;
    struct weir_err err = {WEIR_OK, ""};
    uint8_t first[OUT_MAX], other[OUT_MAX];
    double ns = 1e6 * (argc > 1 ? atof(argv[1]) : 20);
    check(config_load("config/user-login.yaml", &spec, &err) == WEIR_OK &&
              directory_open("schemas", &schemas, &err) == WEIR_OK,
          err.text);
    make_payload();
    make_plan(spec, schemas);
    size_t len = run_weir(first);
    check(run_hand(other) == len && memcmp(first, other, len) == 0,
          "the hand-written codec makes other bytes");
    check(run_generic(other) == len && memcmp(first, other, len) == 0, "libavro-c makes other bytes");
    check(run_generic_by_name(other) == len && memcmp(first, other, len) == 0, "libavro-c makes other bytes");
    check(run_resolved(other) == len && memcmp(first, other, len) == 0,
          "libavro-c makes other bytes when it resolves");
    for (size_t turn = 0; turn < TURNS; turn++)
        for (size_t i = 0; i < N_CONTESTANTS; i++)
            contestants[i].ns[turn] = take_turn(&contestants[i], ns);
    print_table();
    return EXIT_SUCCESS;
}
