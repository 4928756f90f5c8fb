/* SPDX-License-Identifier: MIT */
#include "key_index.h"
#include "pool.h"
#include "ready_bits.h"
#include "recover.h"
#include "slot.h"

#include "fixture.h"

/* Recovery from constructed states: the stores of an add or a remove, up to each of them. tests/crash shows that
 * processes killed at real instructions leave no other states. */

TestSuite(recover, .init = create_pool, .fini = close_pool);

static struct slot_key new_key;

static void fill_without_publishing(uint32_t slot, int steps)
{
    slot_key_make(&new_key, key_text(99), strlen(key_text(99)));
    if (steps > 0)
        index_begin_change(pool);
    if (steps > 1)
        atomic_store(&pool->header->slots_used, slot + 1);
    if (steps > 2)
        slot_fill(pool, slot, id_make(1, slot), &new_key);
    if (steps > 3)
        index_insert(pool, new_key.hash, slot);
    if (steps > 4)
        atomic_store(&pool->words[slot], word_make_available(1));
}

static void expect_no_key_bytes_in_free_slots(void)
{
    for (uint32_t slot = 0; slot < 8; slot++) {
        if (word_is_live(atomic_load(&pool->words[slot])))
            continue;
        for (uint32_t i = 0; i < 8; i++)
            cr_assert_eq(atomic_load(&pool_slot(pool, slot)->key[i]), 0, "slot %u still holds bytes", slot);
        cr_assert_eq(atomic_load(&pool_slot(pool, slot)->key_length), 0);
        cr_assert_eq(atomic_load(&pool_slot(pool, slot)->key_hash), 0);
    }
}

static void expect_sound(const keyshm_id *ids, int count)
{
    keyshm_id found;
    cr_assert_eq(index_change_count(pool) % 2, 0);
    for (int i = 0; i < count; i++) {
        cr_assert_eq(keyshm_find(pool, key_text(i), &found), 0, "key %d was lost", i);
        cr_assert_eq(found, ids[i]);
        cr_assert_eq(keyshm_add(pool, key_text(i), &found), -EEXIST, "key %d could be added twice", i);
    }
    expect_no_key_bytes_in_free_slots();
}

Test(recover, an_add_that_got_any_distance)
{
    keyshm_id ids[3], found;
    add_keys(ids, 3);
    for (int steps = 0; steps <= 4; steps++) {
        fill_without_publishing(3, steps);
        recover(pool);
        expect_sound(ids, 3);
        cr_assert_eq(keyshm_find(pool, key_text(99), &found), -ENOENT);
        cr_assert_eq(keyshm_available_count(pool), 3);
        recover(pool);
        expect_sound(ids, 3);
    }
    fill_without_publishing(3, 5);
    uint32_t announced = ready_announced(pool);
    recover(pool);
    cr_assert_neq(ready_announced(pool), announced, "a pick that has read the free slot would say -ENOKEY");
    cr_assert_eq(keyshm_find(pool, key_text(99), &found), 0, "a published key is in");
    cr_assert_eq(keyshm_available_count(pool), 4);
    expect_sound(ids, 3);
    cr_assert_eq(inspect(add_key(50)).slot, 4);
}

Test(recover, a_remove_that_got_any_distance)
{
    keyshm_id ids[3], found;
    for (int steps = 1; steps <= 3; steps++) {
        add_keys(ids, 3);
        index_begin_change(pool);
        uint64_t hash = atomic_load(&pool_slot(pool, 2)->key_hash);
        atomic_store(&pool->words[2], word_make_free(2));
        if (steps > 1)
            index_delete(pool, hash, 2);
        if (steps > 2)
            atomic_store(&pool_slot(pool, 2)->key[0], 0);
        recover(pool);
        expect_sound(ids, 2);
        cr_assert_eq(keyshm_find(pool, key_text(2), &found), -ENOENT);
        cr_assert_eq(keyshm_mark_invalid(pool, ids[2]), -ESTALE);
        cr_assert_eq(keyshm_remove(pool, ids[0]), 0);
        cr_assert_eq(keyshm_remove(pool, ids[1]), 0);
    }
}

Test(recover, an_index_of_rubbish)
{
    keyshm_id ids[8];
    add_keys(ids, 8);
    for (uint32_t i = 0; i < pool->settings.index_entries; i++)
        atomic_store(&pool->index[i], 0xdeadbeef * (i + 1));
    recover(pool);
    expect_sound(ids, 8);
}

Test(recover, readers_are_right_while_a_change_stands_unfinished)
{
    keyshm_id ids[3], found;
    add_keys(ids, 3);
    index_begin_change(pool);
    for (uint32_t i = 0; i < pool->settings.index_entries; i++)
        atomic_store(&pool->index[i], 0);
    cr_assert_eq(keyshm_find(pool, key_text(1), &found), 0, "the index lies, and is known to");
    cr_assert_eq(found, ids[1]);
    cr_assert_eq(keyshm_find(pool, key_text(7), &found), -ENOENT);
    cr_assert_eq(keyshm_available_count(pool), 3);
    for (int i = 0; i < 6; i++)
        cr_assert_eq(pick_id(), ids[i % 3]);
    cr_assert_eq(keyshm_mark_invalid(pool, ids[0]), 0);
    cr_assert_eq(inspect(ids[0]).status, KEYSHM_INVALID);
}

Test(recover, wiping_leaves_nothing_of_a_removed_key)
{
    keyshm_id id = add_key(1);
    cr_assert_eq(keyshm_set_metadata(pool, id, "owner", "somebody"), 0);
    cr_assert_eq(keyshm_remove(pool, id), 0);
    expect_no_key_bytes_in_free_slots();
    const unsigned char *bytes = (const unsigned char *)pool->header;
    cr_assert_null(memmem(bytes, pool->settings.segment_bytes, "abcdefghijkl", 12), "a part of the key");
    cr_assert_null(memmem(bytes, pool->settings.segment_bytes, "somebody", 8), "its metadata");
}
