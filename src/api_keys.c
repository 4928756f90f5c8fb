/* SPDX-License-Identifier: MIT */

/* The public calls about the keys of a pool: each checks its arguments, calls one module, and logs the outcome. */

#include "keyshm.h"

#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "log.h"
#include "log_subject.h"
#include "mask.h"
#include "membership.h"
#include "metadata.h"
#include "refuse.h"
#include "sized_struct.h"
#include "slot.h"

static void log_key(enum keyshm_log_level level, const struct keyshm_pool *pool, const char *what, keyshm_id id,
                    const char *key, size_t length)
{
    char masked[KEYSHM_MASKED_SIZE];
    mask_key(key, length, masked);
    log_message(level, "%s: %s key %s, id %llu", pool->settings.provider, what, masked, (unsigned long long)id);
}

int keyshm_add(keyshm_pool *pool, const char *key, keyshm_id *ret_id)
{
    return keyshm_add_to_group(pool, key, 0, ret_id);
}

int keyshm_add_to_group(keyshm_pool *pool, const char *key, keyshm_id group_or_0, keyshm_id *ret_id)
{
    size_t length;
    keyshm_id id;
    struct slot_key words;
    int r = check_writable(pool);
    if (r == 0)
        r = check_group(pool, group_or_0);
    if (r == 0)
        r = check_key(pool, key, &length);
    if (r < 0)
        return r;
    slot_key_make(&words, key, length);
    r = membership_add(pool, &words, group_or_0, &id);
    slot_key_forget(&words);
    if (r == -ESTALE)
        return refuse_stale(pool, group_or_0);
    if (r == 0)
        log_key(KEYSHM_LOG_INFO, pool, "added", id, key, length);
    else if (r == -EEXIST)
        log_key(KEYSHM_LOG_DEBUG, pool, "already had", id, key, length);
    else if (r == -ENOSPC)
        refuse_call(pool, r, "the pool is full");
    if (ret_id != NULL && (r == 0 || r == -EEXIST))
        *ret_id = id;
    return r;
}

int keyshm_remove(keyshm_pool *pool, keyshm_id id)
{
    char masked[KEYSHM_MASKED_SIZE] = "";
    int r = check_writable(pool);
    if (r == 0)
        r = check_is_key(pool, id);
    if (r < 0)
        return r;
    if (log_is_on(KEYSHM_LOG_INFO))
        slot_masked_key(pool, id, masked);
    r = membership_remove(pool, id);
    if (r == -ESTALE)
        return refuse_stale(pool, id);
    if (r == 0)
        log_message(KEYSHM_LOG_INFO, "%s: removed key %s, id %llu", pool->settings.provider, masked,
                    (unsigned long long)id);
    return r;
}

int keyshm_find(keyshm_pool *pool, const char *key, keyshm_id *ret_id)
{
    size_t length;
    struct slot_key words;
    if (pool == NULL || ret_id == NULL)
        return -EINVAL;
    int r = check_key(pool, key, &length);
    if (r < 0)
        return r;
    slot_key_make(&words, key, length);
    r = membership_find(pool, &words, ret_id);
    slot_key_forget(&words);
    return r;
}

int keyshm_get(keyshm_pool *pool, keyshm_id id, struct keyshm_pick *ret_pick)
{
    int r = pool != NULL && ret_pick != NULL ? check_is_key(pool, id) : -EINVAL;
    return r == 0 ? slot_get(pool, id, ret_pick) : r;
}

/* ---- replacing all keys ---- */

/* -EINVAL, and the index of the first key that is not valid. */
static int check_keys(const struct keyshm_pool *pool, const char *const *keys, size_t count,
                      struct keyshm_replaced *ret_or_null)
{
    size_t length;
    for (size_t i = 0; i < count; i++) {
        if (check_key(pool, keys[i], &length) == 0)
            continue;
        if (ret_or_null != NULL && ret_or_null->size >= sizeof(*ret_or_null))
            ret_or_null->invalid = i;
        return -EINVAL;
    }
    return 0;
}

int keyshm_replace_keys(keyshm_pool *pool, const char *const *keys, size_t count, struct keyshm_replaced *ret_or_null)
{
    return keyshm_replace_group_keys(pool, 0, keys, count, ret_or_null);
}

