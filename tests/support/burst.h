/* SPDX-License-Identifier: MIT */
#ifndef BURST_H
#define BURST_H

/*
 * Begin a burst (rotation.h) without making the calls that begin one: in a process that is listed, as one that has made them would
 * be, and that looks for turns that were left behind. And end it, with the turns that are left given up.
 */

#include "pace.h"
#include "pool_clock.h"
#include "rotation.h"
#include "workers.h"

static inline void burst_begin(const struct keyshm_pool *pool)
{
    workers_enter(pool, pool_now_ms(pool));
    atomic_store(&pool->local->pace, (uint64_t)PACE_BURST_CALLS << 48 | (clock_coarse_ms() & PACE_TICK_MASK));
    atomic_store(&pool->local->next_look_ms, 0);
}

static inline void burst_end(const struct keyshm_pool *pool)
{
    atomic_store(&pool->local->pace, 0);
    rotation_leave(pool);
}

#endif
