#include "base/copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define MOST 200

/* Each length from memory of just that size to memory of just that size, so that the sanitizer sees one byte
 * too many. */
static void each_length(void **state)
{
    (void)state;
    for (size_t n = 0; n <= MOST; n++) {
        uint8_t *from = malloc(n), *to = malloc(n);
        for (size_t i = 0; i < n; i++)
            from[i] = (uint8_t)(i * 7 + n);
        copy_short(to, from, n);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(to[i], (uint8_t)(i * 7 + n));
        free(from);
        free(to);
    }
    copy_short(NULL, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_length)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
