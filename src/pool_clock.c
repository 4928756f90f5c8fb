/* SPDX-License-Identifier: MIT */
#include "pool_clock.h"

void pool_clock_look(const struct keyshm_pool *pool)
{
    struct layout_header *header = pool->header;
    uint64_t now_us = pool_now_us(pool), unix_minus_pool_us = clock_unix_us() - now_us;
    uint64_t difference_ms = pool_clock_minus_monotonic_ms(now_us);
    uint64_t known_ms = atomic_load_explicit(&header->pool_minus_monotonic_ms, memory_order_relaxed);
    int64_t set_us =
        (int64_t)(unix_minus_pool_us - atomic_load_explicit(&header->unix_minus_pool_us, memory_order_relaxed));
    /* A machine never sleeps less, so this difference only grows. When another process has changed it since, it has
     * looked, too. */
    if ((int64_t)(difference_ms - known_ms) > 0)
        atomic_compare_exchange_strong_explicit(&header->pool_minus_monotonic_ms, &known_ms, difference_ms,
                                                memory_order_relaxed, memory_order_relaxed);
    /* The two clocks are not read at once: a process may be held up in between. */
    int64_t precision_us = (int64_t)pool_coarse_lag_ms(pool) * 1000;
    if (set_us > precision_us || set_us < -precision_us)
        atomic_store_explicit(&header->unix_minus_pool_us, unix_minus_pool_us, memory_order_relaxed);
}
