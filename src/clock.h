/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CLOCK_H
#define KEYSHM_CLOCK_H

#include <stdint.h>

/* How far clock_coarse_ms() can lag behind clock_now_ms(): one tick of the slowest Linux (HZ=100). */
#define CLOCK_COARSE_LAG_MS 10

/* CLOCK_MONOTONIC in milliseconds, rounded down. */
uint64_t clock_now_ms(void);

/* The same clock as of the last tick, at a quarter of the cost: never ahead of clock_now_ms(). */
uint64_t clock_coarse_ms(void);

/* Wall-clock time in milliseconds since 1970, for people to read; nothing is decided by it. */
int64_t clock_unix_ms(void);

#endif
