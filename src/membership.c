/* SPDX-License-Identifier: MIT */
#include "membership.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "event_ring.h"
#include "groups.h"
#include "key_index.h"
#include "limit_sets.h"
#include "lock.h"
#include "metadata.h"
#include "models.h"
#include "order.h"
#include "ready_bits.h"
#include "recover.h"
#include "registers.h"
#include "subject.h"

/* ---- for the owner of the mutex ---- */

static keyshm_id id_in(const struct keyshm_pool *pool, uint32_t slot)
{
    return atomic_load_explicit(&pool_slot(pool, slot)->id, memory_order_relaxed);
}

static uint64_t word_in(const struct keyshm_pool *pool, uint32_t slot)
{
    return atomic_load_explicit(&pool->words[slot], memory_order_relaxed);
}

static int find_free(const struct keyshm_pool *pool, uint32_t *ret_slot)
{
    uint32_t slot = atomic_load_explicit(&pool->header->lowest_free, memory_order_relaxed);
    for (; slot < pool->settings.capacity; slot++) {
        if (!word_is_live(word_in(pool, slot))) {
            *ret_slot = slot;
            return 0;
        }
    }
    return -ENOSPC;
}

static void count_as_used(struct keyshm_pool *pool, uint32_t slot)
{
    /* release: pairs with the acquire in pool_slots_used(). */
    if (pool_slots_used(pool) <= slot)
        atomic_store_explicit(&pool->header->slots_used, slot + 1, memory_order_release);
}

static void record(const struct keyshm_pool *pool, struct event_ticket ticket, enum keyshm_event_kind kind,
                   keyshm_id id_or_zero)
{
    struct event_record record = event_of(pool, kind);
    record.id = id_or_zero;
    if (kind == KEYSHM_EVENT_ADDED)
        record.to = KEYSHM_AVAILABLE;
    event_write(pool, ticket, &record);
}

/*
 * Killed before the word is published: the slot is free and dirty, and the next owner wipes it. Killed after: the key
 * is in. The slot is counted as used first, so that a recovery looks at it.
 */
static keyshm_id insert(struct keyshm_pool *pool, uint32_t slot, const struct slot_key *key, keyshm_id group_or_0)
{
    uint64_t generation = id_generation(id_in(pool, slot)) + 1;
    keyshm_id id = id_make(generation, slot);
    struct event_ticket ticket = event_claim(pool, EVENT_CLASS_MEMBERSHIP);
    index_begin_change(pool);
    count_as_used(pool, slot);
    limits_enter(pool, slot); /* before its id: whoever is charged for the key has read that */
    slot_fill(pool, slot, id, key);
    index_insert(pool, key->hash, slot);
    groups_enter(pool, slot, group_or_0);
    order_enter(pool, slot);
    subject_publish(pool, slot);
    atomic_store_explicit(&pool->header->lowest_free, slot + 1, memory_order_relaxed);
    index_end_change(pool);
    record(pool, ticket, KEYSHM_EVENT_ADDED, id);
    return id;
}

/* Killed after the word became free: the key is removed, and the next owner wipes the slot. */
static void erase(struct keyshm_pool *pool, uint32_t slot)
{
    struct layout_slot *at = pool_slot(pool, slot);
    uint64_t key_hash = atomic_load_explicit(&at->key_hash, memory_order_relaxed);
    struct event_ticket ticket = event_claim(pool, EVENT_CLASS_MEMBERSHIP);
    index_begin_change(pool);
    subject_withdraw(pool, slot);
    groups_leave(pool, slot);
    order_leave(pool, slot);
    limits_leave(pool, slot);
    index_delete(pool, key_hash, slot);
    slot_wipe(pool, slot);
    if (atomic_load_explicit(&pool->header->lowest_free, memory_order_relaxed) > slot)
        atomic_store_explicit(&pool->header->lowest_free, slot, memory_order_relaxed);
    /* Who was refused, and remembers that (turn.c), was refused for other keys than those that there are now, or are not. */
    ready_count_announcement_to_all(pool);
    index_end_change(pool);
    record(pool, ticket, KEYSHM_EVENT_REMOVED, id_in(pool, slot));
}

