#include "engine/follow.h"

#include "support/twin_rig.h"

#define FIELDS(list)   "{\"type\":\"record\",\"name\":\"r\",\"fields\":[" list "]}"
#define TEXT(name)     "{\"name\":\"" name "\",\"type\":\"string\"}"
#define FREE(name)     "{\"name\":\"" name "\",\"type\":\"string\",\"default\":\"\"}"
#define NUMBER(name)   "{\"name\":\"" name "\",\"type\":\"long\"}"
#define SCHEMAS_MAX    16
#define WORKING_MS     10000
#define UNDER_A_SECOND 900

struct setting {
    struct rig rig;
    struct follow follow;
    struct weir_schema *schemas[SCHEMAS_MAX];
    size_t n_schemas;
};

static struct setting setting;

static const struct weir_schema *parse(const char *text)
{
    struct weir_schema **schema = &setting.schemas[setting.n_schemas++];
    struct weir_err err;
    assert_true(setting.n_schemas <= SCHEMAS_MAX);
    if (weir_schema_parse(weir_bytes_of(text), schema, &err) != WEIR_OK)
        fail_msg("%s: %s", text, err.text);
    return *schema;
}

static void register_text(const char *subject, int64_t version, const char *text)
{
    twin_register(&setting.rig.world, subject, version, text ? parse(text) : NULL);
}

static void init_follow(void)
{
    struct rig *rig = &setting.rig;
    const struct follow_parts parts = {.spec = &rig->spec,
                                       .schemas = &rig->member.schemas,
                                       .editions = rig->editions,
                                       .trouble = &rig->trouble,
                                       .timer = &rig->member.timer,
                                       .counters = &rig->counters};
    follow_init(&setting.follow, &parts);
}

/* Both subjects are followed, and version 1 of both is what the rig runs on. */
static int set_up(void **state)
{
    (void)state;
    setting = (struct setting){0};
    struct rig *rig = &setting.rig;
    rig_init(rig, (struct rig_options){.partitions = 2, .seed = 1, .follows = true});
    rig->spec.input.schema.subject = "in";
    rig->spec.output.schema.subject = "out";
    twin_register(&rig->world, "in", 1, rig->reader);
    twin_register(&rig->world, "out", 1, rig->reader);
    init_follow();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    follow_release(&setting.follow);
    rig_release(&setting.rig);
    for (size_t i = 0; i < setting.n_schemas; i++)
        weir_schema_free(setting.schemas[i]);
    return 0;
}

static uint64_t counted(enum counter which)
{
    return counters_get(&setting.rig.counters, which);
}

/* Looks, and says which versions are in use then. */
static void expect_in_use(int64_t reader, int64_t output)
{
    uint64_t number;
    follow_look(&setting.follow);
    struct edition *edition = editions_take(setting.rig.editions, &number);
    int64_t reads = edition_reader(edition)->version, writes = edition_output(edition)->version;
    edition_release(edition);
    if (reads != reader || writes != output) {
        twin_log_show();
        fail_msg("reading as %lld and writing as %lld, not %lld and %lld", (long long)reads,
                 (long long)writes, (long long)reader, (long long)output);
    }
}

/* Works as long as the loop needs, with a follower that looks when it is wanted. */
static void work(void)
{
    struct rig *rig = &setting.rig;
    int64_t until = rig->world.now_ms + WORKING_MS;
    while (!twin_all_done(&rig->world, false)) {
        assert_true(rig->world.now_ms < until);
        assert_int_equal(rig_step(rig), WEIR_OK);
        if (editions_wanted(rig->editions, 0))
            follow_look(&setting.follow);
    }
    rig_finish(rig, WORKING_MS);
}

static void test_a_new_version_comes_into_use(void **state)
{
    (void)state;
    expect_in_use(1, 1);
    register_text("in", 2, FIELDS(FREE("v") "," FREE("w")));
    expect_in_use(2, 1);
    assert_int_equal(twin_log_text("reading as in version 2, was 1: + w (string)"), 1);
    register_text("out", 2, FIELDS(FREE("v") "," FREE("w")));
    expect_in_use(2, 2);
    assert_int_equal(twin_log_text("writing as out version 2, was 1: + w (string)"), 1);
    expect_in_use(2, 2);
    assert_int_equal(counted(COUNTER_SCHEMAS_TAKEN), 2);
    assert_int_equal(counted(COUNTER_SCHEMAS_REFUSED), 0);
    assert_int_equal(twin_log_count(NULL), 2);
}

