/*
 * memcpy for the short pieces that records are put together of: inline, and without a loop, since the call of
 * memcpy takes as long as the copying.
 */
#ifndef WEIR_BASE_COPY_H
#define WEIR_BASE_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The first and the last width bytes of n, which overlap where n is less than both: width <= n <= 2 * width.
 * Both are read before either is written. */
#define COPY_ENDS(to, from, n, width)                                                                        \
    do {                                                                                                     \
        uint8_t first_[width], last_[width];                                                                 \
        memcpy(first_, (from), (width));                                                                     \
        memcpy(last_, (from) + (n) - (width), (width));                                                      \
        memcpy((to), first_, (width));                                                                       \
        memcpy((to) + (n) - (width), last_, (width));                                                        \
    } while (0)

/* Copies n bytes, which may be none; from and to do not overlap. from may be NULL when n is 0. */
static inline void copy_short(uint8_t *to, const uint8_t *from, size_t n)
{
    if (n > 64)
        memcpy(to, from, n);
    else if (n > 32)
        COPY_ENDS(to, from, n, 32);
    else if (n > 16)
        COPY_ENDS(to, from, n, 16);
    else if (n >= 8)
        COPY_ENDS(to, from, n, 8);
    else if (n >= 4)
        COPY_ENDS(to, from, n, 4);
    else if (n >= 2)
        COPY_ENDS(to, from, n, 2);
    else if (n == 1)
        *to = *from;
}

#endif
