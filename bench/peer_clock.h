/* SPDX-License-Identifier: MIT */
#ifndef PEER_CLOCK_H
#define PEER_CLOCK_H

/* The clock of the peers that keep deadlines themselves. */

#include <stdint.h>
#include <time.h>

static inline int64_t peer_now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

#endif
