#include "registry/remote.h"

#include "support/canned.h"
#include "support/core.h"
#include "sys/clock.h"

#define STRING   "{\"schema\":\"\\\"string\\\"\"}"
#define LONG     "{\"schema\":\"\\\"long\\\"\"}"
#define READER   "{\"subject\":\"in\",\"version\":1,\"id\":1,\"schema\":\"\\\"string\\\"\"}"
#define RESTORED "{\"subject\":\"in\",\"version\":1,\"id\":1,\"schema\":\"\\\"long\\\"\"}"
#define SUBJECT  "/subjects/in/versions/latest"
/* An answer comes sooner than this on any machine that still works. */
#define SOON_MS 15000

struct setting {
    struct canned *canned;
    struct remote *remote;
    struct schemas *door;
};

static const struct weir_subject_spec in = {.subject = "in", .version = WEIR_VERSION_LATEST};

static void open_remote(struct setting *setting, int64_t poll_ms, int64_t timeout_ms)
{
    const struct remote_options options = {.http = {.urls = canned_url(setting->canned),
                                                    .connect_timeout_ms = timeout_ms,
                                                    .timeout_ms = timeout_ms,
                                                    .seed = 1},
                                           .input = in,
                                           .poll_ms = poll_ms};
    struct weir_err err = {0};
    if (remote_open(&options, &setting->remote, &err) != WEIR_OK ||
        remote_start(setting->remote, &setting->door, &err) != WEIR_OK)
        fail_msg("%s", err.text);
}

static enum weir_err_code ask(struct setting *setting, uint32_t id, const struct weir_schema **out,
                              struct weir_err *err)
{
    return setting->door->ops->by_key(setting->door, ID(id), out, err);
}

/* Asks as the engine does, again and again, until the answer is this one. */
static void await(struct setting *setting, uint32_t id, enum weir_err_code code, struct weir_err *err)
{
    const struct weir_schema *schema = NULL;
    int64_t until = clock_monotonic_ms() + SOON_MS;
    while (ask(setting, id, &schema, err) != code) {
        if (clock_monotonic_ms() > until)
            fail_msg("id %u: %s, and not %s", id, err->text, weir_err_name(code));
        clock_sleep_ms(10);
    }
    if (code == WEIR_OK)
        assert_non_null(schema);
}

static void test_an_id_is_asked_for_once(void **state)
{
    struct setting *setting = *state;
    const struct weir_schema *first, *second;
    struct weir_err err;
    canned_set(setting->canned, "/schemas/ids/7", 200, STRING);
    open_remote(setting, 60000, 5000);
    await(setting, 7, WEIR_OK, &err);
    assert_int_equal(ask(setting, 7, &first, &err), WEIR_OK);
    assert_int_equal(ask(setting, 7, &second, &err), WEIR_OK);
    assert_ptr_equal(first, second);
    assert_int_equal(canned_hits(setting->canned, "/schemas/ids/7"), 1);
    assert_int_equal(setting->door->ops->check(setting->door, &err), WEIR_OK);
}

/* The first question usually has its answer at once, so that no partition is held for a new schema. */
static void test_a_registry_that_is_well_keeps_nobody_waiting(void **state)
{
    struct setting *setting = *state;
    const struct weir_schema *schema;
    struct weir_err err;
    unsigned at_once = 0;
    open_remote(setting, 60000, 5000);
    for (uint32_t id = 10; id < 20; id++) {
        char path[32];
        (void)snprintf(path, sizeof path, "/schemas/ids/%u", id);
        canned_set(setting->canned, path, 200, STRING);
        at_once += ask(setting, id, &schema, &err) == WEIR_OK;
        clock_sleep_ms(120);
    }
    assert_true(at_once > 0);
}

/* One id without answer holds up neither those who ask for it nor those who ask for others. */
static void test_an_id_without_answer(void **state)
{
    struct setting *setting = *state;
    const struct weir_schema *schema;
    struct weir_err err;
    canned_set(setting->canned, "/schemas/ids/6", CANNED_NEVER, "");
    canned_set(setting->canned, "/schemas/ids/7", 200, STRING);
    open_remote(setting, 60000, 60000);
    int64_t begun = clock_monotonic_ms();
    for (int i = 0; i < 1000; i++)
        assert_int_equal(ask(setting, 6, &schema, &err), WEIR_ERR_SCHEMA_PENDING);
    /* Patience is bounded in sum, not only for each question. */
    assert_true(clock_monotonic_ms() - begun < 2000);
    await(setting, 7, WEIR_OK, &err);
    assert_int_equal(canned_hits(setting->canned, "/schemas/ids/6"), 1);
}

