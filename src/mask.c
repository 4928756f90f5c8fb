/* SPDX-License-Identifier: MIT */
#include "mask.h"

#include <string.h>

#include "registers.h"

#define ELLIPSIS "\xe2\x80\xa6" /* U+2026 in UTF-8 */
#define MASK_KEY_MIN 20
#define MASK_PREFIX_MAX 12
#define MASK_SUFFIX 4

_Static_assert(MASK_PREFIX_MAX + sizeof(ELLIPSIS) - 1 + MASK_SUFFIX + 1 <= KEYSHM_MASKED_SIZE, "room for a masked key");

/* The number of bytes through the first dash, if they can be called a prefix. */
static size_t prefix_length(const char *key, size_t length)
{
    size_t limit = length / 3 < MASK_PREFIX_MAX ? length / 3 : MASK_PREFIX_MAX;
    const char *dash = memchr(key, '-', limit);
    return dash != NULL ? (size_t)(dash - key) + 1 : 0;
}

static char *append_printable(char *end, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        *end++ = bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '?';
    return end;
}

void mask_key(const char *key, size_t length, char ret_masked[KEYSHM_MASKED_SIZE])
{
    char *end = ret_masked;
    if (length >= MASK_KEY_MIN)
        end = append_printable(end, key, prefix_length(key, length));
    memcpy(end, ELLIPSIS, sizeof(ELLIPSIS) - 1);
    end += sizeof(ELLIPSIS) - 1;
    if (length >= MASK_KEY_MIN)
        end = append_printable(end, key + length - MASK_SUFFIX, MASK_SUFFIX);
    *end = '\0';
    registers_wipe();
}