/* The old one stays, it is said and counted once, and a later one that is good is taken. */
static void test_a_version_that_does_not_fit(void **state)
{
    (void)state;
    register_text("out", 2, FIELDS(FREE("v") "," TEXT("needed")));
    for (int i = 0; i < 5; i++)
        expect_in_use(1, 1);
    assert_int_equal(twin_log_text("out version 2 is refused, writing goes on as version 1: output field "
                                   "'needed'"),
                     1);
    assert_int_equal(twin_log_count(NULL), 1);
    assert_int_equal(counted(COUNTER_SCHEMAS_REFUSED), 1);
    register_text("out", 3, FIELDS(FREE("v") "," FREE("not_needed")));
    expect_in_use(1, 3);
    assert_int_equal(counted(COUNTER_SCHEMAS_TAKEN), 1);
}

/* Both change together, but one is seen first: until both are there, all stays as it was. */
static void test_versions_that_fit_only_together(void **state)
{
    (void)state;
    register_text("out", 2, FIELDS(FREE("v") "," TEXT("w")));
    expect_in_use(1, 1);
    register_text("in", 2, FIELDS(FREE("v") "," TEXT("w")));
    expect_in_use(2, 2);
    assert_int_equal(counted(COUNTER_SCHEMAS_TAKEN), 2);
}

/* What is wrong with one subject does not keep the other. */
static void test_a_bad_version_keeps_no_other(void **state)
{
    (void)state;
    register_text("out", 2, FIELDS(FREE("v") "," TEXT("needed")));
    expect_in_use(1, 1);
    register_text("in", 2, FIELDS(FREE("v") "," FREE("w")));
    expect_in_use(2, 1);
    assert_int_equal(counted(COUNTER_SCHEMAS_REFUSED), 1);
    /* The rules of the configuration need v. */
    register_text("in", 3, FIELDS(FREE("w")));
    register_text("out", 3, FIELDS(FREE("v") "," FREE("x")));
    expect_in_use(2, 3);
    assert_int_equal(counted(COUNTER_SCHEMAS_REFUSED), 2);
    assert_int_equal(twin_log_text("in version 3 is refused"), 1);
}

static void test_a_version_that_is_no_schema(void **state)
{
    (void)state;
    register_text("in", 2, NULL);
    register_text("out", 2, FIELDS(FREE("v") "," FREE("w")));
    for (int i = 0; i < 3; i++)
        expect_in_use(1, 2);
    assert_int_equal(twin_log_text("the latest version of in is refused: unknown type 'strnig'"), 1);
    assert_int_equal(counted(COUNTER_SCHEMAS_REFUSED), 1);
    register_text("in", 3, FIELDS(FREE("v") "," FREE("w")));
    expect_in_use(3, 2);
}

/* In a registry without compatibility rules: what could not read what is written now is refused. */
static void test_what_passes_goes_on_passing(void **state)
{
    (void)state;
    struct rig *rig = &setting.rig;
    (void)rig_put(rig, 0, RIG_AVRO);
    work();
    register_text("in", 2, FIELDS(FREE("v") "," TEXT("needed")));
    expect_in_use(1, 1);
    assert_int_equal(twin_log_text("what is written with schema id 7, which is in use: "), 1);
    (void)rig_put(rig, 0, RIG_AVRO);
    work();
}

static void test_a_pinned_version_stays(void **state)
{
    (void)state;
    struct rig *rig = &setting.rig;
    assert_true(follow_needed(&rig->spec));
    rig->spec.input.schema.version = 1;
    register_text("in", 2, FIELDS(FREE("v") "," FREE("w")));
    expect_in_use(1, 1);
    register_text("out", 2, FIELDS(FREE("v") "," FREE("w")));
    expect_in_use(1, 2);
    rig->spec.output.schema.version = 2;
    assert_false(follow_needed(&rig->spec));
}

static void test_a_registry_that_is_down(void **state)
{
    (void)state;
    struct rig *rig = &setting.rig;
    register_text("in", 2, FIELDS(FREE("v") "," FREE("w")));
    rig->world.registry_down = true;
    uint64_t look = editions_next_look(rig->editions);
    for (int i = 0; i < 3; i++)
        expect_in_use(1, 1);
    assert_int_equal(twin_log_count("registry_down"), 1);
    assert_false(editions_looked(rig->editions, look));
    rig->world.registry_down = false;
    expect_in_use(2, 1);
    assert_true(editions_looked(rig->editions, look));
    assert_int_equal(twin_log_count("recovered"), 1);
}

/* A producer registers what our version cannot read, and uses it at once: its records wait until the version
 * that can read them is in use. */