static void test_no_such_id_needs_the_subject(void **state)
{
    struct setting *setting = *state;
    struct weir_err err;
    canned_set(setting->canned, "/schemas/ids/7", 404, CANNED_NO_SCHEMA);
    canned_set(setting->canned, SUBJECT, 404, CANNED_NO_SUBJECT);
    open_remote(setting, 60000, 5000);
    await(setting, 7, WEIR_ERR_REGISTRY_DOWN, &err);
    support_expect_text("an empty registry", err.text, "cannot be believed");
    canned_set(setting->canned, SUBJECT, 200, READER);
    await(setting, 7, WEIR_ERR_NOT_FOUND, &err);
    /* It is registered later, or a replica catches up. */
    canned_set(setting->canned, "/schemas/ids/7", 200, STRING);
    await(setting, 7, WEIR_OK, &err);
}

/* "Not found" is not asked for again at each record, but does not hold for ever either. */
static void test_no_such_id_is_remembered_shortly(void **state)
{
    struct setting *setting = *state;
    const struct weir_schema *schema;
    struct weir_err err;
    canned_set(setting->canned, "/schemas/ids/7", 404, CANNED_NO_SCHEMA);
    canned_set(setting->canned, SUBJECT, 200, READER);
    open_remote(setting, 60000, 5000);
    await(setting, 7, WEIR_ERR_NOT_FOUND, &err);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(ask(setting, 7, &schema, &err), WEIR_ERR_NOT_FOUND);
    assert_true(canned_hits(setting->canned, "/schemas/ids/7") <= 3);
    /* A registry that went down afterwards is not one that says no. */
    canned_set(setting->canned, "/schemas/ids/7", 500, CANNED_ERROR);
    await(setting, 7, WEIR_ERR_REGISTRY_DOWN, &err);
}

static void test_whatever_else_is_answered_means_down(void **state)
{
    static const struct {
        int status;
        const char *body;
    } cases[] = {
        {401, CANNED_DENIED},          {403, CANNED_DENIED}, {404, CANNED_PAGE},
        {404, CANNED_NO_SUBJECT},      {500, CANNED_ERROR},  {200, CANNED_PAGE},
        {200, "{\"schema\":\"\\\"st"}, {CANNED_CLOSE, ""},
    };
    struct setting *setting = *state;
    struct weir_err err;
    canned_set(setting->canned, SUBJECT, 200, READER);
    open_remote(setting, 60000, 5000);
    for (uint32_t i = 0; i < COUNT(cases); i++) {
        char path[32];
        (void)snprintf(path, sizeof path, "/schemas/ids/%u", i + 1);
        canned_set(setting->canned, path, cases[i].status, cases[i].body);
        await(setting, i + 1, WEIR_ERR_REGISTRY_DOWN, &err);
    }
}

/* While it is down the registry is asked now and then, not at each record. */
static void test_down_does_not_spin(void **state)
{
    struct setting *setting = *state;
    const struct weir_schema *schema;
    struct weir_err err;
    canned_set(setting->canned, "/schemas/ids/7", 500, CANNED_ERROR);
    open_remote(setting, 60000, 5000);
    await(setting, 7, WEIR_ERR_REGISTRY_DOWN, &err);
    int64_t begun = clock_monotonic_ms();
    while (clock_monotonic_ms() - begun < 1500)
        assert_int_equal(ask(setting, 7, &schema, &err), WEIR_ERR_REGISTRY_DOWN);
    assert_true(canned_hits(setting->canned, "/schemas/ids/7") <= 4 * HTTP_TRIES);
    canned_set(setting->canned, "/schemas/ids/7", 200, STRING);
    await(setting, 7, WEIR_OK, &err);
}

