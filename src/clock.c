/* SPDX-License-Identifier: MIT */
#include "clock.h"

#include <time.h>

#define NS_PER_MS 1000000

static uint64_t read_ms(clockid_t clock)
{
    struct timespec time;
    /* Cannot fail: the clock exists and the pointer is good (clock_gettime(2)). */
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)(time.tv_nsec / NS_PER_MS);
}

uint64_t clock_now_ms(void)
{
    return read_ms(CLOCK_MONOTONIC);
}

uint64_t clock_coarse_ms(void)
{
    return read_ms(CLOCK_MONOTONIC_COARSE);
}

int64_t clock_unix_ms(void)
{
    return (int64_t)read_ms(CLOCK_REALTIME);
}
