#include "registry/shelf.h"

#include <pthread.h>

#include "support/core.h"
#include "support/folder.h"

#define ONE "{\"type\":\"record\",\"name\":\"one\",\"fields\":[{\"name\":\"a\",\"type\":\"string\"}]}"
#define TWO "{\"type\":\"record\",\"name\":\"two\",\"fields\":[{\"name\":\"a\",\"type\":\"string\"}]}"

/* A clock that stands where the test puts it. */
struct still_timer {
    struct timer base;
    int64_t now_ms;
};

static int64_t now(struct timer *timer)
{
    return ((struct still_timer *)timer)->now_ms;
}

static const struct timer_ops ops = {.monotonic_ms = now};

static uint32_t id_of(const char *text)
{
    struct weir_schema *schema = support_schema(text);
    uint32_t id = directory_id(schema);
    weir_schema_free(schema);
    return id;
}

static struct schemas *open_shelf(const struct folder *folder, struct still_timer *timer)
{
    struct schemas *shelf = NULL;
    struct weir_err err;
    *timer = (struct still_timer){{&ops}, 1000};
    if (shelf_open(folder->root, &timer->base, &shelf, &err) != WEIR_OK)
        fail_msg("%s", err.text);
    return shelf;
}

static enum weir_err_code ask(struct schemas *shelf, const char *text, const struct weir_schema **out)
{
    struct weir_err err;
    return shelf->ops->by_key(shelf, ID(id_of(text)), out, &err);
}

/* A schema put there later is found, but the folder is not read again at each question. */
static void test_a_later_schema_is_found(void **state)
{
    struct folder *folder = *state;
    struct still_timer timer;
    const struct weir_schema *one = NULL;
    const struct weir_schema *two = NULL;
    folder_put(folder, "s/v1.avsc", ONE);
    struct schemas *shelf = open_shelf(folder, &timer);
    assert_int_equal(ask(shelf, ONE, &one), WEIR_OK);
    assert_int_equal(ask(shelf, TWO, &two), WEIR_ERR_NOT_FOUND);
    folder_put(folder, "s/v2.avsc", TWO);
    timer.now_ms += SHELF_REREAD_MS - 1;
    assert_int_equal(ask(shelf, TWO, &two), WEIR_ERR_NOT_FOUND);
    timer.now_ms += 1;
    assert_int_equal(ask(shelf, TWO, &two), WEIR_OK);
    assert_string_equal(two->root->name, "two");
    /* What was handed out before is still the same schema: plans borrow from it. */
    const struct weir_schema *again = NULL;
    assert_int_equal(ask(shelf, ONE, &again), WEIR_OK);
    assert_ptr_equal(one, again);
    shelf_close(shelf);
}

/* A folder that is being changed is a registry that is down: never a reason to say that an id is unknown. */
static void test_a_broken_folder_is_down(void **state)
{
    struct folder *folder = *state;
    struct still_timer timer;
    const struct weir_schema *schema = NULL;
    folder_put(folder, "s/v1.avsc", ONE);
    struct schemas *shelf = open_shelf(folder, &timer);
    folder_put(folder, "s/v2.avsc", "{");
    timer.now_ms += SHELF_REREAD_MS;
    assert_int_equal(ask(shelf, TWO, &schema), WEIR_ERR_REGISTRY_DOWN);
    assert_int_equal(ask(shelf, ONE, &schema), WEIR_OK);
    shelf_close(shelf);
}

