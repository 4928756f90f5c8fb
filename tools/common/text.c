/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD in UTF-8 */
#define CHARACTER_MAX 4

/* Bytes of the character at the beginning of `text`, 0 when there is none. As jansson sees it, for it must take it. */
static size_t character_length(const char *text, size_t size)
{
    for (size_t length = 1; length <= CHARACTER_MAX && length <= size; length++) {
        json_t *string = json_stringn(text, length);
        json_decref(string);
        if (string != NULL)
            return length;
    }
    return 0;
}

static json_t *replace_what_is_not_utf8(const char *text, size_t size)
{
    char *replaced = calloc(size, sizeof(REPLACEMENT) - 1), *end = replaced;
    if (replaced == NULL)
        return NULL;
    while (size > 0) {
        size_t length = character_length(text, size);
        end = length > 0 ? mempcpy(end, text, length) : mempcpy(end, REPLACEMENT, sizeof(REPLACEMENT) - 1);
        text += length > 0 ? length : 1;
        size -= length > 0 ? length : 1;
    }
    json_t *string = json_stringn(replaced, (size_t)(end - replaced));
    free(replaced);
    return string;
}

json_t *text_to_json(const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    json_t *string = json_stringn(text, length);
    return string != NULL || length == 0 ? string : replace_what_is_not_utf8(text, length);
}
