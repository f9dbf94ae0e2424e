/* "Did you mean …?": the known name that a misspelt word is nearest to. */
#ifndef WEIR_NEAREST_H
#define WEIR_NEAREST_H

#include <stddef.h>

/* Words and names longer than this are never near to anything. */
#define WEIR_NEAREST_LENGTH_MAX 64

/*
 * The name with the fewest edits from word (insert, delete, replace a character, swap two neighbours; letters
 * compared without case), the first one of several. NULL when none is near: more than a third of the word's
 * characters, rounded up, would have to change. Names that are NULL are passed over. Any thread.
 */
const char *weir_nearest(const char *word, const char *const *names, size_t n);

#endif
