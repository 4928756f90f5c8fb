/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_PACE_H
#define KEYSHM_PACE_H

/*
 * How fast this process makes calls. More than PACE_BURST_CALLS in one tick of the coarse clock (1 to 10 ms) are a burst:
 * the tick is then precise enough for every promise but an exact one, so a pick and a mark save the exact clock, and a
 * pick claims several turns at once (rotation.h).
 */

#include "pool_clock.h"
#include "process_local.h"

/* Two processes that pass something back and forth through a pipe hardly make this many calls in a tick. */
#define PACE_BURST_CALLS 1024

#define PACE_TICK_MASK ((UINT64_C(1) << 48) - 1)

/* Count this call, which is made when the coarse clock says `coarse_ms`. Is it one of a burst? Call it before that is
 * made a time of the pool: the first call in a tick looks whether the machine has slept. */
static inline bool pace_is_burst(const struct keyshm_pool *pool, uint64_t coarse_ms)
{
    struct process_local *local = pool->local;
    if (local == NULL)
        return false;
    /* relaxed, here and below: what threads overwrite of each other is a rough count. */
    uint64_t pace = atomic_load_explicit(&local->pace, memory_order_relaxed);
    uint64_t tick = coarse_ms & PACE_TICK_MASK;
    uint64_t calls = pace >> 48;
    if ((pace & PACE_TICK_MASK) != tick) {
        pool_clock_look(pool);
        calls = 0;
    }
    if (calls >= PACE_BURST_CALLS)
        return true;
    atomic_store_explicit(&local->pace, (calls + 1) << 48 | tick, memory_order_relaxed);
    return false;
}

#endif
