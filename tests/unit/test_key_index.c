/* SPDX-License-Identifier: MIT */
#include "key_index.h"
#include "pool.h"

#include "fixture.h"

/* Deletion from a full neighbourhood: the hashes are chosen so that all probes start at the same entry, or wrap around
 * the end of the table. The slots' hashes are set directly; index_find() is not used because it would compare keys. */

TestSuite(key_index, .init = create_pool, .fini = close_pool);

static bool has_entry(uint64_t hash, uint32_t slot)
{
    uint32_t mask = pool->settings.index_entries - 1;
    uint32_t position = (uint32_t)(hash ^ hash >> 32) & mask;
    for (uint32_t i = 0; i <= mask; i++, position = (position + 1) & mask) {
        uint32_t entry = atomic_load(&pool->index[position]);
        if (entry == 0)
            return false;
        if ((entry & 0xffffff) == slot + 1)
            return true;
    }
    return false;
}

/* Inserts 8 slots with these home entries, deletes them in an order, and looks up the others after each deletion. */
static void try_order(const uint64_t *hashes, const int *order)
{
    bool in[8];
    for (uint32_t slot = 0; slot < 8; slot++) {
        atomic_store(&pool_slot(pool, slot)->key_hash, hashes[slot]);
        index_insert(pool, hashes[slot], slot);
        in[slot] = true;
    }
    for (int i = 0; i < 8; i++) {
        index_delete(pool, hashes[order[i]], (uint32_t)order[i]);
        in[order[i]] = false;
        for (uint32_t slot = 0; slot < 8; slot++)
            cr_assert_eq(has_entry(hashes[slot], slot), in[slot], "slot %u after deleting %d", slot, order[i]);
    }
    for (uint32_t i = 0; i < pool->settings.index_entries; i++)
        cr_assert_eq(atomic_load(&pool->index[i]), 0, "entry %u is not empty", i);
}

Test(key_index, deletes_without_losing_anyone)
{
    uint32_t random = 1;
    for (int round = 0; round < 20000; round++) {
        uint64_t hashes[8];
        int order[8] = {0, 1, 2, 3, 4, 5, 6, 7};
        for (int i = 0; i < 8; i++) {
            random = random * 1664525 + 1013904223;
            hashes[i] = (12 + (random >> 24) % 6) & 15; /* home entries 12 to 15, 0 and 1 of 16: wraps around */
            int other = (int)(random >> 8) % 8, swap = order[i];
            order[i] = order[other];
            order[other] = swap;
        }
        try_order(hashes, order);
    }
}

Test(key_index, deleting_what_is_not_there_changes_nothing)
{
    keyshm_id ids[4], found;
    add_keys(ids, 4);
    index_delete(pool, 12345, 0);
    index_delete(pool, 0, 7);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(keyshm_find(pool, key_text(i), &found), 0);
}

/* Entries that lead out of the segment: nothing outside is read, and the keys are found again after a repair. */
Test(key_index, survives_entries_that_lead_nowhere)
{
    static const uint32_t hostile[] = {0x00fffffe, 0x00ffffff, 0xffffffff, 9, 0xff000000, 0x01100001};
    keyshm_id ids[4], found;
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        add_keys(ids, 4);
        for (uint32_t position = 0; position < pool->settings.index_entries; position++)
            atomic_store(&pool->index[position], hostile[i]);
        uint64_t hash = atomic_load(&pool_slot(pool, 0)->key_hash);
        uint32_t home = (uint32_t)(hash ^ hash >> 32) & (pool->settings.index_entries - 1);
        atomic_store(&pool->index[home], (uint32_t)(hash >> 56) << 24 | 1);
        cr_assert_eq(keyshm_remove(pool, ids[0]), 0);
        cr_assert_eq(keyshm_find(pool, "absent", &found), -ENOENT);
        cr_assert_eq(keyshm_repair(pool), 0);
        cr_assert_eq(keyshm_verify(pool, NULL, NULL), 0);
        for (int key = 1; key < 4; key++) {
            cr_assert_eq(keyshm_find(pool, key_text(key), &found), 0);
            cr_assert_eq(found, ids[key]);
        }
        cr_assert_eq(keyshm_replace_keys(pool, NULL, 0, NULL), 0);
    }
}
