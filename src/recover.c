/* SPDX-License-Identifier: MIT */
#include "recover.h"

#include "groups.h"
#include "key_index.h"
#include "limit_sets.h"
#include "order.h"
#include "ready_bits.h"
#include "slot.h"

/*
 * The words are right, whatever happened: each store was made or was not. Only what surrounds them can be wrong:
 *
 *   a slot filled but not published, or no longer published and not wiped  → wiped
 *   the index                                                             → rebuilt
 *   the names of groups that there are not, and the counts of keys         → wiped, and counted again
 *   the lowest free slot                                                  → searched for again from the start
 *   the planes of priorities and weights, and what is counted of them      → made again from the words of the slots
 *   limits of what was removed, and the counts of references               → removed, and counted again
 *   the ready bits                                                        → every block is due for a sweep now
 *   a key made available, but not announced                               → announced
 *   the change count                                                      → even again, after all that
 */
void recover(struct keyshm_pool *pool)
{
    index_begin_change(pool);
    uint32_t used = pool_slots_used(pool);
    for (uint32_t slot = 0; slot < used; slot++)
        if (slot_is_dirty(pool, slot))
            slot_wipe(pool, slot);
    index_rebuild(pool);
    atomic_store_explicit(&pool->header->lowest_free, 0, memory_order_relaxed);
    groups_recover(pool);
    order_recover(pool);
    limits_recover(pool);
    for (unsigned model = 0; model <= pool_models_used(pool); model++)
        ready_make_all_due(pool, model);
    ready_count_announcement_to_all(pool);
    index_end_change(pool);
}
