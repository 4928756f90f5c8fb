/* SPDX-License-Identifier: MIT */
#include "lookup.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "benches.h"
#include "lists.h"
#include "text.h"
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

static bool is_masked_as(const struct keyshm_key_snapshot *key, const char *text)
{
    size_t before = (size_t)(text_find_ellipsis(text) - text), after = before + TEXT_ELLIPSIS_BYTES;
    const char *masked = key->masked_key;
    return strncmp(masked, text, before) == 0 && text_find_ellipsis(masked) == masked + before &&
           strcmp(masked + after, text + after) == 0;
}

unsigned lookup_masked(const struct keyshm_snapshot *snapshot, const char *masked_key, keyshm_id *ret_id)
{
    unsigned count = 0;
    for (unsigned i = 0; i < snapshot->count; i++) {
        if (!is_masked_as(list_key(snapshot, i), masked_key))
            continue;
        *ret_id = list_key(snapshot, i)->id;
        count++;
    }
    return count;
}

enum exit_status lookup_masked_key(struct arguments *arguments)
{
    struct keyshm_snapshot *snapshot;
    if (arguments->masked_key == NULL)
        return EXIT_FINE;
    int r = lookup_pool(arguments->pool, &snapshot);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    unsigned count = lookup_masked(snapshot, arguments->masked_key, &arguments->id);
    keyshm_snapshot_free(snapshot);
    arguments->ids = (struct id_list){.count = 1, .ids = {arguments->id}};
    if (count == 1)
        return EXIT_FINE;
    if (count == 0)
        return refuse("pool %s: no key has the masked form that was given; see them with: keyshm-stat %s",
                      arguments->pool, arguments->pool);
    return refuse("pool %s: %u keys have that masked form; give an id instead; see them with: keyshm-stat --ids %s",
                  arguments->pool, count, arguments->pool);
}

static enum exit_status refuse_id(const char *provider, keyshm_id id, const char *why)
{
    return refuse("pool %s: %" PRIu64 " %s; nothing was changed", provider, id, why);
}

enum exit_status lookup_check_keys(const char *provider, keyshm_pool *pool, const struct id_list *ids, keyshm_id in_group)
{
    struct keyshm_key_snapshot key;
    for (size_t i = 0; i < ids->count; i++) {
        if (keyshm_inspect(pool, ids->ids[i], 0, sizeof(key), &key) < 0)
            return refuse_id(provider, ids->ids[i], "is the id of no key, or it was removed");
        if (benches_is_group(pool, ids->ids[i]))
            return refuse_id(provider, ids->ids[i], "is the id of a group, not of a key");
        if (in_group != 0 && key.group != in_group)
            return refuse_id(provider, ids->ids[i], "is the id of a key that is not in that group");
    }
    return EXIT_FINE;
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