static void test_a_schema_that_is_no_use(void **state)
{
    struct setting *setting = *state;
    const struct weir_schema *schema;
    struct weir_err err;
    canned_set(setting->canned, "/schemas/ids/7", 200, "{\"schema\":\"{}\",\"schemaType\":\"JSON\"}");
    open_remote(setting, 60000, 5000);
    await(setting, 7, WEIR_ERR_BAD_SCHEMA, &err);
    assert_int_equal(ask(setting, 7, &schema, &err), WEIR_ERR_BAD_SCHEMA);
    support_expect_text("JSON", err.text, "of type JSON");
    assert_int_equal(canned_hits(setting->canned, "/schemas/ids/7"), 1);
}

static void await_change(struct setting *setting)
{
    struct weir_err err = {0};
    const struct weir_schema *schema;
    int64_t until = clock_monotonic_ms() + SOON_MS;
    while (setting->door->ops->check(setting->door, &err) == WEIR_OK) {
        assert_true(clock_monotonic_ms() < until);
        clock_sleep_ms(10);
    }
    assert_int_equal(err.code, WEIR_ERR_SCHEMA_CHANGED);
    support_expect_text("changed", err.text, "now stands for another schema");
    assert_int_equal(ask(setting, 1, &schema, &err), WEIR_ERR_SCHEMA_CHANGED);
}

/* A registry that was restored from nothing gives old ids to new schemas. */
static void test_an_id_that_changes_is_noticed(void **state)
{
    struct setting *setting = *state;
    struct weir_err err;
    canned_set(setting->canned, "/schemas/ids/6", 200, STRING);
    canned_set(setting->canned, "/schemas/ids/7", 200, LONG);
    open_remote(setting, 50, 5000);
    await(setting, 6, WEIR_OK, &err);
    await(setting, 7, WEIR_OK, &err);
    /* Written otherwise it is the same; gone or unreadable it is no change, but down. */
    canned_set(setting->canned, "/schemas/ids/6", 200, "{\"schema\":\" \\\"string\\\" \"}");
    canned_set(setting->canned, "/schemas/ids/7", 404, CANNED_NO_SCHEMA);
    clock_sleep_ms(300);
    canned_set(setting->canned, "/schemas/ids/6", 500, CANNED_ERROR);
    clock_sleep_ms(300);
    assert_int_equal(setting->door->ops->check(setting->door, &err), WEIR_OK);
    canned_set(setting->canned, "/schemas/ids/6", 200, STRING);
    canned_set(setting->canned, "/schemas/ids/7", 200, STRING);
    await_change(setting);
}

/* The door answers what is registered now. */
static void test_a_subject_that_gets_a_new_version(void **state)
{
    struct setting *setting = *state;
    struct schemas_version found;
    struct weir_err err;
    canned_set(setting->canned, SUBJECT, 200, READER);
    open_remote(setting, 60000, 5000);
    assert_int_equal(setting->door->ops->subject(setting->door, &in, &found, &err), WEIR_OK);
    assert_int_equal(found.version, 1);
    canned_set(setting->canned, SUBJECT, 200,
               "{\"subject\":\"in\",\"version\":2,\"id\":2,\"schema\":\"\\\"long\\\"\"}");
    assert_int_equal(setting->door->ops->subject(setting->door, &in, &found, &err), WEIR_OK);
    assert_int_equal(found.version, 2);
    assert_int_equal(found.schema->root->type, WEIR_TYPE_LONG);
    canned_set(setting->canned, SUBJECT, 500, CANNED_ERROR);
    assert_int_equal(setting->door->ops->subject(setting->door, &in, &found, &err), WEIR_ERR_REGISTRY_DOWN);
}

static void test_a_subject_whose_id_changes_is_noticed(void **state)
{
    struct setting *setting = *state;
    struct schemas_version reader;
    struct weir_err err;
    canned_set(setting->canned, SUBJECT, 200, READER);
    canned_set(setting->canned, "/schemas/ids/7", 404, CANNED_NO_SCHEMA);
    open_remote(setting, 60000, 5000);
    assert_int_equal(remote_subject(setting->remote, &in, &reader, &err), WEIR_OK);
    assert_int_equal(reader.id, 1);
    canned_set(setting->canned, SUBJECT, 200, RESTORED);
    const struct weir_schema *schema;
    (void)ask(setting, 7, &schema, &err);
    await_change(setting);
    assert_int_equal(remote_subject(setting->remote, &in, &reader, &err), WEIR_ERR_SCHEMA_CHANGED);
}

