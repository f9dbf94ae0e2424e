#include "weir/nearest.h"

#include <string.h>

#include "base/least.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Optimal string alignment (Damerau-Levenshtein where no part is edited twice), in three rows. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][WEIR_NEAREST_LENGTH_MAX + 1];
    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3], *above = rows[(i - 1) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t replace = above[j - 1] + (lower(a[i - 1]) != lower(b[j - 1]));
            row[j] = least(replace, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
                row[j] = least(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}

const char *weir_nearest(const char *word, const char *const *names, size_t n)
{
    size_t len = strlen(word);
    if (len == 0 || len > WEIR_NEAREST_LENGTH_MAX)
        return NULL;
    size_t best = (len + 2) / 3 + 1;
    const char *nearest = NULL;
    for (size_t i = 0; i < n; i++) {
        size_t name_len = names[i] ? strlen(names[i]) : 0;
        if (name_len == 0 || name_len > WEIR_NEAREST_LENGTH_MAX)
            continue;
        size_t edits = distance(word, len, names[i], name_len);
        if (edits < best) {
            best = edits;
            nearest = names[i];
        }
    }
    return nearest;
}
