/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_ORDER_H
#define KEYSHM_ORDER_H

/*
 * The order of the keys: which priority and weight each has, and which of them a pick therefore looks at.
 *
 * The truth is one word in the slot. For picks the same is written in planes, one bit a slot: a plane for each priority,
 * and one for each bit of a weight. The rotation (rotation.h) goes through rounds, numbered from 1 to 15 and again from
 * 1. In round R the keys of plane 3 - ctz(R) of the weights have a turn: plane 3, of the keys whose weight has the bit
 * 8, in eight rounds of fifteen, plane 2 in four, plane 1 in two, and plane 0 in one. So a key of weight w has w turns in
 * fifteen rounds, well spread, and the cursor remembers all that there is to remember.
 *
 *   order   bits 5..2 weight, 1 to 15; 1..0 priority. Of a key that was just added: 1 and 0
 *   in_use  bits 63..6 how often the order of a key was changed; 5 there are limits (limit_sets.h); 4 weights differ; 3..0 the
 *           priorities that keys have, if there is more than one, or if weights differ. The low six bits are 0: all keys
 *           are alike, and a pick has to look at nothing of that
 *
 * When a key moves, its new bits are set before in_use and the order are changed, and the old ones are cleared after
 * that. So a pick finds the key wherever the process that moves it is stopped or killed: in its old place, in the new
 * one, or in both. The planes of a free slot mean nothing.
 */

#include "ready_bits.h"

#define ORDER_ROUNDS KEYSHM_WEIGHT_MAX
_Static_assert(KEYSHM_WEIGHT_MAX == (1 << LAYOUT_WEIGHT_BITS) - 1, "a weight has as many bits as there are planes");

#define ORDER_WEIGHT_SHIFT 2
#define ORDER_PRIORITY_MASK UINT64_C(3)
#define ORDER_DEFAULT (UINT64_C(1) << ORDER_WEIGHT_SHIFT)

#define ORDER_HAS_WEIGHTS (UINT64_C(1) << LAYOUT_PRIORITIES)
#define ORDER_IN_USE_PRIORITIES (ORDER_HAS_WEIGHTS - 1)
#define ORDER_IN_USE_MASK (ORDER_HAS_WEIGHTS | ORDER_IN_USE_PRIORITIES)
#define ORDER_IS_LIMITED (ORDER_HAS_WEIGHTS << 1)
#define ORDER_CHANGE (ORDER_IS_LIMITED << 1)

static inline unsigned order_priority(uint64_t order)
{
    return (unsigned)(order & ORDER_PRIORITY_MASK);
}

/* Within 1 to 15, whatever the segment says. */
static inline unsigned order_weight(uint64_t order)
{
    unsigned weight = (unsigned)(order >> ORDER_WEIGHT_SHIFT & KEYSHM_WEIGHT_MAX);
    return weight != 0 ? weight : 1;
}

static inline uint64_t order_pack(unsigned priority, unsigned weight)
{
    return (uint64_t)weight << ORDER_WEIGHT_SHIFT | priority;
}

/* As it is written: a weight of 0, which only damage makes, is taken for 1. */
static inline uint64_t order_mended(uint64_t order)
{
    return order_pack(order_priority(order), order_weight(order));
}

/* Of the key in the slot. */
static inline uint64_t order_of(const struct keyshm_pool *pool, uint32_t slot)
{
    return atomic_load_explicit(&pool_slot(pool, slot)->order, memory_order_relaxed);
}

static inline uint64_t order_in_use(const struct keyshm_pool *pool)
{
    /* acquire: pairs with the release in order.c, so that a pick that sees a priority in use also sees its plane. */
    return atomic_load_explicit(&pool_model(pool, 0)->order_in_use, memory_order_acquire);
}

/* Are there keys of different priorities or weights? */
static inline bool order_matters(uint64_t in_use)
{
    return (in_use & ORDER_IN_USE_PRIORITIES) != 0;
}

static inline bool order_is_limited(uint64_t in_use)
{
    return (in_use & ORDER_IS_LIMITED) != 0;
}

/* Neither. */
static inline bool order_is_plain(uint64_t in_use)
{
    return (in_use & (ORDER_IN_USE_PRIORITIES | ORDER_IS_LIMITED)) == 0;
}

static inline bool order_has_weights(uint64_t in_use)
{
    return (in_use & ORDER_HAS_WEIGHTS) != 0;
}

/* There is one. */
static inline unsigned order_first_priority(uint64_t in_use)
{
    return (unsigned)__builtin_ctzll(in_use & ORDER_IN_USE_PRIORITIES);
}

static inline _Atomic uint64_t *order_plane(const struct keyshm_pool *pool, unsigned plane)
{
    return &pool->planes[(size_t)plane * layout_ready_words(pool->settings.capacity)];
}

/* Is the key in the slot of the first priority that keys have? */
static inline bool order_is_first(const struct keyshm_pool *pool, uint64_t in_use, uint32_t slot)
{
    if (!order_matters(in_use))
        return true;
    /* acquire: pairs with the release in order.c. */
    uint64_t bits =
        atomic_load_explicit(&order_plane(pool, order_first_priority(in_use))[slot / 64], memory_order_acquire);
    return (bits >> slot % 64 & 1) != 0;
}

/* The plane of the weights that has a turn in a round. */
static inline unsigned order_plane_of_round(unsigned round)
{
    return LAYOUT_WEIGHT_BITS - 1 - (unsigned)__builtin_ctz(round | 1U << (LAYOUT_WEIGHT_BITS - 1));
}

/* The keys of a priority that have a turn in the round; 0: all of them. */
static inline struct ready_filter order_filter(const struct keyshm_pool *pool, unsigned priority, unsigned round)
{
    const _Atomic uint64_t *of_priority = order_plane(pool, priority);
    return (struct ready_filter){
        .bits = of_priority,
        .more_bits = round != 0 ? order_plane(pool, LAYOUT_PRIORITIES + order_plane_of_round(round)) : of_priority,
    };
}

/* ---- for the owner of the mutex ---- */

/* A key is put in the slot, and not published yet: it gets the order that all keys have at first. */
void order_enter(const struct keyshm_pool *pool, uint32_t slot);

/* The key in the slot is no longer there. */
void order_leave(const struct keyshm_pool *pool, uint32_t slot);

/* Change the order of the key in the slot. */
void order_set(const struct keyshm_pool *pool, uint32_t slot, uint64_t order);

/* Are there limits? Picks look at them only then. */
void order_set_limited(const struct keyshm_pool *pool, bool is_limited);

/* Is the key in the slot where its order says, and is that one which keyshm writes? */
bool order_is_sound(const struct keyshm_pool *pool, uint32_t slot);

/* Is what is in use that which the keys have? */
bool order_in_use_is_sound(const struct keyshm_pool *pool);

/* The planes, the counts and what is in use, from the words. */
void order_recover(const struct keyshm_pool *pool);

#endif