/* Random bytes that look like ids must not fill the memory, nor keep real ones out. */
static void test_many_ids_at_once(void **state)
{
    struct setting *setting = *state;
    const struct weir_schema *schema;
    struct weir_err err;
    canned_set(setting->canned, SUBJECT, 500, CANNED_ERROR);
    canned_set(setting->canned, "/schemas/ids/7", 200, STRING);
    const struct remote_options options = {
        .http = {.urls = "http://127.0.0.1:1", .connect_timeout_ms = 1000, .timeout_ms = 1000},
        .input = in,
        .poll_ms = 1000};
    assert_int_equal(remote_open(&options, &setting->remote, &err), WEIR_OK);
    assert_int_equal(remote_start(setting->remote, &setting->door, &err), WEIR_OK);
    for (uint32_t id = 1; id < 4 * REMOTE_ASKS_MAX; id++) {
        enum weir_err_code code = ask(setting, id, &schema, &err);
        assert_true(code == WEIR_ERR_SCHEMA_PENDING || code == WEIR_ERR_REGISTRY_DOWN);
    }
}

static void test_asking_without_threads(void **state)
{
    struct setting *setting = *state;
    const struct weir_schema *schema, *again;
    struct weir_err err;
    const struct remote_options options = {
        .http = {.urls = canned_url(setting->canned), .connect_timeout_ms = 1000, .timeout_ms = 1000},
        .input = in};
    canned_set(setting->canned, "/schemas/ids/7", 200, STRING);
    canned_set(setting->canned, "/schemas/ids/8", 404, CANNED_NO_SCHEMA);
    assert_int_equal(remote_open(&options, &setting->remote, &err), WEIR_OK);
    assert_int_equal(remote_ask(setting->remote, ID(7), &schema, &err), WEIR_OK);
    assert_int_equal(remote_ask(setting->remote, ID(7), &again, &err), WEIR_OK);
    assert_ptr_equal(schema, again);
    assert_int_equal(remote_ask(setting->remote, ID(8), &schema, &err), WEIR_ERR_REGISTRY_DOWN);
    canned_set(setting->canned, SUBJECT, 200, READER);
    assert_int_equal(remote_ask(setting->remote, ID(8), &schema, &err), WEIR_ERR_NOT_FOUND);
}

/* Stopping gives up what is in flight. */
static void test_closing_does_not_wait(void **state)
{
    struct setting *setting = *state;
    const struct weir_schema *schema;
    struct weir_err err;
    open_remote(setting, 60000, 60000);
    for (uint32_t id = 1; id <= 2 * REMOTE_THREADS; id++) {
        char path[32];
        (void)snprintf(path, sizeof path, "/schemas/ids/%u", id);
        canned_set(setting->canned, path, CANNED_NEVER, "");
        (void)ask(setting, id, &schema, &err);
    }
    int64_t begun = clock_monotonic_ms();
    remote_close(setting->remote);
    setting->remote = NULL;
    assert_true(clock_monotonic_ms() - begun < 5000);
}

static int set_up(void **state)
{
    struct setting *setting = calloc(1, sizeof *setting);
    setting->canned = canned_start();
    *state = setting;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *setting = *state;
    remote_close(setting->remote);
    canned_stop(setting->canned);
    free(setting);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_id_is_asked_for_once),
        TEST(test_a_registry_that_is_well_keeps_nobody_waiting),
        TEST(test_an_id_without_answer),
        TEST(test_no_such_id_needs_the_subject),
        TEST(test_no_such_id_is_remembered_shortly),
        TEST(test_whatever_else_is_answered_means_down),
        TEST(test_down_does_not_spin),
        TEST(test_a_schema_that_is_no_use),
        TEST(test_an_id_that_changes_is_noticed),
        TEST(test_a_subject_that_gets_a_new_version),
        TEST(test_a_subject_whose_id_changes_is_noticed),
        TEST(test_many_ids_at_once),
        TEST(test_asking_without_threads),
        TEST(test_closing_does_not_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