static int add_locked(struct keyshm_pool *pool, const struct slot_key *key, keyshm_id group_or_0, keyshm_id *ret_id)
{
    uint32_t slot;
    if (group_or_0 != 0 && !groups_is_there(pool, group_or_0))
        return -ESTALE;
    if (index_find(pool, key, ret_id) == 0)
        return -EEXIST;
    int r = find_free(pool, &slot);
    if (r == 0)
        *ret_id = insert(pool, slot, key, group_or_0);
    return r;
}

static int remove_locked(struct keyshm_pool *pool, keyshm_id id)
{
    if (!word_is_live(slot_word_of(pool, id)))
        return -ESTALE;
    erase(pool, id_slot(id));
    return 0;
}

static int set_metadata_locked(struct keyshm_pool *pool, keyshm_id id, const char *name, const char *value_or_null)
{
    union metadata_copy copy;
    if (!word_is_live(slot_word_of(pool, id)))
        return -ESTALE;
    int r = metadata_read(pool, id_slot(id), &copy);
    if (r == 0)
        r = metadata_edit(&copy, name, value_or_null);
    if (r == 0)
        metadata_write(pool, id_slot(id), &copy);
    return r;
}

#define ORDER_ANY UINT32_MAX /* that part stays */

static int set_order_locked(struct keyshm_pool *pool, keyshm_id id, unsigned priority_or_any, unsigned weight_or_any)
{
    uint32_t slot = id_slot(id);
    if (!word_is_live(slot_word_of(pool, id)))
        return -ESTALE;
    uint64_t before = order_of(pool, slot);
    uint64_t order = order_pack(priority_or_any != ORDER_ANY ? priority_or_any : order_priority(before),
                                weight_or_any != ORDER_ANY ? weight_or_any : order_weight(before));
    if (order == before)
        return 0;
    struct event_ticket ticket = event_claim(pool, EVENT_CLASS_LASTING);
    index_begin_change(pool);
    order_set(pool, slot, order);
    index_end_change(pool);
    record(pool, ticket, KEYSHM_EVENT_SETTINGS, id);
    return 0;
}

static int set_limits_locked(struct keyshm_pool *pool, keyshm_id id_or_0, unsigned model,
                             const struct keyshm_limits *limits_or_null)
{
    uint32_t subject = id_or_0 != 0 ? subject_of(pool, id_or_0) : LIMITS_OF_POOL;
    if (id_or_0 != 0 && !word_is_live(subject_word_of(pool, id_or_0)))
        return -ESTALE;
    uint32_t ref;
    int r = limits_find(pool, limits_or_null, &ref);
    if (r < 0)
        return r;
    struct event_ticket ticket = event_claim(pool, EVENT_CLASS_LASTING);
    index_begin_change(pool);
    limits_set(pool, model, subject, ref);
    index_end_change(pool);
    /* More may be admitted now. */
    if (subject == LIMITS_OF_POOL)
        ready_make_all_due(pool, model);
    else
        ready_announce(pool, model, subject);
    ready_count_announcement_to_all(pool);
    record(pool, ticket, KEYSHM_EVENT_SETTINGS, id_or_0);
    return 0;
}

/* ---- replacing all keys ---- */

/* What a replacement is made of. All keys are valid, and none comes twice. */
struct replacement {
    struct keyshm_pool *pool;
    const char **keys;
    size_t count;
    keyshm_id group_or_0; /* only its keys are replaced; 0: all are */
    bool *is_kept;        /* of each slot */
    uint32_t removed;     /* no slot below it is to be removed */
    struct keyshm_replaced *result;
};

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, each once. */
static size_t sort_keys(const char **keys, size_t count)
{
    size_t unique = 0;
    qsort(keys, count, sizeof(*keys), compare_keys);
    for (size_t i = 0; i < count; i++)
        if (unique == 0 || strcmp(keys[unique - 1], keys[i]) != 0)
            keys[unique++] = keys[i];
    registers_wipe();
    return unique;
}

/* Those that are in the pool already are kept, and taken out of the list: new ones stay. */
static void keep_known(struct replacement *replacement)
{
    size_t count = 0;
    for (size_t i = 0; i < replacement->count; i++) {
        struct slot_key key;
        keyshm_id id;
        slot_key_make(&key, replacement->keys[i], strlen(replacement->keys[i]));
        if (index_find(replacement->pool, &key, &id) == 0) {
            replacement->is_kept[id_slot(id)] = true;
            replacement->result->kept++;
        } else {
            replacement->keys[count++] = replacement->keys[i];
        }
        slot_key_forget(&key);
    }
    replacement->count = count;
}

