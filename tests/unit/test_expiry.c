#include "audit/expiry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void what_lies_before_the_first_that_is_left_may_be_gone(void **state)
{
    (void)state;
    struct expiry expiry;
    assert_true(expiry_init(&expiry, 2, 3));
    expiry_cut(&expiry, 1);
    expiry_meet(&expiry, 0, 50, 1);
    expiry_meet(&expiry, 0, 40, 1); /* Out of order: it came later, and is judged. */
    expiry_meet(&expiry, 0, 60, 2);
    assert_true(expiry.any);
    assert_true(expiry_took(&expiry, 0, 49, 1));
    assert_false(expiry_took(&expiry, 0, 50, 1));
    assert_false(expiry_took(&expiry, 0, 10, 2));
    /* Nothing of the other input partition is left there. */
    assert_true(expiry_took(&expiry, 1, 1000, 1));
    assert_false(expiry_took(&expiry, 1, 1000, 0));
    expiry_release(&expiry);
}

static void coordinates_that_cannot_be_are_passed_over(void **state)
{
    (void)state;
    struct expiry expiry;
    assert_true(expiry_init(&expiry, 1, 1));
    assert_false(expiry.any);
    expiry_cut(&expiry, 0);
    expiry_meet(&expiry, 7, 1, 0);
    expiry_meet(&expiry, 0, 1, 7);
    assert_false(expiry_took(&expiry, 7, 0, 0));
    assert_false(expiry_took(&expiry, 0, 0, 7));
    expiry_release(&expiry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lies_before_the_first_that_is_left_may_be_gone),
        cmocka_unit_test(coordinates_that_cannot_be_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
