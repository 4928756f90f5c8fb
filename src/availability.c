/* SPDX-License-Identifier: MIT */
#include "availability.h"

/* A key that was moved meanwhile is looked at again by the caller: availability_others_are_same(). */
bool availability_load_others(const struct keyshm_pool *pool, unsigned model, uint32_t slot, uint64_t now_ms,
                              struct others *ret_others)
{
    uint32_t key_group = ret_others->key_group;
    ret_others->group = ret_others->key_of_model = ret_others->group_of_model = word_make_available(0);
    if (model != 0)
        ret_others->key_of_model = atomic_load_explicit(pool_word(pool, model, slot), memory_order_acquire);
    if (key_group != GROUP_NONE)
        ret_others->group = key_group_word(pool, 0, group_index(key_group));
    if (key_group != GROUP_NONE && model != 0)
        ret_others->group_of_model = key_group_word(pool, model, group_index(key_group));
    return word_is_available(availability_of_model(ret_others->key_of_model), now_ms) &&
           word_is_available(availability_of_model(ret_others->group), now_ms) &&
           word_is_available(availability_of_model(ret_others->group_of_model), now_ms);
}
