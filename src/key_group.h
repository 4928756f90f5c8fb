/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_KEY_GROUP_H
#define KEYSHM_KEY_GROUP_H

/*
 * Which group the key of each slot is in: one word a slot, so that a key is moved by one store.
 *
 *   key_groups  bits 31..11 the low bits of the group's generation; 10..0 1 + its number; all zero: none
 *
 * A group's number is given to another one only after all keys have left it, so a reader that finds the same word twice
 * knows that the group was there in between.
 */

#include "pool.h"
#include "state_word.h"

/* The id of a group has this bit in the place of a slot's number. */
#define GROUP_BIT (UINT32_C(1) << (ID_SLOT_BITS - 1))
_Static_assert(KEYSHM_CAPACITY_MAX <= GROUP_BIT && KEYSHM_GROUPS_MAX < GROUP_BIT, "no slot has the bit");

#define GROUP_NUMBER_BITS 11
#define GROUP_NUMBER_MASK ((UINT32_C(1) << GROUP_NUMBER_BITS) - 1)
#define GROUP_NONE UINT32_C(0)
#define GROUP_TRIES_MAX 100
_Static_assert(KEYSHM_GROUPS_MAX <= GROUP_NUMBER_MASK, "every group has a number");

/* The number of the group with this id. */
static inline uint32_t id_group(keyshm_id id)
{
    return id_slot(id) & ~GROUP_BIT;
}

static inline bool id_is_group(keyshm_id id)
{
    return (id_slot(id) & GROUP_BIT) != 0 && id_group(id) < KEYSHM_GROUPS_MAX;
}

static inline uint32_t group_pack(keyshm_id id)
{
    return (uint32_t)id_generation(id) << GROUP_NUMBER_BITS | (id_group(id) + 1);
}

ALWAYS_INLINE uint32_t group_index(uint32_t key_group)
{
    return (key_group & GROUP_NUMBER_MASK) - 1;
}

/* Which group the key of the slot is in; GROUP_NONE: in none. Bounded, whatever the segment says. */
ALWAYS_INLINE uint32_t key_group_of_slot(const struct keyshm_pool *pool, uint32_t slot)
{
    if (pool->key_groups == NULL)
        return GROUP_NONE;
    /* acquire: pairs with the release of the store that put the key there, so the group is at least as new. */
    uint32_t key_group = atomic_load_explicit(&pool->key_groups[slot], memory_order_acquire);
    return key_group == GROUP_NONE || group_index(key_group) >= pool->settings.groups_max ? GROUP_NONE : key_group;
}

/* Of such a word that is not GROUP_NONE: has no other group come in the place of this one? */
static inline bool key_group_is_last(const struct keyshm_pool *pool, uint32_t key_group)
{
    return group_pack(atomic_load_explicit(&pool->groups[group_index(key_group)].id, memory_order_acquire)) == key_group;
}

/* The state word of a group. acquire: pairs with the release of subject_publish() and of marks. */
static inline uint64_t key_group_word(const struct keyshm_pool *pool, unsigned model, uint32_t group)
{
    return atomic_load_explicit(pool_word(pool, model, pool_group_subject(pool, group)), memory_order_acquire);
}

#endif
