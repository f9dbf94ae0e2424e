#include "engine/editions.h"

#include "support/core.h"

#define V(type, more) "{\"name\":\"v\",\"type\":\"" type "\"" more "}"

static const struct weir_pipeline_spec spec = {.pipeline = "p", .input_topic = "t"};

struct setting {
    struct weir_schema *text, *number;
};

/* An edition that reads and writes with the same schema. */
static struct edition *make(const struct weir_schema *schema)
{
    const struct schemas_version only = {schema, 3, 3};
    struct edition *edition = NULL;
    struct weir_err err;
    if (edition_new(&spec, &only, &only, &edition, &err) != WEIR_OK)
        fail_msg("%s", err.text);
    return edition;
}

static const struct edition_writer *add(struct edition *edition, uint32_t id,
                                        const struct weir_schema *schema)
{
    const struct edition_writer *writer = NULL;
    struct weir_err err;
    if (edition_add(edition, ID(id), schema, NULL, 0, &writer, &err) != WEIR_OK)
        fail_msg("%s", err.text);
    return writer;
}

static struct editions *publish(struct edition *first, int64_t patience_ms)
{
    struct editions *editions = NULL;
    struct weir_err err;
    assert_int_equal(editions_new(first, patience_ms, &editions, &err), WEIR_OK);
    return editions;
}

static void test_changing_over(void **state)
{
    const struct setting *s = *state;
    struct edition *first = make(s->text), *second = make(s->number);
    struct editions *editions = publish(first, 0);
    uint64_t before, after;
    assert_ptr_equal(editions_take(editions, &before), first);
    assert_int_equal(editions_number(editions), before);
    editions_put(editions, second);
    assert_int_not_equal(editions_number(editions), before);
    /* Whoever is on the first one goes on with it. */
    assert_non_null(add(first, 1, s->text)->plan);
    edition_release(first);
    assert_ptr_equal(editions_take(editions, &after), second);
    assert_int_equal(editions_number(editions), after);
    edition_release(second);
    editions_free(editions);
    editions_free(NULL);
}

static void test_renewing(void **state)
{
    const struct setting *s = *state;
    struct edition *first = make(s->text);
    struct editions *editions = publish(first, 0);
    uint64_t number;
    first = editions_take(editions, &number);
    (void)add(first, 1, s->text);
    editions_renew(editions, first);
    struct edition *second = editions_take(editions, &number);
    assert_ptr_not_equal(first, second);
    assert_null(edition_find(second, ID(1)));
    assert_int_equal(edition_reader(second)->version, 3);
    /* Two workers may find it crowded. */
    editions_renew(editions, first);
    assert_int_equal(editions_number(editions), number);
    edition_release(first);
    edition_release(second);
    editions_free(editions);
}

/* What is met during a look needs the next one, and a look without answers is none. */
static void test_looks(void **state)
{
    const struct setting *s = *state;
    struct editions *editions = publish(make(s->text), 0);
    uint64_t first = editions_next_look(editions);
    assert_false(editions_looked(editions, first));
    editions_begin_look(editions);
    uint64_t second = editions_next_look(editions);
    editions_end_look(editions, true);
    assert_true(editions_looked(editions, first));
    assert_false(editions_looked(editions, second));
    editions_begin_look(editions);
    editions_end_look(editions, false);
    assert_false(editions_looked(editions, second));
    assert_false(editions_wanted(editions, 1));
    assert_false(editions_await(editions, second));
    editions_want(editions);
    assert_true(editions_wanted(editions, 1));
    assert_false(editions_wanted(editions, 1));
    editions_free(editions);

    editions = publish(make(s->text), EDITIONS_FIXED);
    assert_true(editions_looked(editions, editions_next_look(editions)));
    editions_free(editions);
}

static int set_up(void **state)
{
    struct setting *setting = calloc(1, sizeof *setting);
    setting->text = support_record("r", V("string", ",\"default\":\"\""));
    setting->number = support_record("r", V("long", ",\"default\":0"));
    *state = setting;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *setting = *state;
    weir_schema_free(setting->text);
    weir_schema_free(setting->number);
    free(setting);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_changing_over),
        TEST(test_renewing),
        TEST(test_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
