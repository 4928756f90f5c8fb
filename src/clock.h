/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CLOCK_H
#define KEYSHM_CLOCK_H

#include <stdint.h>
#include <time.h>

/* How far clock_coarse_ms() can lag behind clock_now_ms(): one tick of the slowest Linux (HZ=100). */
#define CLOCK_COARSE_LAG_MS 10

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

/* CLOCK_MONOTONIC in milliseconds, rounded down. */
static inline uint64_t clock_now_ms(void)
{
    return clock_read_ms(CLOCK_MONOTONIC);
}

/* The same clock at its last tick, for a quarter of the cost; never ahead of clock_now_ms(). */
static inline uint64_t clock_coarse_ms(void)
{
    return clock_read_ms(CLOCK_MONOTONIC_COARSE);
}

/* clock_coarse_ms() in microseconds: the time of an event. It is the same for all processes and never goes back, so an
 * event is never recorded earlier than the one that caused it. */
static inline uint64_t clock_coarse_us(void)
{
    return clock_read_us(CLOCK_MONOTONIC_COARSE);
}

/* Time since the system was started, suspension included, as /proc counts the age of processes. */
static inline uint64_t clock_boot_ms(void)
{
    return clock_read_ms(CLOCK_BOOTTIME);
}

/* Wall-clock time since 1970, for people to read; nothing is decided by it. */
static inline int64_t clock_unix_ms(void)
{
    return (int64_t)clock_read_ms(CLOCK_REALTIME);
}

static inline int64_t clock_unix_us(void)
{
    return (int64_t)clock_read_us(CLOCK_REALTIME);
}

#endif