static bool is_replaced(const struct replacement *replacement, uint32_t slot)
{
    return replacement->group_or_0 == 0 || groups_id_of_slot(replacement->pool, slot) == replacement->group_or_0;
}

/* Remove one key that is not in the list. -ENOENT: there is none. */
static int remove_next(struct replacement *replacement)
{
    struct keyshm_pool *pool = replacement->pool;
    uint32_t used = pool_slots_used(pool);
    for (; replacement->removed < used; replacement->removed++) {
        uint32_t slot = replacement->removed;
        if (word_is_live(word_in(pool, slot)) && !replacement->is_kept[slot] && is_replaced(replacement, slot)) {
            erase(pool, slot);
            replacement->result->removed++;
            return 0;
        }
    }
    return -ENOENT;
}

static void add_next(struct replacement *replacement, const char *text, uint32_t slot)
{
    struct slot_key key;
    slot_key_make(&key, text, strlen(text));
    insert(replacement->pool, slot, &key, replacement->group_or_0);
    slot_key_forget(&key);
    replacement->is_kept[slot] = true;
    replacement->result->added++;
}

/* Is there room for the new keys, when all are removed that are to be? */
static bool has_room(const struct replacement *replacement)
{
    size_t stay = 0, capacity = replacement->pool->settings.capacity;
    uint32_t used = pool_slots_used(replacement->pool);
    for (uint32_t slot = 0; slot < used; slot++)
        stay += word_is_live(word_in(replacement->pool, slot)) &&
                (replacement->is_kept[slot] || !is_replaced(replacement, slot));
    return replacement->count <= capacity - stay;
}

/* Add before removing, as long as there is room; where there is none, one is removed for one that is added. -ESTALE,
 * -ENOSPC: nothing was changed. */
static int replace_locked(struct replacement *replacement)
{
    uint32_t slot;
    if (replacement->group_or_0 != 0 && !groups_is_there(replacement->pool, replacement->group_or_0))
        return -ESTALE;
    keep_known(replacement);
    if (!has_room(replacement))
        return -ENOSPC;
    for (size_t i = 0; i < replacement->count; i++) {
        if (find_free(replacement->pool, &slot) == 0 ||
            (remove_next(replacement) == 0 && find_free(replacement->pool, &slot) == 0))
            add_next(replacement, replacement->keys[i], slot);
    }
    while (remove_next(replacement) == 0)
        continue;
    return 0;
}

static int replace(struct replacement *replacement)
{
    struct lock_guard guard;
    int r = lock_take(replacement->pool, &guard);
    if (r < 0)
        return r;
    r = replace_locked(replacement);
    lock_drop(replacement->pool, &guard);
    return r;
}

int membership_replace(struct keyshm_pool *pool, keyshm_id group_or_0, const char *const *keys, size_t count,
                       struct keyshm_replaced *replaced)
{
    struct replacement replacement = {
        .pool = pool,
        .group_or_0 = group_or_0,
        .keys = calloc(count + 1, sizeof(*replacement.keys)),
        .is_kept = calloc(pool->settings.capacity, sizeof(*replacement.is_kept)),
        .result = replaced,
    };
    int r = replacement.keys != NULL && replacement.is_kept != NULL ? 0 : -ENOMEM;
    if (r == 0) {
        for (size_t i = 0; i < count; i++)
            replacement.keys[i] = keys[i];
        replacement.count = sort_keys(replacement.keys, count);
        r = replacement.count <= pool->settings.capacity ? replace(&replacement) : -ENOSPC;
    }
    free(replacement.keys);
    free(replacement.is_kept);
    return r;
}

/* ---- for everyone ---- */

int membership_add(struct keyshm_pool *pool, const struct slot_key *key, keyshm_id group_or_0, keyshm_id *ret_id)
{
    struct lock_guard guard;
    int r = lock_take(pool, &guard);
    if (r < 0)
        return r;
    r = add_locked(pool, key, group_or_0, ret_id);
    lock_drop(pool, &guard);
    return r;
}

