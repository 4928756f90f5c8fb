/* SPDX-License-Identifier: MIT */
#include "availability.h"

/* As in pair_load(), both pairs are to be of one group. */
static __attribute__((noinline)) uint64_t all_at_ms(const struct keyshm_pool *pool, unsigned model, uint32_t slot)
{
    /* acquire: as in available_at_ms(). */
    struct pair pair, of_model = {.key = word_make_available(0), .group = word_make_available(0)};
    uint32_t key_group, again = key_group_of_slot(pool, slot);
    int tries = 0;
    do {
        key_group = again;
        pair = pair_load_in(pool, 0, slot, key_group, memory_order_acquire);
        if (model != 0)
            of_model = pair_load_in(pool, model, slot, key_group, memory_order_acquire);
        again = key_group_of_slot(pool, slot);
    } while (again != key_group && ++tries < GROUP_TRIES_MAX);
    if (!word_is_live(pair.key))
        return AVAILABILITY_NO_KEY;
    uint64_t at_ms = pair_available_at_ms(&pair), model_ms = pair_available_at_ms(&of_model);
    return at_ms > model_ms ? at_ms : model_ms;
}

/* The same, faster for a key that has one word to look at. */
ALWAYS_INLINE uint64_t available_at_ms(const struct keyshm_pool *pool, unsigned model, uint32_t slot)
{
    if (availability_is_simple(model, key_group_of_slot(pool, slot))) {
        /* acquire: pairs with the release in ready_announce() by way of the count, where that is read before and after
         * (pick.c). */
        uint64_t word = atomic_load_explicit(&pool->words[slot], memory_order_acquire);
        if (key_group_of_slot(pool, slot) == GROUP_NONE)
            return word_is_live(word) ? word_available_at_ms(word) : AVAILABILITY_NO_KEY;
    }
    return all_at_ms(pool, model, slot);
}

uint64_t availability_at_ms(const struct keyshm_pool *pool, unsigned model, uint32_t slot)
{
    return available_at_ms(pool, model, slot);
}

uint64_t availability_first_at_ms(const struct keyshm_pool *pool, unsigned model)
{
    uint64_t earliest_ms = AVAILABILITY_NO_KEY;
    uint32_t used = pool_slots_used(pool);
    for (uint32_t slot = 0; slot < used && earliest_ms > 0; slot++) {
        uint64_t at_ms = available_at_ms(pool, model, slot);
        earliest_ms = at_ms < earliest_ms ? at_ms : earliest_ms;
    }
    return earliest_ms;
}
