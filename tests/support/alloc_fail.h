/*
 * Lets the N-th allocation fail, to show that every failure on the way of a function is met: no crash, no
 * leak, WEIR_ERR_NO_MEMORY. Works on the code that is linked into the test (weir_alloc_fail() in
 * alloc_fail.cmake), not on shared libraries. For one thread.
 */
#ifndef WEIR_TESTS_ALLOC_FAIL_H
#define WEIR_TESTS_ALLOC_FAIL_H

#include <stdbool.h>

/* From now on the n-th call (from 1 on) of malloc, calloc and realloc gives NULL; the others work. */
void alloc_fail_at(long n);

/* No more failures. True when one happened since alloc_fail_at, false when there were not so many calls. */
bool alloc_fail_off(void);

#endif