int membership_remove(struct keyshm_pool *pool, keyshm_id id)
{
    struct lock_guard guard;
    int r = lock_take(pool, &guard);
    if (r < 0)
        return r;
    r = remove_locked(pool, id);
    lock_drop(pool, &guard);
    return r;
}

int membership_set_metadata(struct keyshm_pool *pool, keyshm_id id, const char *name, const char *value_or_null)
{
    struct lock_guard guard;
    int r = lock_take(pool, &guard);
    if (r < 0)
        return r;
    r = set_metadata_locked(pool, id, name, value_or_null);
    lock_drop(pool, &guard);
    return r;
}

/* Most calls find the group or the model, and need no mutex. */
int membership_group(struct keyshm_pool *pool, const struct label *name, keyshm_id *ret_group)
{
    struct lock_guard guard;
    if (groups_find(pool, name, ret_group) == 0)
        return 0;
    int r = lock_take(pool, &guard);
    if (r < 0)
        return r;
    r = groups_make(pool, name, ret_group);
    lock_drop(pool, &guard);
    return r;
}

int membership_model(struct keyshm_pool *pool, const struct label *name, unsigned *ret_model)
{
    struct lock_guard guard;
    if (models_find(pool, name, ret_model) == 0)
        return 0;
    int r = lock_take(pool, &guard);
    if (r < 0)
        return r;
    r = models_make(pool, name, ret_model);
    lock_drop(pool, &guard);
    return r;
}

int membership_remove_group(struct keyshm_pool *pool, keyshm_id group)
{
    struct lock_guard guard;
    int r = lock_take(pool, &guard);
    if (r < 0)
        return r;
    r = groups_remove(pool, group);
    lock_drop(pool, &guard);
    return r;
}

int membership_set_group(struct keyshm_pool *pool, keyshm_id key, keyshm_id group_or_0)
{
    struct lock_guard guard;
    int r = lock_take(pool, &guard);
    if (r < 0)
        return r;
    r = groups_set(pool, key, group_or_0);
    lock_drop(pool, &guard);
    return r;
}

static int set_order(struct keyshm_pool *pool, keyshm_id id, unsigned priority_or_any, unsigned weight_or_any)
{
    struct lock_guard guard;
    int r = lock_take(pool, &guard);
    if (r < 0)
        return r;
    r = set_order_locked(pool, id, priority_or_any, weight_or_any);
    lock_drop(pool, &guard);
    return r;
}

int membership_set_priority(struct keyshm_pool *pool, keyshm_id id, unsigned priority)
{
    return set_order(pool, id, priority, ORDER_ANY);
}

int membership_set_weight(struct keyshm_pool *pool, keyshm_id id, unsigned weight)
{
    return set_order(pool, id, ORDER_ANY, weight);
}

int membership_set_limits(struct keyshm_pool *pool, keyshm_id id_or_0, unsigned model,
                          const struct keyshm_limits *limits_or_null)
{
    struct lock_guard guard;
    int r = lock_take(pool, &guard);
    if (r < 0)
        return r;
    r = set_limits_locked(pool, id_or_0, model, limits_or_null);
    lock_drop(pool, &guard);
    return r;
}

int membership_repair(struct keyshm_pool *pool)
{
    struct lock_guard guard;
    int r = lock_take(pool, &guard);
    if (r < 0)
        return r;
    struct event_ticket ticket = event_claim(pool, EVENT_CLASS_MEMBERSHIP);
    recover(pool);
    record(pool, ticket, KEYSHM_EVENT_REPAIRED, 0);
    lock_drop(pool, &guard);
    return 0;
}

/* The slow way, right whatever state the index is in: look at every slot. */
static int scan(const struct keyshm_pool *pool, const struct slot_key *key, keyshm_id *ret_id)
{
    uint32_t used = pool_slots_used(pool);
    for (uint32_t slot = 0; slot < used; slot++)
        if (slot_match_key(pool, slot, key, ret_id) == 0)
            return 0;
    return -ENOENT;
}

int membership_find(const struct keyshm_pool *pool, const struct slot_key *key, keyshm_id *ret_id)
{
    uint64_t before = index_change_count(pool);
    int r = index_find(pool, key, ret_id);
    if (r < 0 && (before % 2 != 0 || index_change_count(pool) != before))
        r = scan(pool, key, ret_id);
    return r;
}
