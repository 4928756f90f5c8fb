/* SPDX-License-Identifier: MIT */
#include "metadata_rules.h"

#include <jansson.h>
#include <string.h>

_Static_assert(KEYSHM_METADATA_NAME_MAX == 32 && KEYSHM_METADATA_VALUE_MAX == 120,
               "METADATA_NAME_RULE, METADATA_VALUE_RULE");
_Static_assert(KEYSHM_NAME_MAX >= KEYSHM_METADATA_VALUE_MAX, "the copy in metadata_reveals_any()");

/* What may surround a key in a text. No provider uses these in its keys. */
#define SEPARATORS " ,;:=\"'()[]<>"

bool metadata_name_is_allowed(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strlen(name);
    return length > 0 && length <= KEYSHM_METADATA_NAME_MAX && strspn(name, allowed) == length;
}

/* UTF-8, so that it can be exported as JSON. */
bool metadata_value_is_allowed(const char *value)
{
    json_t *string = json_string(value);
    bool is_allowed = string != NULL && strlen(value) <= KEYSHM_METADATA_VALUE_MAX;
    json_decref(string);
    for (; *value != '\0' && is_allowed; value++)
        is_allowed = (unsigned char)*value >= ' ' && *value != 0x7f;
    return is_allowed;
}

bool metadata_reveals_any(const char *text, is_key_fn *is_key, void *user)
{
    char copy[KEYSHM_NAME_MAX + 1], *rest = NULL; /* no value is longer */
    bool is_found = is_key(text, user);
    stpncpy(copy, text, sizeof(copy) - 1)[0] = '\0';
    for (char *word = strtok_r(copy, SEPARATORS, &rest); word != NULL && !is_found;
         word = strtok_r(NULL, SEPARATORS, &rest))
        is_found = is_key(word, user);
    explicit_bzero(copy, sizeof(copy));
    return is_found;
}

static bool is_key_of_pool(const char *text, void *pool)
{
    keyshm_id id;
    return keyshm_find(pool, text, &id) == 0;
}

bool metadata_reveals_key(keyshm_pool *pool, const char *text)
{
    return metadata_reveals_any(text, is_key_of_pool, pool);
}
