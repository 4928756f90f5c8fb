/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_POOL_CLOCK_H
#define KEYSHM_POOL_CLOCK_H

/*
 * The time of a pool: since its creation, by CLOCK_BOOTTIME, so that a cooldown goes on while the machine sleeps. It
 * begins at POOL_CLOCK_BEGIN_US, so that no time is 0.
 *
 * There is no coarse boot-time clock. Its equal is the coarse monotonic clock and the difference between the two, which
 * grows when the machine sleeps. The difference is kept in the segment, the same for all processes, and each of them
 * looks at it at its first call in a tick (pace.h). It is never too large, so the coarse time is never ahead of the
 * exact one.
 */

#include "clock.h"
#include "pool.h"

#define POOL_CLOCK_BEGIN_US UINT64_C(1000000)

/* Differences are unsigned and wrap: the boot time of the creation may be less than a second. */
static inline uint64_t pool_now_us(const struct keyshm_pool *pool)
{
    return clock_boot_us() - pool->settings.epoch_boot_us;
}

static inline uint64_t pool_now_ns(const struct keyshm_pool *pool)
{
    return clock_boot_ns() - pool->settings.epoch_boot_us * 1000;
}

/* Rounded down, as all times in milliseconds are. */
static inline uint64_t pool_now_ms(const struct keyshm_pool *pool)
{
    return pool_now_us(pool) / 1000;
}

/* What the coarse monotonic clock has said, as a time of the pool: pool_now_ms() at the last tick. The same for all
 * processes, and never goes back, so an event is never recorded earlier than the one that caused it. */
static inline uint64_t pool_ms_of_coarse(const struct keyshm_pool *pool, uint64_t coarse_ms)
{
    /* relaxed, here and below: the words order nothing. */
    return coarse_ms + atomic_load_explicit(&pool->header->pool_minus_monotonic_ms, memory_order_relaxed);
}

/* The same to the microsecond, as it is for the time of an event. */
static inline uint64_t pool_us_of_coarse(const struct keyshm_pool *pool, uint64_t coarse_us)
{
    return coarse_us + 1000 * atomic_load_explicit(&pool->header->pool_minus_monotonic_ms, memory_order_relaxed);
}

static inline uint64_t pool_coarse_us(const struct keyshm_pool *pool)
{
    return pool_us_of_coarse(pool, clock_coarse_us());
}

/* How far the coarse time can lag behind. */
static inline uint64_t pool_coarse_lag_ms(const struct keyshm_pool *pool)
{
    return pool->coarse_lag_ms;
}

/* The wall clock at a time of the pool, as it was set when somebody last looked. */
static inline uint64_t pool_unix_us(const struct keyshm_pool *pool, uint64_t time_us)
{
    return time_us + atomic_load_explicit(&pool->header->unix_minus_pool_us, memory_order_relaxed);
}

/* Rounded down. */
static inline int64_t pool_clock_ms_of_us(int64_t time_us)
{
    return time_us / 1000 - (time_us % 1000 < 0);
}

/* The pool's time minus that of the monotonic clock. The exact clock is read first: a process that is held up between
 * the two finds the difference too small, and never too large. */
static inline uint64_t pool_clock_minus_monotonic_ms(uint64_t now_us)
{
    return (uint64_t)pool_clock_ms_of_us((int64_t)(now_us - clock_monotonic_us()));
}

/* Look at the clocks: has the machine slept, or the wall clock been set? */
void pool_clock_look(const struct keyshm_pool *pool);

#endif
