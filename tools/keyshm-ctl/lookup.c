/* SPDX-License-Identifier: MIT */
#include "lookup.h"

#include <stdlib.h>
#include <string.h>

#include "lists.h"
#include "user.h"

int lookup_pool(const char *provider, struct keyshm_snapshot **ret_snapshot)
{
    keyshm_pool *pool;
    int r = keyshm_attach_readonly_user(&pool, user_of_pools(), provider);
    if (r < 0)
        return r;
    r = keyshm_snapshot(pool, ret_snapshot);
    keyshm_close(pool);
    return r;
}

static int compare_slots(const void *id, const void *key)
{
    uint64_t wanted = *(const keyshm_id *)id & 0xffffff; /* the slot: see keyshm_id */
    uint64_t slot = ((const struct keyshm_key_snapshot *)key)->slot;
    return wanted < slot ? -1 : wanted > slot;
}

const struct keyshm_key_snapshot *lookup_key(const struct keyshm_snapshot *snapshot, keyshm_id id)
{
    const struct keyshm_key_snapshot *key =
        bsearch(&id, snapshot->keys, snapshot->count, snapshot->keys_bytes, compare_slots);
    return key != NULL && key->id == id ? key : NULL;
}

const struct keyshm_group_snapshot *lookup_group(const struct keyshm_snapshot *snapshot, keyshm_id id)
{
    for (unsigned i = 0; i < snapshot->group_count; i++)
        if (list_group(snapshot, i)->id == id)
            return list_group(snapshot, i);
    return NULL;
}

const char *lookup_metadata(const struct keyshm_key_snapshot *key, const char *name)
{
    for (size_t i = 0; i < key->metadata_count; i++)
        if (strcmp(list_note(key, i)->name, name) == 0)
            return list_note(key, i)->value;
    return NULL;
}