int keyshm_replace_group_keys(keyshm_pool *pool, keyshm_id group_or_0, const char *const *keys, size_t count,
                              struct keyshm_replaced *ret_or_null)
{
    struct keyshm_replaced replaced = KEYSHM_REPLACED_INIT;
    int r = check_writable(pool);
    if (r == 0 && keys == NULL && count > 0)
        r = -EINVAL;
    if (r == 0)
        r = check_group(pool, group_or_0);
    if (r == 0 && ret_or_null != NULL && ret_or_null->size < sizeof(ret_or_null->size))
        r = refuse_call(pool, -EINVAL, "a struct without its size");
    if (r < 0)
        return r;
    r = check_keys(pool, keys, count, ret_or_null);
    if (r == 0)
        r = membership_replace(pool, group_or_0, keys, count, &replaced);
    if (r == -ENOSPC)
        refuse_call(pool, r, "there are more keys than the pool has room for");
    else if (r == -ENOMEM)
        refuse_call(pool, r, "there is no memory for the list of keys");
    if (r == 0)
        log_message(KEYSHM_LOG_INFO, "%s: replaced the keys: %zu kept, %zu added, %zu removed", pool->settings.provider,
                    replaced.kept, replaced.added, replaced.removed);
    if (ret_or_null != NULL && r == 0)
        sized_struct_give(&replaced, sizeof(replaced), ret_or_null);
    return r;
}

/* ---- metadata ---- */

static int check_metadata_name(const struct keyshm_pool *pool, const char *name)
{
    if (name == NULL || !metadata_name_is_valid(name))
        return refuse_call(pool, -EINVAL, "a metadata name is 1 to 32 of A-Z a-z 0-9 . _ -");
    return 0;
}

int keyshm_set_metadata(keyshm_pool *pool, keyshm_id id, const char *name, const char *value_or_null)
{
    int r = check_writable(pool);
    if (r == 0)
        r = check_is_key(pool, id);
    if (r == 0)
        r = check_metadata_name(pool, name);
    if (r < 0)
        return r;
    if (value_or_null != NULL && !metadata_value_is_valid(value_or_null))
        return refuse_call(pool, -EINVAL, "a metadata value is 0 to 120 bytes without control characters");
    r = membership_set_metadata(pool, id, name, value_or_null);
    if (r == -ESTALE)
        return refuse_stale(pool, id);
    if (r == -ENOSPC)
        return refuse_call(pool, r, "the key's metadata would be too large");
    if (r == 0)
        log_message(KEYSHM_LOG_DEBUG, "%s: %s metadata %s of id %llu", pool->settings.provider,
                    value_or_null != NULL ? "set" : "deleted", name, (unsigned long long)id);
    return r;
}

int keyshm_get_metadata(keyshm_pool *pool, keyshm_id id, const char *name, char *buffer, size_t size)
{
    if (pool == NULL || buffer == NULL)
        return -EINVAL;
    int r = check_is_key(pool, id);
    if (r == 0)
        r = check_metadata_name(pool, name);
    return r == 0 ? metadata_get(pool, id, name, buffer, size) : r;
}

/* ---- priorities and weights ---- */

static int finish_order(const struct keyshm_pool *pool, int r, keyshm_id key, const char *what, unsigned value)
{
    char text[sizeof("priority 4294967295")];
    if (r == -ESTALE)
        return refuse_stale(pool, key);
    snprintf(text, sizeof(text), "%s %u", what, value);
    if (r == 0)
        log_subject(pool, key, text);
    return r;
}

int keyshm_set_priority(keyshm_pool *pool, keyshm_id key, unsigned priority)
{
    int r = check_writable(pool);
    if (r == 0)
        r = check_is_key(pool, key);
    if (r == 0 && priority > KEYSHM_PRIORITY_MAX)
        r = refuse_call(pool, -EINVAL, "a priority is 0 to 3");
    return r == 0 ? finish_order(pool, membership_set_priority(pool, key, priority), key, "priority", priority) : r;
}

int keyshm_set_weight(keyshm_pool *pool, keyshm_id key, unsigned weight)
{
    int r = check_writable(pool);
    if (r == 0)
        r = check_is_key(pool, key);
    if (r == 0 && (weight < 1 || weight > KEYSHM_WEIGHT_MAX))
        r = refuse_call(pool, -EINVAL, "a weight is 1 to 15");
    return r == 0 ? finish_order(pool, membership_set_weight(pool, key, weight), key, "weight", weight) : r;
}
