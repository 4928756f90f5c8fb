/* SPDX-License-Identifier: MIT */
#include "groups.h"

#include <errno.h>

#include "event_ring.h"
#include "key_index.h"
#include "limit_sets.h"
#include "ready_bits.h"
#include "subject.h"
#include "tagged.h"

static struct layout_group *group_at(const struct keyshm_pool *pool, uint32_t group)
{
    return &pool->groups[group];
}

static keyshm_id id_of(const struct keyshm_pool *pool, uint32_t group)
{
    return atomic_load_explicit(&group_at(pool, group)->id, memory_order_acquire);
}

bool groups_is_there(const struct keyshm_pool *pool, keyshm_id group)
{
    return id_is_group(group) && word_is_live(subject_word_of(pool, group));
}

keyshm_id groups_id_of_slot(const struct keyshm_pool *pool, uint32_t slot)
{
    uint32_t key_group = key_group_of_slot(pool, slot);
    if (key_group == GROUP_NONE)
        return 0;
    keyshm_id id = id_of(pool, group_index(key_group));
    /* Also of a damaged segment, an id that is given is one of a group that there can be. */
    return id_is_group(id) && id_group(id) == group_index(key_group) && group_pack(id) == key_group ? id : 0;
}

/* ---- lock-free ---- */

/* The id of the group with this number, and its name. 0: there is none. */
static keyshm_id load_group(const struct keyshm_pool *pool, uint32_t group, struct label *ret_name)
{
    keyshm_id id = id_of(pool, group);
    const struct layout_group *at = group_at(pool, group);
    label_load(&at->name_length, at->name, ret_name);
    /* Last: if it is there now, it was all the time, and its name does not change. */
    return groups_is_there(pool, id) && id_group(id) == group ? id : 0;
}

int groups_find(const struct keyshm_pool *pool, const struct label *name, keyshm_id *ret_group)
{
    for (uint32_t group = 0; group < pool_groups_used(pool); group++) {
        struct label known;
        keyshm_id id = load_group(pool, group, &known);
        if (id != 0 && label_is_equal(&known, name)) {
            *ret_group = id;
            return 0;
        }
    }
    return -ENOENT;
}

int groups_name(const struct keyshm_pool *pool, keyshm_id group, char *buffer, size_t size)
{
    struct label name;
    if (!groups_is_there(pool, group) || load_group(pool, id_group(group), &name) != group)
        return -ENOENT;
    return label_copy(&name, buffer, size);
}

/* ---- for the owner of the mutex ---- */

static void count_key(const struct keyshm_pool *pool, uint32_t key_group, int64_t change)
{
    if (key_group == GROUP_NONE)
        return;
    _Atomic uint64_t *keys = &group_at(pool, group_index(key_group))->keys;
    atomic_store_explicit(keys, atomic_load_explicit(keys, memory_order_relaxed) + (uint64_t)change,
                          memory_order_relaxed);
}

static void move_key(const struct keyshm_pool *pool, uint32_t slot, uint32_t key_group)
{
    if (pool->key_groups == NULL)
        return;
    uint32_t before = key_group_of_slot(pool, slot);
    /* release: pairs with the acquire in key_group_of_slot(). */
    atomic_store_explicit(&pool->key_groups[slot], key_group, memory_order_release);
    count_key(pool, before, -1);
    count_key(pool, key_group, 1);
}

void groups_enter(const struct keyshm_pool *pool, uint32_t slot, keyshm_id group_or_0)
{
    move_key(pool, slot, group_or_0 != 0 ? group_pack(group_or_0) : GROUP_NONE);
}

void groups_leave(const struct keyshm_pool *pool, uint32_t slot)
{
    move_key(pool, slot, GROUP_NONE);
}

static int find_free(const struct keyshm_pool *pool, uint32_t *ret_group)
{
    for (uint32_t group = 0; group < pool->settings.groups_max; group++) {
        if (word_is_live(key_group_word(pool, 0, group)))
            continue;
        *ret_group = group;
        return 0;
    }
    return -ENOSPC;
}

