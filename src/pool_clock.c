/* SPDX-License-Identifier: MIT */
#include "pool_clock.h"

/* What the difference of the wall clock may be wrong by: the two clocks are not read at once. */
#define PRECISION_US 1000

void pool_clock_look(const struct keyshm_pool *pool)
{
    struct layout_header *header = pool->header;
    uint64_t now_us = pool_now_us(pool), difference_ms = pool_clock_minus_monotonic_ms(now_us);
    uint64_t unix_minus_pool_us = clock_unix_us() - now_us;
    uint64_t known_ms = atomic_load_explicit(&header->pool_minus_monotonic_ms, memory_order_relaxed);
    int64_t set_us =
        (int64_t)(unix_minus_pool_us - atomic_load_explicit(&header->unix_minus_pool_us, memory_order_relaxed));
    /* A machine never sleeps less, so this difference only grows. When another process has changed it since, it has looked, too. */
    if ((int64_t)(difference_ms - known_ms) > 0)
        atomic_compare_exchange_strong_explicit(&header->pool_minus_monotonic_ms, &known_ms, difference_ms,
                                                memory_order_relaxed, memory_order_relaxed);
    if (set_us > PRECISION_US || set_us < -PRECISION_US)
        atomic_store_explicit(&header->unix_minus_pool_us, unix_minus_pool_us, memory_order_relaxed);
}
