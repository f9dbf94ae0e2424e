#include "core/code.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void each_code_has_name_stage_and_meaning(void **state)
{
    (void)state;
    for (int i = 1; i < WEIR_CODE_COUNT; i++) {
        enum weir_code code = (enum weir_code)i;
        assert_true(strlen(weir_code_name(code)) > 0);
        assert_true(strlen(weir_code_stage(code)) > 0);
        assert_true(strlen(code_meaning(code)) > 0);
        for (int other = 1; other < i; other++)
            assert_string_not_equal(weir_code_name(code), weir_code_name((enum weir_code)other));
    }
}

static void no_code_says_nothing(void **state)
{
    (void)state;
    assert_string_equal(weir_code_name(WEIR_CODE_NONE), "");
    assert_string_equal(weir_code_stage(WEIR_CODE_NONE), "");
    assert_string_equal(code_meaning(WEIR_CODE_NONE), "");
}

/* These stand in letters and dashboards: they never change. */
static void names_are_what_they_were(void **state)
{
    (void)state;
    assert_string_equal(weir_code_name(WEIR_CODE_RULE_FAILED), "rule_failed");
    assert_string_equal(weir_code_stage(WEIR_CODE_RULE_FAILED), "check");
    assert_string_equal(weir_code_stage(WEIR_CODE_BAD_MAGIC), "wire");
    assert_string_equal(weir_code_stage(WEIR_CODE_TRUNCATED), "decode");
    assert_string_equal(weir_code_stage(WEIR_CODE_TRANSFORM_FAILED), "transform");
    assert_string_equal(weir_code_stage(WEIR_CODE_TOO_LARGE), "output");
    assert_string_equal(weir_verdict_name(WEIR_PASS), "PASS");
    assert_string_equal(weir_verdict_name(WEIR_DROP), "DROP");
    assert_string_equal(weir_verdict_name(WEIR_REJECT), "REJECT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_code_has_name_stage_and_meaning),
        cmocka_unit_test(no_code_says_nothing),
        cmocka_unit_test(names_are_what_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