/* A newer version is found when it is asked for; one that is the same stays the same schema. */
static void test_subjects_are_looked_up_anew(void **state)
{
    struct folder *folder = *state;
    struct still_timer timer;
    const struct weir_subject_spec latest = {.subject = "s", .version = WEIR_VERSION_LATEST};
    const struct weir_subject_spec other = {.subject = "t", .version = WEIR_VERSION_LATEST};
    struct schemas_version first, again, second;
    struct weir_err err;
    folder_put(folder, "s/v1.avsc", ONE);
    struct schemas *shelf = open_shelf(folder, &timer);
    assert_int_equal(shelf->ops->subject(shelf, &latest, &first, &err), WEIR_OK);
    for (int i = 0; i < 2 * SHELF_READINGS_MAX; i++)
        assert_int_equal(shelf->ops->subject(shelf, &latest, &again, &err), WEIR_OK);
    assert_ptr_equal(first.schema, again.schema);
    assert_int_equal(again.version, 1);
    folder_put(folder, "s/v2.avsc", TWO);
    assert_int_equal(shelf->ops->subject(shelf, &latest, &second, &err), WEIR_OK);
    assert_int_equal(second.version, 2);
    assert_string_equal(second.schema->root->name, "two");
    assert_string_equal(first.schema->root->name, "one");
    assert_int_equal(shelf->ops->subject(shelf, &other, &again, &err), WEIR_ERR_NOT_FOUND);
    folder_put(folder, "s/v3.avsc", "{");
    assert_int_equal(shelf->ops->subject(shelf, &latest, &again, &err), WEIR_ERR_REGISTRY_DOWN);
    shelf_close(shelf);
}

static void test_no_folder(void **state)
{
    (void)state;
    struct schemas *shelf = NULL;
    struct still_timer timer = {{&ops}, 0};
    struct weir_err err;
    assert_int_equal(shelf_open("/tmp/weir-test-no-such-folder", &timer.base, &shelf, &err),
                     WEIR_ERR_NOT_FOUND);
    assert_null(shelf);
    shelf_close(NULL);
}

/* --- several workers --- */

#define THREADS 4
#define ROUNDS  2000

struct asker {
    struct schemas *shelf;
    bool changed; /* an id that was known came back as another schema */
    size_t found;
};

/* The clock of several threads, on which the folder may be read again at every question. */
static int64_t leaping_now(struct timer *timer)
{
    (void)timer;
    static _Atomic int64_t now_ms;
    now_ms += SHELF_REREAD_MS;
    return now_ms;
}

static const struct timer_ops leaping_ops = {.monotonic_ms = leaping_now};

static void *ask_often(void *opaque)
{
    struct asker *asker = opaque;
    const struct weir_schema *first = NULL;
    const struct weir_schema *schema = NULL;
    (void)ask(asker->shelf, ONE, &first);
    for (int i = 0; i < ROUNDS && asker->found == 0; i++) {
        asker->changed = asker->changed || ask(asker->shelf, ONE, &schema) != WEIR_OK || schema != first;
        asker->found += ask(asker->shelf, TWO, &schema) == WEIR_OK;
    }
    return NULL;
}

/* Workers ask at once while a schema is put into the folder: all find it, and what they have stays. */
static void test_many_ask_at_once(void **state)
{
    struct folder *folder = *state;
    struct timer timer = {&leaping_ops};
    struct schemas *shelf = NULL;
    struct weir_err err;
    pthread_t threads[THREADS];
    struct asker askers[THREADS];
    folder_put(folder, "s/v1.avsc", ONE);
    assert_int_equal(shelf_open(folder->root, &timer, &shelf, &err), WEIR_OK);
    for (int i = 0; i < THREADS; i++) {
        askers[i] = (struct asker){.shelf = shelf};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &askers[i]), 0);
    }
    folder_put(folder, "s/v2.avsc", TWO);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_false(askers[i].changed);
        assert_int_equal(askers[i].found, 1);
    }
    shelf_close(shelf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_later_schema_is_found, folder_set_up, folder_tear_down),
        cmocka_unit_test_setup_teardown(test_subjects_are_looked_up_anew, folder_set_up, folder_tear_down),
        cmocka_unit_test_setup_teardown(test_a_broken_folder_is_down, folder_set_up, folder_tear_down),
        cmocka_unit_test_setup_teardown(test_many_ask_at_once, folder_set_up, folder_tear_down),
        cmocka_unit_test(test_no_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
