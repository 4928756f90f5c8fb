/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CLOCK_H
#define KEYSHM_CLOCK_H

/* The clocks of the system (clock_gettime(2)). What a pool calls the time is in pool_clock.h. */

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_read_us(clockid_t clock)
{
    struct timespec time;
    /* Cannot fail: the clock exists and the pointer is good (clock_gettime(2)). */
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)(time.tv_nsec / 1000);
}

static inline uint64_t clock_read_ms(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)(time.tv_nsec / 1000000);
}

static inline uint64_t clock_read_ns(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Time since the system was started, the time that it slept included. */
static inline uint64_t clock_boot_ns(void)
{
    return clock_read_ns(CLOCK_BOOTTIME);
}

static inline uint64_t clock_boot_us(void)
{
    return clock_read_us(CLOCK_BOOTTIME);
}

/* The same without the time that it slept: for waiting. */
static inline uint64_t clock_monotonic_us(void)
{
    return clock_read_us(CLOCK_MONOTONIC);
}

static inline uint64_t clock_monotonic_ms(void)
{
    return clock_read_ms(CLOCK_MONOTONIC);
}

/* clock_monotonic_ms() at the kernel's last tick, for a quarter of the cost; never ahead of it. */
static inline uint64_t clock_coarse_ms(void)
{
    return clock_read_ms(CLOCK_MONOTONIC_COARSE);
}

static inline uint64_t clock_coarse_us(void)
{
    return clock_read_us(CLOCK_MONOTONIC_COARSE);
}

/* How far the coarse clock can lag behind, rounded up. A tick is handled late now and then, so twice its length: 1.5
 * ticks were measured. */
static inline uint64_t clock_coarse_lag_ms(void)
{
    struct timespec tick;
    clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
    return ((uint64_t)tick.tv_nsec * 2 + 999999) / 1000000;
}

/* Wall-clock time since 1970, for people to read; nothing is decided by it. */
static inline uint64_t clock_unix_us(void)
{
    return clock_read_us(CLOCK_REALTIME);
}

#endif
