/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <string.h>

#include "registers.h"
#include "segment_name.h"

int check_provider(const char *provider)
{
    if (provider == NULL || !segment_name_is_valid(provider))
        return refuse_call(NULL, -EINVAL,
                           "a provider name is 1 to 64 of A-Z a-z 0-9 . _ - and does not begin with a dot");
    return 0;
}

static int look_at_key(const struct keyshm_pool *pool, const char *key, size_t *ret_length)
{
    if (key == NULL)
        return refuse_call(pool, -EINVAL, "no key");
    size_t length = strnlen(key, (size_t)pool->settings.key_max + 1);
    if (length == 0)
        return refuse_call(pool, -EINVAL, "the key is empty");
    if (length > pool->settings.key_max)
        return refuse_call(pool, -EINVAL, "the key is longer than the pool's key_max");
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)key[i] < ' ' || key[i] == 0x7f)
            return refuse_call(pool, -EINVAL, "the key has a control character in it");
    if (key[0] == ' ' || key[length - 1] == ' ')
        return refuse_call(pool, -EINVAL, "the key has a space at an end");
    *ret_length = length;
    return 0;
}

int check_key(const struct keyshm_pool *pool, const char *key, size_t *ret_length)
{
    int r = look_at_key(pool, key, ret_length);
    registers_wipe();
    return r;
}

int check_name(const struct keyshm_pool *pool, const char *name, struct label *ret_label)
{
    if (name == NULL || label_make(ret_label, name) < 0)
        return refuse_call(pool, -EINVAL,
                           "a name is 1 to 128 bytes without control characters, and without a space at an end");
    return 0;
}
