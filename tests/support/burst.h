/* SPDX-License-Identifier: MIT */
#ifndef BURST_H
#define BURST_H

/* Begin a burst (rotation.h) without making the calls that begin one; and end it, with no turns claimed. */

#include "clock.h"
#include "pace.h"
#include "rotation.h"

static inline void burst_begin(const struct keyshm_pool *pool)
{
    atomic_store(&pool->local->pace, (uint64_t)PACE_BURST_CALLS << 48 | (clock_coarse_ms() & PACE_TICK_MASK));
}

static inline void burst_end(const struct keyshm_pool *pool)
{
    atomic_store(&pool->local->pace, 0);
    atomic_store(&pool->local->range, 0);
}

#endif
