#include "engine/edition.h"

#include "support/alloc_fail.h"
#include "support/core.h"

#define V(type, more) "{\"name\":\"v\",\"type\":\"" type "\"" more "}"
#define NEEDS_W       V("string", "") ",{\"name\":\"w\",\"type\":\"string\"}"

static const struct weir_pipeline_spec spec = {.pipeline = "p", .input_topic = "t"};
static const struct weir_err no_schema = {.code = WEIR_ERR_BAD_SCHEMA, .text = "it is no Avro schema"};

struct setting {
    struct weir_schema *text, *number, *wide;
};

static struct schemas_version version(const struct weir_schema *schema, int64_t number)
{
    return (struct schemas_version){schema, (uint32_t)number, number};
}

/* An edition that reads and writes with the same schema. */
static struct edition *make(const struct weir_schema *schema)
{
    const struct schemas_version only = version(schema, 3);
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
    if (edition_add(edition, ID(id), schema, &no_schema, id, &writer, &err) != WEIR_OK)
        fail_msg("%s", err.text);
    return writer;
}

static void test_what_comes_of_writers(void **state)
{
    const struct setting *s = *state;
    struct edition *edition = make(s->text);
    assert_int_equal(edition_reader(edition)->version, 3);
    assert_int_equal(edition_output(edition)->id, 3);
    assert_ptr_equal(edition_spec(edition), &spec);
    assert_non_null(edition_plain(edition));
    assert_null(edition_find(edition, ID(1)));
    const struct edition_writer *fits = add(edition, 1, s->text), *misfit = add(edition, 2, s->number);
    const struct edition_writer *none = add(edition, 3, NULL);
    assert_non_null(fits->plan);
    assert_null(misfit->plan);
    support_expect_text("misfit", misfit->why.text, "v");
    assert_int_equal(misfit->look, 2);
    assert_null(none->plan);
    assert_string_equal(none->why.text, no_schema.text);
    assert_ptr_equal(add(edition, 1, s->text), fits);
    assert_ptr_equal(edition_find(edition, ID(2)), misfit);
    edition_release(edition);
}

static void test_versions_that_do_not_fit(void **state)
{
    const struct setting *s = *state;
    const struct schemas_version reader = version(s->text, 1), output = version(s->wide, 2);
    struct edition *edition = NULL;
    struct weir_err err;
    assert_int_equal(edition_new(&spec, &reader, &output, &edition, &err), WEIR_ERR_INCOMPATIBLE);
    assert_null(edition);
}

static void test_the_last_one_frees_it(void **state)
{
    const struct setting *s = *state;
    struct edition *edition = make(s->text);
    assert_ptr_equal(edition_hold(edition), edition);
    edition_release(edition);
    assert_non_null(add(edition, 1, s->text)->plan);
    edition_release(edition);
    edition_release(NULL);
}

/* A newer edition knows all writers before anybody needs it; what could not be read may be readable now. */
static void test_writers_are_inherited(void **state)
{
    const struct setting *s = *state;
    struct weir_err err;
    struct edition *older = make(s->number), *newer = make(s->text);
    (void)add(older, 1, s->text);
    (void)add(older, 2, NULL);
    assert_int_equal(edition_inherit(newer, older, &err), WEIR_OK);
    assert_non_null(edition_find(newer, ID(1))->plan);
    assert_int_equal(edition_find(newer, ID(1))->look, 1);
    assert_null(edition_find(newer, ID(2))->plan);
    edition_release(newer);
    edition_release(older);
}

static void test_what_passes_must_go_on_passing(void **state)
{
    const struct setting *s = *state;
    struct weir_err err;
    struct edition *older = make(s->number), *newer = make(s->text);
    (void)add(older, 7, s->number);
    assert_int_equal(edition_inherit(newer, older, &err), WEIR_ERR_INCOMPATIBLE);
    support_expect_text("inherit", err.text, "what is written with schema id 7, which is in use: ");
    edition_release(newer);
    edition_release(older);
}

static void test_it_is_bounded(void **state)
{
    const struct setting *s = *state;
    struct edition *edition = make(s->text);
    const struct edition_writer *writer;
    struct weir_err err;
    uint32_t id = 0;
    for (; id < EDITION_WRITERS_MAX / 2; id++)
        (void)add(edition, id, NULL);
    assert_false(edition_crowded(edition));
    for (; id < EDITION_WRITERS_MAX; id++)
        (void)add(edition, id, NULL);
    assert_true(edition_crowded(edition));
    assert_int_equal(edition_add(edition, ID(id), s->text, &no_schema, 0, &writer, &err),
                     WEIR_ERR_SCHEMA_PENDING);
    for (id = 0; id < EDITION_WRITERS_MAX; id++)
        assert_int_equal(edition_find(edition, ID(id))->key.id, id);
    edition_release(edition);
}

static enum weir_err_code make_and_add(const struct setting *s)
{
    const struct schemas_version only = version(s->text, 1);
    struct edition *edition = NULL;
    const struct edition_writer *writer;
    struct weir_err err;
    enum weir_err_code code = edition_new(&spec, &only, &only, &edition, &err);
    if (code == WEIR_OK)
        code = edition_add(edition, ID(1), s->text, &no_schema, 0, &writer, &err);
    edition_release(edition);
    return code;
}

static void test_no_memory(void **state)
{
    enum weir_err_code code = WEIR_ERR_NO_MEMORY;
    for (long n = 1; code != WEIR_OK; n++) {
        assert_int_equal(code, WEIR_ERR_NO_MEMORY);
        alloc_fail_at(n);
        code = make_and_add(*state);
        if (!alloc_fail_off())
            assert_int_equal(code, WEIR_OK);
    }
}

static int set_up(void **state)
{
    struct setting *setting = calloc(1, sizeof *setting);
    setting->text = support_record("r", V("string", ",\"default\":\"\""));
    setting->number = support_record("r", V("long", ",\"default\":0"));
    setting->wide = support_record("r", NEEDS_W);
    *state = setting;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *setting = *state;
    weir_schema_free(setting->text);
    weir_schema_free(setting->number);
    weir_schema_free(setting->wide);
    free(setting);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_comes_of_writers),
        TEST(test_versions_that_do_not_fit),
        TEST(test_the_last_one_frees_it),
        TEST(test_writers_are_inherited),
        TEST(test_what_passes_must_go_on_passing),
        TEST(test_it_is_bounded),
        TEST(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