/* Killed before the word is published: there is no group, and the next owner wipes its name. */
static keyshm_id make(const struct keyshm_pool *pool, uint32_t group, const struct label *name)
{
    struct layout_group *at = group_at(pool, group);
    uint32_t subject = pool_group_subject(pool, group);
    keyshm_id id = id_make(id_generation(id_of(pool, group)) + 1, GROUP_BIT | group);
    label_store(&at->name_length, at->name, name);
    /* release: pairs with the acquire in id_of(). */
    atomic_store_explicit(&at->id, id, memory_order_release);
    atomic_store_explicit(&at->keys, 0, memory_order_relaxed);
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        atomic_store_explicit(&at->marked[status], tagged_make(id, 0), memory_order_relaxed);
    if (pool_groups_used(pool) <= group) /* release: pairs with the acquire in pool_groups_used() */
        atomic_store_explicit(&pool->header->groups_used, group + 1, memory_order_release);
    limits_enter(pool, subject);
    subject_publish(pool, subject);
    return id;
}

int groups_make(const struct keyshm_pool *pool, const struct label *name, keyshm_id *ret_group)
{
    uint32_t group;
    if (groups_find(pool, name, ret_group) == 0)
        return 0;
    int r = find_free(pool, &group);
    if (r < 0)
        return r;
    index_begin_change(pool);
    *ret_group = make(pool, group, name);
    index_end_change(pool);
    return 1;
}

int groups_remove(const struct keyshm_pool *pool, keyshm_id group)
{
    if (!groups_is_there(pool, group))
        return -ESTALE;
    struct layout_group *at = group_at(pool, id_group(group));
    if (atomic_load_explicit(&at->keys, memory_order_relaxed) != 0)
        return -EBUSY;
    index_begin_change(pool);
    subject_withdraw(pool, pool_group_subject(pool, id_group(group)));
    limits_leave(pool, pool_group_subject(pool, id_group(group)));
    label_wipe(&at->name_length, at->name);
    index_end_change(pool);
    return 0;
}

int groups_set(const struct keyshm_pool *pool, keyshm_id key, keyshm_id group_or_0)
{
    uint32_t slot = id_slot(key);
    if (!word_is_live(subject_word_of(pool, key)) || (group_or_0 != 0 && !groups_is_there(pool, group_or_0)))
        return -ESTALE;
    if (groups_id_of_slot(pool, slot) == group_or_0)
        return 0;
    struct event_ticket ticket = event_claim(pool, EVENT_CLASS_LASTING);
    index_begin_change(pool);
    groups_enter(pool, slot, group_or_0);
    index_end_change(pool);
    /* Its new group may be available where the old one was not. */
    for (unsigned model = 0; model <= pool_models_used(pool); model++)
        ready_announce(pool, model, slot);
    struct event_record record = event_of(pool, KEYSHM_EVENT_SETTINGS);
    record.id = key;
    event_write(pool, ticket, &record);
    return 0;
}

/* All places are looked at: one killed before its group was counted as used may have left a name. */
void groups_recover(const struct keyshm_pool *pool)
{
    uint32_t used = pool_groups_used(pool);
    for (uint32_t group = 0; group < pool->settings.groups_max; group++) {
        struct layout_group *at = group_at(pool, group);
        atomic_store_explicit(&at->keys, 0, memory_order_relaxed);
        if (group >= used || !word_is_live(key_group_word(pool, 0, group)))
            label_wipe(&at->name_length, at->name);
    }
    for (uint32_t slot = 0; pool->key_groups != NULL && slot < pool_slots_used(pool); slot++) {
        if (word_is_live(atomic_load_explicit(&pool->words[slot], memory_order_relaxed)))
            count_key(pool, key_group_of_slot(pool, slot), 1);
        else
            atomic_store_explicit(&pool->key_groups[slot], GROUP_NONE, memory_order_relaxed);
    }
}
