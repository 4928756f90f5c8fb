/* SPDX-License-Identifier: MIT */
#ifndef BURST_H
#define BURST_H

/* Tell a process that it is in a burst (rotation.h), without so many calls; and that it is not, and has claimed nothing.
 */

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
