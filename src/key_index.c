/* SPDX-License-Identifier: MIT */
#include "key_index.h"

#include <errno.h>

/*
 * An entry is 0, or 8 bits of the hash (which save looking at most slots in vain) above 24 bits of slot + 1.
 *
 * Readers without the mutex: every store of an entry is a release, and follows the store that made the change count
 * odd; every load is an acquire. So a reader of an entry of an unfinished change also reads the odd count, or a later
 * one, and knows that "not found" means nothing (the writer's side of a seqlock).
 */
#define ENTRY_SLOT_MASK UINT32_C(0xffffff)
_Static_assert(KEYSHM_CAPACITY_MAX < ENTRY_SLOT_MASK, "slot + 1 fits an entry");

static uint32_t entry_make(uint64_t key_hash, uint32_t slot)
{
    return (uint32_t)(key_hash >> 56) << 24 | (slot + 1);
}

static uint32_t entry_slot(uint32_t entry)
{
    return (entry & ENTRY_SLOT_MASK) - 1;
}

static uint32_t load_entry(const struct keyshm_pool *pool, uint32_t position)
{
    return atomic_load_explicit(&pool->index[position], memory_order_acquire);
}

static void store(const struct keyshm_pool *pool, uint32_t position, uint32_t entry)
{
    atomic_store_explicit(&pool->index[position], entry, memory_order_release);
}

/* Where the probe for a hash begins. The high half of FNV-1a is the better mixed one. */
static uint32_t home(const struct keyshm_pool *pool, uint64_t key_hash)
{
    return (uint32_t)(key_hash ^ key_hash >> 32) & (pool->settings.index_entries - 1);
}

static uint32_t next(const struct keyshm_pool *pool, uint32_t position)
{
    return (position + 1) & (pool->settings.index_entries - 1);
}

int index_find(const struct keyshm_pool *pool, const struct slot_key *key, keyshm_id *ret_id)
{
    uint32_t position = home(pool, key->hash);
    for (uint32_t i = 0; i < pool->settings.index_entries; i++, position = next(pool, position)) {
        uint32_t entry = load_entry(pool, position);
        if (entry == 0)
            return -ENOENT;
        uint32_t slot = entry_slot(entry);
        if (entry == entry_make(key->hash, slot) && slot < pool->settings.capacity &&
            slot_match_key(pool, slot, key, ret_id) == 0)
            return 0;
    }
    return -ENOENT;
}

void index_insert(const struct keyshm_pool *pool, uint64_t key_hash, uint32_t slot)
{
    uint32_t position = home(pool, key_hash);
    for (uint32_t i = 0; i < pool->settings.index_entries; i++, position = next(pool, position)) {
        if (load_entry(pool, position) == 0) {
            store(pool, position, entry_make(key_hash, slot));
            return;
        }
    }
    /* Not reached: there are twice as many entries as slots, and one entry a slot. */
}

/* Of the key that an entry leads to; an entry that leads out of the pool was not written by keyshm, and is as good as
 * any. */
static uint64_t hash_of(const struct keyshm_pool *pool, uint32_t entry)
{
    uint32_t slot = entry_slot(entry);
    return slot < pool->settings.capacity ? atomic_load_explicit(&pool_slot(pool, slot)->key_hash, memory_order_relaxed)
                                          : 0;
}

/* The position of the slot's entry; index_entries when there is none. */
static uint32_t find_entry(const struct keyshm_pool *pool, uint64_t key_hash, uint32_t slot)
{
    uint32_t position = home(pool, key_hash);
    for (uint32_t i = 0; i < pool->settings.index_entries; i++, position = next(pool, position)) {
        uint32_t entry = load_entry(pool, position);
        if (entry == entry_make(key_hash, slot))
            return position;
        if (entry == 0)
            break;
    }
    return pool->settings.index_entries;
}

bool index_has(const struct keyshm_pool *pool, uint64_t key_hash, uint32_t slot)
{
    return find_entry(pool, key_hash, slot) < pool->settings.index_entries;
}

uint32_t index_count(const struct keyshm_pool *pool)
{
    uint32_t count = 0;
    for (uint32_t position = 0; position < pool->settings.index_entries; position++)
        count += load_entry(pool, position) != 0;
    return count;
}

/* Knuth, The Art of Computer Programming 3, 6.4, algorithm R: close the gap with the entries behind it that may move. */
void index_delete(const struct keyshm_pool *pool, uint64_t key_hash, uint32_t slot)
{
    uint32_t mask = pool->settings.index_entries - 1;
    uint32_t gap = find_entry(pool, key_hash, slot);
    if (gap > mask)
        return;
    uint32_t position = next(pool, gap);
    for (uint32_t i = 0; i < mask; i++, position = next(pool, position)) {
        uint32_t entry = load_entry(pool, position);
        if (entry == 0)
            break;
        uint32_t distance_from_home = (position - home(pool, hash_of(pool, entry))) & mask;
        uint32_t distance_from_gap = (position - gap) & mask;
        if (distance_from_home >= distance_from_gap) {
            store(pool, gap, entry);
            gap = position;
        }
    }
    store(pool, gap, 0);
}

void index_rebuild(const struct keyshm_pool *pool)
{
    for (uint32_t position = 0; position < pool->settings.index_entries; position++)
        if (load_entry(pool, position) != 0)
            store(pool, position, 0);
    uint32_t used = pool_slots_used(pool);
    for (uint32_t slot = 0; slot < used; slot++)
        if (word_is_live(atomic_load_explicit(&pool->words[slot], memory_order_relaxed)))
            index_insert(pool, atomic_load_explicit(&pool_slot(pool, slot)->key_hash, memory_order_relaxed), slot);
}

void index_begin_change(const struct keyshm_pool *pool)
{
    /* After a crash it is odd already, and stays so until this change is over. Its partners are the release stores of the
     * entries, which it precedes in program order; only the owner of the mutex writes it. */
    uint64_t count = atomic_load_explicit(&pool->header->change_count, memory_order_relaxed);
    atomic_store_explicit(&pool->header->change_count, count | 1, memory_order_relaxed);
}

void index_end_change(const struct keyshm_pool *pool)
{
    /* release: pairs with the acquire in index_change_count(); a reader of the even count reads the finished index. */
    uint64_t count = atomic_load_explicit(&pool->header->change_count, memory_order_relaxed);
    atomic_store_explicit(&pool->header->change_count, (count | 1) + 1, memory_order_release);
}

uint64_t index_change_count(const struct keyshm_pool *pool)
{
    return atomic_load_explicit(&pool->header->change_count, memory_order_acquire);
}