static void test_a_writer_newer_than_the_reader(void **state)
{
    (void)state;
    struct rig *rig = &setting.rig;
    static const uint32_t newer = 20;
    const struct weir_schema *wide = parse(FIELDS("{\"name\":\"v\",\"type\":[\"string\",\"long\"]}"));
    const struct weir_schema *long_only = parse(FIELDS(NUMBER("v")));
    twin_add_schema(&rig->world, newer, long_only);
    rig->spec.core.n_check = rig->spec.core.n_drop_when = 0;
    struct twin_input *input =
        twin_produce(&rig->world, 0, (struct weir_bytes){(const uint8_t *)"\0\0\0\0\24\2", 6});
    input->expect = WEIR_PASS;
    (void)rig_put(rig, 1, RIG_PASS);
    assert_int_equal(rig_run(rig, UNDER_A_SECOND), WEIR_OK);
    assert_int_equal(rig->world.n_visible, 1);
    assert_true(editions_wanted(rig->editions, 0));
    twin_register(&rig->world, "in", 2, wide);
    twin_register(&rig->world, "out", 2, wide);
    expect_in_use(2, 2);
    rig_finish(rig, WORKING_MS);
    assert_int_equal(counted(COUNTER_RECORDS_REJECTED), 0);
}

/* The version before could read it, but would lose what is new in it. */
static void test_what_is_new_is_not_lost(void **state)
{
    (void)state;
    struct rig *rig = &setting.rig;
    twin_add_schema(&rig->world, 21, parse(FIELDS(TEXT("v") "," TEXT("w"))));
    register_text("in", 2, FIELDS(FREE("v") "," FREE("w")));
    register_text("out", 2, FIELDS(FREE("v") "," FREE("w")));
    (void)twin_produce(&rig->world, 0, (struct weir_bytes){(const uint8_t *)"\0\0\0\0\25\2a\2b", 9});
    work();
    assert_int_equal(rig->world.n_visible, 1);
    static const char expected[] = "{\"v\":\"a\",\"w\":\"b\"}";
    struct weir_bytes value = rig->world.visible[0].record.value;
    assert_int_equal(value.len, sizeof expected - 1);
    assert_memory_equal(value.data, expected, value.len);
}

/* When there is none, it is rejected as soon as that is known, and not while the registry is down. */
static void test_a_writer_that_nothing_reads(void **state)
{
    (void)state;
    struct rig *rig = &setting.rig;
    struct twin_input *input = rig_put_avro(rig, 0, RIG_MISFIT, "x");
    input->expect = WEIR_REJECT;
    input->code = WEIR_CODE_SCHEMA_MISMATCH;
    rig->world.registry_down = false;
    assert_int_equal(rig_run(rig, UNDER_A_SECOND), WEIR_OK);
    rig->world.registry_down = true;
    follow_look(&setting.follow);
    assert_int_equal(rig_run(rig, WORKING_MS), WEIR_OK);
    assert_int_equal(rig->world.n_visible, 0);
    rig->world.registry_down = false;
    follow_look(&setting.follow);
    rig_finish(rig, WORKING_MS);
    /* That is known now, so the next one need not wait. */
    input = rig_put_avro(rig, 0, RIG_MISFIT, "x");
    input->expect = WEIR_REJECT;
    input->code = WEIR_CODE_SCHEMA_MISMATCH;
    assert_int_equal(rig_run(rig, UNDER_A_SECOND), WEIR_OK);
    assert_int_equal(rig->world.n_visible, 2);
}

/* Each batch is of one edition, letters say which, and records of several writers lie side by side. */
static void test_a_change_in_the_middle(void **state)
{
    (void)state;
    struct rig *rig = &setting.rig;
    twin_add_schema(&rig->world, 21, parse(FIELDS(TEXT("v") "," TEXT("w"))));
    for (int64_t version = 2; version < 6; version++) {
        rig_put_mix(rig, 20);
        for (int i = 0; i < 5; i++) {
            (void)twin_produce(&rig->world, 0, (struct weir_bytes){(const uint8_t *)"\0\0\0\0\25\2a\2b", 9});
            (void)rig_put(rig, 0, RIG_AVRO);
        }
        assert_int_equal(rig_step(rig), WEIR_OK);
        register_text("in", version, version % 2 ? FIELDS(FREE("v")) : FIELDS(FREE("v") "," FREE("w")));
        expect_in_use(version, 1);
        work();
        (void)rig_put(rig, 1, RIG_BAD);
        work();
        const struct sink_record *last = &rig->world.visible[rig->world.n_visible - 1].record;
        const char digit = (char)('0' + version);
        const struct weir_header *header =
            twin_header(last->headers, last->n_headers, "__weir.errors.reader.version");
        assert_non_null(header);
        assert_memory_equal(header->value.data, &digit, 1);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_new_version_comes_into_use),    TEST(test_a_version_that_does_not_fit),
        TEST(test_versions_that_fit_only_together), TEST(test_a_bad_version_keeps_no_other),
        TEST(test_a_version_that_is_no_schema),     TEST(test_what_passes_goes_on_passing),
        TEST(test_a_pinned_version_stays),          TEST(test_a_registry_that_is_down),
        TEST(test_a_writer_newer_than_the_reader),  TEST(test_what_is_new_is_not_lost),
        TEST(test_a_writer_that_nothing_reads),     TEST(test_a_change_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
