/* SPDX-License-Identifier: MIT */
#include "order.h"

#include "state_word.h"

/* All of this is written by the owner of the mutex only, so a load and a store are enough. */

static void set_bit(const struct keyshm_pool *pool, unsigned plane, uint32_t slot, bool is_set)
{
    _Atomic uint64_t *at = &order_plane(pool, plane)[slot / 64];
    uint64_t bit = UINT64_C(1) << (slot % 64), bits = atomic_load_explicit(at, memory_order_relaxed);
    uint64_t changed = is_set ? bits | bit : bits & ~bit;
    /* release: pairs with the acquire in ready_load(), so that a pick that finds a key no longer in its old place also
     * sees that the order has changed. */
    if (changed != bits)
        atomic_store_explicit(at, changed, memory_order_release);
}

static bool has_plane(uint64_t order, unsigned plane)
{
    return plane < LAYOUT_PRIORITIES ? order_priority(order) == plane
                                     : (order_weight(order) >> (plane - LAYOUT_PRIORITIES) & 1) != 0;
}

/* In the planes of its order, or in all others. */
static void set_bits(const struct keyshm_pool *pool, uint32_t slot, uint64_t order, bool are_set)
{
    for (unsigned plane = 0; plane < LAYOUT_PLANES; plane++)
        if (has_plane(order, plane) == are_set)
            set_bit(pool, plane, slot, are_set);
}

static void store_order(const struct keyshm_pool *pool, uint32_t slot, uint64_t order)
{
    atomic_store_explicit(&pool_slot(pool, slot)->order, order, memory_order_relaxed);
}

static bool has_bit(const struct keyshm_pool *pool, unsigned plane, uint32_t slot)
{
    return (atomic_load_explicit(&order_plane(pool, plane)[slot / 64], memory_order_relaxed) >> slot % 64 & 1) != 0;
}

bool order_is_sound(const struct keyshm_pool *pool, uint32_t slot)
{
    uint64_t order = order_of(pool, slot);
    bool is_sound = order == order_mended(order);
    for (unsigned plane = 0; plane < LAYOUT_PLANES; plane++)
        is_sound &= has_bit(pool, plane, slot) == has_plane(order, plane);
    return is_sound;
}

static void change_count(_Atomic uint32_t *count, uint32_t change)
{
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + change, memory_order_relaxed);
}

static void count_key(struct layout_order_counts *counts, uint64_t order, int change)
{
    change_count(&counts->priorities[order_priority(order)], (uint32_t)change);
    change_count(&counts->weights[order_weight(order)], (uint32_t)change);
}

/* A bit for each count that is not 0. */
static uint64_t counted(const _Atomic uint32_t *counts, unsigned length)
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < length; i++)
        bits |= (uint64_t)(atomic_load_explicit(&counts[i], memory_order_relaxed) != 0) << i;
    return bits;
}

static bool has_several(uint64_t bits)
{
    return (bits & (bits - 1)) != 0;
}

static uint64_t find_in_use(const struct layout_order_counts *counts)
{
    uint64_t priorities = counted(counts->priorities, LAYOUT_PRIORITIES);
    bool has_weights = has_several(counted(counts->weights, KEYSHM_WEIGHT_MAX + 1));
    return has_weights || has_several(priorities) ? priorities | (has_weights ? ORDER_HAS_WEIGHTS : 0) : 0;
}

static void store_in_use(const struct keyshm_pool *pool, uint64_t changes)
{
    uint64_t before = order_in_use(pool),
             after = ((before & ~ORDER_IN_USE_MASK) | find_in_use(&pool->header->order_counts)) + changes;
    /* release: pairs with the acquire in order_in_use(). Every pick reads this line. */
    if (after != before)
        atomic_store_explicit(&pool_model(pool, 0)->order_in_use, after, memory_order_release);
}

void order_set_limited(const struct keyshm_pool *pool, bool is_limited)
{
    uint64_t before = order_in_use(pool), after = is_limited ? before | ORDER_IS_LIMITED : before & ~ORDER_IS_LIMITED;
    /* release: as in store_in_use(). */
    if (after != before)
        atomic_store_explicit(&pool_model(pool, 0)->order_in_use, after, memory_order_release);
}

void order_enter(const struct keyshm_pool *pool, uint32_t slot)
{
    store_order(pool, slot, ORDER_DEFAULT);
    set_bits(pool, slot, ORDER_DEFAULT, true);
    set_bits(pool, slot, ORDER_DEFAULT, false);
    count_key(&pool->header->order_counts, ORDER_DEFAULT, 1);
    store_in_use(pool, 0);
}

void order_leave(const struct keyshm_pool *pool, uint32_t slot)
{
    count_key(&pool->header->order_counts, order_of(pool, slot), -1);
    store_in_use(pool, 0);
}

void order_set(const struct keyshm_pool *pool, uint32_t slot, uint64_t order)
{
    uint64_t before = order_of(pool, slot);
    set_bits(pool, slot, order, true);
    count_key(&pool->header->order_counts, order, 1);
    store_in_use(pool, ORDER_CHANGE);
    store_order(pool, slot, order);
    set_bits(pool, slot, order, false);
    count_key(&pool->header->order_counts, before, -1);
    store_in_use(pool, 0);
}

static void count_keys(const struct keyshm_pool *pool, struct layout_order_counts *counts)
{
    uint32_t used = pool_slots_used(pool);
    for (unsigned i = 0; i < LAYOUT_PRIORITIES; i++)
        atomic_store_explicit(&counts->priorities[i], 0, memory_order_relaxed);
    for (unsigned i = 0; i <= KEYSHM_WEIGHT_MAX; i++)
        atomic_store_explicit(&counts->weights[i], 0, memory_order_relaxed);
    for (uint32_t slot = 0; slot < used; slot++)
        if (word_is_live(atomic_load_explicit(&pool->words[slot], memory_order_relaxed)))
            count_key(counts, order_of(pool, slot), 1);
}

bool order_in_use_is_sound(const struct keyshm_pool *pool)
{
    const struct layout_order_counts *known = &pool->header->order_counts;
    struct layout_order_counts counts;
    count_keys(pool, &counts);
    bool is_sound = (order_in_use(pool) & ORDER_IN_USE_MASK) == find_in_use(&counts);
    for (unsigned i = 0; i < LAYOUT_PRIORITIES; i++)
        is_sound &= atomic_load_explicit(&known->priorities[i], memory_order_relaxed) == counts.priorities[i];
    for (unsigned i = 0; i <= KEYSHM_WEIGHT_MAX; i++)
        is_sound &= atomic_load_explicit(&known->weights[i], memory_order_relaxed) == counts.weights[i];
    return is_sound;
}

void order_recover(const struct keyshm_pool *pool)
{
    uint32_t used = pool_slots_used(pool);
    for (uint32_t slot = 0; slot < used; slot++) {
        if (!word_is_live(atomic_load_explicit(&pool->words[slot], memory_order_relaxed)))
            continue;
        uint64_t order = order_mended(order_of(pool, slot));
        set_bits(pool, slot, order, true);
        store_order(pool, slot, order);
        set_bits(pool, slot, order, false);
    }
    count_keys(pool, &pool->header->order_counts);
    store_in_use(pool, ORDER_CHANGE);
}
