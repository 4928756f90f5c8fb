/* SPDX-License-Identifier: MIT */
#ifndef BURST_H
#define BURST_H

/*
 * Begin a burst (rotation.h) without making the calls that begin one: in a process that is listed, as one that has made
 * them would be, and that looks for turns that were left behind. And end it, with the turns that are left given up.
 */

#include <keyshm.h>

#include "pace.h"
#include "pool_clock.h"
#include "rotation.h"
#include "workers.h"

/* The tick of the clock in which the burst began may have ended. */
static inline void burst_go_on(const struct keyshm_pool *pool)
{
    atomic_store(&pool->local->pace, (uint64_t)PACE_BURST_CALLS << 48 | (clock_coarse_ms() & PACE_TICK_MASK));
}

static inline void burst_begin(const struct keyshm_pool *pool)
{
    workers_enter(pool, pool_now_ms(pool));
    burst_go_on(pool);
    atomic_store(&pool->local->rotations[0].next_look_ms, 0);
}

/* From 1; 0: the last claim was of a single turn, or is not in its place yet. */
static inline uint32_t burst_place_of_last_claim(const struct keyshm_pool *pool)
{
    uint64_t number = claim_unpack(atomic_load(&pool->header->model_0.cursor)).number;
    for (uint32_t place = 1; place <= LAYOUT_TURNS; place++) {
        struct claim range = claim_unpack(atomic_load(&pool->header->model_0.turns[place - 1].range));
        if (range.number == number && range.begin < range.end)
            return place;
    }
    return 0;
}

static inline uint32_t burst_turns_left(const struct keyshm_pool *pool)
{
    uint32_t left = 0;
    for (uint32_t place = 0; place < LAYOUT_TURNS; place++) {
        struct claim range = claim_unpack(atomic_load(&pool->header->model_0.turns[place].range));
        left += range.end - range.begin;
    }
    return left;
}

/* Pick those that ended processes have claimed and left, which come before a new round: this process looks for them at
 * once, not once a second. False: not all can be picked. */
static inline bool burst_take_turns_left(struct keyshm_pool *pool)
{
    struct keyshm_pick pick;
    for (int i = 0; i < 10000 && burst_turns_left(pool) > 0; i++) {
        atomic_store(&pool->local->rotations[0].next_look_ms, 0);
        if (keyshm_next(pool, &pick) < 0)
            return false;
    }
    return burst_turns_left(pool) == 0;
}

static inline void burst_end(const struct keyshm_pool *pool)
{
    atomic_store(&pool->local->pace, 0);
    rotation_leave(pool, 0);
}

#endif
