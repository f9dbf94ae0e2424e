#include "sys/remedy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_names(void **state)
{
    (void)state;
    for (int i = 0; i < REMEDY_COUNT; i++) {
        assert_true(strlen(remedy_name((enum remedy)i)) > 0);
        assert_true(strlen(remedy_without((enum remedy)i)) > 0);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(remedy_name((enum remedy)i), remedy_name((enum remedy)k));
    }
}

static void test_all_are_on(void **state)
{
    (void)state;
    for (int i = 0; i < REMEDY_COUNT; i++)
        assert_true(remedy_on((enum remedy)i));
}

#ifdef WEIR_REMEDY_SWITCHES
static void test_setup(void **state)
{
    (void)state;
    struct weir_err err = {0};
    assert_int_equal(remedy_setup("own_offsets,zombie", &err), WEIR_OK);
    for (int i = 0; i < REMEDY_COUNT; i++)
        assert_int_equal(remedy_on((enum remedy)i), i != REMEDY_OWN_OFFSETS && i != REMEDY_ZOMBIE);
    assert_int_equal(remedy_setup("watchdog,zombi", &err), WEIR_ERR_USAGE);
    assert_string_equal(err.text, "WEIR_WITHOUT: 'zombi' is no remedy");
    assert_true(remedy_on(REMEDY_WATCHDOG));
    assert_false(remedy_on(REMEDY_ZOMBIE));
    assert_int_equal(remedy_setup(NULL, &err), WEIR_OK);
    test_all_are_on(state);
}
#else
/* Nobody can switch anything off in a release. */
static void test_setup(void **state)
{
    struct weir_err err = {0};
    assert_int_equal(remedy_setup("own_offsets", &err), WEIR_OK);
    test_all_are_on(state);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_all_are_on),
        cmocka_unit_test(test_setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
