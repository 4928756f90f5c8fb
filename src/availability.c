/* SPDX-License-Identifier: MIT */
#include "availability.h"

/* As in pair_load(), both pairs are to be of one group. */
uint64_t availability_of_all_at_ms(const struct keyshm_pool *pool, unsigned model, uint32_t slot)
{
    /* acquire: as in availability_at_ms(). */
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

uint64_t availability_first_at_ms(const struct keyshm_pool *pool, unsigned model)
{
    uint64_t earliest_ms = AVAILABILITY_NO_KEY;
    uint32_t used = pool_slots_used(pool);
    for (uint32_t slot = 0; slot < used && earliest_ms > 0; slot++) {
        uint64_t at_ms = availability_at_ms(pool, model, slot);
        earliest_ms = at_ms < earliest_ms ? at_ms : earliest_ms;
    }
    return earliest_ms;
}
